/*
 * policy.c - generations of policy text, one of them active.
 */
#include "db/internal.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

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

static int
begin(struct store *s, struct err *e)
{
	int code = store_want_batch(s, false, e);

	if (code < 0)
		return code;
	sync_commits(s, true);
	code = store_run(s, STMT_BEGIN, "cannot store a policy", e);
	if (code < 0) {
		sync_commits(s, false);
		return code;
	}
	/* A policy is let through where the log's limit stops flows. */
	s->batch = (struct batch){ .open = true, .last_flow = s->last_flow, .cp = s->cp };
	return 0;
}

static int
finish(struct store *s, int code, struct err *e)
{
	if (code == 0)
		code = store_commit(s, e);
	else
		store_rollback(s);
	sync_commits(s, false);
	return code;
}

int
store_policy_save(struct store *s, const char *text, const char *name, uint64_t *generation,
		  struct err *e)
{
	sqlite3_stmt *st = s->stmt[STMT_POLICY_INSERT];
	int code = begin(s, e);

	if (code < 0)
		return code;
	sqlite3_bind_text(st, 1, name, -1, SQLITE_STATIC);
	sqlite3_bind_text(st, 2, text, -1, SQLITE_STATIC);
	sqlite3_bind_int64(st, 3, s->now());
	code = store_run(s, STMT_POLICY_CLEAR, "cannot store a policy", e);
	if (code == 0)
		code = store_run(s, STMT_POLICY_INSERT, "cannot store a policy", e);
	if (code == 0)
		*generation = (uint64_t)sqlite3_last_insert_rowid(s->db);
	return finish(s, code, e);
}

int
store_policy_activate(struct store *s, uint64_t generation, struct err *e)
{
	int code = begin(s, e);

	if (code < 0)
		return code;
	sqlite3_bind_int64(s->stmt[STMT_POLICY_SET], 1, (int64_t)generation);
	code = store_run(s, STMT_POLICY_CLEAR, "cannot activate a policy", e);
	if (code == 0)
		code = store_run(s, STMT_POLICY_SET, "cannot activate a policy", e);
	if (code == 0 && sqlite3_changes(s->db) == 0)
		code = err_set(e, -ENOENT, "%s has no policy of generation %llu", s->path,
			       (unsigned long long)generation);
	return finish(s, code, e);
}

static char *
copy_column(sqlite3_stmt *st, int i)
{
	const unsigned char *text = sqlite3_column_text(st, i);

	return strdup(text ? (const char *)text : "");
}

void
store_policy_fini(struct store_policy *p)
{
	free(p->name);
	free(p->text);
	*p = (struct store_policy){ 0 };
}

/* All columns but the text. */
static int
read_policy(struct store *s, sqlite3_stmt *st, struct store_policy *p, struct err *e)
{
	*p = (struct store_policy){
		.generation = (uint64_t)sqlite3_column_int64(st, 0),
		.name = copy_column(st, 1),
		.loaded = sqlite3_column_int64(st, 2),
		.active = sqlite3_column_int(st, 3) != 0,
	};
	return p->name ? 0 : store_failed(s, SQLITE_NOMEM, "cannot read a policy", e);
}

static int
read_one(struct store *s, sqlite3_stmt *st, struct store_policy *p, struct err *e)
{
	int code, rc = sqlite3_step(st);

	*p = (struct store_policy){ 0 };
	if (rc == SQLITE_DONE) {
		sqlite3_reset(st);
		return err_set(e, -ENOENT, "%s has no such policy", s->path);
	}
	if (rc != SQLITE_ROW)
		return store_step_failed(s, st, rc, "cannot read a policy", e);
	code = read_policy(s, st, p, e);
	if (code == 0) {
		p->text = copy_column(st, 4);
		if (!p->text) {
			store_policy_fini(p);
			code = store_failed(s, SQLITE_NOMEM, "cannot read a policy", e);
		}
	}
	sqlite3_reset(st);
	return code;
}

int
store_policy_active(struct store *s, struct store_policy *p, struct err *e)
{
	return read_one(s, s->stmt[STMT_POLICY_ACTIVE], p, e);
}

int
store_policy_get(struct store *s, uint64_t generation, struct store_policy *p, struct err *e)
{
	sqlite3_bind_int64(s->stmt[STMT_POLICY_GET], 1, (int64_t)generation);
	return read_one(s, s->stmt[STMT_POLICY_GET], p, e);
}

int
store_policy_list(struct store *s, int (*fn)(void *arg, const struct store_policy *p), void *arg,
		  struct err *e)
{
	sqlite3_stmt *st = s->stmt[STMT_POLICY_LIST];
	struct store_policy p;
	int code = 0, rc;

	while ((rc = sqlite3_step(st)) == SQLITE_ROW && code == 0) {
		code = read_policy(s, st, &p, e);
		if (code == 0)
			code = fn(arg, &p);
		store_policy_fini(&p);
	}
	if (rc != SQLITE_ROW && rc != SQLITE_DONE)
		return store_step_failed(s, st, rc, "cannot list policies", e);
	sqlite3_reset(st);
	return code;
}
