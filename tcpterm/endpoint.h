/*
 * endpoint.h - a connection that ends in this stack (<tcpterm/conn.h>).
 */
#ifndef TCPTERM_ENDPOINT_H
#define TCPTERM_ENDPOINT_H

#include "tcpterm/tcb.h"

struct endpoint {
	struct flow f;
	struct conn c;
	struct stream rx, tx;
	bool passive_open;	/* a listener's */
	bool was_established;	/* the caller knows */
	bool readable, writable;	/* events to be told at the burst's end */
	bool short_write;	/* the caller waits for room */
};

/* A SYN that the filter accepted: answers it. Takes p->m. */
void endpoint_accept(struct tcpterm *s, struct pkt *p, const struct tcpterm_verdict *v);

void endpoint_input(struct tcpterm *s, struct flow *f, struct pkt *p);

/* After output: events, the end, the timer. */
void endpoint_settle(struct tcpterm *s, struct flow *f);
void endpoint_timer(struct tcpterm *s, struct flow *f);

/* The last call, and all that it held is released; the object is the caller's to end. */
void endpoint_close(struct tcpterm *s, struct endpoint *e, enum tcpterm_end why);

/* Without a frame and without the last call. */
void endpoint_end(struct tcpterm *s, struct flow *f, enum tcpterm_end why);

/* --- open.c: RFC 9293 3.10.7.3, and .4 for SYN-RECEIVED --- */

/* A fresh connection before any SYN; leg 0 faces the initiator. */
void open_init(struct tcpterm *s, struct endpoint *e, uint8_t leg);
void open_passive(struct tcpterm *s, struct endpoint *e, const struct pkt *p);
void open_active(struct tcpterm *s, struct endpoint *e);

enum open_result {
	OPEN_DONE,	/* the segment was used up; p->m is gone */
	OPEN_GO_ON,	/* established by it: it goes on as any other */
	OPEN_REFUSED,	/* the connection is over; p->m is gone */
};
enum open_result open_input(struct endpoint *e, struct pkt *p);

#endif
