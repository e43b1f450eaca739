/*
 * roles.h - which end of a flow that was met in its middle is the initiator: guessed first, then
 * known.
 *
 * Direction 0 is the initiator's in every part of a flow.  Where a guess turns out to be wrong the
 * flow is turned round as a whole (its key, headers, counters, halves), so that nobody else has to
 * know of it.  That can't be done while a burst's look-ups name its directions: what is
 * wrong is remembered, and mended between two bursts, or when the flow's end is told.  Stack's
 * thread.
 */
#ifndef TCPTERM_ROLES_H
#define TCPTERM_ROLES_H

#include "tcpterm/core.h"

/* Did the responder send the segment that is a flow's first?  Of a SYN or SYN-ACK it is certain;
 * else as the verdict says, or it is who has the lower port. */
bool roles_from_responder(const struct pkt *p, const struct tcpterm_verdict *v);

/* The roles of a fresh flow. */
void roles_begin(struct flow *f, const struct pkt *p, const struct tcpterm_verdict *v);

/* A SYN or SYN-ACK of this connection came by direction `dir`, later than it should. */
void roles_by_syn(struct tcpterm *s, struct flow *f, const struct pkt *p, unsigned dir);

/* Where the flow's roles are wrong, they will be mended: that of an object it has become, too. */
void roles_remember(struct tcpterm *s, const struct flow *f);

/* Turns the flow round: its roles are wrong. */
void roles_turn(struct tcpterm *s, struct flow *f);

static inline void
roles_mend(struct tcpterm *s, struct flow *f)
{
	if (unlikely(f->roles == TCPTERM_ROLES_WRONG))
		roles_turn(s, f);
}

#endif
