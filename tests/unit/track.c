/*
 * Tracked flows: forwarded unchanged, followed from their segments alone.
 */
#include "tests/unit/lib/tracked.h"
#include "tests/unit/tap.h"

#define MS ((int64_t)1000)

/* Client 10 ms away from us, server 30 ms. */
static void
handshake(void)
{
	tracked_handshake(30 * MS, 10 * MS);
}

static void
every_segment_is_forwarded_and_none_is_made(void)
{
	tracked_begin(TCPTERM_TRACK);
	handshake();
	copies_segment(0, TCP_ACK, 0, 0, 100);
	copies_segment(0, TCP_ACK, 0x30000000, 0, 100);		/* nonsense goes on too */
	copies_segment(1, TCP_RST, 77, 0, 0);
	copies_altered(0, TCP_ACK, 100, 0, 100, 0, true);
	CU_ASSERT_EQUAL(copies.n_forwarded, 7);
	CU_ASSERT_EQUAL(copies.n_new, 1);
	tracked_end();
}

static void
rtt_of_each_side_is_measured_from_here(void)
{
	int64_t off;

	tracked_begin(TCPTERM_TRACK);
	handshake();
	CU_ASSERT_EQUAL(tracked_info(1)->srtt_us, 30 * MS);
	CU_ASSERT_EQUAL(tracked_info(0)->srtt_us, 10 * MS);
	for (off = 0; off < 2000; off += 100) {
		copies_segment(0, TCP_ACK, off, 0, 100);
		copies_wait(50 * MS);
		copies_segment(1, TCP_ACK, 0, off + 100, 0);
	}
	CU_ASSERT_TRUE(tracked_info(1)->srtt_us > 45 * MS && tracked_info(1)->srtt_us <= 50 * MS);
	CU_ASSERT_EQUAL(tracked_info(1)->min_rtt_us, 30 * MS);
	CU_ASSERT_EQUAL(tracked_info(0)->srtt_us, 10 * MS);
	tracked_end();
}

static void
segment_sent_twice_gives_no_rtt(void)
{
	tracked_begin(TCPTERM_TRACK);
	handshake();
	copies_segment(0, TCP_ACK, 0, 0, 100);
	copies_wait(500 * MS);
	copies_segment(0, TCP_ACK, 0, 0, 100);
	copies_wait(30 * MS);
	copies_segment(1, TCP_ACK, 0, 100, 0);
	CU_ASSERT_EQUAL(tracked_info(1)->srtt_us, 30 * MS);
	CU_ASSERT_EQUAL(tracked_info(0)->retransmits, 1);
	CU_ASSERT_EQUAL(tracked_info(1)->retransmits, 0);
	tracked_end();
}

static void
holes_and_zero_windows_are_counted(void)
{
	tracked_begin(TCPTERM_TRACK);
	handshake();
	copies_segment(0, TCP_ACK, 0, 0, 100);
	copies_segment(0, TCP_ACK, 200, 0, 100);
	CU_ASSERT_EQUAL(tracked_info(0)->out_of_order, 1);
	copies.window = 0;
	copies_segment(1, TCP_ACK, 0, 100, 0);
	copies.window = 100;
	CU_ASSERT_EQUAL(tracked_info(1)->zero_windows, 1);
	CU_ASSERT_EQUAL(tracked_info(0)->in_flight, 200);
	tracked_end();
}

static void
close_ends_the_flow_as_fin_and_late_segments_begin_none(void)
{
	tracked_begin(TCPTERM_TRACK);
	handshake();
	copies_segment(0, TCP_ACK, 0, 0, 100);
	copies_segment(1, TCP_ACK, 0, 100, 200);
	CU_ASSERT_EQUAL(tracked_info(0)->state, TCPTERM_ESTABLISHED);
	copies_close(100, 200);
	CU_ASSERT_EQUAL(copies.n_ended, 1);
	CU_ASSERT_EQUAL(copies.why, TCPTERM_END_FIN);
	CU_ASSERT_EQUAL(copies.start, TCPTERM_START_SYN);
	copies_segment(1, TCP_FIN | TCP_ACK, 200, 101, 0);
	copies_segment(0, TCP_ACK, 101, 201, 0);
	CU_ASSERT_EQUAL(copies.n_new, 1);
	/* A SYN in that time is a new flow. */
	copies.isn[0] += 1000000;
	copies.isn[1] += 1000000;
	handshake();
	CU_ASSERT_EQUAL(copies.n_new, 2);
	CU_ASSERT_EQUAL(tracked_info(0)->state, TCPTERM_ESTABLISHED);
	tracked_end();
}

static void
half_close_keeps_the_flow(void)
{
	tracked_begin(TCPTERM_TRACK);
	handshake();
	copies_segment(0, TCP_FIN | TCP_ACK, 0, 0, 0);
	copies_segment(1, TCP_ACK, 0, 1, 0);
	CU_ASSERT_EQUAL(tracked_info(0)->state, TCPTERM_FIN_WAIT_2);
	CU_ASSERT_EQUAL(tracked_info(1)->state, TCPTERM_CLOSE_WAIT);
	copies_wait(600000 * MS);
	CU_ASSERT_EQUAL(copies.n_ended, 0);
	tracked_end();
}

static void
reset_counts_only_where_its_receiver_would_believe_it(void)
{
	tracked_begin(TCPTERM_TRACK);
	handshake();
	copies_segment(0, TCP_ACK, 0, 0, 100);
	copies_segment(1, TCP_RST, 0x20000000, 0, 0);
	copies_segment(1, TCP_RST, -500, 0, 0);
	copies_wait(5000 * MS);
	CU_ASSERT_EQUAL(copies.n_ended, 0);
	copies_segment(1, TCP_RST, 0, 0, 0);
	CU_ASSERT_EQUAL(copies.n_ended, 1);
	CU_ASSERT_EQUAL(copies.why, TCPTERM_END_RST);
	tracked_end();
}

static void
reset_that_nobody_believes_is_counted(void)
{
	tracked_begin(TCPTERM_TRACK);
	handshake();
	copies_segment(1, TCP_RST, 500, 0, 0);		/* in the window, not exact */
	CU_ASSERT_EQUAL(copies_stats()->rst_ignored, 1);
	CU_ASSERT_EQUAL(copies.n_ended, 0);
	tracked_end();
}

static void
forged_syn_does_not_replace_a_live_flow(void)
{
	tracked_begin(TCPTERM_TRACK);
	handshake();
	copies_segment(0, TCP_ACK, 0, 0, 100);
	copies.isn[0] += 5000000;
	copies_syn(0);
	copies.isn[0] -= 5000000;
	CU_ASSERT_EQUAL(copies.n_ended, 0);
	copies_segment(1, TCP_ACK, 0, 100, 0);		/* what RFC 5961 4 answers */
	CU_ASSERT_EQUAL(copies.n_new, 1);
	CU_ASSERT_EQUAL(tracked_info(0)->in_flight, 0);
	tracked_end();
}

static void
syn_that_the_other_end_takes_begins_a_new_flow(void)
{
	tracked_begin(TCPTERM_TRACK);
	handshake();
	copies_segment(0, TCP_ACK, 0, 0, 100);
	copies.isn[0] += 5000000;
	copies.isn[1] += 7000000;
	handshake();
	CU_ASSERT_EQUAL(copies.n_new, 2);
	CU_ASSERT_EQUAL(copies.n_ended, 1);
	CU_ASSERT_EQUAL(copies.why, TCPTERM_END_REPLACED);
	CU_ASSERT_EQUAL(copies_flow()->start, TCPTERM_START_SYNACK);
	CU_ASSERT_EQUAL(copies_flow()->key.port[0], copies.client_port);
	tracked_end();
}

static void
forged_segment_teaches_neither_numbers_nor_headers(void)
{
	tracked_begin(TCPTERM_TRACK);
	handshake();
	copies_segment(0, TCP_ACK, 0, 0, 100);
	copies.client_mac = 0x66;
	copies_segment(0, TCP_ACK, 0x30000000, 0, 100);
	copies_segment(0, TCP_ACK, 100, 0x30000000, 100);
	copies_segment(0, TCP_RST, 0x30000000, 0, 0);
	CU_ASSERT_EQUAL(tcpterm_flow_mac(copies.s, copies_flow(), 0)[5], 1);
	CU_ASSERT_EQUAL(tracked_info(0)->in_flight, 100);
	copies_segment(0, TCP_ACK, 100, 0, 100);	/* a MAC that moves is followed */
	CU_ASSERT_EQUAL(tcpterm_flow_mac(copies.s, copies_flow(), 0)[5], 0x66);
	tracked_end();
}

static void
flow_is_followed_again_after_a_part_that_went_past(void)
{
	tracked_begin(TCPTERM_TRACK);
	handshake();
	copies_segment(0, TCP_ACK, 0, 0, 100);
	copies_segment(0, TCP_ACK, 900000000, 0, 100);
	copies_segment(1, TCP_ACK, 0, 900000100, 0);
	copies_segment(0, TCP_ACK, 900000100, 0, 100);
	CU_ASSERT_EQUAL(tracked_info(0)->in_flight, 100);
	copies_segment(1, TCP_ACK, 0, 900000200, 0);
	CU_ASSERT_EQUAL(tracked_info(0)->in_flight, 0);
	copies_close(900000200, 0);
	CU_ASSERT_EQUAL(copies.why, TCPTERM_END_FIN);
	tracked_end();
}

static void
refused_connection_says_so(void)
{
	tracked_begin(TCPTERM_TRACK);
	copies_syn(0);
	copies_segment(1, TCP_RST | TCP_ACK, -1, 0, 0);
	CU_ASSERT_EQUAL(copies.why, TCPTERM_END_REFUSED);
	tracked_end();
}

static void
connection_is_picked_up_midstream(void)
{
	tracked_begin(TCPTERM_TRACK);
	copies_segment(0, TCP_ACK, 5000, 7000, 100);
	copies_wait(20 * MS);
	copies_segment(1, TCP_ACK, 7000, 5100, 100);
	CU_ASSERT_EQUAL(tracked_info(1)->srtt_us, 20 * MS);
	CU_ASSERT_EQUAL(tracked_info(0)->state, TCPTERM_ESTABLISHED);
	copies_close(5100, 7100);
	CU_ASSERT_EQUAL(copies.why, TCPTERM_END_FIN);
	CU_ASSERT_EQUAL(copies.start, TCPTERM_START_MIDSTREAM);
	tracked_end();
}

static void
silence_ends_every_light_kind_at_the_idle_time(void)
{
	static const enum tcpterm_decision kinds[] = { TCPTERM_TRACK, TCPTERM_PASS, TCPTERM_DROP };
	unsigned i;

	for (i = 0; i < 3; i++) {
		int64_t last;

		tracked_begin(kinds[i]);
		handshake();
		copies_segment(0, TCP_ACK, 0, 0, 100);
		last = copies.now.v;
		copies_wait(4000000 * MS);
		CU_ASSERT_EQUAL(copies.n_ended, 1);
		CU_ASSERT_EQUAL(copies.why, TCPTERM_END_IDLE);
		CU_ASSERT_TRUE(copies.ended_at >= last + 3600000 * MS);
		CU_ASSERT_TRUE(copies.ended_at <= last + 3600001 * MS);
		tracked_end();
	}
}

static void
passed_flow_is_forwarded_and_dropped_flow_is_not(void)
{
	tracked_begin(TCPTERM_PASS);
	handshake();
	copies_segment(0, TCP_ACK, 0, 0, 100);
	CU_ASSERT_EQUAL(copies.n_forwarded, 4);
	CU_ASSERT_EQUAL(flow_packets(copies_flow(), 0), 3);
	CU_ASSERT_EQUAL(flow_bytes(copies_flow(), 0), 100);
	tracked_end();
	tracked_begin(TCPTERM_DROP);
	handshake();
	copies_segment(0, TCP_ACK, 0, 0, 100);
	CU_ASSERT_EQUAL(copies.n_forwarded, 0);
	CU_ASSERT_EQUAL(tcpterm_drops(copies.s)->n[DROP_policy], 4);
	CU_ASSERT_EQUAL(flow_packets(copies_flow(), 0), 3);
	tracked_end();
}

TAP_MAIN(track, TAP_TEST(every_segment_is_forwarded_and_none_is_made),
	 TAP_TEST(rtt_of_each_side_is_measured_from_here),
	 TAP_TEST(segment_sent_twice_gives_no_rtt), TAP_TEST(holes_and_zero_windows_are_counted),
	 TAP_TEST(close_ends_the_flow_as_fin_and_late_segments_begin_none),
	 TAP_TEST(half_close_keeps_the_flow),
	 TAP_TEST(reset_counts_only_where_its_receiver_would_believe_it),
	 TAP_TEST(reset_that_nobody_believes_is_counted),
	 TAP_TEST(forged_syn_does_not_replace_a_live_flow),
	 TAP_TEST(syn_that_the_other_end_takes_begins_a_new_flow),
	 TAP_TEST(forged_segment_teaches_neither_numbers_nor_headers),
	 TAP_TEST(flow_is_followed_again_after_a_part_that_went_past),
	 TAP_TEST(refused_connection_says_so), TAP_TEST(connection_is_picked_up_midstream),
	 TAP_TEST(silence_ends_every_light_kind_at_the_idle_time),
	 TAP_TEST(passed_flow_is_forwarded_and_dropped_flow_is_not))
