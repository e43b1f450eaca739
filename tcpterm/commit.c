/*
 * Memory for what comes next, by another thread than the stack's.
 */
#include "tcpterm/core.h"

void
tcpterm_commit(struct tcpterm *s)
{
	struct slab *const other[] = { &s->more,    &s->pair_more, &s->sent,	  &s->pieces,
				       &s->watches, &s->takeovers, &s->track_more };
	unsigned i;

	for (i = 0; i < RTE_DIM(s->slabs); i++)
		slab_commit(&s->slabs[i]);
	for (i = 0; i < RTE_DIM(s->awake); i++)
		slab_commit(&s->awake[i]);
	for (i = 0; i < RTE_DIM(other); i++)
		slab_commit(other[i]);
	table_commit(s->table);
}
