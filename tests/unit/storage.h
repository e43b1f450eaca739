/*
 * storage.h - a store in a folder of its own, for tests of db/.
 *
 * One a program at a time; storage_begin() and storage_end() are called by the test
 * that uses it.  The clock of the store is storage_now, which only tests move.
 */
#ifndef LEAT_TESTS_UNIT_STORAGE_H
#define LEAT_TESTS_UNIT_STORAGE_H

#include "db/store.h"

extern int64_t storage_now;	/* us since 1970 */
extern char storage_path[64];	/* of the database */
extern struct store_config storage_config;	/* opens it, with that clock */
extern struct store *storage;	/* opened by storage_begin() */
extern struct err storage_err;	/* every test's place for messages */

/* Makes the folder, resets the configuration; with `open` also opens the store. */
void storage_begin(bool open);

/* Closes the store unless that was done (storage NULL), removes the folder. */
void storage_end(void);

/* Opens it again with storage_config; the result is store_open()'s. */
int storage_open(void);

/* Closes it, if it is open. */
void storage_close(void);

/* Reads one integer or text of the database by a connection of its own; -1 or "?" on errors. */
int64_t storage_int(const char *sql);
const char *storage_text(const char *sql);

/* Runs SQL by a connection of its own, without a store: 0, or an SQLite code. */
int storage_sql(const char *sql);

/* Holds the write lock as another program would, and lets it go: 0, or an SQLite code. */
int storage_hold(void);
void storage_let_go(void);

/* Overwrites `size` bytes of the database at `offset`. */
void storage_damage(long offset, const char *bytes, size_t size);

/* A flow in which every field differs from every other, made from `n`. */
void storage_flow(struct flow_record *r, unsigned int n);

/* Writes `n` such flows, numbered from `from`, as one batch: the first failure, or 0. */
int storage_add_flows(unsigned int from, unsigned int n);

#endif
