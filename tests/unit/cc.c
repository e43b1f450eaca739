/*
 * Congestion control against the RFCs' formulas: CUBIC (9438), Reno (5681).
 */
#include <math.h>

#include "tcpterm/cc.h"
#include "tests/unit/tap.h"

enum { MSS = 1000, RTT_US = 100 * 1000 };

static struct tcpterm stack;
static struct conn c;

static void
start(const char *name, uint32_t cwnd, uint32_t ssthresh)
{
	stack.now = (usec_t){ 1000000 };
	c = (struct conn){ .s = &stack, .mss = MSS };
	rtt_init(&c.rtt);
	rtt_sample(&c.rtt, RTT_US);
	cc_init(&c, cc_find(name));
	c.cc.cwnd = cwnd;
	c.cc.ssthresh = ssthresh;
}

/* A loss with a full window in flight, as recover.c takes it. */
static void
lose(void)
{
	c.una = 0;
	c.nxt = c.cc.cwnd;
	c.cc.ssthresh = c.cc.ops->ssthresh(&c);
	c.cc.cwnd = c.cc.ssthresh;
}

/* One round trip in which the whole window is acknowledged, a segment at a time. */
static void
round_trip(void)
{
	uint32_t n = c.cc.cwnd / MSS;

	for (uint32_t i = 0; i < n; i++) {
		stack.now = usec_add(stack.now, RTT_US / n);
		c.cc.ops->ack(&c, MSS);
	}
}

static void
initial_window_is_ten_segments(void)
{
	start("reno", 0, 0);
	cc_init(&c, &cc_reno);
	CU_ASSERT_EQUAL(c.cc.cwnd, 10 * MSS);	/* RFC 6928 2 */
	c.mss = 9000;
	cc_init(&c, &cc_reno);
	CU_ASSERT_EQUAL(c.cc.cwnd, 18000);
	CU_ASSERT_PTR_NULL(cc_find("vegas"));
	CU_ASSERT_PTR_EQUAL(cc_find(NULL), &cc_cubic);
}

static void
slow_start_doubles_a_round_trip(void)
{
	const char *names[] = { "reno", "cubic" };

	for (unsigned i = 0; i < 2; i++) {
		start(names[i], 10 * MSS, UINT32_MAX);
		round_trip();
		CU_ASSERT_EQUAL(c.cc.cwnd, 20 * MSS);
	}
}

static void
reno_adds_a_segment_a_round_trip(void)
{
	start("reno", 20 * MSS, 10 * MSS);
	for (unsigned i = 1; i <= 10; i++) {
		round_trip();
		CU_ASSERT_EQUAL(c.cc.cwnd, (20 + i) * MSS);
	}
	lose();
	CU_ASSERT_EQUAL(c.cc.cwnd, 15 * MSS);
	c.cc.cwnd = MSS;
	lose();
	CU_ASSERT_EQUAL(c.cc.cwnd, 2 * MSS);	/* RFC 5681 (4) */
}

static void
cubic_follows_its_curve(void)
{
	double w_max = 400, k;
	usec_t epoch;

	start("cubic", 400 * MSS, 100 * MSS);
	lose();
	CU_ASSERT_EQUAL(c.cc.cwnd, 280 * MSS);	/* beta 0.7, 4.6 */
	k = cbrt((w_max - 280) / 0.4);		/* equation 2 */
	epoch = stack.now;
	while (usec_diff(stack.now, epoch) < (int64_t)(1.5 * k * 1e6)) {
		double t, curve;

		round_trip();
		t = (double)usec_diff(stack.now, epoch) / 1e6;
		curve = 0.4 * pow(t - k, 3) + w_max;	/* equation 1 */
		/* one RTT ahead at most, or two behind, of a curve that moves this much */
		CU_ASSERT(fabs(c.cc.cwnd / (double)MSS - curve) < 0.02 * w_max);
	}
	CU_ASSERT(c.cc.cwnd > 400u * MSS);
}

static void
cubic_is_no_slower_than_reno(void)
{
	double reno;

	start("cubic", 20 * MSS, 10 * MSS);
	lose();
	reno = c.cc.cwnd / (double)MSS;
	for (unsigned i = 0; i < 10; i++) {
		round_trip();
		reno += 3 * 0.3 / 1.7;		/* 4.3 */
		CU_ASSERT(c.cc.cwnd / (double)MSS > reno - 1);
	}
}

static void
cubic_leaves_room_when_it_loses_before_its_last_maximum(void)
{
	start("cubic", 100 * MSS, 50 * MSS);
	lose();
	CU_ASSERT_DOUBLE_EQUAL(c.cc.w_max, 100, 0.01);
	lose();
	CU_ASSERT_DOUBLE_EQUAL(c.cc.w_max, 70 * 1.7 / 2, 0.01);	/* 4.7 */
}

static void
cubic_does_not_count_idle_time(void)
{
	uint32_t before;

	start("cubic", 100 * MSS, 50 * MSS);
	lose();
	round_trip();
	round_trip();
	before = c.cc.cwnd;
	stack.now = usec_add(stack.now, 60 * 1000 * 1000);	/* nothing to send, 5.8 */
	round_trip();
	CU_ASSERT(c.cc.cwnd < before + 5 * MSS);
}

TAP_MAIN(cc, TAP_TEST(initial_window_is_ten_segments), TAP_TEST(slow_start_doubles_a_round_trip),
	 TAP_TEST(reno_adds_a_segment_a_round_trip), TAP_TEST(cubic_follows_its_curve),
	 TAP_TEST(cubic_is_no_slower_than_reno),
	 TAP_TEST(cubic_leaves_room_when_it_loses_before_its_last_maximum),
	 TAP_TEST(cubic_does_not_count_idle_time))
