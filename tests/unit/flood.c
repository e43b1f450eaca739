/*
 * What a SYN meets while handshakes leave no room (RFC 4987 3): when that begins and ends, what
 * `flood pass` and `flood drop` do then, and that no flood takes more than its room.
 */
#include "tests/unit/frame.h"
#include "tests/unit/lib/siege.h"
#include "tests/unit/tap.h"

static void
pressure_begins_at_three_quarters_and_ends_at_a_half(void)
{
	uint32_t n = 1000;

	siege_start(TCPTERM_RELAY, TCPTERM_FLOOD_PASS);
	siege_press();
	siege_syn(n++);
	CU_ASSERT_EQUAL(siege_stats()->floods, 1);
	CU_ASSERT_EQUAL(siege_stats()->flood_passed, 1);
	CU_ASSERT_EQUAL(siege_flows(TCPTERM_KIND_EMBRYO), PRESSED);
	for (unsigned i = 0; i < PRESSED - RELIEVED - 1; i++)
		siege_refuse(i);
	siege_syn(n++);	/* one above a half: nothing has changed */
	CU_ASSERT_EQUAL(siege_stats()->flood_passed, 2);
	CU_ASSERT_EQUAL(siege_flows(TCPTERM_KIND_EMBRYO), RELIEVED + 1);
	siege_refuse(40);
	siege_syn(n++);
	CU_ASSERT_EQUAL(siege_stats()->flood_passed, 2);
	CU_ASSERT_EQUAL(siege_flows(TCPTERM_KIND_EMBRYO), RELIEVED + 1);
	CU_ASSERT_EQUAL(siege_stats()->floods, 1);
	for (unsigned i = 0; i < PRESSED; i++)
		siege_syn(n++);
	CU_ASSERT_EQUAL(siege_stats()->floods, 2);
	siege_stop();
}

static void
handshakes_that_end_relieve_as_refusals_do(void)
{
	siege_start(TCPTERM_RELAY, TCPTERM_FLOOD_PASS);
	siege_press();
	siege_syn(1000);
	siege_wait(80LL * SECOND);	/* nobody answered them */
	CU_ASSERT_EQUAL(siege_flows(TCPTERM_KIND_EMBRYO), 0);
	CU_ASSERT_EQUAL(siege_stats()->embryos_expired, PRESSED);
	siege_syn(1001);
	CU_ASSERT_EQUAL(siege_flows(TCPTERM_KIND_EMBRYO), 1);
	CU_ASSERT_EQUAL(siege_stats()->flood_passed, 1);
	siege_stop();
}

/* Or they would hold their places for 75 s after the flood. */
static void
silent_clients_hold_no_place_for_longer_than_5_s_under_pressure(void)
{
	siege_start(TCPTERM_RELAY, TCPTERM_FLOOD_PASS);
	for (unsigned n = 0; n < PRESSED - 1; n++)
		siege_syn(n);
	siege_wait(6LL * SECOND);
	CU_ASSERT_EQUAL(siege_flows(TCPTERM_KIND_EMBRYO), PRESSED - 1);	/* there is none */
	siege_syn(PRESSED - 1);
	for (unsigned n = 0; n < 10; n++)
		siege_syn(n);
	for (unsigned n = 10; n < PRESSED; n++)	/* a server that repeats itself says nothing */
		siege_segment(n, true, TCP_SYN | TCP_ACK, SRV_ISN, ISN + n + 1);
	siege_syn(1000);
	CU_ASSERT_EQUAL(siege_stats()->flood_passed, 1);
	siege_wait(1000);
	CU_ASSERT_EQUAL(siege_flows(TCPTERM_KIND_EMBRYO), RELIEVED);
	CU_ASSERT_EQUAL(siege_stats()->embryos_expired, PRESSED - RELIEVED);
	siege_syn(1001);
	CU_ASSERT_EQUAL(siege_flows(TCPTERM_KIND_EMBRYO), RELIEVED + 1);
	CU_ASSERT_EQUAL(siege_stats()->flood_passed, 1);
	for (unsigned n = 0; n < 10; n++) {
		siege_segment(n, true, TCP_SYN | TCP_ACK, SRV_ISN, ISN + n + 1);
		siege_segment(n, false, TCP_ACK, ISN + n + 1, SRV_ISN + 1);
	}
	CU_ASSERT_EQUAL(siege_flows(TCPTERM_KIND_RELAY), 10);
	siege_stop();
}

static void
pressure_ends_5_s_after_the_flood_without_another_segment(void)
{
	siege_start(TCPTERM_RELAY, TCPTERM_FLOOD_PASS);
	siege_press();
	siege_syn(1000);
	CU_ASSERT_EQUAL(tcpterm_next(siege.stack).v, siege.now.v + 5LL * SECOND);
	siege_wait(5LL * SECOND - 1000);
	CU_ASSERT_EQUAL(siege_flows(TCPTERM_KIND_EMBRYO), PRESSED);
	siege_wait(1000);
	CU_ASSERT_EQUAL(siege_flows(TCPTERM_KIND_EMBRYO), RELIEVED);
	CU_ASSERT(tcpterm_next(siege.stack).v >
		  siege.now.v + SECOND); /* the rest have their time */
	siege_stop();
}

static void
held_syn_is_its_holders_under_pressure_too(void)
{
	siege_start(TCPTERM_DEFER, TCPTERM_FLOOD_PASS);
	siege.verdict.defer_us = 20LL * SECOND;
	siege.verdict.on_expiry = TCPTERM_SILENT;
	siege_press();
	siege.verdict.decision = TCPTERM_RELAY;
	siege_syn(1000);
	CU_ASSERT_EQUAL(siege_stats()->flood_passed, 1);
	for (unsigned i = 0; i < 19; i++)
		siege_wait(SECOND);
	CU_ASSERT_EQUAL(siege_stats()->n_held, PRESSED);
	siege_wait(2 * SECOND);
	CU_ASSERT_EQUAL(siege_stats()->n_held, 0);
	siege_stop();
}

static void
synack_of_a_handshake_that_lost_its_place_makes_no_flow(void)
{
	static const enum tcpterm_flood all[] = { TCPTERM_FLOOD_PASS, TCPTERM_FLOOD_COOKIE,
						  TCPTERM_FLOOD_DROP };

	for (unsigned i = 0; i < 3; i++) {
		siege_start(TCPTERM_RELAY, all[i]);
		siege_press();
		siege_syn(1000);
		siege_wait(6LL * SECOND);
		CU_ASSERT_EQUAL(siege_flows(TCPTERM_KIND_EMBRYO), RELIEVED);
		siege.n_forwarded = 0;
		siege_wait(60LL * SECOND);	/* Linux's fifth comes after 31 s */
		siege_segment(0, true, TCP_SYN | TCP_ACK, SRV_ISN, ISN + 1);
		CU_ASSERT_EQUAL(siege.n_forwarded, 1);
		CU_ASSERT_EQUAL(siege_flows(TCPTERM_KIND_TRACK), 0);
		siege_wait(20LL * SECOND);
		siege_segment(0, true, TCP_SYN | TCP_ACK, SRV_ISN, ISN + 1);
		CU_ASSERT_EQUAL(siege_flows(TCPTERM_KIND_TRACK), 1);
		siege_stop();
	}
}

static void
passed_syn_is_untouched_and_its_connection_is_followed_from_its_ack(void)
{
	siege_start(TCPTERM_RELAY, TCPTERM_FLOOD_PASS);
	siege_press();
	siege.n_forwarded = siege.n_tx = 0;
	siege_syn(1000);
	CU_ASSERT_EQUAL(siege.n_forwarded, 1);
	CU_ASSERT_EQUAL(siege.last.flags, TCP_SYN);
	siege_segment(1000, true, TCP_SYN | TCP_ACK, SRV_ISN, ISN + 1001);
	CU_ASSERT_EQUAL(siege.n_forwarded, 2);
	CU_ASSERT_EQUAL(siege.last.seq, SRV_ISN);
	CU_ASSERT_EQUAL(siege_flows(TCPTERM_KIND_TRACK),
			0); /* a flood's answers make none either */
	siege_segment(1000, false, TCP_ACK, ISN + 1001, SRV_ISN + 1);
	CU_ASSERT_EQUAL(siege.n_forwarded, 3);
	CU_ASSERT_EQUAL(siege_flows(TCPTERM_KIND_TRACK), 1);
	CU_ASSERT_EQUAL(siege.n_tx, 0);
	siege_stop();
}

static void
dropped_syn_is_let_in_when_it_comes_again(void)
{
	siege_start(TCPTERM_RELAY, TCPTERM_FLOOD_DROP);
	siege_press();
	siege.n_forwarded = 0;
	siege_syn(1000);
	CU_ASSERT_EQUAL(siege.n_forwarded, 0);
	CU_ASSERT_EQUAL(tcpterm_drops(siege.stack)->n[DROP_flood], 1);
	siege_wait(SECOND);
	siege_segment(1000, false, TCP_SYN, 77, 0);	/* another handshake of the same ends */
	siege_syn(1001);
	CU_ASSERT_EQUAL(siege.n_forwarded, 0);
	CU_ASSERT_EQUAL(tcpterm_drops(siege.stack)->n[DROP_flood], 3);
	siege_syn(1000);
	CU_ASSERT_EQUAL(siege.n_forwarded, 1);
	CU_ASSERT_EQUAL(siege_flows(TCPTERM_KIND_EMBRYO), PRESSED + 1);
	siege_segment(1000, true, TCP_SYN | TCP_ACK, SRV_ISN, ISN + 1001);
	siege_segment(1000, false, TCP_ACK, ISN + 1001, SRV_ISN + 1);
	CU_ASSERT_EQUAL(siege_flows(TCPTERM_KIND_RELAY), 1);
	siege_stop();
}

static void
dropped_syn_is_forgotten_after_four_seconds_and_not_before_two(void)
{
	siege_start(TCPTERM_RELAY, TCPTERM_FLOOD_DROP);
	siege_press();
	siege_syn(1000);
	siege_wait(SECOND);
	siege_syn(1001);
	siege_wait(SECOND - 1000);
	siege_syn(1000);
	CU_ASSERT_EQUAL(siege_flows(TCPTERM_KIND_EMBRYO), PRESSED + 1);
	siege_repeat_syns();
	siege_wait(3 * SECOND + 2000);
	siege_syn(1001);
	CU_ASSERT_EQUAL(siege_flows(TCPTERM_KIND_EMBRYO), PRESSED + 1);
	CU_ASSERT_EQUAL(tcpterm_drops(siege.stack)->n[DROP_flood], 3);
	siege_stop();
}

/* Half a million a second, of which each is new. */
static void
fewer_than_one_in_200_syns_is_taken_for_another(void)
{
	const uint32_t n_syns = 250000;

	siege_start(TCPTERM_RELAY, TCPTERM_FLOOD_DROP);
	siege_press();
	siege.n_forwarded = 0;
	for (uint32_t n = 0; n < n_syns; n++) {
		siege_segment(n & 0xffff, false, TCP_SYN, n * 2654435761u, 0);
		if (n % 500 == 0)
			siege_wait(1000);
	}
	CU_ASSERT(siege.n_forwarded < n_syns / 200);
	siege_stop();
}

static void
oldest_handshake_makes_room_and_its_connection_goes_on(void)
{
	siege_start(TCPTERM_RELAY, TCPTERM_FLOOD_DROP);
	siege_press();
	siege_segment(0, true, TCP_SYN | TCP_ACK, SRV_ISN, ISN + 1);
	for (uint32_t n = 1000; n < 1000 + SIEGE_EMBRYOS - PRESSED + 3; n++) {
		siege_syn(n);
		siege_syn(n);
	}
	CU_ASSERT_EQUAL(siege_flows(TCPTERM_KIND_EMBRYO), SIEGE_EMBRYOS);
	CU_ASSERT_EQUAL(siege_stats()->embryos_evicted, 3);
	CU_ASSERT_EQUAL(siege.n_evicted, 3);
	CU_ASSERT_EQUAL(tcpterm_drops(siege.stack)->n[DROP_no_memory], 0);
	siege.n_forwarded = 0;
	siege_segment(0, false, TCP_ACK, ISN + 1, SRV_ISN + 1);
	CU_ASSERT_EQUAL(siege.n_forwarded, 1);
	CU_ASSERT_EQUAL(siege_flows(TCPTERM_KIND_TRACK), 1);
	siege_stop();
}

static void
deferred_syn_can_be_evicted_too(void)
{
	siege_start(TCPTERM_DEFER, TCPTERM_FLOOD_DROP);
	siege.verdict.defer_us = 60LL * SECOND;
	siege.verdict.on_expiry = TCPTERM_SILENT;
	siege_syn(0);
	CU_ASSERT_EQUAL(siege_stats()->n_held, 1);
	siege.verdict.decision = TCPTERM_RELAY;
	for (uint32_t n = 1; n <= SIEGE_EMBRYOS; n++) {
		siege_syn(n);
		siege_syn(n);
	}
	CU_ASSERT_EQUAL(siege_stats()->embryos_evicted, 1);
	CU_ASSERT_EQUAL(siege_stats()->n_held, 0);
	CU_ASSERT_EQUAL(siege_flows(TCPTERM_KIND_EMBRYO), SIEGE_EMBRYOS);
	siege_stop();
}

/* Nobody is honest. */
static void
no_flood_takes_more_than_its_room(void)
{
	static const enum tcpterm_flood all[] = { TCPTERM_FLOOD_PASS, TCPTERM_FLOOD_COOKIE,
						  TCPTERM_FLOOD_DROP };
	const uint32_t n_syns = 20000;

	for (unsigned i = 0; i < 3; i++) {
		uint32_t most = 0;

		siege_start(TCPTERM_RELAY, all[i]);
		for (uint32_t n = 0; n < n_syns; n++) {
			siege_segment(n & 0xffff, false, TCP_SYN, n * 2654435761u, 0);
			most = RTE_MAX(most, siege_flows(TCPTERM_KIND_EMBRYO));
			if (n % 1000 == 0)
				siege_wait(50 * 1000);
		}
		CU_ASSERT(most <= SIEGE_EMBRYOS);
		CU_ASSERT_EQUAL(siege_flows(TCPTERM_KIND_TRACK) + siege_flows(TCPTERM_KIND_RELAY),
				0);
		CU_ASSERT_EQUAL(pool_in_use(siege.pools.frames) + pool_in_use(siege.pools.headers),
				0);
		CU_ASSERT_EQUAL(siege_stats()->flood_passed + siege_stats()->cookies_sent +
					tcpterm_drops(siege.stack)->n[DROP_flood] +
					siege_flows(TCPTERM_KIND_EMBRYO) +
					siege_stats()->embryos_evicted,
				n_syns);
		siege_stop();
	}
}

/* Every place for a tag stack is taken: the SYN crosses, as where there is no memory. */
static void
syn_of_one_tag_stack_too_many_crosses(void)
{
	const unsigned n_stacks = 65536;
	struct frame frame;

	siege_start_with(TCPTERM_PASS, TCPTERM_FLOOD_PASS, n_stacks + 16);
	for (unsigned n = 0; n <= n_stacks; n++) {
		if (n == n_stacks) {
			CU_ASSERT_EQUAL(tcpterm_drops(siege.stack)->n[DROP_no_memory], 0);
			siege.verdict.decision = TCPTERM_RELAY;
		}
		frame_init(&frame);
		frame_ether(&frame, 0x0800);
		frame_tag(&frame, 0x8100, (uint16_t)(1 + n / 4000));
		frame_tag(&frame, 0x8100, (uint16_t)(1 + n % 4000));
		frame_tag(&frame, 0x8100, 7);
		frame_ip4(&frame, "10.64.0.1", "198.51.100.9", 6, NULL, 0);
		frame_tcp(&frame, 40000, 443, ISN, 0, TCP_SYN, 60000, NULL, 0);
		frame_end(&frame);
		siege_feed(&frame, 0);
	}
	CU_ASSERT_EQUAL(siege.n_forwarded, n_stacks + 1);
	CU_ASSERT_EQUAL(tcpterm_drops(siege.stack)->n[DROP_no_memory], 1);
	CU_ASSERT_EQUAL(siege_flows(TCPTERM_KIND_EMBRYO), 0);
	siege_stop();
}

TAP_MAIN(flood, TAP_TEST(pressure_begins_at_three_quarters_and_ends_at_a_half),
	 TAP_TEST(handshakes_that_end_relieve_as_refusals_do),
	 TAP_TEST(silent_clients_hold_no_place_for_longer_than_5_s_under_pressure),
	 TAP_TEST(pressure_ends_5_s_after_the_flood_without_another_segment),
	 TAP_TEST(held_syn_is_its_holders_under_pressure_too),
	 TAP_TEST(synack_of_a_handshake_that_lost_its_place_makes_no_flow),
	 TAP_TEST(passed_syn_is_untouched_and_its_connection_is_followed_from_its_ack),
	 TAP_TEST(dropped_syn_is_let_in_when_it_comes_again),
	 TAP_TEST(dropped_syn_is_forgotten_after_four_seconds_and_not_before_two),
	 TAP_TEST(fewer_than_one_in_200_syns_is_taken_for_another),
	 TAP_TEST(oldest_handshake_makes_room_and_its_connection_goes_on),
	 TAP_TEST(deferred_syn_can_be_evicted_too), TAP_TEST(no_flood_takes_more_than_its_room),
	 TAP_TEST(syn_of_one_tag_stack_too_many_crosses))
