/*
 * Urgent data through a relay: the mark is at the same offset on both legs.
 */
#include "tests/unit/lib/chain.h"
#include "tests/unit/tap.h"

enum { KB = 1024, SECOND = 1000000 };

static bool
connected(const struct chain *c)
{
	return c->app[CHAIN_CLIENT].established && c->app[CHAIN_SERVER].established;
}

static bool
client_sent_all(const struct chain *c)
{
	return c->app[CHAIN_CLIENT].sent == c->app[CHAIN_CLIENT].to_send;
}

static bool
never(const struct chain *c)
{
	(void)c;
	return false;
}

static bool
server_knows(const struct chain *c)
{
	return tcpterm_urgent(c->app[CHAIN_SERVER].f) > 0;
}

static bool
last_byte_came(const struct chain *c)
{
	uint8_t byte;

	return tcpterm_peek_urgent(c->app[CHAIN_SERVER].f, &byte) == 0;
}

static void
start(struct chain *c)
{
	chain_init(c, NULL);
	c->app[CHAIN_SERVER].hold = true;
	chain_connect(c);
	CU_ASSERT_TRUE_FATAL(chain_run(c, 60 * SECOND, connected));
}

static void
write_urgent(struct chain *c, const char *text)
{
	size_t len = strlen(text);

	CU_ASSERT_EQUAL(
		tcpterm_write_urgent(c->stack[CHAIN_CLIENT], c->app[CHAIN_CLIENT].f, text, len),
		(ssize_t)len);
}

static void
finish(struct chain *c)
{
	tcpterm_abort(c->stack[CHAIN_CLIENT], c->app[CHAIN_CLIENT].f);
	c->app[CHAIN_CLIENT].f = NULL;
	chain_run(c, 10 * SECOND, never);
	chain_fini(c);
}

static void
mark_crosses_a_relay_at_its_offset(void)
{
	struct chain c;
	uint8_t byte = 0;

	start(&c);
	write_urgent(&c, "abc!");
	CU_ASSERT_TRUE(chain_run(&c, SECOND, last_byte_came));
	CU_ASSERT_EQUAL(tcpterm_urgent(c.app[CHAIN_SERVER].f), 4);
	CU_ASSERT_EQUAL(tcpterm_peek_urgent(c.app[CHAIN_SERVER].f, &byte), 0);
	CU_ASSERT_EQUAL(byte, '!');
	CU_ASSERT_EQUAL(tcpterm_stats(c.stack[CHAIN_RELAY])->urgent_marks, 1);
	finish(&c);
}

static bool
lose_some(struct chain *c, enum chain_node from, const struct pkt *p)
{
	uint64_t *state = c->lose_ctx;

	(void)from;
	(void)p;
	*state = *state * 6364136223846793005u + 1442695040888963407u;
	return (*state >> 33) % 4 == 0;
}

static void
mark_survives_loss(void)
{
	for (uint64_t seed = 1; seed <= 20; seed++) {
		struct chain c;
		uint64_t state = seed;
		uint8_t byte = 0;

		start(&c);
		c.lose = lose_some;
		c.lose_ctx = &state;
		write_urgent(&c, "first?");
		write_urgent(&c, "second!");
		CU_ASSERT_TRUE(chain_run(&c, 60 * SECOND, last_byte_came));
		CU_ASSERT_EQUAL(tcpterm_urgent(c.app[CHAIN_SERVER].f), 13);
		CU_ASSERT_EQUAL(tcpterm_peek_urgent(c.app[CHAIN_SERVER].f, &byte), 0);
		CU_ASSERT_EQUAL(byte, '!');
		finish(&c);
	}
}

static void
mark_passes_a_window_that_is_closed_behind_the_relay(void)
{
	struct chain c;

	start(&c);
	c.app[CHAIN_CLIENT].to_send = 30 * KB;
	CU_ASSERT_TRUE(chain_run(&c, 10 * SECOND, client_sent_all));
	chain_run(&c, 10 * SECOND, never);
	CU_ASSERT_FALSE(server_knows(&c));
	write_urgent(&c, "!");
	CU_ASSERT_TRUE(chain_run(&c, SECOND / 10, server_knows));
	CU_ASSERT_EQUAL(tcpterm_urgent(c.app[CHAIN_SERVER].f), 30 * KB + 1);
	CU_ASSERT_FALSE(last_byte_came(&c));
	finish(&c);
}

TAP_MAIN(urgent, TAP_TEST(mark_crosses_a_relay_at_its_offset), TAP_TEST(mark_survives_loss),
	 TAP_TEST(mark_passes_a_window_that_is_closed_behind_the_relay))
