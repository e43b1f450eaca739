/*
 * aside.c - a damaged database is set aside, and a new one begun in its place.
 *
 * Nothing of the damaged file is removed or changed: it is renamed, with its log.  What can still
 * be read of its policies goes into the new one, and the policy in force in any case, if this
 * process has seen it.
 */
#include "db/internal.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum {
	AGAIN_US = 60 * 1000 * 1000,	/* a disk that damages all that it is given is left alone */
	HEADER = 100,			/* bytes; see https://sqlite.org/fileformat2.html */
	HEADER_APPLICATION_ID = 68,
};

/* A file that no leatd has ever had is somebody's, whatever it holds. */
static bool
was_ours(struct store *s)
{
	static const unsigned char id[] = { 0x4c, 0x45, 0x41, 0x54 };
	unsigned char header[HEADER];
	ssize_t n = -1;
	int fd;

	if (s->run > 0 || s->used_before)
		return true;
	fd = open(s->path, O_RDONLY | O_CLOEXEC);
	if (fd >= 0) {
		n = read(fd, header, sizeof header);
		close(fd);
	}
	return n == sizeof header && memcmp(header + HEADER_APPLICATION_ID, id, sizeof id) == 0;
}

/* A name that is not taken: PATH.corrupt-20240229T235959Z, or that and -2, -3, ... */
static int
find_name(struct store *s, char *name, size_t size)
{
	time_t t = (time_t)(s->now() / 1000000);
	char when[32];
	struct tm tm;
	int i;

	gmtime_r(&t, &tm);
	strftime(when, sizeof when, "%Y%m%dT%H%M%SZ", &tm);
	for (i = 1; i < 100; i++) {
		int n = i == 1 ? snprintf(name, size, "%s.corrupt-%s", s->path, when)
			       : snprintf(name, size, "%s.corrupt-%s-%d", s->path, when, i);

		if ((size_t)n >= size)
			return -ENAMETOOLONG;
		if (access(name, F_OK) < 0)
			return 0;
	}
	return -EEXIST;
}

/* The log first: a database without it has only lost its last rows, the reverse makes no sense. */
static int
rename_all(struct store *s, const char *name, struct err *e)
{
	static const char *const suffix[] = { "-wal", "-shm", "" };
	char from[STORE_PATH + 8], to[STORE_PATH + 8];
	unsigned int i;

	for (i = 0; i < sizeof suffix / sizeof suffix[0]; i++) {
		snprintf(from, sizeof from, "%s%s", s->path, suffix[i]);
		snprintf(to, sizeof to, "%s%s", name, suffix[i]);
		if (rename(from, to) < 0 && errno != ENOENT)
			return err_set(e, -errno,
				       "%s is damaged and cannot be renamed: %s: make its folder "
				       "writable, or move it away",
				       from, strerror(errno));
	}
	return 0;
}

/* --- policies --- */

static int
put_policy(sqlite3_stmt *st, int64_t generation, const char *name, const char *text, int64_t loaded,
	   bool active)
{
	int rc;

	sqlite3_bind_int64(st, 1, generation);
	sqlite3_bind_text(st, 2, name, -1, SQLITE_STATIC);
	sqlite3_bind_text(st, 3, text, -1, SQLITE_STATIC);
	sqlite3_bind_int64(st, 4, loaded);
	sqlite3_bind_int(st, 5, active);
	rc = sqlite3_step(st);
	sqlite3_reset(st);
	return rc == SQLITE_DONE ? 1 : 0;
}

static const char *
text_of(sqlite3_stmt *st, int i)
{
	const char *text = (const char *)sqlite3_column_text(st, i);

	return text ? text : "";
}

/* Newest first, for the reading may end at any row.  Returns how many there were. */
static int
copy_policies(struct store *s, sqlite3 *from, sqlite3_stmt *put)
{
	sqlite3_stmt *get = NULL;
	int n = 0;

	if (sqlite3_prepare_v2(from,
			       "SELECT generation, name, text, loaded, active FROM policy "
			       "ORDER BY generation DESC",
			       -1, &get, NULL) != SQLITE_OK)
		return 0;
	while (sqlite3_step(get) == SQLITE_ROW)
		n += put_policy(put, sqlite3_column_int64(get, 0), text_of(get, 1), text_of(get, 2),
				sqlite3_column_int64(get, 3),
				sqlite3_column_int(get, 4) != 0 && !s->kept.text);
	sqlite3_finalize(get);
	return n;
}

static int
save_policies(struct store *s, const char *damaged)
{
	sqlite3_stmt *put = NULL;
	sqlite3 *from = NULL;
	int n = 0;

	if (sqlite3_prepare_v2(s->db,
			       "INSERT OR REPLACE INTO policy (generation, name, text, loaded, "
			       "active) VALUES (?,?,?,?,?)",
			       -1, &put, NULL) != SQLITE_OK)
		return 0;
	if (sqlite3_open_v2(damaged, &from, SQLITE_OPEN_READONLY, NULL) == SQLITE_OK)
		n = copy_policies(s, from, put);
	sqlite3_close(from);
	if (s->kept.text) {
		sqlite3_exec(s->db, "UPDATE policy SET active = 0", NULL, NULL, NULL);
		put_policy(put, (int64_t)s->kept.generation, s->kept.name, s->kept.text,
			   s->kept.loaded, true);
		n = n > 0 ? n : 1;
	}
	sqlite3_finalize(put);
	return n;
}

/* --- all of it --- */

static int
tell(struct store *s, int n_policies, struct err *e)
{
	char detail[STORE_PATH + 300];
	sqlite3_stmt *st = s->stmt[STMT_EVENT];

	snprintf(detail, sizeof detail,
		 "the database was damaged (%.200s): it is kept as %s, and this one begun with %d "
		 "policies",
		 s->aside.why, s->aside.path, n_policies);
	sqlite3_bind_int64(st, 1, s->run);
	sqlite3_bind_int64(st, 2, s->now());
	sqlite3_bind_text(st, 3, "set-aside", -1, SQLITE_STATIC);
	sqlite3_bind_text(st, 4, detail, -1, SQLITE_TRANSIENT);
	return store_run(s, STMT_EVENT, "cannot record an event", e);
}

int
store_fill_anew(struct store *s, struct err *e)
{
	int code, n;

	if (!s->aside.unfilled)
		return 0;
	code = store_begin_run(s, e);
	if (code == 0)
		code = store_run(s, STMT_BEGIN, "cannot begin a new database", e);
	if (code < 0)
		return code;
	n = save_policies(s, s->aside.path);
	code = tell(s, n, e);
	if (code == 0)
		code = store_run(s, STMT_COMMIT, "cannot begin a new database", e);
	if (code == 0)
		s->aside.unfilled = false;
	else if (!sqlite3_get_autocommit(s->db))
		sqlite3_exec(s->db, "ROLLBACK", NULL, NULL, NULL);
	return code;
}

/* A disk that damages all that it is given would be filled with what was set aside. */
static int
too_soon(struct store *s, struct err *e)
{
	if (s->aside.n == 0 || s->now() - s->aside.at >= AGAIN_US)
		return 0;
	return err_set(
		e, -EUCLEAN,
		"%s is damaged again, less than a minute after it was begun: look at its disk",
		s->path);
}

int
store_begin_anew(struct store *s, struct err *e)
{
	char name[STORE_PATH];
	int code;

	if (!was_ours(s))
		return -EUCLEAN;
	code = find_name(s, name, sizeof name);
	if (code < 0)
		return err_set(e, code, "%s is damaged, and there is no name to keep it by: %s",
			       s->path, strerror(-code));
	code = rename_all(s, name, e);
	if (code < 0)
		return code;
	s->aside.at = s->now();
	s->aside.n++;
	s->aside.unfilled = true;
	memcpy(s->aside.path, name, sizeof name);
	memcpy(s->aside.why, s->last_error, sizeof s->aside.why);
	s->cp = (struct checkpoint){ .open = false };
	s->recover_ended = false;
	return store_connect(s, e);
}

int
store_mend(struct store *s, struct err *e)
{
	int code;

	if (gate_is_mine(&s->gate))
		return store_refused(s, e, "%s: a batch is open", s->path);
	gate_enter(&s->gate);
	code = s->damaged ? too_soon(s, e) : 0;
	if (code == 0 && s->damaged) {
		store_disconnect(s);
		code = store_begin_anew(s, e);
	}
	store_leave(s);
	return code;
}
