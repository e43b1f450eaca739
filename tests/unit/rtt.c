/*
 * RFC 6298, by its own formulas in floating point.
 */
#include <math.h>

#include "tcpterm/tcb.h"
#include "tests/unit/tap.h"

enum { MS = 1000, SECOND = 1000000 };

static void
first_timeout_is_a_second(void)
{
	struct rtt r;

	rtt_init(&r);
	CU_ASSERT_EQUAL(rtt_rto(&r), SECOND);	/* (2.1) */
}

static void
estimates_follow_the_formulas(void)
{
	double srtt = 0, rttvar = 0;
	struct rtt r;

	rtt_init(&r);
	for (unsigned i = 0; i < 200; i++) {
		int64_t sample = 40 * MS + (int64_t)(i * 7919 % 31) * MS;

		if (i == 0) {
			srtt = (double)sample;		/* (2.2) */
			rttvar = srtt / 2;
		} else {				/* (2.3) */
			rttvar = 0.75 * rttvar + 0.25 * fabs(srtt - (double)sample);
			srtt = 0.875 * srtt + 0.125 * (double)sample;
		}
		rtt_sample(&r, sample);
		CU_ASSERT(fabs(r.srtt - srtt) < 30);
		CU_ASSERT(fabs(r.rttvar - rttvar) < 30);
		CU_ASSERT(rtt_rto(&r) >= (int64_t)(srtt + 4 * rttvar) - 200);
	}
	CU_ASSERT_EQUAL(r.min, 40 * MS);
}

static void
timeout_doubles_and_is_bounded(void)
{
	struct rtt r;
	int64_t before;

	rtt_init(&r);
	rtt_sample(&r, 100 * MS);
	before = rtt_rto(&r);
	rtt_backoff(&r);
	CU_ASSERT_EQUAL(rtt_rto(&r), 2 * before);	/* (5.5) */
	for (unsigned i = 0; i < 300; i++)
		rtt_backoff(&r);
	CU_ASSERT_EQUAL(rtt_rto(&r), 120 * SECOND);	/* (2.5) */
	rtt_progress(&r);
	CU_ASSERT_EQUAL(rtt_rto(&r), before);
}

static void
absurd_samples_are_bounded(void)
{
	struct rtt r;

	rtt_init(&r);
	rtt_sample(&r, -5);
	CU_ASSERT(r.srtt >= 1);
	rtt_sample(&r, 1LL << 50);
	CU_ASSERT(rtt_rto(&r) <= 120 * SECOND);
	for (unsigned i = 0; i < 100; i++)
		rtt_sample(&r, 1);
	CU_ASSERT(rtt_rto(&r) >= 200 * MS);
}

/* RFC 4015 3.2 */
static void
sample_after_a_spurious_timeout_counts_whole(void)
{
	struct rtt r, plain;

	rtt_init(&r);
	rtt_sample(&r, 100 * MS);
	plain = r;
	rtt_sample(&plain, 900 * MS);
	rtt_backoff(&r);
	rtt_was_early(&r);
	rtt_sample_newer(&r, 900 * MS);
	CU_ASSERT_EQUAL(r.srtt, 900 * MS);
	CU_ASSERT_EQUAL(r.rttvar, 450 * MS);
	CU_ASSERT_EQUAL(rtt_rto(&r), 2700 * MS);
	CU_ASSERT(rtt_rto(&r) > rtt_rto(&plain));
	CU_ASSERT_EQUAL(r.min, 100 * MS);
	/* once */
	rtt_sample_newer(&r, 900 * MS);
	CU_ASSERT_EQUAL(r.rttvar, 450 * MS - 450 * MS / 4);
}

static void
short_sample_after_a_spurious_timeout_lowers_nothing(void)
{
	struct rtt r;
	int64_t before;

	rtt_init(&r);
	rtt_sample(&r, 400 * MS);
	before = rtt_rto(&r);
	rtt_was_early(&r);
	rtt_sample_newer(&r, 10 * MS);
	CU_ASSERT_EQUAL(rtt_rto(&r), before);
	CU_ASSERT_EQUAL(r.min, 10 * MS);
}

TAP_MAIN(rtt, TAP_TEST(first_timeout_is_a_second), TAP_TEST(estimates_follow_the_formulas),
	 TAP_TEST(timeout_doubles_and_is_bounded), TAP_TEST(absurd_samples_are_bounded),
	 TAP_TEST(sample_after_a_spurious_timeout_counts_whole),
	 TAP_TEST(short_sample_after_a_spurious_timeout_lowers_nothing))
