/*
 * pace.h - segments spread over the round trip, where tuning.pace asks for it.
 *
 * The rate is twice cwnd / srtt in slow start, 1.2 times in congestion avoidance, so that pacing
 * never is what limits the window.  Only pace.c writes struct pace.  Off, it costs one test.
 */
#ifndef TCPTERM_PACE_H
#define TCPTERM_PACE_H

#include <stdbool.h>
#include <stdint.h>

#include "datapath/clock.h"

struct conn;

struct pace {
	int64_t next_ns;	/* the next segment leaves not before */
	bool waiting;		/* something would leave if it might */
};

/* May a data segment leave now?  If not, pace_at() says when. */
bool pace_ready(struct conn *c);

/* A data segment with `len` bytes left. */
void pace_sent(struct conn *c, uint32_t len);

/* When the connection is to be asked again; USEC_NEVER: nothing waits for pacing. */
usec_t pace_at(const struct conn *c);

/* Its time came. */
void pace_timer(struct conn *c);

#endif
