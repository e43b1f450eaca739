/*
 * conflict.c - rows of bytes that came twice and differed.
 */
#include "db/internal.h"

#include <string.h>

static void
bind_shown(sqlite3_stmt *st, int i, const struct conflict_record *c, const uint8_t *bytes)
{
	/* a pointer to none would make it NULL */
	if (c->shown == 0)
		sqlite3_bind_zeroblob(st, i, 0);
	else
		sqlite3_bind_blob(st, i, bytes, c->shown, SQLITE_STATIC);
}

int
store_conflict(struct store *s, const struct conflict_record *c, struct err *e)
{
	sqlite3_stmt *st = s->stmt[STMT_CONFLICT];
	int code = store_want_batch(s, e);

	if (code < 0)
		return code;
	if (c->length == 0 || c->shown > RECORD_SHOWN)
		return store_refused(s, e, "%s: a conflict of %u bytes, %u shown, is refused",
				     s->path, c->length, c->shown);
	sqlite3_bind_int64(st, 1, s->run);
	sqlite3_bind_text(st, 2, c->flow_id, (int)strnlen(c->flow_id, sizeof c->flow_id),
			  SQLITE_STATIC);
	sqlite3_bind_int64(st, 3, c->seen);
	sqlite3_bind_text(st, 4, c->direction == RECORD_UP ? "up" : "down", -1, SQLITE_STATIC);
	sqlite3_bind_int64(st, 5, (int64_t)(c->offset & INT64_MAX));
	sqlite3_bind_int64(st, 6, c->length);
	sqlite3_bind_text(st, 7, c->overlap, (int)strnlen(c->overlap, sizeof c->overlap),
			  SQLITE_STATIC);
	bind_shown(st, 8, c, c->was);
	bind_shown(st, 9, c, c->came);
	return store_run(s, STMT_CONFLICT, "cannot record a conflict", e);
}

int
store_conflicts_lost(struct store *s, uint64_t n, struct err *e)
{
	int code = store_want_batch(s, e);

	if (code == 0) {
		s->batch.n_conflicts_lost += n;
		s->batch.counted = true;
	}
	return code;
}

static void
read_text(sqlite3_stmt *st, int i, char *to, size_t size)
{
	const char *text = (const char *)sqlite3_column_text(st, i);

	if (text)
		memcpy(to, text, strnlen(text, size));
}

static void
read_shown(sqlite3_stmt *st, int i, uint8_t *to, unsigned int n)
{
	const void *bytes = sqlite3_column_blob(st, i);

	if (bytes && n > 0)
		memcpy(to, bytes, n);
}

static unsigned int
shown(sqlite3_stmt *st, int i)
{
	int n = sqlite3_column_bytes(st, i);

	return n < RECORD_SHOWN ? (unsigned int)n : RECORD_SHOWN;
}

static void
read_conflict(sqlite3_stmt *st, struct conflict_record *c)
{
	unsigned int was = shown(st, 7), came = shown(st, 8);
	const char *direction = (const char *)sqlite3_column_text(st, 3);

	memset(c, 0, sizeof *c);
	read_text(st, 1, c->flow_id, sizeof c->flow_id);
	c->seen = sqlite3_column_int64(st, 2);
	c->direction = direction && strcmp(direction, "up") == 0 ? RECORD_UP : RECORD_DOWN;
	c->offset = (uint64_t)sqlite3_column_int64(st, 4);
	c->length = (uint32_t)sqlite3_column_int64(st, 5);
	read_text(st, 6, c->overlap, sizeof c->overlap);
	c->shown = (uint16_t)(was < came ? was : came);
	read_shown(st, 7, c->was, c->shown);
	read_shown(st, 8, c->came, c->shown);
}

int
store_conflicts(struct store *s, const char *flow_id, unsigned int limit,
		int (*fn)(void *arg, uint64_t run, const struct conflict_record *c), void *arg,
		struct err *e)
{
	struct conflict_record c;
	sqlite3_stmt *st;
	int code = store_visit(s, e), rc;

	if (code < 0)
		return code;
	st = s->stmt[flow_id ? STMT_CONFLICTS_OF : STMT_CONFLICTS];
	sqlite3_bind_int64(st, 1, limit);
	if (flow_id) {
		sqlite3_bind_text(st, 2, flow_id, -1, SQLITE_STATIC);
		sqlite3_bind_int64(st, 3, s->run);
	}
	while ((rc = sqlite3_step(st)) == SQLITE_ROW && code == 0) {
		read_conflict(st, &c);
		code = fn(arg, (uint64_t)sqlite3_column_int64(st, 0), &c);
	}
	if (rc != SQLITE_ROW && rc != SQLITE_DONE)
		code = store_step_failed(s, st, rc, "cannot read conflicts", e);
	sqlite3_reset(st);
	store_leave(s);
	return code;
}
