/*
 * Pacing: when segments leave, and at what rate.
 */
#include "tcpterm/tcb.h"
#include "tests/unit/tap.h"

enum { MSS = 1000, RTT_US = 20 * 1000 };

static struct tcpterm stack;
static struct conn c;

static void
start(bool pace, uint32_t cwnd, uint32_t ssthresh)
{
	stack = (struct tcpterm){ .now = { 1000000 } };
	LIST_INIT(&stack.pending);
	c = (struct conn){ .s = &stack, .mss = MSS, .tuning.pace = pace };
	rtt_init(&c.rtt);
	rtt_sample(&c.rtt, RTT_US);
	cc_init(&c, &cc_reno);
	c.cc.cwnd = cwnd;
	c.cc.ssthresh = ssthresh;
	c.nxt = 100 * MSS;	/* past the first window */
}

/* How many segments leave in `us`, when the connection is asked at pace_at() by ticks of `tick`. */
static unsigned
leave_in(int64_t us, int64_t tick)
{
	usec_t until = usec_add(stack.now, us);
	unsigned n = 0;

	while (usec_before(stack.now, until)) {
		while (n < 100000 && pace_ready(&c)) {
			pace_sent(&c, MSS);
			n++;
		}
		stack.now = usec_add(stack.now, tick);
		if (!usec_before(stack.now, pace_at(&c)))
			pace_timer(&c);
	}
	return n;
}

static void
off_is_always_ready(void)
{
	start(false, 10 * MSS, UINT32_MAX);
	for (unsigned i = 0; i < 1000; i++) {
		CU_ASSERT_TRUE(pace_ready(&c));
		pace_sent(&c, MSS);
	}
	CU_ASSERT_EQUAL(pace_at(&c).v, USEC_NEVER.v);
}

static void
rate_is_twice_the_window_in_slow_start_and_a_fifth_more_after(void)
{
	unsigned n;

	start(true, 100 * MSS, UINT32_MAX);
	n = leave_in(10 * RTT_US, TIMER_TICK_US);
	CU_ASSERT(n >= 1990 && n <= 2010);
	start(true, 100 * MSS, 100 * MSS);
	n = leave_in(10 * RTT_US, TIMER_TICK_US);
	CU_ASSERT(n >= 1190 && n <= 1210);
}

/* 10 Gbit/s: a segment each 0.8 us, which is less than any clock here counts. */
static void
rates_beyond_a_segment_a_microsecond_hold(void)
{
	unsigned n;

	start(true, 25000 * MSS, 25000 * MSS);
	n = leave_in(RTT_US, TIMER_TICK_US);
	CU_ASSERT(n >= 29500 && n <= 30500);
}

static void
idle_time_earns_no_burst(void)
{
	unsigned n;

	start(true, 100 * MSS, 100 * MSS);
	leave_in(RTT_US, TIMER_TICK_US);
	stack.now = usec_add(stack.now, 60 * 1000 * 1000);
	n = leave_in(TIMER_TICK_US, TIMER_TICK_US);
	CU_ASSERT(n <= 3);
}

static void
first_window_leaves_at_once(void)
{
	start(true, 10 * MSS, UINT32_MAX);
	for (c.nxt = 0; c.nxt < 10 * MSS; c.nxt += MSS) {
		CU_ASSERT_TRUE(pace_ready(&c));
		pace_sent(&c, MSS);
	}
	pace_sent(&c, MSS);
	CU_ASSERT_FALSE(pace_ready(&c));
	CU_ASSERT(pace_at(&c).v > stack.now.v);
}

TAP_MAIN(pace, TAP_TEST(off_is_always_ready),
	 TAP_TEST(rate_is_twice_the_window_in_slow_start_and_a_fifth_more_after),
	 TAP_TEST(rates_beyond_a_segment_a_microsecond_hold), TAP_TEST(idle_time_earns_no_burst),
	 TAP_TEST(first_window_leaves_at_once))
