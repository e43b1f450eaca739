/*
 * half_gap.h - what is missing of a half, and why.
 *
 * What follows a gap without a byte between is part of it, however long after: so a gap is told
 * when its end is known, by the next byte or the direction's end.  It is counted at once.
 * Private to half.c and half_gap.c.
 */
#ifndef TCPTERM_HALF_GAP_H
#define TCPTERM_HALF_GAP_H

#include "tcpterm/half.h"

/* [h->next, end) is missing for good; h->next moves there. */
void gap_declare(struct tcpterm *s, struct flow *f, struct half *h, int64_t end,
		 enum tcpterm_gap_reason why);

/* Tells the gap that ends at h->next, if it was not told. */
void gap_tell(struct tcpterm *s, struct flow *f, struct half *h);

/* Bytes [off, end) came again, or too late. */
void gap_count_again(struct tcpterm *s, struct half *h, int64_t off, int64_t end);

/* The gap declared last; NULL. */
static inline const struct half_gap *
gap_last(const struct half *h)
{
	return h->n_gap ? &h->gap[(h->n_gap - 1) % HALF_RECENT_GAPS] : NULL;
}

#endif
