/*
 * cmd_show.c - commands that say how the daemon is: status, ports, workers, counters, store,
 * memory.
 */
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "vnf/leat.h"
#include "vnf/log.h"

static struct table *
new_table(const char *const *names, size_t n)
{
	struct table *t = table_new(names, n);

	if (!t)
		abort();	/* as the rest of the program does where small memory is gone */
	return t;
}

#define TABLE(...)                                                                                 \
	new_table((const char *const[]){ __VA_ARGS__ },                                            \
		  sizeof((const char *const[]){ __VA_ARGS__ }) / sizeof(const char *))

static void
reply_and_free(struct unixctl_conn *conn, struct table *t)
{
	unixctl_reply_table(conn, t);
	table_free(t);
}

static void
put_uint(struct table *t, const char *name, uint64_t v)
{
	table_row(t);
	table_str(t, name);
	table_uint(t, v);
}

static void
put_str(struct table *t, const char *name, const char *s)
{
	table_row(t);
	table_str(t, name);
	table_str(t, s);
}

/* --- status --- */

static uint64_t
n_flows(const struct leat *l)
{
	uint64_t n = 0;
	unsigned i, k;

	for (i = 0; i < l->o->n_workers; i++)
		for (k = 1; k < TCPTERM_N_KINDS; k++)
			if (k != TCPTERM_KIND_TIMEWAIT)
				n += l->worker[i]->tcp->n_flows[k];
	return n;
}

static void
cmd_status(struct unixctl_conn *conn, int argc, const char *argv[], void *aux)
{
	const struct leat *l = aux;
	const struct snapshot *s = active_snapshot(&l->active);
	const char *waiting = ports_waiting(l->ports);
	struct table *t = TABLE("item", "value");
	struct journal_status js;

	(void)argc;
	(void)argv;
	put_str(t, "version", LEAT_VERSION);
	put_str(t, "instance", l->o->name);
	put_uint(t, "pid", (uint64_t)getpid());
	table_row(t);
	table_str(t, "state");
	if (waiting)
		table_fmt(t, "waiting for port %s", waiting);
	else
		table_str(t, "ready");
	table_row(t);
	table_str(t, "uptime_s");
	table_int(t, usec_diff(clock_now(), l->started) / 1000000);
	put_uint(t, "workers", l->o->n_workers);
	put_uint(t, "flows", n_flows(l));
	put_uint(t, "policy_generation", s->generation);
	put_str(t, "policy_name", s->name);
	put_uint(t, "policy_rules", policy_n_rules(s->policy));
	journal_status(l->journal, &js);
	put_uint(t, "flows_written", js.written);
	put_uint(t, "flows_not_written", js.lost);
	reply_and_free(conn, t);
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

/* --- ports and workers --- */

static void
cmd_port_list(struct unixctl_conn *conn, int argc, const char *argv[], void *aux)
{
	const struct ports *p = ((const struct leat *)aux)->ports;
	struct table *t = TABLE("name", "state", "kind", "peer", "spec", "mtu", "rx_frames",
				"rx_bytes", "tx_frames", "tx_bytes", "linearized");
	struct port_stats st;
	unsigned i;

	(void)argc;
	(void)argv;
	for (i = 0; i < p->n; i++) {
		const struct port_conf *c = port_config(p->port[i]);

		port_get_stats(p->port[i], &st);
		table_row(t);
		table_str(t, c->name);
		table_str(t, port_state_name(port_state(p->port[i])));
		table_str(t, p->is_tap[i] ? "copy" : "inline");
		if (p->is_tap[i])
			table_none(t);
		else
			table_str(t, port_config(p->port[p->peer[i]])->name);
		table_str(t, c->spec);
		table_uint(t, port_mtu(p->port[i]));
		table_uint(t, st.rx_frames);
		table_uint(t, st.rx_bytes);
		table_uint(t, st.tx_frames);
		table_uint(t, st.tx_bytes);
		table_uint(t, st.linearized);
	}
	reply_and_free(conn, t);
}

static void
cmd_worker_show(struct unixctl_conn *conn, int argc, const char *argv[], void *aux)
{
	const struct leat *l = aux;
	struct table *t = TABLE("worker", "core", "last_turn_us", "flows", "held_mbufs", "frames",
				"handed_over", "taken_over", "turns", "busy_turns", "sleeps");
	unsigned i, k;

	(void)argc;
	(void)argv;
	for (i = 0; i < l->o->n_workers; i++) {
		const struct worker *w = l->worker[i];
		uint64_t n = 0;

		for (k = 1; k < TCPTERM_N_KINDS; k++)
			n += w->tcp->n_flows[k];
		table_row(t);
		table_uint(t, i);
		if (w->core >= 0)
			table_int(t, w->core);
		else
			table_none(t);
		table_int(t, clock_now().v - atomic_load(&w->turned));
		table_uint(t, n);
		table_uint(t, w->tcp->n_held);
		table_uint(t, w->stats.frames);
		table_uint(t, w->stats.handed_over);
		table_uint(t, w->stats.taken_over);
		table_uint(t, w->stats.turns);
		table_uint(t, w->stats.busy_turns);
		table_uint(t, w->stats.sleeps);
	}
	reply_and_free(conn, t);
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

/* The sum over all workers of one counter of `member`. */
#define SUM(l, member)                                                                             \
	({                                                                                         \
		uint64_t sum_ = 0;                                                                 \
		for (unsigned i_ = 0; i_ < (l)->o->n_workers; i_++)                                \
			sum_ += (l)->worker[i_]->member;                                           \
		sum_;                                                                              \
	})

static void
put_stats(struct table *t, const struct leat *l)
{
#define STAT(name, text) put_counter(t, "tcp", #name, SUM(l, tcp->name), text);
#include <tcpterm/stats.def>
#define WORKER_STAT(name, text) put_counter(t, "worker", #name, SUM(l, stats.name), text);
#include "vnf/worker_stats.def"
}

static void
cmd_coverage_show(struct unixctl_conn *conn, int argc, const char *argv[], void *aux)
{
	const struct leat *l = aux;
	struct table *t = TABLE("kind", "counter", "value", "meaning");
	struct sinks_status ss;

	(void)argc;
	(void)argv;
	put_drops(t, l);
	put_stats(t, l);
	sinks_status(l->sinks, &ss);
	put_counter(t, "sink", "bytes", ss.bytes, "passive bytes written or counted");
	put_counter(t, "sink", "gap_bytes", ss.gap_bytes, "passive bytes missing");
	put_counter(t, "sink", "lost_bytes", ss.lost_bytes, "passive bytes that found no room");
	put_counter(t, "sink", "refused", ss.refused, "passive flows without a slot");
	put_counter(t, "sink", "errors", ss.errors, ss.last_error);
	reply_and_free(conn, t);
}

/* --- store and memory --- */

static void
cmd_db_status(struct unixctl_conn *conn, int argc, const char *argv[], void *aux)
{
	const struct leat *l = aux;
	struct store_status st;
	struct journal_status js;
	struct table *t;
	struct err err = { 0 };
	int rc = store_status(l->store, &st, &err);

	(void)argc;
	(void)argv;
	t = TABLE("item", "value");
	put_str(t, "path", l->db_path);
	put_str(t, "state", rc == 0 ? "ok" : err.msg);
	put_uint(t, "run", st.run);
	put_uint(t, "schema", (uint64_t)st.user_version);
	put_uint(t, "file_size", st.file_size);
	put_uint(t, "free_size", st.free_size);
	put_uint(t, "wal_size", st.wal_size);
	put_uint(t, "wal_used", st.wal_used);
	put_uint(t, "flow_rows", st.flow_rows);
	put_uint(t, "gap_rows", st.gap_rows);
	put_uint(t, "live_rows", st.live_rows);
	put_uint(t, "policies", st.policies);
	put_uint(t, "committed", st.committed);
	put_uint(t, "refused", st.refused);
	put_uint(t, "rolled_back", st.rolled_back);
	put_uint(t, "failures", st.failures);
	put_str(t, "last_error", st.last_errno ? st.last_error : NULL);
	journal_status(l->journal, &js);
	put_uint(t, "journal_waiting", js.waiting);
	put_uint(t, "journal_lost", js.lost);
	put_uint(t, "checkpoints", l->checkpoint.n_done);
	reply_and_free(conn, t);
}

static void
cmd_memory_show(struct unixctl_conn *conn, int argc, const char *argv[], void *aux)
{
	const struct leat *l = aux;
	struct table *t = TABLE("item", "value");
	unsigned k;

	(void)argc;
	(void)argv;
	put_uint(t, "frame_mbufs", l->n_frames);
	put_uint(t, "frame_mbufs_used", pool_in_use(l->pools.frames));
	put_uint(t, "header_mbufs", l->n_headers);
	put_uint(t, "header_mbufs_used", pool_in_use(l->pools.headers));
	put_uint(t, "held_mbufs", SUM(l, tcp->n_held));
	put_uint(t, "held_mbufs_max", l->worker_conf.n_held_max);
	for (k = 1; k < TCPTERM_N_KINDS; k++)
		put_uint(t, tcpterm_kind_name(k), SUM(l, tcp->n_flows[k]));
	reply_and_free(conn, t);
}

static void
cmd_vlog_set(struct unixctl_conn *conn, int argc, const char *argv[], void *aux)
{
	enum log_level level;
	const char *word;
	int i;

	(void)aux;
	for (i = 1; i < argc; i++) {
		word = strrchr(argv[i], ':');
		if (log_level_parse(word ? word + 1 : argv[i], &level) != 0) {
			unixctl_reply_errorf(conn, "%s: no level: off, err, warn, info or dbg",
					     argv[i]);
			return;
		}
		log_set_level(level);
	}
	unixctl_reply(conn, log_level_name(log_level()));
}

void
cmd_show_register(struct leat *l)
{
	struct unixctl_server *s = l->ctl;

	unixctl_command_register(s, "status", "", "how the daemon is", 0, 0, cmd_status, l);
	unixctl_command_register(s, "exit", "", "end in good order", 0, 0, cmd_exit, l);
	unixctl_command_register(s, "port/list", "", "ports and their state", 0, 0, cmd_port_list,
				 l);
	unixctl_command_register(s, "worker/show", "", "workers and what they do", 0, 0,
				 cmd_worker_show, l);
	unixctl_command_register(s, "coverage/show", "", "every counter that is not zero", 0, 0,
				 cmd_coverage_show, l);
	unixctl_command_register(s, "db/status", "", "the database, what was written and lost", 0,
				 0, cmd_db_status, l);
	unixctl_command_register(s, "memory/show", "", "what memory is used for", 0, 0,
				 cmd_memory_show, l);
	unixctl_command_register(s, "vlog/set", "[MODULE:]LEVEL", "what is logged", 0, INT_MAX,
				 cmd_vlog_set, l);
}
