/*
 * burst.h - whose the packets of a burst are.
 *
 * Packets of one flow come in rows: what follows in a row is compared with the packet before, and
 * only the others are looked up, all at once, so that the table's lines are on their way together.
 * An earlier packet of the burst may make or end a later one's flow; then that one is looked up
 * again.  In the stack's thread.
 */
#ifndef TCPTERM_BURST_H
#define TCPTERM_BURST_H

#include "tcpterm/core.h"

enum { BURST = 32 };

struct found {
	struct flow *f;		/* NULL: there is none */
	enum flow_match how;
	uint32_t ref, generation;
};

struct burst {
	struct found at[BURST];
	bool with_last[BURST];	/* the flow of the packet before, in the same direction */
	uint32_t changes;	/* of the table, when they were looked up */
};

/* Looks up the flows of `n` packets, at most BURST. */
void burst_find(struct tcpterm *s, const struct pkt *p, unsigned n, struct burst *b);

/* One packet's, by itself. */
struct found burst_find_one(struct tcpterm *s, const struct pkt *p);

/* Has nothing ended it, or made it another, since it was found? */
static inline bool
found_is_alive(const struct tcpterm *s, const struct found *at)
{
	const struct slab *slab = &s->slabs[at->ref >> REF_SLAB_SHIFT];

	return at->f && slab_generation(slab, at->ref & REF_INDEX_MASK) == at->generation;
}

/* Packet i's flow, once those before it are done with. */
static inline const struct found *
burst_at(struct tcpterm *s, const struct pkt *p, unsigned i, struct burst *b)
{
	if (b->with_last[i])
		b->at[i] = b->at[i - 1];
	if (unlikely(b->changes != s->table_changes) && !found_is_alive(s, &b->at[i]))
		b->at[i] = burst_find_one(s, &p[i]);
	return &b->at[i];
}

#endif
