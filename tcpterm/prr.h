/*
 * prr.h - proportional rate reduction (RFC 9937): cwnd while it is being reduced.
 *
 * Owned by prr.c, which alone writes it; of the stack's thread.
 */
#ifndef TCPTERM_PRR_H
#define TCPTERM_PRR_H

#include <stdbool.h>
#include <stdint.h>

struct conn;
struct ackinfo;

struct prr {
	uint32_t delivered;	/* bytes, since the reduction began */
	uint32_t out;		/* bytes sent since then */
	uint32_t flight;	/* RecoverFS: bytes in flight when it began */
};

/* A reduction to ssthresh begins with this ACK; NULL: by a timer. */
void prr_begin(struct conn *c, const struct ackinfo *a);

/* An ACK in it: sets cwnd. `lost`: it showed more loss. */
void prr_ack(struct conn *c, const struct ackinfo *a, bool lost);

/* The timer showed loss in it: cwnd follows what flies, one segment may leave. */
void prr_timer(struct conn *c);

/* `len` bytes left, old or new. */
void prr_sent(struct conn *c, uint32_t len);

#endif
