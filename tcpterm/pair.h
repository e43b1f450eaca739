/*
 * pair.h - a passive pair: two half-streams (half.h) of one connection.
 *
 * Decides starts, which acknowledgement is evidence for the other half, RSTs
 * and ends, by the rules of half.h.  Never transmits: it has no handle to.
 */
#ifndef TCPTERM_PAIR_H
#define TCPTERM_PAIR_H

#include "tcpterm/core.h"

size_t pair_size(void);

/* Starts with this segment as the first; fresh from flow_create(). */
void pair_start(struct tcpterm *s, struct flow *f, const struct pkt *p,
		const struct tcpterm_verdict *v);

/* Takes p->m: holds it while its bytes wait, frees it after. */
void pair_input(struct tcpterm *s, struct flow *f, struct pkt *p, unsigned dir);

/* A segment of direction `dir` that had to be dropped; p->m is not looked at. */
void pair_missed(struct tcpterm *s, struct flow *f, const struct pkt *p, unsigned dir);

/*
 * The straight path: a segment in order, of a pair of which nothing is missing, doubted or ended.
 * False, and nothing was done: it is none.  The mbuf is taken, unless the frame goes on
 * (a flow on the path): then it is the caller's, and may be referred to here too.
 */
bool pair_next(struct tcpterm *s, struct flow *f, const struct pkt *p, unsigned dir);

void pair_timer(struct tcpterm *s, struct flow *f);
void pair_info(const struct flow *f, struct tcpterm_leg_info leg[2]);

/* Delivers or declares what is held, and holds nothing more; the flow is to become another's. */
void pair_release(struct tcpterm *s, struct flow *f);

/*
 * Is the flow of this segment to begin?  Where there is no room it may be none of the sample
 * (false, counted); else one ends for it: of some the one that lingers, else one that was not
 * answered, else the one that is quiet for longest.
 */
bool pair_admits(struct tcpterm *s, const struct pkt *p);

/* Delivers or declares what is held, says end, leaves the table. */
void pair_end(struct tcpterm *s, struct flow *f, enum tcpterm_end why);

#endif
