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
	const struct tcpterm_options *opt;	/* NULL: none */
	const uint32_t *src, *dst;	/* addresses: a word, of IPv6 four */
	uint32_t flow_label;
	uint32_t seq, ack;
	uint16_t sport, dport;
	uint16_t flags, window, urgent;
	uint16_t domain;
	uint16_t ip_id;
	uint16_t payload_sum;
	bool summed;		/* the payload's sum is known: that */
	bool df;
	bool v6;
	uint8_t ttl, tos;
	uint8_t side;		/* where it leaves */
	uint8_t l2;		/* the direction whose header it is */
	bool l2_swap;		/* the header is of the other direction */
};

/* Above that gcc clears it by an instruction (rep stos) that takes as long as all of a checksum. */
_Static_assert(sizeof(struct segment) <= 80, "a segment is cleared in five pieces of 16 bytes");

/* Takes `m`: empty, or an empty first mbuf with the payload chained behind it; or, where its sum is
 * known, the payload alone, lying behind the headers' room.  Writes all headers with their
 * checksums and transmits. */
void segment_send(struct tcpterm *s, const struct segment *g, struct rte_mbuf *m);

/* Bytes of the headers of a segment along the flow towards its end `to`, with timestamps or no
 * options; 0: its link header is not known. */
uint32_t segment_room(const struct tcpterm *s, const struct flow *f, unsigned to, bool ts);

/* The same for a segment without payload; false: no mbuf, counted. */
bool segment_send_bare(struct tcpterm *s, const struct segment *g);

/* A segment along the flow towards its end `to` (0 initiator, 1 responder), without
 * numbers. Of a relay it carries the other end's own link header. */
struct segment segment_for(const struct flow *f, unsigned to);

/* Points it at two addresses, which stay there until it is sent. */
void segment_ends(struct segment *g, const struct ip_addr *src, const struct ip_addr *dst);

/* Sends `g`, without payload, back along the way that `p` came, for which there need be no flow:
 * fills in link header, addresses and ports. */
void segment_reply(struct tcpterm *s, struct segment g, const struct pkt *p);

/* The same; and takes p->m, which is consumed: where nobody else has it, it is what leaves. */
void segment_reply_by(struct tcpterm *s, struct segment g, const struct pkt *p);

#endif
