/*
 * migrate.h - brings a database from an older PRAGMA user_version to this one.
 *
 * Stateless.  Called by store_open() before anything else writes, on the thread
 * that opens.
 */
#ifndef LEAT_DB_MIGRATE_H
#define LEAT_DB_MIGRATE_H

#include "datapath/err.h"

#include <sqlite3.h>
#include <stddef.h>

/*
 * `sql` takes a file from one version to a higher one.  It sets user_version itself, to
 * `to`, and has no BEGIN or COMMIT.  From 0, an empty file, one step goes to the
 * newest version: the schema.
 */
struct migration {
	int from, to;
	const char *sql;
};

/*
 * Applies the steps that lead from the file's version to `want`, in one
 * transaction: all or none.  Returns 0, also where nothing was to be done; -EPROTO if
 * the file is newer than `want`; -ENOENT if no steps lead there; or as store_errno()
 * says.
 */
int migrate(sqlite3 *db, const struct migration *steps, size_t n_steps, int want, struct err *e);

/* The file's version, or a negative errno. */
int migrate_version(sqlite3 *db, struct err *e);

#endif
