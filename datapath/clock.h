/*
 * clock.h - time as the data path sees it.
 *
 * Microseconds on a monotonic scale whose zero means nothing.  A worker reads
 * the clock once a burst and hands `now` on; tcpterm never reads it, so that
 * the same code runs under virtual time.
 */
#ifndef LEAT_DATAPATH_CLOCK_H
#define LEAT_DATAPATH_CLOCK_H

#include <stdbool.h>
#include <stdint.h>

typedef struct {
	int64_t v;
} usec_t;

#define USEC_NEVER ((usec_t){ INT64_MAX })

static inline usec_t
usec_add(usec_t t, int64_t us)
{
	return (usec_t){ t.v + us };
}

/* a - b, in microseconds */
static inline int64_t
usec_diff(usec_t a, usec_t b)
{
	return a.v - b.v;
}

static inline bool
usec_before(usec_t a, usec_t b)
{
	return a.v < b.v;
}

static inline usec_t
usec_min(usec_t a, usec_t b)
{
	return a.v < b.v ? a : b;
}

/* The monotonic clock, from the TSC once clock_init() has calibrated it. */
void clock_init(void);
usec_t clock_now(void);

/*
 * Microseconds since the Unix epoch that correspond to `t` of clock_now(): no clock is read, so a
 * worker may ask.  clock_follow(), which a thread that may wait calls every second or so, keeps it
 * at what the system's clock was last set to.
 */
void clock_follow(void);
int64_t clock_to_unix_us(usec_t t);

/*
 * From now on clock_now() is what this says, and counts from 1970: captures are read, and no clock
 * is.  The thread that reads them.
 */
void clock_replay(usec_t now);

#endif
