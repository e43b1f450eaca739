/*
 * steering.c - see steering.h.
 */
#define LOG_MODULE "steer"

#include "vnf/steer/steering.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "datapath/ovs/apply.h"
#include "vnf/active.h"
#include "vnf/log.h"

/* How often the switch is asked: it has its rules back within 2 s, the tools' own time included. */
enum { WATCH_EVERY_US = 1000 * 1000 };

static const char *const act_names[] = {
	[STEER_SHOW] = "steer show",
	[STEER_APPLY] = "steer apply",
	[STEER_CHECK] = "steer check",
	[STEER_CLEAR] = "steer clear",
	[STEER_BYPASS] = "steer bypass",
	[STEER_TRACE] = "steer trace",
	[STEER_WATCH] = "looking for the rules",
	[STEER_PREPARE] = "policy load",
};

/* --- what the thread does --- */

static void
trace_all(const struct steer_switch *w, struct steer_job *job)
{
	unsigned i;

	for (i = 0; i < job->n_traces && job->rc == 0; i++)
		job->rc = ovs_trace(&w->target, job->trace[i].bridge, job->trace[i].flow,
				    &job->trace[i].text, &job->err);
}

/* `leatd --offline` writes this before it takes the rules away. */
static enum steer_held
taken_away_by(const struct steering *s)
{
	struct steer_state state;
	struct err none;

	return steer_state_read(s->state_path, &state, &none) == 0 ? state.held : STEER_HELD_NOT;
}

/* Puts the rules back; takes them away again if that was done while we were at it. */
static int
restore(const struct steer_switch *w, struct steer_job *job, FILE *said)
{
	int rc = steer_switch_restore(w, job->plan, said, &job->err);
	enum steer_held held = taken_away_by(job->s);

	if (held == STEER_HELD_CLEAR)
		return steer_switch_clear(w, false, NULL, &job->err);
	if (held == STEER_HELD_BYPASS)
		return steer_switch_bypass(w, false, NULL, &job->err);
	return rc;
}

/*
 * As many rules as at the latest look are all of them: nobody else changes ours.  We may have been
 * stopped at any point of this.
 */
static int
watch(const struct steer_switch *w, struct steer_job *job, FILE *said)
{
	unsigned had = job->n_rules;
	int rc = steer_switch_count(w, job->plan, &job->n_rules, &job->err);

	if (rc != 0 || (had && job->n_rules == had) || taken_away_by(job->s) != STEER_HELD_NOT)
		return rc;
	rc = restore(w, job, said);
	return rc == 0 ? steer_switch_count(w, job->plan, &job->n_rules, &job->err) : rc;
}

/* And counts what is there then, so that the watch need not compare all of it once more. */
static int
apply(const struct steer_switch *w, struct steer_job *job, FILE *said)
{
	struct err none;
	int rc = steer_switch_apply(w, job->plan, job->dry_run, said, &job->err);

	if (rc == 0 && !job->dry_run && steer_switch_count(w, job->plan, &job->n_rules, &none) != 0)
		job->n_rules = 0;
	return rc;
}

static int
perform(const struct steer_switch *w, struct steer_job *job, FILE *said)
{
	switch (job->act) {
	case STEER_SHOW:
		return steer_switch_show(w, job->plan, said, &job->err);
	case STEER_APPLY:
		return apply(w, job, said);
	case STEER_CHECK:
		return steer_switch_check(w, job->plan, said, &job->err);
	case STEER_CLEAR:
		return steer_switch_clear(w, job->dry_run, said, &job->err);
	case STEER_BYPASS:
		return steer_switch_bypass(w, job->dry_run, said, &job->err);
	case STEER_WATCH:
		return watch(w, job, said);
	case STEER_PREPARE:
		job->rc = steer_switch_ports(w, job->plan, &job->err);
		return job->rc ? job->rc : steer_switch_apply(w, job->plan, true, said, &job->err);
	default:
		trace_all(w, job);
		return job->rc;
	}
}

static void
work(const struct steer_switch *w, struct steer_job *job)
{
	size_t size;
	FILE *f = open_memstream(&job->text, &size);

	if (!f) {
		job->rc = err_set(&job->err, -ENOMEM, "no memory");
		return;
	}
	job->rc = perform(w, job, f);
	fclose(f);
}

static void *
steering_thread(void *arg)
{
	struct steering *s = arg;

	pthread_mutex_lock(&s->lock);
	while (!s->stop) {
		struct steer_job *job = s->job_done ? NULL : s->job;

		if (!job) {
			pthread_cond_wait(&s->wake, &s->lock);
			continue;
		}
		pthread_mutex_unlock(&s->lock);
		work(&s->sw, job);
		pthread_mutex_lock(&s->lock);
		s->job_done = true;
	}
	pthread_mutex_unlock(&s->lock);
	return NULL;
}

/* --- jobs --- */

void
steer_job_free(struct steer_job *job)
{
	unsigned i;

	for (i = 0; i < job->n_traces; i++)
		free(job->trace[i].text);
	free(job->trace);
	steer_plan_free(job->plan);
	free(job->text);
	free(job);
}

static void
job_finish(struct steer_job *job)
{
	job->done(job);
	if (job->rc == 0 && !job->dry_run && job->act == STEER_APPLY)
		job->s->n_rules = job->n_rules;
	steer_job_free(job);
}

static bool
wants_plan(enum steer_act act)
{
	return act != STEER_CLEAR && act != STEER_BYPASS && act != STEER_TRACE;
}

/* Gives it to the thread; what fails before that is finished at once. */
static void
job_start(struct steering *s, struct steer_job *job)
{
	if (!job->plan && wants_plan(job->act))
		job->rc = steer_plan_new(active_snapshot(s->active)->policy, s->o, &job->plan,
					 &job->err);
	if (job->rc != 0) {
		job_finish(job);
		return;
	}
	s->job_began = clock_now();
	pthread_mutex_lock(&s->lock);
	s->job = job;
	s->job_done = false;
	pthread_cond_signal(&s->wake);
	pthread_mutex_unlock(&s->lock);
}

int
steering_submit(struct steering *s, struct steer_job *job, struct err *err)
{
	job->s = s;
	if (!s->has_thread) {
		steer_job_free(job);
		return err_set(err, -ECANCELED, "leatd ends");
	}
	if (!s->job) {
		job_start(s, job);
		return 0;
	}
	if (!s->waiting) {
		s->waiting = job;
		return 0;
	}
	steer_job_free(job);
	return err_set(err, -EBUSY,
		       "the switch's tools have been at work for %jd s (%s), and %s waits already: "
		       "try again",
		       (intmax_t)usec_diff(clock_now(), s->job_began) / 1000000,
		       act_names[s->job->act], act_names[s->waiting->act]);
}

/* Takes back what the thread has done. */
static struct steer_job *
job_take(struct steering *s)
{
	struct steer_job *job = NULL;

	pthread_mutex_lock(&s->lock);
	if (s->job_done) {
		job = s->job;
		s->job = NULL;
		s->job_done = false;
	}
	pthread_mutex_unlock(&s->lock);
	return job;
}

/* --- the watch --- */

static void
watch_done(struct steer_job *job)
{
	struct steering *s = job->s;

	if (job->rc != 0) {
		if (!s->complained)
			log_warn("steering: %s", job->err.msg);
		s->complained = true;
		s->n_rules = 0;
		return;
	}
	s->n_rules = job->n_rules;
	if (s->complained || (job->text && *job->text))
		log_info("steering rules are in place");
	s->complained = false;
}

/* `leatd --offline` may have taken the rules away while we hung. */
static void
read_held(struct steering *s)
{
	struct steer_state state;
	struct err err;

	if (steer_state_read(s->state_path, &state, &err) != 0 || state.held == s->held)
		return;
	log_info("steering: the rules are %s", state.held == STEER_HELD_NOT
						       ? "wanted again"
						       : "taken away until `leatctl steer apply`");
	s->held = state.held;
	s->n_rules = 0;
}

static void
watch_begin(struct steering *s, usec_t now)
{
	struct steer_job *job;
	struct err err;

	if (!s->keep || s->job || s->change || usec_diff(now, s->checked) < WATCH_EVERY_US)
		return;
	s->checked = now;
	read_held(s);
	job = s->held == STEER_HELD_NOT ? calloc(1, sizeof *job) : NULL;
	if (!job)
		return;
	job->act = STEER_WATCH;
	job->n_rules = s->n_rules;
	job->done = watch_done;
	steering_submit(s, job, &err);
}

void
steering_run(struct steering *s, usec_t now)
{
	struct steer_job *job = job_take(s);

	if (job)
		job_finish(job);
	if (!s->job && s->waiting && (!s->change || s->waiting->of_change)) {
		job = s->waiting;
		s->waiting = NULL;
		job_start(s, job);
	}
	watch_begin(s, now);
}

/* --- state --- */

void
steering_hold(struct steering *s, enum steer_held held)
{
	struct steer_state state = { .instance = s->sw.instance, .held = held };
	struct err err = { 0 };

	s->held = held;
	s->n_rules = 0;
	strcpy(state.ovs_db, s->sw.target.db);
	strcpy(state.ovs_rundir, s->sw.target.rundir);
	if (steer_state_write(s->state_path, &state, &err) != 0)
		log_warn("steering without leatd will not work: %s", err.msg);
}

bool
steering_steers(const struct steering *s)
{
	return s->keep && s->held == STEER_HELD_NOT;
}

/* --- begin and end --- */

int
steering_init(struct steering *s, const struct options *o, const char *run_dir, struct err *err)
{
	int rc;

	*s = (struct steering){ .o = o, .keep = o->steer };
	rc = steer_switch_init(&s->sw, o->ovs_db, o->ovs_rundir, o->instance, err);
	if (rc != 0)
		return rc;
	s->sw.o = o;
	s->sw.bfd_ms = o->bfd_ms;
	snprintf(s->state_path, sizeof s->state_path, "%s/%s.switch", run_dir, o->name);
	pthread_mutex_init(&s->lock, NULL);
	pthread_cond_init(&s->wake, NULL);
	return 0;
}

int
steering_start(struct steering *s, const struct active *active, struct err *err)
{
	struct steer_state state;
	struct err none;
	int rc;

	s->active = active;
	if (steer_state_read(s->state_path, &state, &none) != 0)
		state.held = STEER_HELD_NOT;
	if (state.held != STEER_HELD_NOT && s->keep)
		log_warn("`steer %s` took the rules away: `leatctl steer apply` puts them back",
			 steer_held_name(state.held));
	steering_hold(s, state.held);
	rc = pthread_create(&s->thread, NULL, steering_thread, s);
	if (rc != 0)
		return err_set(err, -rc, "the steering thread does not start: %s", strerror(rc));
	s->has_thread = true;
	pthread_setname_np(s->thread, "leat-steer");
	return 0;
}

static void
job_cancel(struct steer_job *job)
{
	if (job->rc == 0)
		job->rc = err_set(&job->err, -ECANCELED, "leatd ends");
	job_finish(job);
}

static bool
thread_ends(struct steering *s, int wait_ms)
{
	struct timespec until;

	pthread_mutex_lock(&s->lock);
	s->stop = true;
	pthread_cond_signal(&s->wake);
	pthread_mutex_unlock(&s->lock);
	clock_gettime(CLOCK_REALTIME, &until);
	until.tv_sec += wait_ms / 1000;
	until.tv_nsec += wait_ms % 1000 * 1000000L;
	if (until.tv_nsec >= 1000000000L) {
		until.tv_sec++;
		until.tv_nsec -= 1000000000L;
	}
	return pthread_timedjoin_np(s->thread, NULL, &until) == 0;
}

bool
steering_stop(struct steering *s, bool clear, int wait_ms)
{
	struct steer_job *waiting = s->waiting, *job;
	struct err err = { 0 };

	if (!s->has_thread)
		return true;
	s->has_thread = false;
	s->waiting = NULL;
	if (!thread_ends(s, wait_ms)) {
		log_warn("the switch's tools hang (%s): the steering rules stay as they are",
			 act_names[s->job->act]);
		return false;
	}
	job = job_take(s);
	if (job)
		job_finish(job);
	else if (s->job)
		job_cancel(s->job);
	s->job = NULL;
	if (waiting)
		job_cancel(waiting);
	if (!clear)
		return true;
	if (steer_switch_clear(&s->sw, false, NULL, &err) != 0)
		log_warn("the steering rules stay in the switch: %s", err.msg);
	else
		log_info("the steering rules are out of the switch");
	return true;
}
