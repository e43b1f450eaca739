/*
 * passive.h - whether what a passive box tells of the streams is true.
 *
 * Every byte reported is compared, in order, without holes but the gaps reported.  Owned by the
 * run; single thread.
 */
#ifndef LEAT_SIM_PASSIVE_H
#define LEAT_SIM_PASSIVE_H

#include "tests/sim/lib/box.h"
#include "tests/sim/lib/checker.h"
#include "tests/sim/lib/ranges.h"

struct passive_half {
	uint64_t key, total;
	uint64_t next;		/* offset that must come next */
	uint64_t gaps;		/* bytes */
	uint64_t base;		/* of its offsets: not 0 if the box had no buffers for the start */
};

struct passive {
	struct passive_half half[CHECKER_FLOWS][2];
	const struct checker *checker;	/* knows what has reached the box ... */
	const int64_t *now;		/* ... before now, us */
	bool gaps_allowed, ends_known;	/* by what the wire and the tap may do */
	bool scarce;			/* the box may drop for want of buffers */
	void (*breach)(void *ctx, const char *rule, const char *text);
	void *ctx;
};

/* At the end of a flow that was not reset. */
void passive_finish(struct passive *p, unsigned flow);

/* The callbacks of a box_sink whose ctx is a struct passive. */
void passive_bytes(void *ctx, unsigned flow, int dir, uint64_t offset, const uint8_t *bytes,
		   size_t len);
void passive_gap(void *ctx, unsigned flow, int dir, uint64_t offset, uint64_t len, bool own);

#endif
