/*
 * endpoint.h - a connection that ends in this stack (<tcpterm/conn.h>).
 */
#ifndef TCPTERM_ENDPOINT_H
#define TCPTERM_ENDPOINT_H

#include "tcpterm/alive.h"
#include "tcpterm/tcb.h"

/* As it is while it is awake; what it is at rest is rest.h's. */
struct endpoint {
	struct flow *f;
	struct conn c;
	struct stream rx, tx;
	struct alive alive;
	uint32_t send_buffer;	/* bytes */
	bool passive_open;	/* a listener's */
	bool was_established;	/* the caller knows */
	bool readable, writable, urgent;	/* events to be told at the burst's end */
	bool short_write;	/* the caller waits for room */
	bool orphan;		/* closed: the caller knows it no more */
	bool no_read;		/* nobody will read what comes */
	bool linger0;		/* tcpterm_close() resets */
	bool no_reports;	/* soft errors are not told */
	bool unreported;	/* the soft error is to be told */
	uint8_t soft;		/* errno of the latest ICMP error; 0 */
	uint8_t error;		/* errno of the end; 0: orderly, or none yet */
};

/* The connection of a flow of that kind, woken; of another kind, nothing to be looked at. */
struct endpoint *endpoint_of(const struct flow *f);

/* A SYN that the filter accepted: answers it. Takes p->m. */
void endpoint_accept(struct tcpterm *s, struct pkt *p, const struct tcpterm_verdict *v);

/* The client's ACK of a SYN cookie: the connection is there. Takes p->m. */
void endpoint_from_cookie(struct tcpterm *s, struct pkt *p, const struct tcpterm_verdict *v,
			  const struct cookie *k);

/* A flow and its awake part, zero but for that; NULL: no room. */
struct endpoint *endpoint_new(struct tcpterm *s, const struct pkt *p);

/* A fresh connection before any SYN, with the settings of who says nothing; leg 0 faces the
 * initiator. */
void endpoint_init(struct tcpterm *s, struct endpoint *e, uint8_t leg);

/* Sets the timer to what is due next. */
void endpoint_arm(struct tcpterm *s, struct endpoint *e);

void endpoint_input(struct tcpterm *s, struct flow *f, struct pkt *p);

/* After output: events, the end, the timer. */
void endpoint_settle(struct tcpterm *s, struct flow *f);
void endpoint_timer(struct tcpterm *s, struct flow *f);

/* The last call, and all that it held is released; the object is the caller's to end. */
void endpoint_close(struct tcpterm *s, struct endpoint *e, enum tcpterm_end why);

/* The same, with the reason that the caller may ask for; `f` is gone. */
void endpoint_fail(struct tcpterm *s, struct flow *f, enum tcpterm_end why, int error);

/* May more be written?  0, or -ENOTCONN, -EPIPE. */
int endpoint_may_write(const struct flow *f);

/* An ICMP error that quotes a segment of the connection; p->m stays the caller's (unreach.c:
 * RFC 9293 3.9.2.2, 1122 4.2.3.9, 5461, 5927). */
void endpoint_icmp(struct tcpterm *s, struct flow *f, const struct pkt *p);

/* May a TCP at this address be spoken to: no broadcast, no multicast, not unspecified, no
 * loopback (RFC 9293 3.9.2.3, 1122 3.2.1.3)? */
bool address_speaks(const struct ip_addr *a);

/* Without a frame and without the last call. */
void endpoint_end(struct tcpterm *s, struct flow *f, enum tcpterm_end why);

/* --- open.c: RFC 9293 3.10.7.3, and .4 for SYN-RECEIVED --- */

/* A fresh connection before any SYN; leg 0 faces the initiator. */
void open_init(struct tcpterm *s, struct endpoint *e, uint8_t leg);
void open_passive(struct tcpterm *s, struct endpoint *e, const struct pkt *p);
void open_active(struct conn *c);

/* The part of it that is for every connection with numbers and a clock of its own; its frames
 * leave by the port `side`. */
void open_own(struct conn *c, uint8_t side);

/* Takes up tuning.mss: for our SYN, and once the peer's is known for what we send. */
void open_tuned(struct conn *c);

/* What a cookie's handshake agreed on: the connection is established. */
void open_cookie(struct conn *c, const struct cookie *k);

/* The window scale of our SYNs. */
uint8_t open_shift(const struct tcpterm *s);

enum open_result {
	OPEN_DONE,	/* the segment was used up; p->m is gone */
	OPEN_GO_ON,	/* established by it: it goes on as any other */
	OPEN_REFUSED,	/* the connection is over; p->m is gone */
};
/* A segment in SYN-SENT or SYN-RECEIVED. */
enum open_result open_input(struct conn *c, struct pkt *p);

#endif
