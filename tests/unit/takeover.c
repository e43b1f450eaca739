/*
 * A passive pair on the path is taken over in mid-stream, and by an explicit call alone.
 */
#include <errno.h>
#include <string.h>

#include "tests/unit/copies.h"
#include "tests/unit/lib/chain.h"

enum { KB = 1024, MB = 1024 * 1024, SECOND = 1000000 };

static bool
is_relay(const struct chain *c)
{
	return tcpterm_stats(c->stack[CHAIN_RELAY])->n_flows[TCPTERM_KIND_RELAY] == 1;
}

/* A connection that was read while so many bytes crossed, and is quiet now. */
static void
begin(struct chain *c, uint64_t up, uint64_t down)
{
	chain_init(c, NULL);
	c->verdict.decision = TCPTERM_PASSIVE;
	c->app[CHAIN_CLIENT].to_send = up;
	c->app[CHAIN_SERVER].to_send = down;
	chain_connect(c);
	chain_run(c, 10 * SECOND, chain_never);
	CU_ASSERT_EQUAL_FATAL(chain_flow(c)->kind, TCPTERM_KIND_PASSIVE);
	CU_ASSERT_EQUAL(tcpterm_stats(c->stack[CHAIN_RELAY])->segments_out, 0);
}

/* So much more crosses, and both ends close. */
static void
go_on(struct chain *c, uint64_t up, uint64_t down)
{
	c->app[CHAIN_CLIENT].to_send += up;
	c->app[CHAIN_SERVER].to_send += down;
	c->app[CHAIN_CLIENT].close_after = c->app[CHAIN_SERVER].close_after = true;
	CU_ASSERT_TRUE(chain_run(c, 600LL * SECOND, chain_closed));
	CU_ASSERT_EQUAL(c->app[CHAIN_SERVER].received, c->app[CHAIN_CLIENT].to_send);
	CU_ASSERT_EQUAL(c->app[CHAIN_CLIENT].received, c->app[CHAIN_SERVER].to_send);
	CU_ASSERT_EQUAL(c->app[CHAIN_CLIENT].wrong + c->app[CHAIN_SERVER].wrong, 0);
	CU_ASSERT_EQUAL(c->n_ended, 1);
	CU_ASSERT_EQUAL(c->ended, TCPTERM_END_FIN);
}

static void
pair_becomes_a_relay_at_the_next_moment_of_rest(void)
{
	struct chain c;

	begin(&c, 100 * KB, 50 * KB);
	chain_flow(&c)->cookie = 4711;
	CU_ASSERT_EQUAL(tcpterm_take_over(c.stack[CHAIN_RELAY], chain_flow(&c)), 0);
	CU_ASSERT_FALSE(is_relay(&c));	/* nobody has spoken since */
	c.app[CHAIN_CLIENT].to_send += 10;
	chain_run(&c, SECOND, chain_never);
	CU_ASSERT_TRUE(is_relay(&c));
	CU_ASSERT_EQUAL(chain_flow(&c)->cookie, 4711);
	CU_ASSERT_EQUAL(tcpterm_stats(c.stack[CHAIN_RELAY])->taken_over, 1);
	go_on(&c, 2 * MB, 3 * MB);
	CU_ASSERT_TRUE(tcpterm_stats(c.stack[CHAIN_RELAY])->segments_out > 1000);
	CU_ASSERT_EQUAL(tcpterm_stats(c.stack[CHAIN_RELAY])->retransmits, 0);
	for (unsigned i = 0; i < CHAIN_N; i++)
		CU_ASSERT_EQUAL(tcpterm_drops(c.stack[i])->n[DROP_proxy_paws], 0);
	chain_fini(&c);
}

static void
nothing_takes_a_pair_over_unasked(void)
{
	struct chain c;

	begin(&c, 100 * KB, 50 * KB);
	go_on(&c, MB, MB);
	CU_ASSERT_EQUAL(tcpterm_stats(c.stack[CHAIN_RELAY])->segments_out, 0);
	CU_ASSERT_EQUAL(tcpterm_stats(c.stack[CHAIN_RELAY])->taken_over, 0);
	chain_fini(&c);
}

static bool
lose_some(struct chain *c, enum chain_node from, const struct pkt *p)
{
	uint64_t *state = c->lose_ctx;

	(void)from, (void)p;
	*state = *state * 6364136223846793005u + 1442695040888963407u;
	return (*state >> 33) % 30 == 0;
}

/* Asked at any moment of a transfer under loss: both streams arrive whole, taken over or not. */
static void
takeover_under_loss_loses_nothing(void)
{
	unsigned n_taken = 0;

	for (uint64_t seed = 1; seed <= 20; seed++) {
		uint64_t state = seed;
		struct chain c;

		chain_init(&c, NULL);
		c.verdict.decision = TCPTERM_PASSIVE;
		c.lose = lose_some;
		c.lose_ctx = &state;
		c.app[CHAIN_CLIENT].to_send = 200 * KB;
		c.app[CHAIN_SERVER].to_send = 100 * KB;
		chain_connect(&c);
		chain_run(&c, 2 * SECOND + (int64_t)seed * 37000, chain_never);
		CU_ASSERT_EQUAL(tcpterm_take_over(c.stack[CHAIN_RELAY], chain_flow(&c)), 0);
		chain_run(&c, 60LL * SECOND, chain_never);
		c.app[CHAIN_CLIENT].to_send += 10;
		chain_run(&c, 10 * SECOND, chain_never);
		n_taken += is_relay(&c);
		go_on(&c, 200 * KB, 300 * KB);
		chain_fini(&c);
	}
	CU_ASSERT_EQUAL(n_taken, 20);
}

/* A sender that always has something in flight leaves no moment of rest: the request waits, and
 * the flow stays what it was to its end. */
static void
flow_that_never_pauses_stays_passive_and_whole(void)
{
	struct chain c;

	chain_init(&c, NULL);
	c.verdict.decision = TCPTERM_PASSIVE;
	c.app[CHAIN_CLIENT].to_send = 8 * MB;
	chain_connect(&c);
	chain_run(&c, SECOND / 10, chain_never);
	CU_ASSERT_EQUAL(tcpterm_take_over(c.stack[CHAIN_RELAY], chain_flow(&c)), 0);
	go_on(&c, 0, 0);
	CU_ASSERT_EQUAL(tcpterm_stats(c.stack[CHAIN_RELAY])->taken_over, 0);
	CU_ASSERT_EQUAL(tcpterm_stats(c.stack[CHAIN_RELAY])->segments_out, 0);
	chain_fini(&c);
}

static void
what_can_not_be_taken_over_says_why(void)
{
	struct chain c;

	begin(&c, 100, 100);
	c.app[CHAIN_CLIENT].close_after = true;
	chain_run(&c, SECOND, chain_never);
	CU_ASSERT_EQUAL(tcpterm_take_over(c.stack[CHAIN_RELAY], chain_flow(&c)), -ENOTCONN);
	chain_fini(&c);

	chain_init(&c, NULL);
	c.verdict.decision = TCPTERM_TRACK;
	chain_connect(&c);
	chain_run(&c, SECOND, chain_never);
	CU_ASSERT_EQUAL(tcpterm_take_over(c.stack[CHAIN_RELAY], chain_flow(&c)), -EINVAL);
	chain_fini(&c);

	copies_begin(NULL);
	copies_handshake();
	CU_ASSERT_EQUAL(tcpterm_take_over(copies.s, copies_flow()), -EINVAL);	/* copies */
	copies_flow()->is_copy = false;
	CU_ASSERT_EQUAL(tcpterm_take_over(copies.s, copies_flow()), 0);
	CU_ASSERT_TRUE(copies_end());

	copies_begin(NULL);	/* mid-stream */
	copies_segment(0, TCP_ACK, 0, 0, 10);
	copies_segment(1, TCP_ACK, 0, 10, 10);
	copies_wait(100000);
	copies_flow()->is_copy = false;
	CU_ASSERT_EQUAL(tcpterm_take_over(copies.s, copies_flow()), -EOPNOTSUPP);
	CU_ASSERT_TRUE(copies_end());
}

TEAM_MAIN(takeover, TAP_CHECK(S9, pair_becomes_a_relay_at_the_next_moment_of_rest),
	  TAP_CHECK(S9, nothing_takes_a_pair_over_unasked),
	  TAP_TEST(takeover_under_loss_loses_nothing),
	  TAP_TEST(flow_that_never_pauses_stays_passive_and_whole),
	  TAP_TEST(what_can_not_be_taken_over_says_why))
