/*
 * Connections that are reset from between their ends, and flows that move down the ladder.
 */
#include <errno.h>

#include "tests/unit/lib/chain.h"
#include "tests/unit/lib/ends.h"
#include "tests/unit/tap.h"

enum { MB = 1024 * 1024, MS = 1000, SECOND = 1000000 };

static void
begin(struct chain *c, enum tcpterm_decision d, uint64_t up, uint64_t down, int64_t us)
{
	chain_init(c, NULL);
	c->verdict.decision = d;
	c->app[CHAIN_CLIENT].to_send = up;
	c->app[CHAIN_SERVER].to_send = down;
	chain_connect(c);
	chain_run(c, us, chain_never);
}

static void
check_both_reset(struct chain *c)
{
	CU_ASSERT_TRUE(c->app[CHAIN_CLIENT].closed);
	CU_ASSERT_TRUE(c->app[CHAIN_SERVER].closed);
	CU_ASSERT_EQUAL(c->app[CHAIN_CLIENT].why, TCPTERM_END_RST);
	CU_ASSERT_EQUAL(c->app[CHAIN_SERVER].why, TCPTERM_END_RST);
	CU_ASSERT_EQUAL(c->n_ended, 1);
	CU_ASSERT_EQUAL(c->ended, TCPTERM_END_ABORTED);
}

/* Both ends are idle: the first RST has to be right. */
static void
idle_ends_believe_the_reset(void)
{
	static const enum tcpterm_decision kinds[] = { TCPTERM_TRACK, TCPTERM_RELAY };

	for (unsigned i = 0; i < 2; i++) {
		struct chain c;

		begin(&c, kinds[i], 1000, 3000, 2 * SECOND);
		CU_ASSERT_TRUE(chain_connected(&c));
		CU_ASSERT_EQUAL(tcpterm_reset(c.stack[CHAIN_RELAY], chain_flow(&c)), 0);
		chain_run(&c, 20 * MS, chain_never);
		check_both_reset(&c);
		chain_fini(&c);
	}
}

/* At any moment of a connection's life. */
static void
ends_are_reset_at_every_moment(void)
{
	static const enum tcpterm_decision kinds[] = { TCPTERM_TRACK, TCPTERM_RELAY };

	for (unsigned i = 0; i < 2; i++) {
		for (int64_t at = 17 * MS; at < 400 * MS; at += 3700) {
			struct chain c;

			begin(&c, kinds[i], 4 * MB, 4 * MB, at);
			CU_ASSERT_PTR_NOT_NULL_FATAL(chain_flow(&c));
			CU_ASSERT_EQUAL(tcpterm_reset(c.stack[CHAIN_RELAY], chain_flow(&c)), 0);
			CU_ASSERT_TRUE(chain_run(&c, SECOND, chain_closed));
			CU_ASSERT_EQUAL(c.n_ended, 1);
			chain_run(&c, 10 * SECOND, chain_never);
			CU_ASSERT_PTR_NULL(chain_flow(&c));
			chain_fini(&c);
		}
	}
}

static bool
lose_all(struct chain *c, enum chain_node from, const struct pkt *p)
{
	(void)p;
	return *(int *)c->lose_ctx & 1 << from;
}

/* The RSTs are lost; what the ends send again is answered by others. */
static void
lost_reset_is_repeated_to_who_goes_on_sending(void)
{
	static const enum tcpterm_decision kinds[] = { TCPTERM_TRACK, TCPTERM_RELAY };

	for (unsigned i = 0; i < 2; i++) {
		struct chain c;
		int lost = 0;

		begin(&c, kinds[i], 64 * MB, 64 * MB, 200 * MS);
		c.lose = lose_all;
		c.lose_ctx = &lost;
		lost = 1 << CHAIN_RELAY;
		CU_ASSERT_EQUAL(tcpterm_reset(c.stack[CHAIN_RELAY], chain_flow(&c)), 0);
		chain_run(&c, 1 * MS, chain_never);
		lost = 0;
		CU_ASSERT_TRUE(chain_run(&c, 4 * SECOND, chain_closed));
		chain_fini(&c);
	}
}

static bool
lose_synacks(struct chain *c, enum chain_node from, const struct pkt *p)
{
	(void)c;
	return from == CHAIN_RELAY && p->flags & TCP_SYN && p->flags & TCP_ACK;
}

/* The client is in SYN-SENT, or established, the server in SYN-RECEIVED or without any. */
static void
handshake_is_reset_at_both_ends(void)
{
	for (int64_t at = 2 * MS; at < 20 * MS; at += MS) {
		struct chain c;

		chain_init(&c, NULL);
		c.lose = at % 2 ? lose_synacks : NULL;
		chain_connect(&c);
		chain_run(&c, 6 * MS + at, chain_never);
		CU_ASSERT_PTR_NOT_NULL_FATAL(chain_flow(&c));
		CU_ASSERT_EQUAL(tcpterm_reset(c.stack[CHAIN_RELAY], chain_flow(&c)), 0);
		chain_run(&c, 30 * MS, chain_never);
		CU_ASSERT_TRUE(c.app[CHAIN_CLIENT].closed);
		CU_ASSERT_EQUAL(tcpterm_stats(c.stack[CHAIN_SERVER])->n_flows[TCPTERM_KIND_CONN],
				0);
		chain_fini(&c);
	}
}

static void
syn_that_comes_again_after_a_reset_is_refused(void)
{
	int lost = 1 << CHAIN_RELAY;
	struct chain c;

	chain_init(&c, NULL);
	c.lose = lose_all;
	c.lose_ctx = &lost;
	chain_connect(&c);
	chain_run(&c, 6 * MS, chain_never);
	CU_ASSERT_EQUAL(tcpterm_reset(c.stack[CHAIN_RELAY], chain_flow(&c)), 0);
	chain_run(&c, 20 * MS, chain_never);
	lost = 0;
	chain_run(&c, 3 * SECOND, chain_never);
	CU_ASSERT_TRUE(c.app[CHAIN_CLIENT].closed);
	CU_ASSERT_EQUAL(c.app[CHAIN_CLIENT].why, TCPTERM_END_REFUSED);
	CU_ASSERT_FALSE(c.app[CHAIN_SERVER].established);
	chain_fini(&c);
}

/* The server was not heard before the reset: what it says after it tells how it speaks. */
static void
late_refusal_has_the_manners_of_who_spoke_since(void)
{
	static const struct ends_conf conf = { .wscale = -1 };
	const struct ends_seg syn = { .seq = -1, .flags = TCP_SYN };
	const struct ends_seg synack = { .seq = -1, .flags = TCP_SYN | TCP_ACK, .tos = 0x48 };
	static struct ends e;

	ends_init(&e, &conf, false);
	ends_send(&e, 0, &syn);
	ends_run(&e, MS);
	CU_ASSERT_EQUAL(tcpterm_reset(e.stack, ends_flow(&e)), 0);
	ends_send(&e, 1, &synack);
	ends_run(&e, MS);
	e.n_out = 0;
	ends_send(&e, 0, &syn);
	ends_run(&e, MS);
	CU_ASSERT_EQUAL_FATAL(ends_count(&e, 0, 0), 1);
	CU_ASSERT_EQUAL(ends_last(&e, 0)->flags, TCP_RST | TCP_ACK);
	CU_ASSERT_EQUAL(ends_last(&e, 0)->tos, 0x48);
	ends_fini(&e);
}

static void
one_end_is_told_and_the_other_meets_silence(void)
{
	struct chain c;

	begin(&c, TCPTERM_TRACK, 64 * MB, 64 * MB, 200 * MS);
	CU_ASSERT_EQUAL(tcpterm_reset_ends(c.stack[CHAIN_RELAY], chain_flow(&c), TCPTERM_RESPONDER,
					   TCPTERM_END_EVICTED),
			0);
	chain_run(&c, 4 * SECOND, chain_never);
	CU_ASSERT_TRUE(c.app[CHAIN_SERVER].closed);
	CU_ASSERT_FALSE(c.app[CHAIN_CLIENT].closed);
	CU_ASSERT_EQUAL(c.ended, TCPTERM_END_EVICTED);
	CU_ASSERT(tcpterm_drops(c.stack[CHAIN_RELAY])->n[DROP_reset_late] > 0);
	chain_fini(&c);
}

static void
new_connection_of_the_tuple_begins_after_a_reset(void)
{
	struct chain c;

	begin(&c, TCPTERM_TRACK, 1000, 1000, SECOND);
	CU_ASSERT_EQUAL(tcpterm_reset(c.stack[CHAIN_RELAY], chain_flow(&c)), 0);
	chain_run(&c, 20 * MS, chain_never);
	memset(c.app, 0, sizeof c.app);
	c.app[CHAIN_CLIENT].key = 3;
	chain_connect(&c);
	CU_ASSERT_TRUE(chain_run(&c, SECOND, chain_connected));
	CU_ASSERT_EQUAL(chain_flow(&c)->kind, TCPTERM_KIND_TRACK);
	chain_fini(&c);
}

static void
killed_connection_of_the_library_says_closed(void)
{
	struct chain c;

	begin(&c, TCPTERM_PASS, 1000, 1000, SECOND);
	tcpterm_kill(c.stack[CHAIN_SERVER], c.app[CHAIN_SERVER].f, TCPTERM_END_EVICTED);
	CU_ASSERT_TRUE(c.app[CHAIN_SERVER].closed);
	CU_ASSERT_EQUAL(c.app[CHAIN_SERVER].why, TCPTERM_END_EVICTED);
	CU_ASSERT_PTR_NULL(c.app[CHAIN_SERVER].f);
	chain_run(&c, 20 * MS, chain_never);
	CU_ASSERT_EQUAL(c.app[CHAIN_CLIENT].why, TCPTERM_END_RST);
	chain_fini(&c);
}

static void
what_has_no_numbers_is_only_forgotten(void)
{
	uint64_t made;
	struct chain c;

	begin(&c, TCPTERM_PASS, 1000, 1000, SECOND);
	made = tcpterm_stats(c.stack[CHAIN_RELAY])->segments_out;
	CU_ASSERT_EQUAL(tcpterm_reset(c.stack[CHAIN_RELAY], chain_flow(&c)), -EOPNOTSUPP);
	CU_ASSERT_EQUAL(c.n_ended, 0);
	tcpterm_kill(c.stack[CHAIN_RELAY], chain_flow(&c), TCPTERM_END_ABORTED);
	CU_ASSERT_PTR_NULL(chain_flow(&c));
	CU_ASSERT_EQUAL(tcpterm_stats(c.stack[CHAIN_RELAY])->segments_out, made);
	chain_fini(&c);
}

/* --- down the ladder --- */

static void
ladder_leads_down_only(void)
{
	struct chain c;

	begin(&c, TCPTERM_PASS, 1000, 1000, SECOND);
	CU_ASSERT_EQUAL(tcpterm_demote(c.stack[CHAIN_RELAY], chain_flow(&c), TCPTERM_TRACK),
			-EINVAL);
	CU_ASSERT_EQUAL(tcpterm_demote(c.stack[CHAIN_RELAY], chain_flow(&c), TCPTERM_RELAY),
			-EINVAL);
	CU_ASSERT_EQUAL(tcpterm_demote(c.stack[CHAIN_RELAY], chain_flow(&c), TCPTERM_PASS),
			-EINVAL);
	CU_ASSERT_EQUAL(tcpterm_demote(c.stack[CHAIN_RELAY], chain_flow(&c), TCPTERM_DROP), 0);
	CU_ASSERT_EQUAL(chain_flow(&c)->kind, TCPTERM_KIND_DROP);
	CU_ASSERT_EQUAL(c.n_ended, 0);
	chain_fini(&c);
}

static void
go_on_with_more(struct chain *c)
{
	c->app[CHAIN_CLIENT].to_send += MB;
	c->app[CHAIN_SERVER].to_send += MB;
	c->app[CHAIN_CLIENT].close_after = c->app[CHAIN_SERVER].close_after = true;
	CU_ASSERT_TRUE(chain_run(c, 60 * SECOND, chain_closed));
	CU_ASSERT_EQUAL(c->app[CHAIN_SERVER].received, c->app[CHAIN_CLIENT].to_send);
	CU_ASSERT_EQUAL(c->app[CHAIN_CLIENT].received, c->app[CHAIN_SERVER].to_send);
	CU_ASSERT_EQUAL(c->app[CHAIN_CLIENT].wrong + c->app[CHAIN_SERVER].wrong, 0);
}

static void
relay_that_holds_nothing_steps_down_and_its_stream_goes_on(void)
{
	static const enum tcpterm_decision to[] = { TCPTERM_TRACK, TCPTERM_PASS };

	for (unsigned i = 0; i < 2; i++) {
		struct chain c;

		begin(&c, TCPTERM_RELAY, MB, MB, 5 * SECOND);
		CU_ASSERT_EQUAL(tcpterm_demote(c.stack[CHAIN_RELAY], chain_flow(&c), to[i]), 0);
		CU_ASSERT_EQUAL(chain_flow(&c)->kind, i ? TCPTERM_KIND_PASS : TCPTERM_KIND_TRACK);
		CU_ASSERT_EQUAL(chain_flow(&c)->start, TCPTERM_START_SYN);
		go_on_with_more(&c);
		if (i == 0)
			CU_ASSERT_EQUAL(c.ended, TCPTERM_END_FIN);
		chain_fini(&c);
	}
}

static bool
is_tracked(const struct chain *c)
{
	struct flow *f = chain_flow((struct chain *)(uintptr_t)c);

	return f && f->kind == TCPTERM_KIND_TRACK;
}

static bool
is_half_way(const struct chain *c)
{
	return c->app[CHAIN_SERVER].received > MB / 2;
}

static void
relay_that_holds_bytes_steps_down_when_it_does_not(void)
{
	struct chain c;

	begin(&c, TCPTERM_RELAY, MB, MB, 0);
	CU_ASSERT_TRUE(chain_run(&c, SECOND, is_half_way));
	CU_ASSERT_EQUAL(tcpterm_demote(c.stack[CHAIN_RELAY], chain_flow(&c), TCPTERM_TRACK),
			-EAGAIN);
	CU_ASSERT_EQUAL(chain_flow(&c)->kind, TCPTERM_KIND_RELAY);
	CU_ASSERT_TRUE(chain_run(&c, 10 * SECOND, is_tracked));
	go_on_with_more(&c);
	chain_fini(&c);
}

static void
relay_that_stepped_down_can_be_reset(void)
{
	struct chain c;

	begin(&c, TCPTERM_RELAY, 1000, 3000, 2 * SECOND);
	CU_ASSERT_EQUAL(tcpterm_demote(c.stack[CHAIN_RELAY], chain_flow(&c), TCPTERM_TRACK), 0);
	CU_ASSERT_EQUAL(tcpterm_reset(c.stack[CHAIN_RELAY], chain_flow(&c)), 0);
	chain_run(&c, 20 * MS, chain_never);
	check_both_reset(&c);
	chain_fini(&c);
}

static void
dropped_flow_is_swallowed_from_then_on(void)
{
	static const enum tcpterm_decision from[] = { TCPTERM_RELAY, TCPTERM_TRACK };

	for (unsigned i = 0; i < 2; i++) {
		uint64_t received;
		struct chain c;

		begin(&c, from[i], 64 * MB, 0, 200 * MS);
		CU_ASSERT_EQUAL(tcpterm_demote(c.stack[CHAIN_RELAY], chain_flow(&c), TCPTERM_DROP),
				0);
		chain_run(&c, 6 * MS, chain_never);
		received = c.app[CHAIN_SERVER].received;
		chain_run(&c, 5 * SECOND, chain_never);
		CU_ASSERT_EQUAL(c.app[CHAIN_SERVER].received, received);
		CU_ASSERT_FALSE(c.app[CHAIN_CLIENT].closed);
		CU_ASSERT(tcpterm_drops(c.stack[CHAIN_RELAY])->n[DROP_policy] > 0);
		chain_fini(&c);
	}
}

TAP_MAIN(reset, TAP_TEST(idle_ends_believe_the_reset), TAP_TEST(ends_are_reset_at_every_moment),
	 TAP_TEST(lost_reset_is_repeated_to_who_goes_on_sending),
	 TAP_TEST(handshake_is_reset_at_both_ends),
	 TAP_TEST(syn_that_comes_again_after_a_reset_is_refused),
	 TAP_TEST(late_refusal_has_the_manners_of_who_spoke_since),
	 TAP_TEST(one_end_is_told_and_the_other_meets_silence),
	 TAP_TEST(new_connection_of_the_tuple_begins_after_a_reset),
	 TAP_TEST(killed_connection_of_the_library_says_closed),
	 TAP_TEST(what_has_no_numbers_is_only_forgotten), TAP_TEST(ladder_leads_down_only),
	 TAP_TEST(relay_that_holds_nothing_steps_down_and_its_stream_goes_on),
	 TAP_TEST(relay_that_holds_bytes_steps_down_when_it_does_not),
	 TAP_TEST(relay_that_stepped_down_can_be_reset),
	 TAP_TEST(dropped_flow_is_swallowed_from_then_on))
