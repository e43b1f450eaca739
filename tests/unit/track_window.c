/*
 * The windows of tracked flows: what lies outside of them is counted, teaches nothing and, where
 * the rule says strict, goes no further.
 */
#include "tests/unit/lib/leg.h"
#include "tests/unit/lib/tracked.h"
#include "tests/unit/tap.h"

#define MS ((int64_t)1000)
#define KB ((int64_t)1024)

/* Both SYNs scale by 2^shift (0xff: not at all); the windows offered are 1000 units. */
static void
begin(bool strict, uint8_t shift)
{
	tracked_begin(TCPTERM_TRACK);
	copies.strict = strict;
	copies.shift = shift;
	copies.window = 1000;
}

static uint64_t
dropped(void)
{
	return tcpterm_drops(copies.s)->n[DROP_track_window];
}

/* Did it go on? */
static bool
passes(unsigned d, uint16_t flags, int64_t off, int64_t ack, uint32_t len)
{
	uint64_t before = copies.n_forwarded, lost = dropped();

	copies_segment(d, flags, off, ack, len);
	CU_ASSERT_EQUAL(copies.n_forwarded - before + (dropped() - lost), 1);
	return copies.n_forwarded > before;
}

static bool
says(unsigned d, int64_t off, int64_t ack, uint32_t len)
{
	return passes(d, TCP_ACK, off, ack, len);
}

static void
strict_refuses_what_goes_beyond_the_furthest_edge_offered(void)
{
	begin(true, 2);
	copies_handshake();
	/* The client's ACK of the handshake offered 4,000; the server's SYN-ACK 1,000. */
	CU_ASSERT_TRUE(says(1, 3000, 0, 1000));
	CU_ASSERT_FALSE(says(1, 4000, 0, 1000));
	CU_ASSERT_TRUE(says(0, 0, 4000, 100));
	CU_ASSERT_TRUE(says(1, 7000, 100, 1000));
	CU_ASSERT_FALSE(says(1, 8000, 100, 3));
	CU_ASSERT_EQUAL(tracked_info(1)->out_of_window, 2);
	CU_ASSERT_EQUAL(copies_stats()->out_of_window, 2);
	CU_ASSERT_EQUAL(dropped(), 2);
	tracked_end();
}

static void
loose_counts_it_and_lets_it_go(void)
{
	begin(false, 2);
	copies_handshake();
	CU_ASSERT_TRUE(says(1, 4000, 0, 1000));
	CU_ASSERT_EQUAL(tracked_info(1)->out_of_window, 1);
	CU_ASSERT_EQUAL(tracked_info(1)->in_flight, 0);
	CU_ASSERT_EQUAL(tracked_info(1)->out_of_order, 0);
	CU_ASSERT_EQUAL(dropped(), 0);
	tracked_end();
}

static void
windows_are_scaled_only_where_both_syns_say_so(void)
{
	begin(true, 0xff);
	copies_syn(0);
	copies.shift = 7;
	copies_synack(0);
	copies_segment(0, TCP_ACK, 0, 0, 0);
	CU_ASSERT_TRUE(says(1, 0, 0, 1000));
	CU_ASSERT_FALSE(says(1, 1000, 0, 500));
	tracked_end();
	begin(true, 14);
	copies_handshake();
	copies.window = 65535;
	CU_ASSERT_TRUE(says(0, 0, 0, 0));
	CU_ASSERT_TRUE(says(1, (65535LL << 14) - 1000, 0, 1000));
	CU_ASSERT_FALSE(says(1, 65535LL << 14, 0, 1000));
	tracked_end();
}

static void
window_that_shrank_does_not_refuse_what_was_sent_before(void)
{
	begin(true, 2);
	copies_handshake();
	copies.window = 10;
	CU_ASSERT_TRUE(says(0, 0, 0, 100));
	copies.window = 1000;
	CU_ASSERT_TRUE(says(1, 0, 100, 4000));
	tracked_end();
}

static void
probe_of_a_closed_window_and_a_fin_behind_it_pass(void)
{
	begin(true, 2);
	copies_handshake();
	CU_ASSERT_TRUE(says(1, 0, 0, 4000));
	copies.window = 0;
	CU_ASSERT_TRUE(says(0, 0, 4000, 0));
	copies.window = 1000;
	CU_ASSERT_TRUE(says(1, 4000, 0, 1));
	CU_ASSERT_TRUE(says(1, 3999, 0, 0));
	CU_ASSERT_FALSE(says(1, 4003, 0, 100));
	CU_ASSERT_TRUE(passes(1, TCP_FIN | TCP_ACK, 4000, 0, 1));
	CU_ASSERT_EQUAL(tracked_info(0)->zero_windows, 1);
	CU_ASSERT_EQUAL(tracked_info(1)->state, TCPTERM_FIN_WAIT_1);
	tracked_end();
}

static void
acknowledgement_of_what_was_never_sent_is_refused(void)
{
	begin(true, 2);
	copies_handshake();
	CU_ASSERT_TRUE(says(1, 0, 0, 1000));
	CU_ASSERT_FALSE(says(0, 0, 1001, 0));
	CU_ASSERT_FALSE(says(0, 0, 1001, 100));
	CU_ASSERT_TRUE(says(0, 0, 1000, 100));
	CU_ASSERT_EQUAL(tracked_info(0)->out_of_window, 2);
	CU_ASSERT_EQUAL(tracked_info(0)->in_flight, 100);
	tracked_end();
}

/* 3 MB in both directions, with windows of 4,000 bytes. */
static void
old_duplicates_pass_and_what_is_older_than_any_does_not(void)
{
	int64_t off;

	begin(true, 2);
	copies_handshake();
	for (off = 0; off < 3000 * KB; off += 1000) {
		CU_ASSERT_TRUE(says(0, off, off, 1000));
		CU_ASSERT_TRUE(says(1, off, off + 1000, 1000));
	}
	CU_ASSERT_TRUE(says(0, off - 1000 * KB, off, 1000));
	CU_ASSERT_FALSE(says(0, off - 1100 * KB, off, 1000));
	CU_ASSERT_TRUE(says(0, off, off - 1000 * KB, 0));
	CU_ASSERT_FALSE(says(0, off, off - 1100 * KB, 0));
	CU_ASSERT_EQUAL(tracked_info(0)->retransmits, 1);
	CU_ASSERT_EQUAL(tracked_info(0)->duplicates, 1);
	CU_ASSERT_EQUAL(tracked_info(0)->stream_bytes, (uint64_t)off);
	tracked_end();
}

static void
what_is_refused_disturbs_nothing(void)
{
	struct tcpterm_leg_info before[2];
	unsigned i;

	begin(true, 2);
	copies_handshake();
	CU_ASSERT_TRUE(says(0, 0, 0, 500));
	CU_ASSERT_TRUE(says(1, 0, 500, 500));
	tcpterm_flow_info(copies_flow(), before);
	copies.client_mac = 0x66;
	for (i = 1; i < 200; i++) {
		CU_ASSERT_FALSE(says(0, 5000 + i * 10000000LL, 0, 100));
		CU_ASSERT_FALSE(says(0, 500, 5000 + i * 10000000LL, 100));
		CU_ASSERT_FALSE(passes(0, TCP_FIN | TCP_ACK, 5000 + i * 10000000LL, 0, 0));
		CU_ASSERT_FALSE(passes(0, TCP_RST, 5000 + i * 10000000LL, 0, 0));
	}
	tcpterm_flow_info(copies_flow(), copies.leg);
	before[0].out_of_window = copies.leg[0].out_of_window;
	CU_ASSERT(leg_info_equal(&before[0], &copies.leg[0]));
	CU_ASSERT(leg_info_equal(&before[1], &copies.leg[1]));
	CU_ASSERT_EQUAL(tcpterm_flow_mac(copies.s, copies_flow(), 0)[5], 1);
	CU_ASSERT_EQUAL(copies.n_ended, 0);
	CU_ASSERT_TRUE(says(0, 500, 500, 500));
	CU_ASSERT_TRUE(says(1, 500, 1000, 500));
	tracked_end();
}

static void
reset_in_the_window_goes_on_for_its_receiver_to_ask_back(void)
{
	begin(true, 2);
	copies_handshake();
	CU_ASSERT_TRUE(passes(1, TCP_RST, 500, 0, 0));
	CU_ASSERT_EQUAL(copies_stats()->rst_ignored, 1);
	CU_ASSERT_EQUAL(copies.n_ended, 0);
	CU_ASSERT_FALSE(passes(1, TCP_RST, 5000, 0, 0));
	CU_ASSERT_TRUE(passes(1, TCP_RST, 0, 0, 0));
	CU_ASSERT_EQUAL(copies.why, TCPTERM_END_RST);
	tracked_end();
}

/* RFC 5961 4: who opens anew is asked whether it means it, or told that nobody listens. */
static void
syn_of_another_connection_and_its_answers_pass(void)
{
	begin(true, 2);
	copies_handshake();
	CU_ASSERT_TRUE(says(0, 0, 0, 500));
	copies.isn[0] += 700000000;
	CU_ASSERT_TRUE(passes(0, TCP_SYN, -1, 0, 0));
	copies.isn[1] -= 900000000;
	CU_ASSERT_TRUE(passes(1, TCP_RST | TCP_ACK, 0, 0, 0));
	copies.isn[0] -= 700000000;
	copies.isn[1] += 900000000;
	CU_ASSERT_TRUE(says(1, 0, 500, 0));
	CU_ASSERT_TRUE(passes(0, TCP_RST, 500, 0, 0));
	CU_ASSERT_EQUAL(copies.why, TCPTERM_END_RST);
	tracked_end();
}

/* The server still has a connection that nobody here knows. */
static void
nothing_is_refused_before_both_ends_were_seen(void)
{
	begin(true, 2);
	copies_syn(0);
	CU_ASSERT_TRUE(says(1, 123456789, -987654321, 0));
	CU_ASSERT_TRUE(passes(0, TCP_RST, -987654321, 0, 0));
	CU_ASSERT_EQUAL(copies.n_ended, 0);
	copies_syn(0);
	copies_synack(0);
	CU_ASSERT_TRUE(says(0, 0, 0, 100));
	CU_ASSERT_EQUAL(tracked_info(0)->state, TCPTERM_ESTABLISHED);
	CU_ASSERT_EQUAL(dropped(), 0);
	tracked_end();
}

/* The first that was seen of the server is an old segment, sent again. */
static void
midstream_an_acknowledgement_of_what_went_before_is_not_refused(void)
{
	begin(true, 2);
	CU_ASSERT_TRUE(says(1, 0, 0, 1000));
	CU_ASSERT_TRUE(says(0, 0, 500, 0));
	CU_ASSERT_TRUE(says(0, 0, 3000, 100));
	CU_ASSERT_TRUE(says(1, 3000, 100, 1000));
	CU_ASSERT_TRUE(says(0, 100, 4000, 100));
	CU_ASSERT_EQUAL(tracked_info(1)->in_flight, 0);
	CU_ASSERT_FALSE(says(1, 4000 + (1100LL << 20), 100, 1000));
	tracked_end();
}

static void
numbers_may_wrap(void)
{
	int64_t off;

	begin(true, 14);
	copies.isn[0] = 0xfffffff0;
	copies.isn[1] = 0x7ffffff0;
	copies_handshake();
	copies.window = 65535;
	CU_ASSERT_TRUE(says(0, 0, 0, 0));
	CU_ASSERT_TRUE(says(1, 0, 0, 0));
	for (off = 0; off < 10000000000LL; off += 1000000000LL) {
		CU_ASSERT_TRUE(says(0, off + 1000000000LL - 500, 0, 500));
		CU_ASSERT_TRUE(says(1, 0, off + 1000000000LL, 0));
	}
	CU_ASSERT_EQUAL(tracked_info(0)->stream_bytes, 10000000000ULL);
	CU_ASSERT_EQUAL(dropped(), 0);
	tracked_end();
}

static void
connection_goes_on_after_a_part_of_it_went_past(void)
{
	begin(true, 2);
	copies_handshake();
	CU_ASSERT_TRUE(says(0, 0, 0, 100));
	CU_ASSERT_FALSE(says(0, 900000000, 700000000, 100));
	CU_ASSERT_FALSE(says(1, 700000000, 900000000, 100));
	CU_ASSERT_TRUE(says(0, 900000000, 700000000, 100));
	CU_ASSERT_TRUE(says(1, 700000000, 900000100, 100));
	CU_ASSERT_EQUAL(tracked_info(0)->in_flight, 0);
	tracked_end();
}

static void
what_a_rule_says_of_windows_may_change(void)
{
	begin(false, 2);
	copies_handshake();
	CU_ASSERT_TRUE(says(1, 4000, 0, 1000));
	CU_ASSERT_EQUAL(tcpterm_set_window(copies_flow(), true), 0);
	CU_ASSERT_FALSE(says(1, 4000, 0, 1000));
	CU_ASSERT_EQUAL(tcpterm_set_window(copies_flow(), false), 0);
	CU_ASSERT_TRUE(says(1, 4000, 0, 1000));
	tracked_end();
	begin(false, 2);
	copies.decision = TCPTERM_PASS;
	copies_handshake();
	CU_ASSERT(tcpterm_set_window(copies_flow(), true) < 0);
	tracked_end();
}

/* RFC 7323 2.3: above 14 is 14, and told. */
static void
window_scale_above_14_is_taken_as_14_and_flagged(void)
{
	begin(true, 14);
	copies_handshake();
	CU_ASSERT_FALSE(copies_flow()->wscale_clamped);
	tracked_end();
	begin(true, 254);
	copies_handshake();
	CU_ASSERT_TRUE(copies_flow()->wscale_clamped);
	CU_ASSERT_EQUAL(copies_stats()->wscale_clamped, 2);
	copies.window = 65535;
	CU_ASSERT_TRUE(says(0, 0, 0, 0));
	CU_ASSERT_TRUE(says(1, (65535LL << 14) - 1000, 0, 1000));
	CU_ASSERT_FALSE(says(1, 65535LL << 14, 0, 1000));
	tracked_end();
}

/* --- of a flow that was only read before --- */

/* It is followed from here on, its windows strictly. */
static void
demote(void)
{
	copies_flow()->is_copy = false;
	CU_ASSERT_EQUAL(tcpterm_demote(copies.s, copies_flow(), TCPTERM_TRACK), 0);
	CU_ASSERT_EQUAL(tcpterm_set_window(copies_flow(), true), 0);
	copies.n_forwarded = 0;
}

static void
begin_read(uint8_t shift)
{
	tracked_begin(TCPTERM_PASSIVE);
	copies.shift = shift;
	copies.window = 1000;
	copies.isn[0] = copies.isn[1] = 0xfffff800;
}

static void
what_reading_learned_of_windows_is_kept_by_following(void)
{
	begin_read(2);
	copies_handshake();
	copies_segment(1, TCP_ACK, 0, 0, 1000);
	copies_segment(0, TCP_ACK, 0, 1000, 100);
	demote();
	/* The client lets it go up to 5,000, the server by its one ACK up to 4,000. */
	CU_ASSERT_FALSE(says(1, 4003, 0, 1000));
	CU_ASSERT_TRUE(says(1, 4000, 0, 1000));
	CU_ASSERT_FALSE(says(0, 4003, 1000, 1));
	CU_ASSERT_TRUE(says(0, 3900, 1000, 100));
	/* What the ends offer from now on is scaled as their SYNs said. */
	CU_ASSERT_TRUE(says(0, 100, 5000, 100));
	CU_ASSERT_FALSE(says(1, 8003, 0, 1000));
	CU_ASSERT_TRUE(says(1, 8000, 0, 1000));
	CU_ASSERT_EQUAL(tracked_info(1)->out_of_window, 2);
	CU_ASSERT_EQUAL(tracked_info(0)->state, TCPTERM_ESTABLISHED);
	tracked_end();
}

static void
a_syn_that_reading_did_not_see_leaves_its_windows_open(void)
{
	begin_read(2);
	copies_segment(1, TCP_ACK, 0, 0, 1000);
	copies_segment(0, TCP_ACK, 0, 1000, 100);
	copies_segment(1, TCP_ACK, 1000, 100, 0);
	copies_wait(10 * 1000 * MS);
	demote();
	CU_ASSERT_TRUE(says(1, 1 << 29, 100, 1000));
	CU_ASSERT_FALSE(says(1, (1 << 30) + 5000, 100, 1000));
	tracked_end();
}

static void
an_end_that_reading_saw_close_stays_closed(void)
{
	begin_read(2);
	copies_handshake();
	copies_segment(1, TCP_ACK | TCP_FIN, 0, 0, 1000);
	copies_segment(0, TCP_ACK, 0, 1001, 100);
	demote();
	CU_ASSERT_EQUAL(tracked_info(1)->state, TCPTERM_FIN_WAIT_2);
	CU_ASSERT_EQUAL(tracked_info(1)->stream_bytes, 1000);
	CU_ASSERT_TRUE(passes(0, TCP_ACK | TCP_FIN, 100, 1001, 0));
	CU_ASSERT_EQUAL(copies.n_ended, 0);
	CU_ASSERT_TRUE(says(1, 1001, 101, 0));
	CU_ASSERT_EQUAL(copies.why, TCPTERM_END_FIN);
	tracked_end();
}

TAP_MAIN(track_window, TAP_TEST(strict_refuses_what_goes_beyond_the_furthest_edge_offered),
	 TAP_TEST(loose_counts_it_and_lets_it_go),
	 TAP_TEST(windows_are_scaled_only_where_both_syns_say_so),
	 TAP_TEST(window_that_shrank_does_not_refuse_what_was_sent_before),
	 TAP_TEST(probe_of_a_closed_window_and_a_fin_behind_it_pass),
	 TAP_TEST(acknowledgement_of_what_was_never_sent_is_refused),
	 TAP_TEST(old_duplicates_pass_and_what_is_older_than_any_does_not),
	 TAP_TEST(what_is_refused_disturbs_nothing),
	 TAP_TEST(reset_in_the_window_goes_on_for_its_receiver_to_ask_back),
	 TAP_TEST(syn_of_another_connection_and_its_answers_pass),
	 TAP_TEST(nothing_is_refused_before_both_ends_were_seen),
	 TAP_TEST(midstream_an_acknowledgement_of_what_went_before_is_not_refused),
	 TAP_TEST(numbers_may_wrap), TAP_TEST(connection_goes_on_after_a_part_of_it_went_past),
	 TAP_TEST(what_a_rule_says_of_windows_may_change),
	 TAP_TEST(what_reading_learned_of_windows_is_kept_by_following),
	 TAP_TEST(a_syn_that_reading_did_not_see_leaves_its_windows_open),
	 TAP_TEST(an_end_that_reading_saw_close_stays_closed),
	 TAP_TEST(window_scale_above_14_is_taken_as_14_and_flagged))
