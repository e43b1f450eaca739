/*
 * see.h - how the checker and the trace read a frame: a dissector of their own, which trusts
 * nothing.  Single thread.
 */
#ifndef LEAT_SIM_SEE_H
#define LEAT_SIM_SEE_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "tests/sim/lib/frame.h"

enum {
	SEEN_FIN = 1,
	SEEN_SYN = 2,
	SEEN_RST = 4,
	SEEN_PSH = 8,
	SEEN_ACK = 16,
	SEEN_URG = 32,
	SEEN_ECE = 64,
	SEEN_CWR = 128,
	SEEN_AE = 256
};

enum seen_what {
	SEEN_TCP,		/* a whole TCP segment, checksums right */
	SEEN_BAD_TCP,		/* the IP header holds, the TCP checksum or its options do not */
	SEEN_BAD_IP,		/* IP and TCP headers do not hold together */
	SEEN_OTHER,		/* anything else */
};

struct seen {
	enum seen_what what;
	const uint8_t *dst_mac, *src_mac, *tags;
	unsigned n_tags;
	bool v6;
	const uint8_t *src, *dst;	/* addresses: 4 or 16 bytes */
	uint8_t ttl, tos;
	bool df;
	uint32_t flow_label;
	uint16_t sport, dport;
	uint32_t seq, ack;
	uint16_t flags, window, urgent;
	const uint8_t *payload;
	uint32_t len;			/* of the payload */
	uint32_t opt_len;		/* bytes of TCP options, padding included */
	bool has_mss, has_wscale, sack_ok, has_ts, odd_option;
	uint16_t mss;
	uint8_t wscale;
	uint32_t tsval, tsecr;
	unsigned n_sacks;
	uint32_t sack[4][2];
};

void see(const struct frame *f, struct seen *s);

/* One line as tcpdump would print it, without a line break.  Numbers as on the wire. */
void see_print(FILE *out, const struct seen *s, const struct frame *f);

#endif
