#include "tests/bench/lib/bed.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "datapath/eal.h"
#include "tests/bench/lib/host_port.h"

enum { MEM_MB = 160, JOURNAL = 1024, SINK_RING = 256 };

static struct port *
outer_port(struct bed *b, unsigned i, struct err *err)
{
	const struct port_conf conf = { .name = b->spec[i],
					.spec = b->spec[i],
					.n_queues = (uint16_t)b->o.n_workers,
					.pool = b->pools.frames };
	struct port *p = b->dir[0] ? host_port_new(&conf, err) : port_new(&conf, err);

	if (p && port_open(p, err) != 0) {
		port_free(p);
		return NULL;
	}
	return p;
}

static int
name_ports(struct bed *b, const struct bed_conf *conf, struct err *err)
{
	static const char *const name[2 * BED_N] = { "a", "b", "ta", "tb" };
	unsigned n_pairs = conf->virtio ? 1 : BED_N;

	b->o = (struct options){ .n_ports = 2 * n_pairs,
				 .pair = { { 0, 1 }, { 2, 3 } },
				 .n_pairs = n_pairs,
				 .n_workers = RTE_MAX(conf->n_workers, 1u) };
	snprintf(b->dir, sizeof b->dir, "/tmp/leat-bench.XXXXXX");
	if (!conf->virtio)
		b->dir[0] = '\0';
	else if (!mkdtemp(b->dir))
		return err_set(err, -errno, "no folder for sockets: %s", strerror(errno));
	else	/* the driver says its farewell to a socket whose other end is closed */
		signal(SIGPIPE, SIG_IGN);
	for (unsigned i = 0; i < b->o.n_ports; i++) {
		if (conf->virtio)
			snprintf(b->spec[i], sizeof b->spec[i], "vhost:%s/%s", b->dir, name[i]);
		else
			snprintf(b->spec[i], sizeof b->spec[i], "ring:%s-%s",
				 conf->name ? conf->name : "bench", name[i]);
		b->o.port[i].name = name[i];
		b->o.port[i].spec = b->spec[i];
		b->o.port[i].mtu = 1500;
		b->o.port[i].trust = i / 2 == BED_TRUSTS;
	}
	return 0;
}

/* A virtio-user port waits for the other end as it opens: that one is there first. */
static int
open_ports(struct bed *b, struct err *err)
{
	b->ports = ports_new(&b->o, b->o.n_workers, b->pools.frames, err);
	if (!b->ports)
		return -ENOMEM;
	for (unsigned i = 0; i < b->ports->n; i++) {
		struct port **outer = i % 2 ? &b->server[i / 2] : &b->client[i / 2];

		*outer = outer_port(b, i, err);
		if (!*outer)
			return -EIO;
		if (port_open(b->ports->port[i], err) != 0)
			return -EIO;
	}
	if (!b->dir[0])
		return 0;
	if (host_ports_wait(b->ports->port, b->ports->n, err) != 0)
		return -ETIMEDOUT;
	return host_ports_wait((struct port *[]){ b->client[0], b->server[0] }, 2, err);
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
		rc = name_ports(b, conf, err);
	if (rc == 0)
		rc = open_ports(b, err);
	return rc == 0 ? make_workers(b, conf, err) : rc;
}

void
bed_end(struct bed *b)
{
	workers_free(b->workers, b->conf.n_workers);
	sinks_free(b->conf.sinks);
	flows_free(b->conf.flows);
	/* DPDK's virtio-user first: its interrupt thread may hear of a host that goes away while
	 * the port is closed, and then panics over a file that is no more. */
	ports_free(b->ports);
	for (unsigned i = 0; i < BED_N; i++) {
		port_free(b->client[i]);
		port_free(b->server[i]);
	}
	if (b->dir[0])
		rmdir(b->dir);
	journal_free(b->conf.journal);
	active_fini(&b->active);
	if (b->owns_eal)
		eal_stop();
}
