/*
 * timewait.h - what is left of a connection that closed in good order.
 *
 * It only answers old segments; a new SYN is a new flow (RFC 9293 3.6.1).
 */
#ifndef TCPTERM_TIMEWAIT_H
#define TCPTERM_TIMEWAIT_H

#include "tcpterm/relay.h"

struct timewait {
	struct flow f;
	struct {
		uint32_t seq, ack, tsval, tsecr;
		uint32_t flow_label;
		uint8_t ttl, tos;
		bool df, used;
	} leg[2];
	bool ts_on;
	bool own_clock;		/* tsval is what our clock is ahead by */
};

/* The flow has ended: flow_end is called now, its numbers stay for 2 MSL. */
void timewait_start(struct tcpterm *s, struct relay *r);

/* The same for a connection of the library's. */
void timewait_start_conn(struct tcpterm *s, struct flow *f, const struct conn *c);

void timewait_input(struct tcpterm *s, struct flow *f, struct pkt *p, unsigned dir);

#endif
