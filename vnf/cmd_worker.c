/*
 * cmd_worker.c - worker/show.
 */
#include "vnf/cmd.h"

static void
cmd_worker_show(struct unixctl_conn *conn, int argc, const char *argv[], void *aux)
{
	const struct leat *l = aux;
	struct table *t = CMD_TABLE("worker", "core", "last_turn_us", "flows", "held_mbufs",
				    "frames", "handed_over", "taken_over", "turns", "busy_turns",
				    "sleeps");
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
	cmd_reply_table(conn, t);
}

void
cmd_worker_register(struct leat *l)
{
	verb_register(l->ctl, "worker/show", cmd_worker_show, l);
}
