/*
 * replay.c - see replay.h.
 *
 * One thread does what the daemon's do: it feeds the worker, lets time pass between frames that
 * are far apart, and drains the journal before its ring is full, so nothing is ever lost here.
 */
#include "vnf/replay/replay.h"

#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "datapath/captured.h"
#include "datapath/drops.h"
#include "datapath/eal.h"
#include "vnf/dpdk_log.h"
#include "vnf/memory.h"
#include "vnf/policy_file.h"
#include "vnf/replay/plugins.h"
#include "vnf/replay/progress.h"
#include "vnf/replay/show.h"
#include "vnf/replay/capfile.h"
#include "vnf/worker.h"

#define LOG_MODULE "replay"
#include "vnf/log.h"

enum {
	SPAN_US = 1000,		/* of capture time in a burst: timers are late by it at most */
	SETTLE_US = 5 * 1000 * 1000,	/* after the last frame, for what waits for more */
	N_JOURNAL = 16384,
	DRAIN_AT = N_JOURNAL / 4,	/* conflicts are taken up to half */
	DRAIN = 2048,
	N_KILLS = 64,
	N_FLOWS = 1 << 20,
};

struct replay {
	const struct options *o;
	struct options ports_of;	/* one port: the capture */
	struct capfile *file;
	struct store *store;	/* NULL without --db */
	struct journal *journal;
	struct sinks *sinks;
	struct show *show;
	struct progress progress;
	struct pools pools;
	struct active active;
	struct worker_conf conf;
	struct worker *worker[1];
	usec_t now;
	bool eve;		/* events go to standard output */
};

static volatile sig_atomic_t interrupted;

/* --- beginning --- */

static int
start_memory(struct replay *r, struct err *err)
{
	struct memory_plan m = { 0 };
	struct eal_conf eal = { .name = "replay", .no_huge = true, .quick = true, .log = dpdk_log };
	cpu_set_t all;
	int rc = memory_plan(&r->ports_of, &m, err);

	if (rc != 0)
		return rc;
	eal.mem_mb = m.mb;
	m.pools.ordinary = true;
	if (capfile_is_mapped(r->file)) {
		m.pools.n_refs = m.pools.n_frames;
		m.pools.n_frames /= 4;	/* what has to be copied: fragments, what is cut */
		m.pools.frame_room = POOL_HEADER_ROOM;
		m.pools.is_one = true;
	}
	sched_getaffinity(0, sizeof all, &all);
	plugins_few(true);
	rc = eal_start(&eal, err);
	plugins_few(false);
	sched_setaffinity(0, sizeof all, &all);
	r->conf.n_held_max = m.n_held_max;
	if (rc == 0 && (rc = captured_init()) != 0)
		err_set(err, rc, "an mbuf has no room for a capture's marks: %s", strerror(-rc));
	return rc == 0 ? pools_new(&r->pools, &m.pools, err) : rc;
}

static int
open_store(struct replay *r, struct err *err)
{
	const struct store_config c = {
		.path = r->o->db,
		.instance = "replay",
		.version = LEAT_VERSION,
	};

	return r->o->db ? store_open(&r->store, &c, err) : 0;
}

static int
start_policy(struct replay *r, struct err *err)
{
	char *text = NULL, *errors = NULL;
	size_t len;
	int rc = active_init(&r->active, 1, r->store, r->conf.ports, err);

	if (rc == 0 && r->o->policy)
		rc = policy_file_read(r->o->policy, stderr, &text, &len, err);
	if (rc != 0)
		return rc;
	rc = active_start(&r->active, r->o->policy ? r->o->policy : "built-in",
			  text ? text : "default passive\n", &errors);
	if (rc != 0)
		err_set(err, rc, "%s", errors ? errors : strerror(-rc));
	free(errors);
	free(text);
	return rc;
}

/* The clock has to say the capture's time before there is a worker. */
static void
begin_time(struct replay *r)
{
	usec_t first = { 0 };

	capfile_next(r->file, &first);
	r->now = first;
	clock_replay(first);
}

static int
make_worker(struct replay *r, struct err *err)
{
	struct worker_conf *c = &r->conf;

	c->n_workers = 1;
	c->n_flows = r->o->n_flows ? r->o->n_flows : N_FLOWS;
	c->idle_us = (int64_t)r->o->idle_s * 1000 * 1000;
	cmdline_passive(r->o, &c->passive);
	c->pools = &r->pools;
	c->active = &r->active;
	c->journal = r->journal;
	c->sinks = r->sinks;
	c->sink_dir = r->o->output;
	c->replay = true;
	return workers_new(c, r->worker, err);
}

/* What goes out as it comes leaves nothing to be shown. */
static int
choose_format(struct replay *r, enum show_format *format, struct err *err)
{
	*format = SHOW_TABLE;
	if (!r->o->format)
		return 0;
	r->conf.stream = strcmp(r->o->format, "stream") == 0;
	r->eve = strcmp(r->o->format, "eve") == 0;
	if (!r->conf.stream && !r->eve)
		return show_format_parse(r->o->format, format, err);
	*format = SHOW_NONE;
	return 0;
}

static int
open_sinks(struct replay *r, struct err *err)
{
	r->sinks = sinks_direct(r->journal, err);
	if (!r->sinks)
		return -ENOMEM;
	/* a reader that leaves is told of as any other error */
	if (r->eve)
		r->conf.eve = sinks_text(r->sinks, SINK_STDOUT);
	if (r->conf.stream || r->eve)
		signal(SIGPIPE, SIG_IGN);
	if (r->conf.stream && sinks_stream_to(r->sinks, STDOUT_FILENO, "replay") != 0)
		return err_set(err, -ENOMEM, "no memory for streams");
	return 0;
}

static int
begin(struct replay *r, struct err *err)
{
	enum show_format format;
	struct journal_reader reader;
	int rc = choose_format(r, &format, err);

	if (rc == 0)
		rc = capfile_open(r->o->read, &r->file, err);
	if (rc == 0)
		rc = start_memory(r, err);
	if (rc == 0)
		rc = open_store(r, err);
	if (rc != 0)
		return rc;
	r->show = show_new(format, stdout);
	r->journal = r->show ? journal_new(r->store, 1, N_JOURNAL, err) : NULL;
	if (!r->journal)
		return err_set(err, -ENOMEM, "no memory");
	rc = open_sinks(r, err);
	if (rc != 0)
		return rc;
	reader = show_reader(r->show);
	journal_read_by(r->journal, &reader);
	if (!r->store)
		journal_read_at_once(r->journal);
	r->conf.ports = ports_new(&r->ports_of, 1, r->pools.frames, err);
	if (!r->conf.ports)
		return -ENOMEM;
	rc = start_policy(r, err);
	if (rc != 0)
		return rc;
	begin_time(r);
	return make_worker(r, err);
}

/* --- reading --- */

static int
drain(struct replay *r, unsigned beyond, struct err *err)
{
	struct journal_status st;
	int n = 0;

	journal_status(r->journal, &st);
	if (beyond > 0 && st.waiting < beyond && ++r->progress.undrained < 64)
		return 0;
	r->progress.undrained = 0;
	do {
		n = journal_drain(r->journal, DRAIN, err);
	} while (n > 0);
	return n;
}

/* Lets time pass to `to`, with a stop at each moment at which something is due. */
static int
pass_time(struct replay *r, usec_t to, struct err *err)
{
	int rc = 0;

	while (rc == 0 && usec_before(r->now, to)) {
		usec_t due = tcpterm_next(r->worker[0]->stack);

		r->now = usec_add(r->now, SPAN_US);
		if (usec_before(r->now, due))
			r->now = due;
		r->now = usec_min(r->now, to);
		clock_replay(r->now);
		worker_feed(r->worker[0], NULL, 0, r->now);
		rc = drain(r, DRAIN_AT, err);
	}
	return rc;
}

static int
read_all(struct replay *r, struct err *err)
{
	struct rte_mbuf *m[PORT_BURST];
	usec_t first = r->now, last = r->now;
	int n = 0, rc = 0;

	while (rc == 0 && !interrupted &&
	       (n = capfile_read(r->file, &r->pools, SPAN_US, m, PORT_BURST, err)) > 0) {
		captured_at(m[0], &first);
		captured_at(m[n - 1], &last);
		rc = pass_time(r, first, err);
		worker_feed(r->worker[0], m, (unsigned)n, first);
		r->now = last;
		if (rc == 0)
			rc = drain(r, DRAIN_AT, err);
		progress_show(&r->progress, r->file);
	}
	progress_end(&r->progress);
	if (rc == 0 && interrupted)
		return err_set(err, -EINTR, "interrupted: this is what was read so far");
	return rc != 0 ? rc : n;
}

/* Ends the flows that the capture's end left open. */
static int
end_flows(struct replay *r, struct err *err)
{
	struct tcpterm *stack = r->worker[0]->stack;
	struct flow *f[N_KILLS];
	uint64_t cursor = 0;
	int rc = pass_time(r, usec_add(r->now, SETTLE_US), err);

	do {
		unsigned i, n = tcpterm_walk(stack, &cursor, f, N_KILLS);

		for (i = 0; i < n; i++)
			if (f[i]->announced)	/* else it was told, and lingers */
				tcpterm_kill(stack, f[i], TCPTERM_END_ABORTED);
		if (rc == 0)
			rc = drain(r, DRAIN_AT, err);
	} while (cursor != 0);
	return rc == 0 ? drain(r, 0, err) : rc;
}

/* Could all that was put into files and the stream be written? */
static int
check_sinks(const struct replay *r, struct err *err)
{
	struct sinks_status st;
	int rc;

	rc = r->conf.stream ? sinks_stream_end(r->sinks) : 0;
	if (rc != 0)
		return err_set(err, rc, "the stream can't be written: %s",
			       rc == -EPIPE ? "nobody reads it" : strerror(-rc));
	rc = sinks_eve_end(r->sinks);
	sinks_status(r->sinks, &st);
	if (rc != 0)
		return err_set(err, rc, "the events can't be written: %s", st.last_error);
	return st.errors == 0 ? 0 : err_set(err, -EIO, "%s", st.last_error);
}

/* --- the end --- */

static void
fini(struct replay *r)
{
	sinks_free(r->sinks);
	journal_free(r->journal);
	show_free(r->show);
	ports_free(r->conf.ports);
	store_close(r->store, NULL);
	capfile_close(r->file);
	/* The worker, with flows by the million that are over, and the pools, each of whose bytes
	 * DPDK would clear, go with the process. */
}

/* Of the capture, as errors call it. */
static const char *
name_of(const struct replay *r)
{
	return strcmp(r->o->read, "-") == 0 ? "standard input" : r->o->read;
}

static void
say_totals(const struct replay *r)
{
	const struct show_totals *n = show_totals(r->show);
	struct capfile_status st;

	capfile_status(r->file, &st);
	fprintf(stderr,
		"leatd: %s: %ju frames, %ju flows, %ju bytes in streams, %ju gaps of %ju bytes, "
		"%ju conflicts\n",
		name_of(r), (uintmax_t)st.frames, (uintmax_t)n->flows, (uintmax_t)n->bytes,
		(uintmax_t)n->gaps, (uintmax_t)n->gap_bytes, (uintmax_t)n->conflicts);
}

static const char *
frames_text(uint64_t n)
{
	return n == 1 ? "frame" : "frames";
}

/* Frames that a flow may lack, and why: else a capture of nothing else ends without a word. */
static void
say_left_out(const struct replay *r)
{
	static const enum drop reasons[] = {
#define REFUSAL(name, text) DROP_##name,
#include "datapath/drops.def"
		DROP_no_mbuf,
		DROP_no_memory,
		DROP_mbuf_budget,
	};
	const struct worker *w = r->worker[0];
	unsigned i;

	for (i = 0; i < sizeof reasons / sizeof reasons[0]; i++) {
		enum drop d = reasons[i];
		uint64_t n = w->drops.n[d] + w->tcp_drops->n[d];
		bool is_cksum = d == DROP_ip4_cksum || d == DROP_tcp_cksum;

		/* of flows that are followed */
		n += d == DROP_tcp_cksum ? w->tcp->bad_cksum : 0;
		if (n > 0)
			fprintf(stderr, "leatd: %s: left out %ju %s: %s%s\n", name_of(r),
				(uintmax_t)n, frames_text(n), drop_text(d),
				is_cksum ? "; --checksums trust takes them" : "");
	}
}

/* What no row tells. */
static void
say_odd(const struct replay *r)
{
	const struct tcpterm_stats *tcp = r->worker[0]->tcp;
	uint64_t clamped = tcp->wscale_clamped;
	struct capfile_status st;

	capfile_status(r->file, &st);
	if (st.frames == 0)
		fprintf(stderr, "leatd: %s: no frames are in it\n", name_of(r));
	if (r->o->policy && tcp->segments_in > 0 && show_totals(r->show)->flows == 0)
		fprintf(stderr, "leatd: %s: no flow was followed: none met a passive rule of %s\n",
			name_of(r), r->o->policy);
	if (st.jumps > 0)
		fprintf(stderr, "leatd: %s: its clock jumped back %ju times: time went on\n",
			name_of(r), (uintmax_t)st.jumps);
	if (clamped > 0)
		fprintf(stderr, "leatd: %s: %ju window scales above 14, taken as 14\n", name_of(r),
			(uintmax_t)clamped);
}

static void
on_signal(int signal)
{
	(void)signal;
	interrupted = 1;
}

/* A mapped file ends before its end: nothing can be saved. */
static void
on_bus(int signal)
{
	static const char text[] = "leatd: the capture became shorter while it was read\n";

	(void)signal;
	_exit(write(STDERR_FILENO, text, sizeof text - 1) < 0 ? EIO : REPLAY_FAILED);
}

static void
set_up(struct replay *r, const struct options *o)
{
	*r = (struct replay){ .o = o, .ports_of = *o };
	r->ports_of.port[0] = (struct port_option){
		.name = "capture",
		.spec = "ring:capture",	/* is never opened */
		.copy = true,
		.vlan_ignore = o->vlan_ignore,
		.trust = o->checksums && strcmp(o->checksums, "trust") == 0,
		.excuse = !o->checksums || strcmp(o->checksums, "auto") == 0,
	};
	r->ports_of.n_ports = 1;
	r->ports_of.n_pairs = 0;
	r->ports_of.n_workers = 1;
	r->ports_of.no_huge = true;
	progress_begin(&r->progress, o->verbose);
	log_set(o->verbose ? "dbg" : "warn", NULL);
	signal(SIGINT, on_signal);
	signal(SIGTERM, on_signal);
	signal(SIGBUS, on_bus);
}

int
replay(const struct options *o)
{
	static struct replay r;
	struct err err = { 0 };
	int rc, ended, shown;

	set_up(&r, o);
	rc = begin(&r, &err);
	if (rc == 0) {
		struct err why = { 0 };

		rc = read_all(&r, &err);
		ended = end_flows(&r, rc == 0 ? &err : &why);
		shown = show_end(r.show);
		rc = rc != 0 ? rc : ended;
		if (rc == 0 && shown != 0)
			rc = err_set(&err, shown, "the flows can't be written: %s",
				     strerror(-shown));
		if (rc == 0)
			rc = check_sinks(&r, &err);
		say_left_out(&r);
		if (rc == 0)
			say_odd(&r);
		if (o->verbose)
			say_totals(&r);
	}
	if (rc != 0)
		fprintf(stderr, "leatd: %s\n", err.msg);
	rc = rc != 0 ? REPLAY_FAILED : show_totals(r.show)->gaps ? REPLAY_GAPS : REPLAY_WHOLE;
	fini(&r);
	return rc;
}
