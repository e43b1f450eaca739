/*
 * HyStart++ against RFC 9406 4.2, round by round.
 */
#include "tcpterm/tcb.h"
#include "tests/unit/tap.h"

enum { MSS = 1000, MS = 1000, BASE = 40 * MS };

static struct tcpterm stack;
static struct conn c;

static void
start(const char *name)
{
	stack = (struct tcpterm){ .now = { 1000000 } };
	c = (struct conn){ .s = &stack, .mss = MSS };
	rtt_init(&c.rtt);
	cc_init(&c, cc_find(name));
}

/* One round: what the window allows is sent, and acknowledged by a segment an ACK; the first
 * `n_samples` of them give an RTT of `us`. */
static void
round_of(int64_t us, unsigned n_samples)
{
	unsigned n = c.cc.cwnd / MSS;

	c.nxt = RTE_MAX(c.nxt, c.una + (int64_t)n * MSS);
	cc_full(&c);
	for (unsigned i = 0; i < n; i++) {
		c.una += MSS;
		stack.now = usec_add(stack.now, us / n);
		if (i < n_samples) {
			rtt_sample(&c.rtt, us);
			cc_rtt(&c, us);
		}
		cc_ack(&c, MSS);
		c.nxt = c.una + c.cc.cwnd / MSS * MSS;	/* what it lets leave */
		cc_full(&c);
	}
}

static void
steady_round_trip_doubles_every_round(void)
{
	start("cubic");
	for (unsigned i = 0, w = 10; i < 5; i++, w *= 2) {
		CU_ASSERT_EQUAL(c.cc.cwnd, w * MSS);
		round_of(BASE + (i & 1) * 3 * MS, 100);	/* below the threshold of 5 ms */
	}
	CU_ASSERT_EQUAL(stack.stats.hystart_css, 0);
}

static void
growing_round_trip_stops_the_growth(void)
{
	uint32_t before;

	start("cubic");
	round_of(BASE, 100);
	round_of(BASE + 6 * MS, 8);	/* the eighth sample says so */
	CU_ASSERT_EQUAL(stack.stats.hystart_css, 1);
	CU_ASSERT_EQUAL(c.cc.cwnd, 20 * MSS + 7 * MSS);
	before = c.cc.cwnd;
	round_of(BASE + 6 * MS, 100);
	CU_ASSERT_EQUAL(c.cc.cwnd, before);
}

static void
five_rounds_of_it_end_slow_start(void)
{
	const char *names[] = { "reno", "cubic" };

	for (unsigned k = 0; k < 2; k++) {
		uint32_t before;

		start(names[k]);
		round_of(BASE, 100);
		for (unsigned i = 0; i < 5; i++) {	/* the one in which it began counts */
			CU_ASSERT_EQUAL(c.cc.ssthresh, UINT32_MAX);
			round_of(BASE + 6 * MS, 100);
		}
		CU_ASSERT(c.cc.ssthresh <= c.cc.cwnd && c.cc.cwnd <= c.cc.ssthresh + MSS);
		CU_ASSERT_EQUAL(stack.stats.hystart_ended, 1);
		before = c.cc.cwnd;
		round_of(BASE, 100);
		CU_ASSERT(c.cc.cwnd <= before + 2 * MSS);
	}
}

static void
round_trip_that_falls_again_resumes_slow_start(void)
{
	uint32_t before;

	start("cubic");
	round_of(BASE, 100);
	round_of(BASE + 6 * MS, 100);
	round_of(BASE + 1 * MS, 100);
	CU_ASSERT_EQUAL(stack.stats.hystart_resumed, 1);
	before = c.cc.cwnd;
	round_of(BASE + 1 * MS, 100);
	CU_ASSERT_EQUAL(c.cc.cwnd, before / MSS * MSS + before);
}

/* A window that stands finds the same queue again, a little shorter now and then. */
static void
round_trip_that_stays_long_is_no_jitter(void)
{
	start("cubic");
	round_of(BASE, 100);
	for (unsigned i = 0; i < 5; i++)
		round_of(BASE + (i & 1 ? 5 * MS : 6 * MS), 100);
	CU_ASSERT_EQUAL(stack.stats.hystart_resumed, 0);
	CU_ASSERT_EQUAL(stack.stats.hystart_ended, 1);
}

static void
fewer_than_eight_samples_decide_nothing(void)
{
	start("cubic");
	round_of(BASE, 100);
	round_of(BASE + 60 * MS, 7);
	CU_ASSERT_EQUAL(stack.stats.hystart_css, 0);
	CU_ASSERT_EQUAL(c.cc.cwnd, 40 * MSS);
}

/* RttThresh is an eighth of the last round's least, from 4 ms to 16 ms. */
static void
threshold_is_bounded(void)
{
	static const struct {
		int64_t base, more;
		bool css;
	} t[] = {
		{ 1 * MS, 3900, false },    { 1 * MS, 4000, true },	{ 80 * MS, 9900, false },
		{ 80 * MS, 10 * MS, true }, { 400 * MS, 15900, false }, { 400 * MS, 16 * MS, true },
	};

	for (unsigned i = 0; i < sizeof t / sizeof *t; i++) {
		start("cubic");
		round_of(t[i].base, 100);
		round_of(t[i].base + t[i].more, 100);
		CU_ASSERT_EQUAL(stack.stats.hystart_css, t[i].css);
	}
}

static void
later_slow_starts_are_left_alone(void)
{
	start("cubic");
	round_of(BASE, 100);
	c.cc.ssthresh = 1000 * MSS;	/* a loss said so */
	round_of(BASE + 60 * MS, 100);
	CU_ASSERT_EQUAL(c.cc.cwnd, 40 * MSS);
	CU_ASSERT_EQUAL(stack.stats.hystart_css, 0);
}

TAP_MAIN(hystart, TAP_TEST(steady_round_trip_doubles_every_round),
	 TAP_TEST(growing_round_trip_stops_the_growth), TAP_TEST(five_rounds_of_it_end_slow_start),
	 TAP_TEST(round_trip_that_falls_again_resumes_slow_start),
	 TAP_TEST(round_trip_that_stays_long_is_no_jitter),
	 TAP_TEST(fewer_than_eight_samples_decide_nothing), TAP_TEST(threshold_is_bounded),
	 TAP_TEST(later_slow_starts_are_left_alone))
