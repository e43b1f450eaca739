/*
 * One direction of a passive pair: order, holes, evidence, overlap, budgets.
 */
#include "tests/unit/lib/passive.h"

static void
bytes_in_order_are_delivered_at_once(void)
{
	passive_begin();
	SEGMENT(0, 1000);
	CU_ASSERT_EQUAL(copies.dir[0].bytes, 1000);
	SEGMENT(1000, 460);
	CU_ASSERT_EQUAL(copies.dir[0].bytes, 1460);
	passive_end();
}

static void
reordered_and_repeated_bytes_come_once_and_in_order(void)
{
	passive_begin();
	SEGMENT(1000, 1000);
	SEGMENT(3000, 500);
	SEGMENT(500, 700);
	CU_ASSERT_EQUAL(copies.dir[0].bytes, 0);
	SEGMENT(0, 600);
	SEGMENT(0, 600);
	CU_ASSERT_EQUAL(copies.dir[0].bytes, 2000);
	SEGMENT(1500, 2500);
	CU_ASSERT_EQUAL(copies.dir[0].bytes, 4000);
	CU_ASSERT_EQUAL(copies.dir[0].n_gaps, 0);
	CU_ASSERT_EQUAL(copies.n_conflicts, 0);
	passive_end();
}

/* S10 */
static void
gap_is_said_one_allowance_after_the_ack_passed_it(void)
{
	int64_t acked_at;

	passive_begin();
	SEGMENT(0, 1000);
	SEGMENT(2460, 1460);
	copies_wait(50 * MS);
	CU_ASSERT_EQUAL(copies.dir[0].n_gaps, 0);
	ACKED(3920);
	acked_at = copies.now.v;
	copies_wait(9 * MS);
	CU_ASSERT_EQUAL(copies.dir[0].n_gaps, 0);
	copies_wait(100 * MS);
	CU_ASSERT_EQUAL_FATAL(copies.dir[0].n_gaps, 1);
	passive_expect_gap(0, 1000, 1460, TCPTERM_GAP_LOST_IN_TAP);
	CU_ASSERT_TRUE(copies.dir[0].gap[0].at >= acked_at + 10 * MS);
	CU_ASSERT_TRUE(copies.dir[0].gap[0].at <= acked_at + 11 * MS);
	CU_ASSERT_EQUAL(copies.dir[0].bytes, 1000 + 1460);
	CU_ASSERT_EQUAL(copies.dir[1].n_gaps, 0);
	/* What comes now is too late. */
	SEGMENT(1000, 1460);
	CU_ASSERT_EQUAL(copies_stats()->late_arrivals, 1460);
	CU_ASSERT_EQUAL(copies.dir[0].bytes, 1000 + 1460);
	passive_end();
}

static void
hole_without_evidence_becomes_a_gap_at_the_deadline(void)
{
	int64_t came;

	passive_begin();
	SEGMENT(0, 1000);
	ACKED(1000);
	SEGMENT(2460, 1460);
	came = copies.now.v;
	copies_wait(1999 * MS);
	CU_ASSERT_EQUAL(copies.dir[0].n_gaps, 0);
	copies_wait(10 * MS);
	CU_ASSERT_EQUAL_FATAL(copies.dir[0].n_gaps, 1);
	CU_ASSERT_TRUE(copies.dir[0].gap[0].at >= came + 2000 * MS);
	CU_ASSERT_TRUE(copies.dir[0].gap[0].at <= came + 2001 * MS);
	passive_end();
}

static void
two_adjacent_losses_are_one_gap(void)
{
	passive_begin();
	SEGMENT(0, 1000);
	/* 1000 and 2000 are lost; the ACK of the first comes long before the second's. */
	SEGMENT(3000, 1000);
	ACKED(2000);
	copies_wait(40 * MS);
	CU_ASSERT_EQUAL(copies.dir[0].n_gaps, 0);
	ACKED(4000);
	copies_wait(40 * MS);
	CU_ASSERT_EQUAL_FATAL(copies.dir[0].n_gaps, 1);
	passive_expect_gap(0, 1000, 2000, TCPTERM_GAP_LOST_IN_TAP);
	passive_end();
}

static void
bytes_that_come_within_the_allowance_fill_the_hole(void)
{
	passive_begin();
	SEGMENT(1000, 1000);
	ACKED(2000);
	copies_wait(9 * MS);
	SEGMENT(0, 1000);
	copies_wait(5000 * MS);
	CU_ASSERT_EQUAL(copies.dir[0].n_gaps, 0);
	CU_ASSERT_EQUAL(copies.dir[0].bytes, 2000);
	passive_end();
}

/* S10b */
static void
acks_that_overtake_their_bytes_make_no_gap(void)
{
	int64_t off;

	passive_begin();
	for (off = 0; off < 300; off++) {
		ACKED(off * 7 + 7);
		copies_wait(5 * MS);
		SEGMENT(off * 7, 7);
		copies_wait(1 * MS);
	}
	for (off = 2100; off < 2300; off++) { /* one byte each, as a terminal sends them */
		ACKED(off + 1);
		copies_wait(5 * MS);
		SEGMENT(off, 1);
	}
	copies_wait(3000 * MS);
	CU_ASSERT_EQUAL(copies.dir[0].n_gaps, 0);
	CU_ASSERT_EQUAL(copies.dir[0].bytes, 2300);
	CU_ASSERT_EQUAL(copies_stats()->late_arrivals, 0);
	passive_end();
}

static void
forged_ack_far_ahead_hides_nothing(void)
{
	passive_begin();
	SEGMENT(0, 1000);
	ACKED(1000);
	ACKED(1000 + 200000000); /* beyond every window */
	ACKED(1000 + 500000);	 /* within it, but of nothing that was seen */
	copies_wait(20 * MS);
	ACKED(1000);
	copies_wait(5000 * MS);
	SEGMENT(1000, 1000);
	ACKED(2000);
	copies_wait(5000 * MS);
	CU_ASSERT_EQUAL(copies.dir[0].n_gaps, 0);
	CU_ASSERT_EQUAL(copies.dir[0].bytes, 2000);
	CU_ASSERT_EQUAL(copies_stats()->late_arrivals, 0);
	CU_ASSERT_EQUAL(copies_stats()->ack_suspicious, 2);
	passive_end();
}

static void
suspicion_counts_when_the_sender_goes_on_past_it(void)
{
	passive_begin();
	SEGMENT(0, 1000);
	ACKED(2000); /* [1000, 2000) was not seen */
	copies_wait(1000 * MS);
	CU_ASSERT_EQUAL(copies.dir[0].n_gaps, 0);
	SEGMENT(2000, 500);
	copies_wait(12 * MS);
	CU_ASSERT_EQUAL_FATAL(copies.dir[0].n_gaps, 1);
	CU_ASSERT_EQUAL(copies.dir[0].gap[0].len, 1000);
	CU_ASSERT_EQUAL(copies.dir[0].bytes, 1500);
	passive_end();
}

static void
suspicion_counts_at_the_deadline(void)
{
	passive_begin();
	SEGMENT(0, 1000);
	ACKED(2000);
	copies_wait(1999 * MS);
	CU_ASSERT_EQUAL(copies_stats()->gaps, 0);
	copies_wait(2 * MS);
	CU_ASSERT_EQUAL(copies_stats()->gaps, 1);
	SEGMENT(2000, 10);	/* it ends here: it is told */
	CU_ASSERT_EQUAL_FATAL(copies.dir[0].n_gaps, 1);
	CU_ASSERT_EQUAL(copies.dir[0].gap[0].len, 1000);
	passive_end();
}

static void
suspicion_counts_at_the_fin(void)
{
	passive_begin();
	SEGMENT(0, 1000);
	ACKED(2000);
	copies_wait(100 * MS);
	copies_segment(0, TCP_FIN | TCP_ACK, 2000, 0, 0);
	copies_wait(12 * MS);
	CU_ASSERT_EQUAL_FATAL(copies.dir[0].n_gaps, 1);
	CU_ASSERT_EQUAL(copies.dir[0].gap[0].len, 1000);
	ACKED(2001);
	CU_ASSERT_EQUAL(copies.dir[0].n_ends, 1);
	CU_ASSERT_EQUAL(copies.dir[0].end, 2000);
	passive_end();
}

static void
one_side_alone_is_judged_by_200_ms_of_progress(void)
{
	int64_t off = 2000;
	unsigned i;

	copies_begin(NULL);
	copies_syn(0);
	copies_wait(5 * MS);
	SEGMENT(0, 1000);
	copies_wait(11 * MS);
	SEGMENT(2000, 100);
	for (i = 0; i < 19; i++) {
		copies_wait(10 * MS);
		SEGMENT(off += 100, 100);
	}
	CU_ASSERT_EQUAL(copies.dir[0].n_gaps, 0);
	for (i = 0; i < 3; i++) {
		copies_wait(10 * MS);
		SEGMENT(off += 100, 100);
	}
	CU_ASSERT_EQUAL(copies.dir[0].n_gaps, 1);
	CU_ASSERT_EQUAL(copies.dir[0].gap[0].reason, TCPTERM_GAP_LOST_IN_TAP);
	passive_end();
}

static void
one_side_alone_is_judged_by_a_megabyte_of_progress(void)
{
	const struct tcpterm_passive_conf roomy = { .budget_bytes = 2 << 20 };
	int64_t off = 2000;
	unsigned i;

	copies_begin(&roomy);
	copies_syn(0);
	SEGMENT(0, 1000);
	copies_wait(11 * MS);
	for (i = 0; i < 800; i++, off += 1460)
		SEGMENT(off, 1460);
	CU_ASSERT_EQUAL(copies.dir[0].n_gaps, 0);
	copies_wait(11 * MS);
	CU_ASSERT_EQUAL(copies.dir[0].n_gaps, 1);
	CU_ASSERT_EQUAL(copies.dir[0].gap[0].reason, TCPTERM_GAP_LOST_IN_TAP);
	CU_ASSERT_EQUAL(copies.dir[0].gap[0].len, 1000);
	passive_end();
}

/* The receiver has it, but a copy may still be on its way: the allowance has not passed. */
static void
gap_that_only_the_budget_asked_for_says_so(void)
{
	const struct tcpterm_passive_conf c = { .n_segments = 10 };
	unsigned i;

	copies_begin(&c);
	copies_handshake();
	SEGMENT(100, 10);
	ACKED(110);
	for (i = 0; i < 10; i++)
		SEGMENT(110 + 10 * i, 10);
	CU_ASSERT_EQUAL_FATAL(copies.dir[0].n_gaps, 1);
	CU_ASSERT_EQUAL(copies.dir[0].gap[0].len, 100);
	CU_ASSERT_EQUAL(copies.dir[0].gap[0].reason, TCPTERM_GAP_BUDGET);
	passive_end();
}

static void
budget_of_segments_and_bytes_is_kept(void)
{
	const struct tcpterm_passive_conf c = { .n_segments = 10, .budget_bytes = 5000 };
	unsigned i;

	copies_begin(&c);
	copies_handshake();
	for (i = 0; i < 11; i++)
		SEGMENT(100 + 20 * i, 10);
	CU_ASSERT_EQUAL_FATAL(copies.dir[0].n_gaps, 1);
	passive_expect_gap(0, 0, 100, TCPTERM_GAP_BUDGET);
	SEGMENT(1000, 4000);
	SEGMENT(5100, 4000);
	CU_ASSERT_TRUE(copies.dir[0].bytes >= 4000);
	CU_ASSERT_TRUE(copies_stats()->n_held < 64 + 16);
	passive_end();
}

/* S13 */
static void
first_of_two_versions_is_delivered_and_both_are_shown(void)
{
	passive_begin();
	SEGMENT(1000, 100);
	copies_altered(0, TCP_ACK, 1040, 0, 20, 0x55, false); /* against held bytes */
	copies_altered(0, TCP_ACK, 950, 0, 60, 0xaa, false);  /* 950..999 are new */
	CU_ASSERT_EQUAL(copies.n_conflicts, 2);
	CU_ASSERT_EQUAL(copies.conflict[0].off, 1040);
	CU_ASSERT_EQUAL(copies.conflict[0].len, 20);
	CU_ASSERT_EQUAL(copies.conflict[0].was, copies_byte(0, 1040));
	CU_ASSERT_EQUAL(copies.conflict[0].came, copies_byte(0, 1040) ^ 0x55);
	CU_ASSERT_EQUAL(copies.conflict[1].off, 1000);
	CU_ASSERT_EQUAL(copies.conflict[1].len, 10);
	SEGMENT(0, 1000);
	CU_ASSERT_EQUAL(copies.dir[0].bytes, 1100);
	CU_ASSERT_EQUAL(copies.dir[0].wrong, 50);
	copies.dir[0].wrong = 0;
	/* The right bytes for 950..999 differ from what was held. */
	CU_ASSERT_EQUAL(copies.n_conflicts, 3);
	/* Against delivered bytes, while nobody has acknowledged them. */
	copies_altered(0, TCP_ACK, 0, 0, 500, 1, false);
	CU_ASSERT_EQUAL(copies.n_conflicts, 4);
	CU_ASSERT_EQUAL(copies.conflict[3].shown, 256);
	CU_ASSERT_EQUAL(copies_stats()->conflicts, 4);
	/* Equal bytes are no conflict. */
	SEGMENT(0, 950);
	CU_ASSERT_EQUAL(copies.n_conflicts, 4);
	passive_end();
}

static void
keepalive_byte_is_no_byte_of_the_stream(void)
{
	passive_begin();
	SEGMENT(0, 1000);
	ACKED(1000);
	copies_wait(5000 * MS);
	copies_altered(0, TCP_ACK, 999, 0, 1, 0xff, false);
	CU_ASSERT_EQUAL(copies_stats()->keepalives, 1);
	CU_ASSERT_EQUAL(copies.n_conflicts, 0);
	/* Nor does it fill a hole: [1000, 2000) is lost, and its last byte probed. */
	ACKED(2000);
	copies_wait(1000 * MS);
	copies_altered(0, TCP_ACK, 1999, 0, 1, 0xff, false);
	CU_ASSERT_EQUAL(copies_stats()->keepalives, 2);
	copies_wait(3000 * MS);
	CU_ASSERT_EQUAL(copies_stats()->gap_bytes, 1000);
	SEGMENT(2000, 10);
	CU_ASSERT_EQUAL_FATAL(copies.dir[0].n_gaps, 1);
	CU_ASSERT_EQUAL(copies.dir[0].gap[0].len, 1000);
	passive_end();
}

static void
bad_checksum_is_ignored_and_counted(void)
{
	passive_begin();
	copies_altered(0, TCP_ACK, 0, 0, 100, 0x10, true);
	CU_ASSERT_EQUAL(copies_stats()->bad_cksum, 1);
	CU_ASSERT_EQUAL(copies.dir[0].bytes, 0);
	SEGMENT(0, 100);
	CU_ASSERT_EQUAL(copies.dir[0].bytes, 100);
	passive_end();
}

static void
window_without_a_known_scale_rejects_no_bytes(void)
{
	copies_begin(NULL);
	copies.window = 100;
	copies_segment(0, TCP_ACK, 0, 0, 10); /* mid-stream: no SYN was seen */
	ACKED(10);
	copies_wait(20 * MS);
	SEGMENT(10, 60000);
	CU_ASSERT_EQUAL(copies.dir[0].bytes, 60010);
	passive_end();
}

static void
bytes_far_beyond_the_window_are_ignored(void)
{
	passive_begin_narrow(1000);
	SEGMENT(50000, 100);
	CU_ASSERT_EQUAL(copies_stats()->out_of_window, 1);
	SEGMENT(0, 100);
	copies_wait(3000 * MS);
	CU_ASSERT_EQUAL(copies.dir[0].n_gaps, 0);
	passive_end();
}

static void
blind_time_longer_than_a_window_is_one_gap(void)
{
	passive_begin_narrow(1000);
	SEGMENT(0, 500);
	ACKED(500);
	/* 100,000 bytes and their ACKs pass unseen. */
	SEGMENT(100500, 500);
	ACKED(101000);
	SEGMENT(101000, 500);
	ACKED(101500);
	copies_wait(50 * MS);
	CU_ASSERT_EQUAL_FATAL(copies.dir[0].n_gaps, 1);
	passive_expect_gap(0, 500, 100000, TCPTERM_GAP_LOST_IN_TAP);
	CU_ASSERT_EQUAL(copies.dir[0].bytes, 1500);
	passive_end();
}

/* S10: a stream of 5 GB whose numbers wrap, with gaps, keeps exact offsets. */
static void
five_gigabytes_keep_exact_offsets(void)
{
	const uint64_t total = 5ull << 30;
	const uint32_t len = 64000;
	uint64_t off, lost = 0, n = 0;

	passive_begin();
	ACKED(0); /* the first window that is scaled */
	for (off = 0; off < total; off += len, n++) {
		if (n % 1000 == 999)
			lost++;
		else
			SEGMENT((int64_t)off, len);
		if (n % 16 == 15) {
			ACKED((int64_t)(off + len));
			copies_wait(11 * MS);
		}
	}
	copies_wait(50 * MS);
	CU_ASSERT_EQUAL(copies.dir[0].n_gaps, lost);
	CU_ASSERT_EQUAL(copies.dir[0].bytes, off - lost * len);
	CU_ASSERT_EQUAL(copies.dir[0].next, off);
	CU_ASSERT_EQUAL(copies.dir[0].gap[lost - 1].off % len, 0);
	passive_end();
}

TEAM_MAIN(half, TAP_TEST(bytes_in_order_are_delivered_at_once),
	  TAP_TEST(reordered_and_repeated_bytes_come_once_and_in_order),
	  TAP_CHECK(S10, gap_is_said_one_allowance_after_the_ack_passed_it),
	  TAP_CHECK(S10, hole_without_evidence_becomes_a_gap_at_the_deadline),
	  TAP_CHECK(S10, two_adjacent_losses_are_one_gap),
	  TAP_TEST(bytes_that_come_within_the_allowance_fill_the_hole),
	  TAP_CHECK(S10b, acks_that_overtake_their_bytes_make_no_gap),
	  TAP_CHECK(S10b, forged_ack_far_ahead_hides_nothing),
	  TAP_TEST(suspicion_counts_when_the_sender_goes_on_past_it),
	  TAP_TEST(suspicion_counts_at_the_deadline), TAP_TEST(suspicion_counts_at_the_fin),
	  TAP_TEST(one_side_alone_is_judged_by_200_ms_of_progress),
	  TAP_TEST(one_side_alone_is_judged_by_a_megabyte_of_progress),
	  TAP_TEST(budget_of_segments_and_bytes_is_kept),
	  TAP_TEST(gap_that_only_the_budget_asked_for_says_so),
	  TAP_CHECK(S13, first_of_two_versions_is_delivered_and_both_are_shown),
	  TAP_TEST(keepalive_byte_is_no_byte_of_the_stream),
	  TAP_TEST(bad_checksum_is_ignored_and_counted),
	  TAP_TEST(window_without_a_known_scale_rejects_no_bytes),
	  TAP_TEST(bytes_far_beyond_the_window_are_ignored),
	  TAP_TEST(blind_time_longer_than_a_window_is_one_gap),
	  TAP_CHECK(S10, five_gigabytes_keep_exact_offsets))
