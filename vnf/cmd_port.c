/*
 * cmd_port.c - port/list.
 */
#include "vnf/cmd.h"

static void
cmd_port_list(struct unixctl_conn *conn, int argc, const char *argv[], void *aux)
{
	const struct ports *p = ((const struct leat *)aux)->ports;
	struct table *t = CMD_TABLE("name", "state", "kind", "peer", "spec", "mtu", "rx_frames",
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
	cmd_reply_table(conn, t);
}

void
cmd_port_register(struct leat *l)
{
	verb_register(l->ctl, "port/list", cmd_port_list, l);
}
