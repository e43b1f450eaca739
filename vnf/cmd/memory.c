/*
 * memory.c - limit/show, memory/show: what is bounded, how far it is used, where memory is.
 */
#include <malloc.h>
#include <stdio.h>
#include <unistd.h>

#include "vnf/cmd/cmd.h"

/* --- limits --- */

/* `peak` and `max` below 0: not known, none. */
static void
put_limit(struct table *t, const char *name, uint64_t used, int64_t peak, int64_t max)
{
	table_row(t);
	table_str(t, name);
	table_uint(t, used);
	if (peak >= 0)
		table_int(t, peak);
	else
		table_none(t);
	if (max >= 0)
		table_int(t, max);
	else
		table_none(t);
	if (max > 0)
		table_double(t,
			     100.0 * (double)(peak > (int64_t)used ? (uint64_t)peak : used) /
				     (double)max,
			     1);
	else
		table_none(t);
}

/* The sum over all workers of what each has room for. */
static void
put_kind(struct table *t, const struct leat *l, enum tcpterm_kind kind)
{
	uint64_t used = 0, peak = 0, max = 0;
	struct tcpterm_room r;
	char name[32];
	unsigned i;

	for (i = 0; i < l->o->n_workers; i++) {
		tcpterm_room(l->worker[i]->stack, kind, &r);
		used += l->worker[i]->tcp->n_flows[kind];
		peak += r.n_peak;
		max += r.n_max;
	}
	snprintf(name, sizeof name, "flows_%s", tcpterm_kind_name(kind));
	put_limit(t, name, used, (int64_t)peak, (int64_t)max);
}

static void
put_notes(struct table *t, const struct leat *l)
{
	uint64_t used = 0, peak = 0, max = 0;
	struct notes_room r;
	unsigned i;

	for (i = 0; i < l->o->n_workers; i++) {
		notes_room(l->worker[i]->notes, &r);
		used += r.n;
		peak += r.n_peak;
		max += r.n_max;
	}
	put_limit(t, "notes", used, (int64_t)peak, (int64_t)max);
}

static void
put_mbufs(struct table *t, const struct leat *l)
{
	uint64_t peak = WORKERS_SUM(l, load.held_peak);

	put_limit(t, "frame_mbufs", pool_in_use(l->pools.frames), -1, l->n_frames);
	put_limit(t, "header_mbufs", pool_in_use(l->pools.headers), -1, l->n_headers);
	put_limit(t, "held_mbufs", WORKERS_SUM(l, tcp->n_held), (int64_t)peak,
		  l->worker_conf.n_held_max);
}

/* The fullest ring between two workers. */
static unsigned
fullest_handoff(const struct leat *l)
{
	unsigned i, k, n, most = 0;

	for (i = 0; i < l->o->n_workers; i++)
		for (k = 0; k < l->o->n_workers; k++) {
			n = handoff_waiting(l->worker[0]->in, k, i);
			most = n > most ? n : most;
		}
	return most;
}

static unsigned
n_clients(const struct leat *l)
{
	struct pollfd fds[UNIXCTL_MAX_FDS];

	/* one is for new ones */
	return (unsigned)unixctl_server_fds(l->ctl, fds, UNIXCTL_MAX_FDS) - 1;
}

static void
put_records(struct table *t, const struct leat *l)
{
	struct journal_status js;
	struct sinks_status ss;

	journal_status(l->journal, &js);
	sinks_status(l->sinks, &ss);
	put_limit(t, "journal_waiting", js.waiting, -1, -1);
	put_limit(t, "sinks_open", ss.open, -1, -1);
	put_limit(t, "sinks_waiting", ss.waiting, -1, -1);
	put_limit(t, "stream_readers", ss.readers, -1, SINK_READERS_MAX);
}

static void
cmd_limit_show(struct unixctl_conn *conn, int argc, const char *argv[], void *aux)
{
	struct table *t = CMD_TABLE("limit", "used", "peak", "max", "peak_percent");
	const struct leat *l = aux;
	struct capture_status st;
	unsigned k, n = 0;

	(void)argc;
	(void)argv;
	put_mbufs(t, l);
	for (k = 1; k < TCPTERM_N_KINDS; k++)
		put_kind(t, l, (enum tcpterm_kind)k);
	put_notes(t, l);
	if (l->o->n_workers > 1)
		put_limit(t, "fullest_handoff", fullest_handoff(l), -1, HANDOFF_DEPTH);
	put_records(t, l);
	for (k = 0; captures_get(l->captures, k, &st); k++)
		n += st.state != CAPTURE_ENDED;
	put_limit(t, "captures", n, -1, CAPTURES_MAX);
	put_limit(t, "followers", cmd_flow_follow_count(l), -1, FOLLOWERS_MAX);
	put_limit(t, "watches", cmd_flow_watch_count(l), -1, WATCHES_MAX);
	put_limit(t, "policy_rules", policy_n_rules(active_snapshot(&l->active)->policy), -1,
		  POLICY_RULES_MAX);
	put_limit(t, "control_clients", n_clients(l), -1, UNIXCTL_MAX_CLIENTS);
	cmd_reply_table(conn, t);
}

/* --- memory --- */

/* Bytes that are resident, of all the program has; 0: the kernel does not say. */
static uint64_t
resident(void)
{
	unsigned long long all, in = 0;
	FILE *f = fopen("/proc/self/statm", "re");

	if (!f)
		return 0;
	if (fscanf(f, "%llu %llu", &all, &in) != 2)
		in = 0;
	fclose(f);
	return in * (uint64_t)sysconf(_SC_PAGESIZE);
}

static uint64_t
pool_bytes(const struct rte_mempool *mp)
{
	return (uint64_t)mp->size * (mp->header_size + mp->elt_size + mp->trailer_size);
}

static void
cmd_memory_show(struct unixctl_conn *conn, int argc, const char *argv[], void *aux)
{
	struct table *t = CMD_TABLE("item", "value");
	const struct leat *l = aux;
	struct mallinfo2 heap = mallinfo2();
	uint64_t flows = 0, notes = 0;
	struct notes_room nr;
	struct tcpterm_room r;
	unsigned i, k;

	(void)argc;
	(void)argv;
	for (i = 0; i < l->o->n_workers; i++) {
		for (k = 1; k < TCPTERM_N_KINDS; k++) {
			tcpterm_room(l->worker[i]->stack, (enum tcpterm_kind)k, &r);
			flows += (uint64_t)r.n_peak * r.size;
		}
		notes_room(l->worker[i]->notes, &nr);
		notes += (uint64_t)nr.n_peak * sizeof(struct note);
	}
	cmd_put_uint(t, "resident_bytes", resident());
	cmd_put_uint(t, "heap_bytes", heap.uordblks + heap.hblkhd);
	cmd_put_uint(t, "heap_free_bytes", heap.fordblks);
	cmd_put_uint(t, "frame_mbuf_bytes", pool_bytes(l->pools.frames));
	cmd_put_uint(t, "header_mbuf_bytes", pool_bytes(l->pools.headers));
	cmd_put_uint(t, "frame_mbufs", l->n_frames);
	cmd_put_uint(t, "frame_mbufs_used", pool_in_use(l->pools.frames));
	cmd_put_uint(t, "header_mbufs", l->n_headers);
	cmd_put_uint(t, "header_mbufs_used", pool_in_use(l->pools.headers));
	cmd_put_uint(t, "held_mbufs", WORKERS_SUM(l, tcp->n_held));
	cmd_put_uint(t, "flow_bytes", flows);
	cmd_put_uint(t, "note_bytes", notes);
	for (k = 1; k < TCPTERM_N_KINDS; k++)
		cmd_put_uint(t, tcpterm_kind_name((enum tcpterm_kind)k),
			     WORKERS_SUM(l, tcp->n_flows[k]));
	cmd_reply_table(conn, t);
}

void
cmd_memory_register(struct leat *l)
{
	verb_register(l->ctl, "limit/show", cmd_limit_show, l);
	verb_register(l->ctl, "memory/show", cmd_memory_show, l);
}
