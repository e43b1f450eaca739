#include "tests/bench/lib/bed.h"

#include <errno.h>

#include "datapath/eal.h"

enum { MEM_MB = 160, JOURNAL = 1024, SINK_RING = 256 };

static struct port *
outer_port(const struct bed *b, const char *spec, struct err *err)
{
	const struct port_conf conf = { .name = spec,
					.spec = spec,
					.n_queues = (uint16_t)b->o.n_workers,
					.pool = b->pools.frames };
	struct port *p = port_new(&conf, err);

	if (p && port_open(p, err) != 0) {
		port_free(p);
		return NULL;
	}
	return p;
}

static int
open_hosts(struct bed *b, struct err *err)
{
	for (unsigned i = 0; i < BED_N; i++) {
		b->client[i] = outer_port(b, b->o.port[2 * i].spec, err);
		b->server[i] = outer_port(b, b->o.port[2 * i + 1].spec, err);
		if (!b->client[i] || !b->server[i])
			return -ENOMEM;
	}
	return 0;
}

static int
open_ports(struct bed *b, unsigned n_workers, struct err *err)
{
	unsigned i;

	b->o = (struct options){
		.port = { { .name = "a", .spec = "ring:bench-a", .mtu = 1500 },
			  { .name = "b", .spec = "ring:bench-b", .mtu = 1500 },
			  { .name = "ta", .spec = "ring:bench-ta", .mtu = 1500, .trust = true },
			  { .name = "tb", .spec = "ring:bench-tb", .mtu = 1500, .trust = true } },
		.n_ports = 2 * BED_N,
		.pair = { { 0, 1 }, { 2, 3 } },
		.n_pairs = BED_N,
		.n_workers = n_workers,
	};
	b->ports = ports_new(&b->o, n_workers, b->pools.frames, err);
	if (!b->ports)
		return -ENOMEM;
	for (i = 0; i < b->ports->n; i++)
		if (port_open(b->ports->port[i], err) != 0)
			return -EIO;
	return open_hosts(b, err);
}

static int
make_workers(struct bed *b, const struct bed_conf *conf, struct err *err)
{
	unsigned n = b->o.n_workers;
	char *errors = NULL;
	int rc = active_init(&b->active, n, NULL, b->ports, err);

	if (rc == 0)
		rc = active_start(&b->active, "bench", conf->policy, &errors);
	if (rc != 0)
		return errors ? err_set(err, rc, "%s", errors) : rc;
	b->conf = (struct worker_conf){
		.n_workers = n,
		.ports = b->ports,
		.pools = &b->pools,
		.active = &b->active,
		.journal = journal_new(NULL, n, conf->n_records ? conf->n_records : JOURNAL, err),
		.flows = flows_new(n, err),
		.n_held_max = pool_held_max(conf->n_frames, 2048, 2 * BED_N, 0),
		.n_flows = conf->n_flows,
		.n_embryos = conf->n_embryos,
		.secret = { 1, 2 },
	};
	b->conf.sinks = sinks_new(n, SINK_RING, b->conf.journal, err);
	if (!b->conf.journal || !b->conf.flows || !b->conf.sinks)
		return -ENOMEM;
	rc = workers_new(&b->conf, b->workers, err);
	b->worker = b->workers[0];
	return rc;
}

static int
start(struct bed *b, const struct bed_conf *conf, struct err *err)
{
	const struct eal_conf eal = { .name = "bench", .mem_mb = MEM_MB, .no_huge = true };
	const struct pool_conf pools = { .n_frames = conf->n_frames, .n_headers = conf->n_headers };
	int rc = eal_start(&eal, err);

	b->owns_eal = true;
	return rc == 0 ? pools_new(&b->pools, &pools, err) : rc;
}

int
bed_make(struct bed *b, const struct bed_conf *conf, struct err *err)
{
	int rc = 0;

	if (conf->pools)
		b->pools = *conf->pools;
	else
		rc = start(b, conf, err);
	if (rc == 0)
		rc = open_ports(b, RTE_MAX(conf->n_workers, 1u), err);
	return rc == 0 ? make_workers(b, conf, err) : rc;
}

void
bed_end(struct bed *b)
{
	workers_free(b->workers, b->conf.n_workers);
	sinks_free(b->conf.sinks);
	flows_free(b->conf.flows);
	for (unsigned i = 0; i < BED_N; i++) {
		port_free(b->client[i]);
		port_free(b->server[i]);
	}
	ports_free(b->ports);
	journal_free(b->conf.journal);
	active_fini(&b->active);
	if (b->owns_eal)
		eal_stop();
}
