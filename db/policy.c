/*
 * policy.c - generations of policy text, one of them active.
 */
#include "db/internal.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

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

/* Remembers the active one: it goes into the new file if this one is found damaged. */
static void
keep(struct store *s, const struct store_policy *p)
{
	struct store_policy copy = *p;

	copy.name = p->name ? strdup(p->name) : NULL;
	copy.text = p->text ? strdup(p->text) : NULL;
	if (!copy.name || !copy.text) {
		store_policy_fini(&copy);
		return;
	}
	copy.active = true;
	store_policy_fini(&s->kept);
	s->kept = copy;
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
	if (p->name)
		return 0;
	store_failed(s, SQLITE_NOMEM, "cannot read a policy", e);
	return -ENOMEM;
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
			store_failed(s, SQLITE_NOMEM, "cannot read a policy", e);
			code = -ENOMEM;
		}
	}
	sqlite3_reset(st);
	return code;
}

/* A policy is let through where the log's limit stops flows, and is synced. */
static int
begin(struct store *s, struct err *e)
{
	int code = store_visit(s, e);

	return code < 0 ? code : store_open_batch(s, BATCH_OF_POLICY, e);
}

/* Ends the batch; `p` is the active policy if it is written. */
static int
finish(struct store *s, int code, const struct store_policy *p, struct err *e)
{
	if (code < 0) {
		store_rollback(s);
		return code;
	}
	/* Before the commit, which leaves the store; if that fails the next save corrects it. */
	keep(s, p);
	return store_commit(s, e);
}

int
store_policy_save(struct store *s, const char *text, const char *name, uint64_t *generation,
		  struct err *e)
{
	struct store_policy p = { .name = (char *)(uintptr_t)name,
				  .text = (char *)(uintptr_t)text };
	sqlite3_stmt *st;
	int code = begin(s, e);

	if (code < 0)
		return code;
	st = s->stmt[STMT_POLICY_INSERT];
	p.loaded = s->now();
	sqlite3_bind_text(st, 1, name, -1, SQLITE_STATIC);
	sqlite3_bind_text(st, 2, text, -1, SQLITE_STATIC);
	sqlite3_bind_int64(st, 3, p.loaded);
	code = store_run(s, STMT_POLICY_CLEAR, "cannot store a policy", e);
	if (code == 0)
		code = store_run(s, STMT_POLICY_INSERT, "cannot store a policy", e);
	if (code == 0)
		p.generation = *generation = (uint64_t)sqlite3_last_insert_rowid(s->db);
	return finish(s, code, &p, e);
}

int
store_policy_activate(struct store *s, uint64_t generation, struct err *e)
{
	struct store_policy p = { 0 };
	int code = begin(s, e);

	if (code < 0)
		return code;
	sqlite3_bind_int64(s->stmt[STMT_POLICY_GET], 1, (int64_t)generation);
	sqlite3_bind_int64(s->stmt[STMT_POLICY_SET], 1, (int64_t)generation);
	code = read_one(s, s->stmt[STMT_POLICY_GET], &p, e);
	if (code == 0)
		code = store_run(s, STMT_POLICY_CLEAR, "cannot activate a policy", e);
	if (code == 0)
		code = store_run(s, STMT_POLICY_SET, "cannot activate a policy", e);
	if (code == -ENOENT)
		err_set(e, code, "%s has no policy of generation %llu", s->path,
			(unsigned long long)generation);
	code = finish(s, code, &p, e);
	store_policy_fini(&p);
	return code;
}

int
store_policy_active(struct store *s, struct store_policy *p, struct err *e)
{
	int code = store_visit(s, e);

	*p = (struct store_policy){ 0 };
	if (code < 0)
		return code;
	code = read_one(s, s->stmt[STMT_POLICY_ACTIVE], p, e);
	if (code == 0)
		keep(s, p);
	store_leave(s);
	return code;
}

int
store_policy_get(struct store *s, uint64_t generation, struct store_policy *p, struct err *e)
{
	int code = store_visit(s, e);

	*p = (struct store_policy){ 0 };
	if (code < 0)
		return code;
	sqlite3_bind_int64(s->stmt[STMT_POLICY_GET], 1, (int64_t)generation);
	code = read_one(s, s->stmt[STMT_POLICY_GET], p, e);
	store_leave(s);
	return code;
}

int
store_policy_list(struct store *s, int (*fn)(void *arg, const struct store_policy *p), void *arg,
		  struct err *e)
{
	struct store_policy p;
	sqlite3_stmt *st;
	int code = store_visit(s, e), rc;

	if (code < 0)
		return code;
	st = s->stmt[STMT_POLICY_LIST];
	while ((rc = sqlite3_step(st)) == SQLITE_ROW && code == 0) {
		code = read_policy(s, st, &p, e);
		if (code == 0)
			code = fn(arg, &p);
		store_policy_fini(&p);
	}
	if (rc != SQLITE_ROW && rc != SQLITE_DONE)
		code = store_step_failed(s, st, rc, "cannot list policies", e);
	sqlite3_reset(st);
	store_leave(s);
	return code;
}
