/*
 * box.h - what stands between client and server: the thing under test, as the simulation sees it.
 *
 * Side 0 faces the client, side 1 the server.  Time is virtual, in microseconds.  The simulation
 * owns the frames it puts in; a frame emitted is taken by the simulation.  Single thread.
 */
#ifndef LEAT_SIM_BOX_H
#define LEAT_SIM_BOX_H

#include <stdbool.h>
#include <stdint.h>

#include "tests/sim/lib/frame.h"

enum box_mode {
	BOX_PROXY,	/* terminates both legs, sequence numbers preserved */
	BOX_TRACK,	/* forwards unchanged */
	BOX_PASSIVE,	/* sees a copy, transmits nothing */
	BOX_N_MODES
};

/* What a passive box reports.  `dir` 0 is the client's stream; offset 0 its first byte; `own` is a
 * gap that the box made itself, for want of room. */
struct box_sink {
	void *ctx;
	void (*bytes)(void *ctx, unsigned flow, int dir, uint64_t offset, const uint8_t *bytes,
		      size_t len);
	void (*gap)(void *ctx, unsigned flow, int dir, uint64_t offset, uint64_t len, bool own);
};

struct box_config {
	enum box_mode mode;
	uint64_t seed;		/* of the box's own chance, and of a wrong box's mistakes */
	unsigned n_workers;	/* 1, 2 or 4 that share the frames; 0: one */
	bool fragments;		/* what may be cut on its way comes in fragments, now and then */
	unsigned n_mbufs;	/* of the pool that holds payload */
	unsigned mbuf_bytes;	/* data room of one */
	unsigned mtu[2];	/* bytes of an IP packet, tags not counted, a side */
	bool tso[2];		/* may emit super-segments on that side */
	unsigned base_port;	/* flow k is from client port base_port + k: the sink's `flow` */
	struct box_sink sink;	/* passive only */
};

struct box_stats {
	uint64_t mbufs_held;	/* payload buffers held by streams */
	uint64_t mbufs_in_use;	/* all buffers out of their pools */
	uint64_t flows;		/* flows alive, TIME-WAIT and embryos included */
	uint64_t drops;		/* frames received and neither forwarded nor used */
	uint64_t retransmits[2];
	uint64_t rewritten;	/* frames that changed between their sending and the device's end */
	uint64_t outside;	/* segments of tracked flows, held to be outside their window */
};

struct audit;

struct box_ops {
	const char *name;
	unsigned modes;		/* bit (1 << enum box_mode) for each it has */
	bool reports;		/* passive: tells the sink of every byte */

	/* NULL if it cannot be made.  `emit` takes its frame. */
	void *(*create)(const struct box_config *cfg,
			void (*emit)(void *ctx, int side, struct frame *f), void *ctx);

	/* One frame arrived; pieces, gso_size and csum_none as the port would say them. */
	void (*input)(void *box, int side, const struct frame *f, int64_t now_us);

	/* Absolute time of the next timer, INT64_MAX for none. */
	int64_t (*next_timer)(void *box);

	/* End of a burst, or a timer is due: run timers up to now, emit what is pending. */
	void (*run)(void *box, int64_t now_us);

	/* Resets every connection at both ends, and returns how many; NULL: it can't. */
	unsigned (*reset)(void *box, int64_t now_us);

	void (*stats)(void *box, struct box_stats *st);

	/* Compares its books with what is true (audit.h); NULL: it has none. */
	void (*audit)(void *box, const struct audit *a);

	/* Frees everything; returns how many buffers never came back. */
	unsigned (*destroy)(void *box);
};

#endif
