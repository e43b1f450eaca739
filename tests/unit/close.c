/*
 * Ways to end a connection of the stack's own (RFC 9293 3.6, 3.10.4, 3.10.5).
 */
#include <errno.h>
#include <rte_tcp.h>

#include "tests/unit/lib/caller.h"
#include "tests/unit/tap.h"

#define TCP_FIN RTE_TCP_FIN_FLAG
#define TCP_RST RTE_TCP_RST_FLAG
#define TCP_ACK RTE_TCP_ACK_FLAG

enum { SECOND = 1000000 };

static struct caller k;
static unsigned from;

static void
start(void)
{
	caller_init(&k, &(struct ends_conf){ .wscale = -1 });
	from = k.e.n_out;
}

static void
half_that_is_shut_leaves_the_other_open(void)
{
	char buf[20];

	start();
	caller_write(&k, 10);
	CU_ASSERT_EQUAL(tcpterm_shutdown(k.e.stack, k.f), 0);
	CU_ASSERT_EQUAL(tcpterm_shutdown(k.e.stack, k.f), -EPIPE);
	CU_ASSERT_EQUAL(tcpterm_write(k.e.stack, k.f, buf, 1), -EPIPE);
	ends_run(&k.e, 0);
	CU_ASSERT_EQUAL(ends_last(&k.e, 0)->flags & TCP_FIN, TCP_FIN);
	caller_hear(&k, 0, 20, 11);
	CU_ASSERT_EQUAL(tcpterm_read(k.e.stack, k.f, buf, sizeof buf), 20);
	CU_ASSERT_EQUAL(tcpterm_read(k.e.stack, k.f, buf, sizeof buf), -EAGAIN);
	caller_fini(&k);
}

static void
close_after_reading_all_ends_in_good_order(void)
{
	char buf[20];

	start();
	caller_hear(&k, 0, 20, 0);
	CU_ASSERT_EQUAL(tcpterm_read(k.e.stack, k.f, buf, sizeof buf), 20);
	tcpterm_close(k.e.stack, k.f);
	ends_run(&k.e, 0);
	CU_ASSERT_EQUAL(caller_sent(&k, from, TCP_FIN), 1);
	CU_ASSERT_EQUAL(caller_sent(&k, from, TCP_RST), 0);
	ends_send(&k.e, 0, &(struct ends_seg){ .seq = 20, .ack = 1, .flags = TCP_FIN | TCP_ACK });
	ends_run(&k.e, 0);
	CU_ASSERT_PTR_NULL(ends_flow(&k.e));	/* TIME-WAIT is no flow */
	CU_ASSERT_EQUAL(ends_last(&k.e, 0)->ack, 21);
	CU_ASSERT_EQUAL(k.n_closed, 0);
	caller_fini(&k);
}

/* RFC 9293 3.6.1, SHLD-3: and what comes afterwards is lost as well. */
static void
close_with_data_unread_or_to_come_resets(void)
{
	start();
	caller_hear(&k, 0, 20, 0);
	tcpterm_close(k.e.stack, k.f);
	ends_run(&k.e, 0);
	CU_ASSERT_EQUAL(caller_sent(&k, from, TCP_RST), 1);
	CU_ASSERT_PTR_NULL(ends_flow(&k.e));
	caller_fini(&k);
	start();
	tcpterm_close(k.e.stack, k.f);
	ends_run(&k.e, 0);
	CU_ASSERT_EQUAL(caller_sent(&k, from, TCP_RST), 0);
	caller_hear(&k, 0, 20, 1);
	CU_ASSERT_EQUAL(caller_sent(&k, from, TCP_RST), 1);
	CU_ASSERT_PTR_NULL(ends_flow(&k.e));
	caller_fini(&k);
}

static void
linger_of_zero_resets(void)
{
	start();
	caller_write(&k, 10);
	tcpterm_set_linger(k.f, true);
	tcpterm_close(k.e.stack, k.f);
	CU_ASSERT_EQUAL(caller_sent(&k, from, TCP_RST), 1);
	CU_ASSERT_EQUAL(ends_last(&k.e, 0)->seq, 10);
	CU_ASSERT_PTR_NULL(ends_flow(&k.e));
	caller_fini(&k);
}

static void
abort_resets_and_tells_nobody(void)
{
	start();
	tcpterm_abort(k.e.stack, k.f);
	CU_ASSERT_EQUAL(caller_sent(&k, from, TCP_RST), 1);
	CU_ASSERT_EQUAL(k.n_closed, 0);
	CU_ASSERT_EQUAL(k.e.n_ended, 1);
	CU_ASSERT_EQUAL(k.e.ended, TCPTERM_END_ABORTED);
	caller_fini(&k);
}

static void
end_of_the_peers_stream_is_read_and_its_rst_after_that_is_epipe(void)
{
	char buf[20];

	start();
	ends_send(&k.e, 0, &(struct ends_seg){ .len = 5, .flags = TCP_FIN | TCP_ACK });
	ends_run(&k.e, 0);
	CU_ASSERT_EQUAL(tcpterm_read(k.e.stack, k.f, buf, sizeof buf), 5);
	CU_ASSERT_EQUAL(tcpterm_read(k.e.stack, k.f, buf, sizeof buf), 0);
	ends_send(&k.e, 0, &(struct ends_seg){ .seq = 6, .flags = TCP_RST });
	ends_run(&k.e, 0);
	CU_ASSERT_EQUAL(k.n_closed, 1);
	CU_ASSERT_EQUAL(k.why, TCPTERM_END_RST);
	CU_ASSERT_EQUAL(k.error, EPIPE);
	caller_fini(&k);
}

TAP_MAIN(close, TAP_TEST(half_that_is_shut_leaves_the_other_open),
	 TAP_TEST(close_after_reading_all_ends_in_good_order),
	 TAP_TEST(close_with_data_unread_or_to_come_resets), TAP_TEST(linger_of_zero_resets),
	 TAP_TEST(abort_resets_and_tells_nobody),
	 TAP_TEST(end_of_the_peers_stream_is_read_and_its_rst_after_that_is_epipe))
