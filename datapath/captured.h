/*
 * captured.h - what a capture says of a frame besides its bytes: when it was taken, and how many
 * bytes at its end were not.
 *
 * Both are in the mbuf itself, in dynamic fields, and go where it goes.  Any thread, once
 * captured_init() has been called by the main thread.
 */
#ifndef LEAT_DATAPATH_CAPTURED_H
#define LEAT_DATAPATH_CAPTURED_H

#include <stdbool.h>
#include <stdint.h>

#include <rte_mbuf.h>

#include "datapath/clock.h"

/* Registers the fields; any number of calls.  0, or a negative errno. */
int captured_init(void);

/* The time is that of DPDK's own field, which its pcap device fills too: us since 1970. */
void captured_mark(struct rte_mbuf *m, usec_t at, uint32_t cut);

/* False, and `t` is left alone, where it is not known. */
bool captured_at(const struct rte_mbuf *m, usec_t *t);

/*
 * Time that does not go back: where a capture's clock jumps back by less than a second it stands
 * still, where it jumps back further time goes on from where it was.  All zeros at first.
 */
struct captured_clock {
	int64_t latest, shift;	/* us: the latest time taken; added to the capture's */
	uint64_t jumps;		/* of a second and more */
};

/* When a frame was taken, on that scale; the second call for one frame gives the same. */
usec_t captured_forward(struct captured_clock *c, int64_t us);

/* The frame is taken: it was the latest. */
static inline void
captured_take(struct captured_clock *c, usec_t at)
{
	c->latest = at.v;
}

/* Bytes that the frame had on the wire behind those that are here; 0: it is whole. */
uint32_t captured_cut(const struct rte_mbuf *m);

#endif
