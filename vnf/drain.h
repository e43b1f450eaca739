/*
 * drain.h - taking no more flows, until those that are here have ended.
 *
 * The control thread moves it on; workers read the phase, each segment of no flow and each BFD
 * frame anew.  While it drains, what begins is forwarded and not followed; BFD goes on, because
 * flows do.  Done, BFD says AdminDown, and the switch takes the way without Leat.
 */
#ifndef LEAT_VNF_DRAIN_H
#define LEAT_VNF_DRAIN_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "datapath/clock.h"

enum drain_phase {
	DRAIN_OFF,
	DRAIN_ON,
	DRAIN_DONE,	/* no flow is left, or the time given is over */
};

struct drain {
	atomic_int phase;	/* enum drain_phase */
	usec_t began;
	usec_t until;		/* USEC_NEVER: as long as it takes */
};

/* Any thread; NULL does not drain. */
static inline enum drain_phase
drain_phase(const struct drain *d)
{
	return d ? (enum drain_phase)atomic_load_explicit(&d->phase, memory_order_relaxed)
		 : DRAIN_OFF;
}

/* Begins, or begins again, for at most `limit_us`; 0: without a limit. */
void drain_begin(struct drain *d, int64_t limit_us, usec_t now);
void drain_end(struct drain *d);

/* Now and then: `n_flows` are left.  True when it has just come to its end. */
bool drain_run(struct drain *d, uint64_t n_flows, usec_t now);

const char *drain_phase_name(enum drain_phase p);

#endif
