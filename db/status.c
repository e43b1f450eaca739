/*
 * status.c - what a store says of itself.
 */
#include "db/internal.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

/* Runs a query of one integer.  After the first failure the rest give 0. */
static int64_t
query(struct store *s, const char *sql, int *code, struct err *e)
{
	sqlite3_stmt *st = NULL;
	int64_t v = 0;
	int rc;

	if (*code < 0)
		return 0;
	rc = sqlite3_prepare_v2(s->db, sql, -1, &st, NULL);
	if (rc == SQLITE_OK) {
		rc = sqlite3_step(st);
		if (rc == SQLITE_ROW) {
			v = sqlite3_column_int64(st, 0);
			rc = SQLITE_OK;
		}
	}
	if (rc != SQLITE_OK)
		*code = store_failed(s, rc, "cannot read its status", e);
	sqlite3_finalize(st);
	return v;
}

static uint64_t
file_size(const char *path, const char *suffix)
{
	char name[4096 + 8];
	struct stat sb;

	snprintf(name, sizeof name, "%s%s", path, suffix);
	return stat(name, &sb) == 0 ? (uint64_t)sb.st_size : 0;
}

static void
fill_counters(struct store *s, struct store_status *st)
{
	st->run = (uint64_t)s->run;
	st->file_size = file_size(s->path, "");
	st->wal_size = file_size(s->path, "-wal");
	st->wal_used = (uint64_t)(s->wal_pages * s->page_size);
	st->live_rows = s->cp.n_done_rows;
	st->journal_lost = s->n_lost;
	st->committed = s->n_flows;
	st->refused = s->n_refused;
	st->rolled_back = s->n_rolled_back;
	st->set_aside = s->aside.n;
	memcpy(st->set_aside_as, s->aside.path, sizeof st->set_aside_as);
	st->failures = s->n_failures;
	st->last_errno = s->last_errno;
	st->last_error_at = s->last_error_at;
	memcpy(st->last_error, s->last_error, sizeof st->last_error);
}

static int
read_status(struct store *s, struct store_status *st, struct err *e)
{
	int code = 0;
	int64_t max;

	st->user_version = (int)query(s, "PRAGMA user_version", &code, e);
	st->free_size = (uint64_t)(query(s, "PRAGMA freelist_count", &code, e) * s->page_size);
	/* SQLite always has a limit; its own is far beyond any disk. */
	max = query(s, "PRAGMA max_page_count", &code, e);
	st->max_size = max >= STORE_NO_MAX_PAGES ? 0 : (uint64_t)(max * s->page_size);
	st->flow_rows = (uint64_t)query(s,
					"SELECT coalesce((SELECT max(id) FROM flow) "
					"- (SELECT min(id) FROM flow) + 1, 0)",
					&code, e);
	st->gap_rows = (uint64_t)query(s,
				       "SELECT coalesce((SELECT max(id) FROM gap) "
				       "- (SELECT min(id) FROM gap) + 1, 0)",
				       &code, e);
	st->policies = (uint64_t)query(s, "SELECT count(*) FROM policy", &code, e);
	return code;
}

int
store_status(struct store *s, struct store_status *st, struct err *e)
{
	bool mine = gate_is_mine(&s->gate);
	int code = 0;

	memset(st, 0, sizeof *st);
	if (!mine)
		gate_enter(&s->gate);
	code = s->db ? read_status(s, st, e) : err_set(e, -EUCLEAN, "%s", s->last_error);
	fill_counters(s, st);
	if (!mine)
		store_leave(s);
	return code;
}

int
store_set_max_size(struct store *s, uint64_t max_size, struct err *e)
{
	uint64_t pages = max_size / (uint64_t)s->page_size;
	char sql[64];
	int rc;

	if (max_size == 0 || pages > STORE_NO_MAX_PAGES)
		pages = STORE_NO_MAX_PAGES;
	snprintf(sql, sizeof sql, "PRAGMA max_page_count = %llu",
		 (unsigned long long)(pages > 0 ? pages : 1));
	rc = sqlite3_exec(s->db, sql, NULL, NULL, NULL);
	return rc == SQLITE_OK ? 0 : store_failed(s, rc, "cannot set its size limit", e);
}
