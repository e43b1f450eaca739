/*
 * steer_load.c - policy/load and policy/rollback where leatd steers: see steer.h.
 *
 *	compile			the caller's
 *	prepare the bridges	a job: can they take it?	fails: nothing has changed
 *	store and publish	at once, on this thread		fails: nothing has changed
 *	apply			a job, one bundle a bridge	fails: the earlier generation
 *
 * The switch's tools are slow, so each job answers later; meanwhile no other change begins.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "vnf/cmd/cmd.h"
#include "vnf/cmd/steer.h"
#define LOG_MODULE "steer"
#include "vnf/log.h"

struct load {
	struct leat *l;
	struct unixctl_conn *conn;
	struct policy *policy;		/* what is to be; compiled for the switch's part */
	struct change change;
	int argc;
	const char **argv;		/* the request's, until it is answered */
	steer_load_fn *load;
	steer_reply_fn *reply;
	uint64_t was;			/* generation */
};

static void
load_end(struct load *d, int rc)
{
	d->l->steering.change = NULL;
	d->reply(d->conn, d->l, &d->change, rc);
	policy_free(d->policy);
	free(d);
}

/* `what` went wrong, and the generation in force. */
static void
load_fail(struct load *d, int rc, const char *what, const char *why)
{
	free(d->change.errors);
	if (asprintf(&d->change.errors, "%s: %s; the policy in force is unchanged, generation %ju",
		     what, why, (uintmax_t)active_snapshot(&d->l->active)->generation) < 0)
		d->change.errors = NULL;
	load_end(d, rc);
}

/* `d` is NULL for a change that nobody waits for. */
static int
submit(struct leat *l, struct load *d, enum steer_act act, const struct policy *p,
       steer_done_fn *done, struct err *err)
{
	struct steer_job *job = calloc(1, sizeof *job);
	int rc;

	if (!job)
		return err_set(err, -ENOMEM, "no memory");
	job->act = act;
	job->of_change = true;
	job->dry_run = d && d->change.dry_run;
	job->done = done;
	job->arg = d;
	rc = steer_plan_new(p, l->o, &job->plan, err);
	if (rc == 0)
		return steering_submit(&l->steering, job, err);
	steer_job_free(job);
	return rc;
}

/* --- back --- */

static void
went_back(struct steer_job *job)
{
	if (job->rc != 0)
		log_warn("the switch does not go back to the policy in force: %s", job->err.msg);
}

void
steer_load_back(struct leat *l, uint64_t was)
{
	static const char built_in[] = "default pass\n";
	struct change back = { 0 };
	struct err err = { 0 };
	int rc;

	if (was)
		rc = active_rollback(&l->active, was, &back);
	else
		rc = active_load(&l->active, "built-in", built_in, strlen(built_in), &back);
	if (rc != 0)
		log_err("generation %ju does not come back: %s", (uintmax_t)was,
			back.errors ? back.errors : strerror(-rc));
	else if (steering_steers(&l->steering) &&
		 submit(l, NULL, STEER_APPLY, active_snapshot(&l->active)->policy, went_back,
			&err) != 0)
		log_warn("the switch does not go back to the policy in force: %s", err.msg);
	change_fini(&back);
}

/* Other bridges than the one that refused may have taken it. */
static void
undo(struct load *d, int rc, const char *why)
{
	steer_load_back(d->l, d->was);
	load_fail(d, rc, "the switch refused", why);
}

/* --- there --- */

static void
applied(struct steer_job *job)
{
	struct load *d = job->arg;

	if (job->rc != 0) {
		undo(d, job->rc, job->err.msg);
		return;
	}
	free(d->change.said);
	d->change.said = job->text;
	job->text = NULL;
	load_end(d, 0);
}

static void
prepared(struct steer_job *job)
{
	struct load *d = job->arg;
	struct err err = { 0 };
	int rc;

	if (job->rc != 0) {
		load_fail(d, job->rc, "the switch refused", job->err.msg);
		return;
	}
	rc = d->load(d->l, d->argc, d->argv, &d->change);
	if (d->change.dry_run && rc == 0) {
		free(d->change.said);
		d->change.said = job->text;
		job->text = NULL;
	}
	if (d->change.dry_run || rc != 0) {
		load_end(d, rc);
		return;
	}
	rc = submit(d->l, d, STEER_APPLY, d->policy, applied, &err);
	if (rc != 0)
		undo(d, rc, err.msg);
}

static bool
has_steers(const struct policy *p)
{
	size_t n;

	policy_steers(p, &n);
	return n > 0;
}

bool
steer_load_wanted(const struct leat *l, const struct policy *p)
{
	return steering_steers(&l->steering) &&
	       (has_steers(p) || has_steers(active_snapshot(&l->active)->policy));
}

void
steer_load(struct leat *l, struct unixctl_conn *conn, struct policy *p, bool dry_run, int argc,
	   const char *argv[], steer_load_fn *load, steer_reply_fn *reply)
{
	struct err err = { 0 };
	struct load *d;
	int rc;

	if (l->steering.change) {
		policy_free(p);
		unixctl_reply_error(conn, "another policy is being loaded: try again");
		return;
	}
	d = calloc(1, sizeof *d);
	if (!d) {
		policy_free(p);
		unixctl_reply_error(conn, strerror(ENOMEM));
		return;
	}
	*d = (struct load){
		.l = l,
		.conn = conn,
		.policy = p,
		.change = { .dry_run = dry_run },
		.argc = argc,
		.argv = argv,
		.load = load,
		.reply = reply,
		.was = active_snapshot(&l->active)->generation,
	};
	l->steering.change = d;
	rc = submit(l, d, dry_run ? STEER_APPLY : STEER_PREPARE, p, prepared, &err);
	if (rc != 0)
		load_fail(d, rc, "the switch", err.msg);
}
