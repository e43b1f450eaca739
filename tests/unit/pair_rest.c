/*
 * Passive pairs at rest (pair_rest.h): n_ready of 1 lets all rest that may.
 */
#include "tcpterm/pair_rest.h"

#include <stdlib.h>

#include "tcpterm/rest.h"
#include "tests/unit/lib/passive.h"
#include "tests/unit/tap.h"

#define SECOND ((int64_t)1000 * 1000)

enum { SEEDS = 300, STEPS = 60 };

static void
begin(void)
{
	copies_n_ready = 1;
	copies_begin(NULL);
}

/* Both speak, and then there is silence for longer than bytes are compared. */
static void
converse(void)
{
	begin();
	copies_handshake();
	copies_segment(0, TCP_ACK, 0, 0, 300);
	copies_segment(1, TCP_ACK, 0, 300, 1000);
	copies_segment(0, TCP_ACK, 300, 1000, 0);
	copies_wait(3 * SECOND);
}

static void
end(void)
{
	copies_n_ready = 0;
	passive_end();
}

static void
check_at_rest(void)
{
	CU_ASSERT_FALSE(rest_awake(copies_flow()));
	CU_ASSERT_EQUAL(copies.s->awake[2].n_used, 0);
	CU_ASSERT_EQUAL(copies.s->stats.n_held, 0);
}

static void
who_is_quiet_rests(void)
{
	converse();
	check_at_rest();
	CU_ASSERT_EQUAL(copies.s->pair_more.n_used, 0);
	end();
}

static void
the_next_frame_wakes_it_and_is_delivered(void)
{
	converse();
	copies_segment(1, TCP_ACK, 1000, 300, 500);
	CU_ASSERT_TRUE(rest_awake(copies_flow()));	/* what came is compared for a while */
	CU_ASSERT_EQUAL(copies.dir[1].bytes, 1500);
	copies_segment(0, TCP_ACK, 300, 1500, 0);
	copies_wait(3 * SECOND);
	check_at_rest();
	copies_close(300, 1500);
	CU_ASSERT_EQUAL(copies.why, TCPTERM_END_FIN);
	CU_ASSERT_EQUAL(copies.dir[0].end, 300);
	CU_ASSERT_EQUAL(copies.dir[1].end, 1500);
	end();
}

static void
looking_at_it_does_not_wake_it(void)
{
	struct tcpterm_leg_info leg[2];

	converse();
	tcpterm_flow_info(copies_flow(), leg);
	CU_ASSERT_EQUAL(leg[0].stream_bytes, 300);
	CU_ASSERT_EQUAL(leg[1].stream_bytes, 1000);
	CU_ASSERT_EQUAL(leg[0].state, TCPTERM_ESTABLISHED);
	check_at_rest();
	end();
}

/* A SYN that nobody answers is all that is known, and is answered later. */
static void
a_syn_is_remembered(void)
{
	begin();
	copies_syn(0);
	check_at_rest();
	copies_wait(5 * SECOND);
	copies_synack(0);
	copies_segment(0, TCP_ACK, 0, 0, 300);
	CU_ASSERT_EQUAL(copies.dir[0].bytes, 300);
	CU_ASSERT_EQUAL(copies.n_new, 1);
	end();
}

static void
counts_and_a_gap_are_kept_apart(void)
{
	struct tcpterm_leg_info leg[2];

	converse();
	copies_segment(0, TCP_ACK, 400, 1000, 100);
	copies_segment(1, TCP_ACK, 1000, 500, 0);
	copies_wait(5 * SECOND);
	check_at_rest();
	CU_ASSERT_EQUAL(copies.s->pair_more.n_used, 1);
	CU_ASSERT_EQUAL(copies.dir[0].n_gaps, 1);
	copies_segment(0, TCP_ACK, 300, 1000, 100);	/* too late, and no duplicate */
	copies_segment(0, TCP_ACK, 400, 1000, 100);
	copies_wait(5 * SECOND);
	tcpterm_flow_info(copies_flow(), leg);
	CU_ASSERT_EQUAL(leg[0].late_bytes, 100);
	CU_ASSERT_EQUAL(leg[0].duplicates, 100);
	CU_ASSERT_EQUAL(leg[0].gap_bytes, 100);
	CU_ASSERT_EQUAL(leg[0].gaps, 1);
	check_at_rest();
	copies_close(500, 1000);
	copies_wait(62 * SECOND);
	CU_ASSERT_EQUAL(copies.s->pair_more.n_used, 0);
	end();
}

/* One direction is known by the other's ACKs alone. */
static void
a_half_that_is_not_seen_is_kept(void)
{
	struct tcpterm_leg_info leg[2];

	begin();
	copies_synack(0);
	copies_segment(1, TCP_ACK, 0, 200, 0);
	check_at_rest();
	tcpterm_flow_info(copies_flow(), leg);
	CU_ASSERT_EQUAL(leg[0].stream_bytes, 200);
	copies_segment(1, TCP_ACK, 0, 300, 0);
	tcpterm_flow_info(copies_flow(), leg);
	CU_ASSERT_EQUAL(leg[0].stream_bytes, 300);
	CU_ASSERT_EQUAL(copies.dir[0].n_gaps, 0);
	end();
}

/* Of two gaps, late bytes may come still; bytes beyond the window wait for their ACK. */
static void
what_would_be_lost_keeps_it_awake(void)
{
	converse();
	copies_segment(0, TCP_ACK, 400, 1000, 100);
	copies_segment(0, TCP_ACK, 600, 1000, 100);
	copies_segment(1, TCP_ACK, 1000, 700, 0);
	copies_wait(5 * SECOND);
	CU_ASSERT_EQUAL(copies.dir[0].n_gaps, 2);
	CU_ASSERT_TRUE(rest_awake(copies_flow()));
	end();
	converse();
	copies_segment(0, TCP_ACK, 300 + (1 << 30), 1000, 100);
	copies_wait(1 * SECOND);
	CU_ASSERT_EQUAL(copies_stats()->out_of_window, 1);
	CU_ASSERT_TRUE(rest_awake(copies_flow()));
	copies_wait(2 * SECOND);	/* they are not: it is over */
	CU_ASSERT_FALSE(rest_awake(copies_flow()));
	end();
}

static void
it_is_demoted_from_rest(void)
{
	converse();
	copies_flow()->is_copy = false;
	CU_ASSERT_EQUAL(tcpterm_demote(copies.s, copies_flow(), TCPTERM_TRACK), 0);
	CU_ASSERT_EQUAL(copies_flow()->kind, TCPTERM_KIND_TRACK);
	CU_ASSERT_EQUAL(copies.dir[0].n_ends + copies.dir[1].n_ends, 2);
	CU_ASSERT_EQUAL(copies.s->awake[2].n_used, 0);
	end();
}

/* --- the same with and without rest --- */

static uint32_t
random_below(uint32_t n)
{
	return (uint32_t)random() % n;
}

/* Two ends that mostly go on, and now and then repeat, lose, acknowledge too much or are silent. */
static void
speak(int64_t next[2])
{
	unsigned d = random_below(2), how = random_below(16);
	uint32_t len = random_below(3) * 100;
	int64_t off = next[d], ack = next[!d];

	if (how == 0)
		off -= random_below(400);
	else if (how == 1)
		off += 100 * random_below(4);
	else if (how == 2)
		ack += random_below(200);
	else if (how == 3)
		ack -= random_below(200);
	else if (how < 7)
		copies_wait((int64_t)1000 << random_below(13));
	if (how == 8)
		copies_altered(d, TCP_ACK, off, ack, len, 1, false);
	else if (how == 9 && random_below(8) == 0)
		copies_segment(d, TCP_RST, off + random_below(2), 0, 0);
	else if (how == 10 && random_below(8) == 0)
		copies_segment(d, TCP_ACK | TCP_FIN, off, ack, len);
	else
		copies_segment(d, TCP_ACK, off, ack, len);
	if (off + len > next[d])
		next[d] = off + len;
}

static void
run(unsigned seed, uint32_t n_ready, struct copies *is, struct tcpterm_leg_info leg[2])
{
	static const uint8_t overlaps[] = { TCPTERM_OVERLAP_FIRST, TCPTERM_OVERLAP_LINUX };
	int64_t next[2] = { 0, 0 };

	srandom(seed);
	copies_n_ready = n_ready;
	copies_begin(NULL);
	copies.overlap = overlaps[seed % 2];
	if (seed % 4 == 0)
		copies_syn(0);
	else if (seed % 4 < 3)
		copies_handshake();
	for (unsigned i = 0; i < STEPS; i++)
		speak(next);
	if (seed % 2)
		copies_wait(4 * SECOND);
	memset(leg, 0, 2 * sizeof leg[0]);
	if (copies_flow())
		tcpterm_flow_info(copies_flow(), leg);
	*is = copies;
	copies_n_ready = 0;
	CU_ASSERT_TRUE(copies_end());
	memcpy(is->leg, copies.leg, sizeof is->leg);
	is->n_conflicts = copies.n_conflicts;
}

/* Byte by byte: what is filled in was zero before. */
static bool
same(const void *a, const void *b, size_t n)
{
	return memcmp(a, b, n) == 0;
}

static void
rest_changes_nothing(void)
{
	static struct copies is[2];
	struct tcpterm_leg_info leg[2][2];

	for (unsigned seed = 1; seed <= SEEDS; seed++) {
		run(seed, 0, &is[0], leg[0]);
		run(seed, 1, &is[1], leg[1]);
		if (same(is[0].dir, is[1].dir, sizeof is[0].dir) &&
		    is[0].n_conflicts == is[1].n_conflicts && is[0].n_new == is[1].n_new &&
		    is[0].n_ended == is[1].n_ended && is[0].why == is[1].why &&
		    is[0].ended_at == is[1].ended_at &&
		    same(is[0].leg, is[1].leg, sizeof is[0].leg) &&
		    same(leg[0], leg[1], sizeof leg[0]))
			continue;
		printf("# seed %u\n", seed);
		CU_FAIL("rest changed what was told");
	}
}

TAP_MAIN(pair_rest, TAP_TEST(who_is_quiet_rests),
	 TAP_TEST(the_next_frame_wakes_it_and_is_delivered),
	 TAP_TEST(looking_at_it_does_not_wake_it), TAP_TEST(a_syn_is_remembered),
	 TAP_TEST(counts_and_a_gap_are_kept_apart), TAP_TEST(a_half_that_is_not_seen_is_kept),
	 TAP_TEST(what_would_be_lost_keeps_it_awake), TAP_TEST(it_is_demoted_from_rest),
	 TAP_TEST(rest_changes_nothing))
