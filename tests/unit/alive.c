/*
 * When a connection is given up: keepalives, the user timeout, R1 and R2 (RFC 9293 3.8.3, 3.8.4).
 */
#include <errno.h>
#include <rte_tcp.h>

#include "tests/unit/lib/caller.h"
#include "tests/unit/tap.h"

#define TCP_RST RTE_TCP_RST_FLAG
#define TCP_ACK RTE_TCP_ACK_FLAG

enum { SECOND = 1000000 };

static struct caller k;

static void
start(void)
{
	caller_init(&k, &(struct ends_conf){ .wscale = -1 });
}

static void
silent_peer_is_probed_and_given_up(void)
{
	const struct tcpterm_keepalive keep = { .idle_s = 10, .interval_s = 2, .n_probes = 3 };
	unsigned from;

	start();
	tcpterm_set_keepalive(k.f, &keep);
	from = k.e.n_out;
	ends_run(&k.e, 10 * SECOND - 1);
	CU_ASSERT_EQUAL(k.e.n_out, from);
	for (unsigned i = 1; i <= 3; i++) {
		ends_run(&k.e, i == 1 ? SECOND / 2 : 2 * SECOND);
		CU_ASSERT_EQUAL_FATAL(k.e.n_out, from + i);
		CU_ASSERT_EQUAL(ends_last(&k.e, 0)->seq, -1);	/* RFC 9293 3.8.4 */
		CU_ASSERT_EQUAL(ends_last(&k.e, 0)->len, 0);	/* MUST-30 */
	}
	ends_run(&k.e, 2 * SECOND);
	CU_ASSERT_EQUAL(caller_sent(&k, from, TCP_RST), 1);
	CU_ASSERT_EQUAL(k.n_closed, 1);
	CU_ASSERT_EQUAL(k.error, ETIMEDOUT);
	caller_fini(&k);
}

static void
answer_puts_the_probes_off(void)
{
	const struct tcpterm_keepalive keep = { .idle_s = 10, .interval_s = 2, .n_probes = 1 };
	unsigned from;

	start();
	tcpterm_set_keepalive(k.f, &keep);
	for (unsigned i = 0; i < 5; i++) {
		from = k.e.n_out;
		ends_run(&k.e, 11 * SECOND);
		CU_ASSERT_EQUAL(k.e.n_out, from + 1);
		caller_hear(&k, 0, 0, 0);
	}
	tcpterm_set_keepalive(k.f, NULL);
	ends_run(&k.e, 3600 * (int64_t)SECOND);
	CU_ASSERT_EQUAL(k.e.n_out, from + 1);
	CU_ASSERT_EQUAL(k.n_closed, 0);
	caller_fini(&k);
}

/* MUST-28 */
static void
keepalive_is_two_hours_if_nobody_says_otherwise(void)
{
	unsigned from;

	start();
	tcpterm_set_keepalive(k.f, &(struct tcpterm_keepalive){ 0 });
	from = k.e.n_out;
	ends_run(&k.e, 7200LL * SECOND - 1);
	CU_ASSERT_EQUAL(k.e.n_out, from);
	ends_run(&k.e, SECOND);
	CU_ASSERT_EQUAL(k.e.n_out, from + 1);
	caller_fini(&k);
}

static void
user_timeout_counts_from_what_was_acknowledged_last(void)
{
	start();
	tcpterm_set_user_timeout(k.f, 5000);
	ends_run(&k.e, 60 * SECOND);	/* nothing is outstanding */
	caller_write(&k, 100);
	caller_write(&k, 100);
	ends_run(&k.e, 4 * SECOND);
	caller_hear(&k, 0, 0, 100);
	ends_run(&k.e, 5 * SECOND - 1);
	CU_ASSERT_EQUAL(k.n_closed, 0);
	ends_run(&k.e, SECOND / 10);
	CU_ASSERT_EQUAL(k.n_closed, 1);
	CU_ASSERT_EQUAL(k.why, TCPTERM_END_TIMEOUT);
	CU_ASSERT_EQUAL(k.error, ETIMEDOUT);
	caller_fini(&k);
}

/* MUST-20, MUST-21 */
static void
r1_advises_and_r2_ends(void)
{
	unsigned from;

	start();
	tcpterm_set_retries(k.f, 2, 4, 0);
	caller_write(&k, 100);
	from = k.e.n_out;
	while (k.e.n_out < from + 1)
		ends_run(&k.e, SECOND / 10);
	CU_ASSERT_EQUAL(k.n_advices, 0);
	while (k.e.n_out < from + 2)
		ends_run(&k.e, SECOND / 10);
	CU_ASSERT_EQUAL(k.n_advices, 1);
	ends_run(&k.e, 300 * SECOND);
	CU_ASSERT_EQUAL(k.e.n_out, from + 4);
	CU_ASSERT_EQUAL(k.n_advices, 1);
	CU_ASSERT_EQUAL(k.n_closed, 1);
	CU_ASSERT_EQUAL(k.error, ETIMEDOUT);
	caller_fini(&k);
}

static void
closed_connection_leaves_fin_wait_2_in_time(void)
{
	start();
	tcpterm_set_fin_wait(k.f, 7);
	tcpterm_close(k.e.stack, k.f);
	ends_run(&k.e, 0);
	caller_hear(&k, 0, 0, 1);
	ends_run(&k.e, 7 * SECOND - 1);
	CU_ASSERT_PTR_NOT_NULL(ends_flow(&k.e));
	ends_run(&k.e, SECOND / 10);
	CU_ASSERT_PTR_NULL(ends_flow(&k.e));
	CU_ASSERT_EQUAL(k.n_closed, 0);	/* the caller knows it no more */
	caller_fini(&k);
}

TAP_MAIN(alive, TAP_TEST(silent_peer_is_probed_and_given_up), TAP_TEST(answer_puts_the_probes_off),
	 TAP_TEST(keepalive_is_two_hours_if_nobody_says_otherwise),
	 TAP_TEST(user_timeout_counts_from_what_was_acknowledged_last),
	 TAP_TEST(r1_advises_and_r2_ends), TAP_TEST(closed_connection_leaves_fin_wait_2_in_time))
