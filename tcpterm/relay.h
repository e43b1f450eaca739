/*
 * relay.h - a proxied flow: two connections, and the two streams between them.
 *
 * Leg k faces end k (0 the initiator) and impersonates the other; stream d is
 * what leg d receives and leg !d sends.  Numbers, window scale, SACK and timestamps are
 * the same on both legs, so bytes keep their places; but where a SYN cookie began it each leg has
 * its own, and the flow can't leave termination.
 */
#ifndef TCPTERM_RELAY_H
#define TCPTERM_RELAY_H

#include "tcpterm/embryo.h"
#include "tcpterm/tcb.h"

/* As it is while it is awake; what it is at rest is rest.h's. */
struct relay {
	struct flow *f;
	struct conn leg[2];
	struct stream str[2];
	usec_t fin_at[2];	/* when the FIN of end d is acknowledged at the latest */
	usec_t rst_at;		/* when the RST is forwarded at the latest */
	usec_t idle_at;		/* when to look whether the flow is idle */
	int64_t idle_us;
	usec_t keep_at[2];	/* when to look whether end k is silent */
	usec_t ask_at[2];	/* it is not asked again before */
	bool dying;		/* a leg is dead; the other still drains */
	bool close_local;
	bool translated;	/* the legs' numbers differ */
	uint8_t dead;		/* dying: which leg */
	uint8_t why;		/* dying: enum tcpterm_end */
	uint8_t demote;		/* enum tcpterm_kind to become when nothing is held; 0: none */
	bool strict;		/* and what lies outside of windows is dropped then */
};

/* The relay of a flow of that kind, woken. */
struct relay *relay_of(const struct flow *f);

/* The client's third ACK came: terminate from here on. Takes p->m; the embryo is gone.
 * False: no room, and nothing was taken. */
bool relay_start(struct tcpterm *s, struct embryo *e, struct pkt *p);

/*
 * A flow that was only read, and whose ends are at rest, is terminated from here on: the ends' SYNs
 * in `e` have numbers right below the first byte that is ours, and in direction d `window[d]` bytes
 * may come.  There is room for a relay; `f` has become it.
 */
void relay_take_up(struct tcpterm *s, struct flow *f, const struct embryo *e,
		   const uint32_t window[2]);

/* The client's ACK of a SYN cookie: connects to the server.  Takes p->m. */
void relay_from_cookie(struct tcpterm *s, struct pkt *p, const struct tcpterm_verdict *v,
		       const struct cookie *k);

void relay_input(struct tcpterm *s, struct flow *f, struct pkt *p, unsigned dir);

/* An ICMP error whose quote goes in direction `dir`; true: it was consumed. */
bool relay_icmp(struct flow *f, const struct pkt *p, unsigned dir);

/* After output: FINs that may be acknowledged, the end, the timer. */
void relay_settle(struct tcpterm *s, struct flow *f);

void relay_timer(struct tcpterm *s, struct flow *f);

/* Without a frame. */
void relay_end(struct tcpterm *s, struct flow *f, enum tcpterm_end why);

/* Lets go of all that both legs hold; the object is the caller's to end. */
void relay_release(struct tcpterm *s, struct relay *r);

/* Becomes a flow of a kind that forwards.  0, and the relay is gone; -EAGAIN: it holds something,
 * and does it as soon as it does not; -EINVAL: its numbers need translation; -ENOMEM. */
int relay_step_down(struct tcpterm *s, struct relay *r, enum tcpterm_kind kind);

#endif
