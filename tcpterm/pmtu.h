/*
 * pmtu.h - the path's MTU: by ICMP (RFC 1191, 8201), and by what does not arrive (RFC 4821).
 *
 * Both lower c->mss; after a while it is what the handshake agreed on again, and the path says anew
 * what it bears.  pmtu.c writes struct pmtu.  In the stack's thread.
 */
#ifndef TCPTERM_PMTU_H
#define TCPTERM_PMTU_H

#include "tcpterm/core.h"

struct conn;

struct pmtu {
	uint16_t full;		/* c->mss as agreed */
	uint16_t again_s;	/* how long the latest black hole was avoided */
	bool lowered, hole;	/* c->mss is less; for no ICMP said why */
	usec_t raise_at;
};

/* What was agreed bounds what is tried. */
void pmtu_agreed(struct conn *c);

/* A too-big message that quotes our segment; false: not verified. */
bool pmtu_icmp(struct conn *c, const struct pkt *p);

/* The retransmission timer fired: full segments may be falling into a black hole. */
void pmtu_timeout(struct conn *c);

/* Before something is sent: is it time to try larger ones again? */
void pmtu_raise(struct conn *c);

#endif
