/*
 * siege.h - a stack that SYNs lay siege to: one listener whose filter says the same of all, clients
 * of numbered addresses with one server, and frames that are looked at one by one.
 *
 * One at a time, virtual time.  siege_stop() checks that every mbuf came back.
 */
#ifndef LEAT_TESTS_UNIT_SIEGE_H
#define LEAT_TESTS_UNIT_SIEGE_H

#include <tcpterm/conn.h>

#include "datapath/pool.h"

enum {
	SIEGE_EMBRYOS = 64,
	PRESSED = 48,		/* of them: pressure begins */
	RELIEVED = 32,		/* and ends */
	SECOND = 1000000,
	ISN = 1000,		/* of client 0; that of client n is n above it */
	SRV_ISN = 7000,
};

extern struct siege {
	struct tcpterm *stack;
	struct pools pools;
	usec_t now;
	struct tcpterm_verdict verdict;	/* of SYNs, and of what is unknown */
	unsigned n_tx, n_forwarded, n_ended, n_evicted, n_established;
	struct pkt last;		/* the latest frame that left; its mbuf is gone */
	struct tcpterm_options last_options;
	struct pkt to[2];		/* and the latest to each side */
} siege;

void siege_start(enum tcpterm_decision decision, enum tcpterm_flood flood);
void siege_start_with(enum tcpterm_decision decision, enum tcpterm_flood flood, uint32_t n_flows);
void siege_stop(void);

const struct tcpterm_stats *siege_stats(void);
unsigned siege_flows(enum tcpterm_kind kind);
void siege_wait(int64_t us);

/* The frame comes by that side. */
struct frame;
void siege_feed(const struct frame *f, uint8_t side);

/* A segment of client `n`, which is at 10.64.0.0 + n, or of its server to it. */
void siege_segment(uint32_t n, bool from_server, uint16_t flags, uint32_t seq, uint32_t ack);
void siege_segment_with(uint32_t n, bool from_server, uint16_t flags, uint32_t seq, uint32_t ack,
			const uint8_t *options, size_t options_len, size_t payload_len);
void siege_syn(uint32_t n);
void siege_refuse(uint32_t n);

/* So many handshakes that the next one has no room; their clients go on waiting. */
void siege_press(void);
void siege_repeat_syns(void);

#endif
