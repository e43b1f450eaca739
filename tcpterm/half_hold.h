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

/* Lets go of what is compared no more: more than is kept, and all of it after a while. */
void half_trim_kept(struct tcpterm *s, struct half *h);

#endif
