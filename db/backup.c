/*
 * backup.c - a copy of the database, made while it is written.
 *
 * The pages come by the connection that writes, so that what it changes in pages that were copied
 * already is changed in the copy as well: it is the database as it is when the last step ends, and
 * no reader holds the log meanwhile.  The copy is one file, with no log beside it.
 */
#include "db/internal.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

struct store_backup {
	struct store *store;
	sqlite3 *to;
	sqlite3_backup *copy;
	bool replace, made;	/* `made`: `part` is ours to remove */
	char path[STORE_PATH], part[STORE_PATH + 8];
};

static int
failed(const struct store_backup *b, int rc, struct err *e)
{
	static const char *const todo[] = { "make room on its disk", "look at its disk",
					    "try again" };
	int code = store_errno(rc);

	return err_set(e, code, "cannot back up to %s: %s: %s", b->path, sqlite3_errstr(rc),
		       todo[code == -ENOSPC  ? 0
			    : code == -EBUSY ? 2
					     : 1]);
}

static int
failed_file(const struct store_backup *b, int code, struct err *e)
{
	const char *todo = "give another file";

	if (code == -EEXIST)
		todo = "give another name, or say --replace";
	else if (code == -EACCES || code == -EROFS)
		todo = "leatd's user cannot write there; give a file in another folder";
	return err_set(e, code, "cannot back up to %s: %s: %s", b->path, strerror(-code), todo);
}

/* The file is made here, so that it has its mode from the first byte on. */
static int
make_part(struct store_backup *b, struct err *e)
{
	int fd;

	if (!b->replace && access(b->path, F_OK) == 0)
		return failed_file(b, -EEXIST, e);
	fd = open(b->part, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0640);
	if (fd < 0 && errno == EEXIST)
		return err_set(e, -EEXIST,
			       "cannot back up to %s: %s is there: if no other backup is at work, "
			       "remove it",
			       b->path, b->part);
	if (fd < 0)
		return failed_file(b, -errno, e);
	b->made = true;
	if (fchmod(fd, 0640) < 0) {
		close(fd);
		return failed_file(b, -errno, e);
	}
	close(fd);
	return 0;
}

static int
begin_copy(struct store_backup *b, struct err *e)
{
	struct store *s = b->store;
	int code, rc;

	rc = sqlite3_open_v2(b->part, &b->to, SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX, NULL);
	if (rc == SQLITE_OK)
		/* Nothing is lost with a copy that is not complete. */
		rc = sqlite3_exec(b->to, "PRAGMA synchronous = OFF; PRAGMA journal_mode = OFF",
				  NULL, NULL, NULL);
	if (rc != SQLITE_OK)
		return failed(b, rc, e);
	code = store_enter(s, e);
	if (code < 0)
		return code;
	b->copy = sqlite3_backup_init(b->to, "main", s->db, "main");
	store_leave(s);
	return b->copy ? 0 : failed(b, sqlite3_errcode(b->to), e);
}

int
store_backup_open(struct store *s, const char *path, bool replace, struct store_backup **bp,
		  struct err *e)
{
	struct store_backup *b;
	int code;

	if (path[0] != '/')
		return err_set(e, -EINVAL,
			       "%s: give the whole path, from /: leatd is in another folder", path);
	if (strlen(path) + STORE_SUFFIX >= STORE_PATH)
		return err_set(e, -ENAMETOOLONG, "%s: the path is too long", path);
	b = calloc(1, sizeof *b);
	if (!b)
		return err_set(e, -ENOMEM, "%s: out of memory", path);
	b->store = s;
	b->replace = replace;
	snprintf(b->path, sizeof b->path, "%s", path);
	snprintf(b->part, sizeof b->part, "%s.part", path);
	code = make_part(b, e);
	if (code == 0)
		code = begin_copy(b, e);
	if (code < 0) {
		store_backup_close(b);
		return code;
	}
	*bp = b;
	return 0;
}

static int
sync_file(const char *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC), code = 0;

	if (fd < 0)
		return -errno;
	if (fsync(fd) < 0)
		code = -errno;
	close(fd);
	return code;
}

/* Nobody sees the name before all is there, and nobody's file is overwritten by a race. */
static int
put_in_place(struct store_backup *b, struct err *e)
{
	int code, rc;

	rc = sqlite3_exec(b->to, "PRAGMA journal_mode = DELETE", NULL, NULL, NULL);
	sqlite3_close(b->to);
	b->to = NULL;
	if (rc != SQLITE_OK)
		return failed(b, rc, e);
	code = sync_file(b->part);
	if (code == 0 && b->replace)
		code = rename(b->part, b->path) < 0 ? -errno : 0;
	else if (code == 0)
		code = link(b->part, b->path) < 0 ? -errno : 0;
	if (code < 0)
		return failed_file(b, code, e);
	if (b->replace)
		b->made = false;
	return 0;
}

int
store_backup_step(struct store_backup *b, int pages, uint64_t *done, uint64_t *all, struct err *e)
{
	struct store *s = b->store;
	int code = store_enter(s, e), rc;

	if (code < 0)
		return code;
	rc = sqlite3_backup_step(b->copy, pages);
	*all = (uint64_t)sqlite3_backup_pagecount(b->copy);
	*done = *all - (uint64_t)sqlite3_backup_remaining(b->copy);
	if (rc == SQLITE_DONE || (rc != SQLITE_OK && rc != SQLITE_BUSY && rc != SQLITE_LOCKED)) {
		int end = sqlite3_backup_finish(b->copy);

		b->copy = NULL;
		rc = rc == SQLITE_DONE && end != SQLITE_OK ? end : rc;
	}
	store_leave(s);
	if (b->copy)
		return 1;
	return rc == SQLITE_DONE ? put_in_place(b, e) : failed(b, rc, e);
}

void
store_backup_close(struct store_backup *b)
{
	if (!b)
		return;
	if (b->copy) {
		/* It may be of a file that was set aside since. */
		gate_enter(&b->store->gate);
		sqlite3_backup_finish(b->copy);
		store_leave(b->store);
	}
	sqlite3_close(b->to);
	if (b->made)
		unlink(b->part);
	free(b);
}
