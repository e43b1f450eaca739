/*
 * ports.c - see ports.h.
 */
#include "vnf/ports.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define LOG_MODULE "port"
#include "vnf/log.h"

enum { DEFAULT_MTU = 1500, META_LEN = 4 };
enum { POLL_US = 100 * 1000, RETRY_POLLS = 20, STOP_STEP_US = 10 * 1000 };

static void
side_of(const struct options *o, unsigned i, struct parse_conf *c)
{
	unsigned k, side;

	for (k = 0; k < o->n_pairs; k++)
		for (side = 0; side < 2; side++)
			if (o->pair[k][side] == i) {
				c->domain = (uint16_t)k;
				c->side = (uint8_t)side;
			}
}

static struct port *
make_port(const struct options *o, unsigned i, unsigned n_queues, struct rte_mempool *pool,
	  struct err *err)
{
	const struct port_option *po = &o->port[i];
	struct port_conf conf = {
		.name = po->name,
		.spec = po->spec,
		.n_queues = (uint16_t)n_queues,
		.mtu = (uint16_t)((po->mtu ? po->mtu : DEFAULT_MTU) + (po->meta ? META_LEN : 0)),
		.rx_only = po->copy,
		.parse = { .domain = DOMAIN_UNTAGGED,
			   .meta = po->meta,
			   .tap = po->copy,
			   .vlan_ignore = po->vlan_ignore,
			   .trust = po->trust },
		.fault = po->fault,
		.pool = pool,
	};

	side_of(o, i, &conf.parse);
	return port_new(&conf, err);
}

struct ports *
ports_new(const struct options *o, unsigned n_queues, struct rte_mempool *pool, struct err *err)
{
	struct ports *p = calloc(1, sizeof *p);
	unsigned i;

	if (!p) {
		err_set(err, -ENOMEM, "no memory for the ports");
		return NULL;
	}
	memcpy(p->pair, o->pair, sizeof p->pair);
	p->n_pairs = o->n_pairs;
	for (i = 0; i < o->n_ports; i++) {
		p->port[i] = make_port(o, i, n_queues, pool, err);
		if (!p->port[i]) {
			ports_free(p);
			return NULL;
		}
		p->is_tap[i] = o->port[i].copy;
		p->peer[i] = (uint8_t)i;
		p->n++;
	}
	for (i = 0; i < p->n_pairs; i++) {
		p->peer[p->pair[i][0]] = p->pair[i][1];
		p->peer[p->pair[i][1]] = p->pair[i][0];
	}
	return p;
}

static void
open_port(struct port *p, bool again)
{
	struct err err = { 0 };

	if (!again)
		log_info("port %s: opening %s", port_config(p)->name, port_config(p)->spec);
	if (port_open(p, &err) == 0)
		log_info("port %s: open", port_config(p)->name);
	else if (!again)
		log_err("%s; it is tried again every 2 s", err.msg);
}

static void
poll_port(struct port *p)
{
	enum port_state was = port_state(p), is = port_poll_link(p);

	if (was != is)
		log_info("port %s: %s", port_config(p)->name, port_state_name(is));
}

static void *
port_thread(void *arg)
{
	struct ports *p = arg;
	unsigned i, turn;

	for (turn = 0; !atomic_load(&p->stop); turn++) {
		for (i = 0; i < p->n && !atomic_load(&p->stop); i++) {
			enum port_state s = port_state(p->port[i]);

			if (s == PORT_CLOSED || (s == PORT_FAILED && turn % RETRY_POLLS == 0))
				open_port(p->port[i], s == PORT_FAILED);
			else
				poll_port(p->port[i]);
		}
		usleep(POLL_US);
	}
	atomic_store(&p->stopped, true);
	return NULL;
}

int
ports_start(struct ports *p, struct err *err)
{
	int rc = pthread_create(&p->thread, NULL, port_thread, p);

	if (rc != 0)
		return err_set(err, -rc, "the port thread does not start: %s", strerror(rc));
	p->has_thread = true;
	pthread_setname_np(p->thread, "leat-ports");
	return 0;
}

bool
ports_stop(struct ports *p, int wait_ms)
{
	int waited;

	if (!p->has_thread)
		return true;
	atomic_store(&p->stop, true);
	for (waited = 0; !atomic_load(&p->stopped); waited += STOP_STEP_US / 1000) {
		if (waited >= wait_ms)
			return false;
		usleep(STOP_STEP_US);
	}
	pthread_join(p->thread, NULL);
	p->has_thread = false;
	return true;
}

void
ports_abandon(struct ports *p)
{
	unsigned i;

	for (i = 0; i < p->n; i++)
		port_abandon(p->port[i]);
}

void
ports_free(struct ports *p)
{
	unsigned i;

	if (!p)
		return;
	for (i = 0; i < p->n; i++)
		port_free(p->port[i]);
	free(p);
}

const char *
ports_waiting(const struct ports *p)
{
	unsigned i;

	for (i = 0; i < p->n; i++) {
		enum port_state s = port_state(p->port[i]);

		if (s != PORT_UP && s != PORT_DOWN)
			return port_config(p->port[i])->name;
	}
	return NULL;
}

uint16_t
ports_mtu(const struct ports *p, unsigned side)
{
	uint16_t mtu = 0;
	unsigned i;

	for (i = 0; i < p->n_pairs; i++) {
		const struct port *port = p->port[p->pair[i][side]];
		uint16_t its = port_mtu(port) - (port_config(port)->parse.meta ? META_LEN : 0);

		if (mtu == 0 || its < mtu)
			mtu = its;
	}
	return mtu;
}
