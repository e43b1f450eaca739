/*
 * The timer wheel against a list that is searched whole.
 */
#include "tcpterm/table.h"
#include "tcpterm/timer.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/unit/tap.h"

enum { N = 200, STEPS = 20000, TICK = TIMER_TICK_US };

#define FAR (19LL * 3600 * 1000 * 1000)

static struct timer_wheel wheel;
static struct slab slabs[N_FLOW_SLABS];
static struct flow *timers[N];
static int64_t model[N];		/* the deadline, or -1 */
static int64_t model_ran;		/* `now` of the run before: later arms fire after it */
static int64_t now;
static bool fired[N];
static bool wrong;
static uint64_t rng;

static uint64_t
rnd(uint64_t n)
{
	rng ^= rng << 13;
	rng ^= rng >> 7;
	rng ^= rng << 17;
	return rng % n;
}

static void
fire(void *ctx, struct flow *t)
{
	unsigned i = (unsigned)t->cookie;

	(void)ctx;
	if (model[i] < 0 || fired[i] || model[i] > now)
		wrong = true;
	fired[i] = true;
}

/* A span that reaches every level and beyond the top one. */
static int64_t
span(void)
{
	return (int64_t)rnd(1ull << (3 + rnd(43)));
}

static int64_t
ceil_tick(int64_t v)
{
	return (v + TICK - 1) / TICK * TICK;
}

/* What is far ahead is rounded up, and not by much. */
static void
rounded_up(unsigned i)
{
	int64_t at = timer_deadline(&wheel, timers[i]).v;

	if (at < model[i] || at > model[i] + (1 << 10) * TICK)
		wrong = true;
	model[i] = at;
}

static void
step(void)
{
	unsigned i = (unsigned)rnd(N);
	int64_t first = INT64_MAX;

	switch (rnd(4)) {
	case 0:
		timer_cancel(&wheel, timers[i]);
		model[i] = -1;
		return;
	case 1:
	case 2:
		model[i] = now + span() - (int64_t)rnd(5000);
		if (model[i] < 0)
			model[i] = 0;
		timer_arm(&wheel, timers[i], (usec_t){ model[i] });
		if (model[i] - now >= FAR)
			rounded_up(i);
		return;
	}
	for (i = 0; i < N; i++)
		if (model[i] >= 0 && model[i] < first)
			first = model[i];
	if (first == INT64_MAX ? timer_next(&wheel).v != INT64_MAX
			       : timer_next(&wheel).v > ceil_tick(first) &&
					 timer_next(&wheel).v > model_ran / TICK * TICK + TICK)
		wrong = true;
	now += rnd(3) ? (int64_t)rnd(20000) : span();
	memset(fired, 0, sizeof fired);
	timer_run(&wheel, (usec_t){ now }, fire, NULL);
	for (i = 0; i < N; i++) {
		/* Due: its tick has come, and a tick has passed since the last run. */
		if (model[i] >= 0 && ceil_tick(model[i]) <= now && now / TICK > model_ran / TICK &&
		    !fired[i])
			wrong = true;
		if (fired[i] && ceil_tick(model[i]) > now)
			wrong = true;
		if (fired[i])
			model[i] = -1;
		if ((model[i] >= 0) != timer_armed(timers[i]))
			wrong = true;
	}
	model_ran = now;
}

static void
entries(void)
{
	enum { SLAB = 2 * TCPTERM_KIND_TRACK };
	uint32_t slot;

	slab_fini(&slabs[SLAB]);
	slab_init(&slabs[SLAB], sizeof(struct flow), N);
	for (unsigned i = 0; i < N; i++) {
		timers[i] = slab_alloc(&slabs[SLAB], &slot);
		timers[i]->ref = ref_make(SLAB, slot);
		timers[i]->cookie = i;
		model[i] = -1;
	}
}

static void
wheel_fires_what_a_list_would(void)
{
	uint64_t seed;
	unsigned i;

	for (seed = 1; seed <= 10; seed++) {
		rng = seed * 0x9e3779b97f4a7c15u;
		now = (int64_t)rnd(1ull << 40);
		model_ran = now - TICK;
		entries();
		timer_wheel_init(&wheel, slabs, (usec_t){ now });
		wrong = false;
		for (i = 0; i < STEPS && !wrong; i++)
			step();
		if (wrong)
			printf("# seed %llu, step %u\n", (unsigned long long)seed, i);
		CU_ASSERT_FALSE(wrong);
	}
}

TAP_MAIN(timer, TAP_TEST(wheel_fires_what_a_list_would))
