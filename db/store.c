/*
 * store.c - opening and closing, and who may be in the store.
 */
#include "db/store.h"

#include "db/internal.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum {
	BUSY_MS = 250,
	VISIT_MS = 1000,
	WAL_LIMIT = 64 << 20,		/* bytes */
};

static int64_t
wall_clock(void)
{
	struct timespec t;

	clock_gettime(CLOCK_REALTIME, &t);
	return (int64_t)t.tv_sec * 1000000 + t.tv_nsec / 1000;
}

/* --- who may be in it --- */

int
store_enter(struct store *s, struct err *e)
{
	int code;

	if (gate_is_mine(&s->gate))
		return store_refused(s, e, "%s: a batch is open", s->path);
	gate_enter(&s->gate);
	/* After damage the file may be set aside, and another not yet be there. */
	code = s->db ? 0 : store_connect(s, e);
	if (code < 0)
		gate_leave(&s->gate);
	return code;
}

int
store_visit(struct store *s, struct err *e)
{
	int code;

	if (gate_is_mine(&s->gate))
		return store_refused(s, e, "%s: a batch is open", s->path);
	code = gate_visit(&s->gate, VISIT_MS);
	if (code < 0)
		return err_set(e, code,
			       "%s is busy with a batch that its disk has not taken for %d s: try "
			       "again, and look at its disk",
			       s->path, VISIT_MS / 1000);
	if (s->db)
		return 0;
	gate_leave(&s->gate);
	return err_set(e, -EUCLEAN, "%s is being begun anew after damage: try again in a moment",
		       s->path);
}

void
store_leave(struct store *s)
{
	gate_leave(&s->gate);
}

/* --- opening --- */

static void
dispose(struct store *s)
{
	store_disconnect(s);
	if (s->lock_fd >= 0)
		close(s->lock_fd);
	store_policy_fini(&s->kept);
	gate_fini(&s->gate);
	free(s->path);
	free(s->instance);
	free(s->version);
	free(s);
}

static int
copy_config(struct store *s, const struct store_config *c, struct err *e)
{
	if (strlen(c->path) + STORE_SUFFIX >= STORE_PATH)
		return err_set(e, -ENAMETOOLONG, "%s: the path is too long: give another --db",
			       c->path);
	s->busy_ms = c->busy_ms > 0 ? c->busy_ms : BUSY_MS;
	s->wal_limit = c->wal_limit > 0 ? c->wal_limit : WAL_LIMIT;
	s->max_size = c->max_size;
	s->now = c->now ? c->now : wall_clock;
	s->started = s->now();
	s->path = strdup(c->path);
	s->instance = strdup(c->instance ? c->instance : "leat");
	s->version = strdup(c->version ? c->version : "");
	if (!s->path || !s->instance || !s->version)
		return err_set(e, -ENOMEM, "%s: out of memory", c->path);
	return 0;
}

int
store_open(struct store **sp, const struct store_config *c, struct err *e)
{
	struct store *s;
	int code;

	if (!c->path || !c->path[0])
		return err_set(e, -EINVAL, "no path of a database: give --db");
	s = calloc(1, sizeof *s);
	if (!s)
		return err_set(e, -ENOMEM, "%s: out of memory", c->path);
	gate_init(&s->gate);
	s->lock_fd = -1;
	code = copy_config(s, c, e);
	if (code == 0)
		code = s->lock_fd = store_lock(s->path, &s->used_before, e);
	if (code >= 0)
		code = store_connect(s, e);
	if (code == -EUCLEAN && c->set_aside)
		code = store_begin_anew(s, e);
	if (code < 0) {
		dispose(s);
		return code;
	}
	*sp = s;
	return 0;
}

static int
mark_stopped(struct store *s, struct err *e)
{
	char sql[128];
	int code = store_begin_run(s, e), rc;

	if (code < 0)
		return code;
	snprintf(sql, sizeof sql, "UPDATE run SET stopped = %lld WHERE id = %lld",
		 (long long)s->now(), (long long)s->run);
	rc = sqlite3_exec(s->db, sql, NULL, NULL, NULL);
	return rc == SQLITE_OK ? 0 : store_failed(s, rc, "cannot mark the run as stopped", e);
}

int
store_close(struct store *s, struct err *e)
{
	int code;

	if (!s)
		return 0;
	store_rollback(s);
	code = store_enter(s, e);
	if (code == 0) {
		code = mark_stopped(s, e);
		store_empty_wal(s, true);
		store_leave(s);
	}
	dispose(s);
	return code;
}
