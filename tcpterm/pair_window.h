/*
 * pair_window.h - which bytes the ends of a passive pair could accept, and what is kept of those
 * that they could not.
 *
 * A tap may miss the ACKs that moved a window.  So what seems to be beyond it waits a while, and is
 * taken as soon as the other end is seen to have moved on.  Private to pair.c.
 */
#ifndef TCPTERM_PAIR_WINDOW_H
#define TCPTERM_PAIR_WINDOW_H

#include "tcpterm/pair_start.h"

enum { PAIR_STRAYS = 64 };	/* segments that wait, of a direction */

/* The shift of the windows that side `d` offers: 14 where its SYN was not seen. */
static inline unsigned
pair_shift(const struct pair *x, unsigned d)
{
	if (x->end[0].shift == SHIFT_NONE || x->end[1].shift == SHIFT_NONE)
		return 0;
	return x->end[d].shift == SHIFT_UNKNOWN ? 14 : x->end[d].shift;
}

/* Does the window that the other end offered, and one more like it, reach to `end` of side `d`? */
static inline bool
pair_window_reaches(const struct pair *x, unsigned d, int64_t end)
{
	const struct half *h = &x->end[d].h;

	return end <= h->edge + h->window_max + 1 || h->edge < 0 || pair_shift(x, !d) == 14;
}

/* Could the other end take bytes of `d` up to `end`?  One window beyond the edge is allowed. */
bool pair_in_window(const struct pair *x, unsigned d, int64_t off, int64_t end);

/* A segment of `d` beyond that, at `off`; takes the mbuf.  `is_old`: it is to be doubted, too. */
void pair_stray(struct tcpterm *s, struct pair *x, const struct pkt *p, unsigned d, int64_t off,
		bool is_old);

/* A segment of `d` that its receiver refuses for its timestamp, as it seems; takes the mbuf. */
void pair_doubt(struct tcpterm *s, struct pair *x, const struct pkt *p, unsigned d, int64_t off);

/*
 * Do both ends go on where nothing that was seen leads to, as `p` of side `d` says?  The tap was
 * blind for 2 GB or more: how much it missed its numbers, of 32 bits, do not tell.
 */
bool pair_is_elsewhere(const struct pair *x, const struct pkt *p, unsigned d);

/* An ACK up to `off`, beyond all that was taken: was it seen, as a stray? */
bool pair_stray_acked(struct pair *x, unsigned d, int64_t off);

/*
 * The window of `d` has moved: takes what fits into it now.  Of what is doubted, what the other end
 * has and nothing else brought: one reordering allowance after it said so, or `now`.
 */
void pair_stray_admit(struct tcpterm *s, struct pair *x, unsigned d, bool now);

/* Takes those that are due, forgets them when they have waited long; returns when it wants to
 * be called again, us. */
int64_t pair_stray_check(struct tcpterm *s, struct pair *x, unsigned d);

void pair_stray_forget(struct tcpterm *s, struct pair_side *e);

#endif
