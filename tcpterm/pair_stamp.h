/*
 * pair_stamp.h - what the ends of a passive pair refuse for its timestamp (PAWS, RFC 7323 5).
 *
 * A receiver drops a segment whose TSval is older than its TS.Recent, which it tells: the TSecr of
 * what it sends is that (RFC 7323 4.3).  So nothing is reckoned here of which segment moved it.
 * But a tap may show segments in another order than the receiver got them.  So an old one is only
 * doubted: what its receiver has acknowledged, and nothing else brought, it had from this one.
 * Private to pair.c.
 */
#ifndef TCPTERM_PAIR_STAMP_H
#define TCPTERM_PAIR_STAMP_H

#include "tcpterm/pair_start.h"

/* A connection as quiet as this has forgotten what it saw last (RFC 7323 5.5). */
#define PAIR_STAMPS_US (24ll * 24 * 3600 * 1000000)

/* The timestamps of a segment; `any`: it has them. */
struct pair_stamp {
	uint32_t val, ecr;
	bool any;
};

/* Reads those of `p`, whose mbuf is there yet. */
struct pair_stamp pair_stamp_read(const struct pkt *p);

/* Both ends' clocks are unknown again. */
void pair_stamps_forget(struct pair *x);

/* Is this segment of `d`, of which `off` is the first byte, older than what its receiver saw, and
 * not known to have been taken by it? */
bool pair_stamp_is_old(const struct pair *x, const struct pkt *p, const struct pair_stamp *t,
		       unsigned d, int64_t off);

/* Learns from a segment of `d` with an ACK, which its receiver accepts. */
void pair_stamp_learn(struct pair *x, const struct pair_stamp *t, unsigned d);

/* Both for the straight path: false, and nothing was learned: it is old. */
bool pair_stamp_next(struct pair *x, const struct pkt *p, unsigned d);

/* Counts one that nobody took. */
void pair_stamp_refused(struct tcpterm *s, struct pair_side *e);

#endif
