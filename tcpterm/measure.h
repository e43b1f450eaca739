/*
 * measure.h - what a connection is like as seen from between its ends: round trips of both
 * halves, the handshake's waits, what was repeated or late, how long bytes were in flight.
 *
 * Writes what of struct track_half is not numbers or manners, and struct track_trouble; stack's
 * thread.
 */
#ifndef TCPTERM_MEASURE_H
#define TCPTERM_MEASURE_H

#include "tcpterm/track.h"
#include "tcpterm/window.h"

enum {
	MEASURE_BUSY_LOG = 5,			/* busy time is counted in 32 us */
	MEASURE_WAIT_MOST = (1 << 27) - 1,	/* us, of a handshake */
};

/* `units` of busy time passed since the segment before. */
void measure_busy(struct tcpterm *s, struct track *t, int64_t units);

/* So many us in units of busy time, as far as 32 bits go. */
static inline uint32_t
measure_units(uint64_t us)
{
	return (uint32_t)RTE_MIN(us >> MEASURE_BUSY_LOG, (uint64_t)UINT32_MAX);
}

/* A segment of the flow came, and f.last is still that of the one before. */
static inline void
measure_time(struct tcpterm *s, struct track *t)
{
	int64_t units = (s->now.v >> MEASURE_BUSY_LOG) - (t->f.last.v >> MEASURE_BUSY_LOG);

	if (units != 0)
		measure_busy(s, t, units);
}

/* What a segment that fits said. */
void measure_segment(struct tcpterm *s, struct track *t, const struct pkt *p, unsigned dir,
		     const struct window_news *n);

/* The same of one that window_next() took. */
void measure_next(struct tcpterm *s, struct track *t, const struct pkt *p, unsigned dir);

/* One that does not, although both ends' numbers are known. */
void measure_outside(struct tcpterm *s, struct track *t, unsigned dir);

/* What a connection measured of its peer, and what it had to repeat to it, and how long: the
 * other end's. */
void measure_of_conn(struct track_past *past, unsigned end, const struct conn *c);

/* What of the past has a share in t->more; the halves are set. */
void measure_take_over(struct tcpterm *s, struct track *t, const struct track_past *past);

/* Fills in what is measured; the state and the numbers are the caller's. */
void measure_info(const struct track *t, unsigned d, struct tcpterm_leg_info *leg);

#endif
