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

enum { MEASURE_BUSY_LOG = 5 };	/* busy time is counted in 32 us */

/* A segment of the flow came, and f.last is still that of the one before. */
void measure_time(struct tcpterm *s, struct track *t);

/* What a segment that fits said. */
void measure_segment(struct tcpterm *s, struct track *t, const struct pkt *p, unsigned dir,
		     const struct window_news *n);

/* One that does not, although both ends' numbers are known. */
void measure_outside(struct tcpterm *s, struct track *t, unsigned dir);

/* What a connection measured of its peer, and what it had to repeat to it: the other end's. */
void measure_of_conn(struct track_past *past, unsigned end, const struct conn *c);

/* Fills in what is measured; the state and the numbers are the caller's. */
void measure_info(const struct track *t, unsigned d, struct tcpterm_leg_info *leg);

#endif
