/*
 * The timer wheel's promises, one by one.
 */
#include "tcpterm/table.h"
#include "tcpterm/timer.h"

#include <string.h>
#include <time.h>

#include "tests/unit/tap.h"

enum { TICK = TIMER_TICK_US };

static struct timer_wheel wheel;
static struct slab slabs[N_FLOW_SLABS];

enum { SLAB = 2 * TCPTERM_KIND_TRACK };

static void
start(usec_t now)
{
	slab_fini(&slabs[SLAB]);
	slab_init(&slabs[SLAB], sizeof(struct flow), 64);
	timer_wheel_init(&wheel, slabs, now);
}

static struct flow *
entry(void)
{
	uint32_t i;
	struct flow *f = slab_alloc(&slabs[SLAB], &i);

	f->ref = ref_make(SLAB, i);
	return f;
}

struct log {
	struct flow *fired[64];
	unsigned n;
};

static void
note(void *ctx, struct flow *t)
{
	struct log *l = ctx;

	l->fired[l->n++ % 64] = t;
}

static usec_t
us(int64_t v)
{
	return (usec_t){ v };
}

static void
entry_fires_at_the_first_tick_not_before_its_deadline(void)
{
	struct flow *t;
	struct log l = { 0 };

	start(us(5 * TICK));
	t = entry();
	timer_arm(&wheel, t, us(7 * TICK + 1));
	CU_ASSERT_EQUAL(timer_run(&wheel, us(7 * TICK + 1), note, &l), 0);
	CU_ASSERT_EQUAL(timer_run(&wheel, us(8 * TICK - 1), note, &l), 0);
	CU_ASSERT_EQUAL(timer_next(&wheel).v, 8 * TICK);
	CU_ASSERT_EQUAL(timer_run(&wheel, us(8 * TICK), note, &l), 1);
	CU_ASSERT_FALSE(timer_armed(t));
	CU_ASSERT_EQUAL(timer_next(&wheel).v, USEC_NEVER.v);
}

static void
deadline_in_the_past_fires_at_the_next_run(void)
{
	struct flow *t;
	struct log l = { 0 };

	start(us(1000000));
	t = entry();
	timer_arm(&wheel, t, us(3));
	CU_ASSERT_EQUAL(timer_run(&wheel, us(1000000), note, &l), 1);
	timer_arm(&wheel, t, us(3));
	CU_ASSERT_EQUAL(timer_run(&wheel, us(1001000), note, &l), 1);
}

static void
arming_again_moves(void)
{
	struct flow *t;
	struct log l = { 0 };

	start(us(0));
	t = entry();
	timer_arm(&wheel, t, us(5 * TICK));
	timer_arm(&wheel, t, us(500 * TICK));
	CU_ASSERT_EQUAL(wheel.n_armed, 1);
	CU_ASSERT_EQUAL(timer_run(&wheel, us(499 * TICK), note, &l), 0);
	timer_arm(&wheel, t, us(500 * TICK + TICK / 2));
	CU_ASSERT_EQUAL(timer_run(&wheel, us(501 * TICK), note, &l), 1);
	timer_arm(&wheel, t, us(600000));
	timer_arm(&wheel, t, USEC_NEVER);
	CU_ASSERT_FALSE(timer_armed(t));
}

static void
deadline_beyond_the_span_still_fires_in_time(void)
{
	const int64_t far = 25ll * 86400 * 1000000;	/* the wheel spans three days */
	const int64_t rounding = 65536;
	struct flow *t;
	struct log l = { 0 };
	usec_t now = us(0);
	unsigned looks = 0;

	start(now);
	t = entry();
	timer_arm(&wheel, t, us(far));
	while (timer_armed(t)) {
		now = timer_next(&wheel);
		CU_ASSERT_TRUE_FATAL(now.v <= far + rounding && looks++ < 100);
		timer_run(&wheel, now, note, &l);
	}
	CU_ASSERT_TRUE(now.v >= far);
}

/* Pacing asks for it: hundreds of segments a millisecond. */
static void
ticks_are_short_enough_to_pace_by(void)
{
	struct flow *t;
	struct log l = { 0 };

	CU_ASSERT_TRUE(TICK >= 50 && TICK <= 100);
	start(us(0));
	t = entry();
	for (int64_t at = 1000; at < 40000; at += 130) {
		timer_arm(&wheel, t, us(at));
		CU_ASSERT_EQUAL(timer_run(&wheel, us(at - 1), note, &l), 0);
		CU_ASSERT_TRUE(timer_next(&wheel).v - at < TICK);
		CU_ASSERT_EQUAL(timer_run(&wheel, us(at + TICK), note, &l), 1);
	}
}

static void
jump_of_a_year_costs_entries_not_ticks(void)
{
	struct flow *t[8];
	struct log l = { 0 };
	struct timespec a, b;
	unsigned i;

	start(us(0));
	for (i = 0; i < 8; i++) {
		t[i] = entry();
		timer_arm(&wheel, t[i], us((int64_t)1000000 << (3 * i)));
	}
	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &a);
	CU_ASSERT_EQUAL(timer_run(&wheel, us(365ll * 86400 * 1000000), note, &l), 8);
	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &b);
	for (i = 0; i < 8; i++)
		CU_ASSERT_PTR_EQUAL(l.fired[i], t[i]);
	/* 5 * 10^11 ticks one by one would take minutes. */
	CU_ASSERT_TRUE((b.tv_sec - a.tv_sec) * 1000 + (b.tv_nsec - a.tv_nsec) / 1000000 < 500);
}

static struct flow *again_timer, *victim;
static unsigned n_again;

static void
again(void *ctx, struct flow *t)
{
	usec_t *now = ctx;

	if (t == again_timer) {
		n_again++;
		timer_arm(&wheel, t, usec_add(*now, -1000));
		timer_cancel(&wheel, victim);
	} else {
		n_again += 1000;
	}
}

static void
callback_may_arm_itself_and_cancel_others_that_are_due(void)
{
	usec_t now = us(50000000);

	n_again = 0;
	start(us(0));
	again_timer = entry();
	victim = entry();
	timer_arm(&wheel, again_timer, us(10000));
	timer_arm(&wheel, victim, us(20000));
	/* What it arms for the past waits for the next run: no endless loop. */
	CU_ASSERT_EQUAL(timer_run(&wheel, now, again, &now), 1);
	CU_ASSERT_EQUAL(n_again, 1);
	CU_ASSERT_FALSE(timer_armed(victim));
	CU_ASSERT_TRUE(timer_armed(again_timer));
	CU_ASSERT_EQUAL(wheel.n_armed, 1);
	now = usec_add(now, 1000);
	CU_ASSERT_EQUAL(timer_run(&wheel, now, again, &now), 1);
}

TAP_MAIN(timer, TAP_TEST(entry_fires_at_the_first_tick_not_before_its_deadline),
	 TAP_TEST(deadline_in_the_past_fires_at_the_next_run), TAP_TEST(arming_again_moves),
	 TAP_TEST(deadline_beyond_the_span_still_fires_in_time),
	 TAP_TEST(ticks_are_short_enough_to_pace_by),
	 TAP_TEST(jump_of_a_year_costs_entries_not_ticks),
	 TAP_TEST(callback_may_arm_itself_and_cancel_others_that_are_due))
