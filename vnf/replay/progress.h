/*
 * progress.h - how far the reading of a long capture is, on standard error.
 *
 * Only for a terminal, and only once it has taken a second.  One thread.
 */
#ifndef LEAT_VNF_REPLAY_PROGRESS_H
#define LEAT_VNF_REPLAY_PROGRESS_H

#include <stdbool.h>
#include <stdint.h>

struct capfile;

struct progress {
	bool wanted, shown;
	unsigned calls;
	unsigned undrained;	/* bursts since the journal was drained */
	int64_t began_ms, latest_ms;
};

/* `always`: for what is no terminal too, a line each time. */
void progress_begin(struct progress *p, bool always);

/* After each burst: now and then it looks at the clock, and four times a second it writes. */
void progress_show(struct progress *p, const struct capfile *s);

/* Takes the line away. */
void progress_end(struct progress *p);

#endif
