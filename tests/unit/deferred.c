/*
 * SYNs whose decision comes later: held once, decided or expired, never answered meanwhile
 * (check S5).
 */
#include <string.h>

#include "tests/unit/lib/lone.h"

static void
deferred_syn_asks_once_and_takes_every_decision(void)
{
	static const enum tcpterm_decision late[] = { TCPTERM_ACCEPT,  TCPTERM_RELAY,
						      TCPTERM_PASSIVE, TCPTERM_TRACK,
						      TCPTERM_PASS,    TCPTERM_RESET,
						      TCPTERM_SILENT,  TCPTERM_DROP };
	static const unsigned frames[] = { 1, 1, 0, 1, 1, 1, 0, 0 };
	static const enum tcpterm_kind kinds[] = { TCPTERM_KIND_CONN,	 TCPTERM_KIND_EMBRYO,
						   TCPTERM_KIND_PASSIVE, TCPTERM_KIND_TRACK,
						   TCPTERM_KIND_PASS,	 TCPTERM_KIND_NONE,
						   TCPTERM_KIND_NONE,	 TCPTERM_KIND_DROP };

	for (unsigned i = 0; i < RTE_DIM(late); i++) {
		const struct tcpterm_verdict v = { .decision = late[i], .copy = true };

		lone_begin(TCPTERM_DEFER);
		lone.verdict.defer_us = 60LL * LONE_SECOND;
		for (unsigned n = 0; n < 6; n++) {
			lone_syn(&lone_qinq);
			lone_wait(LONE_SECOND);
		}
		CU_ASSERT_EQUAL(lone.n_asked, 1);
		CU_ASSERT_EQUAL(lone.n_out, 0);
		CU_ASSERT_EQUAL(tcpterm_drops(lone.stack)->n[DROP_embryo_held], 5);
		CU_ASSERT_EQUAL(tcpterm_decide(lone.stack, lone_flow(), &v), 0);
		tcpterm_run(lone.stack, lone.now);
		CU_ASSERT_EQUAL(lone.n_out, frames[i]);
		CU_ASSERT_EQUAL(lone_flow() ? lone_flow()->kind : TCPTERM_KIND_NONE, kinds[i]);
		/* what the filter attached first is still attached */
		CU_ASSERT_TRUE(!lone_flow() || lone_flow()->cookie == 77);
		CU_ASSERT_EQUAL(tcpterm_stats(lone.stack)->n_deferred, 0);
		CU_ASSERT_EQUAL(lone.n_asked, 1);
		lone_end();
	}
}

static void
deferral_ends_at_its_deadline_by_the_configured_decision(void)
{
	static const enum tcpterm_decision then[] = {
		TCPTERM_RESET, TCPTERM_SILENT, TCPTERM_DEFER,
		TCPTERM_PASS,  TCPTERM_ACCEPT, TCPTERM_TRACK
	};
	static const unsigned frames[] = { 1, 0, 0, 1, 1, 1 };

	for (unsigned i = 0; i < RTE_DIM(then); i++) {
		lone_begin(TCPTERM_DEFER);
		lone.verdict.defer_us = 2LL * LONE_SECOND;
		lone.verdict.on_expiry = then[i];
		lone_syn(&lone_qinq);
		lone_wait(2LL * LONE_SECOND - 5000);
		CU_ASSERT_EQUAL(lone.n_out, 0);
		CU_ASSERT_EQUAL(tcpterm_stats(lone.stack)->embryos_expired, 0);
		lone_wait(10000);
		CU_ASSERT_EQUAL(lone.n_out, frames[i]);
		CU_ASSERT_EQUAL(tcpterm_stats(lone.stack)->embryos_expired, 1);
		lone_end();
	}
}

/* SYNs that a tuple each begins: client ports from 1 on. */
static void
feed_tuples(unsigned n)
{
	struct lone_segment g = { .flags = TCP_SYN, .seq = 1000 };

	for (unsigned i = 0; i < n; i++) {
		g.sport = (uint16_t)(1 + i);
		lone_feed(&g);
	}
}

static void
held_syns_have_a_cap_beyond_which_the_deadlines_decision_holds(void)
{
	const struct tcpterm_conf conf = { .n_flows = 256, .n_deferred = 10 };
	struct tcpterm_bounds b;

	lone_begin_with(&conf, 2047, TCPTERM_DEFER);
	lone.verdict.defer_us = 60LL * LONE_SECOND;
	lone.verdict.on_expiry = TCPTERM_RESET;
	feed_tuples(100);	/* more than 12 for each of the stacks */
	CU_ASSERT_EQUAL(lone.n_asked, 100);
	for (unsigned k = 0; k < lone.team.n; k++)
		CU_ASSERT_EQUAL(tcpterm_stats(lone.team.stack[k])->n_deferred_peak, 10);
	tcpterm_bounds(lone.stack, &b);
	CU_ASSERT_EQUAL(b.n_deferred, 10);
	for (unsigned k = 0; k < lone.team.n; k++)
		CU_ASSERT_EQUAL(tcpterm_stats(lone.team.stack[k])->n_deferred, 10);
	CU_ASSERT_EQUAL(lone_stats().deferrals_refused, 100 - 10 * lone.team.n);
	CU_ASSERT_EQUAL_FATAL(lone.n_out, 100 - 10 * lone.team.n);
	CU_ASSERT_EQUAL(lone.out[1].flags, TCP_RST | TCP_ACK);
	lone_end();
}

/* A held SYN is an mbuf that no device can receive into. */
static void
held_syns_take_no_more_mbufs_than_may_be_held(void)
{
	const struct tcpterm_conf conf = { .n_flows = 256, .n_held_max = 20 };

	lone_begin_with(&conf, 2047, TCPTERM_DEFER);
	lone.verdict.defer_us = 60LL * LONE_SECOND;
	lone.verdict.on_expiry = TCPTERM_SILENT;
	feed_tuples(60);	/* of the 20, each of the stacks may hold its share */
	CU_ASSERT_EQUAL(pool_in_use(lone.pools.frames), 20);
	CU_ASSERT_EQUAL(lone_stats().deferrals_refused, 40);
	lone_end();
}

static void
closed_listener_returns_ten_thousand_deferrals_and_answers_none(void)
{
	const struct tcpterm_conf conf = { .n_flows = 16384,
					   .n_deferred = 10000,
					   .n_held_max = 12000 };

	lone_begin_with(&conf, 16383, TCPTERM_DEFER);
	lone.verdict.defer_us = 5LL * LONE_SECOND;
	lone.verdict.on_expiry = TCPTERM_RESET;
	feed_tuples(10000);
	CU_ASSERT_EQUAL(pool_in_use(lone.pools.frames), 10000);
	CU_ASSERT_EQUAL(lone_stats().n_deferred, 10000);
	CU_ASSERT_EQUAL(team_unlisten(&lone.team, lone.listener), 0);
	CU_ASSERT_EQUAL(pool_in_use(lone.pools.frames), 0);
	CU_ASSERT_EQUAL(lone_drops(DROP_listener_closed), 10000);
	CU_ASSERT_EQUAL(lone_stats().n_held, 0);
	CU_ASSERT_EQUAL(lone_stats().n_deferred, 0);
	lone_wait(60LL * LONE_SECOND);
	CU_ASSERT_EQUAL(lone.n_out, 0);
	CU_ASSERT_PTR_NULL(lone_flow());
	lone_end();
}

static void
late_decision_relays_no_signed_syn(void)
{
	const struct tcpterm_verdict v = { .decision = TCPTERM_RELAY };
	const struct lone_segment g = { .flags = TCP_SYN, .seq = 1000 };
	struct rte_mbuf *m;

	lone_begin(TCPTERM_DEFER);
	lone.verdict.defer_us = 5LL * LONE_SECOND;
	m = lone_frame(&g);
	/* RFC 5925, as short as it gets, instead of the MSS */
	memcpy(rte_pktmbuf_mtod_offset(m, uint8_t *, 54), "\x1d\x04\x01\x01", 4);
	m->ol_flags |= RTE_MBUF_F_RX_L4_CKSUM_GOOD;
	lone_put(m, 0);
	CU_ASSERT_EQUAL(tcpterm_decide(lone.stack, lone_flow(), &v), 0);
	CU_ASSERT_EQUAL_FATAL(lone_flow()->kind, TCPTERM_KIND_PASS);
	lone_end();
}

TEAM_MAIN(deferred, TAP_CHECK(S5, deferred_syn_asks_once_and_takes_every_decision),
	  TAP_CHECK(S5, deferral_ends_at_its_deadline_by_the_configured_decision),
	  TAP_CHECK(S5, held_syns_have_a_cap_beyond_which_the_deadlines_decision_holds),
	  TAP_CHECK(S5, held_syns_take_no_more_mbufs_than_may_be_held),
	  TAP_CHECK(S5, closed_listener_returns_ten_thousand_deferrals_and_answers_none),
	  TAP_TEST(late_decision_relays_no_signed_syn))
