/*
 * A passive pair: starts, resets, ends, handshakes that are incomplete.
 */
#include "tests/unit/lib/passive.h"

static void
exchange(void)
{
	copies_segment(0, TCP_ACK | TCP_PSH, 0, 0, 300);
	copies_segment(1, TCP_ACK, 0, 300, 1460);
	copies_segment(1, TCP_ACK, 1460, 300, 540);
	copies_segment(0, TCP_ACK, 300, 2000, 0);
}

static void
expect_exchange(void)
{
	CU_ASSERT_EQUAL(copies.dir[0].bytes, 300);
	CU_ASSERT_EQUAL(copies.dir[1].bytes, 2000);
	CU_ASSERT_EQUAL(copies.dir[0].n_gaps + copies.dir[1].n_gaps, 0);
}

/* A tap that shows frames at two places shows the last ones twice, too. */
static void
frames_that_come_twice_are_counted_to_the_last(void)
{
	unsigned i;

	passive_begin();
	for (i = 0; i < 2; i++)
		copies_segment(0, TCP_ACK, 0, 0, 300);
	copies_close(300, 0);
	CU_ASSERT_EQUAL(copies.dir[0].n_ends, 1);
	CU_ASSERT_EQUAL(copies.n_ended, 0);
	copies_wait(100 * 1000);
	copies_close(300, 0);
	copies_wait(1900 * 1000);
	CU_ASSERT_EQUAL(copies.n_ended, 0);
	copies_wait(200 * 1000);
	CU_ASSERT_EQUAL(copies.n_ended, 1);
	CU_ASSERT_EQUAL(copies.why, TCPTERM_END_FIN);
	CU_ASSERT_EQUAL(copies.packets, 3 + 2 + 6);
	/* It lingers as others do; and nobody waits where it has to go. */
	copies_segment(0, TCP_ACK, 301, 1, 0);
	CU_ASSERT_EQUAL(copies.n_new, 1);
	CU_ASSERT_TRUE(copies_end());
	passive_begin();
	for (i = 0; i < 2; i++)
		copies_segment(0, TCP_ACK, 0, 0, 300);
	copies_close(300, 0);
	CU_ASSERT_TRUE(copies_end());
	CU_ASSERT_EQUAL(copies.n_ended, 1);
	CU_ASSERT_EQUAL(copies.why, TCPTERM_END_FIN);
}

/* S9 */
static void
both_streams_come_whole_from_syn_to_fin(void)
{
	passive_begin();
	CU_ASSERT_EQUAL(copies.n_new, 1);
	copies_segment(1, TCP_ACK, 1460, 300, 540);
	copies_segment(0, TCP_ACK, 0, 0, 300);
	copies_segment(1, TCP_ACK, 0, 300, 1460);
	copies_segment(0, TCP_ACK, 0, 0, 300);
	copies_segment(1, TCP_ACK, 0, 300, 2000);
	copies_close(300, 2000);
	copies_wait(2 * 1000 * 1000);
	expect_exchange();
	CU_ASSERT_EQUAL(copies.n_ended, 1);
	CU_ASSERT_EQUAL(copies.why, TCPTERM_END_FIN);
	CU_ASSERT_EQUAL(copies.start, TCPTERM_START_SYN);
	CU_ASSERT_EQUAL(copies.dir[0].end, 300);
	CU_ASSERT_EQUAL(copies.dir[1].end, 2000);
	CU_ASSERT_TRUE(copies.dir[0].n_ends == 1 && copies.dir[1].n_ends == 1);
	/* Segments still under way make no new flow. */
	copies_segment(1, TCP_FIN | TCP_ACK, 2000, 301, 0);
	copies_segment(0, TCP_ACK, 301, 2001, 0);
	CU_ASSERT_EQUAL(copies.n_new, 1);
	copies_wait(30000 * MS);
	copies_segment(1, TCP_FIN | TCP_ACK, 2000, 301, 0);
	CU_ASSERT_EQUAL(copies.n_new, 1);
	copies_wait(61000 * MS);
	CU_ASSERT_EQUAL(copies_stats()->n_flows[TCPTERM_KIND_PASSIVE], 0);
	passive_end();
}

static void
other_direction_goes_on_after_one_fin(void)
{
	passive_begin();
	copies_segment(0, TCP_ACK | TCP_FIN, 0, 0, 300);
	copies_segment(1, TCP_ACK, 0, 301, 0);
	CU_ASSERT_EQUAL(copies.dir[0].n_ends, 1);
	copies_wait(60000 * MS);
	copies_segment(1, TCP_ACK | TCP_FIN, 0, 301, 2000);
	CU_ASSERT_EQUAL(copies.n_ended, 0);
	copies_segment(0, TCP_ACK, 301, 2001, 0);
	expect_exchange();
	CU_ASSERT_EQUAL(copies.why, TCPTERM_END_FIN);
	passive_end();
}

/* --- starts: S11 --- */

static void
lost_synack_is_no_obstacle(void)
{
	copies_begin(NULL);
	copies_syn(0);
	copies_segment(0, TCP_ACK, 0, 0, 0);
	exchange();
	copies_wait(20 * MS);
	expect_exchange();
	copies_close(300, 2000);
	CU_ASSERT_EQUAL(copies.start, TCPTERM_START_SYN);
	CU_ASSERT_EQUAL(copies.why, TCPTERM_END_FIN);
	passive_end();
}

static void
lost_third_ack_is_no_obstacle(void)
{
	copies_begin(NULL);
	copies_syn(0);
	copies_synack(0);
	exchange();
	expect_exchange();
	copies_close(300, 2000);
	CU_ASSERT_EQUAL(copies.start, TCPTERM_START_SYN);
	passive_end();
}

static void
server_may_speak_first(void)
{
	copies_begin(NULL);
	copies_syn(0);
	copies_synack(0);
	copies_segment(1, TCP_ACK, 0, 0, 2000);
	copies_wait(20 * MS);
	CU_ASSERT_EQUAL(copies.dir[1].bytes, 2000);
	copies_segment(0, TCP_ACK, 0, 2000, 300);
	expect_exchange();
	passive_end();
}

static void
synack_before_its_syn_starts_with_the_syn(void)
{
	copies_begin(NULL);
	copies_synack(0);
	CU_ASSERT_EQUAL_FATAL(copies.n_new, 1);
	copies_syn(0);
	copies_segment(0, TCP_ACK, 0, 0, 0);
	exchange();
	expect_exchange();
	copies_close(300, 2000);
	CU_ASSERT_EQUAL(copies.n_new, 1);
	CU_ASSERT_EQUAL(copies.start, TCPTERM_START_SYN);
	passive_end();
}

static void
lost_syn_starts_with_the_synack(void)
{
	copies_begin(NULL);
	copies_synack(0);
	copies_segment(0, TCP_ACK, 0, 0, 0);
	exchange();
	expect_exchange();
	copies_close(300, 2000);
	CU_ASSERT_EQUAL(copies.start, TCPTERM_START_SYNACK);
	passive_end();
}

static void
midstream_starts_with_the_lowest_byte_of_the_first_allowance(void)
{
	copies_begin(NULL);
	/* 5000 of each were exchanged before; the second of these bytes comes first. */
	copies_segment(0, TCP_ACK, 5100, 7000, 100);
	copies_wait(2 * MS);
	copies_segment(0, TCP_ACK, 5000, 7000, 100);
	CU_ASSERT_EQUAL(copies.dir[0].bytes, 0);
	copies_wait(20 * MS);
	CU_ASSERT_EQUAL(copies.dir[0].bytes, 200);
	CU_ASSERT_EQUAL(copies.dir[0].head[0], copies_byte(0, 5000));
	copies_segment(0, TCP_ACK, 4900, 7000, 100); /* too early for this start */
	CU_ASSERT_EQUAL(copies_stats()->late_arrivals, 100);
	copies_segment(0, TCP_ACK, 5300, 7000, 100);
	copies_segment(1, TCP_ACK, 7000, 5400, 0);
	copies_wait(20 * MS);
	CU_ASSERT_EQUAL_FATAL(copies.dir[0].n_gaps, 1);
	CU_ASSERT_EQUAL(copies.dir[0].gap[0].off, 200);
	copies.dir[0].wrong = 0; /* its bytes are those of 5000 on */
	copies_wait(3700000 * MS);
	CU_ASSERT_EQUAL(copies.start, TCPTERM_START_MIDSTREAM);
	passive_end();
}

static void
midstream_start_is_not_below_what_was_acknowledged_before(void)
{
	copies_begin(NULL);
	copies_segment(1, TCP_ACK, 7000, 5000, 0);
	copies_segment(0, TCP_ACK, 4900, 7000, 150); /* sent again */
	copies_wait(20 * MS);
	CU_ASSERT_EQUAL(copies.dir[0].bytes, 50);
	CU_ASSERT_EQUAL(copies.dir[0].head[0], copies_byte(0, 5000));
	CU_ASSERT_EQUAL(copies_stats()->late_arrivals, 100);
	copies.dir[0].wrong = 0;
	passive_end();
}

static void
unseen_half_has_no_gaps_and_bytes_by_acks(void)
{
	unsigned i;

	copies_begin(NULL);
	for (i = 0; i < 50; i++) {
		copies_segment(0, TCP_ACK, 5000, 1000 + 1000 * i, 0);
		copies_wait(100 * MS);
	}
	tcpterm_flow_info(copies_flow(), copies.leg);
	CU_ASSERT_EQUAL(copies.leg[1].stream_bytes + copies.leg[0].stream_bytes, 49000);
	CU_ASSERT_EQUAL(copies.dir[0].n_gaps + copies.dir[1].n_gaps, 0);
	passive_end();
}

static void
ack_picks_one_of_several_syns(void)
{
	uint32_t isn;

	copies_begin(NULL);
	isn = copies.isn[0];
	copies_syn(0);
	copies.isn[0] = 111; /* forged, or of an older attempt */
	copies_syn(0);
	copies.isn[0] = 0x80000000;
	copies_syn(0);
	copies.isn[0] = isn;
	copies_synack(0);
	copies_segment(0, TCP_ACK, 0, 0, 0);
	exchange();
	expect_exchange();
	CU_ASSERT_EQUAL(copies.n_new, 1);
	passive_end();
}

/* RFC 7413 */
static void
bytes_in_a_syn_count_when_they_are_acknowledged(void)
{
	copies_begin(NULL);
	copies_syn(200);
	CU_ASSERT_EQUAL(copies.dir[0].bytes, 0);
	copies_synack(200);
	CU_ASSERT_EQUAL(copies.dir[0].bytes, 200);
	copies_segment(0, TCP_ACK, 200, 0, 100);
	copies_segment(1, TCP_ACK, 0, 300, 2000);
	copies_segment(0, TCP_ACK, 300, 2000, 0);
	expect_exchange();
	passive_end();
	copies_begin(NULL);
	copies_syn(200);
	copies_synack(0); /* refused: they are sent again */
	CU_ASSERT_EQUAL(copies.dir[0].bytes, 0);
	copies_segment(0, TCP_ACK, 0, 0, 0);
	exchange();
	expect_exchange();
	passive_end();
}

static void
answered_syn_of_a_new_connection_replaces_the_flow(void)
{
	passive_begin();
	exchange();
	copies.isn[0] += 0x10000000;
	copies_syn(0);
	CU_ASSERT_EQUAL(copies.n_ended, 0); /* it may be forged */
	copies.isn[1] += 0x10000000;
	copies_synack(0);
	CU_ASSERT_EQUAL(copies.n_ended, 1);
	CU_ASSERT_EQUAL(copies.why, TCPTERM_END_REPLACED);
	CU_ASSERT_EQUAL(copies.n_new, 2);
	copies.dir[0].next = copies.dir[1].next = 0;
	copies.dir[0].bytes = copies.dir[1].bytes = 0;
	copies_segment(0, TCP_ACK, 0, 0, 0);
	exchange();
	expect_exchange();
	copies_close(300, 2000);
	CU_ASSERT_EQUAL(copies.why, TCPTERM_END_FIN);
	CU_ASSERT_EQUAL(copies.start, TCPTERM_START_SYN);
	passive_end();
}

/* --- ends: S12 --- */

static void
reset_at_the_senders_highest_byte_ends_at_once(void)
{
	int64_t off;

	passive_begin();
	for (off = 0; off < 10 << 20; off += 32768) {
		copies_segment(1, TCP_ACK, off, 0, 32768);
		copies_segment(0, TCP_ACK, 0, off + 32768, 0);
	}
	copies_segment(1, TCP_RST, off, 0, 0);
	CU_ASSERT_EQUAL(copies.n_ended, 1);
	CU_ASSERT_EQUAL(copies.why, TCPTERM_END_RST);
	CU_ASSERT_EQUAL(copies.dir[1].bytes, 10 << 20);
	copies_segment(0, TCP_ACK, 0, off, 0);
	CU_ASSERT_EQUAL(copies.n_new, 1);
	passive_end();
}

static void
reset_outside_the_window_is_ignored_and_counted(void)
{
	passive_begin();
	exchange();
	copies_segment(1, TCP_RST, 2000 + 0x20000000, 0, 0);
	copies_segment(1, TCP_RST, 1000, 0, 0);
	CU_ASSERT_EQUAL(copies_stats()->rst_ignored, 2);
	copies_wait(10000 * MS);
	CU_ASSERT_EQUAL(copies.n_ended, 0);
	passive_end();
}

static void
forged_reset_in_the_window_is_cancelled_by_what_follows(void)
{
	int64_t off;

	passive_begin();
	exchange();
	copies_altered(1, TCP_RST, 2500, 0, 10, 0x33, false); /* its bytes are no stream's */
	copies_segment(0, TCP_ACK, 300, 2000, 0);	      /* the challenge ACK */
	for (off = 2000; off < 2000 + (1 << 20); off += 16384) {
		copies_segment(1, TCP_ACK, off, 300, 16384);
		copies_segment(0, TCP_ACK, 300, off + 16384, 0);
	}
	copies_close(300, off);
	CU_ASSERT_EQUAL(copies.dir[1].bytes, (uint64_t)off);
	CU_ASSERT_EQUAL(copies.dir[1].n_gaps, 0);
	CU_ASSERT_EQUAL(copies.why, TCPTERM_END_FIN);
	CU_ASSERT_EQUAL(copies_stats()->rst_ignored, 1);
	CU_ASSERT_EQUAL(copies.n_conflicts, 0);
	passive_end();
}

static void
reset_in_the_window_that_nothing_follows_ends_after_two_seconds(void)
{
	int64_t came;

	passive_begin();
	exchange();
	copies_segment(1, TCP_RST, 2500, 0, 0);
	came = copies.now.v;
	copies_wait(1999 * MS);
	CU_ASSERT_EQUAL(copies.n_ended, 0);
	copies_wait(2 * MS);
	CU_ASSERT_EQUAL(copies.why, TCPTERM_END_RST);
	CU_ASSERT_TRUE(copies.ended_at <= came + 2001 * MS);
	passive_end();
}

static void
forged_answers_to_a_syn_end_nothing(void)
{
	uint32_t isn;

	copies_begin(NULL);
	copies_syn(0);
	isn = copies.isn[1];
	copies.isn[1] = 0xffffffff; /* number 0 */
	copies_segment(1, TCP_RST | TCP_ACK, 0, 0, 0);
	copies_segment(1, TCP_FIN | TCP_ACK, 0, 0x20000000, 0);
	copies_segment(1, TCP_FIN | TCP_ACK, 0, 0, 0);
	copies_segment(0, TCP_RST, 0, 0, 0); /* the client's answer to it */
	copies.isn[1] = isn;
	copies_synack(0);
	copies_segment(0, TCP_ACK, 0, 0, 0);
	exchange();
	expect_exchange();
	copies_close(300, 2000);
	CU_ASSERT_EQUAL(copies.n_new, 1);
	CU_ASSERT_EQUAL(copies.why, TCPTERM_END_FIN);
	CU_ASSERT_EQUAL(copies_stats()->out_of_window, 1);
	passive_end();
}

static void
refused_connection_says_so(void)
{
	copies_begin(NULL);
	copies_syn(0);
	copies_segment(1, TCP_RST | TCP_ACK, -1, 5, 0); /* acknowledges no SYN */
	CU_ASSERT_EQUAL(copies_stats()->rst_ignored, 1);
	copies_segment(1, TCP_RST | TCP_ACK, -1, 0, 0);
	copies_wait(2001 * MS);
	CU_ASSERT_EQUAL(copies.n_ended, 1);
	CU_ASSERT_EQUAL(copies.why, TCPTERM_END_REFUSED);
	passive_end();
}

static void
silence_ends_at_the_idle_time(void)
{
	int64_t last;

	passive_begin();
	copies_wait(1000000 * MS);
	exchange();
	last = copies.now.v;
	copies_wait(4000000 * MS);
	CU_ASSERT_EQUAL(copies.why, TCPTERM_END_IDLE);
	CU_ASSERT_TRUE(copies.ended_at >= last + 3600000ll * MS);
	CU_ASSERT_TRUE(copies.ended_at <= last + 3600001ll * MS);
	CU_ASSERT_TRUE(copies.dir[0].n_ends == 1 && copies.dir[1].n_ends == 1);
	passive_end();
}

static void
lost_fin_or_last_ack_makes_no_gap(void)
{
	/* The last ACK. */
	passive_begin();
	exchange();
	copies_segment(0, TCP_FIN | TCP_ACK, 300, 2000, 0);
	copies_segment(1, TCP_FIN | TCP_ACK, 2000, 301, 0);
	copies_wait(5000 * MS);
	expect_exchange();
	CU_ASSERT_EQUAL(copies.why, TCPTERM_END_FIN);
	passive_end();
	/* The second FIN; its ACK is seen. */
	passive_begin();
	exchange();
	copies_segment(0, TCP_FIN | TCP_ACK, 300, 2000, 0);
	copies_segment(1, TCP_ACK, 2000, 301, 0);
	copies_segment(0, TCP_ACK, 301, 2001, 0);
	copies_wait(10000 * MS);
	expect_exchange();
	CU_ASSERT_EQUAL(copies.why, TCPTERM_END_FIN);
	passive_end();
	/* The last bytes and the FIN with them: the gap is the bytes. */
	passive_begin();
	exchange();
	copies_segment(0, TCP_ACK, 300, 2501, 0);
	copies_segment(0, TCP_FIN | TCP_ACK, 300, 2501, 0);
	copies_segment(1, TCP_ACK, 2501, 301, 0);
	copies_wait(10000 * MS);
	CU_ASSERT_EQUAL_FATAL(copies.dir[1].n_gaps, 1);
	CU_ASSERT_EQUAL(copies.dir[1].gap[0].off, 2000);
	CU_ASSERT_EQUAL(copies.dir[1].gap[0].len, 500);
	CU_ASSERT_EQUAL(copies.why, TCPTERM_END_FIN);
	passive_end();
}

static void
kill_declares_what_is_missing_and_returns_every_buffer(void)
{
	passive_begin();
	copies_segment(0, TCP_ACK, 100, 0, 100);
	copies_segment(0, TCP_ACK, 300, 0, 100);
	tcpterm_kill(copies.s, copies_flow(), TCPTERM_END_EVICTED);
	CU_ASSERT_EQUAL(copies.why, TCPTERM_END_EVICTED);
	CU_ASSERT_EQUAL(copies.dir[0].n_gaps, 2);
	CU_ASSERT_EQUAL(copies.dir[0].gap[0].reason, TCPTERM_GAP_LOST_IN_TAP);
	CU_ASSERT_EQUAL(copies.dir[0].bytes, 200);
	CU_ASSERT_EQUAL(copies_stats()->n_held, 0);
	passive_end();
}

TEAM_MAIN(pair, TAP_TEST(frames_that_come_twice_are_counted_to_the_last),
	  TAP_CHECK(S9, both_streams_come_whole_from_syn_to_fin),
	  TAP_TEST(other_direction_goes_on_after_one_fin),
	  TAP_CHECK(S11, lost_synack_is_no_obstacle), TAP_CHECK(S11, lost_third_ack_is_no_obstacle),
	  TAP_CHECK(S11, server_may_speak_first),
	  TAP_TEST(synack_before_its_syn_starts_with_the_syn),
	  TAP_CHECK(S11, lost_syn_starts_with_the_synack),
	  TAP_CHECK(S11, midstream_starts_with_the_lowest_byte_of_the_first_allowance),
	  TAP_CHECK(S11, midstream_start_is_not_below_what_was_acknowledged_before),
	  TAP_CHECK(S11, unseen_half_has_no_gaps_and_bytes_by_acks),
	  TAP_TEST(ack_picks_one_of_several_syns),
	  TAP_TEST(bytes_in_a_syn_count_when_they_are_acknowledged),
	  TAP_TEST(answered_syn_of_a_new_connection_replaces_the_flow),
	  TAP_CHECK(S12, reset_at_the_senders_highest_byte_ends_at_once),
	  TAP_CHECK(S12, reset_outside_the_window_is_ignored_and_counted),
	  TAP_CHECK(S12, forged_reset_in_the_window_is_cancelled_by_what_follows),
	  TAP_TEST(reset_in_the_window_that_nothing_follows_ends_after_two_seconds),
	  TAP_CHECK(S12, forged_answers_to_a_syn_end_nothing), TAP_TEST(refused_connection_says_so),
	  TAP_CHECK(S12, silence_ends_at_the_idle_time),
	  TAP_TEST(lost_fin_or_last_ack_makes_no_gap),
	  TAP_TEST(kill_declares_what_is_missing_and_returns_every_buffer))
