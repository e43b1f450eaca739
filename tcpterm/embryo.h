/*
 * embryo.h - a SYN that is not yet a connection: its decision is deferred, or its
 * handshake is being forwarded (ARCHITECTURE.md, the life of a flow).
 *
 * Until the client's third ACK nothing is terminated: every segment of the handshake
 * crosses with its options filtered, no timer of ours retransmits, only a
 * lifetime ends it.
 */
#ifndef TCPTERM_EMBRYO_H
#define TCPTERM_EMBRYO_H

#include "tcpterm/seq.h"

#include "tcpterm/core.h"

/* What one end said in its SYN or SYN-ACK. */
struct embryo_end {
	bool seen;
	seq_t isn;
	uint16_t window;	/* never scaled (RFC 7323 2.2) */
	uint16_t flags;		/* of the SYN, or SYN-ACK */
	struct tcpterm_options opt;	/* as the other end sees them: filtered */
	usec_t at;		/* when it was first seen; NEVER after a retransmission */
	/* the IP header's manners, of the latest segment */
	uint8_t ttl, tos;
	bool df;
	uint32_t flow_label;
};

struct embryo {
	struct flow f;
	struct embryo_end end[2];	/* 0: the initiator */
	struct tcpterm_verdict verdict;
	struct rte_mbuf *syn;		/* deferred: the SYN itself, held */
	struct pkt pkt;			/* deferred: its parse; pkt.m is syn */
	tcpterm_listener_id listener;
	struct timewait_floor floor;	/* deferred: in whose place */
	usec_t heard_at;	/* the client, latest */
	uint32_t answered_us;	/* from the first SYN to the first SYN-ACK; 0: none came yet */
	TAILQ_ENTRY(embryo) by_silence;
};

/* A SYN of a flow that has no object: asks the listener's filter. Takes p->m. */
void embryo_syn(struct tcpterm *s, struct pkt *p);

/* Any segment of an embryo's flow. Takes p->m. */
void embryo_input(struct tcpterm *s, struct flow *f, struct pkt *p, unsigned dir);

/* Forwards the SYN, and begins to follow the handshake; without room for it, what the verdict's
 * `flood` says. Takes p->m. */
void embryo_relay(struct tcpterm *s, struct pkt *p, const struct tcpterm_verdict *v);

/* Holds the SYN until tcpterm_decide(). Takes p->m. */
void embryo_defer(struct tcpterm *s, struct pkt *p, const struct tcpterm_verdict *v);

void embryo_timer(struct tcpterm *s, struct flow *f);
void embryo_end(struct tcpterm *s, struct flow *f, enum tcpterm_end why);

#endif
