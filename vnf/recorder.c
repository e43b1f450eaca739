/*
 * recorder.c - see recorder.h.
 */
#include "vnf/recorder.h"

#include <errno.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define LOG_MODULE "journal"
#include "vnf/log.h"

enum {
	PAUSE_MS = 100,
	DRAIN = 2048,		/* records a batch */
	N_BATCHES = 4,		/* before anything else has its turn */
	RECOVER_ROWS = 256,
	N_EVENTS = 64,
	STATUS_US = 1000 * 1000,
	MINUTE_US = 60 * 1000 * 1000,
	SLOW_US = 1000 * 1000,	/* so long at the store is told */
	LAST_TRIES = 4,		/* at the end, with a store that fails */
};

enum job_state { JOB_NONE, JOB_ASKED, JOB_AT_WORK, JOB_OVER };

struct event {
	char what[24], detail[400];
};

struct recorder {
	struct recorder_conf conf;
	pthread_t thread;
	/* the thread's own */
	struct upkeep upkeep;
	bool recovering;
	uint64_t recovered;
	int failing;		/* the errno of the latest turn */
	usec_t failing_since, status_at, minute;
	uint64_t lost_before;	/* flows, when it began to fail */
	uint64_t n_aside;
	int64_t longest_us[2];	/* batch of this minute, and of the one before */
	struct event event[N_EVENTS];
	unsigned n_events;

	pthread_mutex_t mutex;	/* of what follows; never held at the store */
	pthread_cond_t wake;
	bool stop;
	struct event asked[N_EVENTS];
	unsigned n_asked;
	enum job_state job_state;
	struct upkeep_job job;
	struct upkeep_result result;
	struct recorder_status status;
	usec_t at_store;	/* since when; 0: it is not */
};

/* --- events --- */

static void
put_event(struct event *list, unsigned *n, const struct event *e)
{
	if (*n == N_EVENTS)
		memmove(list, list + 1, --*n * sizeof *list);
	list[(*n)++] = *e;
}

void
recorder_event(struct recorder *r, const char *what, const char *fmt, ...)
{
	struct event e = { 0 };
	va_list ap;

	snprintf(e.what, sizeof e.what, "%s", what);
	va_start(ap, fmt);
	vsnprintf(e.detail, sizeof e.detail, fmt, ap);
	va_end(ap);
	pthread_mutex_lock(&r->mutex);
	put_event(r->asked, &r->n_asked, &e);
	pthread_mutex_unlock(&r->mutex);
}

static int
write_events(struct recorder *r, struct err *err)
{
	unsigned i;
	int rc;

	pthread_mutex_lock(&r->mutex);
	for (i = 0; i < r->n_asked; i++)
		put_event(r->event, &r->n_events, &r->asked[i]);
	r->n_asked = 0;
	pthread_mutex_unlock(&r->mutex);
	if (r->n_events == 0)
		return 0;
	rc = store_begin(r->conf.store, err);
	for (i = 0; i < r->n_events && rc == 0; i++)
		rc = store_event(r->conf.store, r->event[i].what, r->event[i].detail, err);
	if (rc == 0)
		rc = store_commit(r->conf.store, err);
	else
		store_rollback(r->conf.store);
	if (rc == 0)
		r->n_events = 0;
	return rc;
}

/* --- at the store --- */

static void
set_at_store(struct recorder *r, usec_t since)
{
	pthread_mutex_lock(&r->mutex);
	r->at_store = since;
	pthread_mutex_unlock(&r->mutex);
}

static usec_t
go_to_store(struct recorder *r)
{
	usec_t now = clock_now();

	set_at_store(r, now);
	return now;
}

static void
leave_store(struct recorder *r, usec_t since)
{
	int64_t took = usec_diff(clock_now(), since);

	set_at_store(r, (usec_t){ 0 });
	r->longest_us[0] = took > r->longest_us[0] ? took : r->longest_us[0];
}

/* 1 if there may be more, 0, or what failed. */
static int
drain(struct recorder *r, struct err *err)
{
	unsigned i;
	int n = DRAIN;

	for (i = 0; i < N_BATCHES && n == DRAIN; i++) {
		usec_t since = go_to_store(r);

		n = journal_drain(r->conf.journal, DRAIN, err);
		leave_store(r, since);
	}
	return n < 0 ? n : n == DRAIN;
}

static int
recover(struct recorder *r, struct err *err)
{
	int n;

	if (!r->recovering)
		return 0;
	n = store_recover(r->conf.store, RECOVER_ROWS, err);
	if (n < 0)
		return n;
	r->recovered += (uint64_t)n;
	r->recovering = n > 0;
	if (!r->recovering && r->recovered)
		log_info("%ju flows were interrupted when an earlier run ended",
			 (uintmax_t)r->recovered);
	return n > 0;
}

static void
say_set_aside(struct recorder *r)
{
	struct store_status st;

	store_status(r->conf.store, &st, NULL);
	if (st.set_aside > r->n_aside)
		log_err("the database was damaged: it is kept as %s, and a new one is begun",
			st.set_aside_as);
	r->n_aside = st.set_aside;
}

static int
mend(struct recorder *r, struct err *err)
{
	int rc = store_mend(r->conf.store, err);

	say_set_aside(r);
	return rc;
}

/* Everything that stops with the first failure.  1 if there is more to do at once. */
static int
work(struct recorder *r, struct err *err)
{
	int rc = drain(r, err), more = rc > 0;

	if (rc >= 0)
		rc = write_events(r, err);
	if (rc >= 0) {
		rc = recover(r, err);
		more |= rc > 0;
	}
	if (rc >= 0) {
		more |= r->conf.checkpoint && checkpoint_write(r->conf.checkpoint);
		rc = upkeep_retain(&r->upkeep, clock_now(), err);
		more |= rc > 0;
	}
	return rc < 0 ? rc : more;
}

/* --- jobs --- */

int
recorder_ask(struct recorder *r, const struct upkeep_job *job, struct err *err)
{
	int rc = 0;

	pthread_mutex_lock(&r->mutex);
	if (r->job_state != JOB_NONE)
		rc = err_set(err, -EBUSY, "%s is at work: try again when it is over, see db status",
			     r->status.job[0] ? r->status.job : "another command of db");
	if (rc == 0) {
		r->job = *job;
		r->job_state = JOB_ASKED;
		pthread_cond_signal(&r->wake);
	}
	pthread_mutex_unlock(&r->mutex);
	return rc;
}

bool
recorder_answer(struct recorder *r, struct upkeep_result *result)
{
	bool is_over;

	pthread_mutex_lock(&r->mutex);
	is_over = r->job_state == JOB_OVER;
	if (is_over) {
		*result = r->result;
		r->job_state = JOB_NONE;
	}
	pthread_mutex_unlock(&r->mutex);
	return is_over;
}

static void
tell_progress(struct recorder *r)
{
	static const char *const name[] = { "", "a backup", "a checkpoint of the log", "pruning",
					    "counting" };
	const struct upkeep *u = &r->upkeep;

	pthread_mutex_lock(&r->mutex);
	if (u->all > 0)
		snprintf(r->status.job, sizeof r->status.job, "%s, %u %% done", name[u->job.kind],
			 (unsigned)(u->done * 100 / u->all));
	else if (u->done > 0)
		snprintf(r->status.job, sizeof r->status.job, "%s, %ju flows removed",
			 name[u->job.kind], (uintmax_t)u->done);
	else
		snprintf(r->status.job, sizeof r->status.job, "%s", name[u->job.kind]);
	pthread_mutex_unlock(&r->mutex);
}

/* A step of what is asked for; true if there is more of it. */
static bool
do_job(struct recorder *r)
{
	struct upkeep_result result = { 0 };
	enum job_state state;
	usec_t since;
	bool is_over;

	pthread_mutex_lock(&r->mutex);
	state = r->job_state;
	pthread_mutex_unlock(&r->mutex);
	if (state != JOB_ASKED && state != JOB_AT_WORK)
		return false;
	since = go_to_store(r);
	if (state == JOB_ASKED)
		upkeep_begin(&r->upkeep, &r->job);
	tell_progress(r);
	is_over = upkeep_work(&r->upkeep, &result);
	leave_store(r, since);
	tell_progress(r);
	pthread_mutex_lock(&r->mutex);
	r->job_state = is_over ? JOB_OVER : JOB_AT_WORK;
	if (is_over)
		r->result = result;
	pthread_mutex_unlock(&r->mutex);
	return !is_over;
}

/* --- what is told --- */

static void
began_to_fail(struct recorder *r, int rc, const struct err *err)
{
	struct journal_status js;

	if (rc != r->failing)
		log_warn("flows are not written down for now: %s", err->msg);
	if (r->failing == 0) {
		journal_status(r->conf.journal, &js);
		r->failing_since = clock_now();
		r->lost_before = js.lost;
	}
	r->failing = rc;
}

static void
works_again(struct recorder *r)
{
	double seconds = (double)usec_diff(clock_now(), r->failing_since) / 1e6;
	struct journal_status js;

	journal_status(r->conf.journal, &js);
	log_info("flows are written down again, %ju were lost",
		 (uintmax_t)(js.lost - r->lost_before));
	recorder_event(r, "recovered", "for %.1f s nothing was written (%s), %ju flows were lost",
		       seconds, strerror(-r->failing), (uintmax_t)(js.lost - r->lost_before));
	r->failing = 0;
}

static void
publish(struct recorder *r, int rc, const struct err *err)
{
	usec_t now = clock_now();
	struct store_status st;
	bool all = rc != 0 || r->failing != 0 || usec_diff(now, r->status_at) >= STATUS_US;

	if (usec_diff(now, r->minute) >= MINUTE_US) {
		r->minute = now;
		r->longest_us[1] = r->longest_us[0];
		r->longest_us[0] = 0;
	}
	if (!all)
		return;
	r->status_at = now;
	store_status(r->conf.store, &st, NULL);
	pthread_mutex_lock(&r->mutex);
	r->status.store = st;
	r->status.recovered = r->recovered;
	r->status.recovering = r->recovering;
	r->status.pruned = r->upkeep.pruned;
	r->status.longest_batch_ms = (uint32_t)(RTE_MAX(r->longest_us[0], r->longest_us[1]) / 1000);
	snprintf(r->status.problem, sizeof r->status.problem, "%s", rc < 0 ? err->msg : "");
	pthread_mutex_unlock(&r->mutex);
}

void
recorder_status(struct recorder *r, struct recorder_status *st)
{
	int64_t us;

	pthread_mutex_lock(&r->mutex);
	*st = r->status;
	us = r->at_store.v ? usec_diff(clock_now(), r->at_store) : 0;
	pthread_mutex_unlock(&r->mutex);
	if (us >= SLOW_US && !st->problem[0])
		snprintf(st->problem, sizeof st->problem,
			 "slow: its disk has not answered for %.1f s: look at its disk",
			 (double)us / 1e6);
}

/* --- the thread --- */

static bool
turn(struct recorder *r)
{
	struct err err = { 0 };
	bool more;
	int rc = work(r, &err);
	usec_t since;

	if (rc == -EUCLEAN) {
		rc = mend(r, &err);
		rc = rc == 0 ? 1 : rc;
	}
	more = rc > 0;
	since = go_to_store(r);
	if (rc >= 0) {
		int swept = store_sweep(r->conf.store, &err);

		rc = swept < 0 ? swept : rc;
	}
	leave_store(r, since);
	more |= do_job(r);
	if (rc < 0)
		began_to_fail(r, rc, &err);
	else if (r->failing)
		works_again(r);
	publish(r, rc, &err);
	return more;
}

static bool
pause_or_stop(struct recorder *r, bool more)
{
	struct timespec until;
	bool stop;

	clock_gettime(CLOCK_MONOTONIC, &until);
	until.tv_nsec += PAUSE_MS * 1000000L;
	if (until.tv_nsec >= 1000000000L) {
		until.tv_sec++;
		until.tv_nsec -= 1000000000L;
	}
	pthread_mutex_lock(&r->mutex);
	if (!more && !r->stop && r->job_state != JOB_ASKED)
		pthread_cond_timedwait(&r->wake, &r->mutex, &until);
	stop = r->stop;
	pthread_mutex_unlock(&r->mutex);
	return stop;
}

/* Nobody puts anything in any more. */
static void
finish(struct recorder *r)
{
	struct err err = { 0 };
	int tries = LAST_TRIES, n;

	do {
		n = journal_drain(r->conf.journal, DRAIN, &err);
		if (n < 0)
			mend(r, &err);
	} while (n > 0 || (n < 0 && --tries > 0));
	if (n == 0)
		n = write_events(r, &err);
	if (n < 0)
		log_warn("the last flows are not written down: %s", err.msg);
}

static void *
run(void *arg)
{
	struct recorder *r = arg;
	bool more = false;

	say_set_aside(r);
	while (!pause_or_stop(r, more))
		more = turn(r);
	finish(r);
	return NULL;
}

struct recorder *
recorder_new(const struct recorder_conf *c, struct err *err)
{
	struct recorder *r = calloc(1, sizeof *r);
	pthread_condattr_t attr;

	if (!r) {
		err_set(err, -ENOMEM, "no memory for the thread that writes the database");
		return NULL;
	}
	r->conf = *c;
	r->recovering = true;
	r->minute = clock_now();
	upkeep_init(&r->upkeep, c->store, &c->keep);
	pthread_condattr_init(&attr);
	pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	pthread_cond_init(&r->wake, &attr);
	pthread_condattr_destroy(&attr);
	pthread_mutex_init(&r->mutex, NULL);
	store_status(c->store, &r->status.store, NULL);
	r->status.recovering = true;
	if (pthread_create(&r->thread, NULL, run, r) == 0)
		return r;
	free(r);
	err_set(err, -EAGAIN, "no thread to write the database with");
	return NULL;
}

void
recorder_free(struct recorder *r)
{
	if (!r)
		return;
	pthread_mutex_lock(&r->mutex);
	r->stop = true;
	pthread_cond_signal(&r->wake);
	pthread_mutex_unlock(&r->mutex);
	pthread_join(r->thread, NULL);
	upkeep_fini(&r->upkeep);
	pthread_cond_destroy(&r->wake);
	pthread_mutex_destroy(&r->mutex);
	free(r);
}
