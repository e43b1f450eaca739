/*
 * places.h - a million different connections: which tags, addresses and ports the i-th has.
 *
 * Three spreads: every connection on a stack of two VLANs of its own, over one tuple; 1,000
 * addresses of 1,000 ports on one VLAN; 100 VLANs of 100 addresses of 100 ports.  Values; any
 * thread.
 */
#ifndef LEAT_TESTS_BENCH_PLACES_H
#define LEAT_TESTS_BENCH_PLACES_H

#include <tcpterm/listener.h>

enum { PLACES_MAX = 1000 * 1000, PLACES_PAYLOAD = 32 };

enum spread { SPREAD_QINQ, SPREAD_ADDRESSES, SPREAD_MIXED, N_SPREADS };

/* The word for it: qinq, addresses, mixed. */
const char *spread_name(enum spread s);

/* The client's side of the i-th connection; `v6`: over IPv6. */
struct tcpterm_identity place_identity(enum spread s, bool v6, uint32_t i);

/* A listener for that connection only. */
struct tcpterm_selector place_selector(enum spread s, bool v6, uint32_t i);

/* Which one a client's frame is of. */
uint32_t place_of(enum spread s, const struct pkt *p);

/* What only that connection carries, and in one direction. */
void place_payload(uint32_t i, unsigned dir, uint8_t to[PLACES_PAYLOAD]);

/* A segment of a connection whose ends are made up: numbers count from the initial ones on. */
struct place_segment {
	uint8_t dir, flags;	/* dir 0: from the client */
	uint32_t seq, ack;
	unsigned len;		/* PLACES_PAYLOAD or 0 */
};

/* Writes its frame, of the i-th connection, to `m`; a SYN has options. */
void place_frame(struct rte_mbuf *m, enum spread s, bool v6, uint32_t i,
		 const struct place_segment *seg);

/* All of a connection's segments: until both ends have their payload; from there until both have
 * closed, the client first. */
enum { PLACE_OPENING = 6, PLACE_CLOSING = 3 };
extern const struct place_segment place_opening[PLACE_OPENING], place_closing[PLACE_CLOSING];

#endif
