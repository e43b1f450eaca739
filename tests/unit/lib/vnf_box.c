/*
 * vnf_box.c - see vnf_box.h.
 */
#include "tests/unit/vnf_box.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/unit/eal.h"
#include "tests/unit/storage.h"
#include "tests/unit/tap.h"

enum { N_MBUFS = 4095, N_JOURNAL = 256, N_SINK = 256, N_FLOWS = 1024, STALL_US = 300 * 1000 };

static const char *const names[] = { "a", "b", "tap" };

static void
set_options(struct vnf_box *b, unsigned n_workers)
{
	static char specs[3][24];
	static unsigned serial;
	unsigned i;

	b->o = (struct options){
		.name = "test", .n_workers = n_workers, .n_ports = 3, .n_pairs = 1
	};
	b->o.pair[0][1] = 1;
	serial++;
	for (i = 0; i < 3; i++) {
		snprintf(specs[i], sizeof specs[i], "ring:%s%u", names[i], serial);
		b->o.port[i].name = names[i];
		b->o.port[i].spec = specs[i];
	}
	b->o.port[BOX_TAP].copy = b->o.port[BOX_TAP].meta = true;
}

static void
open_ports(struct vnf_box *b)
{
	struct err err;
	unsigned i;

	b->conf.ports = ports_new(&b->o, b->o.n_workers, b->pools.frames, &err);
	CU_ASSERT_PTR_NOT_NULL_FATAL(b->conf.ports);
	for (i = 0; i < 3; i++) {
		struct port_conf c = {
			.name = names[i],
			.spec = b->o.port[i].spec,
			.n_queues = (uint16_t)b->o.n_workers,
			.pool = b->pools.frames,
		};

		CU_ASSERT_EQUAL_FATAL(port_open(b->conf.ports->port[i], &err), 0);
		b->far[i] = port_new(&c, &err);
		CU_ASSERT_PTR_NOT_NULL_FATAL(b->far[i]);
		CU_ASSERT_EQUAL_FATAL(port_open(b->far[i], &err), 0);
		port_poll_link(b->conf.ports->port[i]);
	}
}

static void
begin(struct vnf_box *b, unsigned n_workers, unsigned n_flows, bool attached, bool trusting,
      const char *policy)
{
	const struct pool_conf pools = { .n_frames = N_MBUFS, .n_headers = N_MBUFS };
	struct err err = { 0 };

	memset(b, 0, sizeof *b);
	CU_ASSERT_EQUAL_FATAL(test_eal_init(), 0);
	clock_init();
	storage_begin(true);
	CU_ASSERT_EQUAL_FATAL(pools_new(&b->pools, &pools, &err), 0);
	set_options(b, n_workers);
	b->o.port[BOX_A].meta = b->o.port[BOX_B].meta = attached;
	b->o.port[BOX_A].trust = b->o.port[BOX_B].trust = trusting;
	open_ports(b);
	b->conf.n_workers = n_workers;
	b->conf.pools = &b->pools;
	b->conf.active = &b->active;
	b->conf.journal = journal_new(storage, n_workers, N_JOURNAL, &err);
	b->conf.sinks = sinks_new(n_workers, N_SINK, b->conf.journal, &err);
	b->conf.flows = flows_new(n_workers, &err);
	b->conf.drain = &b->drain;
	b->conf.stall_us = STALL_US;
	b->conf.n_flows = n_flows;
	b->conf.n_held_max = N_MBUFS / 2;
	CU_ASSERT_TRUE_FATAL(b->conf.journal && b->conf.sinks && b->conf.flows);
	CU_ASSERT_EQUAL_FATAL(active_init(&b->active, n_workers, NULL, b->conf.ports, &err), 0);
	box_policy(b, policy);
	CU_ASSERT_EQUAL_FATAL(workers_new(&b->conf, b->w, &err), 0);
	b->now = clock_now();
}

void
box_begin(struct vnf_box *b, unsigned n_workers, const char *policy)
{
	begin(b, n_workers, N_FLOWS, false, false, policy);
}

void
box_begin_large(struct vnf_box *b, unsigned n_workers, unsigned n_flows, const char *policy)
{
	begin(b, n_workers, n_flows, false, false, policy);
}

void
box_begin_attached(struct vnf_box *b, unsigned n_workers, const char *policy)
{
	begin(b, n_workers, N_FLOWS, true, false, policy);
}

void
box_begin_trusting(struct vnf_box *b, unsigned n_workers, const char *policy)
{
	begin(b, n_workers, N_FLOWS, true, true, policy);
}

void
box_end(struct vnf_box *b)
{
	unsigned i;

	workers_free(b->w, b->conf.n_workers);
	sinks_free(b->conf.sinks);
	flows_free(b->conf.flows);
	for (i = 0; i < 3; i++)
		port_free(b->far[i]);
	ports_free(b->conf.ports);
	journal_free(b->conf.journal);
	active_fini(&b->active);
	CU_ASSERT_EQUAL(pool_in_use(b->pools.frames), 0);
	CU_ASSERT_EQUAL(pool_in_use(b->pools.headers), 0);
	pools_free(&b->pools);
	storage_end();
}

void
box_policy(struct vnf_box *b, const char *policy)
{
	struct change c = { 0 };
	int rc = active_load(&b->active, "test", policy, strlen(policy), &c);

	if (c.errors)
		printf("# %s", c.errors);
	change_fini(&c);
	CU_ASSERT_EQUAL_FATAL(rc, 0);
}

void
box_send(struct vnf_box *b, enum box_port port, uint16_t queue, const struct frame *f)
{
	struct rte_mbuf *m = rte_pktmbuf_alloc(b->pools.frames);

	CU_ASSERT_PTR_NOT_NULL_FATAL(m);
	memcpy(rte_pktmbuf_append(m, (uint16_t)f->len), f->b, f->len);
	port_tx(b->far[port], queue, &m, 1, &b->drops);
}

void
box_turn(struct vnf_box *b)
{
	unsigned i;

	b->now = usec_add(b->now, 1000);
	for (i = 0; i < b->conf.n_workers; i++)
		worker_turn(b->w[i], b->now);
}

struct rte_mbuf *
box_receive(struct vnf_box *b, enum box_port port)
{
	static struct rte_mbuf *waiting[PORT_BURST];
	static unsigned n, next;
	uint16_t q;

	for (q = 0; n == next && q < b->conf.n_workers; q++) {
		next = 0;
		n = port_rx(b->far[port], q, waiting, &b->drops);
	}
	return next < n ? waiting[next++] : NULL;
}

unsigned
box_count(struct vnf_box *b, enum box_port port)
{
	struct rte_mbuf *m;
	unsigned n = 0;

	for (; (m = box_receive(b, port)) != NULL; n++)
		rte_pktmbuf_free(m);
	return n;
}

void
box_segment(struct frame *f, bool reverse, uint16_t sport, uint16_t dport, uint16_t flags,
	    uint16_t meta)
{
	const char *client = "10.0.0.1", *server = "10.0.0.2";

	frame_init(f);
	frame_ether(f, RTE_ETHER_TYPE_IPV4);
	if (meta)
		frame_tag(f, RTE_ETHER_TYPE_VLAN, meta);
	frame_ip4(f, reverse ? server : client, reverse ? client : server, 6, NULL, 0);
	frame_tcp(f, reverse ? dport : sport, reverse ? sport : dport, reverse ? 5000 : 1000,
		  flags & TCP_ACK ? (reverse ? 1001 : 5001) : 0, flags, 1000, NULL, 0);
	if (flags & TCP_PSH)
		frame_fill(f, 10);
	frame_end(f);
}

unsigned
box_flows(const struct vnf_box *b, enum tcpterm_kind kind)
{
	unsigned i, n = 0;

	for (i = 0; i < b->conf.n_workers; i++)
		n += b->w[i]->tcp->n_flows[kind];
	return n;
}

unsigned
box_owner(uint16_t sport, uint16_t dport, uint16_t domain, unsigned n_workers)
{
	const uint8_t client[] = { 10, 0, 0, 1 }, server[] = { 10, 0, 0, 2 };
	struct ip_addr a = ip_addr_v4(client), s = ip_addr_v4(server);

	return flow_hash(&a, &s, sport, dport, domain, NULL, 0) % n_workers;
}
