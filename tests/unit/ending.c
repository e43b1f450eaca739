/*
 * A relay whose ends go: resets, room that is missing, ICMP after the fact, silence.
 */
#include "tcpterm/relay.h"
#include "tests/unit/lib/ends.h"
#include "tests/unit/tap.h"

enum { MS = 1000, SECOND = 1000000, MSS = 1460 };

static struct ends e;
static const struct ends_conf plain = { .wscale = -1 };

static void
send_at(unsigned side, int64_t seq, int64_t ack, uint32_t len, uint16_t flags)
{
	ends_send(&e, side,
		  &(struct ends_seg){ .seq = seq, .ack = ack, .len = len, .flags = flags });
	ends_run(&e, 0);
}

static void
too_big_for_a_dead_leg_is_ignored(void)
{
	ends_init(&e, &plain, true);
	send_at(1, 0, 0, MSS, TCP_ACK);		/* in flight to the client */
	send_at(0, 0, 0, 100, TCP_ACK);		/* the server has these to take */
	send_at(0, 100, 0, 0, TCP_RST);
	ends_too_big(&e, 0, 0, 1000);
	ends_run(&e, 10 * SECOND);
	CU_ASSERT_EQUAL(e.ended, TCPTERM_END_RST);
	ends_fini(&e);
}

static void
reset_that_abandons_bytes_is_believed_by_who_has_them(void)
{
	unsigned before, at_una = 0, at_nxt = 0;

	ends_init(&e, &plain, true);
	for (int i = 0; i < 20; i++)
		send_at(0, i * MSS, 0, MSS, TCP_ACK);
	before = e.n_out;
	tcpterm_kill(e.stack, ends_flow(&e), TCPTERM_END_ABORTED);
	for (unsigned i = before; i < e.n_out; i++) {
		if (e.out[i].side != 1)
			continue;
		CU_ASSERT(e.out[i].flags & TCP_RST);
		at_una += e.out[i].seq == 0;
		at_nxt += e.out[i].seq == 10 * MSS;
	}
	CU_ASSERT_EQUAL(at_una, 1);	/* all of the flight was lost */
	CU_ASSERT_EQUAL(at_nxt, 1);	/* or it arrived (RFC 5961 3.2) */
	ends_fini(&e);
}

static void
reset_after_both_ends_acknowledged_their_fin_is_sent(void)
{
	unsigned before;

	ends_init(&e, &plain, true);
	send_at(0, 0, 0, 0, TCP_FIN | TCP_ACK);
	send_at(1, 0, 1, 0, TCP_ACK);		/* the client's FIN is acknowledged */
	before = e.n_out;
	send_at(0, 1, 0, 0, TCP_RST);
	CU_ASSERT_EQUAL(ends_count(&e, before, 1), 1);
	CU_ASSERT(ends_last(&e, 1)->flags & TCP_RST);
	CU_ASSERT_EQUAL(ends_last(&e, 1)->seq, 1);
	ends_fini(&e);
}

static void
inexact_reset_is_challenged_in_every_state(void)
{
	unsigned before;

	ends_init(&e, &plain, true);
	for (int round = 0; round < 2; round++) {
		before = e.n_out;
		ends_run(&e, SECOND);
		send_at(0, 500, 0, 0, TCP_RST);
		CU_ASSERT_EQUAL(ends_count(&e, before, 0), 1);
		CU_ASSERT_FALSE(ends_last(&e, 0)->flags & TCP_RST);
		send_at(0, 70000, 0, 0, TCP_RST);	/* outside: nothing */
		CU_ASSERT_EQUAL(ends_count(&e, before, 0), 1);
		send_at(1, 0, 0, 0, TCP_FIN | TCP_ACK);	/* then half-closed */
		send_at(0, 0, 1, 0, TCP_ACK);
	}
	CU_ASSERT_EQUAL(e.n_ended, 0);
	ends_fini(&e);
}

static void
header_of_a_segment_outside_the_window_is_not_imitated(void)
{
	struct ends_seg g = { .seq = 70000, .len = 10, .tos = 0x20 };

	ends_init(&e, &plain, true);
	ends_send(&e, 0, &g);
	g.seq = 0;
	g.ack = 5000;		/* of what was never sent */
	ends_send(&e, 0, &g);
	ends_run(&e, 0);
	CU_ASSERT_EQUAL(relay_of(ends_flow(&e))->leg[1].tos, 0);
	g.ack = 0;
	ends_send(&e, 0, &g);
	ends_run(&e, 0);
	CU_ASSERT_EQUAL(relay_of(ends_flow(&e))->leg[1].tos, 0x20);
	ends_fini(&e);
}

static void
empty_segments_outside_the_window_are_answered_twice_a_second(void)
{
	unsigned before;

	ends_init(&e, &plain, true);
	before = e.n_out;
	for (int i = 0; i < 100; i++) {
		send_at(0, 70000, 0, 0, TCP_ACK);
		ends_run(&e, 10 * MS);
	}
	CU_ASSERT_EQUAL(ends_count(&e, before, 0), 2);
	CU_ASSERT_EQUAL(tcpterm_stats(e.stack)->acks_withheld, 98);
	/* What was sent again is answered each time: its ACK was lost. */
	send_at(0, 0, 0, 100, TCP_ACK);
	ends_run(&e, SECOND);
	before = e.n_out;
	for (int i = 0; i < 5; i++)
		send_at(0, 0, 0, 99, TCP_ACK);
	CU_ASSERT_EQUAL(ends_count(&e, before, 0), 5);
	ends_fini(&e);
}

static void
simultaneous_close_ends_in_good_order(void)
{
	ends_init(&e, &plain, true);
	send_at(0, 0, 0, 0, TCP_FIN | TCP_ACK);
	send_at(1, 0, 0, 0, TCP_FIN | TCP_ACK);
	send_at(0, 1, 1, 0, TCP_ACK);
	send_at(1, 1, 1, 0, TCP_ACK);
	CU_ASSERT_EQUAL(e.n_ended, 1);
	CU_ASSERT_EQUAL(e.ended, TCPTERM_END_FIN);
	ends_fini(&e);
}

static void
fin_beyond_the_window_waits_for_its_bytes(void)
{
	ends_init(&e, &plain, true);
	send_at(0, 60000, 0, 100, TCP_FIN | TCP_ACK);
	CU_ASSERT_EQUAL(relay_of(ends_flow(&e))->leg[0].rcv.fin, -1);
	send_at(0, 1, 0, 99, TCP_FIN | TCP_ACK);	/* a hole before it */
	CU_ASSERT_FALSE(relay_of(ends_flow(&e))->str[0].fin);
	send_at(0, 0, 0, 1, TCP_ACK);
	CU_ASSERT_TRUE(relay_of(ends_flow(&e))->str[0].fin);
	CU_ASSERT(ends_last(&e, 1)->flags & TCP_FIN);
	ends_fini(&e);
}

static void
flow_without_room_is_forwarded_to_its_end(void)
{
	ends_init(&e, &(struct ends_conf){ .wscale = -1, .n_flows = 1 }, true);
	for (e.client_port = 40001; e.client_port < 40004; e.client_port++) {
		unsigned made = e.n_out, before = e.n_forwarded;

		ends_handshake(&e);
		CU_ASSERT_EQUAL(e.n_forwarded, before + 3);
		for (int i = 0; i < 4; i++)	/* the first never starts a relay */
			send_at(0, i * 100, 0, 100, TCP_ACK);
		CU_ASSERT_EQUAL(e.n_forwarded, before + 7);
		CU_ASSERT_EQUAL(e.n_out, made);
	}
	ends_fini(&e);
}

static void
keepalive_goes_through_and_its_silence_comes_back(void)
{
	unsigned before;

	ends_init(&e, &plain, true);
	before = e.n_out;
	send_at(0, -1, 0, 0, TCP_ACK);
	CU_ASSERT_EQUAL(ends_count(&e, before, 0), 1);	/* answered */
	CU_ASSERT_EQUAL(ends_count(&e, before, 1), 1);	/* asked on */
	CU_ASSERT_EQUAL(ends_last(&e, 1)->seq, -1);
	for (int i = 0; i < 9; i++) {
		ends_run(&e, 75 * SECOND);
		send_at(0, -1, 0, 0, TCP_ACK);
	}
	CU_ASSERT_EQUAL(e.n_ended, 1);
	CU_ASSERT(ends_last(&e, 0)->flags & TCP_RST);
	ends_fini(&e);
}

static void
late_copies_of_an_acknowledgment_are_one_question(void)
{
	unsigned before;

	ends_init(&e, &plain, true);
	send_at(1, 0, 0, 0, TCP_ACK | TCP_FIN);
	send_at(0, 0, 1, 0, TCP_ACK);		/* and now the server's FIN is acknowledged */
	before = e.n_out;
	for (int i = 0; i < 20; i++)
		send_at(1, 0, 0, 0, TCP_ACK);	/* sent before it */
	CU_ASSERT_EQUAL(e.n_ended, 0);
	CU_ASSERT_EQUAL(ends_count(&e, before, 0), 1);
	ends_fini(&e);
}

static void
own_keepalive_finds_the_silent_end(void)
{
	const struct ends_conf conf = { .wscale = -1, .keepalive_us = 7200LL * SECOND };

	ends_init(&e, &conf, true);
	for (int i = 0; i < 7200 * 2; i++) {	/* the client answers what it is asked */
		unsigned before = e.n_out;

		ends_run(&e, SECOND);
		if (ends_count(&e, before, 0) > 0 && !e.n_ended)
			ends_send(&e, 0, &(struct ends_seg){ 0 });
	}
	CU_ASSERT_EQUAL(e.n_ended, 1);
	CU_ASSERT_EQUAL(e.ended, TCPTERM_END_TIMEOUT);
	CU_ASSERT(ends_last(&e, 0)->flags & TCP_RST);
	ends_fini(&e);
}

static void
idle_flow_moves_down_to_track(void)
{
	unsigned made, before;

	ends_init(&e, &(struct ends_conf){ .wscale = -1, .idle_us = 100LL * SECOND }, true);
	send_at(0, 0, 0, 100, TCP_ACK);
	ends_run(&e, 0);
	send_at(1, 0, 100, 0, TCP_ACK);
	ends_run(&e, 99LL * SECOND);
	CU_ASSERT_EQUAL(ends_flow(&e)->kind, TCPTERM_KIND_RELAY);
	ends_run(&e, 2LL * SECOND);
	CU_ASSERT_EQUAL_FATAL(ends_flow(&e)->kind, TCPTERM_KIND_TRACK);
	CU_ASSERT_EQUAL(e.n_ended, 0);
	made = e.n_out;
	before = e.n_forwarded;
	send_at(0, 100, 0, 100, TCP_ACK);
	CU_ASSERT_EQUAL(e.n_forwarded, before + 1);
	CU_ASSERT_EQUAL(e.n_out, made);
	ends_fini(&e);
}

static void
idle_flow_that_holds_bytes_stays(void)
{
	struct ends_seg zero = { .window = ENDS_ZERO };

	ends_init(&e, &(struct ends_conf){ .wscale = -1, .idle_us = 100LL * SECOND }, true);
	ends_send(&e, 1, &zero);
	send_at(0, 0, 0, 100, TCP_ACK);
	for (int i = 0; i < 200; i++) {
		ends_run(&e, SECOND);
		ends_send(&e, 1, &zero);
	}
	ends_run(&e, 0);
	CU_ASSERT_EQUAL_FATAL(ends_flow(&e)->kind, TCPTERM_KIND_RELAY);
	ends_fini(&e);
}

static void
tiny_mss_is_not_taken_for_a_huge_one(void)
{
	ends_init(&e, &(struct ends_conf){ .wscale = -1, .mss = 5, .ts = true }, true);
	CU_ASSERT(relay_of(ends_flow(&e))->leg[0].mss <= 36);
	ends_fini(&e);
}

TAP_MAIN(ending, TAP_TEST(too_big_for_a_dead_leg_is_ignored),
	 TAP_TEST(reset_that_abandons_bytes_is_believed_by_who_has_them),
	 TAP_TEST(reset_after_both_ends_acknowledged_their_fin_is_sent),
	 TAP_TEST(inexact_reset_is_challenged_in_every_state),
	 TAP_TEST(header_of_a_segment_outside_the_window_is_not_imitated),
	 TAP_TEST(empty_segments_outside_the_window_are_answered_twice_a_second),
	 TAP_TEST(simultaneous_close_ends_in_good_order),
	 TAP_TEST(fin_beyond_the_window_waits_for_its_bytes),
	 TAP_TEST(flow_without_room_is_forwarded_to_its_end),
	 TAP_TEST(keepalive_goes_through_and_its_silence_comes_back),
	 TAP_TEST(late_copies_of_an_acknowledgment_are_one_question),
	 TAP_TEST(own_keepalive_finds_the_silent_end), TAP_TEST(idle_flow_moves_down_to_track),
	 TAP_TEST(idle_flow_that_holds_bytes_stays), TAP_TEST(tiny_mss_is_not_taken_for_a_huge_one))
