/*
 * The byte that an urgent pointer marks, in a passive stream.
 */
#include "tests/unit/copies.h"

#define MS ((int64_t)1000)

static void
begin(enum tcpterm_urgent urgent)
{
	copies_begin(NULL);
	copies.urgent = (uint8_t)urgent;
	copies_handshake();
}

static void
end(void)
{
	CU_ASSERT_EQUAL(copies.dir[0].disorder + copies.dir[1].disorder, 0);
	CU_ASSERT_TRUE(copies_end());
}

/* Its urgent pointer points `ahead` of its first byte. */
static void
marked(int64_t off, uint32_t len, uint16_t ahead)
{
	copies.urgent_ptr = ahead;
	copies_segment(0, TCP_ACK | TCP_URG, off, 0, len);
	copies.urgent_ptr = 0;
}

static bool
head_is(unsigned at, uint32_t len, uint64_t off)
{
	uint32_t i;

	for (i = 0; i < len; i++)
		if (copies.dir[0].head[at + i] != copies_byte(0, off + i))
			return false;
	return true;
}

static void
inline_leaves_it_where_it_is(void)
{
	begin(TCPTERM_URGENT_INLINE);
	marked(0, 100, 50);
	CU_ASSERT_EQUAL(copies.dir[0].bytes, 100);
	CU_ASSERT_EQUAL(copies.dir[0].wrong, 0);
	CU_ASSERT_EQUAL(copies.dir[0].n_urgent, 0);
	CU_ASSERT_EQUAL(copies_stats()->urgent_removed, 0);
	end();
}

static void
oob_tells_it_beside_the_stream(void)
{
	begin(TCPTERM_URGENT_OOB);
	marked(0, 100, 50);
	CU_ASSERT_EQUAL(copies.dir[0].bytes, 99);
	CU_ASSERT_TRUE(head_is(0, 49, 0) && head_is(49, 50, 50));
	CU_ASSERT_EQUAL(copies.dir[0].n_urgent, 1);
	CU_ASSERT_EQUAL(copies.dir[0].urgent[0], copies_byte(0, 49));
	/* Gaps and the end do not count it. */
	copies_segment(0, TCP_ACK, 200, 0, 50);
	copies_segment(1, TCP_ACK, 0, 250, 0);
	copies_wait(50 * MS);
	CU_ASSERT_EQUAL(copies.dir[0].n_gaps, 1);
	CU_ASSERT_EQUAL(copies.dir[0].gap[0].off, 99);
	CU_ASSERT_EQUAL(copies.dir[0].gap[0].len, 100);
	copies_close(250, 0);
	CU_ASSERT_EQUAL(copies.dir[0].end, 249);
	CU_ASSERT_EQUAL(copies.leg[0].stream_bytes, 149);
	end();
}

static void
drop_tells_nobody(void)
{
	begin(TCPTERM_URGENT_DROP);
	marked(0, 100, 100);	/* its last byte */
	copies_segment(0, TCP_ACK, 100, 0, 100);
	CU_ASSERT_EQUAL(copies.dir[0].bytes, 199);
	CU_ASSERT_TRUE(head_is(0, 99, 0) && head_is(99, 100, 100));
	CU_ASSERT_EQUAL(copies.dir[0].n_urgent, 0);
	CU_ASSERT_EQUAL(copies_stats()->urgent_removed, 1);
	end();
}

static void
mark_is_known_before_its_byte_and_told_again(void)
{
	unsigned rest;

	for (rest = 0; rest < 2; rest++) {
		copies_n_ready = rest;
		begin(TCPTERM_URGENT_OOB);
		marked(0, 100, 151);
		marked(0, 100, 151);
		copies_wait(5000 * MS);
		marked(160, 40, 0);		/* no byte is before it: no mark */
		marked(100, 60, 51);
		CU_ASSERT_EQUAL(copies.dir[0].bytes, 199);
		CU_ASSERT_TRUE(head_is(0, 150, 0) && head_is(150, 49, 151));
		CU_ASSERT_EQUAL(copies.dir[0].n_urgent, 1);
		/* A mark of what was delivered changes nothing. */
		marked(100, 60, 20);
		CU_ASSERT_EQUAL(copies_stats()->urgent_removed, 1);
		end();
	}
	copies_n_ready = 0;
}

static void
every_byte_may_be_urgent(void)
{
	int64_t off;

	begin(TCPTERM_URGENT_OOB);
	for (off = 0; off < 8; off++)
		marked(off, 1, 1);
	copies_segment(0, TCP_ACK, 8, 0, 10);
	CU_ASSERT_EQUAL(copies.dir[0].bytes, 10);
	CU_ASSERT_EQUAL(copies.dir[0].n_urgent, 8);
	CU_ASSERT_EQUAL(copies.dir[0].urgent[7], copies_byte(0, 7));
	end();
}

static void
urgent_byte_in_a_gap_is_of_the_gap(void)
{
	begin(TCPTERM_URGENT_OOB);
	marked(0, 100, 151);
	copies_segment(0, TCP_ACK, 200, 0, 100);
	copies_segment(1, TCP_ACK, 0, 300, 0);
	copies_wait(50 * MS);
	CU_ASSERT_EQUAL(copies.dir[0].n_gaps, 1);
	CU_ASSERT_EQUAL(copies.dir[0].gap[0].len, 100);
	CU_ASSERT_EQUAL(copies.dir[0].n_urgent, 0);
	CU_ASSERT_EQUAL(copies.dir[0].bytes, 200);
	end();
}

static void
midstream_marks_count_from_the_start_that_is_found(void)
{
	copies_begin(NULL);
	copies.urgent = TCPTERM_URGENT_OOB;
	marked(5100, 100, 50);
	copies_segment(0, TCP_ACK, 5000, 0, 100);
	copies_wait(20 * MS);
	CU_ASSERT_EQUAL(copies.dir[0].bytes, 199);
	CU_ASSERT_TRUE(head_is(0, 149, 5000) && head_is(149, 50, 5150));
	end();
}

TEAM_MAIN(pair_urgent, TAP_TEST(inline_leaves_it_where_it_is),
	  TAP_TEST(oob_tells_it_beside_the_stream), TAP_TEST(drop_tells_nobody),
	  TAP_TEST(mark_is_known_before_its_byte_and_told_again),
	  TAP_TEST(every_byte_may_be_urgent), TAP_TEST(urgent_byte_in_a_gap_is_of_the_gap),
	  TAP_TEST(midstream_marks_count_from_the_start_that_is_found))
