#include <string.h>

#include "tests/unit/lib/chain.h"

enum {
	MB = 1024 * 1024,
	SECOND = 1000000,
	FULL_SEGMENTS =
		1448 * 150, /* no more than the client's buffer holds: its end would cut one */
};

static void
both_directions_arrive_and_both_ends_close(void)
{
	struct chain c;

	chain_init(&c, NULL);
	chain_transfer(&c, 3 * MB, 2 * MB, 60);
	CU_ASSERT_EQUAL(c.n_ended, 1);
	CU_ASSERT_EQUAL(c.ended, TCPTERM_END_FIN);
	CU_ASSERT_EQUAL(tcpterm_stats(c.stack[CHAIN_RELAY])->retransmits, 0);
	chain_fini(&c);
}

static void
full_segments_are_relayed_without_a_copy(void)
{
	struct chain c;
	uint64_t copied;

	chain_init(&c, NULL);
	chain_transfer(&c, FULL_SEGMENTS, 0, 60);
	copied = tcpterm_stats(c.stack[CHAIN_RELAY])->copied_bytes;
	CU_ASSERT_EQUAL(copied, 0);
	CU_ASSERT_PTR_NOT_NULL(c.payload_in);
	CU_ASSERT_PTR_EQUAL(c.payload_in, c.payload_out);
	chain_fini(&c);
}

/* One frame in `every`, by a multiplicative generator. */
struct loss {
	uint64_t state;
	unsigned every;
	int from;	/* a node, or -1: all */
};

static bool
lose_some(struct chain *c, enum chain_node from, const struct pkt *p)
{
	struct loss *l = c->lose_ctx;

	(void)p;
	if (l->from >= 0 && l->from != (int)from)
		return false;
	l->state = l->state * 6364136223846793005u + 1442695040888963407u;
	return (l->state >> 33) % l->every == 0;
}

static void
loss_on_every_wire_is_repaired(void)
{
	for (uint64_t seed = 1; seed <= 20; seed++) {
		struct loss loss = { seed, 20, -1 };
		struct chain c;

		chain_init(&c, NULL);
		c.lose = lose_some;
		c.lose_ctx = &loss;
		chain_transfer(&c, 300 * 1024, 200 * 1024, 600);
		chain_fini(&c);
	}
}

static void
loss_behind_the_relay_is_repaired_by_the_relay(void)
{
	struct loss loss = { 7, 50, CHAIN_RELAY };
	struct chain c;

	chain_init(&c, NULL);
	c.lose = lose_some;
	c.lose_ctx = &loss;
	chain_transfer(&c, 2 * MB, 0, 120);
	CU_ASSERT(tcpterm_stats(c.stack[CHAIN_RELAY])->retransmits > 0);
	chain_fini(&c);
}

static void
half_close_leaves_the_other_direction_open(void)
{
	struct chain c;

	chain_init(&c, NULL);
	c.app[CHAIN_CLIENT].to_send = 10;
	c.app[CHAIN_CLIENT].close_after = true;
	chain_connect(&c);
	chain_run(&c, 1 * SECOND, chain_never);
	CU_ASSERT_TRUE(c.app[CHAIN_SERVER].eof);
	CU_ASSERT_FALSE(c.app[CHAIN_CLIENT].closed);
	c.app[CHAIN_SERVER].to_send = MB;
	c.app[CHAIN_SERVER].close_after = true;
	CU_ASSERT_TRUE(chain_run(&c, 60 * SECOND, chain_closed));
	chain_check_received(&c);
	chain_fini(&c);
}

static void
reset_arrives_after_the_queued_bytes(void)
{
	struct chain c;

	chain_init(&c, NULL);
	c.app[CHAIN_CLIENT].to_send = 100000;
	chain_connect(&c);
	chain_run(&c, 5 * SECOND, chain_never);
	tcpterm_abort(c.stack[CHAIN_CLIENT], c.app[CHAIN_CLIENT].f);
	c.app[CHAIN_CLIENT].f = NULL;
	chain_run(&c, 1 * SECOND, chain_never);
	CU_ASSERT_TRUE(c.app[CHAIN_SERVER].closed);
	CU_ASSERT_EQUAL(c.app[CHAIN_SERVER].why, TCPTERM_END_RST);
	CU_ASSERT_EQUAL(c.app[CHAIN_SERVER].received, 100000);
	CU_ASSERT_EQUAL(c.ended, TCPTERM_END_RST);
	chain_fini(&c);
}

static void
reset_is_forwarded_within_3_s_past_a_zero_window(void)
{
	struct chain c;

	chain_init(&c, NULL);
	c.app[CHAIN_CLIENT].to_send = 4 * MB;
	c.app[CHAIN_SERVER].hold = true;
	chain_connect(&c);
	chain_run(&c, 20 * SECOND, chain_never);
	CU_ASSERT(c.app[CHAIN_CLIENT].sent < 4 * MB);
	tcpterm_abort(c.stack[CHAIN_CLIENT], c.app[CHAIN_CLIENT].f);
	c.app[CHAIN_CLIENT].f = NULL;
	chain_run(&c, 2 * SECOND, chain_never);
	CU_ASSERT_FALSE(c.app[CHAIN_SERVER].closed);
	chain_run(&c, 2 * SECOND, chain_never);
	CU_ASSERT_TRUE(c.app[CHAIN_SERVER].closed);
	chain_fini(&c);
}

static void
slow_reader_stops_the_sender_and_loses_nothing(void)
{
	struct chain c;

	chain_init(&c, NULL);
	c.app[CHAIN_CLIENT].to_send = 3 * MB;
	c.app[CHAIN_CLIENT].close_after = c.app[CHAIN_SERVER].close_after = true;
	c.app[CHAIN_SERVER].hold = true;
	chain_connect(&c);
	chain_run(&c, 100 * SECOND, chain_never);
	CU_ASSERT(c.app[CHAIN_CLIENT].sent < 3 * MB);
	c.app[CHAIN_SERVER].hold = false;
	CU_ASSERT_TRUE(chain_run(&c, 200 * SECOND, chain_closed));
	chain_check_received(&c);
	chain_fini(&c);
}

static bool
lose_from_client_after_syn(struct chain *c, enum chain_node from, const struct pkt *p)
{
	(void)c;
	return from == CHAIN_CLIENT && !(p->flags & TCP_SYN);
}

static void
pool_of_64_makes_progress(void)
{
	for (uint64_t seed = 1; seed <= 10; seed++) {
		struct tcpterm_conf small = { .n_held_max = 20 };
		struct loss loss = { seed, 25, -1 };
		struct chain c;

		chain_init_pool(&c, &small, 63);
		c.lose = lose_some;
		c.lose_ctx = &loss;
		chain_transfer(&c, 200 * 1024, 200 * 1024, 1800);
		chain_fini(&c);
	}
}

static void
server_is_not_acknowledged_before_the_client(void)
{
	struct chain c;

	chain_init(&c, NULL);
	c.lose = lose_from_client_after_syn;
	chain_connect(&c);
	chain_run(&c, 3 * SECOND, chain_never);
	CU_ASSERT_TRUE(c.app[CHAIN_CLIENT].established);
	CU_ASSERT_FALSE(c.app[CHAIN_SERVER].established);
	CU_ASSERT_EQUAL(tcpterm_stats(c.stack[CHAIN_RELAY])->segments_out, 0);
	chain_fini(&c);
}

static void
passed_flow_is_forwarded_by_the_same_frames(void)
{
	struct chain c;

	chain_init(&c, NULL);
	c.verdict.decision = TCPTERM_PASS;
	chain_transfer(&c, MB, MB, 60);
	CU_ASSERT_EQUAL(tcpterm_stats(c.stack[CHAIN_RELAY])->segments_out, 0);
	chain_fini(&c);
}

static void
tracked_flow_is_followed_to_its_end(void)
{
	struct chain c;

	chain_init(&c, NULL);
	c.verdict.decision = TCPTERM_TRACK;
	chain_transfer(&c, MB, MB, 60);
	CU_ASSERT_EQUAL(tcpterm_stats(c.stack[CHAIN_RELAY])->segments_out, 0);
	CU_ASSERT_EQUAL(c.n_ended, 1);
	CU_ASSERT_EQUAL(c.ended, TCPTERM_END_FIN);
	chain_fini(&c);
}

static void
reset_verdict_refuses_the_client(void)
{
	struct chain c;

	chain_init(&c, NULL);
	c.verdict.decision = TCPTERM_RESET;
	chain_connect(&c);
	chain_run(&c, SECOND, chain_never);
	CU_ASSERT_TRUE(c.app[CHAIN_CLIENT].closed);
	CU_ASSERT_EQUAL(c.app[CHAIN_CLIENT].why, TCPTERM_END_REFUSED);
	chain_fini(&c);
}

static void
flow_is_shown_with_both_legs(void)
{
	struct tcpterm_leg_info leg[2];
	uint64_t cursor = 0;
	struct flow *f;
	struct chain c;

	chain_init(&c, NULL);
	c.app[CHAIN_CLIENT].to_send = 1000;
	chain_connect(&c);
	CU_ASSERT_TRUE(chain_run(&c, SECOND, chain_connected));
	chain_run(&c, SECOND, chain_never);
	CU_ASSERT_EQUAL_FATAL(tcpterm_walk(c.stack[CHAIN_RELAY], &cursor, &f, 1), 1);
	CU_ASSERT_EQUAL(f->kind, TCPTERM_KIND_RELAY);
	tcpterm_flow_info(f, leg);
	CU_ASSERT_EQUAL(leg[0].state, TCPTERM_ESTABLISHED);
	CU_ASSERT_EQUAL(leg[1].state, TCPTERM_ESTABLISHED);
	/* two wires there, two back, and a tick */
	CU_ASSERT(leg[0].srtt_us >= 10000 && leg[0].srtt_us < 13000);
	CU_ASSERT(leg[1].srtt_us >= 10000 && leg[1].srtt_us < 60000);
	CU_ASSERT_EQUAL(flow_bytes(f, 0), 1000);
	chain_fini(&c);
}

/* Of the virtual wires, 10 ms there and back, and a tick; a delayed ACK is 40 ms at most. */
static void
handshake_and_busy_time_of_both_legs_are_measured(void)
{
	struct tcpterm_leg_info leg[2], later[2];
	struct chain c;

	chain_init(&c, NULL);
	c.app[CHAIN_CLIENT].to_send = 1000;
	chain_connect(&c);
	CU_ASSERT_TRUE(chain_run(&c, SECOND, chain_connected));
	chain_run(&c, SECOND, chain_never);
	tcpterm_flow_info(chain_flow(&c), leg);
	CU_ASSERT(leg[0].handshake_us >= 10000 && leg[0].handshake_us < 11000);
	CU_ASSERT(leg[1].handshake_us >= 10000 && leg[1].handshake_us < 11000);
	CU_ASSERT(leg[0].busy_us >= 10000 && leg[0].busy_us < 55000);
	CU_ASSERT_EQUAL(leg[1].busy_us, 0);
	/* A pause is none of it, whether the flow rests meanwhile or not. */
	chain_run(&c, 20 * SECOND, chain_never);
	tcpterm_flow_info(chain_flow(&c), later);
	CU_ASSERT_EQUAL(later[0].busy_us, leg[0].busy_us);
	CU_ASSERT_EQUAL(later[0].handshake_us, leg[0].handshake_us);
	c.app[CHAIN_SERVER].to_send = 1000;
	chain_run(&c, SECOND, chain_never);
	tcpterm_flow_info(chain_flow(&c), later);
	CU_ASSERT(later[1].busy_us >= 10000 && later[1].busy_us < 55000);
	CU_ASSERT_EQUAL(later[0].busy_us, leg[0].busy_us);
	chain_fini(&c);
}

static bool
lose_first_syn(struct chain *c, enum chain_node from, const struct pkt *p)
{
	unsigned *n = c->lose_ctx;

	return from == CHAIN_RELAY && (p->flags & (TCP_SYN | TCP_ACK)) == TCP_SYN && (*n)++ == 0;
}

static void
syn_that_is_lost_is_part_of_the_servers_wait(void)
{
	struct tcpterm_leg_info leg[2];
	unsigned n = 0;
	struct chain c;

	chain_init(&c, NULL);
	c.lose = lose_first_syn;
	c.lose_ctx = &n;
	chain_connect(&c);
	CU_ASSERT_TRUE(chain_run(&c, 10 * SECOND, chain_connected));
	chain_run(&c, SECOND, chain_never);
	tcpterm_flow_info(chain_flow(&c), leg);
	CU_ASSERT(leg[1].handshake_us >= SECOND + 10000 && leg[1].handshake_us < SECOND + 20000);
	CU_ASSERT(leg[0].handshake_us >= 10000 && leg[0].handshake_us < 11000);
	chain_fini(&c);
}

TEAM_MAIN(relay, TAP_TEST(both_directions_arrive_and_both_ends_close),
	  TAP_TEST(full_segments_are_relayed_without_a_copy),
	  TAP_TEST(loss_on_every_wire_is_repaired),
	  TAP_TEST(loss_behind_the_relay_is_repaired_by_the_relay),
	  TAP_CHECK(S8, half_close_leaves_the_other_direction_open),
	  TAP_TEST(reset_arrives_after_the_queued_bytes),
	  TAP_TEST(reset_is_forwarded_within_3_s_past_a_zero_window),
	  TAP_TEST(slow_reader_stops_the_sender_and_loses_nothing),
	  TAP_TEST(pool_of_64_makes_progress),
	  TAP_CHECK(S8, server_is_not_acknowledged_before_the_client),
	  TAP_TEST(passed_flow_is_forwarded_by_the_same_frames),
	  TAP_TEST(tracked_flow_is_followed_to_its_end), TAP_TEST(reset_verdict_refuses_the_client),
	  TAP_TEST(flow_is_shown_with_both_legs),
	  TAP_TEST(handshake_and_busy_time_of_both_legs_are_measured),
	  TAP_TEST(syn_that_is_lost_is_part_of_the_servers_wait))
