/*
 * What is left of a passive flow that is over: it is told from a new one, and weighs little.
 */
#include "tcpterm/core.h"
#include "tests/unit/copies.h"
#include "tests/unit/tap.h"

enum { SECOND = 1000000 };

static uint32_t
n_left(void)
{
	return copies_stats()->n_pairs_over;
}

/* A flow from SYN to the last ACK. */
static void
one_that_is_over(void)
{
	copies_begin(NULL);
	copies_handshake();
	copies_segment(0, TCP_ACK, 0, 0, 300);
	copies_close(300, 0);
	CU_ASSERT_EQUAL(copies.n_ended, 1);
	CU_ASSERT_EQUAL(copies.why, TCPTERM_END_FIN);
	CU_ASSERT_EQUAL(n_left(), 1);
}

static void
end(void)
{
	CU_ASSERT_TRUE(copies_end());
}

static void
it_is_no_flow_and_weighs_48_bytes(void)
{
	struct tcpterm_room room;

	one_that_is_over();
	CU_ASSERT_PTR_NULL(copies_flow());
	CU_ASSERT_EQUAL(copies_stats()->n_flows[TCPTERM_KIND_PASSIVE], 0);
	CU_ASSERT_EQUAL(copies_stats()->n_flows[TCPTERM_KIND_TIMEWAIT], 1);
	tcpterm_room(copies.s, TCPTERM_KIND_TIMEWAIT, &room);
	CU_ASSERT(room.size <= 48);
	CU_ASSERT_EQUAL(copies.s->slabs[flow_slab(TCPTERM_KIND_PASSIVE, false)].n_used, 0);
	CU_ASSERT_EQUAL(copies.s->awake[2].n_used, 0);
	end();
}

/* A FIN whose ACKs are lost comes again and again, later each time. */
static void
what_comes_late_is_swallowed_for_a_minute_after_the_last(void)
{
	one_that_is_over();
	for (unsigned i = 0; i < 4; i++) {
		copies_wait(40 * SECOND);
		copies_segment(1, TCP_FIN | TCP_ACK, 0, 301, 0);
		copies_segment(0, TCP_ACK, 0, 0, 300);
		copies_segment(0, TCP_RST, 301, 0, 0);
		copies_altered(0, TCP_SYN, 5, 0, 0, 1, true);
	}
	CU_ASSERT_EQUAL(copies_stats()->bad_cksum, 4);
	CU_ASSERT_EQUAL(copies.n_new, 1);
	CU_ASSERT_EQUAL(n_left(), 1);
	copies_wait(61 * SECOND);
	CU_ASSERT_EQUAL(n_left(), 0);
	copies_segment(1, TCP_FIN | TCP_ACK, 0, 301, 0);
	CU_ASSERT_EQUAL(copies.n_new, 2);
	end();
}

static void
a_syn_of_another_number_begins_a_flow(void)
{
	one_that_is_over();
	copies_syn(0);
	CU_ASSERT_EQUAL(copies.n_new, 1);
	copies.isn[0] += 70000;
	copies_handshake();
	CU_ASSERT_EQUAL(copies.n_new, 2);
	CU_ASSERT_EQUAL(n_left(), 0);
	CU_ASSERT_PTR_NOT_NULL(copies_flow());
	copies_segment(0, TCP_ACK, 0, 0, 300);
	copies_close(300, 0);
	CU_ASSERT_EQUAL(copies.n_ended, 2);
	CU_ASSERT_EQUAL(copies.dir[0].wrong, 0);
	end();
}

static void
late_frames_of_one_on_the_path_go_on(void)
{
	copies_begin(NULL);
	copies_handshake();
	copies_flow()->is_copy = false;
	copies_close(0, 0);
	CU_ASSERT_EQUAL(n_left(), 1);
	copies.n_forwarded = 0;
	copies_segment(0, TCP_ACK, 1, 1, 0);
	copies_altered(0, TCP_ACK, 1, 1, 0, 0, true);
	CU_ASSERT_EQUAL(copies.n_forwarded, 2);
	CU_ASSERT_EQUAL(copies.n_new, 1);
	copies.n_forwarded = 0;
	end();
}

/* It was silent for longer than anything of it is remembered. */
static void
of_one_that_was_idle_nothing_is_left(void)
{
	copies_begin(NULL);
	copies.idle_us = 90 * SECOND;
	copies_handshake();
	copies_segment(0, TCP_ACK, 0, 0, 300);
	copies_wait(91 * SECOND);
	CU_ASSERT_EQUAL(copies.n_ended, 1);
	CU_ASSERT_EQUAL(copies.why, TCPTERM_END_IDLE);
	CU_ASSERT_EQUAL(copies_stats()->n_flows[TCPTERM_KIND_TIMEWAIT], 0);
	end();
}

/* The place that a flow had is the next one's, so what many short ones take stays in the cache. */
static void
flows_one_after_the_other_take_one_place(void)
{
	copies_n_flows = 64;
	copies_begin(NULL);
	for (unsigned i = 0; i < 200; i++) {
		copies.client_port++;
		copies_handshake();
		copies_close(0, 0);
	}
	CU_ASSERT_EQUAL(copies.n_ended, 200);
	CU_ASSERT_EQUAL(copies_stats()->evicted, 0);
	CU_ASSERT_EQUAL(copies.s->slabs[flow_slab(TCPTERM_KIND_PASSIVE, false)].n_touched, 1);
	/* there are as many as flows at most; the oldest is forgotten */
	CU_ASSERT_EQUAL(n_left(), 64);
	copies_segment(0, TCP_FIN | TCP_ACK, 0, 1, 0);
	CU_ASSERT_EQUAL(copies.n_new, 200);
	copies.client_port -= 100;
	copies_segment(0, TCP_FIN | TCP_ACK, 0, 1, 0);
	CU_ASSERT_EQUAL(copies.n_new, 201);
	copies_n_flows = 0;
	end();
}

TAP_MAIN(over, TAP_TEST(it_is_no_flow_and_weighs_48_bytes),
	 TAP_TEST(what_comes_late_is_swallowed_for_a_minute_after_the_last),
	 TAP_TEST(a_syn_of_another_number_begins_a_flow),
	 TAP_TEST(late_frames_of_one_on_the_path_go_on),
	 TAP_TEST(of_one_that_was_idle_nothing_is_left),
	 TAP_TEST(flows_one_after_the_other_take_one_place))
