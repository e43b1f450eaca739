/*
 * Which of two versions of a byte each overlap policy delivers, and when.
 */
#include <stdio.h>

#include "tests/unit/copies.h"
#include "tests/unit/tap.h"

#define MS ((int64_t)1000)

enum { FORGED = 0x55 };

static void
begin(enum tcpterm_overlap overlap)
{
	copies_begin(NULL);
	copies.overlap = (uint8_t)overlap;
	copies_handshake();
}

static void
end(void)
{
	CU_ASSERT_EQUAL(copies.dir[0].disorder + copies.dir[1].disorder, 0);
	CU_ASSERT_TRUE(copies_end());
}

static bool
is_forged(unsigned off)
{
	return copies.dir[0].head[off] == (copies_byte(0, off) ^ FORGED);
}

/* The first segment is [20, 60) and true, the second is forged: who has its bytes? */
struct meeting {
	int64_t off;
	uint32_t len;
	unsigned looks_at;	/* a byte that both have */
};

static const struct meeting meetings[] = {
	{ 20, 40, 30 },	/* the same place */
	{ 20, 20, 30 },	/* shorter */
	{ 20, 60, 30 },	/* longer */
	{ 30, 10, 35 },	/* inside */
	{ 10, 60, 30 },	/* around */
	{ 10, 30, 30 },	/* from before it */
	{ 10, 50, 30 },	/* from before it to its end */
	{ 40, 40, 50 },	/* beyond it */
	{ 40, 20, 50 },	/* its end */
};

static bool
second_wins(enum tcpterm_overlap overlap, const struct meeting *m)
{
	bool wins;

	begin(overlap);
	copies_segment(0, TCP_ACK, 20, 0, 40);
	copies_altered(0, TCP_ACK, m->off, 0, m->len, FORGED, false);
	CU_ASSERT_EQUAL(copies.n_conflicts, 1);
	copies_segment(0, TCP_ACK, 0, 0, 20);
	copies_segment(0, TCP_ACK, 60, 0, 40);
	copies_segment(1, TCP_ACK, 0, 100, 0);
	CU_ASSERT_EQUAL(copies.dir[0].bytes, 100);
	wins = is_forged(m->looks_at);
	end();
	return wins;
}

static void
hosts_are_told_by_where_segments_begin_and_end(void)
{
	/* A digit a meeting, in their order: 2 if the second segment's byte is delivered. */
	static const struct {
		enum tcpterm_overlap overlap;
		const char *who;
	} of[] = {
		{ TCPTERM_OVERLAP_FIRST, "111111111" },
		{ TCPTERM_OVERLAP_LAST, "222222222" },
		{ TCPTERM_OVERLAP_VISTA, "111111111" },
		{ TCPTERM_OVERLAP_BSD, "111122211" },
		{ TCPTERM_OVERLAP_MACOS, "111122211" },
		{ TCPTERM_OVERLAP_LINUX, "112122211" },
		{ TCPTERM_OVERLAP_OLD_LINUX, "212122211" },
		{ TCPTERM_OVERLAP_BSD_RIGHT, "111122211" },
		{ TCPTERM_OVERLAP_IRIX, "111122211" },
		{ TCPTERM_OVERLAP_HPUX10, "111122211" },
		{ TCPTERM_OVERLAP_WINDOWS, "111122211" },
		{ TCPTERM_OVERLAP_WINDOWS2K3, "111122211" },
		{ TCPTERM_OVERLAP_SOLARIS, "212121221" },
		{ TCPTERM_OVERLAP_OLD_SOLARIS, "212121221" },
		{ TCPTERM_OVERLAP_HPUX11, "212121221" },
	};
	unsigned i, k;

	for (i = 0; i < RTE_DIM(of); i++)
		for (k = 0; k < RTE_DIM(meetings); k++) {
			bool wins = second_wins(of[i].overlap, &meetings[k]);

			if (wins != (of[i].who[k] == '2'))
				printf("# %s, meeting %u\n", tcpterm_overlap_name(of[i].overlap),
				       k);
			CU_ASSERT_EQUAL(wins, of[i].who[k] == '2');
		}
}

static void
reject_refuses_the_segment_that_contradicts_whole(void)
{
	begin(TCPTERM_OVERLAP_REJECT);
	copies_segment(0, TCP_ACK, 0, 0, 40);
	copies_altered(0, TCP_ACK, 20, 0, 60, FORGED, false);
	copies_segment(0, TCP_ACK, 40, 0, 60);
	copies_segment(1, TCP_ACK, 0, 100, 0);
	CU_ASSERT_EQUAL(copies.dir[0].bytes, 100);
	CU_ASSERT_EQUAL(copies.dir[0].wrong, 0);
	CU_ASSERT_EQUAL(copies.n_conflicts, 1);
	end();
}

static void
nothing_is_delivered_before_it_is_acknowledged_or_the_deadline(void)
{
	begin(TCPTERM_OVERLAP_LAST);
	copies_segment(0, TCP_ACK, 0, 0, 100);
	copies_segment(0, TCP_ACK, 100, 0, 100);
	CU_ASSERT_EQUAL(copies.dir[0].bytes, 0);
	copies_segment(1, TCP_ACK, 0, 150, 0);
	CU_ASSERT_EQUAL(copies.dir[0].bytes, 150);
	copies_wait(1999 * MS);
	CU_ASSERT_EQUAL(copies.dir[0].bytes, 150);
	copies_wait(2 * MS);
	CU_ASSERT_EQUAL(copies.dir[0].bytes, 200);
	copies_altered(0, TCP_ACK, 150, 0, 50, FORGED, false);
	CU_ASSERT_EQUAL(copies.dir[0].wrong, 0);
	end();
}

static void
what_was_acknowledged_stays_with_every_policy(void)
{
	unsigned o;

	for (o = 0; o < TCPTERM_N_OVERLAPS; o++) {
		begin((enum tcpterm_overlap)o);
		copies_altered(0, TCP_ACK, 0, 0, 43, FORGED, false);
		copies_segment(1, TCP_ACK, 0, 43, 0);
		copies_segment(0, TCP_ACK, 0, 0, 348);
		copies_segment(1, TCP_ACK, 0, 348, 0);
		CU_ASSERT_EQUAL(copies.dir[0].bytes, 348);
		CU_ASSERT_TRUE(is_forged(0) && is_forged(42) && !is_forged(43) && !is_forged(347));
		CU_ASSERT_EQUAL(copies.dir[0].n_gaps, 0);
		CU_ASSERT_EQUAL(copies.n_conflicts, 1);
		end();
	}
}

/* What follows was not seen, but its receiver has all of it. */
static void
ack_beyond_all_that_was_seen_decides_what_was(void)
{
	begin(TCPTERM_OVERLAP_LAST);
	copies_segment(0, TCP_ACK, 0, 0, 100);
	copies_segment(1, TCP_ACK, 0, 200, 0);
	CU_ASSERT_EQUAL(copies.dir[0].bytes, 100);
	copies_altered(0, TCP_ACK, 50, 0, 50, FORGED, false);
	copies_segment(0, TCP_ACK, 200, 0, 10);
	copies_segment(1, TCP_ACK, 0, 210, 0);
	copies_wait(50 * MS);
	CU_ASSERT_TRUE(!is_forged(50) && !is_forged(99));
	CU_ASSERT_EQUAL(copies.n_conflicts, 1);
	CU_ASSERT_EQUAL(copies.dir[0].n_gaps, 1);
	end();
}

static void
flow_that_ends_delivers_what_was_not_decided(void)
{
	begin(TCPTERM_OVERLAP_LAST);
	copies_segment(0, TCP_ACK, 0, 0, 100);
	copies_altered(0, TCP_ACK, 50, 0, 10, FORGED, false);
	tcpterm_kill(copies.s, copies_flow(), TCPTERM_END_EVICTED);
	CU_ASSERT_EQUAL(copies.dir[0].bytes, 100);
	CU_ASSERT_TRUE(!is_forged(49) && is_forged(50) && is_forged(59) && !is_forged(60));
	CU_ASSERT_EQUAL(copies_stats()->n_held, 0);
	end();
}

static void
undecided_bytes_beyond_the_budget_are_delivered(void)
{
	const struct tcpterm_passive_conf small = { .n_segments = 8, .budget_bytes = 20000 };
	unsigned i;

	copies_begin(&small);
	copies.overlap = TCPTERM_OVERLAP_LAST;
	copies_handshake();
	for (i = 0; i < 40; i++)
		copies_segment(0, TCP_ACK, 1000 * i, 0, 1000);
	CU_ASSERT_EQUAL(copies.dir[0].bytes, 32000);
	CU_ASSERT_EQUAL(copies.dir[0].n_gaps, 0);
	end();
}

static void
duplicates_and_keepalives_are_no_conflict(void)
{
	begin(TCPTERM_OVERLAP_LAST);
	copies_segment(0, TCP_ACK, 0, 0, 100);
	copies_segment(0, TCP_ACK, 0, 0, 100);
	copies_segment(0, TCP_ACK, 30, 0, 50);
	copies_segment(1, TCP_ACK, 0, 100, 0);
	copies_wait(1000 * MS);
	copies_altered(0, TCP_ACK, 99, 0, 1, FORGED, false);
	CU_ASSERT_EQUAL(copies.n_conflicts, 0);
	CU_ASSERT_EQUAL(copies.dir[0].bytes, 100);
	CU_ASSERT_EQUAL(copies.dir[0].wrong, 0);
	end();
}

static void
forged_bytes_that_were_acknowledged_are_told(void)
{
	begin(TCPTERM_OVERLAP_FIRST);
	copies_altered(0, TCP_ACK, 0, 0, 43, FORGED, false);
	copies_segment(1, TCP_ACK, 0, 43, 0);
	copies_wait(100 * MS);
	copies_segment(0, TCP_ACK, 0, 0, 348);
	CU_ASSERT_EQUAL(copies.n_conflicts, 1);
	CU_ASSERT_EQUAL(copies.conflict[0].len, 43);
	/* Nothing is kept for long. */
	copies_segment(1, TCP_ACK, 0, 348, 0);
	copies_wait(2100 * MS);
	CU_ASSERT_EQUAL(copies_stats()->n_held, 0);
	end();
}

/* Bytes that wait are not missing, and those that come again do so whichever version stays. */
static void
counts_are_the_same_with_every_policy(void)
{
	unsigned o;

	for (o = 0; o < TCPTERM_N_OVERLAPS; o++) {
		begin((enum tcpterm_overlap)o);
		copies_segment(0, TCP_ACK, 0, 0, 100);
		copies_segment(0, TCP_ACK, 100, 0, 100);
		copies_segment(0, TCP_ACK, 100, 0, 100);
		copies_segment(0, TCP_ACK, 50, 0, 100);
		copies_segment(0, TCP_ACK, 300, 0, 100);
		copies_segment(0, TCP_ACK, 400, 0, 100);
		copies_segment(0, TCP_ACK, 200, 0, 100);
		copies_segment(1, TCP_ACK, 0, 500, 0);
		copies_close(500, 0);
		copies_segment(0, TCP_ACK, 100, 0, 100);
		copies_wait(100000 * MS);
		CU_ASSERT_EQUAL(copies.leg[0].out_of_order, 2);
		CU_ASSERT_EQUAL(copies.leg[0].duplicates, 200);
		CU_ASSERT_EQUAL(copies.packets, 3 + 8 + 3 + 1);
		CU_ASSERT_EQUAL(copies.dir[0].bytes, 500);
		end();
	}
}

TAP_MAIN(overlap, TAP_TEST(counts_are_the_same_with_every_policy),
	 TAP_CHECK(S13, hosts_are_told_by_where_segments_begin_and_end),
	 TAP_CHECK(S13, reject_refuses_the_segment_that_contradicts_whole),
	 TAP_CHECK(S13, nothing_is_delivered_before_it_is_acknowledged_or_the_deadline),
	 TAP_CHECK(S13, what_was_acknowledged_stays_with_every_policy),
	 TAP_CHECK(S13, ack_beyond_all_that_was_seen_decides_what_was),
	 TAP_TEST(flow_that_ends_delivers_what_was_not_decided),
	 TAP_TEST(undecided_bytes_beyond_the_budget_are_delivered),
	 TAP_TEST(duplicates_and_keepalives_are_no_conflict),
	 TAP_TEST(forged_bytes_that_were_acknowledged_are_told))
