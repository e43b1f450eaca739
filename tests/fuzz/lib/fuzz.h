/*
 * fuzz.h - a live stack for fuzz targets, and segments into it as an adversary makes them.
 *
 * Clients are 192.0.2.7, the server 198.51.100.9 port 80; connections of the library echo what
 * they read.  Frames come in buffers of their exact size (tests/unit/eal.h), so that a sanitizer
 * sees a step beyond them.  One at a time, virtual time.
 */
#ifndef LEAT_FUZZ_FUZZ_H
#define LEAT_FUZZ_FUZZ_H

#include <tcpterm/conn.h>

#include "datapath/pool.h"
#include "tcpterm/options.h"

enum { FUZZ_OPTIONS_MAX = 40 };

struct fuzz_target {
	struct tcpterm_verdict (*filter)(void *ctx, const struct tcpterm_syn *syn);
	struct tcpterm_verdict (*unknown)(void *ctx, const struct pkt *p);	/* or NULL */

	/* A segment that the stack sends to `side`, and the number that follows it. */
	void (*heard)(unsigned side, const struct pkt *p, uint32_t end);
};

struct fuzz {
	struct pools pools;
	struct tcpterm *stack;
	usec_t now;
	const struct fuzz_target *target;
};
extern struct fuzz fuzz;

struct fuzz_seg {
	uint16_t port;			/* the client's */
	unsigned side;			/* who speaks: 0 the client */
	uint16_t flags, window, urgent;
	uint32_t seq, ack, len;
	uint8_t tos;
	uint8_t options[FUZZ_OPTIONS_MAX];
	unsigned opt_len;		/* a multiple of four */
	unsigned pieces;		/* buffers of payload behind the headers'; 0: all in one */
	uint8_t mutate, mutate_at;	/* XOR of one byte from the data offset on; 0: none */
};

/* Aborts if it is false. */
void fuzz_require(bool condition);

/* A stack at 1 s, with one listener for all; `conf` without ops and pools. */
void fuzz_open(const struct fuzz_target *t, struct tcpterm_conf *conf);

/* Frees it; every buffer came back. */
void fuzz_close(void);

void fuzz_set_options(struct fuzz_seg *g, const struct tcpterm_options *o);

/* `port_side` says by which port it comes. */
void fuzz_send(const struct fuzz_seg *g, unsigned port_side);

#endif
