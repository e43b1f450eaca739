/*
 * segment.h - a segment as it will be on the wire, and its frame.
 *
 * The only place where tcpterm writes link, IP and TCP headers.
 */
#ifndef TCPTERM_SEGMENT_H
#define TCPTERM_SEGMENT_H

#include "tcpterm/core.h"

struct segment {
	const struct flow *f;	/* whose it is; NULL: no flow's */
	const struct pkt *along;	/* the frame whose link header it has; NULL: its flow's */
	uint8_t l2;		/* the direction whose header it is */
	bool l2_swap;		/* the header is of the other direction */
	uint16_t domain;
	uint8_t side;		/* where it leaves */
	struct ip_addr src, dst;
	uint16_t sport, dport;
	uint8_t ttl, tos;
	bool df;
	uint16_t ip_id;
	uint32_t flow_label;
	uint32_t seq, ack;
	uint16_t flags, window, urgent;
	bool summed;		/* the payload's sum is known: */
	uint16_t payload_sum;
	const struct tcpterm_options *opt;	/* NULL: none */
};

/* Takes `m`: empty, or an empty first mbuf with the payload chained behind it. Writes all
 * headers with their checksums and transmits. */
void segment_send(struct tcpterm *s, const struct segment *g, struct rte_mbuf *m);

/* The same for a segment without payload; false: no mbuf, counted. */
bool segment_send_bare(struct tcpterm *s, const struct segment *g);

/* A segment along the flow towards its end `to` (0 initiator, 1 responder), without
 * numbers. Of a relay it carries the other end's own link header. */
struct segment segment_for(const struct flow *f, unsigned to);

/* Sends `g`, without payload, back along the way that `p` came, for which there need be no flow:
 * fills in link header, addresses and ports. */
void segment_reply(struct tcpterm *s, struct segment g, const struct pkt *p);

#endif
