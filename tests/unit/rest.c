#include <CUnit/CUnit.h>

#include "tcpterm/intern.h"
#include "tcpterm/rest.h"
#include "tests/unit/lib/chain.h"
#include "tests/unit/lib/leg.h"
#include "tests/unit/tap.h"

/* --- rest.h: n_ready of 1 lets all rest that may --- */

enum { SECOND = 1000 * 1000, FIRST = 5000, MORE = 3000 };

static const struct tcpterm_conf at_once = { .n_ready = 1 };

static bool
received(const struct chain *c)
{
	return c->app[CHAIN_SERVER].received == c->app[CHAIN_CLIENT].to_send &&
	       c->app[CHAIN_CLIENT].received == c->app[CHAIN_SERVER].to_send;
}

static bool
never(const struct chain *c)
{
	(void)c;
	return false;
}

static bool
client_closed(const struct chain *c)
{
	return c->app[CHAIN_CLIENT].closed;
}

static struct flow *
flow_at(struct chain *c, enum chain_node node)
{
	struct flow *f = NULL;
	uint64_t cursor = 0;

	CU_ASSERT_EQUAL_FATAL(tcpterm_walk(c->stack[node], &cursor, &f, 1), 1);
	return f;
}

static unsigned
n_awake(struct chain *c)
{
	unsigned n = 0;

	for (unsigned i = 0; i < CHAIN_N; i++)
		n += rest_awake(flow_at(c, i));
	return n;
}

/* Both ends send, and then there is silence. */
static void
converse(struct chain *c, const struct tcpterm_conf *conf)
{
	chain_init(c, conf);
	c->app[CHAIN_CLIENT].to_send = FIRST;
	c->app[CHAIN_SERVER].to_send = FIRST;
	chain_connect(c);
	CU_ASSERT(chain_run(c, 10 * SECOND, received));
	chain_run(c, SECOND, never);
}

static void
who_is_quiet_rests(void)
{
	struct chain c;

	converse(&c, &at_once);
	CU_ASSERT_EQUAL(n_awake(&c), 0);
	for (unsigned i = 0; i < CHAIN_N; i++)
		CU_ASSERT_EQUAL(c.stack[i]->awake[0].n_used + c.stack[i]->awake[1].n_used, 0);
	chain_fini(&c);
}

static unsigned
n_kept(const struct chain *c)
{
	unsigned n = 0;

	for (unsigned i = 0; i < CHAIN_N; i++)
		n += intern_used(c->stack[i]->ways[0]) + intern_used(c->stack[i]->ways[1]) +
		     c->stack[i]->more.n_used;
	return n;
}

/* One entry for what was agreed at each node, and nothing for losses that were none. */
static void
what_is_kept_goes_when_flows_wake(void)
{
	struct chain c;

	converse(&c, &at_once);
	CU_ASSERT_EQUAL(n_kept(&c), CHAIN_N);
	for (unsigned i = 0; i < CHAIN_N; i++)
		if (flow_at(&c, i)->kind == TCPTERM_KIND_RELAY)
			relay_of(flow_at(&c, i));
		else
			endpoint_of(flow_at(&c, i));
	CU_ASSERT_EQUAL(n_awake(&c), CHAIN_N);
	CU_ASSERT_EQUAL(n_kept(&c), 0);
	chain_fini(&c);
}

static void
the_latest_to_speak_stay_awake(void)
{
	struct chain c;

	converse(&c, NULL);
	CU_ASSERT_EQUAL(n_awake(&c), CHAIN_N);
	chain_fini(&c);
}

/* The same conversation with and without rest, on the wire and in what is told of it. */
static void
rest_changes_nothing(void)
{
	struct tcpterm_leg_info leg[2][CHAIN_N][2];
	uint64_t frames[2][CHAIN_N];
	struct chain c;

	for (unsigned k = 0; k < 2; k++) {
		converse(&c, k ? &at_once : NULL);
		for (unsigned i = 0; i < CHAIN_N; i++)
			tcpterm_flow_info(flow_at(&c, i), leg[k][i]);
		CU_ASSERT_EQUAL(n_awake(&c), k ? 0 : CHAIN_N);
		c.app[CHAIN_CLIENT].to_send += MORE;
		c.app[CHAIN_SERVER].to_send += MORE;
		CU_ASSERT(chain_run(&c, 10 * SECOND, received));
		c.app[CHAIN_CLIENT].close_after = c.app[CHAIN_SERVER].close_after = true;
		CU_ASSERT(chain_run(&c, 10 * SECOND, client_closed));
		CU_ASSERT_EQUAL(c.app[CHAIN_CLIENT].wrong + c.app[CHAIN_SERVER].wrong, 0);
		memcpy(frames[k], c.frames, sizeof c.frames);
		chain_fini(&c);
	}
	for (unsigned i = 0; i < CHAIN_N; i++) {
		CU_ASSERT_EQUAL(frames[0][i], frames[1][i]);
		for (unsigned d = 0; d < 2; d++)
			CU_ASSERT(leg_info_equal(&leg[0][i][d], &leg[1][i][d]));
	}
}

static bool
lose_all(struct chain *c, enum chain_node from, const struct pkt *p)
{
	(void)c, (void)from, (void)p;
	return true;
}

static void
keepalives_are_sent_from_rest(void)
{
	static const struct tcpterm_keepalive k = { .idle_s = 10, .interval_s = 1, .n_probes = 3 };
	struct chain c;
	uint64_t frames;

	converse(&c, &at_once);
	tcpterm_set_keepalive(c.app[CHAIN_CLIENT].f, &k);
	frames = c.frames[CHAIN_CLIENT];
	chain_run(&c, 35 * SECOND, never);
	CU_ASSERT_EQUAL(c.frames[CHAIN_CLIENT], frames + 3);
	CU_ASSERT_EQUAL(n_awake(&c), 0);
	c.lose = lose_all;
	CU_ASSERT(chain_run(&c, 15 * SECOND, client_closed));
	CU_ASSERT_EQUAL(c.app[CHAIN_CLIENT].why, TCPTERM_END_TIMEOUT);
	chain_fini(&c);
}

static void
settings_are_kept_at_rest(void)
{
	struct chain c;
	struct flow *f;

	converse(&c, &at_once);
	f = c.app[CHAIN_CLIENT].f;
	tcpterm_set_ttl(f, 9);
	tcpterm_set_nodelay(f, true);
	tcpterm_set_buffers(f, 30000, 40000);
	tcpterm_set_fin_wait(f, 7);
	tcpterm_set_retries(f, 4, 5, 6);
	tcpterm_set_user_timeout(f, 8000);
	chain_run(&c, SECOND, never);
	CU_ASSERT_FALSE(rest_awake(f));
	CU_ASSERT_EQUAL(endpoint_of(f)->c.ttl, 9);
	CU_ASSERT(endpoint_of(f)->c.nodelay && endpoint_of(f)->c.rcv.fixed);
	CU_ASSERT_EQUAL(endpoint_of(f)->c.rcv.limit, 30000);
	CU_ASSERT_EQUAL(endpoint_of(f)->send_buffer, 40000);
	CU_ASSERT_EQUAL(endpoint_of(f)->alive.fin_wait_s, 7);
	CU_ASSERT_EQUAL(endpoint_of(f)->alive.user_ms, 8000);
	CU_ASSERT(endpoint_of(f)->alive.r1 == 4 && endpoint_of(f)->alive.r2 == 5);
	chain_fini(&c);
}

static void
a_flow_ends_at_rest(void)
{
	struct chain c;

	converse(&c, &at_once);
	CU_ASSERT_EQUAL(
		tcpterm_demote(c.stack[CHAIN_RELAY], flow_at(&c, CHAIN_RELAY), TCPTERM_TRACK), 0);
	CU_ASSERT_EQUAL(flow_at(&c, CHAIN_RELAY)->kind, TCPTERM_KIND_TRACK);
	tcpterm_abort(c.stack[CHAIN_SERVER], c.app[CHAIN_SERVER].f);
	c.app[CHAIN_SERVER].f = NULL;
	CU_ASSERT(chain_run(&c, SECOND, client_closed));
	CU_ASSERT_EQUAL(c.app[CHAIN_CLIENT].why, TCPTERM_END_RST);
	for (unsigned i = 0; i < CHAIN_N; i++)
		CU_ASSERT_EQUAL(c.stack[i]->awake[0].n_used + c.stack[i]->awake[1].n_used, 0);
	CU_ASSERT_EQUAL(n_kept(&c), 0);
	chain_fini(&c);
}

TAP_MAIN(rest, TAP_TEST(who_is_quiet_rests), TAP_TEST(what_is_kept_goes_when_flows_wake),
	 TAP_TEST(the_latest_to_speak_stay_awake), TAP_TEST(rest_changes_nothing),
	 TAP_TEST(keepalives_are_sent_from_rest), TAP_TEST(settings_are_kept_at_rest),
	 TAP_TEST(a_flow_ends_at_rest))
