/*
 * cookie.h - SYN cookies (RFC 4987 3.6): a SYN is answered, and nothing of it is kept.
 *
 * The number of our SYN-ACK comes from the client's by a keyed hash of all that the client will
 * say again in its ACK, so only who got the SYN-ACK can answer it.  It carries the client's MSS,
 * rounded down; where the client sent timestamps, ours carries its window scale, SACK and ECN.
 * Cookies are made while handshakes leave no room (flood.h), and are believed for so long after
 * that.
 *
 * Belongs to a stack and its thread; only cookie.c writes struct cookies.
 */
#ifndef TCPTERM_COOKIE_H
#define TCPTERM_COOKIE_H

#include <tcpterm/listener.h>

#include "tcpterm/seq.h"

struct cookies {
	bool any;		/* one was sent */
	usec_t sent_at;		/* the latest */
};

/* What an ACK says, with its cookie, of the handshake that nobody remembers. */
struct cookie {
	seq_t iss, irs;
	struct tcpterm_options peer;	/* of the client's SYN; its TSval is the ACK's */
	bool ecn;			/* the ends agreed on it (RFC 3168 6.1.1) */
	uint32_t ts_offset;		/* of our clock for this connection */
};

/* The window that every SYN-ACK with a cookie offers, bytes. */
uint16_t cookie_window(const struct tcpterm *s);

/* Answers a SYN. Takes p->m. */
void cookie_answer(struct tcpterm *s, struct pkt *p, const struct tcpterm_verdict *v);

enum cookie_state {
	COOKIE_BAD,	/* none of ours, or too old */
	COOKIE_EARLY,	/* it lies behind the answer, in the window that was offered */
	COOKIE_GOOD,
};

/* Is the segment, which may have data, the answer to a cookie of ours?  If good, fills *k. */
enum cookie_state cookie_check(struct tcpterm *s, const struct pkt *p, struct cookie *k);

/* A segment of no flow that is no SYN.  True: it was for a listener, and p->m is taken: a
 * connection begins with it, it has to wait for what it overtook, or it was refused with a RST. */
bool cookie_input(struct tcpterm *s, struct pkt *p);

#endif
