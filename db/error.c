/*
 * error.c - what SQLite's result codes mean to an operator.
 */
#include "db/internal.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static const struct {
	int rc;			/* primary result code */
	int code;
	const char *todo;
} meanings[] = {
	{ SQLITE_FULL, -ENOSPC, "make room on its disk, or raise its size limit" },
	{ SQLITE_BUSY, -EBUSY, "end the program that holds it" },
	{ SQLITE_LOCKED, -EBUSY, "end the program that holds it" },
	{ SQLITE_IOERR, -EIO, "look at its disk" },
	{ SQLITE_CORRUPT, -EUCLEAN,
	  "move it and its -wal file away to begin a new one, or restore "
	  "a backup" },
	{ SQLITE_NOTADB, -EUCLEAN,
	  "move it and its -wal file away to begin a new one, or restore "
	  "a backup" },
	{ SQLITE_READONLY, -EROFS, "make it and its folder writable" },
	{ SQLITE_PERM, -EACCES, "make it and its folder writable" },
	{ SQLITE_AUTH, -EACCES, "make it and its folder writable" },
	{ SQLITE_CANTOPEN, -ENOENT, "look at its folder" },
	{ SQLITE_NOMEM, -ENOMEM, "give leatd more memory" },
	{ SQLITE_CONSTRAINT, -EINVAL, "the record is refused" },
	{ SQLITE_MISMATCH, -EINVAL, "the record is refused" },
	{ SQLITE_TOOBIG, -EINVAL, "the record is refused" },
	{ SQLITE_RANGE, -EINVAL, "the record is refused" },
};

static const char *
todo_of(int rc)
{
	size_t i;

	for (i = 0; i < sizeof meanings / sizeof meanings[0]; i++)
		if (meanings[i].rc == (rc & 0xff))
			return meanings[i].todo;
	return "restart leatd";
}

int
store_errno(int rc)
{
	size_t i;

	for (i = 0; i < sizeof meanings / sizeof meanings[0]; i++)
		if (meanings[i].rc == (rc & 0xff))
			return meanings[i].code;
	return -EIO;
}

int
store_failed(struct store *s, int rc, const char *doing, struct err *e)
{
	int code = store_errno(rc);

	if (code == -EINVAL)
		return store_refused(s, e, "%s: %s: %s", s->path, doing, sqlite3_errmsg(s->db));
	if (code == -EUCLEAN)
		s->damaged = true;
	s->n_failures++;
	s->last_errno = -code;
	s->last_error_at = s->now();
	snprintf(s->last_error, sizeof s->last_error, "%s: %s: %s: %s", s->path, doing,
		 sqlite3_errstr(rc), todo_of(rc));
	return err_set(e, code, "%s", s->last_error);
}

int
store_refused(struct store *s, struct err *e, const char *fmt, ...)
{
	va_list ap;

	s->n_refused++;
	s->last_errno = EINVAL;
	s->last_error_at = s->now();
	va_start(ap, fmt);
	vsnprintf(s->last_error, sizeof s->last_error, fmt, ap);
	va_end(ap);
	return err_set(e, -EINVAL, "%s", s->last_error);
}
