/*
 * Timestamps of passive pairs: what a receiver refuses (RFC 7323 5) is no part of the stream.
 */
#include "tests/unit/copies.h"
#include "tests/unit/tap.h"

enum { ACK = TCP_ACK, ALTER = 0x5a };

#define DAY_US (24ll * 3600 * 1000 * 1000)

/* A segment of end d at a time of its clock, that echoes one of the other's. */
static void
say(unsigned d, uint32_t val, uint32_t ecr, int64_t off, int64_t ack, uint32_t len)
{
	copies.stamp[d] = val;
	copies.echo[d] = ecr;
	copies_segment(d, ACK, off, ack, len);
}

static void
forge(unsigned d, uint32_t val, uint32_t ecr, int64_t off, int64_t ack, uint32_t len)
{
	copies.stamp[d] = val;
	copies.echo[d] = ecr;
	copies_altered(d, ACK, off, ack, len, ALTER, false);
}

/* Both clocks are known: the client's 1000, the server's 5000; 100 bytes of the client. */
static void
begin(uint32_t n_ready)
{
	copies_n_ready = n_ready;
	copies_begin(NULL);
	copies.stamped = true;
	copies.stamp[0] = 900;
	copies_syn(0);
	copies.stamp[1] = 4900;
	copies.echo[1] = 900;
	copies_synack(0);
	say(0, 901, 4900, 0, 0, 0);
	say(0, 1000, 4900, 0, 0, 100);
	say(1, 5000, 1000, 0, 100, 0);
}

static void
finish(void)
{
	copies_wait(3 * 1000 * 1000);
	while (copies_flow())
		tcpterm_kill(copies.s, copies_flow(), TCPTERM_END_IDLE);
	copies_wait(1000);
}

static uint64_t
outdated(void)
{
	struct tcpterm_leg_info leg[2];

	tcpterm_flow_info(copies_flow(), leg);
	CU_ASSERT_EQUAL(copies_stats()->outdated, leg[0].outdated + leg[1].outdated);
	return leg[0].outdated;
}

static void
a_segment_that_its_receiver_refuses_is_not_in_the_stream(void)
{
	unsigned i;

	for (i = 0; i < 2; i++) {
		begin(i ? 1 : 0);
		if (i)
			copies_wait(20 * 1000 * 1000);	/* and a pair at rest remembers */
		forge(0, 999, 5000, 100, 0, 50);
		CU_ASSERT_EQUAL(copies.dir[0].bytes, 100);
		say(0, 1001, 5000, 100, 0, 50);
		say(1, 5001, 1001, 0, 150, 0);
		copies_wait(100 * 1000);
		say(0, 1100, 5001, 150, 0, 50);
		CU_ASSERT_EQUAL(copies.dir[0].bytes, 200);
		CU_ASSERT_EQUAL(copies.dir[0].wrong, 0);
		CU_ASSERT_EQUAL(copies.n_conflicts, 0);
		CU_ASSERT_EQUAL(outdated(), 1);
		finish();
		CU_ASSERT_EQUAL(copies.dir[0].n_gaps, 0);
		CU_ASSERT_TRUE(copies_end());
	}
	copies_n_ready = 0;
}

static void
its_acknowledgment_and_its_version_of_bytes_count_for_nothing(void)
{
	begin(0);
	say(1, 5001, 1000, 0, 100, 100);
	forge(0, 10, 5001, 60, 30, 40);
	forge(0, 10, 5001, 100, 70, 0);
	CU_ASSERT_EQUAL(outdated(), 2);
	finish();
	CU_ASSERT_EQUAL(copies.n_conflicts, 0);
	CU_ASSERT_EQUAL(copies.dir[0].wrong, 0);
	CU_ASSERT_EQUAL(copies.leg[1].in_flight, 100);
	CU_ASSERT_TRUE(copies_end());
}

/* The tap shows 100 to 199 behind what was sent and acknowledged later. */
static void
what_only_the_tap_shows_late_is_no_gap(void)
{
	begin(0);
	say(0, 1002, 5000, 200, 0, 100);
	say(1, 5002, 1002, 0, 300, 0);
	say(0, 1001, 5000, 100, 0, 100);
	CU_ASSERT_EQUAL(copies.dir[0].bytes, 300);
	CU_ASSERT_EQUAL(outdated(), 0);
	finish();
	CU_ASSERT_EQUAL(copies.dir[0].n_gaps, 0);
	CU_ASSERT_EQUAL(copies.dir[0].wrong, 0);
	CU_ASSERT_TRUE(copies_end());
}

/* 100 to 199 came again, echoed before what was sent first is shown. */
static void
what_is_acknowledged_later_was_taken(void)
{
	begin(0);
	say(0, 1010, 5000, 100, 0, 100);
	say(1, 5010, 1010, 0, 200, 0);
	say(0, 1001, 5000, 200, 0, 100);
	say(1, 5010, 1010, 0, 300, 0);
	copies_wait(9 * 1000);
	CU_ASSERT_EQUAL(copies.dir[0].bytes, 200);	/* its true bytes may still come */
	copies_wait(10 * 1000);
	CU_ASSERT_EQUAL(copies.dir[0].bytes, 300);
	say(0, 1011, 5010, 300, 0, 100);
	CU_ASSERT_EQUAL(copies.dir[0].bytes, 400);
	CU_ASSERT_EQUAL(outdated(), 0);
	finish();
	CU_ASSERT_EQUAL(copies.dir[0].n_gaps, 0);
	CU_ASSERT_TRUE(copies_end());
}

/* The same as the last that is seen: at the end it is taken, too. */
static void
what_is_acknowledged_at_the_end_was_taken(void)
{
	begin(0);
	say(0, 999, 5000, 100, 0, 100);
	say(1, 5010, 1000, 0, 200, 0);
	tcpterm_kill(copies.s, copies_flow(), TCPTERM_END_IDLE);
	CU_ASSERT_EQUAL(copies.dir[0].bytes, 200);
	CU_ASSERT_EQUAL(copies.dir[0].n_gaps, 0);
	CU_ASSERT_TRUE(copies_end());
}

static void
what_was_missing_is_late_as_ever(void)
{
	begin(0);
	say(0, 1002, 5000, 200, 0, 100);
	say(1, 5002, 1002, 0, 300, 0);
	copies_wait(50 * 1000);
	CU_ASSERT_EQUAL(copies.dir[0].n_gaps, 1);
	say(0, 1001, 5000, 100, 0, 100);
	CU_ASSERT_EQUAL(outdated(), 0);
	finish();
	CU_ASSERT_EQUAL(copies.leg[0].late_bytes, 100);
	CU_ASSERT_TRUE(copies_end());
}

/* Not agreed by the SYNs; or what is echoed was never sent; or it was quiet for 25 days. */
static void
without_a_clock_that_is_known_nothing_is_refused(void)
{
	unsigned i;

	for (i = 0; i < 3; i++) {
		copies_begin(NULL);
		copies.stamped = i > 0;
		copies.idle_us = 60 * DAY_US;
		copies_handshake();
		copies.stamped = true;
		say(0, 1000, 5000, 0, 0, 100);
		say(1, 5000, i == 1 ? 1000000 : 1000, 0, 100, 0);
		if (i == 2)
			copies.now.v += 25 * DAY_US;
		say(0, 0x80000000u, 5000, 100, 0, 100);
		CU_ASSERT_EQUAL(copies.dir[0].bytes, 200);
		CU_ASSERT_EQUAL(copies_stats()->outdated, 0);
		finish();
		CU_ASSERT_TRUE(copies_end());
	}
}

/* Its handshake was not seen, and each segment has them. */
static void
midstream_they_are_what_the_segments_have(void)
{
	copies_begin(NULL);
	copies.stamped = true;
	say(0, 1000, 5000, 0, 0, 100);
	say(1, 5000, 1000, 0, 100, 100);
	copies_wait(20 * 1000);
	say(0, 1001, 5000, 100, 100, 0);
	say(1, 5001, 1001, 100, 100, 0);
	forge(0, 990, 5000, 100, 100, 100);
	CU_ASSERT_EQUAL(copies.dir[0].bytes, 100);
	say(0, 1002, 5000, 100, 100, 100);
	CU_ASSERT_EQUAL(copies.dir[0].bytes, 200);
	CU_ASSERT_EQUAL(copies.dir[0].wrong, 0);
	finish();
	CU_ASSERT_EQUAL(copies_stats()->outdated, 1);
	CU_ASSERT_TRUE(copies_end());
}

static void
a_clock_that_wraps_goes_on(void)
{
	begin(0);
	say(0, 0x70000000u, 5001, 100, 0, 100);
	say(1, 5002, 0x70000000u, 0, 200, 0);
	say(0, 0xe0000000u, 5002, 200, 0, 100);
	say(1, 5003, 0xe0000000u, 0, 300, 0);
	say(0, 5, 5003, 300, 0, 100);
	say(1, 5004, 5, 0, 400, 0);
	forge(0, 0xffffffffu, 5004, 400, 0, 10);
	CU_ASSERT_EQUAL(copies.dir[0].bytes, 400);
	finish();
	CU_ASSERT_EQUAL(copies_stats()->outdated, 1);
	CU_ASSERT_TRUE(copies_end());
}

/* More of them than may wait, and none is held for long. */
static void
forged_segments_are_bounded(void)
{
	unsigned i;

	begin(0);
	for (i = 0; i < 1000; i++)
		forge(0, 1, 5000, 100 + 10 * i, 0, 10);
	CU_ASSERT_TRUE(copies_stats()->n_held <= 80);
	say(0, 1001, 5000, 100, 0, 1000);
	say(1, 5001, 1001, 0, 1100, 0);
	finish();
	CU_ASSERT_EQUAL(copies.dir[0].bytes, 1100);
	CU_ASSERT_EQUAL(copies.dir[0].wrong, 0);
	CU_ASSERT_EQUAL(copies_stats()->outdated, 1000);
	CU_ASSERT_TRUE(copies_end());
}

TEAM_MAIN(pair_stamp, TAP_TEST(a_segment_that_its_receiver_refuses_is_not_in_the_stream),
	  TAP_TEST(its_acknowledgment_and_its_version_of_bytes_count_for_nothing),
	  TAP_TEST(what_only_the_tap_shows_late_is_no_gap),
	  TAP_TEST(what_is_acknowledged_later_was_taken),
	  TAP_TEST(what_is_acknowledged_at_the_end_was_taken),
	  TAP_TEST(what_was_missing_is_late_as_ever),
	  TAP_TEST(without_a_clock_that_is_known_nothing_is_refused),
	  TAP_TEST(midstream_they_are_what_the_segments_have), TAP_TEST(a_clock_that_wraps_goes_on),
	  TAP_TEST(forged_segments_are_bounded))
