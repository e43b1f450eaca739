/*
 * recorder.h - the thread that writes into the store, so that nobody else waits for the disk.
 *
 * It drains the journal ten times a second, writes checkpoints of live flows and events, turns what
 * a crash left into rows, keeps to the retention, empties the log, and begins a new database where
 * the old one is found damaged.  It is the store's one writer (db/store.h).
 */
#ifndef LEAT_VNF_RECORDER_H
#define LEAT_VNF_RECORDER_H

#include "vnf/checkpoint.h"
#include "vnf/journal.h"
#include "vnf/upkeep.h"

struct recorder;

struct recorder_conf {
	struct store *store;
	struct journal *journal;
	struct checkpoint *checkpoint;	/* NULL: none are written */
	struct retention keep;
};

/* Starts the thread.  What `c` names outlives it.  NULL fills `err`. */
struct recorder *recorder_new(const struct recorder_conf *c, struct err *err);

/* Writes what is in the journal, as far as the store takes it, and ends the thread. */
void recorder_free(struct recorder *r);

/* Any thread but a worker's: a row of the table `event`, soon; only the last 64 wait. */
void recorder_event(struct recorder *r, const char *what, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

struct recorder_status {
	struct store_status store;	/* at most a second old */
	char problem[1024];	/* what is wrong now, and what to do; "": nothing */
	uint64_t recovered;	/* flows that an earlier run left, now rows */
	bool recovering;	/* there are more of them */
	struct store_pruned pruned;	/* by retention */
	uint32_t longest_batch_ms;	/* of the last minute */
	char job[64];		/* what is at work, and how far; "": nothing */
};

/* Any thread; waits for nothing. */
void recorder_status(struct recorder *r, struct recorder_status *st);

/*
 * Control thread: begins a job.  0, or -EBUSY if one is at work.  recorder_answer() is true, once,
 * when it is over.
 */
int recorder_ask(struct recorder *r, const struct upkeep_job *job, struct err *err);
bool recorder_answer(struct recorder *r, struct upkeep_result *result);

#endif
