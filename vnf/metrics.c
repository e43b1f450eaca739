/*
 * metrics.c - see metrics.h.  A family is its HELP and TYPE lines, then a line for each member.
 * What is named here is named in doc/leat-metrics.7, which a test demands.
 */
#include "vnf/metrics.h"

#include <stdio.h>

#include <rte_cycles.h>

#include "vnf/cmd/cmd.h"
#include "vnf/liveness.h"

static void
family(FILE *f, const char *name, const char *type, const char *help)
{
	fprintf(f, "# HELP %s %s\n# TYPE %s %s\n", name, help, name, type);
}

/* A label's value may be any text. */
static void
put_escaped(FILE *f, const char *s)
{
	for (; *s; s++) {
		if (*s == '\\' || *s == '"')
			fputc('\\', f);
		if (*s == '\n')
			fputs("\\n", f);
		else
			fputc(*s, f);
	}
}

/* NAME{KEY="VALUE"} N; `more` is a second label as it is written, or "". */
static void
labelled(FILE *f, const char *name, const char *key, const char *value, const char *more, double n)
{
	fprintf(f, "%s{%s=\"", name, key);
	put_escaped(f, value);
	fprintf(f, "\"%s%s} %.15g\n", *more ? "," : "", more, n);
}

static void
single(FILE *f, const char *name, const char *type, const char *help, double n)
{
	family(f, name, type, help);
	fprintf(f, "%s %.15g\n", name, n);
}

/* --- the daemon --- */

static void
put_daemon(FILE *f, const struct leat *l)
{
	const struct snapshot *s = active_snapshot(&l->active);

	family(f, "leat_info", "gauge", "Version and name of the instance; always 1.");
	labelled(f, "leat_info", "instance", l->o->name, "version=\"" LEAT_VERSION "\"", 1);
	single(f, "leat_uptime_seconds", "gauge", "Since the start.",
	       (double)usec_diff(clock_now(), l->started) / 1e6);
	single(f, "leat_ready", "gauge", "Are all ports open?", !ports_waiting(l->ports));
	single(f, "leat_draining", "gauge", "Are no more flows taken?",
	       drain_phase(&l->drain) != DRAIN_OFF);
	single(f, "leat_policy_generation", "gauge", "Of the policy in force.",
	       (double)s->generation);
	single(f, "leat_policy_rules", "gauge", "In the policy in force.",
	       policy_n_rules(s->policy));
}

/* --- flows --- */

/* A proxied flow has four kinds in the course of its life. */
static const char *
mode_of(unsigned kind)
{
	switch (kind) {
	case TCPTERM_KIND_EMBRYO:
	case TCPTERM_KIND_CONN:
	case TCPTERM_KIND_RELAY:
	case TCPTERM_KIND_TIMEWAIT:
		return "proxy";
	default:
		return tcpterm_kind_name((enum tcpterm_kind)kind);
	}
}

static void
put_flows(FILE *f, const struct leat *l)
{
	uint64_t n_proxy = WORKERS_SUM(l, tcp->n_flows[TCPTERM_KIND_EMBRYO]) +
			   WORKERS_SUM(l, tcp->n_flows[TCPTERM_KIND_CONN]) +
			   WORKERS_SUM(l, tcp->n_flows[TCPTERM_KIND_RELAY]) +
			   WORKERS_SUM(l, tcp->n_flows[TCPTERM_KIND_TIMEWAIT]) -
			   WORKERS_SUM(l, tcp->n_pairs_over);
	unsigned k;

	family(f, "leat_flows", "gauge", "Flows that are alive, by mode.");
	labelled(f, "leat_flows", "mode", "proxy", "", (double)n_proxy);
	for (k = 1; k < TCPTERM_N_KINDS; k++)
		if (mode_of(k) == tcpterm_kind_name((enum tcpterm_kind)k))
			labelled(f, "leat_flows", "mode", mode_of(k), "",
				 (double)WORKERS_SUM(l, tcp->n_flows[k]));
	single(f, "leat_embryos", "gauge", "Of the proxied ones: in their handshake.",
	       (double)WORKERS_SUM(l, tcp->n_flows[TCPTERM_KIND_EMBRYO]));
	family(f, "leat_tcp_events_total", "counter", "What the TCP stacks count.");
#define STAT(name, text) \
	labelled(f, "leat_tcp_events_total", "event", #name, "", (double)WORKERS_SUM(l, tcp->name));
#include <tcpterm/stats.def>
}

static void
put_drops(FILE *f, const struct leat *l)
{
	unsigned d, i;
	uint64_t n;

	family(f, "leat_drops_total", "counter", "Frames that ended here or were not followed.");
	for (d = DROP_NONE + 1; d < DROP_N; d++) {
		for (i = 0, n = 0; i < l->o->n_workers; i++)
			n += l->worker[i]->drops.n[d] + l->worker[i]->tcp_drops->n[d];
		labelled(f, "leat_drops_total", "reason", drop_name((enum drop)d), "", (double)n);
	}
}

static void
put_measures(FILE *f, const struct leat *l)
{
	struct measures sum = { 0 };
	unsigned i;

	for (i = 0; i < l->o->n_workers; i++)
		measures_sum(&sum, &l->worker[i]->measures);
	measures_print(&sum, f);
}

/* --- ports --- */

static void
put_two_ways(FILE *f, const char *name, const char *port, uint64_t rx, uint64_t tx)
{
	labelled(f, name, "port", port, "dir=\"rx\"", (double)rx);
	labelled(f, name, "port", port, "dir=\"tx\"", (double)tx);
}

static void
put_ports(FILE *f, const struct leat *l)
{
	const struct ports *p = l->ports;
	struct port_stats st[MAX_PORTS];
	unsigned i;

	for (i = 0; i < p->n; i++)
		port_get_stats(p->port[i], &st[i]);
	family(f, "leat_frames_total", "counter", "Frames received and sent.");
	for (i = 0; i < p->n; i++)
		put_two_ways(f, "leat_frames_total", l->o->port[i].name, st[i].rx_frames,
			     st[i].tx_frames);
	family(f, "leat_bytes_total", "counter", "Bytes received and sent.");
	for (i = 0; i < p->n; i++)
		put_two_ways(f, "leat_bytes_total", l->o->port[i].name, st[i].rx_bytes,
			     st[i].tx_bytes);
	family(f, "leat_port_up", "gauge", "Is the link up?");
	for (i = 0; i < p->n; i++)
		labelled(f, "leat_port_up", "port", l->o->port[i].name, "",
			 port_state(p->port[i]) == PORT_UP);
	family(f, "leat_bfd_up", "gauge", "Does the switch take an inline port to be alive?");
	for (i = 0; i < p->n; i++)
		if (!p->is_tap[i])
			labelled(f, "leat_bfd_up", "port", l->o->port[i].name, "",
				 liveness_state(l->worker, l->o->n_workers, i, clock_now()) ==
					 BFD_UP);
}

/* --- workers --- */

static void
put_worker(FILE *f, const char *name, unsigned worker, double n)
{
	fprintf(f, "%s{worker=\"%u\"} %.15g\n", name, worker, n);
}

static void
put_workers(FILE *f, const struct leat *l)
{
	double hz = (double)rte_get_tsc_hz();
	unsigned i;

	family(f, "leat_worker_busy_seconds_total", "counter", "In turns that found work.");
	for (i = 0; i < l->o->n_workers; i++)
		put_worker(f, "leat_worker_busy_seconds_total", i,
			   (double)l->worker[i]->load.busy_cycles / hz);
	family(f, "leat_worker_packets_total", "counter", "Received and taken over.");
	for (i = 0; i < l->o->n_workers; i++)
		put_worker(f, "leat_worker_packets_total", i, (double)l->worker[i]->load.packets);
	family(f, "leat_worker_longest_turn_seconds", "gauge", "The longest turn so far.");
	for (i = 0; i < l->o->n_workers; i++)
		put_worker(f, "leat_worker_longest_turn_seconds", i,
			   (double)l->worker[i]->load.longest_cycles / hz);
	family(f, "leat_worker_events_total", "counter", "What the workers count besides.");
#define WORKER_STAT(name, text)                                         \
	labelled(f, "leat_worker_events_total", "event", #name, "", \
		 (double)WORKERS_SUM(l, stats.name));
#include "vnf/worker_stats.def"
}

/* --- memory, journal, database --- */

static void
put_memory(FILE *f, const struct leat *l)
{
	family(f, "leat_mbufs", "gauge", "Packet buffers that there are.");
	labelled(f, "leat_mbufs", "pool", "frames", "", l->n_frames);
	labelled(f, "leat_mbufs", "pool", "headers", "", l->n_headers);
	family(f, "leat_mbufs_used", "gauge", "Packet buffers in use.");
	labelled(f, "leat_mbufs_used", "pool", "frames", "", pool_in_use(l->pools.frames));
	labelled(f, "leat_mbufs_used", "pool", "headers", "", pool_in_use(l->pools.headers));
	single(f, "leat_mbufs_held", "gauge", "Packet buffers that hold bytes of streams.",
	       (double)WORKERS_SUM(l, tcp->n_held));
	single(f, "leat_mbufs_held_limit", "gauge", "The most that may be held.",
	       l->worker_conf.n_held_max);
}

static void
put_records(FILE *f, const struct leat *l)
{
	struct recorder_status rs;
	struct sinks_status ss;
	struct journal_status js;

	journal_status(l->journal, &js);
	recorder_status(l->recorder, &rs);
	sinks_status(l->sinks, &ss);
	family(f, "leat_journal_flows_total", "counter", "Ended flows.");
	labelled(f, "leat_journal_flows_total", "result", "written", "", (double)js.written);
	labelled(f, "leat_journal_flows_total", "result", "lost", "", (double)js.lost);
	single(f, "leat_journal_waiting", "gauge", "Ended flows that are not written yet.",
	       (double)js.waiting);
	family(f, "leat_journal_gaps_total", "counter", "Gaps of passive streams.");
	labelled(f, "leat_journal_gaps_total", "result", "written", "", (double)js.gaps_written);
	labelled(f, "leat_journal_gaps_total", "result", "lost", "", (double)js.gaps_lost);
	family(f, "leat_journal_conflicts_total", "counter",
	       "Bytes of passive streams that came twice and differed.");
	labelled(f, "leat_journal_conflicts_total", "result", "written", "",
		 (double)js.conflicts_written);
	labelled(f, "leat_journal_conflicts_total", "result", "lost", "",
		 (double)js.conflicts_lost);
	single(f, "leat_database_ok", "gauge", "Is there nothing wrong with the database?",
	       rs.problem[0] == '\0');
	single(f, "leat_database_failures_total", "counter", "Calls of the database that failed.",
	       (double)rs.store.failures);
	single(f, "leat_database_bytes", "gauge", "The file's size.", (double)rs.store.file_size);
	single(f, "leat_database_wal_bytes", "gauge", "The write-ahead log's size.",
	       (double)rs.store.wal_size);
	family(f, "leat_sink_bytes_total", "counter", "Bytes of passive streams.");
	labelled(f, "leat_sink_bytes_total", "result", "seen", "", (double)ss.bytes);
	labelled(f, "leat_sink_bytes_total", "result", "missing", "", (double)ss.gap_bytes);
	labelled(f, "leat_sink_bytes_total", "result", "lost", "", (double)ss.lost_bytes);
	single(f, "leat_sink_errors_total", "counter", "Files of streams that were not written.",
	       (double)ss.errors);
	single(f, "leat_sink_paths_refused_total", "counter",
	       "Sinks of flows whose path had no place beside 255 others.",
	       (double)ss.texts_refused);
	single(f, "leat_sink_conflicts_lost_total", "counter",
	       "Conflicts that found no room on the way to files or readers.",
	       (double)ss.conflicts_lost);
	single(f, "leat_stream_readers", "gauge", "Readers of the stream socket.", ss.readers);
	family(f, "leat_stream_lost_total", "counter", "What they did not take in time.");
	labelled(f, "leat_stream_lost_total", "what", "bytes", "", (double)ss.reader_lost_bytes);
	labelled(f, "leat_stream_lost_total", "what", "records", "",
		 (double)ss.reader_lost_records);
	labelled(f, "leat_stream_lost_total", "what", "readers", "", (double)ss.readers_refused);
	family(f, "leat_eve_lines_total", "counter", "Events of flows, as lines of JSON.");
	labelled(f, "leat_eve_lines_total", "result", "written", "", (double)ss.eve_lines);
	labelled(f, "leat_eve_lines_total", "result", "lost", "", (double)ss.eve_lost);
	family(f, "leat_captures_kept_total", "counter", "Flows whose frames were to be kept.");
	labelled(f, "leat_captures_kept_total", "result", "written", "", (double)ss.captures_kept);
	labelled(f, "leat_captures_kept_total", "result", "lost", "", (double)ss.captures_lost);
	labelled(f, "leat_captures_kept_total", "result", "refused", "",
		 (double)ss.captures_refused);
}

char *
metrics_text(void *aux)
{
	const struct leat *l = aux;
	char *text = NULL;
	size_t size;
	FILE *f = open_memstream(&text, &size);

	if (!f)
		return NULL;
	put_daemon(f, l);
	put_flows(f, l);
	put_drops(f, l);
	put_measures(f, l);
	put_ports(f, l);
	put_workers(f, l);
	put_memory(f, l);
	put_records(f, l);
	fclose(f);
	return text;
}
