/*
 * store.c - opening, in an order that leaves a file that is not ours untouched, and closing.
 */
#include "db/store.h"

#include "db/internal.h"
#include "db/migrate.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum {
	BUSY_MS = 250,
	WAL_LIMIT = 64 << 20,		/* bytes */
	CACHE_KB = 4 << 10,
};

static int64_t
wall_clock(void)
{
	struct timespec t;

	clock_gettime(CLOCK_REALTIME, &t);
	return (int64_t)t.tv_sec * 1000000 + t.tv_nsec / 1000;
}

static int
count_wal(void *arg, sqlite3 *db, const char *name, int n_frames)
{
	struct store *s = arg;

	(void)db;
	(void)name;
	s->wal_pages = n_frames;
	return SQLITE_OK;
}

/* Runs a query of one value; *rc stays at the first failure. */
static int64_t
value(struct store *s, const char *sql, int *rc)
{
	sqlite3_stmt *st = NULL;
	int64_t v = 0;

	if (*rc != SQLITE_OK)
		return 0;
	*rc = sqlite3_prepare_v2(s->db, sql, -1, &st, NULL);
	if (*rc == SQLITE_OK && sqlite3_step(st) == SQLITE_ROW)
		v = sqlite3_column_int64(st, 0);
	if (*rc == SQLITE_OK)
		*rc = sqlite3_finalize(st);
	return v;
}

/* Is it ours, and of a version that can be brought here?  Only reads. */
static int
recognise(struct store *s, bool *fresh, struct err *e)
{
	int rc = SQLITE_OK;
	int64_t application, n_tables, version;

	version = value(s, "PRAGMA user_version", &rc);
	application = value(s, "PRAGMA application_id", &rc);
	n_tables = value(s, "SELECT count(*) FROM sqlite_schema", &rc);
	if (rc != SQLITE_OK)
		return store_failed(s, rc, "cannot be read", e);
	*fresh = n_tables == 0 && version == 0;
	if (application != STORE_APPLICATION_ID && !(*fresh && application == 0))
		return err_set(e, -EMEDIUMTYPE,
			       "%s is an SQLite database, but not one of Leat: give "
			       "another --db",
			       s->path);
	if (version > STORE_SCHEMA_VERSION)
		return err_set(e, -EPROTO,
			       "%s was written by a newer Leat (schema %lld, this one "
			       "knows %d): use that version or another --db",
			       s->path, (long long)version, STORE_SCHEMA_VERSION);
	if (sqlite3_db_readonly(s->db, "main") == 1)
		return store_failed(s, SQLITE_READONLY, "cannot be written", e);
	return 0;
}

static int
set_up(struct store *s, bool fresh, struct err *e)
{
	char sql[512];
	int rc = SQLITE_OK;

	/* Space of removed rows can be given back only if this stands in the first page. */
	if (fresh)
		rc = sqlite3_exec(s->db, "PRAGMA auto_vacuum = INCREMENTAL", NULL, NULL, NULL);
	snprintf(sql, sizeof sql,
		 "PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL; "
		 "PRAGMA foreign_keys = ON; PRAGMA temp_store = MEMORY; "
		 "PRAGMA trusted_schema = OFF; PRAGMA cache_size = -%d; "
		 "PRAGMA journal_size_limit = %llu",
		 CACHE_KB, (unsigned long long)s->wal_limit);
	if (rc == SQLITE_OK)
		rc = sqlite3_exec(s->db, sql, NULL, NULL, NULL);
	s->page_size = value(s, "PRAGMA page_size", &rc);
	if (rc != SQLITE_OK)
		return store_failed(s, rc, "cannot be set up", e);
	sqlite3_wal_hook(s->db, count_wal, s);
	return 0;
}

static int
bring_up_to_date(struct store *s, struct err *e)
{
	struct migration steps[STORE_SCHEMA_VERSION];
	struct err why = { "" };
	unsigned int i, n = 0;
	int code;

	steps[n++] = (struct migration){ 0, STORE_SCHEMA_VERSION, schema_sql };
	for (i = 0; i < n_migration_sql && n < STORE_SCHEMA_VERSION; i++, n++)
		steps[n] = (struct migration){ (int)n, (int)n + 1, migration_sql[i] };
	code = migrate(s->db, steps, n, STORE_SCHEMA_VERSION, &why);
	if (code < 0)
		return err_set(e, code, "%s: %s", s->path, why.msg);
	return 0;
}

/* The row of this run, and where the ids of flows go on. */
static int
begin_run(struct store *s, const struct store_config *c, struct err *e)
{
	sqlite3_stmt *st = NULL;
	int rc = SQLITE_OK;

	s->last_flow = value(s,
			     "SELECT max(coalesce((SELECT max(id) FROM flow), 0), "
			     "coalesce((SELECT max(last_flow) FROM run), 0))",
			     &rc);
	if (rc == SQLITE_OK)
		rc = sqlite3_prepare_v2(s->db,
					"INSERT INTO run (instance, version, pid, started) "
					"VALUES (?,?,?,?)",
					-1, &st, NULL);
	if (rc == SQLITE_OK) {
		sqlite3_bind_text(st, 1, c->instance ? c->instance : "leat", -1, SQLITE_STATIC);
		sqlite3_bind_text(st, 2, c->version ? c->version : "", -1, SQLITE_STATIC);
		sqlite3_bind_int64(st, 3, getpid());
		sqlite3_bind_int64(st, 4, s->now());
		sqlite3_step(st);
		rc = sqlite3_finalize(st);
	}
	if (rc != SQLITE_OK)
		return store_failed(s, rc, "cannot begin a run", e);
	s->run = sqlite3_last_insert_rowid(s->db);
	return 0;
}

static int
open_database(struct store *s, const struct store_config *c, struct err *e)
{
	bool fresh = false;
	int code, rc;

	rc = sqlite3_open_v2(s->path, &s->db,
			     SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX |
				     SQLITE_OPEN_PRIVATECACHE,
			     NULL);
	if (rc != SQLITE_OK)
		return store_failed(s, rc, "cannot be opened", e);
	sqlite3_extended_result_codes(s->db, 1);
	sqlite3_busy_timeout(s->db, s->busy_ms);
	code = recognise(s, &fresh, e);
	if (code == 0)
		code = set_up(s, fresh, e);
	if (code == 0)
		code = bring_up_to_date(s, e);
	if (code == 0) {
		rc = store_prepare(s);
		if (rc != SQLITE_OK)
			code = store_failed(s, rc, "its tables are not those of its version", e);
	}
	if (code == 0 && c->max_size > 0)
		code = store_set_max_size(s, c->max_size, e);
	/* Whatever a crash left in the log goes into the file now, if nobody reads it. */
	if (code == 0)
		store_empty_wal(s, true);
	return code < 0 ? code : begin_run(s, c, e);
}

static void
dispose(struct store *s)
{
	store_finalize(s);
	sqlite3_close(s->db);
	if (s->lock_fd >= 0)
		close(s->lock_fd);
	free(s->path);
	free(s);
}

int
store_open(struct store **sp, const struct store_config *c, struct err *e)
{
	struct store *s;
	int code;

	if (!c->path || !c->path[0])
		return err_set(e, -EINVAL, "no path of a database: give --db");
	s = calloc(1, sizeof *s);
	if (!s)
		return err_set(e, -ENOMEM, "%s: out of memory", c->path);
	s->lock_fd = -1;
	s->busy_ms = c->busy_ms > 0 ? c->busy_ms : BUSY_MS;
	s->wal_limit = c->wal_limit > 0 ? c->wal_limit : WAL_LIMIT;
	s->now = c->now ? c->now : wall_clock;
	s->path = strdup(c->path);
	if (s->path)
		s->lock_fd = store_lock(s->path, e);
	else
		s->lock_fd = err_set(e, -ENOMEM, "%s: out of memory", c->path);
	code = s->lock_fd < 0 ? s->lock_fd : open_database(s, c, e);
	if (code < 0) {
		dispose(s);
		return code;
	}
	*sp = s;
	return 0;
}

int
store_close(struct store *s, struct err *e)
{
	char sql[128];
	int code = 0, rc;

	if (!s)
		return 0;
	store_rollback(s);
	snprintf(sql, sizeof sql, "UPDATE run SET stopped = %lld WHERE id = %lld",
		 (long long)s->now(), (long long)s->run);
	rc = sqlite3_exec(s->db, sql, NULL, NULL, NULL);
	if (rc != SQLITE_OK)
		code = store_failed(s, rc, "cannot mark the run as stopped", e);
	store_empty_wal(s, true);
	dispose(s);
	return code;
}
