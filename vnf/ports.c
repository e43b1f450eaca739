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

enum { DEFAULT_MTU = 1500 };
enum {
	POLL_US = 100 * 1000,
	RETRY_POLLS = 20,
	STEP_US = 1000,		/* between two looks at a thread that is about to end */
	START_STEPS = 2000,	/* for an opener to come to where others may open too */
};

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
		.mtu = (uint16_t)((po->mtu ? po->mtu : DEFAULT_MTU) +
				  (po->meta ? PORT_META_LEN : 0)),
		.rx_only = po->copy,
		.parse = { .domain = DOMAIN_UNTAGGED,
			   .meta = po->meta,
			   .tap = po->copy,
			   .vlan_ignore = po->vlan_ignore,
			   .trust = po->trust,
			   .excuse = po->excuse },
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

/* --- openers --- */

static void *
opener_thread(void *arg)
{
	struct opener *o = arg;
	const struct port_conf *c = port_config(o->port);
	struct err err = { 0 };

	if (!o->again)
		log_info("port %s: opening %s", c->name, c->spec);
	if (port_open(o->port, &err) == 0)
		log_info("port %s: open", c->name);
	else if (!o->again)
		log_err("%s; it is tried again every 2 s", err.msg);
	atomic_store(&o->done, true);
	return NULL;
}

/* Comes back when the next may start; see port_is_listening(). */
static void
opener_start(struct opener *o, struct port *p, bool again)
{
	unsigned i;

	o->port = p;
	o->again = again;
	atomic_store(&o->done, false);
	if (pthread_create(&o->thread, NULL, opener_thread, o) != 0)
		return;	/* the next look tries again */
	o->runs = true;
	pthread_setname_np(o->thread, "leat-open");
	for (i = 0; i < START_STEPS && !atomic_load(&o->done) && !port_is_listening(p); i++)
		usleep(STEP_US);
}

/* Is it over, or has it never run? */
static bool
opener_ended(struct opener *o)
{
	if (!o->runs)
		return true;
	if (!atomic_load(&o->done))
		return false;
	pthread_join(o->thread, NULL);
	o->runs = false;
	return true;
}

/* --- the port thread --- */

static void
poll_port(struct port *p)
{
	enum port_state was = port_state(p), is = port_poll_link(p);

	if (was != is)
		log_info("port %s: %s", port_config(p)->name, port_state_name(is));
}

static void
look_after(struct ports *p, unsigned i, unsigned turn)
{
	enum port_state s;

	if (!opener_ended(&p->opener[i]))
		return;
	s = port_state(p->port[i]);
	if (s == PORT_CLOSED || (s == PORT_FAILED && turn % RETRY_POLLS == 0))
		opener_start(&p->opener[i], p->port[i], s == PORT_FAILED);
	else
		poll_port(p->port[i]);
}

static void *
port_thread(void *arg)
{
	struct ports *p = arg;
	unsigned i, turn;

	for (turn = 0; !atomic_load(&p->stop); turn++) {
		for (i = 0; i < p->n && !atomic_load(&p->stop); i++)
			look_after(p, i, turn);
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

static bool
all_ended(struct ports *p)
{
	unsigned i;

	for (i = 0; i < p->n; i++)
		if (!opener_ended(&p->opener[i]))
			return false;
	return true;
}

bool
ports_stop(struct ports *p, int wait_ms)
{
	int waited_us;

	if (!p->has_thread)
		return true;
	atomic_store(&p->stop, true);
	/* The openers are the port thread's until it has stopped. */
	for (waited_us = 0; !atomic_load(&p->stopped) || !all_ended(p); waited_us += STEP_US) {
		if (waited_us >= wait_ms * 1000)
			return false;
		usleep(STEP_US);
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
		uint16_t its = port_mtu(port) - (port_config(port)->parse.meta ? PORT_META_LEN : 0);

		if (mtu == 0 || its < mtu)
			mtu = its;
	}
	return mtu;
}
