/*
 * memory.c - limit/show, memory/show: what is bounded, how far it is used, where memory is.
 */
#include <malloc.h>
#include <stdio.h>
#include <unistd.h>

#include "vnf/cmd/cmd.h"
#include "vnf/cmd/stay.h"

/* --- limits --- */

/* Below 0: nothing to tell. */
static void
put_known(struct table *t, int64_t v)
{
	if (v >= 0)
		table_int(t, v);
	else
		table_none(t);
}

/* `used`, `peak` and `max` below 0: not known, not kept, none; `when_full` NULL: it never is. */
static void
put_limit(struct table *t, const char *name, int64_t used, int64_t peak, int64_t max,
	  const char *when_full)
{
	int64_t most = peak > used ? peak : used;

	table_row(t);
	table_str(t, name);
	put_known(t, used);
	put_known(t, peak);
	put_known(t, max);
	if (max > 0)
		table_double(t, 100.0 * (double)most / (double)max, 1);
	else
		table_none(t);
	if (when_full)
		table_str(t, when_full);
	else
		table_none(t);
}

static const char *
kind_when_full(enum tcpterm_kind kind, uint32_t sample)
{
	switch (kind) {
	case TCPTERM_KIND_EMBRYO:
		return "SYNs meet what `set flood' says";
	case TCPTERM_KIND_RELAY:
		return "new ones are tracked";
	case TCPTERM_KIND_TIMEWAIT:
		return "the oldest is forgotten";
	case TCPTERM_KIND_PASSIVE:
		return sample > 1 ? "of new ones a sample begins, one of the least use ends for it"
				  : "one of the least use ends as evicted";
	case TCPTERM_KIND_CONN:
		return "new ones are not opened";
	default:
		return "frames of new ones are forwarded, not followed";
	}
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
	put_limit(t, name, (int64_t)used, (int64_t)peak, (int64_t)max,
		  kind_when_full(kind, l->worker_conf.passive.sample));
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
	put_limit(t, "notes", (int64_t)used, (int64_t)peak, (int64_t)max,
		  "flows are followed without their rule's name");
}

static void
put_mbufs(struct table *t, const struct leat *l)
{
	put_limit(t, "frame_mbufs", pool_in_use(l->pools.frames), -1, l->n_frames,
		  "frames are lost as they come");
	put_limit(t, "header_mbufs", pool_in_use(l->pools.headers), -1, l->n_headers,
		  "segments made here are put off or left out");
	put_limit(t, "held_mbufs", (int64_t)WORKERS_SUM(l, tcp->n_held),
		  (int64_t)WORKERS_SUM(l, load.held_peak), l->worker_conf.n_held_max,
		  "windows close, and passive flows give up their oldest holes");
}

/* Of fragments and SYNs the sums over all workers; what one direction of a passive flow holds is
 * bounded by itself. */
static void
put_held(struct table *t, const struct leat *l)
{
	struct frag_room f, frags = { 0 };
	uint32_t bytes = 0, segments = 0;
	struct tcpterm_bounds b = { 0 };
	int64_t n_deferred = 0;
	unsigned i;

	for (i = 0; i < l->o->n_workers; i++) {
		const struct tcpterm_stats *st = l->worker[i]->tcp;

		frag_room(l->worker[i]->frags, &f);
		frags.n += f.n;
		frags.n_peak += f.n_peak;
		frags.n_max += f.n_max;
		tcpterm_bounds(l->worker[i]->stack, &b);
		n_deferred += b.n_deferred;
		bytes = RTE_MAX(bytes, st->half_bytes_peak);
		segments = RTE_MAX(segments, st->half_segments_peak);
	}
	put_limit(t, "fragmented_datagrams", frags.n, frags.n_peak, frags.n_max,
		  "fragments are forwarded, not put together");
	put_limit(t, "deferred_syns", (int64_t)WORKERS_SUM(l, tcp->n_deferred),
		  (int64_t)WORKERS_SUM(l, tcp->n_deferred_peak), n_deferred,
		  "SYNs are decided at once, as at their deadline");
	put_limit(t, "passive_bytes_a_direction", -1, bytes, b.half_bytes,
		  "its first hole is given up");
	put_limit(t, "passive_segments_a_direction", -1, segments, b.half_segments,
		  "its first hole is given up");
	put_limit(t, "passive_compared_bytes_a_direction", -1, -1, b.compare_bytes,
		  "the oldest are compared no more");
	put_limit(t, "passive_compared_ms", -1, -1, b.compare_us / 1000,
		  "the oldest are compared no more");
	put_limit(t, "passive_reorder_ms", -1, -1, b.reorder_us / 1000,
		  "a hole with evidence is a gap");
	put_limit(t, "passive_hole_ms", -1, -1, b.deadline_us / 1000, "a hole is a gap");
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

/* An option whose 0 is no limit. */
static int64_t
none_if_0(unsigned n)
{
	return n ? (int64_t)n : -1;
}

static void
put_records(struct table *t, const struct leat *l)
{
	struct journal_status js;
	struct sinks_status ss;

	journal_status(l->journal, &js);
	sinks_status(l->sinks, &ss);
	put_limit(t, "journal_waiting", (int64_t)js.waiting, -1, -1, NULL);
	put_limit(t, "sinks_open", ss.open, -1, -1, NULL);
	put_limit(t, "sinks_waiting", (int64_t)ss.waiting, -1, -1, NULL);
	put_limit(t, "pcapng_files_a_folder", (int64_t)ss.kept_files, -1,
		  none_if_0(l->o->pcapng_files), "frames of more flows are not kept");
	put_limit(t, "pcapng_mb_a_folder", (int64_t)(ss.kept_bytes >> 20), -1,
		  none_if_0(l->o->pcapng_mb), "frames of more flows are not kept");
	put_limit(t, "stream_readers", ss.readers, -1, SINK_READERS_MAX, "new ones are refused");
}

static void
cmd_limit_show(struct unixctl_conn *conn, int argc, const char *argv[], void *aux)
{
	struct table *t = CMD_TABLE("limit", "used", "peak", "max", "peak_percent", "when_full");
	const struct leat *l = aux;
	static const char refused[] = "new ones are refused";
	struct capture_status st;
	unsigned k, n = 0;

	(void)argc;
	(void)argv;
	put_mbufs(t, l);
	put_held(t, l);
	for (k = 1; k < TCPTERM_N_KINDS; k++)
		put_kind(t, l, (enum tcpterm_kind)k);
	put_notes(t, l);
	if (l->o->n_workers > 1)
		put_limit(t, "fullest_handoff", fullest_handoff(l), -1, HANDOFF_DEPTH,
			  "frames are dropped");
	put_records(t, l);
	for (k = 0; captures_get(l->captures, k, &st); k++)
		n += st.state != CAPTURE_ENDED;
	put_limit(t, "captures", n, -1, CAPTURES_MAX, refused);
	put_limit(t, "followers", stays_count(l->following), -1, FOLLOWERS_MAX, refused);
	put_limit(t, "watches", stays_count(l->watching), -1, WATCHES_MAX, refused);
	put_limit(t, "policy_rules", policy_n_rules(active_snapshot(&l->active)->policy), -1,
		  POLICY_RULES_MAX, "a policy of more is refused");
	put_limit(t, "control_clients", n_clients(l), -1, UNIXCTL_MAX_CLIENTS,
		  "the quietest is thrown out");
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
