/*
 * half_hold.h - what a half does with bytes it can't deliver yet: holds them, once.
 *
 * Where segments overlap, the half's policy (enum tcpterm_overlap) says whose bytes stay.
 * Private to half.c and half_hold.c.
 */
#ifndef TCPTERM_HALF_HOLD_H
#define TCPTERM_HALF_HOLD_H

#include "tcpterm/half.h"

/* What is below has been taken by the other end: nothing replaces it. */
static inline int64_t
half_settled(const struct half *h)
{
	return RTE_MAX(h->acked, h->taken);
}

/* Takes those bytes of `came` that its policy wants, and the mbuf. */
void half_hold(struct tcpterm *s, struct flow *f, struct half *h, struct piece *came);

/* Takes a piece out of the held ones. */
void half_unhold(struct half *h, struct piece *p);

/* The first `n` bytes of the first held piece as a piece apart; NULL: no memory. */
struct piece *half_split_first(struct tcpterm *s, struct half *h, uint32_t n);

/* Keeps what was delivered, to compare what comes again with it. */
void half_keep(struct tcpterm *s, struct half *h, struct piece *p);

/* Does the first that is kept stay?  Not for long, and not where there are more than may be. */
static inline bool
half_keeps(const struct tcpterm *s, const struct half *h, const struct piece *p)
{
	const struct tcpterm_passive_conf *c = &s->conf.passive;

	if (p->came + c->compare_us <= s->now.v)
		return false;
	if (p->off + p->len <= h->acked)
		return h->kept.n <= HALF_KEPT_ACKED && s->stats.n_held <= s->conf.n_held_max / 4;
	return h->kept.n <= c->compare_bytes / HALF_COMPARE_SEGMENT &&
	       h->kept.bytes <= c->compare_bytes && s->stats.n_held <= s->conf.n_held_max / 2;
}

/* Lets go of what is compared no more. */
void half_let_go(struct tcpterm *s, struct half *h);

static inline void
half_trim_kept(struct tcpterm *s, struct half *h)
{
	if (h->kept.first && !half_keeps(s, h, h->kept.first))
		half_let_go(s, h);
}

#endif
