/*
 * worker.c - worker/show.
 */
#include "vnf/cmd/cmd.h"

#include <rte_cycles.h>

/* Nothing is known of what has not happened yet. */
static void
put_ratio(struct table *t, double a, double b, unsigned decimals)
{
	if (b > 0)
		table_double(t, a / b, decimals);
	else
		table_none(t);
}

static void
put_load(struct table *t, const struct worker *w)
{
	const struct worker_load *l = &w->load;
	double age = l->began ? (double)(rte_rdtsc() - l->began) : 0;
	uint64_t n_batches = 0;
	unsigned i;

	for (i = 0; i < WORKER_BATCHES; i++)
		n_batches += l->batches[i];
	put_ratio(t, 100.0 * (double)l->busy_cycles, age, 1);
	put_ratio(t, (double)l->busy_cycles, (double)l->packets, 0);
	put_ratio(t, (double)l->packets, (double)n_batches, 1);
	put_ratio(t, 1e6 * (double)l->longest_cycles, (double)rte_get_tsc_hz(), 0);
}

static void
cmd_worker_show(struct unixctl_conn *conn, int argc, const char *argv[], void *aux)
{
	const struct leat *l = aux;
	struct table *t = CMD_TABLE("worker", "core", "busy_percent", "cycles_packet",
				    "packets_batch", "longest_turn_us", "last_turn_us", "flows",
				    "held_mbufs", "frames", "handed_over", "taken_over", "turns",
				    "busy_turns", "sleeps");
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
		put_load(t, w);
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
	cmd_reply_table(conn, t);
}

static void
cmd_reset_peaks(struct unixctl_conn *conn, int argc, const char *argv[], void *aux)
{
	struct leat *l = aux;
	unsigned i;

	(void)argc;
	(void)argv;
	for (i = 0; i < l->o->n_workers; i++)
		atomic_store(&l->worker[i]->reset_peaks, true);
	unixctl_reply(conn, "");
}

void
cmd_worker_register(struct leat *l)
{
	verb_register(l->ctl, "worker/reset-peaks", cmd_reset_peaks, l);
	verb_register(l->ctl, "worker/show", cmd_worker_show, l);
}
