/*
 * The gaps of one direction of a passive pair.
 */
#include "tcpterm/half_gap.h"

void
gap_count_again(struct tcpterm *s, struct half *h, int64_t off, int64_t end)
{
	int64_t late = off < 0 ? RTE_MIN(end, 0) - off : 0;
	uint32_t i;

	for (i = 0; i < RTE_MIN(h->n_gap, (uint32_t)HALF_RECENT_GAPS); i++) {
		int64_t from = RTE_MAX(off, h->gap[i].off), to = RTE_MIN(end, h->gap[i].end);

		if (from < to)
			late += to - from;
	}
	h->late_bytes += (uint64_t)late;
	s->stats.late_arrivals += (uint64_t)late;
	h->duplicates += (uint64_t)(end - off - late);
}

/* Does what is missing from h->next on belong to the gap before it? */
static bool
continues(const struct half *h, enum tcpterm_gap_reason why)
{
	const struct half_gap *g = gap_last(h);

	return g && g->end == h->next && h->told < h->next && h->gap_why == why;
}

void
gap_tell(struct tcpterm *s, struct flow *f, struct half *h)
{
	const struct tcpterm_passive_ops *ops = s->conf.ops->passive;
	int64_t at = h->told;

	if (at == h->next)
		return;
	h->told = h->next;
	if (ops && ops->gap)
		ops->gap(s->conf.ctx, f, h->dir, (uint64_t)(at - h->removed),
			 (uint64_t)(h->next - at), (enum tcpterm_gap_reason)h->gap_why);
}

void
gap_declare(struct tcpterm *s, struct flow *f, struct half *h, int64_t end,
	    enum tcpterm_gap_reason why)
{
	uint64_t len = (uint64_t)(end - h->next);

	h->gap_bytes += len;
	s->stats.gap_bytes += len;
	if (continues(h, why)) {
		h->gap[(h->n_gap - 1) % HALF_RECENT_GAPS].end = end;
	} else {
		gap_tell(s, f, h);
		h->gap[h->n_gap++ % HALF_RECENT_GAPS] = (struct half_gap){ h->next, end };
		h->gap_why = (uint8_t)why;
		h->n_gaps++;
		s->stats.gaps++;
	}
	h->next = end;
	while (h->n_urgent && h->urgent_at[0] < end)
		half_urgent_done(h);
}
