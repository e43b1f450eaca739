/*
 * Which segments of a burst are acknowledged (RFC 5681 4.2, RFC 9293 3.8.6.3): every second full
 * one, each while a connection is young, and of a crowd one in 16.
 */
#include "tests/unit/lib/ends.h"
#include "tests/unit/tap.h"

enum { MSS = 1460, QUICK = 16, LATE_US = 40 * 1000 };

static struct ends e;
static int64_t sent;

static void
begin(void)
{
	static const struct ends_conf conf = { .wscale = 7 };

	ends_init(&e, &conf, true);
	sent = 0;
}

/* What the client sends at once; returns how many ACKs it gets before time passes. */
static unsigned
burst(unsigned n)
{
	unsigned from = e.n_out;
	const struct ends_seg g = { .seq = sent, .len = MSS };

	ends_send_burst(&e, 0, &g, n);
	ends_run(&e, 0);
	sent += (int64_t)n * MSS;
	n = ends_count(&e, from, 0);
	/* the server takes all, so that nothing else holds back an ACK, or makes one */
	for (struct ends_seg taken = { 0 }; taken.ack < sent;) {
		taken.ack = ends_last(&e, 1)->seq + ends_last(&e, 1)->len;
		ends_send(&e, 1, &taken);
		ends_run(&e, 0);
	}
	return n;
}

static void
grow_old(void)
{
	burst(QUICK);
	burst(4);
	burst(4);
}

static void
each_segment_of_a_young_connection_is_acknowledged(void)
{
	begin();
	CU_ASSERT_EQUAL(burst(10), 10);
	CU_ASSERT_EQUAL(burst(6), 6);
	CU_ASSERT_EQUAL(burst(6), 3);
	ends_fini(&e);
}

static void
every_second_segment_of_a_burst_is_acknowledged(void)
{
	unsigned n;

	begin();
	grow_old();
	n = e.n_out;
	CU_ASSERT_EQUAL(burst(10), 5);
	for (int64_t i = 0; n < e.n_out; n++)
		if (e.out[n].side == 0 && i++ < 5)
			CU_ASSERT_EQUAL(e.out[n].ack, sent - (10 - 2 * i) * MSS);
	CU_ASSERT_EQUAL(burst(16), 8);
	ends_fini(&e);
}

static void
last_odd_segment_waits_for_the_next(void)
{
	begin();
	grow_old();
	CU_ASSERT_EQUAL(burst(3), 1);
	CU_ASSERT_EQUAL(ends_last(&e, 0)->ack, sent - MSS);
	CU_ASSERT_EQUAL(burst(1), 1);
	CU_ASSERT_EQUAL(ends_last(&e, 0)->ack, sent);
	CU_ASSERT_EQUAL(burst(3), 1);
	ends_run(&e, LATE_US);
	CU_ASSERT_EQUAL(ends_last(&e, 0)->ack, sent);
	CU_ASSERT_EQUAL(burst(1), 0);	/* a late one begins anew */
	ends_fini(&e);
}

static void
one_in_16_of_a_crowd_is_acknowledged(void)
{
	unsigned n;

	begin();
	grow_old();
	n = e.n_out;
	CU_ASSERT_EQUAL(burst(32), 2);
	while (e.out[n].side != 0)
		n++;
	CU_ASSERT_EQUAL(e.out[n].ack, sent - 16 * MSS);
	CU_ASSERT_EQUAL(burst(17), 1);
	ends_fini(&e);
}

/* Both of its last two segments, which a burst's end tells apart, belong to one ACK. */
static void
flight_that_ends_behind_a_crowd_does_not_wait(void)
{
	begin();
	grow_old();
	CU_ASSERT_EQUAL(burst(31), 2);
	CU_ASSERT_EQUAL(burst(1), 1);
	ends_fini(&e);
}

TAP_MAIN(acks, TAP_TEST(each_segment_of_a_young_connection_is_acknowledged),
	 TAP_TEST(every_second_segment_of_a_burst_is_acknowledged),
	 TAP_TEST(last_odd_segment_waits_for_the_next),
	 TAP_TEST(one_in_16_of_a_crowd_is_acknowledged),
	 TAP_TEST(flight_that_ends_behind_a_crowd_does_not_wait))
