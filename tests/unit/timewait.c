/*
 * What is left of closed relays: what it weighs, how many there may be, which SYN takes its place.
 */
#include "tcpterm/core.h"
#include "tests/unit/lib/ends.h"
#include "tests/unit/tap.h"

enum { SECOND = 1000000, N_MAX = 4 };

static struct ends e;

static void
send_at(unsigned side, int64_t seq, int64_t ack, uint32_t len, uint16_t flags)
{
	ends_send(&e, side,
		  &(struct ends_seg){ .seq = seq, .ack = ack, .len = len, .flags = flags });
	ends_run(&e, 0);
}

static uint32_t
n_waiting(void)
{
	return tcpterm_stats(e.stack)->n_flows[TCPTERM_KIND_TIMEWAIT];
}

/* Both ends close, the client first. */
static void
close_both(void)
{
	send_at(0, 0, 0, 0, TCP_FIN | TCP_ACK);
	send_at(1, 0, 1, 0, TCP_FIN | TCP_ACK);
	send_at(0, 1, 1, 0, TCP_ACK);
}

static void
begin(void)
{
	ends_init(&e, &(struct ends_conf){ .wscale = -1, .n_flows = N_MAX }, true);
	close_both();
	CU_ASSERT_EQUAL(n_waiting(), 1);
}

static void
connection_that_closed_weighs_48_bytes_and_is_no_flow(void)
{
	struct tcpterm_room room;
	uint64_t cursor = 0;
	struct flow *f;

	CU_ASSERT(sizeof(struct timewait) <= 48);
	begin();
	tcpterm_room(e.stack, TCPTERM_KIND_TIMEWAIT, &room);
	CU_ASSERT_EQUAL(room.n_max, N_MAX);
	CU_ASSERT_EQUAL(room.n_peak, 1);
	CU_ASSERT(room.size <= 48);
	CU_ASSERT_EQUAL(e.n_ended, 1);
	CU_ASSERT_EQUAL(tcpterm_walk(e.stack, &cursor, &f, 1), 0);
	CU_ASSERT_PTR_NULL(ends_flow(&e));
	ends_run(&e, 61 * SECOND);
	CU_ASSERT_EQUAL(n_waiting(), 0);
	CU_ASSERT_EQUAL(tcpterm_next(e.stack).v, USEC_NEVER.v);
	ends_fini(&e);
}

static void
both_ends_are_answered_as_by_each_other(void)
{
	unsigned before;

	begin();
	before = e.n_out;
	send_at(0, 0, 1, 0, TCP_FIN | TCP_ACK);
	CU_ASSERT_EQUAL(ends_count(&e, before, 0), 1);
	CU_ASSERT_EQUAL(ends_last(&e, 0)->seq, 1);
	CU_ASSERT_EQUAL(ends_last(&e, 0)->ack, 1);
	send_at(1, 0, 1, 0, TCP_FIN | TCP_ACK);
	CU_ASSERT_EQUAL(ends_count(&e, before, 1), 1);
	CU_ASSERT_EQUAL(ends_last(&e, 1)->seq, 1);
	CU_ASSERT_EQUAL(ends_last(&e, 1)->ack, 1);
	send_at(0, 1, 1, 0, TCP_RST);
	send_at(0, 1, 1, 0, TCP_ACK);
	CU_ASSERT_EQUAL(e.n_out, before + 2);
	CU_ASSERT_EQUAL(n_waiting(), 1);
	ends_fini(&e);
}

static void
oldest_goes_where_there_is_no_place(void)
{
	unsigned before;

	begin();
	for (e.client_port = 50001; e.client_port < 50001 + N_MAX; e.client_port++) {
		ends_run(&e, SECOND);
		ends_handshake(&e);
		close_both();
	}
	CU_ASSERT_EQUAL(n_waiting(), N_MAX);
	CU_ASSERT_EQUAL(tcpterm_stats(e.stack)->timewait_evicted, 1);
	before = e.n_out;
	e.client_port = 50001;	/* the second is there still */
	send_at(0, 0, 1, 0, TCP_FIN | TCP_ACK);
	CU_ASSERT_EQUAL(ends_count(&e, before, 0), 1);
	ends_run(&e, 61 * SECOND);
	CU_ASSERT_EQUAL(n_waiting(), 0);
	ends_fini(&e);
}

static void
one_that_waits_anew_is_not_the_oldest(void)
{
	unsigned before;

	begin();
	for (e.client_port = 50001; e.client_port < 50000 + N_MAX; e.client_port++) {
		ends_run(&e, SECOND);
		ends_handshake(&e);
		close_both();
	}
	e.client_port = 50001;
	send_at(0, 0, 1, 0, TCP_FIN | TCP_ACK);
	ends_run(&e, 58 * SECOND);	/* the first of all is gone */
	CU_ASSERT_EQUAL(n_waiting(), N_MAX - 1);
	ends_run(&e, 3 * SECOND);
	CU_ASSERT_EQUAL(n_waiting(), 0);
	before = e.n_out;
	send_at(0, 0, 1, 0, TCP_FIN | TCP_ACK);
	CU_ASSERT_EQUAL(ends_count(&e, before, 0), 0);
	ends_fini(&e);
}

static void
old_syn_is_not_forwarded_and_a_newer_one_is(void)
{
	unsigned before, forwarded;

	begin();
	before = e.n_out;
	forwarded = e.n_forwarded;
	send_at(0, -1, 0, 0, TCP_SYN);
	CU_ASSERT_EQUAL(e.n_forwarded, forwarded);
	CU_ASSERT_EQUAL(ends_count(&e, before, 0), 1);
	CU_ASSERT_EQUAL(ends_last(&e, 0)->flags, TCP_ACK);
	send_at(0, 1, 0, 0, TCP_SYN);
	CU_ASSERT_EQUAL(e.n_forwarded, forwarded + 1);
	CU_ASSERT_EQUAL(n_waiting(), 0);
	CU_ASSERT_EQUAL(tcpterm_stats(e.stack)->timewait_reused, 1);
	ends_fini(&e);
}

static void
responder_may_begin_anew_too(void)
{
	unsigned forwarded;

	begin();
	forwarded = e.n_forwarded;
	send_at(1, 1, 0, 0, TCP_SYN);
	CU_ASSERT_EQUAL(e.n_forwarded, forwarded + 1);
	CU_ASSERT_EQUAL(n_waiting(), 0);
	ends_fini(&e);
}

static void
number_of_a_new_connection_is_above_the_old_one(void)
{
	begin();
	CU_ASSERT_EQUAL(timewait_isn(e.stack, seq(7)).v, 7);
	timewait_set_floor(e.stack, (struct timewait_floor){ true, seq(0xffffff00) });
	CU_ASSERT_EQUAL(timewait_isn(e.stack, seq(7)).v, 7);	/* it is, beyond the wrap */
	CU_ASSERT(seq_lt(seq(0xffffff00), timewait_isn(e.stack, seq(0xffffff00))));
	CU_ASSERT(seq_lt(seq(0xffffff00), timewait_isn(e.stack, seq(0xfff00000))));
	ends_fini(&e);
}

/* The time that is left has 16 bits: it would be there again after nine minutes. */
static void
nothing_is_left_after_a_sleep_of_any_length(void)
{
	const int64_t asleep[] = { 61, 300, 597, 700, 1130, 1200, 86400 };

	for (unsigned i = 0; i < RTE_DIM(asleep); i++) {
		unsigned before;

		begin();
		before = e.n_out;
		e.now.v += asleep[i] * SECOND;
		/* What is brought first finds it gone, before anything else has run. */
		ends_send(&e, 0, &(struct ends_seg){ .ack = 1, .flags = TCP_FIN | TCP_ACK });
		CU_ASSERT_EQUAL(ends_count(&e, before, 0), 0);
		ends_run(&e, 0);
		CU_ASSERT_EQUAL(n_waiting(), 0);
		CU_ASSERT_EQUAL(tcpterm_next(e.stack).v, USEC_NEVER.v);
		ends_fini(&e);
	}
}

TAP_MAIN(timewait, TAP_TEST(connection_that_closed_weighs_48_bytes_and_is_no_flow),
	 TAP_TEST(both_ends_are_answered_as_by_each_other),
	 TAP_TEST(oldest_goes_where_there_is_no_place),
	 TAP_TEST(one_that_waits_anew_is_not_the_oldest),
	 TAP_TEST(old_syn_is_not_forwarded_and_a_newer_one_is),
	 TAP_TEST(responder_may_begin_anew_too),
	 TAP_TEST(number_of_a_new_connection_is_above_the_old_one),
	 TAP_TEST(nothing_is_left_after_a_sleep_of_any_length))
