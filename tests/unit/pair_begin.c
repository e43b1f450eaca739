/*
 * Passive pairs whose beginning or windows the tap saw only in part.
 */
#include "tests/unit/copies.h"

#define MS ((int64_t)1000)

static void
end(void)
{
	CU_ASSERT_EQUAL(copies.dir[0].wrong + copies.dir[1].wrong, 0);
	CU_ASSERT_EQUAL(copies.dir[0].disorder + copies.dir[1].disorder, 0);
	CU_ASSERT_TRUE(copies_end());
}

static void
bytes_behind_a_lost_synack_that_come_again_are_no_gap(void)
{
	copies_begin(NULL);
	copies_syn(0);
	copies_segment(0, TCP_ACK, 0, 0, 300);
	copies_segment(1, TCP_ACK, 88, 300, 88);	/* the first 88 are lost on their way */
	copies_segment(0, TCP_ACK, 300, 0, 0);
	copies_wait(200 * MS);
	CU_ASSERT_EQUAL(copies.dir[1].bytes, 0);
	copies_segment(1, TCP_ACK, 0, 300, 88);
	copies_segment(0, TCP_ACK, 300, 176, 0);
	CU_ASSERT_EQUAL(copies.dir[1].bytes, 176);
	CU_ASSERT_EQUAL(copies.dir[1].n_gaps, 0);
	CU_ASSERT_EQUAL(copies_stats()->late_arrivals, 0);
	end();
}

static void
bytes_missing_behind_a_lost_synack_are_a_gap(void)
{
	copies_begin(NULL);
	copies_syn(0);
	copies_segment(0, TCP_ACK, 0, 0, 300);
	copies_segment(1, TCP_ACK, 88, 300, 88);
	copies_segment(0, TCP_ACK, 300, 176, 0);
	copies_wait(50 * MS);
	CU_ASSERT_EQUAL_FATAL(copies.dir[1].n_gaps, 1);
	CU_ASSERT_EQUAL(copies.dir[1].gap[0].off, 0);
	CU_ASSERT_EQUAL(copies.dir[1].gap[0].len, 88);
	CU_ASSERT_EQUAL(copies.dir[1].bytes, 88);
	end();
}

/* The ACKs that moved the window were not seen; the next one is. */
static void
bytes_beyond_a_stale_window_are_taken_when_the_acks_catch_up(void)
{
	int64_t off;

	copies_begin(NULL);
	copies.window = 500;
	copies.shift = 0;
	copies_handshake();
	copies_segment(0, TCP_ACK, 0, 0, 500);
	for (off = 500; off < 3000; off += 500)
		copies_segment(0, TCP_ACK, off, 0, 500);
	CU_ASSERT_EQUAL(copies_stats()->out_of_window, 4);
	CU_ASSERT_EQUAL(copies.dir[0].bytes, 1000);
	copies_segment(1, TCP_ACK, 0, 3000, 0);
	copies_wait(50 * MS);
	CU_ASSERT_EQUAL(copies.dir[0].bytes, 3000);
	CU_ASSERT_EQUAL(copies.dir[0].n_gaps, 0);
	end();
}

static void
bytes_that_no_end_accepts_are_let_go(void)
{
	int64_t off;

	copies_begin(NULL);
	copies.window = 500;
	copies.shift = 0;
	copies_handshake();
	copies_segment(0, TCP_ACK, 0, 0, 500);
	copies_segment(1, TCP_ACK, 0, 500, 0);
	for (off = 100000; off < 300000; off += 500)
		copies_altered(0, TCP_ACK, off, 0, 500, 0x66, false);
	CU_ASSERT_EQUAL(copies_stats()->out_of_window, 400);
	CU_ASSERT_TRUE(copies_stats()->n_held <= 65);
	copies_wait(2500 * MS);
	CU_ASSERT_EQUAL(copies_stats()->n_held, 0);
	copies_segment(0, TCP_ACK, 500, 0, 500);
	copies_segment(1, TCP_ACK, 0, 1000, 0);
	copies_wait(2500 * MS);
	CU_ASSERT_EQUAL(copies.dir[0].bytes, 1000);
	CU_ASSERT_EQUAL(copies.dir[0].n_gaps, 0);
	end();
}

TEAM_MAIN(pair_begin, TAP_CHECK(S11, bytes_behind_a_lost_synack_that_come_again_are_no_gap),
	  TAP_CHECK(S11, bytes_missing_behind_a_lost_synack_are_a_gap),
	  TAP_TEST(bytes_beyond_a_stale_window_are_taken_when_the_acks_catch_up),
	  TAP_TEST(bytes_that_no_end_accepts_are_let_go))
