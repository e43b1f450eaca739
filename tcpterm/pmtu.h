/*
 * pmtu.h - the path's MTU: by ICMP (RFC 1191, 8201), and by what does not arrive (RFC 4821).
 *
 * Both lower c->mss.  From there it is searched upwards, to what the handshake agreed on at most,
 * by probes: single segments of the stream that are larger than the others, and whose loss says
 * nothing of congestion.  pmtu.c writes struct pmtu.  In the stack's thread.
 */
#ifndef TCPTERM_PMTU_H
#define TCPTERM_PMTU_H

#include "tcpterm/core.h"

struct conn;
struct sent_seg;

/* Sizes are payload bytes, as c->mss, which is the largest that is known to arrive. */
struct pmtu {
	uint16_t full;		/* c->mss as agreed */
	uint16_t top;		/* of a search: nothing above it arrives */
	uint16_t before;	/* c->mss when the black hole was suspected */
	uint16_t probe;		/* of the probe in flight; 0: none is */
	uint16_t again_s;	/* between the latest two searches */
	uint8_t n_lost;		/* probes of the size that is tried */
	bool lowered : 1;	/* c->mss is less than full */
	bool hole : 1;		/* for the stall that lasts still */
	bool searching : 1;
	bool at_top : 1;	/* the next probe is of `top` itself */
	uint32_t probe_at;	/* its offset's low word */
	usec_t raise_at;	/* no search before */
};

/* What was agreed bounds what is tried. */
void pmtu_agreed(struct conn *c);

/* So does what the connection's owner allows from now on. */
void pmtu_bound(struct conn *c, uint16_t mss);

/* A too-big message that quotes our segment; false: not verified. */
bool pmtu_icmp(struct conn *c, const struct pkt *p);

/* The retransmission timer fired: full segments may be falling into a black hole. */
void pmtu_timeout(struct conn *c);

/* Before something is sent: without SACK no probe can be told from the rest, and the full size is
 * tried again at once. */
void pmtu_raise(struct conn *c);

/* Is the next segment of new data to be a probe (RFC 4821 7.3, 7.4)?  Its bytes, or 0; all of them
 * are in the stream, and what tells its loss soon is there to follow it. */
uint16_t pmtu_probe(const struct conn *c);

/* It left at `off`. */
void pmtu_probe_sent(struct conn *c, int64_t off, uint16_t len);

/* The entry arrived: was it the probe, larger segments may follow (RFC 4821 7.6.1). */
void pmtu_arrived(struct conn *c, const struct sent_seg *g);

/* The entry is lost.  True: it was the probe, and that is no sign of congestion (7.6.2). */
bool pmtu_lost(struct conn *c, const struct sent_seg *g);

#endif
