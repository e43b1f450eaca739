/*
 * batch.c - transactions, and a write-ahead log that stays small.
 *
 * The log is emptied by us after a commit, not by SQLite's default hook, because
 * that hook hides its failures and gives up silently when a reader stands in the way.
 * Here a reader that never ends makes batches fail at a limit, and someone is told.
 */
#include "db/internal.h"

#include <errno.h>

int
store_want_batch(struct store *s, bool want, struct err *e)
{
	if (s->batch.open == want)
		return 0;
	return store_refused(s, e, want ? "%s: no batch is open" : "%s: a batch is open", s->path);
}

bool
store_in_batch(const struct store *s)
{
	return s->batch.open;
}

void
store_rollback(struct store *s)
{
	if (!s->batch.open)
		return;
	/* After some failures SQLite has rolled back by itself. */
	if (!sqlite3_get_autocommit(s->db)) {
		sqlite3_step(s->stmt[STMT_ROLLBACK]);
		sqlite3_reset(s->stmt[STMT_ROLLBACK]);
	}
	s->last_flow = s->batch.last_flow;
	s->cp = s->batch.cp;
	s->batch.open = false;
	s->n_rolled_back++;
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
store_begin(struct store *s, struct err *e)
{
	int code = store_want_batch(s, false, e);

	if (code == 0)
		code = bound_wal(s, e);
	if (code == 0)
		code = store_run(s, STMT_BEGIN, "cannot begin to write", e);
	if (code < 0)
		return code;
	s->batch = (struct batch){ .open = true, .last_flow = s->last_flow, .cp = s->cp };
	return 0;
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
store_run_add(struct store *s, int64_t run, uint64_t n_flows, uint64_t n_lost, struct err *e)
{
	sqlite3_stmt *st = s->stmt[STMT_RUN_ADD];

	if (n_flows == 0 && n_lost == 0)
		return 0;
	sqlite3_bind_int64(st, 1, (int64_t)n_flows);
	sqlite3_bind_int64(st, 2, (int64_t)n_lost);
	sqlite3_bind_int64(st, 3, s->last_flow);
	sqlite3_bind_int64(st, 4, run);
	return store_run(s, STMT_RUN_ADD, "cannot count the flows of a run", e);
}

int
store_commit(struct store *s, struct err *e)
{
	int code = store_want_batch(s, true, e), rc;

	if (code == 0)
		code = trim_live(s, e);
	if (code == 0)
		code = store_run_add(s, s->run, s->batch.n_flows, s->batch.n_lost, e);
	if (code == 0)
		code = store_run(s, STMT_COMMIT, "cannot write", e);
	if (code < 0) {
		store_rollback(s);
		return code;
	}
	s->batch.open = false;
	s->n_flows += s->batch.n_flows;
	s->n_lost += s->batch.n_lost;
	if (s->wal_pages * s->page_size >= STORE_WAL_PASSIVE) {
		rc = store_empty_wal(s, false);
		if (rc != SQLITE_OK && rc != SQLITE_BUSY)
			store_failed(s, rc, "cannot empty the log", NULL);
	}
	return 0;
}

int
store_wal_checkpoint(struct store *s, struct err *e)
{
	int code = store_want_batch(s, false, e), rc;

	if (code < 0)
		return code;
	rc = store_empty_wal(s, true);
	return rc == SQLITE_OK ? 0 : store_failed(s, rc, "cannot empty the log", e);
}
