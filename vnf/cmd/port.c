/*
 * port.c - port/list, port/show, port/set.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "vnf/cmd/cmd.h"
#include "vnf/liveness.h"
#include "vnf/log.h"

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

enum { PPM = 1000000 };

/* NULL, and the client was told: there is no such port. */
static struct port *
find_port(struct unixctl_conn *conn, const struct leat *l, const char *name, unsigned *index)
{
	unsigned i;

	for (i = 0; i < l->ports->n; i++)
		if (strcmp(port_config(l->ports->port[i])->name, name) == 0) {
			*index = i;
			return l->ports->port[i];
		}
	unixctl_reply_errorf(conn, "there is no port %.40s: `port list` shows them", name);
	return NULL;
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

/* --- show --- */

static const char *
yes_no(bool yes)
{
	return yes ? "yes" : "no";
}

static void
put_setting(struct table *t, const struct port *p)
{
	const struct port_conf *c = port_config(p);
	uint32_t loss_ppm;
	uint64_t seed;

	port_get_fault(p, &loss_ppm, &seed);
	cmd_put_uint(t, "mtu", port_mtu(p));
	cmd_put_uint(t, "queues", port_n_queues(p));
	cmd_put_uint(t, "domain", c->parse.domain);
	cmd_put_str(t, "meta", yes_no(c->parse.meta));
	cmd_put_str(t, "vlan", c->parse.vlan_ignore ? "ignore" : "stack");
	cmd_put_str(t, "trust", yes_no(c->parse.trust));
	table_row(t);
	table_str(t, "loss_percent");
	table_double(t, 100.0 * loss_ppm / PPM, 4);
	cmd_put_uint(t, "loss_seed", seed);
}

static void
cmd_port_show(struct unixctl_conn *conn, int argc, const char *argv[], void *aux)
{
	const struct leat *l = aux;
	struct port_stats st;
	struct table *t;
	unsigned i;
	const struct port *p = find_port(conn, l, argv[1], &i);

	(void)argc;
	if (!p)
		return;
	t = CMD_TABLE("item", "value");
	cmd_put_str(t, "name", port_config(p)->name);
	cmd_put_str(t, "state", port_state_name(port_state(p)));
	cmd_put_str(t, "kind", l->ports->is_tap[i] ? "copy" : "inline");
	cmd_put_str(t, "peer",
		    l->ports->is_tap[i] ? NULL
					: port_config(l->ports->port[l->ports->peer[i]])->name);
	cmd_put_str(t, "spec", port_config(p)->spec);
	put_setting(t, p);
	if (!l->ports->is_tap[i])
		cmd_put_str(
			t, "bfd",
			bfd_state_name(liveness_state(l->worker, l->o->n_workers, i, clock_now())));
	port_get_stats(p, &st);
	cmd_put_uint(t, "rx_frames", st.rx_frames);
	cmd_put_uint(t, "rx_bytes", st.rx_bytes);
	cmd_put_uint(t, "tx_frames", st.tx_frames);
	cmd_put_uint(t, "tx_bytes", st.tx_bytes);
	cmd_put_uint(t, "linearized", st.linearized);
	cmd_reply_table(conn, t);
}

/* --- set --- */

static int
take_loss(const char *text, uint32_t *ppm, struct err *err)
{
	char *end;
	double percent = strtod(text, &end);

	if (end == text || (strcmp(end, "%") != 0 && *end) || !(percent >= 0 && percent <= 100))
		return err_set(err, -EINVAL, "loss=%.20s: a share from 0%% to 100%% is needed",
			       text);
	*ppm = (uint32_t)(percent * PPM / 100 + 0.5);
	return 0;
}

static int
take_setting(const char *word, uint32_t *ppm, uint64_t *seed, struct err *err)
{
	if (strncmp(word, "loss=", 5) == 0)
		return take_loss(word + 5, ppm, err);
	if (strncmp(word, "seed=", 5) == 0)
		return cmd_number("seed", word + 5, 0, UINT64_MAX, seed, err);
	if (strncmp(word, "mtu=", 4) == 0)
		return err_set(err, -EINVAL,
			       "a port's mtu is set when leatd starts (--port NAME=SPEC,mtu=N): "
			       "its packet memory is made for it");
	return err_set(err, -EINVAL, "\"%.40s\": loss=PERCENT%% and seed=N can be set", word);
}

static void
cmd_port_set(struct unixctl_conn *conn, int argc, const char *argv[], void *aux)
{
	const struct leat *l = aux;
	uint32_t ppm;
	uint64_t seed;
	struct err err;
	unsigned index;
	struct port *p = find_port(conn, l, argv[1], &index);
	int i;

	if (!p)
		return;
	port_get_fault(p, &ppm, &seed);
	for (i = 2; i < argc; i++)
		if (take_setting(argv[i], &ppm, &seed, &err) != 0) {
			unixctl_reply_error(conn, err.msg);
			return;
		}
	port_set_fault(p, ppm, seed);
	log_warn("port %s loses %g%% of the frames that come in, as it was told", argv[1],
		 100.0 * ppm / PPM);
	unixctl_reply(conn, "");
}

void
cmd_port_register(struct leat *l)
{
	verb_register(l->ctl, "port/list", cmd_port_list, l);
	verb_register(l->ctl, "port/set", cmd_port_set, l);
	verb_register(l->ctl, "port/show", cmd_port_show, l);
}
