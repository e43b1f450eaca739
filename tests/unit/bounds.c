/*
 * What hostile copies may take of memory: no more than the settings say, and nothing for long.
 *
 *	BOUNDS=N	half-open flows, and a tenth as many holes; 60,000
 */
#include <stdio.h>
#include <stdlib.h>

#include "tcpterm/core.h"
#include "tests/unit/copies.h"

#define MS ((int64_t)1000)

enum { N_HELD = 2000, PORTS = 50000 };

static unsigned n_all, max_held, max_flows, max_pieces;

static void
begin(uint32_t n_flows)
{
	const char *bounds = getenv("BOUNDS");

	n_all = bounds ? (unsigned)strtoul(bounds, NULL, 0) : 60000;
	copies_n_flows = n_flows;
	copies_n_held = N_HELD;
	copies_n_ready = 256;
	copies_begin(NULL);
	copies_n_flows = copies_n_held = copies_n_ready = 0;
	max_held = max_flows = max_pieces = 0;
}

static void
nth_client(unsigned i)
{
	copies.client = 1 + i / PORTS;
	copies.client_port = (uint16_t)(10000 + i % PORTS);
}

static void
watch(void)
{
	const struct tcpterm_stats *st = copies_stats();

	max_held = RTE_MAX(max_held, (unsigned)st->n_held);
	max_flows = RTE_MAX(max_flows, (unsigned)st->n_flows[TCPTERM_KIND_PASSIVE]);
	max_pieces = RTE_MAX(max_pieces, copies.s->pieces.n_used);
}

static void
end(void)
{
	printf("# at most %u flows, %u buffers, %u pieces\n", max_flows, max_held, max_pieces);
	CU_ASSERT_TRUE(max_held <= N_HELD);
	copies_wait(100000 * MS);
	CU_ASSERT_EQUAL(copies_stats()->n_held, 0);
	CU_ASSERT_EQUAL(copies.s->pieces.n_used, 0);
	CU_ASSERT_TRUE(copies_end());
}

static void
all_is_gone(void)
{
	copies_wait(3700000 * MS);
	CU_ASSERT_EQUAL(copies_stats()->n_flows[TCPTERM_KIND_PASSIVE], 0);
	CU_ASSERT_EQUAL(copies.s->awake[2].n_used, 0);
	CU_ASSERT_EQUAL(copies.s->pair_more.n_used, 0);
}

static void
half_open_flows_take_no_more_than_their_room(void)
{
	const uint32_t room = 10000;
	uint64_t told;
	unsigned i;

	begin(room);
	copies_handshake();
	copies_segment(0, TCP_ACK, 0, 0, 100);
	for (i = 0; i < n_all; i++) {
		nth_client(i);
		copies_syn(i % 3 ? 0 : 40);
		watch();
		if (i % 100 == 0)
			copies_wait(1 * MS);
	}
	CU_ASSERT_EQUAL(max_flows, room);
	CU_ASSERT_EQUAL(copies_stats()->evicted, n_all + 1 - room);
	CU_ASSERT_TRUE(max_held <= N_HELD / 4 + 1);
	/* Who was answered, and spoke, is still there. */
	copies.client = 0;
	copies.client_port = 40000;
	told = copies.dir[0].bytes;
	copies_segment(0, TCP_ACK, 100, 0, 100);
	CU_ASSERT_EQUAL(copies.dir[0].bytes, told + 100);
	copies_wait(80000 * MS);
	CU_ASSERT_EQUAL(copies_stats()->n_flows[TCPTERM_KIND_PASSIVE], 1);
	all_is_gone();
	end();
}

static void
early_hole_in_every_flow_is_given_up_in_the_order_of_age(void)
{
	unsigned n, i;

	begin(200000);
	n = n_all / 10;
	for (i = 0; i < n; i++) {
		nth_client(i);
		copies_handshake();
		copies_segment(0, TCP_ACK, 1000, 0, 100);
		watch();
	}
	CU_ASSERT_EQUAL(copies_stats()->given_up, n - N_HELD + 1);
	/* A flow whose hole is young has all its time, however many hold something. */
	nth_client(n);
	copies_handshake();
	copies_segment(0, TCP_ACK, 1000, 0, 100);
	copies_segment(0, TCP_ACK, 0, 0, 1000);
	CU_ASSERT_EQUAL(copies_stats()->gaps, n - N_HELD + 2);
	copies_wait(2100 * MS);
	CU_ASSERT_EQUAL(copies_stats()->gaps, n);
	CU_ASSERT_EQUAL(copies_stats()->gap_bytes, 1000ull * n);
	CU_ASSERT_EQUAL(copies_stats()->n_held, 0);
	all_is_gone();
	end();
}

static void
holes_of_two_gigabytes_take_what_was_seen(void)
{
	unsigned i;

	begin(4096);
	for (i = 0; i < 2048; i++) {
		nth_client(i);
		copies_handshake();
		copies_segment(1, TCP_ACK, 0, 0, 0);	/* a window that is scaled */
		copies_segment(0, TCP_ACK, 1 << 20, 0, 1000);
		watch();
	}
	CU_ASSERT_TRUE(max_pieces <= 2048);
	copies_wait(2100 * MS);
	CU_ASSERT_EQUAL(copies_stats()->gap_bytes, 2048ull << 20);
	CU_ASSERT_EQUAL(copies_stats()->n_held, 0);
	all_is_gone();
	end();
}

static void
single_bytes_in_reverse_order_are_bounded(void)
{
	struct tcpterm_bounds b;
	unsigned n, i;

	begin(1024);
	copies_handshake();
	n = RTE_MIN(n_all, 65000u);
	for (i = n; i > 0; i--) {
		copies_segment(0, TCP_ACK, i - 1, 0, 1);
		watch();
	}
	CU_ASSERT_TRUE(max_pieces <= 1024 + 64 + 2);
	tcpterm_bounds(copies.s, &b);
	CU_ASSERT_EQUAL(b.half_segments, 1024);
	CU_ASSERT_EQUAL(b.half_bytes, 1 << 20);
	CU_ASSERT_EQUAL(b.n_held, N_HELD);
	CU_ASSERT_EQUAL(tcpterm_stats(copies.s)->half_segments_peak, 1024);
	CU_ASSERT_EQUAL(tcpterm_stats(copies.s)->half_bytes_peak, 1024);
	copies_wait(2100 * MS);
	CU_ASSERT_EQUAL(copies.dir[0].next, n);
	CU_ASSERT_EQUAL(copies.dir[0].wrong + copies.dir[0].disorder, 0);
	CU_ASSERT_EQUAL(copies_stats()->n_held, 0);
	all_is_gone();
	end();
}

/* Of a direction alone nobody says what is acknowledged. */
static void
delivered_bytes_are_kept_for_a_while_only(void)
{
	unsigned i;

	begin(4096);
	for (i = 0; i < 3000; i++) {
		nth_client(i);
		copies_syn(0);
		copies_segment(0, TCP_ACK, 0, 0, 100);
		copies_segment(0, TCP_ACK, 100, 0, 100);
		copies_wait(1 * MS);
		watch();
	}
	copies_wait(2100 * MS);
	CU_ASSERT_EQUAL(copies_stats()->n_held, 0);
	CU_ASSERT_EQUAL(copies_stats()->gaps, 0);
	CU_ASSERT_EQUAL(copies.s->pieces.n_used, 0);
	all_is_gone();
	end();
}

/* 60 of one port each; which are followed, as a mask. */
static uint64_t
begin_sixty(void)
{
	uint64_t before, in = 0;
	unsigned i;

	for (i = 0; i < 60; i++) {
		nth_client(i);
		before = copies_stats()->sampled_out;
		copies_handshake();
		/* whole or not at all, in both directions */
		CU_ASSERT_TRUE(copies_stats()->sampled_out - before == 0 ||
			       copies_stats()->sampled_out - before == 3);
		in |= (uint64_t)(copies_stats()->sampled_out == before) << i;
	}
	return in;
}

static void
where_there_is_no_room_a_sample_of_new_flows_begins(void)
{
	const struct tcpterm_passive_conf conf = { .sample = 4 };
	uint64_t first;
	unsigned i;

	copies_n_flows = 64;
	copies_begin(&conf);
	copies_n_flows = 0;
	for (i = 0; i < 64; i++) {
		nth_client(1000 + i);
		copies_handshake();
	}
	CU_ASSERT_EQUAL(copies_stats()->sampled_out, 0);
	CU_ASSERT_EQUAL(copies_stats()->evicted, 0);
	first = begin_sixty();
	CU_ASSERT_TRUE(__builtin_popcountll(first) >= 6 && __builtin_popcountll(first) <= 26);
	CU_ASSERT_EQUAL(copies_stats()->evicted, __builtin_popcountll(first));
	CU_ASSERT_EQUAL(copies_stats()->sampled_out, 3 * (60 - __builtin_popcountll(first)));
	CU_ASSERT_EQUAL(begin_sixty(), first);	/* their keys say so, not chance */
	copies_wait(3700000 * MS);
	CU_ASSERT_EQUAL(copies_stats()->n_flows[TCPTERM_KIND_PASSIVE], 0);
	CU_ASSERT_EQUAL(begin_sixty(), (1ull << 60) - 1);	/* there is room */
	CU_ASSERT_EQUAL(copies.n_forwarded, copies_stats()->sampled_out);
	copies.n_forwarded = 0;
	CU_ASSERT_TRUE(copies_end());
}

static void
what_a_direction_holds_is_a_setting(void)
{
	const struct tcpterm_passive_conf conf = { .budget_bytes = 3000,
						   .compare_bytes = 4096,
						   .compare_us = 50 * MS };
	unsigned i;

	copies_begin(&conf);
	copies_handshake();
	for (i = 0; i < 10; i++)
		copies_segment(0, TCP_ACK, 1000 * i, 0, 1000);
	CU_ASSERT_EQUAL(copies_stats()->n_held, 2);	/* 4 KB are two segments */
	copies_altered(0, TCP_ACK, 9000, 0, 1000, 1, false);
	copies_altered(0, TCP_ACK, 7000, 0, 1000, 1, false);
	CU_ASSERT_EQUAL(copies.n_conflicts, 1);
	copies_wait(60 * MS);
	CU_ASSERT_EQUAL(copies_stats()->n_held, 0);
	for (i = 0; i < 4; i++)
		copies_segment(0, TCP_ACK, 11000 + 1000 * i, 0, 1000);
	CU_ASSERT_EQUAL(copies.dir[0].n_gaps, 1);
	CU_ASSERT_EQUAL(copies.dir[0].gap[0].reason, TCPTERM_GAP_BUDGET);
	CU_ASSERT_TRUE(copies_end());
}

TAP_MAIN(bounds, TAP_TEST(where_there_is_no_room_a_sample_of_new_flows_begins),
	 TAP_TEST(what_a_direction_holds_is_a_setting),
	 TAP_TEST(half_open_flows_take_no_more_than_their_room),
	 TAP_TEST(early_hole_in_every_flow_is_given_up_in_the_order_of_age),
	 TAP_TEST(holes_of_two_gigabytes_take_what_was_seen),
	 TAP_TEST(single_bytes_in_reverse_order_are_bounded),
	 TAP_TEST(delivered_bytes_are_kept_for_a_while_only))
