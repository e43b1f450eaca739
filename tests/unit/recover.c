/*
 * Loss, as a relay's leg repairs it towards the server, segment by segment.
 */
#include "tcpterm/relay.h"
#include "tests/unit/lib/ends.h"
#include "tests/unit/tap.h"

enum { MS = 1000, SECOND = 1000000, MSS = 1460 };

static struct ends e;

/* The client sends `n` full segments from segment number `first` on. */
static void
feed(unsigned first, unsigned n)
{
	for (unsigned i = first; i < first + n; i++)
		ends_send(&e, 0, &(struct ends_seg){ .seq = (int64_t)i * MSS, .len = MSS });
	ends_run(&e, 0);
}

/* The server acknowledges up to segment `ack`, and SACKs [left, right) if that is not empty. */
static void
answer(unsigned ack, unsigned left, unsigned right)
{
	struct ends_seg g = { .ack = (int64_t)ack * MSS };

	if (right > left) {
		g.opt.n_sack = 1;
		g.opt.sack[0].left = ENDS_ISN_CLIENT + 1 + left * MSS;
		g.opt.sack[0].right = ENDS_ISN_CLIENT + 1 + right * MSS;
	}
	ends_send(&e, 1, &g);
	ends_run(&e, 0);
}

/* How often segment `i` went to the server since output number `from`. */
static unsigned
copies(unsigned from, unsigned i)
{
	unsigned n = 0;

	for (unsigned k = from; k < e.n_out; k++)
		n += e.out[k].side == 1 && e.out[k].len > 0 && e.out[k].seq == (int64_t)i * MSS;
	return n;
}

static const struct conn *
leg(unsigned k)
{
	return &relay_of(ends_flow(&e))->leg[k];
}

static void
start(bool sack)
{
	ends_init(&e, &(struct ends_conf){ .sack = sack, .wscale = -1, .cc = "reno" }, true);
}

static void
third_duplicate_retransmits_at_once(void)
{
	unsigned before;

	start(false);
	feed(0, 10);
	ends_run(&e, 10 * MS);
	before = e.n_out;
	answer(0, 0, 0);
	answer(0, 0, 0);
	CU_ASSERT_EQUAL(copies(before, 0), 0);
	answer(0, 0, 0);
	CU_ASSERT_EQUAL(copies(before, 0), 1);	/* RFC 5681 3.2 (3) */
	ends_fini(&e);
}

/* The round trip takes no time here, nor does the reordering window. */
static void
what_was_sent_before_a_sacked_segment_is_retransmitted(void)
{
	unsigned before;

	start(true);
	feed(0, 10);
	before = e.n_out;
	answer(0, 1, 2);
	CU_ASSERT_EQUAL(copies(before, 0), 1);	/* RFC 8985 6.2 step 5 */
	answer(0, 1, 3);
	answer(0, 1, 4);
	CU_ASSERT_EQUAL(copies(before, 0), 1);
	CU_ASSERT_EQUAL(copies(before, 1), 0);
	CU_ASSERT_EQUAL(copies(before, 4), 0);
	ends_fini(&e);
}

static void
partial_acknowledgement_retransmits_the_next_hole(void)
{
	unsigned before;

	start(false);
	feed(0, 10);
	for (unsigned i = 0; i < 8; i++)	/* 0 and 5 are lost */
		answer(0, 0, 0);
	ends_run(&e, 50 * MS);		/* sooner it would be the original that came */
	before = e.n_out;
	answer(5, 0, 0);
	CU_ASSERT_EQUAL(copies(before, 5), 1);	/* RFC 6582 3.2 (3) */
	before = e.n_out;
	answer(10, 0, 0);
	CU_ASSERT_EQUAL(ends_count(&e, before, 1), 0);
	CU_ASSERT_EQUAL(leg(1)->rec.state, RECOVER_OPEN);
	ends_fini(&e);
}

/* Three round trips of 50 ms; returns cwnd. */
static uint32_t
start_far(void)
{
	start(true);
	for (unsigned i = 0; i < 3; i++) {
		feed(i, 1);
		ends_run(&e, 50 * MS);
		answer(i + 1, 0, 0);
	}
	/* The handshake took no time. */
	relay_of(ends_flow(&e))->leg[1].rtt.min = 50 * MS;
	relay_of(ends_flow(&e))->leg[1].rtt.srtt = 50 * MS;
	return leg(1)->cc.cwnd;
}

/* Its ACK comes sooner after the copy than any round trip took: what was sent first came late. */
static void
original_that_comes_late_takes_the_reduction_back(void)
{
	uint32_t cwnd;

	cwnd = start_far();
	feed(3, 8);
	ends_run(&e, 50 * MS);
	answer(3, 4, 8);
	CU_ASSERT_EQUAL(leg(1)->rec.state, RECOVER_FAST);
	CU_ASSERT(leg(1)->cc.ssthresh < cwnd);
	ends_run(&e, 10 * MS);
	answer(8, 0, 0);
	CU_ASSERT_EQUAL(leg(1)->rec.state, RECOVER_OPEN);
	CU_ASSERT_EQUAL(leg(1)->cc.ssthresh, UINT32_MAX);
	CU_ASSERT(leg(1)->cc.cwnd >= cwnd);
	ends_fini(&e);
}

/* ... and where the copy repaired it nothing is taken back. */
static void
copy_that_comes_after_a_round_trip_takes_nothing_back(void)
{
	uint32_t cwnd;

	cwnd = start_far();
	feed(3, 8);
	ends_run(&e, 50 * MS);
	answer(3, 4, 8);
	ends_run(&e, 50 * MS);
	answer(11, 0, 0);
	CU_ASSERT_EQUAL(leg(1)->rec.state, RECOVER_OPEN);
	CU_ASSERT(leg(1)->cc.ssthresh < cwnd);
	ends_fini(&e);
}

static void
sacked_segments_are_not_sent_again(void)
{
	unsigned before;

	start(true);
	feed(0, 10);
	before = e.n_out;
	answer(0, 2, 10);
	ends_run(&e, 5 * SECOND);
	for (unsigned i = 2; i < 10; i++)
		CU_ASSERT_EQUAL(copies(before, i), 0);
	CU_ASSERT(copies(before, 0) >= 1 && copies(before, 1) >= 1);
	ends_fini(&e);
}

static void
window_grows_while_a_lost_window_is_sent_again(void)
{
	unsigned rounds = 0, acked = 0, before;

	start(true);
	feed(0, 10);
	ends_run(&e, 3 * SECOND);	/* all lost: the timeout, one segment */
	while (acked < 10 && rounds < 20) {
		before = e.n_out;
		answer(++acked, 0, 0);	/* each ACK lets more than one leave */
		while (acked < 10 && copies(0, acked) >= 2)
			answer(++acked, 0, 0);
		rounds += e.n_out > before;
	}
	CU_ASSERT(leg(1)->cc.cwnd >= 4 * MSS);
	ends_fini(&e);
}

static void
timeout_forgets_its_backoff_at_the_next_acknowledgement(void)
{
	start(true);
	feed(0, 4);
	ends_run(&e, 8 * SECOND);	/* several timeouts */
	CU_ASSERT(leg(1)->rtt.backoff >= 2);
	answer(1, 0, 0);
	CU_ASSERT_EQUAL(leg(1)->rtt.backoff, 0);
	CU_ASSERT_EQUAL(usec_diff(leg(1)->rto_at, e.now), rtt_rto(&leg(1)->rtt));
	ends_fini(&e);
}

static void
window_update_is_no_duplicate(void)
{
	unsigned before;

	start(false);
	feed(0, 8);
	before = e.n_out;
	for (unsigned i = 1; i <= 4; i++) {
		ends_send(&e, 1, &(struct ends_seg){ .window = (uint16_t)(60000 + i * 500) });
		ends_run(&e, 0);
	}
	CU_ASSERT_EQUAL(copies(before, 0), 0);
	ends_fini(&e);
}

static void
peer_that_shrinks_its_window_to_zero_is_not_given_up(void)
{
	struct ends_seg zero = { .window = ENDS_ZERO };

	start(true);
	feed(0, 8);
	for (unsigned i = 0; i < 40 * 60; i++) {	/* it answers all that comes */
		unsigned before = e.n_out;

		ends_run(&e, SECOND);
		if (ends_count(&e, before, 1) > 0)
			ends_send(&e, 1, &zero);
	}
	CU_ASSERT_EQUAL(e.n_ended, 0);	/* RFC 9293 3.8.6.1 */
	ends_fini(&e);
}

static void
silent_peer_is_given_up_and_the_other_end_reset(void)
{
	start(true);
	feed(0, 8);
	ends_run(&e, 3600LL * SECOND);
	CU_ASSERT_EQUAL(e.n_ended, 1);
	CU_ASSERT_EQUAL(e.ended, TCPTERM_END_TIMEOUT);
	CU_ASSERT(ends_last(&e, 0)->flags & TCP_RST);
	ends_fini(&e);
}

TAP_MAIN(recover, TAP_TEST(third_duplicate_retransmits_at_once),
	 TAP_TEST(what_was_sent_before_a_sacked_segment_is_retransmitted),
	 TAP_TEST(partial_acknowledgement_retransmits_the_next_hole),
	 TAP_TEST(original_that_comes_late_takes_the_reduction_back),
	 TAP_TEST(copy_that_comes_after_a_round_trip_takes_nothing_back),
	 TAP_TEST(sacked_segments_are_not_sent_again),
	 TAP_TEST(window_grows_while_a_lost_window_is_sent_again),
	 TAP_TEST(timeout_forgets_its_backoff_at_the_next_acknowledgement),
	 TAP_TEST(window_update_is_no_duplicate),
	 TAP_TEST(peer_that_shrinks_its_window_to_zero_is_not_given_up),
	 TAP_TEST(silent_peer_is_given_up_and_the_other_end_reset))
