/*
 * steer.c - steer/show, steer/apply, steer/check, steer/clear, steer/bypass.
 *
 * Each is a job of the steering's thread and answers when that is done.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "vnf/cmd/cmd.h"
#include "vnf/cmd/steer.h"

void
cmd_steer_submit(struct leat *l, struct unixctl_conn *conn, struct steer_job *job,
		 steer_done_fn *done)
{
	struct err err = { 0 };

	job->done = done;
	job->arg = l;
	job->arg2 = conn;
	if (steering_submit(&l->steering, job, &err) != 0)
		unixctl_reply_error(conn, err.msg);
}

struct steer_job *
cmd_steer_job(struct unixctl_conn *conn, enum steer_act act)
{
	struct steer_job *job = calloc(1, sizeof *job);

	if (job)
		job->act = act;
	else
		unixctl_reply_error(conn, strerror(ENOMEM));
	return job;
}

static void
reply(struct steer_job *job)
{
	struct unixctl_conn *conn = job->arg2;

	if (job->rc == 0)
		unixctl_reply(conn, job->text);
	else
		unixctl_reply_error(conn, job->err.msg);
}

/* --- show --- */

/* Of one selection, as the switch counts. */
struct counted {
	unsigned n_rules;
	uint64_t n_packets, n_bytes;
};

/* Adds up the switch's rules by the selection that their cookie names. */
static void
count_rules(const struct steer_job *job, struct counted *c, size_t n)
{
	const char *line, *packets, *bytes;
	uint64_t cookie, k;

	for (line = job->text; line && *line;
	     line = strchr(line, '\n') ? strchr(line, '\n') + 1 : NULL) {
		if (sscanf(line, "cookie=%" SCNx64, &cookie) != 1)
			continue;
		k = cookie & ~OVS_COOKIE_MASK & ~OVS_COOKIE_RETURN;
		if (k < 1 || k > n)
			continue;
		packets = strstr(line, "n_packets=");
		bytes = strstr(line, "n_bytes=");
		c[k - 1].n_rules++;
		c[k - 1].n_packets += packets ? strtoull(packets + 10, NULL, 10) : 0;
		c[k - 1].n_bytes += bytes ? strtoull(bytes + 8, NULL, 10) : 0;
	}
}

static void
show_wanted(const struct leat *l, const struct steer_job *job, FILE *f)
{
	const struct snapshot *now = active_snapshot(&l->active);
	struct counted *c;
	size_t n, i;

	policy_steers(now->policy, &n);
	c = calloc(n + 1, sizeof *c);
	if (!c)
		return;
	count_rules(job, c, n);
	fprintf(f, "# policy generation %ju asks for %zu selection%s\n", (uintmax_t)now->generation,
		n, n == 1 ? "" : "s");
	if (l->steering.held != STEER_HELD_NOT)
		fprintf(f, "# taken away by steer %s until steer apply\n",
			steer_held_name(l->steering.held));
	for (i = 0; i < n; i++) {
		policy_print_steer(now->policy, i, f);
		fprintf(f, "# \t%u rules, %ju packets, %ju bytes\n", c[i].n_rules,
			(uintmax_t)c[i].n_packets, (uintmax_t)c[i].n_bytes);
	}
	free(c);
}

static void
show_done(struct steer_job *job)
{
	struct unixctl_conn *conn = job->arg2;
	char *text = NULL;
	size_t size;
	FILE *f = job->rc == 0 ? open_memstream(&text, &size) : NULL;

	if (!f) {
		reply(job);
		return;
	}
	show_wanted(job->arg, job, f);
	fputs(job->text, f);
	fclose(f);
	unixctl_reply(conn, text);
	free(text);
}

static void
cmd_show(struct unixctl_conn *conn, int argc, const char *argv[], void *aux)
{
	struct steer_job *job = cmd_steer_job(conn, STEER_SHOW);

	(void)argc;
	(void)argv;
	if (job)
		cmd_steer_submit(aux, conn, job, show_done);
}

/* --- check --- */

static void
check_done(struct steer_job *job)
{
	struct unixctl_conn *conn = job->arg2;

	if (job->rc == 0 && *job->text)
		unixctl_reply_error(conn, job->text);
	else
		reply(job);
}

static void
cmd_check(struct unixctl_conn *conn, int argc, const char *argv[], void *aux)
{
	struct steer_job *job = cmd_steer_job(conn, STEER_CHECK);

	(void)argc;
	(void)argv;
	if (job)
		cmd_steer_submit(aux, conn, job, check_done);
}

/* --- apply, clear, bypass --- */

static void
change_done(struct steer_job *job)
{
	struct leat *l = job->arg;

	if (job->rc == 0 && !job->dry_run && job->act == STEER_APPLY) {
		l->steering.keep = true;
		steering_hold(&l->steering, STEER_HELD_NOT);
	}
	reply(job);
}

static void
change(struct unixctl_conn *conn, enum steer_act act, int argc, const char *argv[], struct leat *l)
{
	struct steer_job *job;

	if (argc > 1 && strcmp(argv[1], "--dry-run") != 0) {
		unixctl_reply_errorf(conn,
				     "\"%s\" is not understood: --dry-run is all that can be "
				     "said here",
				     argv[1]);
		return;
	}
	job = cmd_steer_job(conn, act);
	if (!job)
		return;
	job->dry_run = argc > 1;
	/* What is taken away on request is not put back by the daemon itself, nor meanwhile. */
	if (!job->dry_run && act != STEER_APPLY)
		steering_hold(&l->steering,
			      act == STEER_CLEAR ? STEER_HELD_CLEAR : STEER_HELD_BYPASS);
	cmd_steer_submit(l, conn, job, change_done);
}

static void
cmd_apply(struct unixctl_conn *conn, int argc, const char *argv[], void *aux)
{
	change(conn, STEER_APPLY, argc, argv, aux);
}

static void
cmd_clear(struct unixctl_conn *conn, int argc, const char *argv[], void *aux)
{
	change(conn, STEER_CLEAR, argc, argv, aux);
}

static void
cmd_bypass(struct unixctl_conn *conn, int argc, const char *argv[], void *aux)
{
	change(conn, STEER_BYPASS, argc, argv, aux);
}

void
cmd_steer_register(struct leat *l)
{
	verb_register(l->ctl, "steer/show", cmd_show, l);
	verb_register(l->ctl, "steer/apply", cmd_apply, l);
	verb_register(l->ctl, "steer/check", cmd_check, l);
	verb_register(l->ctl, "steer/clear", cmd_clear, l);
	verb_register(l->ctl, "steer/bypass", cmd_bypass, l);
	verb_register(l->ctl, "steer/trace", cmd_steer_trace, l);
}
