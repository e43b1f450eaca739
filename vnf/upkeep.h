/*
 * upkeep.h - what the store needs from time to time: retention, and what an operator asks for.
 *
 * Recorder's thread.  All of it is done in steps of a few thousand rows or pages, between which
 * records are written.
 */
#ifndef LEAT_VNF_UPKEEP_H
#define LEAT_VNF_UPKEEP_H

#include "datapath/clock.h"
#include "db/store.h"

/* What is kept; 0: all. */
struct retention {
	int64_t age_us;
	uint64_t bytes;
};

enum upkeep_kind {
	UPKEEP_NONE,
	UPKEEP_BACKUP,		/* to `path` */
	UPKEEP_CHECKPOINT,	/* empties the log */
	UPKEEP_PRUNE,		/* what ended before `before`; if that is 0, by retention */
	UPKEEP_COUNT,		/* only counts that */
};

struct upkeep_job {
	enum upkeep_kind kind;
	char path[512];
	bool replace;
	int64_t before;		/* us since 1970 */
};

struct upkeep_result {
	int rc;			/* 0, or a negative errno, and then `text` says why */
	char text[1024];	/* for the operator */
};

struct upkeep {
	struct store *store;
	struct retention keep;
	usec_t next;		/* look at what is to be removed */
	bool pruning, giving_back;
	struct store_pruned pruned;	/* by retention, in all */
	/* the job at work */
	struct upkeep_job job;
	struct store_backup *backup;
	struct store_pruned job_pruned;
	struct store_cursor cursor;
	uint64_t done, all;	/* of it, in its own unit */
	uint64_t size_before;	/* bytes: of the file, or of its log */
};

void upkeep_init(struct upkeep *u, struct store *store, const struct retention *keep);
void upkeep_fini(struct upkeep *u);

/* Begins it.  Nothing else is at work. */
void upkeep_begin(struct upkeep *u, const struct upkeep_job *job);

/* A step of the job; true when it is over, and *result says how. */
bool upkeep_work(struct upkeep *u, struct upkeep_result *result);

/* A step of retention: 1 if there is more to do at once, 0, or a negative errno with `err`. */
int upkeep_retain(struct upkeep *u, usec_t now, struct err *err);

#endif
