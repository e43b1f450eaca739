/*
 * The end of a direction of a passive pair: whose FIN it is, and when it is believed.
 */
#include "tests/unit/lib/passive.h"

enum { MORE = 1 << 20 };

/* The stream goes on behind what was no end of it. */
static void
expect_all_that_follows(int64_t off)
{
	int64_t end = off + MORE;

	for (; off < end; off += 16384) {
		SEGMENT(off, 16384);
		ACKED(off + 16384);
	}
	CU_ASSERT_EQUAL(copies.dir[0].n_ends, 0);
	copies_close(end, 0);
	copies_wait(2001 * MS);	/* some came twice */
	CU_ASSERT_EQUAL(copies.dir[0].bytes, (uint64_t)end);
	CU_ASSERT_EQUAL(copies.dir[0].end, (uint64_t)end);
	CU_ASSERT_EQUAL(copies.dir[0].n_gaps, 0);
	CU_ASSERT_EQUAL(copies.why, TCPTERM_END_FIN);
	CU_ASSERT_EQUAL(copies.n_conflicts, 0);
	passive_end();
}

static void
fin_that_its_sender_goes_on_beyond_is_forged(void)
{
	passive_begin();
	SEGMENT(0, 1000);
	ACKED(1000);
	copies_segment(0, TCP_FIN | TCP_ACK, 1000, 0, 0);
	expect_all_that_follows(1000);
}

static void
fin_with_forged_bytes_before_it_is_forged(void)
{
	passive_begin();
	SEGMENT(0, 1000);
	ACKED(1000);
	copies_segment(0, TCP_FIN | TCP_ACK, 1000, 0, 100);
	expect_all_that_follows(1000);
}

static void
fin_without_an_ack_is_none(void)
{
	passive_begin();
	SEGMENT(0, 1000);
	copies_altered(0, TCP_FIN, 1000, 0, 100, 0x55, false);
	copies_wait(3000 * MS);
	CU_ASSERT_EQUAL(copies_stats()->without_ack, 1);
	expect_all_that_follows(1000);
}

static void
fin_is_believed_when_it_is_acknowledged(void)
{
	passive_begin();
	SEGMENT(0, 1000);
	copies_segment(0, TCP_FIN | TCP_ACK, 1000, 0, 0);
	CU_ASSERT_EQUAL(copies.dir[0].n_ends, 0);
	ACKED(1000);
	CU_ASSERT_EQUAL(copies.dir[0].n_ends, 0);
	ACKED(1001);
	CU_ASSERT_EQUAL(copies.dir[0].n_ends, 1);
	CU_ASSERT_EQUAL(copies.dir[0].end, 1000);
	/* What its receiver closed for is no stream of its. */
	SEGMENT(1000, 500);
	CU_ASSERT_EQUAL(copies.dir[0].bytes, 1000);
	passive_end();
}

static void
fin_that_nobody_acknowledges_is_believed_at_the_deadline(void)
{
	passive_begin();
	SEGMENT(0, 1000);
	copies_segment(0, TCP_FIN | TCP_ACK, 1000, 0, 0);
	copies_wait(1999 * MS);
	CU_ASSERT_EQUAL(copies.dir[0].n_ends, 0);
	copies_wait(2 * MS);
	CU_ASSERT_EQUAL(copies.dir[0].n_ends, 1);
	passive_end();
}

static void
fin_of_a_direction_alone_is_believed_at_once(void)
{
	copies_begin(NULL);
	copies_syn(0);
	SEGMENT(0, 1000);
	copies_wait(20 * MS);
	copies_segment(0, TCP_FIN | TCP_ACK, 1000, 0, 0);
	CU_ASSERT_EQUAL(copies.dir[0].n_ends, 1);
	passive_end();
}

TEAM_MAIN(pair_fin, TAP_CHECK(S12, fin_that_its_sender_goes_on_beyond_is_forged),
	  TAP_CHECK(S12, fin_with_forged_bytes_before_it_is_forged),
	  TAP_CHECK(S12, fin_without_an_ack_is_none),
	  TAP_TEST(fin_is_believed_when_it_is_acknowledged),
	  TAP_TEST(fin_that_nobody_acknowledges_is_believed_at_the_deadline),
	  TAP_TEST(fin_of_a_direction_alone_is_believed_at_once))
