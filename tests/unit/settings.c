/*
 * What a caller may choose for a connection of its own (<tcpterm/conn.h>).
 */
#include <errno.h>

#include "tests/unit/lib/caller.h"
#include "tests/unit/tap.h"

enum { MS = 1000, SECOND = 1000000 };

static struct caller k;

static void
start(void)
{
	caller_init(&k, &(struct ends_conf){ .wscale = -1 });
}

static uint32_t
longest_since(unsigned from)
{
	uint32_t len = 0;

	for (unsigned i = from; i < k.e.n_out; i++)
		len = k.e.out[i].len > len ? k.e.out[i].len : len;
	return len;
}

static void
ttl_and_dscp_are_in_what_is_sent(void)
{
	start();
	tcpterm_set_ttl(k.f, 17);
	tcpterm_set_tos(k.f, 0xbb);
	caller_write(&k, 10);
	CU_ASSERT_EQUAL(ends_last(&k.e, 0)->ttl, 17);
	CU_ASSERT_EQUAL(ends_last(&k.e, 0)->tos, 0xb8);	/* ECN's bits are not the caller's */
	caller_fini(&k);
}

static void
nodelay_lets_go_what_nagle_holds(void)
{
	unsigned from;

	start();
	caller_write(&k, 10);
	from = k.e.n_out;
	caller_write(&k, 10);
	CU_ASSERT_EQUAL(k.e.n_out, from);
	tcpterm_set_nodelay(k.f, true);
	ends_run(&k.e, 0);
	CU_ASSERT_EQUAL(k.e.n_out, from + 1);
	caller_write(&k, 10);
	CU_ASSERT_EQUAL(k.e.n_out, from + 2);
	caller_fini(&k);
}

static void
acknowledgements_are_late_or_at_once(void)
{
	unsigned from;

	start();
	tcpterm_set_quickack(k.f, false);
	from = k.e.n_out;
	caller_hear(&k, 0, 10, 0);
	CU_ASSERT_EQUAL(k.e.n_out, from);
	ends_run(&k.e, 41 * MS);
	CU_ASSERT_EQUAL(k.e.n_out, from + 1);
	caller_hear(&k, 10, 10, 0);
	tcpterm_set_quickack(k.f, true);	/* what waits is acknowledged, too */
	ends_run(&k.e, 0);
	CU_ASSERT_EQUAL(k.e.n_out, from + 2);
	caller_hear(&k, 20, 10, 0);
	CU_ASSERT_EQUAL(k.e.n_out, from + 3);
	caller_fini(&k);
}

static void
buffers_bound_what_is_taken(void)
{
	static const char zeroes[4000];

	start();
	tcpterm_set_buffers(k.f, 5000, 3000);
	caller_hear(&k, 0, 1000, 0);
	ends_run(&k.e, SECOND);
	CU_ASSERT(ends_last(&k.e, 0)->window <= 16384);
	CU_ASSERT_EQUAL(tcpterm_write(k.e.stack, k.f, zeroes, sizeof zeroes), 3000);
	CU_ASSERT_EQUAL(tcpterm_write(k.e.stack, k.f, zeroes, 1), -EAGAIN);
	caller_fini(&k);
}

static void
largest_segment_is_lessened_only(void)
{
	unsigned from;

	start();
	tcpterm_set_tuning(k.f, &(struct tcpterm_tuning){ .mss = 1000 });
	from = k.e.n_out;
	caller_write(&k, 3000);
	CU_ASSERT_EQUAL(longest_since(from), 1000);
	caller_hear(&k, 0, 0, 3000);
	tcpterm_set_tuning(k.f, &(struct tcpterm_tuning){ .mss = 1400 });
	from = k.e.n_out;
	caller_write(&k, 3000);
	CU_ASSERT_EQUAL(longest_since(from), 1000);
	caller_fini(&k);
}

/* A path that bears more again does not raise what the caller allows. */
static void
largest_segment_holds_when_the_path_bears_more(void)
{
	unsigned from;

	start();
	caller_write(&k, 1460);
	ends_too_big(&k.e, 0, 0, 840);
	ends_run(&k.e, 0);
	caller_hear(&k, 0, 0, 1460);
	tcpterm_set_tuning(k.f, &(struct tcpterm_tuning){ .mss = 1000 });
	from = k.e.n_out;
	caller_write(&k, 3000);
	CU_ASSERT_EQUAL(longest_since(from), 800);
	caller_hear(&k, 0, 0, 4460);
	ends_run(&k.e, 601LL * SECOND);
	from = k.e.n_out;
	caller_write(&k, 3000);
	CU_ASSERT_EQUAL(longest_since(from), 1000);
	caller_fini(&k);
}

TAP_MAIN(settings, TAP_TEST(ttl_and_dscp_are_in_what_is_sent),
	 TAP_TEST(nodelay_lets_go_what_nagle_holds), TAP_TEST(acknowledgements_are_late_or_at_once),
	 TAP_TEST(buffers_bound_what_is_taken), TAP_TEST(largest_segment_is_lessened_only),
	 TAP_TEST(largest_segment_holds_when_the_path_bears_more))
