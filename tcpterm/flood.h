/*
 * flood.h - handshakes leave no room (RFC 4987): when that is so, and what a SYN meets then.
 *
 * Handshakes that are forwarded (embryos) and those that are answered here (SYN-RECEIVED) are
 * counted together.  At three quarters of conf.n_embryos the stack is pressed, until half of it is
 * free.  Memory is fixed: embryos have their slab, SYN-RECEIVED ends at the limit, and what is
 * remembered of refused SYNs is a filter of 2 MB, touched by the first.
 *
 * Belongs to a stack and its thread; only flood.c writes struct flood.
 */
#ifndef TCPTERM_FLOOD_H
#define TCPTERM_FLOOD_H

#include <sys/queue.h>

#include <tcpterm/listener.h>

#include "tcpterm/slab.h"

struct conn;
struct embryo;
TAILQ_HEAD(embryo_queue, embryo);

struct flood {
	bool pressed;
	uint8_t half;			/* of the filter: where SYNs of now are remembered */
	uint32_t n_syn_received;	/* connections of the library's in that state */
	usec_t turned_at;		/* when the halves changed places */
	struct embryo_queue embryos;	/* the oldest first */
	struct slab filter;		/* two objects: the halves */
};

/* 0, -ENOMEM. */
int flood_init(struct tcpterm *s);
void flood_fini(struct tcpterm *s);

/* Is there no room for another handshake?  Asked once for each SYN. */
bool flood_pressed(struct tcpterm *s);

/* May the SYN of a sequence-preserving flow have an embryo?  If not, what `flood` says was done,
 * and p->m is taken. */
bool flood_admits(struct tcpterm *s, struct pkt *p, const struct tcpterm_verdict *v);

/* A SYN-ACK of a flow that was passed under pressure: it goes on without a flow, too. */
bool flood_passes(const struct tcpterm *s, const struct pkt *p, const struct tcpterm_verdict *v);

/* An embryo came, or goes. */
void flood_remember(struct tcpterm *s, struct embryo *e);
void flood_forget(struct tcpterm *s, struct embryo *e);

/* A connection enters (+1) or leaves (-1) SYN-RECEIVED. */
void flood_syn_received(struct tcpterm *s, int n);

#endif
