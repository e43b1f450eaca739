/*
 * clock.c - TSC ticks scaled to microseconds.
 *
 * The scale continues CLOCK_MONOTONIC, so that times taken before and after
 * clock_init() compare.  It is written once, before the threads start.
 */
#include "datapath/clock.h"

#include <stdatomic.h>
#include <time.h>

#include <rte_cycles.h>

enum { USEC_PER_SEC = 1000 * 1000 };

static struct {
	uint64_t hz;	/* 0: not calibrated, the system's clock is read */
	uint64_t tsc;
	int64_t us;	/* CLOCK_MONOTONIC at `tsc` */
} epoch;

/* CLOCK_REALTIME less the scale: it moves when somebody sets the system's clock. */
static _Atomic int64_t to_unix;

/* The time of captures; below 0: it is the system's. */
static _Atomic int64_t replayed = -1;

static int64_t
system_us(clockid_t id)
{
	struct timespec ts;

	clock_gettime(id, &ts);
	return (int64_t)ts.tv_sec * USEC_PER_SEC + ts.tv_nsec / 1000;
}

void
clock_init(void)
{
	epoch.us = system_us(CLOCK_MONOTONIC);
	epoch.tsc = rte_rdtsc();
	epoch.hz = rte_get_tsc_hz();
	clock_follow();
}

usec_t
clock_now(void)
{
	int64_t capture = atomic_load_explicit(&replayed, memory_order_relaxed);
	uint64_t ticks;

	if (capture >= 0)
		return (usec_t){ capture };
	if (epoch.hz == 0)
		return (usec_t){ system_us(CLOCK_MONOTONIC) };
	ticks = rte_rdtsc() - epoch.tsc;
	/* whole seconds apart: ticks * 10^6 would overflow within two hours */
	return (usec_t){ epoch.us + (int64_t)(ticks / epoch.hz * USEC_PER_SEC +
					      ticks % epoch.hz * USEC_PER_SEC / epoch.hz) };
}

void
clock_follow(void)
{
	atomic_store_explicit(&to_unix, system_us(CLOCK_REALTIME) - clock_now().v,
			      memory_order_relaxed);
}

int64_t
clock_to_unix_us(usec_t t)
{
	if (atomic_load_explicit(&replayed, memory_order_relaxed) >= 0)
		return t.v;
	if (epoch.hz == 0)
		clock_follow();
	return t.v + atomic_load_explicit(&to_unix, memory_order_relaxed);
}

void
clock_replay(usec_t now)
{
	atomic_store_explicit(&replayed, now.v, memory_order_relaxed);
}
