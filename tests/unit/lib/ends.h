/*
 * ends.h - a relay in one stack, and both its ends played segment by segment; or a connection of
 * the stack's own, and its client.
 *
 * A test says what an end sends and looks at every segment that the stack makes.  Numbers are
 * offsets from the byte after each end's SYN.  One at a time, virtual time.
 */
#ifndef LEAT_TESTS_UNIT_ENDS_H
#define LEAT_TESTS_UNIT_ENDS_H

#include <tcpterm/stack.h>

#include "datapath/pool.h"

enum { ENDS_MAX_OUT = 4096, ENDS_BURST = 32, ENDS_ISN_CLIENT = 1000, ENDS_ISN_SERVER = 0x7fffff00 };

/* What the ends agree on, and what the stack is given; zeroes are sensible. */
struct ends_conf {
	bool accept;		/* no relay: side 0 talks to the stack's own connection */
	bool ts, sack, ecn;
	int wscale;		/* of both; -1: none */
	uint16_t window;	/* in SYN and SYN-ACK; 0: 60,000 */
	uint16_t mss;		/* 0: 1460 */
	const char *cc;
	uint32_t n_held_max, n_flows;
	int64_t idle_us, keepalive_us;
};

struct ends_out {
	uint8_t side;		/* 0: to the client */
	usec_t at;
	int64_t seq, ack;	/* offsets, of the sender's and of the receiver's stream */
	uint32_t len, window;
	uint16_t flags;
	struct tcpterm_options opt;
	uint8_t ttl, tos;
	bool bad;		/* payload that is not the pattern */
};

struct ends {
	struct tcpterm *stack;
	struct pools pools;
	usec_t now;
	struct ends_out out[ENDS_MAX_OUT];
	unsigned n_out, n_forwarded, n_ended;
	enum tcpterm_end ended;
	uint16_t client_port;
	uint32_t isn[2];
	struct ends_conf conf;
};

struct ends_seg {
	int64_t seq, ack;
	uint32_t len;
	uint8_t tos;
	uint16_t flags;		/* 0: ACK */
	uint16_t window;	/* 0: 60,000; ENDS_ZERO: 0 */
	unsigned pieces;	/* mbufs of the chain; 0: 1 */
	struct tcpterm_options opt;
};
#define ENDS_ZERO 0xffff

/* A stack, and unless `handshake` is false a flow whose ends are established. */
void ends_init(struct ends *e, const struct ends_conf *conf, bool handshake);
void ends_handshake(struct ends *e);

/* Frees the stack; every mbuf came back. */
void ends_fini(struct ends *e);

/* One segment by side 0 (from the client) or 1; without ends_run() nothing is answered yet. */
void ends_send(struct ends *e, unsigned side, const struct ends_seg *g);

/* `n` such segments, up to ENDS_BURST, each behind the one before, in one burst. */
void ends_send_burst(struct ends *e, unsigned side, const struct ends_seg *first, unsigned n);

/* An ICMP error, by type and code, by `side`, that quotes a segment at `seq` towards it. */
void ends_icmp(struct ends *e, unsigned side, int64_t seq, uint8_t type, uint8_t code);

/* An ICMP "fragmentation needed" by `side` that quotes a segment at `seq` towards it. */
void ends_too_big(struct ends *e, unsigned side, int64_t seq, uint16_t mtu);

/* Lets `us` pass, event by event. */
void ends_run(struct ends *e, int64_t us);

/* The output since `from` to `side`: how many segments, and the last of them (NULL). */
unsigned ends_count(const struct ends *e, unsigned from, unsigned side);
const struct ends_out *ends_last(const struct ends *e, unsigned side);

/* The flow's object in the stack; NULL. */
struct flow *ends_flow(struct ends *e);

#endif
