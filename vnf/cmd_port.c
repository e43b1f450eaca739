/*
 * cmd_port.c - port/list.
 */
#include "vnf/cmd.h"
#include "vnf/liveness.h"

/* What the switch's BFD and ours have agreed on. */
static void
put_bfd(struct table *t, const struct leat *l, unsigned port)
{
	if (l->ports->is_tap[port])
		table_none(t);
	else
		table_str(t, bfd_state_name(liveness_state(l->worker, l->o->n_workers, port,
							   clock_now())));
}

static void
cmd_port_list(struct unixctl_conn *conn, int argc, const char *argv[], void *aux)
{
	const struct leat *l = aux;
	const struct ports *p = l->ports;
	struct table *t = CMD_TABLE("name", "state", "bfd", "kind", "peer", "spec", "mtu",
				    "rx_frames", "rx_bytes", "tx_frames", "tx_bytes", "linearized");
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
		put_bfd(t, l, i);
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
	cmd_reply_table(conn, t);
}

void
cmd_port_register(struct leat *l)
{
	verb_register(l->ctl, "port/list", cmd_port_list, l);
}
