/*
 * What a gap is: how far it goes, and why.
 */
#include "tests/unit/lib/passive.h"

enum { HEADERS = 54 };

/* --- how far --- */

static void
lose_the_second_thousand(void)
{
	passive_begin();
	SEGMENT(0, 1000);
	ACKED(2000);
	copies_wait(5000 * MS);
}

static void
lose_twice(void)
{
	lose_the_second_thousand();
	ACKED(2500);
	copies_wait(60000 * MS);
	SEGMENT(4000, 500);	/* [2500, 4000) is lost, too */
	ACKED(4500);
	copies_wait(50 * MS);
	CU_ASSERT_EQUAL(copies.dir[0].n_gaps, 1);
	passive_expect_gap(0, 1000, 3000, TCPTERM_GAP_LOST_IN_TAP);
	tcpterm_flow_info(copies_flow(), copies.leg);
	CU_ASSERT_EQUAL(copies.leg[0].gaps, 1);
	CU_ASSERT_EQUAL(copies.leg[0].gap_bytes, 3000);
	CU_ASSERT_EQUAL(copies_stats()->gaps, 1);
	SEGMENT(2400, 200);
	CU_ASSERT_EQUAL(copies_stats()->late_arrivals, 200);
	passive_end();
}

static void
losses_decided_long_after_each_other_are_one_gap(void)
{
	passive_awake_and_at_rest(lose_twice);
}

static void
lose_the_last(void)
{
	lose_the_second_thousand();
	CU_ASSERT_EQUAL(copies_stats()->gap_bytes, 1000);
	CU_ASSERT_EQUAL(copies.dir[0].n_gaps, 0);
	copies_wait(4000000 * MS);
	CU_ASSERT_EQUAL(copies.why, TCPTERM_END_IDLE);
	CU_ASSERT_EQUAL(copies.dir[0].n_gaps, 1);
	passive_expect_gap(0, 1000, 1000, TCPTERM_GAP_LOST_IN_TAP);
	CU_ASSERT_EQUAL(copies.dir[0].end, 2000);
	passive_end();
}

static void
gap_that_nothing_follows_is_told_at_the_end(void)
{
	passive_awake_and_at_rest(lose_the_last);
}

static void
gap_across_the_wrap_is_exact(void)
{
	copies_begin(NULL);
	copies.isn[0] = (uint32_t)-1501;
	copies_handshake();
	SEGMENT(0, 1000);
	SEGMENT(2000, 1000);	/* numbers 500 on; [1000, 2000) wraps */
	ACKED(3000);
	copies_wait(50 * MS);
	CU_ASSERT_EQUAL(copies.dir[0].n_gaps, 1);
	passive_expect_gap(0, 1000, 1000, TCPTERM_GAP_LOST_IN_TAP);
	CU_ASSERT_EQUAL(copies.dir[0].bytes, 2000);
	passive_end();
}

/* The tap is blind while `hole` bytes pass. */
static void
pass_unseen(uint64_t hole)
{
	copies_begin(NULL);
	copies.shift = 14;
	copies_handshake();
	SEGMENT(0, 1000);
	ACKED(1000);
	SEGMENT(1000 + (int64_t)hole, 500);
	ACKED(1500 + (int64_t)hole);
	SEGMENT(1500 + (int64_t)hole, 500);
	ACKED(2000 + (int64_t)hole);
	copies_wait(50 * MS);
}

static void
holes_of_a_gigabyte_are_exact(void)
{
	static const uint64_t holes[] = { (1u << 30) - 1, 1u << 30, (1u << 30) + 1, 2000000000 };
	unsigned i;

	for (i = 0; i < RTE_DIM(holes); i++) {
		pass_unseen(holes[i]);
		CU_ASSERT_EQUAL(copies.dir[0].n_gaps, 1);
		passive_expect_gap(0, 1000, holes[i], TCPTERM_GAP_LOST_IN_TAP);
		CU_ASSERT_EQUAL(copies.dir[0].bytes, 2000);
		/* Up to the largest window it fits; beyond it, an ACK has to say so. */
		CU_ASSERT_EQUAL(copies_stats()->out_of_window, holes[i] >= 1u << 30);
		passive_end();
	}
}

static void
hole_of_a_gigabyte_in_one_direction_alone_is_exact(void)
{
	static const int64_t holes[] = { (1u << 30) - 1, 1u << 30, 2000000000 };
	unsigned i, k;

	for (i = 0; i < RTE_DIM(holes); i++) {
		copies_begin(NULL);
		copies_syn(0);
		SEGMENT(0, 1000);
		copies_wait(20 * MS);
		for (k = 0; k < 100; k++) {
			SEGMENT(1000 + holes[i] + 500 * k, 500);
			copies_wait(5 * MS);
		}
		CU_ASSERT_EQUAL(copies.dir[0].n_gaps, 1);
		passive_expect_gap(0, 1000, (uint64_t)holes[i], TCPTERM_GAP_LOST_IN_TAP);
		CU_ASSERT_EQUAL(copies.dir[0].bytes, 51000);
		passive_end();
	}
}

/* Beyond that its length is not known: what follows is another flow's, from its own start. */
static void
after_a_hole_of_two_gigabytes_another_flow_begins(void)
{
	static const uint64_t holes[] = { (1u << 31) + 1, 3000000000u, 0xf0000000u };
	unsigned i, both;

	for (i = 0; i < RTE_DIM(holes); i++)
		for (both = 0; both < 2; both++) {
			const int64_t at = 1000 + (int64_t)holes[i], back = both ? at : 0;

			copies_begin(NULL);
			copies_handshake();
			SEGMENT(0, 1000);
			ACKED(1000);
			copies_segment(0, TCP_ACK, at, back, 500);
			copies_segment(1, TCP_ACK, back, at + 500, 0);
			copies_segment(0, TCP_ACK, at + 500, back, 500);
			CU_ASSERT_EQUAL(copies.n_ended, 1);
			CU_ASSERT_EQUAL(copies.why, TCPTERM_END_RESYNC);
			CU_ASSERT_EQUAL(copies.n_new, 2);
			CU_ASSERT_EQUAL(copies.dir[0].bytes, 1000);
			CU_ASSERT_EQUAL(copies.dir[0].n_gaps, 0);
			CU_ASSERT_TRUE(copies_stats()->out_of_window >= 1);
			copies.dir[0].next = 0;		/* of the other one */
			copies_wait(50 * MS);
			CU_ASSERT_EQUAL(copies.dir[0].bytes, 1500);
			CU_ASSERT_EQUAL(copies.dir[0].next, 500);
			CU_ASSERT_EQUAL(copies_flow()->start, TCPTERM_START_MIDSTREAM);
			copies.dir[1].next = 0;
			copies_wait(4000000 * MS);
			CU_ASSERT_TRUE(copies_end());
		}
}

static void
nobody_who_repeats_the_past_ends_a_flow(void)
{
	unsigned i;

	copies_begin(NULL);
	copies_handshake();
	for (i = 0; i < 4; i++) {
		SEGMENT(1000 * i, 1000);
		ACKED(1000 * (i + 1));
	}
	for (i = 0; i < 10; i++)
		SEGMENT((int64_t)3000000000u + 100 * i, 100);
	copies_segment(1, TCP_ACK, 0, 4000, 0);
	SEGMENT(4000, 1000);
	CU_ASSERT_EQUAL(copies.n_ended, 0);
	CU_ASSERT_EQUAL(copies.dir[0].bytes, 5000);
	passive_end();
}

static void
direction_alone_goes_on_as_another_flow_after_two_gigabytes(void)
{
	unsigned k;

	copies_begin(NULL);
	copies_syn(0);
	SEGMENT(0, 1000);
	copies_wait(20 * MS);
	for (k = 0; k < 10; k++)
		SEGMENT(3000000000ll + 500 * k, 500);
	CU_ASSERT_EQUAL(copies.why, TCPTERM_END_RESYNC);
	copies.dir[0].next = 0;
	copies_wait(50 * MS);
	CU_ASSERT_EQUAL(copies.dir[0].bytes, 1000 + 7 * 500);
	CU_ASSERT_EQUAL(copies.dir[0].n_gaps, 0);
	copies.dir[0].wrong = 0;	/* of the other flow's offsets */
	passive_end();
}

/* --- why --- */

static void
bytes_beyond_the_snap_length_were_not_captured(void)
{
	unsigned i;

	passive_begin();
	copies.snap = HEADERS + 100;
	for (i = 0; i < 10; i++) {
		SEGMENT(1000 * i, 1000);
		CU_ASSERT_EQUAL(copies.dir[0].bytes, 100 * (i + 1));
	}
	ACKED(10000);
	copies_segment(0, TCP_ACK | TCP_FIN, 10000, 0, 0);
	CU_ASSERT_EQUAL(copies.dir[0].n_gaps, 10);
	for (i = 0; i < 10; i++)
		passive_expect_gap(i, 1000 * i + 100, 900, TCPTERM_GAP_NOT_CAPTURED);
	ACKED(10001);
	CU_ASSERT_EQUAL(copies.dir[0].end, 10000);
	passive_end();
}

static void
headers_alone_are_one_gap(void)
{
	unsigned i;

	passive_begin();
	ACKED(0);	/* the first window that is scaled */
	copies.snap = HEADERS;
	for (i = 0; i < 1000; i++)
		SEGMENT(1460 * i, 1460);
	copies_segment(0, TCP_ACK | TCP_FIN, 1460000, 0, 0);
	CU_ASSERT_EQUAL(copies.dir[0].n_gaps, 1);
	passive_expect_gap(0, 0, 1460000, TCPTERM_GAP_NOT_CAPTURED);
	CU_ASSERT_EQUAL(copies.dir[0].bytes, 0);
	passive_end();
}

static void
lost_and_cut_bytes_side_by_side_have_a_reason_each(void)
{
	passive_begin();
	copies.snap = HEADERS + 500;
	SEGMENT(0, 1000);
	SEGMENT(2000, 1000);	/* [1000, 2000) is lost */
	ACKED(3000);
	copies_wait(50 * MS);
	SEGMENT(3000, 10);
	CU_ASSERT_EQUAL(copies.dir[0].n_gaps, 3);
	passive_expect_gap(0, 500, 500, TCPTERM_GAP_NOT_CAPTURED);
	passive_expect_gap(1, 1000, 1000, TCPTERM_GAP_LOST_IN_TAP);
	passive_expect_gap(2, 2500, 500, TCPTERM_GAP_NOT_CAPTURED);
	CU_ASSERT_EQUAL(copies.dir[0].bytes, 1010);
	passive_end();
}

static void
bytes_of_another_segment_take_the_place_of_cut_ones(void)
{
	unsigned o;

	for (o = 0; o < TCPTERM_N_OVERLAPS; o++) {
		copies_begin(NULL);
		copies.overlap = (uint8_t)o;
		copies_handshake();
		copies.snap = HEADERS + 500;
		SEGMENT(1000, 2000);	/* [1500, 3000) is cut */
		SEGMENT(1500, 400);
		SEGMENT(2000, 600);	/* [2500, 2600) is cut again */
		SEGMENT(0, 500);
		SEGMENT(500, 500);
		ACKED(3000);
		copies_wait(50 * MS);
		SEGMENT(3000, 10);
		ACKED(3010);
		CU_ASSERT_EQUAL(copies.dir[0].n_gaps, 2);
		passive_expect_gap(0, 1900, 100, TCPTERM_GAP_NOT_CAPTURED);
		passive_expect_gap(1, 2500, 500, TCPTERM_GAP_NOT_CAPTURED);
		CU_ASSERT_EQUAL(copies.dir[0].bytes, 2410);
		CU_ASSERT_EQUAL(copies.n_conflicts, 0);
		passive_end();
	}
}

static void
bytes_of_frames_that_were_dropped_here_say_so(void)
{
	passive_begin();
	SEGMENT(0, 1000);
	copies.missed = true;
	SEGMENT(1000, 500);
	SEGMENT(1500, 500);
	copies_segment(0, TCP_RST, 2000, 0, 10);
	SEGMENT(300000000, 500);	/* nobody would have taken it */
	copies.client_port++;
	SEGMENT(0, 500);		/* of no flow */
	copies.client_port--;
	copies.missed = false;
	SEGMENT(2000, 500);
	CU_ASSERT_EQUAL(copies.dir[0].n_gaps, 1);
	passive_expect_gap(0, 1000, 1000, TCPTERM_GAP_OWN_DROP);
	CU_ASSERT_EQUAL(copies.dir[0].bytes, 1500);
	CU_ASSERT_EQUAL(copies.n_new, 1);
	passive_end();
}

/* What was dropped here comes before what it follows. */
static void
dropped_frame_waits_for_what_is_before_it(void)
{
	passive_begin();
	copies.missed = true;
	SEGMENT(1000, 500);
	copies.missed = false;
	copies_wait(5 * MS);
	SEGMENT(0, 1000);
	SEGMENT(1500, 500);
	CU_ASSERT_EQUAL(copies.dir[0].n_gaps, 1);
	passive_expect_gap(0, 1000, 500, TCPTERM_GAP_OWN_DROP);
	CU_ASSERT_EQUAL(copies.dir[0].bytes, 1500);
	passive_end();
}

TEAM_MAIN(gaps, TAP_CHECK(S10, losses_decided_long_after_each_other_are_one_gap),
	  TAP_TEST(gap_that_nothing_follows_is_told_at_the_end),
	  TAP_CHECK(S10, gap_across_the_wrap_is_exact),
	  TAP_CHECK(S10, holes_of_a_gigabyte_are_exact),
	  TAP_TEST(hole_of_a_gigabyte_in_one_direction_alone_is_exact),
	  TAP_TEST(after_a_hole_of_two_gigabytes_another_flow_begins),
	  TAP_TEST(nobody_who_repeats_the_past_ends_a_flow),
	  TAP_TEST(direction_alone_goes_on_as_another_flow_after_two_gigabytes),
	  TAP_CHECK(S10, bytes_beyond_the_snap_length_were_not_captured),
	  TAP_TEST(headers_alone_are_one_gap),
	  TAP_CHECK(S10, bytes_of_frames_that_were_dropped_here_say_so),
	  TAP_TEST(dropped_frame_waits_for_what_is_before_it),
	  TAP_TEST(lost_and_cut_bytes_side_by_side_have_a_reason_each),
	  TAP_TEST(bytes_of_another_segment_take_the_place_of_cut_ones))
