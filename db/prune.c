/*
 * prune.c - rows that are too old, or too many, removed in slices, and their space given back.
 *
 * A slice is a batch of its own, so whoever records waits for a few thousand rows at most.  Rows
 * are in the order of their ends, so the oldest lie together in the table and in its index.
 */
#include "db/internal.h"

#include <errno.h>

/* Runs a statement that removes rows; adds to *n and returns how many, or an error. */
static int
remove_rows(struct store *s, enum store_stmt which, uint64_t *n, struct err *e)
{
	int code = store_run(s, which, "cannot remove old rows", e), changes;

	if (code < 0)
		return code;
	changes = sqlite3_changes(s->db);
	*n += (uint64_t)changes;
	return changes;
}

/* Flows take their gaps and conflicts along; those are no changes of the statement's own. */
static int
remove_flows(struct store *s, enum store_stmt which, struct store_pruned *p, struct err *e)
{
	int64_t total = sqlite3_total_changes64(s->db);
	int n = remove_rows(s, which, &p->flows, e);

	if (n >= 0)
		p->gaps += (uint64_t)(sqlite3_total_changes64(s->db) - total - n);
	return n;
}

static int
remove_others(struct store *s, int64_t before, unsigned int limit, struct store_pruned *p,
	      struct err *e)
{
	const struct {
		enum store_stmt stmt;
		uint64_t *n;
	} step[] = {
		{ STMT_PRUNE_GAPS, &p->gaps },
		{ STMT_PRUNE_CONFLICTS, &p->gaps },
		{ STMT_PRUNE_EVENTS, &p->events },
		{ STMT_PRUNE_POLICIES, &p->policies },
	};
	int code, sum = 0;
	unsigned int i;

	for (i = 0; i < sizeof step / sizeof step[0]; i++) {
		sqlite3_bind_int64(s->stmt[step[i].stmt], 1, before);
		sqlite3_bind_int64(s->stmt[step[i].stmt], 2, limit);
		code = remove_rows(s, step[i].stmt, step[i].n, e);
		if (code < 0)
			return code;
		sum += code;
	}
	return sum;
}

/* Ends the batch of `n` removed rows, or what failed. */
static int
end_slice(struct store *s, int n, struct err *e)
{
	int code;

	if (n < 0) {
		store_rollback(s);
		return n;
	}
	code = store_commit(s, e);
	return code < 0 ? code : n;
}

int
store_prune(struct store *s, int64_t before, unsigned int limit, struct store_pruned *p,
	    struct err *e)
{
	struct store_pruned now = *p;
	int n = store_begin(s, e);

	if (n < 0)
		return n;
	sqlite3_bind_int64(s->stmt[STMT_PRUNE_FLOWS], 1, before);
	sqlite3_bind_int64(s->stmt[STMT_PRUNE_FLOWS], 2, limit);
	n = remove_flows(s, STMT_PRUNE_FLOWS, &now, e);
	if (n == 0)
		n = remove_others(s, before, limit, &now, e);
	n = end_slice(s, n, e);
	if (n > 0)
		*p = now;
	return n;
}

int
store_prune_oldest(struct store *s, unsigned int limit, struct store_pruned *p, struct err *e)
{
	struct store_pruned now = *p;
	int n = store_begin(s, e);

	if (n < 0)
		return n;
	sqlite3_bind_int64(s->stmt[STMT_PRUNE_OLDEST], 1, limit);
	n = remove_flows(s, STMT_PRUNE_OLDEST, &now, e);
	n = end_slice(s, n, e);
	if (n > 0)
		*p = now;
	return n;
}

static int
not_counted(struct store *s, int rc, struct err *e)
{
	return err_set(e, store_errno(rc), "%s: cannot count old rows: %s", s->path,
		       sqlite3_errstr(rc));
}

/* By the sweeper's connection: a reader among others. */
static int
count(struct store *s, const char *sql, int64_t before, uint64_t *n, struct err *e)
{
	sqlite3_stmt *st = NULL;
	int rc = sqlite3_prepare_v2(s->sweeper, sql, -1, &st, NULL);

	if (rc == SQLITE_OK) {
		sqlite3_bind_int64(st, 1, before);
		if (sqlite3_step(st) == SQLITE_ROW)
			*n += (uint64_t)sqlite3_column_int64(st, 0);
		rc = sqlite3_finalize(st);
	}
	return rc == SQLITE_OK ? 0 : not_counted(s, rc, e);
}

/* The next flows in the order of the index by `ended`: how many, or an error. */
static int
count_flows(struct store *s, int64_t before, unsigned int limit, struct store_cursor *at,
	    struct err *e)
{
	sqlite3_stmt *st = NULL;
	int n = 0, rc;

	rc = sqlite3_prepare_v2(s->sweeper,
				"SELECT ended, id FROM flow WHERE ended < ?1 AND ended >= ?2 "
				"AND (ended > ?2 OR id > ?3) ORDER BY ended, id LIMIT ?4",
				-1, &st, NULL);
	if (rc == SQLITE_OK) {
		sqlite3_bind_int64(st, 1, before);
		sqlite3_bind_int64(st, 2, at->ended);
		sqlite3_bind_int64(st, 3, at->id);
		sqlite3_bind_int64(st, 4, limit);
		for (; sqlite3_step(st) == SQLITE_ROW; n++) {
			at->ended = sqlite3_column_int64(st, 0);
			at->id = sqlite3_column_int64(st, 1);
		}
		rc = sqlite3_finalize(st);
	}
	return rc == SQLITE_OK ? n : not_counted(s, rc, e);
}

int
store_prune_count(struct store *s, int64_t before, unsigned int limit, struct store_cursor *at,
		  struct store_pruned *p, struct err *e)
{
	int code = store_enter(s, e), n;

	if (code < 0)
		return code;
	store_leave(s);
	n = count_flows(s, before, limit, at, e);
	if (n > 0)
		p->flows += (uint64_t)n;
	if (n != 0)
		return n < 0 ? n : 1;
	code = count(s, "SELECT count(*) FROM gap WHERE declared < ?1", before, &p->gaps, e);
	if (code == 0)
		code = count(s, "SELECT count(*) FROM conflict WHERE seen < ?1", before, &p->gaps,
			     e);
	if (code == 0)
		code = count(s, "SELECT count(*) FROM event WHERE at < ?1", before, &p->events, e);
	if (code == 0)
		code = count(s,
			     "SELECT count(*) FROM policy WHERE loaded < ?1 AND active = 0 AND "
			     "generation <= " STORE_POLICY_HORIZON,
			     before, &p->policies, e);
	return code;
}

/* --- space --- */

static int
pragma(struct store *s, const char *sql, int64_t *v, struct err *e)
{
	sqlite3_stmt *st = NULL;
	int rc = sqlite3_prepare_v2(s->db, sql, -1, &st, NULL);

	if (rc == SQLITE_OK) {
		if (sqlite3_step(st) == SQLITE_ROW)
			*v = sqlite3_column_int64(st, 0);
		rc = sqlite3_finalize(st);
	}
	return rc == SQLITE_OK ? 0 : store_failed(s, rc, "cannot read its size", e);
}

int
store_space(struct store *s, uint64_t *used, uint64_t *unused, struct err *e)
{
	int64_t n_pages = 0, n_free = 0;
	int code = store_enter(s, e);

	if (code < 0)
		return code;
	code = pragma(s, "PRAGMA page_count", &n_pages, e);
	if (code == 0)
		code = pragma(s, "PRAGMA freelist_count", &n_free, e);
	*used = (uint64_t)((n_pages - n_free) * s->page_size);
	*unused = (uint64_t)(n_free * s->page_size);
	store_leave(s);
	return code;
}

int
store_give_back(struct store *s, unsigned int pages, struct err *e)
{
	int64_t before = 0, after = 0;
	char sql[64];
	int code = store_begin(s, e), rc;

	if (code < 0)
		return code;
	code = pragma(s, "PRAGMA freelist_count", &before, e);
	snprintf(sql, sizeof sql, "PRAGMA incremental_vacuum(%u)", pages);
	if (code == 0) {
		rc = sqlite3_exec(s->db, sql, NULL, NULL, NULL);
		if (rc != SQLITE_OK)
			code = store_failed(s, rc, "cannot give space back", e);
	}
	if (code == 0)
		code = pragma(s, "PRAGMA freelist_count", &after, e);
	return end_slice(s, code < 0 ? code : (int)(before - after), e);
}
