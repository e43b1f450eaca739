/*
 * measures.h - what the paths of flows that ended were like, added up for /metrics.
 *
 * A worker adds; any thread may read the sums, which are then a few flows old.
 */
#ifndef LEAT_VNF_MEASURES_H
#define LEAT_VNF_MEASURES_H

#include <stdio.h>

#include "db/record.h"

enum { MEASURE_BOUNDS = 14 };

/* How many values were at most each bound, and above the last. */
struct measure_dist {
	uint64_t n[MEASURE_BOUNDS + 1];
	uint64_t sum;
};

/* Of both ends, by enum record_side, but goodput: by enum record_direction. */
struct measures {
	struct measure_dist rtt[2], handshake[2];	/* us, of flows of which it was measured */
	struct measure_dist goodput[2];			/* bytes a second */
	uint64_t retransmits[2], retransmit_bytes[2], out_of_order[2], zero_windows[2],
		out_of_window[2];
};

void measures_add(struct measures *m, const struct flow_record *r);

/* Adds `more` to `sum`. */
void measures_sum(struct measures *sum, const struct measures *more);

/* In Prometheus' text format. */
void measures_print(const struct measures *m, FILE *f);

#endif
