#include "db/migrate.h"

#include "db/internal.h"

#include <errno.h>
#include <stdio.h>

static int
failed(sqlite3 *db, int rc, const char *doing, struct err *e)
{
	return err_set(e, store_errno(rc), "%s: %s", doing, sqlite3_errmsg(db));
}

int
migrate_version(sqlite3 *db, struct err *e)
{
	sqlite3_stmt *st;
	int rc, version = 0;

	rc = sqlite3_prepare_v2(db, "PRAGMA user_version", -1, &st, NULL);
	if (rc == SQLITE_OK) {
		if (sqlite3_step(st) == SQLITE_ROW)
			version = sqlite3_column_int(st, 0);
		rc = sqlite3_finalize(st);
	}
	if (rc != SQLITE_OK)
		return failed(db, rc, "cannot read the schema's version", e);
	if (version < 0)
		return err_set(e, -EPROTO, "schema version %d is none of Leat's", version);
	return version;
}

static const struct migration *
step_from(const struct migration *steps, size_t n_steps, int from)
{
	size_t i;

	for (i = 0; i < n_steps; i++)
		if (steps[i].from == from)
			return &steps[i];
	return NULL;
}

static int
take_steps(sqlite3 *db, const struct migration *steps, size_t n_steps, int want, struct err *e)
{
	const struct migration *m;
	int rc, version;

	while ((version = migrate_version(db, e)) != want) {
		if (version < 0)
			return version;
		if (version > want)
			return err_set(e, -EPROTO, "schema %d is newer than %d", version, want);
		m = step_from(steps, n_steps, version);
		if (!m || m->to <= m->from)
			return err_set(e, -ENOENT, "no way leads from schema %d to %d", version,
				       want);
		rc = sqlite3_exec(db, m->sql, NULL, NULL, NULL);
		if (rc != SQLITE_OK)
			return failed(db, rc, "cannot bring the schema up to date", e);
		version = migrate_version(db, e);
		if (version < 0)
			return version;
		if (version != m->to)
			return err_set(e, -ENOENT, "the step from schema %d led to %d, not %d",
				       m->from, version, m->to);
	}
	return 0;
}

int
migrate(sqlite3 *db, const struct migration *steps, size_t n_steps, int want, struct err *e)
{
	int code, rc;

	/* Nothing to do needs no lock. */
	if (migrate_version(db, e) == want)
		return 0;
	rc = sqlite3_exec(db, "BEGIN IMMEDIATE", NULL, NULL, NULL);
	if (rc != SQLITE_OK)
		return failed(db, rc, "cannot bring the schema up to date", e);
	code = take_steps(db, steps, n_steps, want, e);
	if (code == 0) {
		rc = sqlite3_exec(db, "COMMIT", NULL, NULL, NULL);
		if (rc == SQLITE_OK)
			return 0;
		code = failed(db, rc, "cannot bring the schema up to date", e);
	}
	if (!sqlite3_get_autocommit(db))
		sqlite3_exec(db, "ROLLBACK", NULL, NULL, NULL);
	return code;
}
