/*
 * ECN of a relay (RFC 3168), both legs in sight: what is marked on one stays there.
 */
#include "tcpterm/relay.h"
#include "tests/unit/lib/ends.h"
#include "tests/unit/tap.h"

enum { MS = 1000, SECOND = 1000000, MSS = 1460, ECT_0 = 2, CE = 3, ECN = 3, DSCP = 0x28 };

static struct ends e;

static void
start(bool ecn)
{
	ends_init(&e, &(struct ends_conf){ .sack = true, .wscale = -1, .ecn = ecn }, true);
}

static struct conn *
leg(unsigned k)
{
	return &relay_of(ends_flow(&e))->leg[k];
}

/* The client sends `n` full segments from number `first` on, marked `tos`. */
static void
feed(unsigned first, unsigned n, uint8_t tos)
{
	for (unsigned i = first; i < first + n; i++)
		ends_send(&e, 0,
			  &(struct ends_seg){ .seq = (int64_t)i * MSS, .len = MSS, .tos = tos });
	ends_run(&e, MS);
}

static void
answer(unsigned ack, uint16_t flags)
{
	ends_send(&e, 1, &(struct ends_seg){ .ack = (int64_t)ack * MSS, .flags = flags });
	ends_run(&e, MS);
}

/* How many of the segments to `side` since output `from` have data and these flags. */
static unsigned
with_flags(unsigned from, unsigned side, uint16_t flags)
{
	unsigned n = 0;

	for (unsigned i = from; i < e.n_out; i++)
		n += e.out[i].side == side && e.out[i].len > 0 && (e.out[i].flags & flags);
	return n;
}

static void
codepoint_is_ours_and_dscp_is_the_impersonated_ends(void)
{
	for (unsigned ecn = 0; ecn < 2; ecn++) {
		unsigned n = 0;

		start(ecn);
		feed(0, 4, DSCP | CE);
		for (unsigned i = 0; i < e.n_out; i++) {
			const struct ends_out *o = &e.out[i];

			if (o->side == 1 && o->len > 0) {
				CU_ASSERT_EQUAL(o->tos, DSCP | (ecn ? ECT_0 : 0));
				n++;
			}
			if (o->len == 0)
				CU_ASSERT_EQUAL(o->tos & ECN, 0);	/* 6.1.4 */
		}
		CU_ASSERT_EQUAL(n, 4);
		ends_fini(&e);
	}
}

static void
echo_reduces_the_window_of_its_own_leg_alone(void)
{
	uint32_t before[2];
	unsigned from;

	start(true);
	feed(0, 10, ECT_0);
	before[0] = leg(0)->cc.cwnd;
	before[1] = leg(1)->cc.cwnd;
	answer(5, TCP_ACK | TCP_ECE);
	answer(10, TCP_ACK | TCP_ECE);
	CU_ASSERT_EQUAL(leg(1)->cc.ssthresh, before[1] * 7 / 10);	/* once */
	CU_ASSERT_EQUAL(leg(0)->cc.cwnd, before[0]);
	CU_ASSERT_EQUAL(leg(0)->cc.ssthresh, UINT32_MAX);
	CU_ASSERT_EQUAL(tcpterm_stats(e.stack)->ecn_reductions, 1);
	from = e.n_out;
	feed(10, 3, ECT_0);
	CU_ASSERT_EQUAL(with_flags(from, 1, TCP_CWR), 1);
	CU_ASSERT_EQUAL(with_flags(0, 0, TCP_ECE | TCP_CWR), 0);
	ends_fini(&e);
}

static void
mark_on_one_leg_is_not_seen_on_the_other(void)
{
	start(true);
	feed(0, 4, CE);
	CU_ASSERT_TRUE(ends_last(&e, 0)->flags & TCP_ECE);
	CU_ASSERT_EQUAL(with_flags(0, 1, TCP_ECE | TCP_CWR), 0);
	CU_ASSERT_EQUAL(leg(0)->cc.ssthresh, UINT32_MAX);
	CU_ASSERT_EQUAL(leg(1)->cc.ssthresh, UINT32_MAX);
	ends_fini(&e);
}

static void
what_is_sent_again_is_not_ect(void)
{
	unsigned from, n = 0;

	start(true);
	feed(0, 4, ECT_0);
	from = e.n_out;
	ends_run(&e, 3 * SECOND);
	for (unsigned i = from; i < e.n_out; i++)
		if (e.out[i].side == 1 && e.out[i].len > 0) {
			CU_ASSERT_EQUAL(e.out[i].tos & ECN, 0);		/* 6.1.5 */
			CU_ASSERT_FALSE(e.out[i].flags & TCP_CWR);
			n++;
		}
	CU_ASSERT(n >= 1);
	from = e.n_out;
	answer(4, TCP_ACK);
	feed(4, 1, ECT_0);
	CU_ASSERT_EQUAL(with_flags(from, 1, TCP_CWR), 1);	/* a timeout says CWR too */
	CU_ASSERT_EQUAL(ends_last(&e, 1)->tos & ECN, ECT_0);
	ends_fini(&e);
}

static void
flow_that_declines_it_sends_nothing_ect(void)
{
	start(true);
	leg(1)->tuning.no_ecn = true;
	feed(0, 4, ECT_0);
	CU_ASSERT_EQUAL(ends_last(&e, 1)->tos & ECN, 0);
	answer(4, TCP_ACK | TCP_ECE);
	CU_ASSERT_EQUAL(leg(1)->cc.ssthresh, UINT32_MAX);
	ends_fini(&e);
}

/* Its first SYN asked, the second does not any more, and the answer is to the first (6.1.1). */
static void
client_that_fell_back_is_done_without_it(void)
{
	const uint16_t asks = TCP_SYN | TCP_ECE | TCP_CWR;

	ends_init(&e, &(struct ends_conf){ .wscale = -1, .ecn = true }, false);
	ends_send(&e, 0, &(struct ends_seg){ .seq = -1, .flags = asks });
	ends_send(&e, 0, &(struct ends_seg){ .seq = -1, .flags = TCP_SYN });
	ends_send(&e, 0, &(struct ends_seg){ .seq = -1, .flags = asks });	/* a late copy */
	ends_send(&e, 1, &(struct ends_seg){ .seq = -1, .flags = TCP_SYN | TCP_ACK | TCP_ECE });
	ends_send(&e, 0, &(struct ends_seg){ .flags = TCP_ACK });
	ends_run(&e, MS);
	CU_ASSERT_EQUAL_FATAL(ends_flow(&e)->kind, TCPTERM_KIND_RELAY);
	feed(0, 4, 0);
	CU_ASSERT(with_flags(0, 1, TCP_ACK) > 0);
	for (unsigned i = 0; i < e.n_out; i++)
		CU_ASSERT_EQUAL(e.out[i].tos & ECN, 0);
	ends_fini(&e);
}

TAP_MAIN(ecn, TAP_TEST(codepoint_is_ours_and_dscp_is_the_impersonated_ends),
	 TAP_TEST(echo_reduces_the_window_of_its_own_leg_alone),
	 TAP_TEST(mark_on_one_leg_is_not_seen_on_the_other),
	 TAP_TEST(what_is_sent_again_is_not_ect), TAP_TEST(flow_that_declines_it_sends_nothing_ect),
	 TAP_TEST(client_that_fell_back_is_done_without_it))
