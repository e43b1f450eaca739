/*
 * wire.h - four pipes between client, box and server, each impaired in its own way, on one
 * virtual clock.
 *
 * A leg is a side of the box (0 client's, 1 server's); a pipe is one direction of a leg.  The wire
 * owns the frames in flight.  Single thread.
 */
#ifndef LEAT_SIM_WIRE_H
#define LEAT_SIM_WIRE_H

#include <stdint.h>

#include "tests/sim/lib/frame.h"
#include "tests/sim/lib/rng.h"

enum {
	WIRE_TO_BOX = 0,	/* pipe = leg * 2 + one of these */
	WIRE_FROM_BOX = 1,
	WIRE_PIPES = 4,
	WIRE_BLACKOUTS = 4,
};

struct pipe_config {
	double loss, reorder, duplicate, corrupt;	/* probabilities a frame */
	double mark;			/* of CE, where the sender allows it (RFC 3168 5) */
	int64_t delay_us, jitter_us;	/* jitter alone keeps the order */
	int64_t quantum_us;		/* arrivals fall on multiples of it: bursts; 0: none */
	uint64_t rate;			/* bytes a second, 0: unlimited */
	unsigned queue;			/* frames that wait for the rate; more are dropped */
	unsigned mtu;			/* bytes of an IP packet; more are dropped; 0: all pass */
	bool silent;			/* and nobody tells the sender by ICMP */
};

struct blackout {
	int leg;
	int64_t from_us, until_us;
};

struct wire_config {
	struct pipe_config pipe[WIRE_PIPES];
	unsigned n_blackouts;
	struct blackout blackout[WIRE_BLACKOUTS];
};

enum wire_fate {
	WIRE_CARRIED,
	WIRE_LOST,
	WIRE_DARK,
	WIRE_FULL,
	WIRE_MARKED,
	WIRE_CORRUPTED,
	WIRE_REORDERED,
	WIRE_DUPLICATED,
	WIRE_TOO_BIG
};

struct wire;

/* `note`, which may be NULL, is told what became of each frame sent. */
struct wire *wire_new(const struct wire_config *cfg, uint64_t seed,
		      void (*note)(void *ctx, int pipe, const struct frame *f, enum wire_fate fate,
				   int64_t now_us),
		      void *ctx);
void wire_free(struct wire *w);

/* Takes `f`. */
void wire_send(struct wire *w, int pipe, struct frame *f, int64_t now_us);

/* When the next frame arrives, INT64_MAX if none is under way. */
int64_t wire_next(const struct wire *w);

/* The next frame that has arrived by now and its pipe, or NULL.  The caller takes it. */
struct frame *wire_take(struct wire *w, int64_t now_us, int *pipe);

#endif
