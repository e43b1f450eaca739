/*
 * flood.h - handshakes leave no room (RFC 4987): when that is so, and what a SYN meets then.
 *
 * Handshakes that are forwarded (embryos) and those that are answered here (SYN-RECEIVED) are
 * counted together.  At three quarters of conf.n_embryos the stack is pressed, until half of it is
 * free; and while it is, an embryo whose client says nothing for 5 s goes, so that the pressure
 * ends soon after the flood.  Memory is fixed: embryos have their slab, SYN-RECEIVED ends at the
 * limit, and what is remembered of refused SYNs is a filter of 8 MB, touched by the first.
 *
 * Belongs to a stack and its thread; only flood.c writes struct flood.
 */
#ifndef TCPTERM_FLOOD_H
#define TCPTERM_FLOOD_H

#include <sys/queue.h>

#include <tcpterm/listener.h>

#include "tcpterm/area.h"

struct conn;
struct embryo;
TAILQ_HEAD(embryo_queue, embryo);

struct flood {
	bool pressed, ever;		/* now; at least once */
	uint32_t n_syn_received;	/* connections of the library's in that state */
	usec_t pressed_at;		/* the latest that it was seen to be */
	struct embryo_queue embryos;	/* first those whose client was silent longest */
	struct area filter;		/* of refused SYNs */
};

/* 0, -ENOMEM. */
int flood_init(struct tcpterm *s);
void flood_fini(struct tcpterm *s);

/* Is there no room for another handshake?  Asked once for each SYN. */
bool flood_pressed(struct tcpterm *s);

/* May the SYN of a sequence-preserving flow have an embryo?  If not, what `flood` says was done,
 * and p->m is taken. */
bool flood_admits(struct tcpterm *s, struct pkt *p, const struct tcpterm_verdict *v);

/* A SYN-ACK of a handshake that found no room, or lost it: it goes on without a flow, too. */
bool flood_passes(const struct tcpterm *s, const struct pkt *p, const struct tcpterm_verdict *v);

/* Ends embryos that waited for too long, a bounded number in a turn; when there is more to end. */
void flood_run(struct tcpterm *s);
usec_t flood_next(const struct tcpterm *s);

/* An embryo came, its client says something, or it goes. */
void flood_remember(struct tcpterm *s, struct embryo *e);
void flood_heard(struct tcpterm *s, struct embryo *e);
void flood_forget(struct tcpterm *s, struct embryo *e);

/* A connection enters (+1) or leaves (-1) SYN-RECEIVED. */
void flood_syn_received(struct tcpterm *s, int n);

#endif
