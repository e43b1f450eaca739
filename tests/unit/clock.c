#include <stdlib.h>
#include <time.h>

#include "datapath/clock.h"
#include "tests/unit/eal.h"
#include "tests/unit/tap.h"

static int64_t
unix_us(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_REALTIME, &ts);
	return (int64_t)ts.tv_sec * 1000000 + ts.tv_nsec / 1000;
}

static void
unix_time_is_right_before_and_after_calibration(void)
{
	enum { SECOND = 1000000 };

	CU_ASSERT(llabs(clock_to_unix_us(clock_now()) - unix_us()) < SECOND);
	CU_ASSERT_EQUAL_FATAL(test_eal_init(), 0);
	clock_init();
	CU_ASSERT(llabs(clock_to_unix_us(clock_now()) - unix_us()) < SECOND);
	clock_follow();
	CU_ASSERT(llabs(clock_to_unix_us(clock_now()) - unix_us()) < SECOND);
}

static void
durations_are_the_same_on_both_scales(void)
{
	usec_t t = clock_now();

	CU_ASSERT_EQUAL(clock_to_unix_us(usec_add(t, 12345)) - clock_to_unix_us(t), 12345);
}

static void
time_does_not_go_back(void)
{
	usec_t before = clock_now();

	for (unsigned i = 0; i < 1000; i++) {
		usec_t now = clock_now();

		CU_ASSERT_FALSE(usec_before(now, before));
		before = now;
	}
}

TAP_MAIN(clock, TAP_TEST(unix_time_is_right_before_and_after_calibration),
	 TAP_TEST(durations_are_the_same_on_both_scales), TAP_TEST(time_does_not_go_back))
