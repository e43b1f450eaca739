/*
 * Congestion control against the RFCs' formulas: CUBIC (9438), Reno (5681).
 */
#include <math.h>

#include "tcpterm/tcb.h"
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
	cc_full(&c);
	c.cc.cwnd = cwnd;
	c.cc.ssthresh = ssthresh;
}

/* A loss with a full window in flight, as recover.c takes it. */
static void
lose(void)
{
	c.nxt = c.una + c.cc.cwnd;
	cc_reduce(&c, (uint32_t)(c.nxt - c.una));
	c.cc.cwnd = c.cc.ssthresh;
}

/* An ACK of `n` segments. */
static void
ack(unsigned n)
{
	c.una += (int64_t)n * MSS;
	cc_ack(&c, n * MSS);
}

/* One round trip in which the whole window is acknowledged, a segment at a time. */
static void
round_trip(void)
{
	uint32_t n = c.cc.cwnd / MSS;

	for (uint32_t i = 0; i < n; i++) {
		stack.now = usec_add(stack.now, RTT_US / n);
		c.nxt = c.una + c.cc.cwnd;
		cc_full(&c);
		ack(1);
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
	CU_ASSERT_EQUAL(c.cc.cubic.w_max, 100 * MSS);
	lose();
	CU_ASSERT_EQUAL(c.cc.cubic.w_max, 59500);	/* 4.7 */
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

/* Past the window of the last loss, too, the estimate grows by alpha, unlike RFC 9438 4.3. */
static void
cubic_keeps_its_slope_past_its_last_maximum(void)
{
	uint32_t before;

	start("cubic", 20 * MSS, 10 * MSS);
	lose();
	while (c.cc.cwnd < 21 * MSS)
		round_trip();
	before = c.cc.cubic.w_est;
	round_trip();
	CU_ASSERT(c.cc.cubic.w_est - before > MSS * 9 / 20);
	CU_ASSERT(c.cc.cubic.w_est - before < MSS * 11 / 20);
}

static void
cubic_starts_its_curve_anew_after_a_timeout(void)
{
	start("cubic", 100 * MSS, 50 * MSS);
	c.nxt = c.una + 100 * MSS;
	cc_timeout(&c, false);
	CU_ASSERT_EQUAL(c.cc.cwnd, MSS);
	CU_ASSERT_EQUAL(c.cc.ssthresh, 70 * MSS);
	cc_timeout(&c, true);
	CU_ASSERT_EQUAL(c.cc.ssthresh, 70 * MSS);	/* RFC 5681 3.1 */
	while (c.cc.cwnd <= 70 * MSS)
		round_trip();
	CU_ASSERT(c.cc.cubic.w_max <= 71 * MSS);	/* 4.8: K is 0 */
	CU_ASSERT(c.cc.cubic.k == 0);
}

static void
cubic_left_without_a_loss_begins_where_it_is(void)
{
	start("cubic", 100 * MSS, 100 * MSS);
	round_trip();
	CU_ASSERT_EQUAL(c.cc.cubic.w_max, 100 * MSS);	/* 4.10 */
	CU_ASSERT(c.cc.cubic.k == 0);
}

/* At this size an ACK earns less than a byte, and a hundred thousand of them a segment. */
static void
cubic_keeps_the_parts_of_a_byte(void)
{
	uint32_t before;

	start("cubic", 50000 * MSS, 10000 * MSS);
	round_trip();
	before = c.cc.cubic.w_est;
	round_trip();
	CU_ASSERT(c.cc.cubic.w_est - before > MSS * 51 / 100);
	CU_ASSERT(c.cc.cubic.w_est - before <= MSS * 53 / 100);
}

static void
undo_restores_windows_and_curve(void)
{
	const char *names[] = { "reno", "cubic" };

	for (unsigned i = 0; i < 2; i++) {
		struct cubic curve;

		start(names[i], 100 * MSS, 90 * MSS);
		round_trip();
		c.cc.cwnd = 100 * MSS;
		curve = c.cc.cubic;
		lose();
		cc_undo(&c);			/* RFC 9438 4.9 */
		CU_ASSERT_EQUAL(c.cc.cwnd, 100 * MSS);
		CU_ASSERT_EQUAL(c.cc.ssthresh, 90 * MSS);
		CU_ASSERT_EQUAL(c.cc.cubic.w_max, curve.w_max);
		CU_ASSERT_EQUAL(c.cc.cubic.epoch.v, curve.epoch.v);
		c.cc.cwnd = 10 * MSS;
		cc_undo(&c);			/* once */
		CU_ASSERT_EQUAL(c.cc.cwnd, 10 * MSS);
	}
}

static void
undo_goes_back_before_the_first_of_two_reductions(void)
{
	start("cubic", 100 * MSS, 90 * MSS);
	lose();
	c.rec.state = RECOVER_FAST;
	cc_timeout(&c, false);
	cc_undo(&c);
	CU_ASSERT_EQUAL(c.cc.cwnd, 100 * MSS);
	CU_ASSERT_EQUAL(c.cc.ssthresh, 90 * MSS);
}

static void
window_that_is_not_used_does_not_grow(void)
{
	const char *names[] = { "reno", "cubic" };

	for (unsigned i = 0; i < 2; i++) {
		start(names[i], 20 * MSS, UINT32_MAX);
		c.nxt = 5 * MSS;
		cc_full(&c);
		c.nxt = 10 * MSS;
		for (unsigned k = 0; k < 5; k++)
			ack(1);
		CU_ASSERT_EQUAL(c.cc.cwnd, 25 * MSS);
		for (unsigned k = 0; k < 5; k++)	/* sent after the window was full */
			ack(1);
		CU_ASSERT_EQUAL(c.cc.cwnd, 25 * MSS);
	}
}

static void
one_acknowledgement_opens_slow_start_by_eight_segments(void)
{
	start("reno", 40 * MSS, UINT32_MAX);
	c.nxt = 40 * MSS;
	cc_full(&c);
	ack(20);
	CU_ASSERT_EQUAL(c.cc.cwnd, 48 * MSS);	/* RFC 9406 4.3, L */
	c.tuning.pace = true;
	ack(20);
	CU_ASSERT_EQUAL(c.cc.cwnd, 68 * MSS);
	c.tuning.pace = false;
	c.rec.state = RECOVER_LOSS;
	c.una = 0;
	ack(20);
	CU_ASSERT_EQUAL(c.cc.cwnd, 69 * MSS);	/* RFC 3465 2.3 */
}

static void
connection_chooses_its_algorithm(void)
{
	start("cubic", 0, 0);
	stack.conf.cc = "reno";
	CU_ASSERT_PTR_EQUAL(cc_choice(&c), &cc_reno);
	c.tuning.cc = TCPTERM_CC_CUBIC;
	CU_ASSERT_PTR_EQUAL(cc_choice(&c), &cc_cubic);
	stack.conf.cc = NULL;
	c.tuning.cc = TCPTERM_CC_RENO;
	CU_ASSERT_PTR_EQUAL(cc_choice(&c), &cc_reno);
}

static void
idle_window_begins_anew_where_it_is_asked_for(void)
{
	for (unsigned on = 0; on < 2; on++) {
		start("reno", 100 * MSS, 60 * MSS);
		c.tuning.idle_restart = on;
		c.nxt = c.una = 100 * MSS;
		cc_sent(&c);
		stack.now = usec_add(stack.now, RTT_US);
		cc_restart(&c);
		CU_ASSERT_EQUAL(c.cc.cwnd, 100 * MSS);	/* less than an RTO */
		stack.now = usec_add(stack.now, 2 * 1000 * 1000);
		cc_restart(&c);
		CU_ASSERT_EQUAL(c.cc.cwnd, on ? 10 * MSS : 100 * MSS);	/* RFC 5681 4.1 */
		CU_ASSERT_EQUAL(c.cc.ssthresh, on ? 75 * MSS : 60 * MSS);
	}
}

TAP_MAIN(cc, TAP_TEST(initial_window_is_ten_segments), TAP_TEST(slow_start_doubles_a_round_trip),
	 TAP_TEST(reno_adds_a_segment_a_round_trip), TAP_TEST(cubic_follows_its_curve),
	 TAP_TEST(cubic_is_no_slower_than_reno),
	 TAP_TEST(cubic_keeps_its_slope_past_its_last_maximum),
	 TAP_TEST(cubic_leaves_room_when_it_loses_before_its_last_maximum),
	 TAP_TEST(cubic_starts_its_curve_anew_after_a_timeout),
	 TAP_TEST(cubic_left_without_a_loss_begins_where_it_is),
	 TAP_TEST(cubic_keeps_the_parts_of_a_byte), TAP_TEST(cubic_does_not_count_idle_time),
	 TAP_TEST(undo_restores_windows_and_curve),
	 TAP_TEST(undo_goes_back_before_the_first_of_two_reductions),
	 TAP_TEST(window_that_is_not_used_does_not_grow),
	 TAP_TEST(one_acknowledgement_opens_slow_start_by_eight_segments),
	 TAP_TEST(connection_chooses_its_algorithm),
	 TAP_TEST(idle_window_begins_anew_where_it_is_asked_for))
