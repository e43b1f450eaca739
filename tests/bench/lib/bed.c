#include "tests/bench/lib/bed.h"

#include <errno.h>

#include "datapath/eal.h"

enum { MEM_MB = 160, JOURNAL = 1024 };

static struct port *
outer_port(const char *spec, struct rte_mempool *pool, struct err *err)
{
	const struct port_conf conf = { .name = spec, .spec = spec, .n_queues = 1, .pool = pool };
	struct port *p = port_new(&conf, err);

	if (p && port_open(p, err) != 0) {
		port_free(p);
		return NULL;
	}
	return p;
}

static int
open_ports(struct bed *b, struct err *err)
{
	unsigned i;

	b->o = (struct options){
		.port = { { .name = "a", .spec = "ring:bench-a", .mtu = 1500 },
			  { .name = "b", .spec = "ring:bench-b", .mtu = 1500 } },
		.n_ports = 2,
		.pair = { { 0, 1 } },
		.n_pairs = 1,
		.n_workers = 1,
	};
	b->ports = ports_new(&b->o, 1, b->pools.frames, err);
	for (i = 0; b->ports && i < 2; i++)
		if (port_open(b->ports->port[i], err) != 0)
			return -EIO;
	b->client = outer_port("ring:bench-a", b->pools.frames, err);
	b->server = outer_port("ring:bench-b", b->pools.frames, err);
	return b->ports && b->client && b->server ? 0 : -ENOMEM;
}

static int
make_worker(struct bed *b, const struct bed_conf *conf, struct err *err)
{
	char *errors = NULL;
	int rc = active_init(&b->active, 1, NULL, b->ports, err);

	if (rc == 0)
		rc = active_start(&b->active, "bench", conf->policy, &errors);
	if (rc != 0)
		return errors ? err_set(err, rc, "%s", errors) : rc;
	b->conf = (struct worker_conf){
		.n_workers = 1,
		.ports = b->ports,
		.pools = &b->pools,
		.active = &b->active,
		.journal = journal_new(NULL, 1, JOURNAL, err),
		.flows = flows_new(1, err),
		.n_held_max = pool_held_max(conf->n_frames, 2048, 2, 0),
		.n_flows = conf->n_flows,
		.n_embryos = conf->n_embryos,
		.secret = { 1, 2 },
	};
	return b->conf.journal && b->conf.flows ? workers_new(&b->conf, &b->worker, err) : -ENOMEM;
}

int
bed_make(struct bed *b, const struct bed_conf *conf, struct err *err)
{
	const struct eal_conf eal = { .name = "bench", .mem_mb = MEM_MB, .no_huge = true };
	const struct pool_conf pools = { .n_frames = conf->n_frames, .n_headers = conf->n_headers };
	int rc = eal_start(&eal, err);

	if (rc == 0)
		rc = pools_new(&b->pools, &pools, err);
	if (rc == 0)
		rc = open_ports(b, err);
	return rc == 0 ? make_worker(b, conf, err) : rc;
}

void
bed_end(struct bed *b)
{
	workers_free(&b->worker, 1);
	eal_stop();
}
