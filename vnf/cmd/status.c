/*
 * status.c - status, counters, memory, and the end: how the daemon is.
 */
#include <unistd.h>

#include "vnf/cmd/cmd.h"

/* --- status --- */

static uint64_t
n_flows(const struct leat *l)
{
	uint64_t n = 0;
	unsigned i;

	for (i = 0; i < l->o->n_workers; i++)
		n += worker_n_flows(l->worker[i]);
	return n;
}

static void
cmd_status(struct unixctl_conn *conn, int argc, const char *argv[], void *aux)
{
	const struct leat *l = aux;
	const struct snapshot *s = active_snapshot(&l->active);
	const char *waiting = ports_waiting(l->ports);
	struct table *t = CMD_TABLE("item", "value");
	struct recorder_status rs;
	struct journal_status js;

	(void)argc;
	(void)argv;
	cmd_put_str(t, "version", LEAT_VERSION);
	cmd_put_str(t, "instance", l->o->name);
	cmd_put_uint(t, "pid", (uint64_t)getpid());
	table_row(t);
	table_str(t, "state");
	if (waiting)
		table_fmt(t, "waiting for port %s", waiting);
	else
		table_str(t, "ready");
	table_row(t);
	table_str(t, "uptime_s");
	table_int(t, usec_diff(clock_now(), l->started) / 1000000);
	cmd_put_uint(t, "workers", l->o->n_workers);
	cmd_put_uint(t, "flows", n_flows(l));
	cmd_put_str(t, "drain", drain_phase_name(drain_phase(&l->drain)));
	cmd_put_uint(t, "policy_generation", s->generation);
	cmd_put_str(t, "policy_name", s->name);
	cmd_put_uint(t, "policy_rules", policy_n_rules(s->policy));
	journal_status(l->journal, &js);
	recorder_status(l->recorder, &rs);
	cmd_put_uint(t, "flows_ended", js.ended);
	cmd_put_uint(t, "flows_written", js.written);
	cmd_put_uint(t, "flows_lost", js.lost);
	cmd_put_uint(t, "flows_waiting", js.waiting);
	cmd_put_str(t, "database", rs.problem[0] ? rs.problem : "ok");
	cmd_reply_table(conn, t);
}

static void
cmd_exit(struct unixctl_conn *conn, int argc, const char *argv[], void *aux)
{
	struct leat *l = aux;

	(void)argc;
	(void)argv;
	l->exiting = true;
	unixctl_reply(conn, "");
}

/* --- counters --- */

static void
put_counter(struct table *t, const char *kind, const char *name, uint64_t v, const char *text)
{
	if (v == 0)
		return;
	table_row(t);
	table_str(t, kind);
	table_str(t, name);
	table_uint(t, v);
	table_str(t, text);
}

static void
put_drops(struct table *t, const struct leat *l)
{
	unsigned d, i;

	for (d = DROP_NONE + 1; d < DROP_N; d++) {
		uint64_t n = 0;

		for (i = 0; i < l->o->n_workers; i++)
			n += l->worker[i]->drops.n[d] + l->worker[i]->tcp_drops->n[d];
		put_counter(t, "drop", drop_name(d), n, drop_text(d));
	}
}

static void
put_stats(struct table *t, const struct leat *l)
{
#define STAT(name, text) put_counter(t, "tcp", #name, WORKERS_SUM(l, tcp->name), text);
#include <tcpterm/stats.def>
#define WORKER_STAT(name, text) put_counter(t, "worker", #name, WORKERS_SUM(l, stats.name), text);
#include "vnf/worker_stats.def"
}

static void
cmd_coverage_show(struct unixctl_conn *conn, int argc, const char *argv[], void *aux)
{
	const struct leat *l = aux;
	struct table *t = CMD_TABLE("kind", "counter", "value", "meaning");
	struct sinks_status ss;

	(void)argc;
	(void)argv;
	put_drops(t, l);
	put_stats(t, l);
	sinks_status(l->sinks, &ss);
	put_counter(t, "sink", "bytes", ss.bytes, "passive bytes written or counted");
	put_counter(t, "sink", "gap_bytes", ss.gap_bytes, "passive bytes missing");
	put_counter(t, "sink", "conflicts_lost", ss.conflicts_lost,
		    "conflicts for whose bytes there was no room on the way to files or readers");
	put_counter(t, "sink", "lost_bytes", ss.lost_bytes, "passive bytes that found no room");
	put_counter(t, "sink", "refused", ss.refused, "passive flows without a slot");
	put_counter(t, "sink", "paths_refused", ss.texts_refused,
		    "sinks of flows whose path had no place beside 255 others");
	put_counter(t, "sink", "errors", ss.errors, ss.last_error);
	put_counter(t, "sink", "wakes", ss.wakes, "turns of the sinks' thread that had waited");
	put_counter(t, "sink", "reader_lost_bytes", ss.reader_lost_bytes,
		    "bytes that a reader of the stream did not take in time");
	put_counter(t, "sink", "reader_lost_records", ss.reader_lost_records,
		    "other records that one did not take");
	put_counter(t, "sink", "readers_refused", ss.readers_refused,
		    "readers of the stream above the most there may be");
	put_counter(t, "sink", "eve_lines", ss.eve_lines, "events of flows as lines of JSON");
	put_counter(t, "sink", "eve_lost", ss.eve_lost, "events that found no room");
	put_counter(t, "sink", "captures_kept", ss.captures_kept, "flows whose frames were kept");
	put_counter(t, "sink", "captures_refused", ss.captures_refused,
		    "flows whose frames were not kept, for their folder is full");
	put_counter(t, "sink", "captures_lost", ss.captures_lost,
		    "flows whose frames were to be kept and found no room");
	cmd_reply_table(conn, t);
}

void
cmd_status_register(struct leat *l)
{
	verb_register(l->ctl, "status", cmd_status, l);
	verb_register(l->ctl, "exit", cmd_exit, l);
	verb_register(l->ctl, "coverage/show", cmd_coverage_show, l);
}
