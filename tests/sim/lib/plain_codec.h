/*
 * plain_codec.h - how the plain TCP reads and writes its segments: Ethernet, tags, IPv4 or IPv6,
 * TCP with its options.  It shares no code with what it tests.  Single thread.
 */
#ifndef LEAT_SIM_PLAIN_CODEC_H
#define LEAT_SIM_PLAIN_CODEC_H

#include <stdbool.h>
#include <stdint.h>

#include "tests/sim/lib/endpoint.h"

enum {
	PF_FIN = 1,
	PF_SYN = 2,
	PF_RST = 4,
	PF_PSH = 8,
	PF_ACK = 16,
	PF_URG = 32,
	PF_ECE = 64,
	PF_CWR = 128
};

enum { PLAIN_SACKS = 4 };

struct plain_segment {
	uint32_t seq, ack;
	uint8_t flags;
	uint8_t ecn;			/* of the IP header: 2 ECT(0), 3 CE */
	uint16_t window;		/* as on the wire, not scaled */
	uint16_t urgent;		/* with PF_URG; of what comes not read */
	uint16_t mss;			/* 0: no option */
	int wscale;			/* -1: no option */
	bool sack_ok, has_ts;
	uint32_t tsval, tsecr;
	unsigned n_sacks;
	struct {
		uint32_t from, to;
	} sack[PLAIN_SACKS];
	const uint8_t *payload;
	size_t len;			/* of the payload */
};

/* A frame of the segment; `checksum` false leaves the TCP checksum uncomputed, as for a port
 * that computes it.  The caller takes it. */
struct frame *plain_build(const struct identity *id, const struct plain_segment *s, bool checksum);

/* True if the frame is whole, its checksums are right and it is for this end from its peer.  The
 * payload points into the frame. */
bool plain_parse(const struct identity *id, const struct frame *f, struct plain_segment *s);

#endif
