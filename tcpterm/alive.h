/*
 * alive.h - when a connection of the library's is given up, though nobody asked.
 *
 * Retransmission limits R1 and R2 (RFC 9293 3.8.3), keepalives (3.8.4), the user timeout
 * (3.9.1; what it covers is as Linux's TCP_USER_TIMEOUT) and the end of who waits in FIN-WAIT-2
 * for a FIN that does not come (3.6).  Relays have none of it: their ends decide.
 *
 * RFC 5482: the user timeout option is neither sent nor obeyed. A peer can't make us hold a
 * connection for longer, or for less time, than our own caller asked for, and the option counts
 * among the unknown ones.
 *
 * Belongs to a struct endpoint and its stack's thread.  Only alive.c writes struct alive.
 */
#ifndef TCPTERM_ALIVE_H
#define TCPTERM_ALIVE_H

#include <stdbool.h>
#include <stdint.h>

#include "datapath/clock.h"

struct conn;
struct endpoint;

struct alive {
	usec_t at;		/* something here is due */
	usec_t probed_at;	/* the latest keepalive, or before when the first is not due */
	usec_t since;		/* nothing that is outstanding has moved; NEVER: nothing is */
	int64_t una;		/* as it was then */
	usec_t fin_at;		/* no longer in FIN-WAIT-2 than until then */
	uint32_t user_ms;	/* user timeout; 0: none */
	uint16_t idle_s, interval_s;
	uint8_t n_probes;
	uint8_t r1, r2, n_syn;	/* retransmissions */
	uint16_t fin_wait_s;
	bool keep_on;
	bool advise;		/* R1 is reached: to be told */
};

void alive_init(struct endpoint *e);

/* The peer was heard, something was sent or acknowledged, a setting changed: when is what due? */
void alive_settle(struct endpoint *e);

/* Acts on what is due. False: the connection is given up. */
bool alive_timer(struct endpoint *e);

/* How often may a SYN, or anything else, be sent again? */
uint8_t alive_retries(const struct conn *c, bool syn);

/* It was sent again for the rtt.backoff'th time in a row. */
void alive_retransmitted(struct conn *c);

#endif
