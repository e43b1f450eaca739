/*
 * batch.c - transactions, and a write-ahead log that stays small.
 *
 * The log is emptied by us between batches, not by SQLite's default hook, because
 * that hook hides its failures, gives up silently when a reader stands in the way, and
 * syncs while the store is held.  Here a second connection copies and syncs beside the writers, and
 * a reader that never ends makes batches fail at a limit, and someone is told.
 */
#include "db/internal.h"

#include <errno.h>

bool
store_in_batch(struct store *s)
{
	return gate_is_mine(&s->gate) && s->batch.open;
}

int
store_want_batch(struct store *s, struct err *e)
{
	if (store_in_batch(s))
		return 0;
	return store_refused(s, e, "%s: no batch is open", s->path);
}

/*
 * A batch of flows may be lost with the power; a policy that was answered "loaded" may
 * not.  The setting can't change inside a transaction.
 */
static void
sync_commits(struct store *s, bool full)
{
	sqlite3_exec(s->db, full ? "PRAGMA synchronous = FULL" : "PRAGMA synchronous = NORMAL",
		     NULL, NULL, NULL);
}

static void
leave_batch(struct store *s)
{
	s->batch.open = false;
	if (s->batch.kind == BATCH_OF_POLICY)
		sync_commits(s, false);
	store_leave(s);
}

void
store_rollback(struct store *s)
{
	if (!store_in_batch(s))
		return;
	/* After some failures SQLite has rolled back by itself. */
	if (!sqlite3_get_autocommit(s->db)) {
		sqlite3_step(s->stmt[STMT_ROLLBACK]);
		sqlite3_reset(s->stmt[STMT_ROLLBACK]);
	}
	s->last_flow = s->batch.last_flow;
	s->cp = s->batch.cp;
	s->n_rolled_back++;
	leave_batch(s);
}

int
store_step_failed(struct store *s, sqlite3_stmt *st, int rc, const char *doing, struct err *e)
{
	int code = store_failed(s, rc, doing, e);

	sqlite3_reset(st);
	if (code != -EINVAL)
		store_rollback(s);
	return code;
}

int
store_run(struct store *s, enum store_stmt which, const char *doing, struct err *e)
{
	sqlite3_stmt *st = s->stmt[which];
	int rc = sqlite3_step(st);

	if (rc != SQLITE_DONE)
		return store_step_failed(s, st, rc, doing, e);
	sqlite3_reset(st);
	return 0;
}

/* --- the log --- */

int
store_empty_wal(struct store *s, bool truncate)
{
	int n_copied = 0, n_frames = 0, rc;

	/* Readers may take as long as they like; nobody waits for them here. */
	sqlite3_busy_timeout(s->db, 0);
	rc = sqlite3_wal_checkpoint_v2(
		s->db, NULL, truncate ? SQLITE_CHECKPOINT_TRUNCATE : SQLITE_CHECKPOINT_PASSIVE,
		&n_frames, &n_copied);
	sqlite3_busy_timeout(s->db, s->busy_ms);
	if (rc == SQLITE_OK && truncate)
		s->wal_pages = 0;
	return rc;
}

/* Once the log holds more than its limit, only readers can make that so. */
static int
bound_wal(struct store *s, struct err *e)
{
	int rc;

	if ((uint64_t)(s->wal_pages * s->page_size) <= s->wal_limit)
		return 0;
	rc = store_empty_wal(s, true);
	if (rc == SQLITE_OK)
		return 0;
	if (rc == SQLITE_BUSY)
		return store_failed(s, rc, "a reader holds the log, which is at its limit", e);
	return store_failed(s, rc, "cannot empty the log", e);
}

int
store_sweep(struct store *s, struct err *e)
{
	int64_t n = __atomic_load_n(&s->wal_pages, __ATOMIC_RELAXED);
	int rc;

	if (!s->sweeper || n * s->page_size < STORE_WAL_SWEEP)
		return 0;
	rc = sqlite3_wal_checkpoint_v2(s->sweeper, NULL, SQLITE_CHECKPOINT_PASSIVE, NULL, NULL);
	if (rc == SQLITE_OK || (rc & 0xff) == SQLITE_BUSY)
		return 0;
	if (store_enter(s, e) < 0)
		return store_errno(rc);
	rc = store_failed(s, rc, "cannot empty the log", e);
	store_leave(s);
	return rc;
}

int
store_wal_checkpoint(struct store *s, struct err *e)
{
	int code, rc;

	/* Most of it beside the writers, so that the rest is soon done. */
	if (s->sweeper && !store_in_batch(s))
		sqlite3_wal_checkpoint_v2(s->sweeper, NULL, SQLITE_CHECKPOINT_PASSIVE, NULL, NULL);
	code = store_enter(s, e);
	if (code < 0)
		return code;
	rc = store_empty_wal(s, true);
	code = rc == SQLITE_OK ? 0 : store_failed(s, rc, "cannot empty the log", e);
	store_leave(s);
	return code;
}

/* --- batches --- */

int
store_open_batch(struct store *s, enum batch_kind kind, struct err *e)
{
	int code = kind == BATCH_OF_ROWS ? bound_wal(s, e) : 0;

	if (code == 0)
		code = store_begin_run(s, e);
	if (code < 0) {
		store_leave(s);
		return code;
	}
	s->batch = (struct batch){ .kind = kind, .last_flow = s->last_flow, .cp = s->cp };
	if (kind == BATCH_OF_POLICY)
		sync_commits(s, true);
	code = store_run(s, STMT_BEGIN, "cannot begin to write", e);
	if (code < 0)
		leave_batch(s);
	else
		s->batch.open = true;
	return code;
}

int
store_begin(struct store *s, struct err *e)
{
	int code = store_enter(s, e);

	return code < 0 ? code : store_open_batch(s, BATCH_OF_ROWS, e);
}

static int
trim_live(struct store *s, struct err *e)
{
	int code;

	if (!s->cp.trim)
		return 0;
	sqlite3_bind_int64(s->stmt[STMT_LIVE_TRIM], 1, s->run);
	sqlite3_bind_int64(s->stmt[STMT_LIVE_TRIM], 2, (int64_t)s->cp.done);
	sqlite3_bind_int(s->stmt[STMT_LIVE_TRIM], 3, STORE_TRIM_ROWS);
	code = store_run(s, STMT_LIVE_TRIM, "cannot remove an old checkpoint", e);
	if (code == 0 && sqlite3_changes(s->db) < STORE_TRIM_ROWS)
		s->cp.trim = false;
	return code;
}

int
store_run_add(struct store *s, int64_t run, uint64_t n_flows, struct err *e)
{
	sqlite3_stmt *st = s->stmt[STMT_RUN_ADD];

	sqlite3_bind_int64(st, 1, (int64_t)n_flows);
	sqlite3_bind_int64(st, 2, s->last_flow);
	sqlite3_bind_int64(st, 3, run);
	return store_run(s, STMT_RUN_ADD, "cannot count the flows of a run", e);
}

/* What this run counts, and when that was true. */
static int
count(struct store *s, struct err *e)
{
	const struct batch *b = &s->batch;
	sqlite3_stmt *st = s->stmt[STMT_RUN_COUNT];

	if (b->n_flows == 0 && !b->counted)
		return 0;
	sqlite3_bind_int64(st, 1, (int64_t)b->n_flows);
	sqlite3_bind_int64(st, 2, (int64_t)b->n_lost);
	sqlite3_bind_int64(st, 3, (int64_t)b->n_gaps_lost);
	sqlite3_bind_int64(st, 4, (int64_t)b->n_waiting);
	sqlite3_bind_int64(st, 5, s->now());
	sqlite3_bind_int64(st, 6, s->last_flow);
	sqlite3_bind_int64(st, 7, (int64_t)b->n_conflicts_lost);
	sqlite3_bind_int64(st, 8, s->run);
	return store_run(s, STMT_RUN_COUNT, "cannot count the flows of a run", e);
}

int
store_commit(struct store *s, struct err *e)
{
	int code = store_want_batch(s, e);

	if (code < 0)
		return code;
	code = trim_live(s, e);
	if (code == 0)
		code = count(s, e);
	if (code == 0)
		code = store_run(s, STMT_COMMIT, "cannot write", e);
	if (code < 0) {
		store_rollback(s);
		return code;
	}
	s->n_flows += s->batch.n_flows;
	s->n_lost += s->batch.n_lost;
	leave_batch(s);
	return 0;
}
