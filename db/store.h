/*
 * store.h - Leat's SQLite file: policies, flows that ended, flows that live.
 *
 * A struct store is owned by whoever opened it.  Two kinds of threads call:
 *
 *	the writer	one thread.  Batches, checkpoints, sweeping, retention, backups, status: all
 *			that is not named below.  May wait for the disk as long as that takes.
 *	visitors	any thread: store_policy_*(), store_interrupted(),
 *			store_conflicts().  One at a time is inside; a visitor is let in before the
 *			writer's next batch, and gives up with -EBUSY when the batch at work has
 *			not ended after a second.
 *
 * What can take long is done outside: store_sweep() copies the log into the database, and syncs
 * both, by a connection of its own.  Workers never call: they put the records of
 * db/record.h into a ring.
 *
 * One daemon at a time has a file open (a lock on PATH.lock says so), and any
 * number of readers, sqlite3(1) among them.
 *
 * Rows are written in batches: store_begin, any number of records, store_commit.
 * A failure is a negative errno and, with `e` not NULL, a line that says what to
 * do:
 *
 *	-EINVAL	this record or call is refused; the batch goes on without it
 *	-EBUSY	someone else holds the file; a reader keeps the log from being emptied
 *	-ENOSPC	the disk or the size limit is full
 *	-EIO	the disk failed
 *	-EUCLEAN	the file is damaged: store_mend()
 *	-EROFS, -EACCES, -ENOENT, -ENOMEM	as open(2) means them
 *
 * After every failure but -EINVAL the batch is rolled back whole and no longer
 * open: nothing of it is in the file, and the same records may be given again in
 * a new one, at once or later.  What the caller then drops it owes to store_lost().
 */
#ifndef LEAT_DB_STORE_H
#define LEAT_DB_STORE_H

#include "datapath/err.h"
#include "db/record.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
	STORE_SCHEMA_VERSION = 5,	/* PRAGMA user_version that this code writes */
	STORE_APPLICATION_ID = 0x4c454154,	/* "LEAT" */
};

struct store;

/* What store_open() needs to know.  Zero means the default. */
struct store_config {
	const char *path;	/* of the database; its folder exists */
	const char *instance;	/* "leat" */
	const char *version;	/* of the daemon, "" */
	int busy_ms;		/* how long a call waits for another writer, 250 */
	uint64_t wal_limit;	/* bytes of write-ahead log before batches are refused, 64 MB */
	uint64_t max_size;	/* bytes of database file, 0: no limit */
	bool set_aside;		/* open a new file where a damaged one is, which is kept */
	int64_t (*now)(void);	/* us since 1970, CLOCK_REALTIME */
};

/*
 * Opens the database, creates it or brings it to this version, and begins a run.
 * Returns 0 with *sp, which store_close() takes back, or:
 *	-EBUSY		another daemon has it open
 *	-EPROTO		a newer Leat wrote it
 *	-EMEDIUMTYPE	it is an SQLite database of something else
 *	-EUCLEAN	it is damaged, or no database
 * or any error of the list above.  The file is unchanged after a failure, except
 * that a journal left by a crash may have been replayed.
 *
 * With `set_aside` a damaged file of Leat's is renamed, PATH.corrupt-TIME, and a new one begun with
 * those of its policies that can be read.  No call takes longer for a large file.  Where another
 * program holds the file, or the disk is full, it opens all the same: policies can be read, and the
 * first batch that succeeds begins the run.
 */
int store_open(struct store **sp, const struct store_config *c, struct err *e);

/*
 * Rolls back an open batch, marks the run as stopped, empties the log and closes.
 * Returns 0, or the error that kept the mark from being written; the store is
 * closed in either case.  NULL is allowed.
 */
int store_close(struct store *s, struct err *e);

/* ---- batches ---- */

/* Opens a batch.  -EBUSY, -ENOSPC and so on: nothing is open.  -EINVAL: one was. */
int store_begin(struct store *s, struct err *e);

/* Ends the batch: 0 means that it is in the file and survives a kill of this process. */
int store_commit(struct store *s, struct err *e);

/* Ends the batch as if it had never begun.  Does nothing where none is open. */
void store_rollback(struct store *s);

/*
 * Adds the row of a flow that ended.  Its gaps have been given before, in this
 * batch or an earlier one.  Needs an open batch.
 */
int store_flow_ended(struct store *s, const struct flow_record *r, struct err *e);

/* Adds a gap, or a conflict, of a flow that has not ended yet.  Need an open batch. */
int store_gap(struct store *s, const struct gap_record *g, struct err *e);
int store_conflict(struct store *s, const struct conflict_record *c, struct err *e);

/* The gaps and conflicts given so far of a flow that has not ended are of the other direction each.
 * Needs an open batch. */
int store_turn(struct store *s, const struct turn_record *t, struct err *e);

/* Counts `n` ended flows, gaps or conflicts that will never be recorded.  Need an open batch. */
int store_lost(struct store *s, uint64_t n, struct err *e);
int store_gaps_lost(struct store *s, uint64_t n, struct err *e);
int store_conflicts_lost(struct store *s, uint64_t n, struct err *e);

/* Says how many ended flows wait to be given after this batch.  Needs an open one. */
int store_waiting(struct store *s, uint64_t n, struct err *e);

/* Writes down that something happened: a word, and a line of detail.  Needs an open batch. */
int store_event(struct store *s, const char *what, const char *detail, struct err *e);

/* ---- live flows ---- */

/*
 * A checkpoint of the live flows: begin, each flow, end.  The flows may be spread
 * over any number of batches; all three calls need an open one.  The earlier checkpoint
 * stands until the batch with the end is committed, then this one takes its place at
 * once.  Begin it before the first worker is asked for its flows: a flow that
 * ends in between is then known to have ended.  Begin again gives up what was added.
 */
int store_checkpoint_begin(struct store *s, struct err *e);
int store_checkpoint_add(struct store *s, const struct live_record *r, struct err *e);
int store_checkpoint_end(struct store *s, struct err *e);

/*
 * Turns flows that an earlier run left alive at its last checkpoint, and for which
 * it wrote no end, into ended ones of reason `interrupted`, at most `limit` a
 * call, as one batch of its own (none may be open).  Returns the number of rows it took off the
 * list, 0 when none is left, or an error.
 */
int store_recover(struct store *s, unsigned int limit, struct err *e);

/*
 * Gives each flow that was interrupted since the last run that completed a checkpoint, whether
 * store_recover() has come to it or not.  `fn` must not call the store; it
 * returns 0 to go on, and anything else becomes the result.
 */
int store_interrupted(struct store *s, int (*fn)(void *arg, const struct flow_record *r), void *arg,
		      struct err *e);

/* ---- conflicts ---- */

/*
 * Gives the latest conflicts, at most `limit`, the newest first: all, or (`flow_id` not NULL) those
 * of a flow of this run.  What waits for a batch is not among them.  `fn` as in
 * store_interrupted(); `run` is the flow's.
 */
int store_conflicts(struct store *s, const char *flow_id, unsigned int limit,
		    int (*fn)(void *arg, uint64_t run, const struct conflict_record *c), void *arg,
		    struct err *e);

/* ---- policies ---- */

struct store_policy {
	uint64_t generation;
	int64_t loaded;		/* us since 1970 */
	bool active;
	char *name;		/* where the text came from; NUL-terminated */
	char *text;		/* NULL in a listing */
};

/*
 * Stores a policy's text under a new generation and makes it the active one, both
 * or neither, synced to the disk.  No batch may be open.
 */
int store_policy_save(struct store *s, const char *text, const char *name, uint64_t *generation,
		      struct err *e);

/* Makes an earlier generation the active one.  -ENOENT: there is none.  No batch may be open. */
int store_policy_activate(struct store *s, uint64_t generation, struct err *e);

/*
 * Reads the active policy, or a generation.  -ENOENT: there is none.  The strings are
 * the caller's, store_policy_fini() frees them.
 */
int store_policy_active(struct store *s, struct store_policy *p, struct err *e);
int store_policy_get(struct store *s, uint64_t generation, struct store_policy *p, struct err *e);
void store_policy_fini(struct store_policy *p);

/* Gives each policy without its text, newest first; `fn` as in store_interrupted(). */
int store_policy_list(struct store *s, int (*fn)(void *arg, const struct store_policy *p),
		      void *arg, struct err *e);

/* ---- retention ---- */

/* Rows removed; each call adds to it. */
struct store_pruned {
	uint64_t flows, gaps, events, policies;	/* conflicts are among the gaps */
};

/*
 * Removes at most `limit` of the flows that ended before `before`, with their gaps and conflicts,
 * as one batch; then, once there are none, events of that age, gaps and conflicts of that age of
 * flows that were lost, and policies of that age beyond the newest hundred.  Returns the number of
 * rows removed, 0 when none is left, or an error.
 */
int store_prune(struct store *s, int64_t before, unsigned int limit, struct store_pruned *p,
		struct err *e);

/* Likewise the `limit` flows that ended first, whatever their age. */
int store_prune_oldest(struct store *s, unsigned int limit, struct store_pruned *p, struct err *e);

/* Where a count goes on; all zeros at its beginning. */
struct store_cursor {
	int64_t ended, id;
};

/*
 * Counts what store_prune() would remove, `limit` flows a call, without keeping anyone out; gaps by
 * when they were declared.  Returns 1 while there is more to count, 0, or an error.
 */
int store_prune_count(struct store *s, int64_t before, unsigned int limit, struct store_cursor *at,
		      struct store_pruned *p, struct err *e);

/* Bytes of the file that hold something, and that hold nothing. */
int store_space(struct store *s, uint64_t *used, uint64_t *unused, struct err *e);

/* Gives at most `pages` unused pages back to the file system; returns how many, or an error. */
int store_give_back(struct store *s, unsigned int pages, struct err *e);

/* ---- backup ---- */

struct store_backup;

/*
 * Begins a copy of the database as it is at the end of the copying, in a file of mode 0640 that
 * appears as `path` when it is complete.  -EEXIST if there is one and `replace` is not set.
 */
int store_backup_open(struct store *s, const char *path, bool replace, struct store_backup **bp,
		      struct err *e);

/*
 * Copies `pages` more: 1 while there is more to do, 0 when the copy is synced and in its
 * place, or an error.  *done and *all are pages.  Batches may be written between steps, in none.
 */
int store_backup_step(struct store_backup *b, int pages, uint64_t *done, uint64_t *all,
		      struct err *e);

/* Frees it; what is not complete is removed.  NULL is allowed. */
void store_backup_close(struct store_backup *b);

/* ---- the store itself ---- */

struct store_status {
	uint64_t run;		/* number of this start */
	int user_version;
	uint64_t file_size;	/* bytes */
	uint64_t free_size;	/* bytes of it that hold nothing */
	uint64_t wal_size;	/* bytes of write-ahead log on the disk */
	uint64_t wal_used;	/* bytes of it in use: this is what the limit is about */
	uint64_t max_size;	/* bytes, 0: no limit */
	uint64_t flow_rows;	/* last id - first id + 1 */
	uint64_t gap_rows;	/* likewise */
	uint64_t live_rows;	/* of the last complete checkpoint of this run */
	uint64_t policies;
	uint64_t journal_lost;	/* of this run */
	uint64_t committed;	/* flows recorded in this run */
	uint64_t refused;	/* records refused with -EINVAL in this run */
	uint64_t rolled_back;	/* batches */
	uint64_t set_aside;	/* damaged files of this process */
	char set_aside_as[512];	/* the last of them */
	uint64_t failures;	/* calls that failed, those for a refused record not counted */
	int last_errno;		/* positive, 0: none yet */
	int64_t last_error_at;	/* us since 1970 */
	char last_error[512];
};

/*
 * Fills *st.  What can't be read now is 0 and the first such failure the result;
 * the counters and the last error are always right.
 */
int store_status(struct store *s, struct store_status *st, struct err *e);

/*
 * Moves the log's content into the database if much of it has gathered, to be called after
 * batches.  Waits for the disk, with the store open to visitors.  0 also where readers keep it
 * from doing so: at the limit batches fail.
 */
int store_sweep(struct store *s, struct err *e);

/*
 * Moves the log's content into the database and truncates the log, as far as
 * readers allow: -EBUSY if they did not.  No batch may be open.
 */
int store_wal_checkpoint(struct store *s, struct err *e);

/*
 * After -EUCLEAN: renames the damaged file, begins a new one, gives it the policies that can still
 * be read and the active one in any case, and writes an event about it.  What the caller holds can
 * be given again.  0 also where there is no damage; -EUCLEAN within a minute of the last time.
 */
int store_mend(struct store *s, struct err *e);

/* Changes the size limit, in bytes; 0 removes it.  It is never below the present size. */
int store_set_max_size(struct store *s, uint64_t max_size, struct err *e);

/* True if a record may be given: the calling thread has a batch open. */
bool store_in_batch(struct store *s);

#endif
