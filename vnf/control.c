/*
 * control.c - the control thread: commands, checkpoints, steering, the end.
 */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "vnf/leat.h"
#include "vnf/liveness.h"
#include "vnf/log.h"
#include "vnf/metrics.h"
#include "vnf/notify.h"
#include "vnf/pidfile.h"
#include "vnf/privileges.h"
#include "vnf/scrape.h"

enum {
	WAIT_MS = 50,		/* nothing is open */
	WAIT_ASKING_MS = 1,	/* flows are being read */
	MAX_REQUEST = 8 << 20,	/* a policy is sent whole */
};

/* Without groups, whoever the socket's mode lets in may all. */
static int
set_access(struct leat *l, struct err *err)
{
	const struct options *o = l->o;
	struct unixctl_access access = { (gid_t)-1, (gid_t)-1 };
	int rc = 0;

	if (!o->socket_group && !o->socket_readers)
		return 0;
	if (o->socket_group)
		rc = privileges_group(o->socket_group, &access.group, err);
	if (rc == 0 && o->socket_readers)
		rc = privileges_group(o->socket_readers, &access.readers, err);
	return rc == 0 ? unixctl_server_set_access(l->ctl, &access, err) : rc;
}

/* Who may use the control socket may read the streams; those who may only ask, may not. */
static int
open_stream(struct leat *l, struct err *err)
{
	struct sinks_listen s = {
		.path = l->stream_path,
		.instance = l->o->name,
		.mode = l->o->socket_mode,
		.group = (gid_t)-1,
	};
	int rc = 0;

	if (l->o->socket_group)
		rc = privileges_group(l->o->socket_group, &s.group, err);
	return rc == 0 ? sinks_listen(l->sinks, &s, err) : rc;
}

int
control_open(struct leat *l, struct err *err)
{
	sigset_t set;
	int rc;

	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGHUP);
	l->signal_fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	if (l->signal_fd < 0)
		return err_set(err, -errno, "signals can't be read: %s", strerror(errno));
	rc = unixctl_server_create(l->ctl_path, l->o->socket_mode, &l->ctl, err);
	if (rc == 0)
		rc = set_access(l, err);
	if (rc == 0)
		rc = open_stream(l, err);
	if (rc == 0)
		rc = pidfile_link(l->run_dir, l->o->name, err);
	if (rc == 0 && l->o->metrics) {
		l->scrape = scrape_open(l->o->metrics, metrics_text, l, err);
		rc = l->scrape ? 0 : -EIO;
	}
	if (rc != 0)
		return rc;
	unixctl_server_set_max_request(l->ctl, MAX_REQUEST);
	rc = unixctl_server_set_version(l->ctl, "leatd (Leat) " LEAT_VERSION);
	cmd_db_register(l);
	cmd_drain_register(l);
	cmd_flow_register(l);
	cmd_memory_register(l);
	cmd_pcap_register(l);
	cmd_policy_register(l);
	cmd_port_register(l);
	cmd_status_register(l);
	cmd_steer_register(l);
	cmd_vlog_register(l);
	cmd_worker_register(l);
	return rc;
}

static void
take_signal(struct leat *l)
{
	struct signalfd_siginfo info;
	struct err err = { 0 };

	if (read(l->signal_fd, &info, sizeof info) != sizeof info)
		return;
	if (info.ssi_signo == SIGHUP) {
		if (log_reopen(&err) != 0)
			log_warn("%s", err.msg);
		sinks_reopen(l->sinks);
		return;
	}
	if (l->o->drain_s == 0 || l->ending) {
		log_info("signal %s: ending", strsignal((int)info.ssi_signo));
		l->exiting = true;
		return;
	}
	log_info("signal %s: draining for %u s at most", strsignal((int)info.ssi_signo),
		 l->o->drain_s);
	drain_begin(&l->drain, (int64_t)l->o->drain_s * 1000000, clock_now());
	l->ending = true;
}

/* Has every BFD session that was up been told that we leave? */
static bool
switch_knows(const struct leat *l, usec_t now)
{
	unsigned i;

	for (i = 0; i < l->ports->n; i++)
		if (liveness_state(l->worker, l->o->n_workers, i, now) > BFD_DOWN)
			return false;
	return true;
}

static void
keep_draining(struct leat *l, usec_t now)
{
	uint64_t n = 0;
	unsigned i;

	for (i = 0; i < l->o->n_workers; i++)
		n += worker_n_flows(l->worker[i]);
	if (drain_run(&l->drain, n, now))
		log_info("drained, %ju flows are left", (uintmax_t)n);
	if (l->ending && drain_phase(&l->drain) == DRAIN_DONE && switch_knows(l, now))
		l->exiting = true;
}

/* While flows come they are taken as fast as the workers say them. */
static int
wait_ms(const struct leat *l, bool asking)
{
	if (!asking)
		return WAIT_MS;
	return flows_busy(l->flows) ? 0 : WAIT_ASKING_MS;
}

/* A worker never waits for memory that the system has to clear first. */
static void
commit_memory(struct leat *l)
{
	for (unsigned i = 0; i < l->worker_conf.n_workers; i++)
		tcpterm_commit(l->worker[i]->stack);
}

void
control_run(struct leat *l)
{
	struct pollfd fds[UNIXCTL_MAX_FDS + SCRAPE_MAX_FDS + 1];
	bool asking = false;
	size_t n;

	while (!l->exiting) {
		usec_t now;

		n = unixctl_server_fds(l->ctl, fds, UNIXCTL_MAX_FDS);
		n += scrape_fds(l->scrape, fds + n);
		fds[n] = (struct pollfd){ .fd = l->signal_fd, .events = POLLIN };
		if (poll(fds, n + 1, wait_ms(l, asking)) > 0 && fds[n].revents)
			take_signal(l);
		unixctl_server_run(l->ctl);
		now = clock_now();
		clock_follow();
		scrape_run(l->scrape, now);
		cmd_db_run(l);
		checkpoint_run(&l->checkpoint, now);
		asking = flows_run(l->flows, now);
		commit_memory(l);
		active_reclaim(&l->active);
		resume_run(&l->resume, now);
		asking |= captures_run(l->captures);
		cmd_flow_follow_run(l, now);
		cmd_flow_watch_run(l, now);
		steering_run(&l->steering, now);
		keep_draining(l, now);
		vhost_owner_run(&l->vhost_owner);
		notify_watchdog(now);
	}
}
