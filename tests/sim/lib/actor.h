/*
 * actor.h - the application at an end: writes its stream, reads and verifies the other, closes or
 * aborts when its part says so.
 *
 * Owned by the run; single thread, virtual time.
 */
#ifndef LEAT_SIM_ACTOR_H
#define LEAT_SIM_ACTOR_H

#include "tests/sim/lib/endpoint.h"

struct actor_config {
	uint64_t key_out, key_in;	/* of the streams (rng.h) */
	uint64_t total_out;		/* bytes to write */
	size_t write_chunk, read_chunk;	/* bytes at a time */
	int64_t write_pause_us, read_pause_us;	/* after each chunk; 0: none */
	uint64_t stall_at;		/* having read so much, stops reading once ... */
	int64_t stall_us;		/* ... for so long; 0: never */
	bool close_after_eof;		/* shuts down only when the peer has */
	bool aborts;
	uint64_t abort_at;		/* bytes written and read together */
	int64_t abort_us;		/* or this time, whichever is first */
};

struct actor {
	struct actor_config cfg;
	const struct endpoint_ops *ops;
	void *ep;
	uint64_t written, read;
	bool closed, aborted, stalled, eof;
	uint64_t wrong_at;		/* offset of the first wrong byte, UINT64_MAX none */
	int64_t write_at, read_at;
};

/* `ep` stays the caller's. */
void actor_init(struct actor *a, const struct actor_config *cfg, const struct endpoint_ops *ops,
		void *ep);

/* Does what can be done now; returns when it wants to be called again, INT64_MAX for never. */
int64_t actor_step(struct actor *a, int64_t now_us);

/* Has the connection ended, in whatever way, and is everything read? */
bool actor_done(const struct actor *a, struct endpoint_status *st);

#endif
