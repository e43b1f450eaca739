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
#include <rte_mbuf_dyn.h>

#include "datapath/clock.h"

/* Where they are, once they are registered; flags are 0 before. */
struct captured_fields {
	int time, cut;			/* offsets in an mbuf */
	uint64_t has_time, has_cut;	/* flags of an mbuf where they are filled */
};
extern struct captured_fields captured_fields;

/* Registers the fields; any number of calls.  0, or a negative errno. */
int captured_init(void);

/* The time is that of DPDK's own field, which its pcap device fills too: us since 1970. */
static inline void
captured_mark(struct rte_mbuf *m, usec_t at, uint32_t cut)
{
	const struct captured_fields *f = &captured_fields;

	*RTE_MBUF_DYNFIELD(m, f->time, rte_mbuf_timestamp_t *) = (rte_mbuf_timestamp_t)at.v;
	m->ol_flags |= f->has_time;
	if (cut == 0)
		return;
	*RTE_MBUF_DYNFIELD(m, f->cut, uint32_t *) = cut;
	m->ol_flags |= f->has_cut;
}

/* False, and `t` is left alone, where it is not known. */
static inline bool
captured_at(const struct rte_mbuf *m, usec_t *t)
{
	const struct captured_fields *f = &captured_fields;

	if (!(m->ol_flags & f->has_time))
		return false;
	t->v = (int64_t)*RTE_MBUF_DYNFIELD(m, f->time, rte_mbuf_timestamp_t *);
	return true;
}

/* Bytes that the frame had on the wire behind those that are here; 0: it is whole. */
static inline uint32_t
captured_cut(const struct rte_mbuf *m)
{
	const struct captured_fields *f = &captured_fields;

	return m->ol_flags & f->has_cut ? *RTE_MBUF_DYNFIELD(m, f->cut, uint32_t *) : 0;
}

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

#endif
