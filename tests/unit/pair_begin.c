/*
 * Passive pairs whose beginning or windows the tap saw only in part.
 */
#include "tests/unit/lib/passive.h"

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
	passive_end();
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
	passive_end();
}

/* The ACKs that moved the window were not seen; the next one is. */
static void
bytes_beyond_a_stale_window_are_taken_when_the_acks_catch_up(void)
{
	int64_t off;

	passive_begin_narrow(500);
	copies_segment(0, TCP_ACK, 0, 0, 500);
	for (off = 500; off < 3000; off += 500)
		copies_segment(0, TCP_ACK, off, 0, 500);
	CU_ASSERT_EQUAL(copies_stats()->out_of_window, 4);
	CU_ASSERT_EQUAL(copies.dir[0].bytes, 1000);
	copies_segment(1, TCP_ACK, 0, 3000, 0);
	copies_wait(50 * MS);
	CU_ASSERT_EQUAL(copies.dir[0].bytes, 3000);
	CU_ASSERT_EQUAL(copies.dir[0].n_gaps, 0);
	passive_end();
}

static void
bytes_that_no_end_accepts_are_let_go(void)
{
	int64_t off;

	passive_begin_narrow(500);
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
	passive_end();
}

static void
connection_within_one_burst_is_whole(void)
{
	copies_begin(NULL);
	copies.gather = true;
	copies_handshake();
	copies_segment(0, TCP_ACK | TCP_PSH, 0, 0, 300);
	copies_segment(1, TCP_ACK, 0, 300, 2000);
	copies_close(300, 2000);
	copies.gather = false;
	copies_wait(1 * MS);
	CU_ASSERT_EQUAL(copies.dir[0].bytes, 300);
	CU_ASSERT_EQUAL(copies.dir[1].bytes, 2000);
	CU_ASSERT_EQUAL(copies.dir[0].n_gaps + copies.dir[1].n_gaps, 0);
	CU_ASSERT_EQUAL(copies.n_new, 1);
	CU_ASSERT_EQUAL(copies.why, TCPTERM_END_FIN);
	passive_end();
}

static void
exchange_and_close(void)
{
	copies_segment(0, TCP_ACK, 0, 0, 300);
	copies_segment(1, TCP_ACK, 0, 300, 2000);
	copies_segment(0, TCP_ACK, 300, 2000, 0);
	copies_close(300, 2000);
	CU_ASSERT_EQUAL(copies.why, TCPTERM_END_FIN);
	CU_ASSERT_EQUAL(copies.start, TCPTERM_START_SYN);
	CU_ASSERT_EQUAL(copies.dir[0].n_gaps + copies.dir[1].n_gaps, 0);
}

/* Each end sends a SYN; then the client acknowledges, and the server by this segment. */
static void
answer_a_syn_by_a_syn(uint16_t flags, int64_t off)
{
	copies_begin(NULL);
	copies_syn(0);
	copies_segment(1, TCP_SYN, -1, 0, 0);
	copies_segment(0, TCP_SYN | TCP_ACK, -1, 0, 0);
	copies_segment(1, flags, off, 0, 0);
	exchange_and_close();
	CU_ASSERT_EQUAL(copies.dir[0].bytes, 300);
	CU_ASSERT_EQUAL(copies.dir[1].bytes, 2000);
	CU_ASSERT_EQUAL(copies.n_new, 1);
	passive_end();
}

static void
simultaneous_open_is_whole(void)
{
	answer_a_syn_by_a_syn(TCP_SYN | TCP_ACK, -1);
}

static void
handshake_of_four_segments_is_whole(void)
{
	answer_a_syn_by_a_syn(TCP_ACK, 0);
}

static void
tuple_taken_anew_over_time_wait_is_another_flow(void)
{
	passive_begin();
	exchange_and_close();
	copies_wait(1000 * MS);
	copies.isn[0] += 70000;
	copies.isn[1] += 80000;
	copies.dir[0].next = copies.dir[1].next = 0;
	copies_handshake();
	exchange_and_close();
	CU_ASSERT_EQUAL(copies.n_new, 2);
	CU_ASSERT_EQUAL(copies.n_ended, 2);
	CU_ASSERT_EQUAL(copies.dir[0].bytes, 600);
	CU_ASSERT_EQUAL(copies.dir[1].bytes, 4000);
	passive_end();
}

static void
bytes_of_a_valid_reset_are_no_stream(void)
{
	passive_begin();
	copies_segment(0, TCP_ACK, 0, 0, 300);
	copies_segment(1, TCP_RST | TCP_ACK, 0, 300, 40);
	CU_ASSERT_EQUAL(copies.why, TCPTERM_END_RST);
	CU_ASSERT_EQUAL(copies.dir[1].bytes, 0);
	CU_ASSERT_EQUAL(copies.dir[0].bytes, 300);
	passive_end();
}

static void
bytes_in_a_syn_that_nobody_answers_are_its_stream(void)
{
	copies_begin(NULL);
	copies_syn(60);
	CU_ASSERT_EQUAL(copies.dir[0].bytes, 0);
	copies_wait(3700000 * MS);
	CU_ASSERT_EQUAL(copies.n_ended, 1);
	CU_ASSERT_EQUAL(copies.dir[0].bytes, 60);
	CU_ASSERT_EQUAL(copies.dir[0].n_gaps, 0);
	passive_end();
	/* An answer that does not acknowledge them: they were refused. */
	copies_begin(NULL);
	copies_syn(60);
	copies_synack(0);
	copies_wait(3700000 * MS);
	CU_ASSERT_EQUAL(copies.dir[0].bytes, 0);
	passive_end();
}

static void
close_unseen(void)
{
	copies_begin(NULL);
	copies_synack(0);
	copies_segment(1, TCP_ACK, 0, 81, 0);
	copies_segment(1, TCP_ACK | TCP_PSH, 0, 81, 259);
	copies_segment(1, TCP_ACK | TCP_FIN, 259, 82, 0);
	copies_wait(3700000 * MS);
	CU_ASSERT_EQUAL(copies.leg[0].stream_bytes, 81);
	CU_ASSERT_EQUAL(copies.leg[1].stream_bytes, 259);
	CU_ASSERT_EQUAL(copies.dir[0].n_gaps, 0);
	passive_end();
}

static void
fin_of_a_direction_that_is_not_seen_is_no_byte(void)
{
	passive_awake_and_at_rest(close_unseen);
}

TEAM_MAIN(pair_begin, TAP_CHECK(S11, bytes_behind_a_lost_synack_that_come_again_are_no_gap),
	  TAP_CHECK(S11, bytes_missing_behind_a_lost_synack_are_a_gap),
	  TAP_TEST(bytes_beyond_a_stale_window_are_taken_when_the_acks_catch_up),
	  TAP_TEST(bytes_that_no_end_accepts_are_let_go),
	  TAP_CHECK(S9, connection_within_one_burst_is_whole),
	  TAP_CHECK(S11, simultaneous_open_is_whole),
	  TAP_CHECK(S11, handshake_of_four_segments_is_whole),
	  TAP_CHECK(S11, tuple_taken_anew_over_time_wait_is_another_flow),
	  TAP_CHECK(S12, bytes_of_a_valid_reset_are_no_stream),
	  TAP_TEST(bytes_in_a_syn_that_nobody_answers_are_its_stream),
	  TAP_TEST(fin_of_a_direction_that_is_not_seen_is_no_byte))
