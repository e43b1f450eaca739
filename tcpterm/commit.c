/*
 * Memory for what comes next, by another thread than the stack's.
 */
#include "tcpterm/core.h"
#include "tcpterm/intern.h"
#include "tcpterm/track.h"

/* Its places are come to as those of tracked flows are. */
static void
commit_timings(struct tcpterm *s)
{
	uint32_t n = 0;

	for (unsigned v6 = 0; v6 < 2; v6++)
		n = RTE_MAX(n, slab_n_touched(&s->slabs[flow_slab(TCPTERM_KIND_TRACK, v6)]));
	s->timings.n_touched = RTE_MIN(n, (uint32_t)TRACK_TIMINGS);
	slab_commit(&s->timings);
}

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
	for (i = 0; i < RTE_DIM(s->ways); i++)
		intern_commit(s->ways[i]);
	commit_timings(s);
	table_commit(s->table);
	listeners_commit(s->listeners);
	vlan_stacks_commit(s->vlans);
	l2_headers_commit(s->l2s);
	area_commit(&s->flood.filter);
}
