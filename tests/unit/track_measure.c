/*
 * What is measured of tracked connections, by crafted segments at known times: exact numbers.
 *
 * The client is 10 ms away from where it is measured, the server 30 ms.  Busy time is counted in
 * units of 32 us, so times here are multiples of them, and begin at one.
 */
#include <sys/mman.h>

#include "tcpterm/core.h"
#include "tcpterm/track.h"
#include "tests/unit/lib/tracked.h"
#include "tests/unit/tap.h"

enum { UNIT = 32, NEAR = 320 * UNIT, FAR = 960 * UNIT };	/* us: 10.24 and 30.72 ms */

static void
begin(void)
{
	tracked_begin(TCPTERM_TRACK);
	copies_wait(UNIT - copies.now.v % UNIT);
}

static void
handshake(void)
{
	tracked_handshake(FAR, NEAR);
}

static void
handshake_is_the_wait_for_each_end(void)
{
	begin();
	copies_syn(0);
	CU_ASSERT_EQUAL(tracked_info(0)->handshake_us, 0);
	CU_ASSERT_EQUAL(tracked_info(1)->handshake_us, 0);
	copies_wait(FAR);
	copies_synack(0);
	CU_ASSERT_EQUAL(tracked_info(1)->handshake_us, FAR);
	CU_ASSERT_EQUAL(tracked_info(0)->handshake_us, 0);
	copies_wait(NEAR);
	copies_segment(0, TCP_ACK, 0, 0, 0);
	copies_wait(FAR);
	copies_segment(0, TCP_ACK, 0, 0, 10);
	CU_ASSERT_EQUAL(tracked_info(1)->handshake_us, FAR);
	CU_ASSERT_EQUAL(tracked_info(0)->handshake_us, NEAR);
	tracked_end();
}

/* What of it had to be sent again is part of the wait, and gives no round trip. */
static void
lost_syn_and_lost_syn_ack_are_part_of_the_handshake(void)
{
	begin();
	copies_syn(0);
	copies_wait(1000 * 1000);
	copies_syn(0);
	copies_wait(FAR);
	copies_synack(0);
	copies_wait(3000 * 1000);
	copies_synack(0);
	copies_wait(NEAR);
	copies_segment(0, TCP_ACK, 0, 0, 0);
	CU_ASSERT_EQUAL(tracked_info(1)->handshake_us, 1000 * 1000 + FAR);
	CU_ASSERT_EQUAL(tracked_info(0)->handshake_us, 3000 * 1000 + NEAR);
	CU_ASSERT_EQUAL(tracked_info(1)->srtt_us, 0);
	CU_ASSERT_EQUAL(tracked_info(0)->srtt_us, 0);
	CU_ASSERT_EQUAL(tracked_info(0)->retransmits, 1);
	CU_ASSERT_EQUAL(tracked_info(1)->retransmits, 1);
	tracked_end();
}

static void
no_handshake_is_seen_of_what_is_met_in_its_middle(void)
{
	begin();
	copies_segment(0, TCP_ACK, 0, 0, 10);
	copies_wait(FAR);
	copies_segment(1, TCP_ACK, 0, 10, 0);
	CU_ASSERT_EQUAL(tracked_info(0)->handshake_us, 0);
	CU_ASSERT_EQUAL(tracked_info(1)->handshake_us, 0);
	CU_ASSERT_EQUAL(tracked_info(1)->srtt_us, FAR);
	tracked_end();
}

/* RFC 6298 2.3 with alpha 1/8, of each half its own samples. */
static void
round_trips_of_both_halves_are_smoothed(void)
{
	begin();
	handshake();
	CU_ASSERT_EQUAL(tracked_info(0)->srtt_us, NEAR);
	CU_ASSERT_EQUAL(tracked_info(1)->srtt_us, FAR);
	copies_segment(0, TCP_ACK, 0, 0, 100);
	copies_wait(2 * FAR);
	copies_segment(1, TCP_ACK, 0, 100, 200);
	CU_ASSERT_EQUAL(tracked_info(1)->srtt_us, FAR - FAR / 8 + 2 * FAR / 8);
	copies_wait(3 * NEAR);
	copies_segment(0, TCP_ACK, 100, 200, 0);
	CU_ASSERT_EQUAL(tracked_info(0)->srtt_us, NEAR - NEAR / 8 + 3 * NEAR / 8);
	CU_ASSERT_EQUAL(tracked_info(0)->min_rtt_us, NEAR);
	CU_ASSERT_EQUAL(tracked_info(1)->min_rtt_us, FAR);
	tracked_end();
}

/* Bytes acknowledged by the time in which some were in flight: pauses do not count. */
static void
busy_time_is_that_with_bytes_in_flight(void)
{
	begin();
	handshake();
	copies_wait(1000 * UNIT);
	copies_segment(0, TCP_ACK, 0, 0, 1000);
	copies_wait(100 * UNIT);
	copies_segment(0, TCP_ACK, 1000, 0, 1000);
	copies_wait(100 * UNIT);
	copies_segment(1, TCP_ACK, 0, 1000, 0);
	copies_wait(200 * UNIT);
	copies_segment(1, TCP_ACK, 0, 2000, 0);
	CU_ASSERT_EQUAL(tracked_info(0)->stream_bytes, 2000);
	CU_ASSERT_EQUAL(tracked_info(0)->busy_us, 400 * UNIT);
	copies_wait(100000 * UNIT);
	copies_segment(1, TCP_ACK, 0, 2000, 500);
	copies_wait(50 * UNIT);
	copies_segment(0, TCP_ACK, 2000, 500, 0);
	CU_ASSERT_EQUAL(tracked_info(0)->busy_us, 400 * UNIT);
	CU_ASSERT_EQUAL(tracked_info(1)->busy_us, 50 * UNIT);
	CU_ASSERT_EQUAL(tracked_info(1)->stream_bytes, 500);
	tracked_end();
}

static void
what_is_sent_again_is_counted_with_its_bytes(void)
{
	begin();
	handshake();
	copies_segment(0, TCP_ACK, 0, 0, 1000);
	copies_segment(0, TCP_ACK, 1000, 0, 500);
	copies_wait(1000 * 1000);
	copies_segment(0, TCP_ACK, 0, 0, 1000);
	CU_ASSERT_EQUAL(tracked_info(0)->retransmits, 1);
	CU_ASSERT_EQUAL(tracked_info(0)->retransmitted_bytes, 1000);
	CU_ASSERT_EQUAL(tracked_info(0)->duplicates, 0);
	copies_segment(0, TCP_ACK, 1000, 0, 700);	/* and 200 new ones */
	CU_ASSERT_EQUAL(tracked_info(0)->retransmits, 2);
	CU_ASSERT_EQUAL(tracked_info(0)->retransmitted_bytes, 1500);
	copies_segment(1, TCP_ACK, 0, 1700, 0);
	copies_segment(0, TCP_ACK, 0, 0, 1000);		/* the server has it */
	CU_ASSERT_EQUAL(tracked_info(0)->retransmits, 3);
	CU_ASSERT_EQUAL(tracked_info(0)->duplicates, 1);
	CU_ASSERT_EQUAL(tracked_info(1)->retransmits, 0);
	CU_ASSERT_EQUAL(tracked_info(0)->out_of_order, 0);
	tracked_end();
}

/* What was passed over and comes within a round trip was late; later, it was sent again. */
static void
late_segments_are_told_from_those_sent_again(void)
{
	begin();
	handshake();
	copies_segment(0, TCP_ACK, 1000, 0, 1000);
	copies_wait(NEAR + FAR - UNIT);
	copies_segment(0, TCP_ACK, 0, 0, 1000);
	CU_ASSERT_EQUAL(tracked_info(0)->out_of_order, 1);
	CU_ASSERT_EQUAL(tracked_info(0)->retransmits, 0);
	copies_segment(0, TCP_ACK, 3000, 0, 1000);
	copies_wait(NEAR + FAR);
	copies_segment(0, TCP_ACK, 2000, 0, 1000);
	CU_ASSERT_EQUAL(tracked_info(0)->out_of_order, 2);
	CU_ASSERT_EQUAL(tracked_info(0)->retransmits, 1);
	CU_ASSERT_EQUAL(tracked_info(0)->retransmitted_bytes, 1000);
	tracked_end();
}

static void
a_window_that_closes_is_counted_once_until_it_opens(void)
{
	begin();
	handshake();
	copies_segment(0, TCP_ACK, 0, 0, 1000);
	copies.window = 0;
	copies_segment(1, TCP_ACK, 0, 1000, 0);
	copies_segment(1, TCP_ACK, 0, 1000, 0);
	CU_ASSERT_EQUAL(tracked_info(1)->zero_windows, 1);
	copies.window = 1000;
	copies_segment(1, TCP_ACK, 0, 1000, 0);
	copies.window = 0;
	copies_segment(1, TCP_ACK, 0, 1000, 0);
	CU_ASSERT_EQUAL(tracked_info(1)->zero_windows, 2);
	CU_ASSERT_EQUAL(tracked_info(0)->zero_windows, 0);
	tracked_end();
}

static bool
last_timing_is_there(void)
{
	uintptr_t last = (uintptr_t)slab_at(&copies.s->timings, TRACK_TIMINGS - 1);
	unsigned char there = 0;

	CU_ASSERT_EQUAL(mincore((void *)(last & ~(uintptr_t)4095), 1, &there), 0);
	return there & 1;
}

static void
memory_for_timing_is_there_before_flows_come_to_it(void)
{
	enum { N = 8000 };

	copies_n_flows = N;
	begin();
	copies_n_flows = 0;
	for (unsigned i = 0; i < N; i++) {
		copies.client_port = (uint16_t)(10000 + i);
		copies_syn(0);
		if (i == 1000) {
			tcpterm_commit(copies.s);
			CU_ASSERT_FALSE(last_timing_is_there());	/* few flows take little */
		}
	}
	tcpterm_commit(copies.s);
	CU_ASSERT_TRUE(last_timing_is_there());
	tracked_end();
}

TAP_MAIN(track_measure, TAP_TEST(handshake_is_the_wait_for_each_end),
	 TAP_TEST(lost_syn_and_lost_syn_ack_are_part_of_the_handshake),
	 TAP_TEST(no_handshake_is_seen_of_what_is_met_in_its_middle),
	 TAP_TEST(round_trips_of_both_halves_are_smoothed),
	 TAP_TEST(busy_time_is_that_with_bytes_in_flight),
	 TAP_TEST(what_is_sent_again_is_counted_with_its_bytes),
	 TAP_TEST(late_segments_are_told_from_those_sent_again),
	 TAP_TEST(a_window_that_closes_is_counted_once_until_it_opens),
	 TAP_TEST(memory_for_timing_is_there_before_flows_come_to_it))
