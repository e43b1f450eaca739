/*
 * rack.h - loss by time (RACK) and tail loss probes (TLP), RFC 8985.
 *
 * Only with SACK. A segment is lost when one sent after it has arrived, and a reordering
 * window went by; so retransmissions that are lost are found as well.  What is
 * detected is marked on the scoreboard, what to do about it is recover.c's.
 * Owned by rack.c, which alone writes it; of the stack's thread.
 */
#ifndef TCPTERM_RACK_H
#define TCPTERM_RACK_H

#include <stdbool.h>
#include <stdint.h>

#include "datapath/clock.h"

struct conn;
struct ackinfo;
struct sent_seg;

struct rack {
	usec_t xmit_ts;		/* of the latest sent segment that arrived */
	int64_t end;		/* its end: breaks the tie */
	int64_t fack;		/* the highest end that arrived */
	int64_t dsack_round;	/* snd.nxt when the window grew last; 0: its round is over */
	int64_t tlp_end;	/* snd.nxt when the probe left; 0: none is out */
	usec_t reo_at;		/* what still may arrive is then lost */
	usec_t pto_at;		/* the probe leaves */
	uint32_t rtt;		/* us, of that segment */
	uint32_t n_dsacks;
	uint8_t reo_wnd_mult;	/* in quarters of the least RTT */
	uint8_t reo_wnd_persist;	/* recoveries until that is forgotten */
	bool reordering;	/* seen on this connection */
	bool tlp_rexmit;	/* the probe repeats the last segment */
	bool tlp_due;		/* the probe leaves with the next output */
	bool tlp_rearm;		/* its timer begins anew there */
};

void rack_init(struct rack *r);

/* A segment is newly acknowledged (6.2 steps 2 and 3); called by sent.c, in order of offsets. */
void rack_arrived(struct conn *c, const struct sent_seg *g);

/* Is it not the copy that arrived but what was sent before it: too soon for a round trip (6.2 step
 * 2)? */
bool rack_is_original(const struct conn *c, const struct sent_seg *g);

/* Was what the ACK's D-SACK block says sent twice by us (RFC 2883)?  Then it adapts the reordering
 * window (6.2 step 4). */
bool rack_dsack(struct conn *c);

/* A recovery ended (6.2 step 4). */
void rack_recovered(struct conn *c);

/* Marks what is lost (6.2 step 5), arms the reordering timer; bytes newly lost, but for a probe of
 * the path's MTU (pmtu.h). */
uint32_t rack_detect(struct conn *c);

/* A retransmission timeout: only what had its time is lost (6.3). */
void rack_timeout(struct conn *c);

/* What the ACK says of an outstanding probe (7.4). True: the probe repaired a loss that
 * nothing else has shown, and congestion control is to be told. */
bool rack_probe_ack(struct conn *c, const struct ackinfo *a);

/* A segment of new data left, or its ACK came: the probe's timer begins anew (7.2). */
void rack_probe_later(struct conn *c);

/* Arms or stops the probe's timer; the end of an output. */
void rack_probe_arm(struct conn *c);

/* Is a probe to leave now? Asked once. */
bool rack_probe_due(struct conn *c);

/* The probe left; it repeats the last segment, or is new. */
void rack_probe_sent(struct conn *c, bool rexmit);

usec_t rack_next(const struct rack *r);

/* Acts on what is due. */
void rack_timer(struct conn *c);

#endif
