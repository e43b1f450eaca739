/*
 * A proxy that is lost, and another in its place: what held nothing goes on, what lost bytes is
 * reset at both ends.
 */
#include "tcpterm/track.h"
#include "tests/unit/lib/chain.h"

enum { MB = 1024 * 1024, MS = 1000, SECOND = 1000000 };

static const struct tcpterm_verdict was_proxied = {
	.decision = TCPTERM_TRACK,
	.interrupted = true,
	.was_terminated = true,
};
static const struct tcpterm_verdict was_tracked = { .decision = TCPTERM_TRACK,
						    .interrupted = true };

static bool
never(const struct chain *c)
{
	(void)c;
	return false;
}

static bool
both_closed(const struct chain *c)
{
	return c->app[CHAIN_CLIENT].closed && c->app[CHAIN_SERVER].closed;
}

static struct flow *
flow(struct chain *c)
{
	uint64_t cursor = 0;
	struct flow *f = NULL;

	while (tcpterm_walk(c->stack[CHAIN_RELAY], &cursor, &f, 1) == 0 && cursor)
		;
	return f;
}

static void
begin(struct chain *c, uint64_t up, uint64_t down, int64_t us)
{
	chain_init(c, NULL);
	c->app[CHAIN_CLIENT].to_send = up;
	c->app[CHAIN_SERVER].to_send = down;
	chain_connect(c);
	chain_run(c, us, never);
}

static bool
all_arrived(const struct chain *c)
{
	return c->app[CHAIN_SERVER].received == c->app[CHAIN_CLIENT].to_send &&
	       c->app[CHAIN_CLIENT].received == c->app[CHAIN_SERVER].to_send;
}

static void
check_no_byte_is_wrong(const struct chain *c)
{
	CU_ASSERT_EQUAL(c->app[CHAIN_CLIENT].wrong, 0);
	CU_ASSERT_EQUAL(c->app[CHAIN_SERVER].wrong, 0);
}

static void
connection_that_held_nothing_goes_on(void)
{
	struct chain c;

	begin(&c, 5000, 7000, 2 * SECOND);
	chain_replace_relay(&c, &was_proxied);
	c.app[CHAIN_CLIENT].to_send += 1000;
	chain_run(&c, 5 * SECOND, never);
	CU_ASSERT_EQUAL(flow(&c)->kind, TCPTERM_KIND_TRACK);
	CU_ASSERT_EQUAL(flow(&c)->start, TCPTERM_START_INTERRUPTED);
	CU_ASSERT_PTR_NULL(((struct track *)flow(&c))->more->watch);	/* seen to be whole */
	c.app[CHAIN_SERVER].to_send += MB;
	c.app[CHAIN_CLIENT].close_after = c.app[CHAIN_SERVER].close_after = true;
	CU_ASSERT_TRUE(chain_run(&c, 60 * SECOND, both_closed));
	CU_ASSERT_TRUE(all_arrived(&c));
	check_no_byte_is_wrong(&c);
	CU_ASSERT_EQUAL(c.ended, TCPTERM_END_FIN);
	chain_fini(&c);
}

/* The server does not read what the proxy has acknowledged to the client. */
static void
begin_holding(struct chain *c, uint64_t up)
{
	chain_init(c, NULL);
	c->app[CHAIN_CLIENT].to_send = up;
	c->app[CHAIN_SERVER].hold = true;
	chain_connect(c);
	chain_run(c, 20 * SECOND, never);
}

static void
lost_bytes_reset_both_ends_when_the_server_reads_again(void)
{
	static const uint64_t up[] = { 64 * MB, 100 * 1024 }; /* the client has more, or has not */

	for (unsigned i = 0; i < 2; i++) {
		struct chain c;

		begin_holding(&c, up[i]);
		chain_replace_relay(&c, &was_proxied);
		chain_run(&c, 30 * SECOND, never);
		CU_ASSERT_FALSE(c.app[CHAIN_CLIENT].closed);	/* the server asks for nothing */
		CU_ASSERT_FALSE(c.app[CHAIN_SERVER].closed);
		c.app[CHAIN_SERVER].hold = false;
		CU_ASSERT_TRUE(chain_run(&c, 3 * SECOND, both_closed));
		CU_ASSERT_EQUAL(c.app[CHAIN_CLIENT].why, TCPTERM_END_RST);
		CU_ASSERT_EQUAL(c.app[CHAIN_SERVER].why, TCPTERM_END_RST);
		CU_ASSERT_EQUAL(c.ended, TCPTERM_END_BYTES_LOST);
		CU_ASSERT_EQUAL(tcpterm_stats(c.stack[CHAIN_RELAY])->interrupted_reset, 1);
		CU_ASSERT(c.app[CHAIN_SERVER].received < c.app[CHAIN_CLIENT].sent);
		check_no_byte_is_wrong(&c);
		chain_fini(&c);
	}
}

/* Lost at any moment: all bytes arrive, or both ends are told that they do not. */
static void
loss_at_any_moment_ends_in_order_or_in_two_resets(void)
{
	unsigned n_whole = 0, n_reset = 0;

	for (int64_t at = 17 * MS; at < 600 * MS; at += 4900) {
		struct chain c;

		begin(&c, 2 * MB, MB, at);
		c.app[CHAIN_CLIENT].close_after = c.app[CHAIN_SERVER].close_after = true;
		chain_replace_relay(&c, &was_proxied);
		CU_ASSERT_TRUE(chain_run(&c, 60 * SECOND, both_closed));
		check_no_byte_is_wrong(&c);
		if (c.app[CHAIN_CLIENT].why == TCPTERM_END_RST) {
			CU_ASSERT_EQUAL(c.app[CHAIN_SERVER].why, TCPTERM_END_RST);
			CU_ASSERT_EQUAL(c.ended, TCPTERM_END_BYTES_LOST);
			n_reset++;
		} else {
			CU_ASSERT_TRUE(all_arrived(&c));
			n_whole++;
		}
		chain_fini(&c);
	}
	CU_ASSERT(n_whole > 5);
	CU_ASSERT(n_reset > 5);
}

/* One frame in twenty, and for a time all of them. */
struct weather {
	uint64_t state;
	bool dark;
};

static bool
lose_some(struct chain *c, enum chain_node from, const struct pkt *p)
{
	struct weather *w = c->lose_ctx;

	(void)p;
	(void)from;
	w->state = w->state * 6364136223846793005u + 1442695040888963407u;
	return w->dark || (w->state >> 33) % 20 == 0;
}

/* Nothing was ever held: whatever the wires do, no loss of theirs is taken for one of ours, while a
 * sender's timer may be backed off. */
static void
what_the_wires_lose_is_not_taken_for_lost(void)
{
	for (uint64_t seed = 1; seed <= 30; seed++) {
		struct tcpterm_verdict v = was_proxied;
		struct weather w = { seed, false };
		struct chain c;

		chain_init(&c, NULL);
		c.verdict.decision = TCPTERM_TRACK;
		c.lose = lose_some;
		c.lose_ctx = &w;
		c.app[CHAIN_CLIENT].to_send = c.app[CHAIN_SERVER].to_send = 300 * 1024;
		chain_connect(&c);
		chain_run(&c, 500 * MS + (int64_t)seed * 20 * MS, never);
		w.dark = true;
		chain_run(&c, (int64_t)(seed % 4) * 300 * MS, never);
		w.dark = false;
		v.repeats_until = usec_add(c.now, 10 * SECOND);
		chain_replace_relay(&c, &v);
		c.app[CHAIN_CLIENT].close_after = c.app[CHAIN_SERVER].close_after = true;
		CU_ASSERT_TRUE(chain_run(&c, 600 * SECOND, both_closed));
		CU_ASSERT_TRUE(all_arrived(&c));
		CU_ASSERT_EQUAL(tcpterm_stats(c.stack[CHAIN_RELAY])->interrupted_reset, 0);
		chain_fini(&c);
	}
}

/* The server's window is shut, and the client has sent beyond it: that needs no patience. */
static void
what_was_sent_beyond_the_window_is_lost_for_sure(void)
{
	struct tcpterm_verdict v = was_proxied;
	struct chain c;

	begin_holding(&c, 64 * MB);
	v.repeats_until = usec_add(c.now, 3600LL * SECOND);
	chain_replace_relay(&c, &v);
	chain_run(&c, 100 * SECOND, never);
	CU_ASSERT_FALSE(c.app[CHAIN_CLIENT].closed);
	c.app[CHAIN_SERVER].hold = false;
	CU_ASSERT_TRUE(chain_run(&c, 3 * SECOND, both_closed));
	CU_ASSERT_EQUAL(c.ended, TCPTERM_END_BYTES_LOST);
	chain_fini(&c);
}

/* Nobody says that a window was shut: the ends' timers are given their time. */
static void
patience_ends_with_a_reset_too(void)
{
	struct tcpterm_verdict v = was_proxied;
	struct chain c;

	begin_holding(&c, 100 * 1024);
	v.repeats_until = usec_add(c.now, 20 * SECOND);
	c.app[CHAIN_SERVER].hold = false;
	chain_replace_relay(&c, &v);
	chain_run(&c, 19 * SECOND, never);
	CU_ASSERT_FALSE(c.app[CHAIN_CLIENT].closed);
	CU_ASSERT_TRUE(chain_run(&c, 3 * SECOND, both_closed));
	CU_ASSERT_EQUAL(c.ended, TCPTERM_END_BYTES_LOST);
	chain_fini(&c);
}

static void
what_was_tracked_is_asked_nothing(void)
{
	struct chain c;

	begin(&c, 5000, 7000, 2 * SECOND);
	chain_replace_relay(&c, &was_tracked);
	c.app[CHAIN_CLIENT].to_send += 1000;
	chain_run(&c, 10 * SECOND, never);
	CU_ASSERT_EQUAL(flow(&c)->start, TCPTERM_START_INTERRUPTED);
	CU_ASSERT_EQUAL(tcpterm_stats(c.stack[CHAIN_RELAY])->segments_out, 0);
	CU_ASSERT_EQUAL(tcpterm_stats(c.stack[CHAIN_RELAY])->interrupted, 1);
	chain_fini(&c);
}

static void
silent_ends_are_asked_a_few_times_only(void)
{
	struct chain c;
	uint64_t made;

	begin_holding(&c, 100 * 1024);
	chain_replace_relay(&c, &was_proxied);
	c.app[CHAIN_SERVER].to_send = 100;	/* makes it known; its window stays shut */
	chain_run(&c, 10 * SECOND, never);
	made = tcpterm_stats(c.stack[CHAIN_RELAY])->segments_out;
	CU_ASSERT(made > 0 && made <= 24);	/* six times each, for each direction */
	chain_run(&c, 100 * SECOND, never);
	CU_ASSERT_EQUAL(tcpterm_stats(c.stack[CHAIN_RELAY])->segments_out, made);
	chain_fini(&c);
}

TEAM_MAIN(interrupted, TAP_CHECK(S15, connection_that_held_nothing_goes_on),
	  TAP_CHECK(S15, lost_bytes_reset_both_ends_when_the_server_reads_again),
	  TAP_CHECK(S15, loss_at_any_moment_ends_in_order_or_in_two_resets),
	  TAP_TEST(what_the_wires_lose_is_not_taken_for_lost),
	  TAP_TEST(what_was_sent_beyond_the_window_is_lost_for_sure),
	  TAP_TEST(patience_ends_with_a_reset_too), TAP_TEST(what_was_tracked_is_asked_nothing),
	  TAP_TEST(silent_ends_are_asked_a_few_times_only))
