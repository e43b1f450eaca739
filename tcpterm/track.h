/*
 * track.h - a connection that is forwarded unchanged and followed.
 *
 * State of both ends, windows, RTT of both halves, retransmissions, from the
 * segments alone.  Also the light kinds that are only counted: pass and drop.
 */
#ifndef TCPTERM_TRACK_H
#define TCPTERM_TRACK_H

#include "tcpterm/core.h"

/* Size of the object, for its slab. */
size_t track_size(void);

/* Starts following with this segment as the first (SYN, SYN-ACK or mid-stream); the
 * flow is fresh from flow_create(). Does not take the mbuf. */
void track_start(struct tcpterm *s, struct flow *f, const struct pkt *p,
		 const struct tcpterm_verdict *v);

/* Takes p->m: follows, then forwards it. `dir` by flow_match. */
void track_input(struct tcpterm *s, struct flow *f, struct pkt *p, unsigned dir);

void track_timer(struct tcpterm *s, struct flow *f);
void track_info(const struct flow *f, struct tcpterm_leg_info leg[2]);

/* Leaves the table; `why` is what flow_end says. */
void track_end(struct tcpterm *s, struct flow *f, enum tcpterm_end why);

#endif
