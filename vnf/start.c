/*
 * start.c - see start.h.
 */
#include "vnf/start.h"

#include <errno.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include "datapath/eal.h"
#include "vnf/check.h"
#include "vnf/dpdk_log.h"
#include "vnf/log.h"
#include "vnf/memory.h"
#include "vnf/pidfile.h"
#include "vnf/policy_file.h"
#include "vnf/prepare.h"
#include "vnf/scrape.h"

enum {
	N_JOURNAL = 32768,	/* records a worker, 15 MB: a stall of 0.3 s at 100,000 a second */
	N_SINK = 8192,		/* events a worker */
	STOP_WAIT_MS = 1500,
	CLEAR_WAIT_MS = OVS_EXEC_TIMEOUT, /* rules that stay would be worse than a late end */
};

static const int64_t DAY_US = INT64_C(86400) * 1000 * 1000;

/* --- store --- */

static int
open_store(struct leat *l, struct err *err)
{
	const struct store_config c = {
		.path = l->db_path,
		.instance = l->o->name,
		.version = LEAT_VERSION,
		.set_aside = true,
	};

	return store_open(&l->store, &c, err);
}

/* From here on the store is the recorder's. */
static int
start_recorder(struct leat *l, struct err *err)
{
	const struct recorder_conf c = {
		.store = l->store,
		.journal = l->journal,
		.checkpoint = &l->checkpoint,
		.keep = { .age_us = (int64_t)l->o->keep_days * DAY_US,
			  .bytes = (uint64_t)l->o->keep_mb << 20 },
	};

	checkpoint_init(&l->checkpoint, l->store, l->flows, l->started);
	l->recorder = recorder_new(&c, err);
	return l->recorder ? 0 : -ENOMEM;
}

/* --- memory --- */

/* EAL pins its caller to the first core; leatd's other threads are not to inherit that. */
static int
start_eal(const struct options *o, unsigned mb, struct err *err)
{
	const struct eal_conf conf = {
		.name = o->name,
		.mem_mb = mb,
		.no_huge = o->no_huge,
		.log = dpdk_log,
	};
	cpu_set_t all;
	int rc;

	sched_getaffinity(0, sizeof all, &all);
	rc = eal_start(&conf, err);
	sched_setaffinity(0, sizeof all, &all);
	return rc;
}

/* --- policy --- */

static int
policy_errors_to(struct err *err, char *errors, int rc)
{
	err_set(err, rc, "%s", errors ? errors : strerror(-rc));
	free(errors);
	return rc;
}

static int
start_policy(struct leat *l, struct err *err)
{
	char *text = NULL, *errors;
	size_t len;
	int rc = active_init(&l->active, l->o->n_workers, l->store, l->ports, err);

	if (rc == 0 && l->o->policy)
		rc = policy_file_read(l->o->policy, stderr, &text, &len, err);
	if (rc != 0)
		return rc;
	rc = active_start(&l->active, l->o->policy, text, &errors);
	free(text);
	return rc == 0 ? 0 : policy_errors_to(err, errors, rc);
}

/* --- workers --- */

/* Without it the flows of before are taken for new ones: no reason not to start. */
static void
know_interrupted(struct leat *l)
{
	struct err err = { 0 };

	if (resume_init(&l->resume, l->store, l->active.qsbr, clock_now(), &err) != 0)
		log_warn("flows of before are not taken up again: %s", err.msg);
	else if (l->resume.n_known)
		log_info("%u flows of before are taken up again as they are seen",
			 resume_waiting(&l->resume));
	if (l->resume.n_left_out)
		log_warn("%u more flows of before are not: there is no room for them",
			 l->resume.n_left_out);
}

static int
make_workers(struct leat *l, struct err *err)
{
	struct worker_conf *c = &l->worker_conf;

	c->n_workers = l->o->n_workers;
	c->n_flows = l->o->n_flows;
	c->n_embryos = l->o->n_embryos;
	c->window_max = l->o->window_kb * 1024;
	c->idle_us = (int64_t)l->o->idle_s * 1000 * 1000;
	c->congestion = l->o->congestion;
	cmdline_passive(l->o, &c->passive);
	c->ports = l->ports;
	c->pools = &l->pools;
	c->active = &l->active;
	c->journal = l->journal;
	c->sinks = l->sinks;
	c->flows = l->flows;
	c->captures = l->captures;
	c->followers = l->followers;
	c->watches = l->watches;
	c->drain = &l->drain;
	c->resume = &l->resume;
	c->stall_us = (int64_t)l->o->bfd_stall_ms * 1000;
	if (getrandom(c->secret, sizeof c->secret, 0) != sizeof c->secret)
		return err_set(err, -EIO, "the kernel gives no random numbers");
	return workers_new(c, l->worker, err);
}

static int
make_parts(struct leat *l, const struct memory_plan *m, struct err *err)
{
	const struct options *o = l->o;
	int rc = pools_new(&l->pools, &m->pools, err);

	if (rc != 0)
		return rc;
	l->n_frames = m->pools.n_frames;
	l->n_headers = m->pools.n_headers;
	l->worker_conf.n_held_max = m->n_held_max;
	l->journal = journal_new(l->store, o->n_workers, N_JOURNAL, err);
	l->sinks = l->journal ? sinks_new(o->n_workers, N_SINK, l->journal, err) : NULL;
	if (l->sinks)
		sinks_bound_kept(l->sinks, o->pcapng_files, (uint64_t)o->pcapng_mb << 20);
	l->flows = l->sinks ? flows_new(o->n_workers, err) : NULL;
	l->ports = l->flows ? ports_new(o, o->n_workers, l->pools.frames, err) : NULL;
	if (!l->ports)
		return -ENOMEM;
	rc = start_policy(l, err);
	if (rc == 0 && !(l->captures = captures_new(o->n_workers, l->ports, l->active.qsbr)))
		rc = err_set(err, -ENOMEM, "no memory for captures");
	if (rc == 0 && !(l->followers = followers_new(o->n_workers, l->active.qsbr)))
		rc = err_set(err, -ENOMEM, "no memory to follow flows");
	if (rc == 0 && !(l->watches = watches_new(o->n_workers, l->active.qsbr)))
		rc = err_set(err, -ENOMEM, "no memory to watch flows");
	if (rc == 0)
		know_interrupted(l);
	return rc == 0 ? make_workers(l, err) : rc;
}

int
leat_start(struct leat *l, const struct options *o, struct err *err)
{
	struct memory_plan m = { 0 };
	int rc;

	*l = (struct leat){ .o = o, .pid_fd = -1, .signal_fd = -1 };
	/* A policy that is wrong is told before anything is touched. */
	rc = check_policy(o, stderr, err);
	if (rc == 0)
		rc = memory_plan(o, &m, err);
	if (rc == 0)
		rc = prepare(l, err);
	if (rc == 0)
		rc = vhost_owner_init(&l->vhost_owner, o, err);
	if (rc == 0)
		rc = steering_init(&l->steering, o, l->run_dir, err);
	if (rc == 0)
		rc = l->pid_fd = pidfile_open(l->pid_path, err);
	if (rc >= 0)
		rc = open_store(l, err);
	if (rc == 0)
		rc = start_eal(o, m.mb, err);
	if (rc == 0)
		rc = make_parts(l, &m, err);
	if (rc == 0)
		rc = control_open(l, err);
	if (rc != 0)
		return rc;
	l->started = clock_now();
	rc = start_recorder(l, err);
	if (rc != 0)
		return rc;
	rc = workers_start(l->worker, o->n_workers, o->core, err);
	if (rc == 0)
		rc = steering_start(&l->steering, &l->active, err);
	return rc == 0 ? ports_start(l->ports, err) : rc;
}

/* --- the end --- */

static void
close_files(struct leat *l)
{
	struct err err = { 0 };

	cmd_db_end(l);
	if (l->ctl)
		pidfile_unlink(l->run_dir, l->o->name);
	scrape_close(l->scrape);
	unixctl_server_free(l->ctl);
	recorder_free(l->recorder);
	checkpoint_fini(&l->checkpoint);
	if (l->store && store_close(l->store, &err) != 0)
		log_warn("%s", err.msg);
	pidfile_close(l->pid_path, l->pid_fd);
	l->ctl = NULL;
	l->recorder = NULL;
	l->store = NULL;
}

bool
leat_stop(struct leat *l)
{
	/* the switch goes round us before the workers end */
	bool clear = l->o->clear_on_exit;
	bool steering_ended =
		steering_stop(&l->steering, clear, clear ? CLEAR_WAIT_MS : STOP_WAIT_MS);
	bool ports_ended = !l->ports || ports_stop(l->ports, STOP_WAIT_MS);

	workers_stop(l->worker, l->o->n_workers);
	workers_free(l->worker, l->o->n_workers);
	if (!ports_ended)
		ports_abandon(l->ports);
	/* commands that wait for flows are answered before their connections go */
	flows_free(l->flows);
	captures_free(l->captures);
	cmd_flow_follow_end(l);
	followers_free(l->followers);
	cmd_flow_watch_end(l);
	watches_free(l->watches);
	sinks_free(l->sinks);
	close_files(l);
	if (!ports_ended || !steering_ended)
		return false;
	ports_free(l->ports);
	journal_free(l->journal);
	resume_fini(&l->resume);
	if (l->active.qsbr)
		active_fini(&l->active);
	pools_free(&l->pools);
	if (l->signal_fd >= 0)
		close(l->signal_fd);
	return true;
}
