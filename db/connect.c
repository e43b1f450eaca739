/*
 * connect.c - the connections to the file: made in an order that leaves a file that is not ours
 * untouched, made anew after damage, ended.
 *
 * Nothing here is slow for a large file: no table is read whole, and what a crash left in the log
 * is left to store_sweep().
 */
#include "db/internal.h"
#include "db/migrate.h"

#include <errno.h>
#include <stdio.h>
#include <unistd.h>

enum { CACHE_KB = 8 << 10 };

static int
count_wal(void *arg, sqlite3 *db, const char *name, int n_frames)
{
	struct store *s = arg;

	(void)db;
	(void)name;
	__atomic_store_n(&s->wal_pages, n_frames, __ATOMIC_RELAXED);
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
		 "PRAGMA wal_autocheckpoint = 0; PRAGMA journal_size_limit = %llu",
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

/* The ids of flows go on where the last one of this file, or of the one set aside, was. */
static int
find_last_flow(struct store *s, struct err *e)
{
	int rc = SQLITE_OK;
	int64_t last = value(s,
			     "SELECT max(coalesce((SELECT max(id) FROM flow), 0), "
			     "coalesce((SELECT max(last_flow) FROM run), 0))",
			     &rc);

	if (rc != SQLITE_OK)
		return store_failed(s, rc, "cannot be read", e);
	s->last_flow = last > s->last_flow ? last : s->last_flow;
	return 0;
}

int
store_begin_run(struct store *s, struct err *e)
{
	sqlite3_stmt *st = NULL;
	int rc;

	if (s->run_begun)
		return 0;
	/* In a file begun anew the run keeps its number. */
	rc = sqlite3_prepare_v2(s->db,
				"INSERT OR IGNORE INTO run (id, instance, version, pid, started) "
				"VALUES (nullif(?,0),?,?,?,?)",
				-1, &st, NULL);
	if (rc == SQLITE_OK) {
		sqlite3_bind_int64(st, 1, s->run);
		sqlite3_bind_text(st, 2, s->instance, -1, SQLITE_STATIC);
		sqlite3_bind_text(st, 3, s->version, -1, SQLITE_STATIC);
		sqlite3_bind_int64(st, 4, getpid());
		sqlite3_bind_int64(st, 5, s->started);
		sqlite3_step(st);
		rc = sqlite3_finalize(st);
	}
	if (rc != SQLITE_OK)
		return store_failed(s, rc, "cannot begin a run", e);
	if (s->run == 0)
		s->run = sqlite3_last_insert_rowid(s->db);
	s->run_begun = true;
	return 0;
}

/* Nobody asks SQLite how much memory it has; to count it takes a mutex at each of its allocations,
 * which are dozens a row.  Where something has begun to use SQLite before, it goes on counting. */
static void
count_no_memory(void)
{
	static bool done;

	if (!done)
		sqlite3_config(SQLITE_CONFIG_MEMSTATUS, 0);
	done = true;
}

static int
open_one(struct store *s, sqlite3 **db, struct err *e)
{
	int rc;

	count_no_memory();
	rc = sqlite3_open_v2(s->path, db,
			     SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX |
				     SQLITE_OPEN_PRIVATECACHE,
			     NULL);

	if (rc != SQLITE_OK)
		return store_failed(s, rc, "cannot be opened", e);
	sqlite3_extended_result_codes(*db, 1);
	return 0;
}

/*
 * A second connection empties the log: it copies and syncs while the first writes on.  It never
 * waits for a lock.
 */
static int
open_sweeper(struct store *s, struct err *e)
{
	int code = open_one(s, &s->sweeper, e), rc;

	if (code < 0)
		return code;
	rc = sqlite3_exec(s->sweeper, "PRAGMA synchronous = NORMAL; PRAGMA wal_autocheckpoint = 0",
			  NULL, NULL, NULL);
	return rc == SQLITE_OK ? 0 : store_failed(s, rc, "cannot be set up", e);
}

/* Someone else may hold the file, or the disk be full, for now: policies are there to be read. */
static bool
run_can_wait(int code)
{
	return code == -EBUSY || code == -ENOSPC || code == -EIO;
}

static int
connect_all(struct store *s, struct err *e)
{
	bool fresh = false;
	int code = open_one(s, &s->db, e), rc;

	if (code < 0)
		return code;
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
	if (code == 0)
		code = find_last_flow(s, e);
	if (code == 0)
		code = store_set_max_size(s, s->max_size, e);
	if (code == 0)
		code = open_sweeper(s, e);
	if (code < 0)
		return code;
	code = store_begin_run(s, e);
	return run_can_wait(code) ? 0 : code;
}

int
store_connect(struct store *s, struct err *e)
{
	int code;

	s->damaged = false;
	code = connect_all(s, e);
	if (code == 0)
		code = store_fill_anew(s, e);
	if (code < 0)
		store_disconnect(s);
	return code;
}

void
store_disconnect(struct store *s)
{
	store_finalize(s);
	sqlite3_close_v2(s->sweeper);
	/* A backup that is at work keeps its own hold of it. */
	sqlite3_close_v2(s->db);
	s->db = s->sweeper = NULL;
	s->wal_pages = 0;
	s->run_begun = false;
}
