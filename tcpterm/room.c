/*
 * What there is room for in a stack.
 */
#include "tcpterm/core.h"
#include "tcpterm/half.h"

void
tcpterm_room(const struct tcpterm *s, enum tcpterm_kind kind, struct tcpterm_room *r)
{
	const struct slab *v4 = &s->slabs[flow_slab(kind, false)], *v6 = v4 + 1;
	const struct timewaits *t = &s->timewaits;

	if (kind == TCPTERM_KIND_TIMEWAIT) {
		*r = (struct tcpterm_room){ .n_max = t->n_max,
					    .n_peak = t->n_peak,
					    .size = TIMEWAIT_BYTES };
		return;
	}
	/* free places are taken before untouched ones, so that is as many as there ever were */
	*r = (struct tcpterm_room){ .n_max = v4->n_max,
				    .n_peak = RTE_MIN(v4->n_touched + v6->n_touched, v4->n_max),
				    .size = (uint32_t)(v6->n_touched ? v6->size : v4->size) };
}

void
tcpterm_bounds(const struct tcpterm *s, struct tcpterm_bounds *b)
{
	*b = (struct tcpterm_bounds){ .n_held = s->conf.n_held_max,
				      .n_deferred = s->conf.n_deferred,
				      .half_bytes = half_bytes_max(s),
				      .half_segments = half_segments_max(s),
				      .compare_bytes = s->conf.passive.compare_bytes,
				      .compare_us = s->conf.passive.compare_us,
				      .reorder_us = half_allowance(s),
				      .deadline_us = half_deadline(s),
				      .sample = s->conf.passive.sample };
}
