/*
 * workers.c - leatd's workers in threads of their own, between two hosts of which every frame
 * arrives at a wrong worker: the streams of many connections come whole.
 *
 * The hosts are two stacks in the test's thread, at the far ends of ring ports.  Time is the
 * wall's, bounded, and nothing depends on how fast it goes.
 */
#include <string.h>

#include <tcpterm/conn.h>

#include "tests/unit/tap.h"
#include "tests/unit/vnf_box.h"

enum {
	N_CONNS = 24,
	BYTES = 100000,		/* each way */
	CHUNK = 4096,
	PATIENCE_US = 60 * 1000 * 1000,
};

/* One end of a connection; `no` is the same for both. */
struct end {
	struct flow *f;
	uint64_t sent, received, wrong;
	bool shut, eof;
};

/* Side 0 is the clients' host, 1 the servers'. */
static struct host {
	struct tcpterm *stack;
	unsigned side;
	unsigned n_closed;
	struct end end[N_CONNS];
} hosts[2];

static struct vnf_box box;

static uint8_t
pattern(unsigned side, unsigned no, uint64_t off)
{
	return (uint8_t)(off * 13 + (off >> 8) * 7 + no * 29 + side);
}

/* --- frames --- */

static void
on_tx(void *ctx, uint16_t domain, uint8_t side, struct rte_mbuf *m)
{
	const struct parse_conf conf = { 0 };
	unsigned n = box.conf.n_workers, owner;
	struct host *h = ctx;
	struct pkt p;

	(void)domain, (void)side;
	pkt_parse(&p, m, &conf);
	owner = tcpterm_owner(&p, n);
	port_tx(box.far[h->side], (uint16_t)((owner + 1 + h->side % (n - 1)) % n), &m, 1,
		&box.drops);
}

static void
on_forward(void *ctx, const struct pkt *p)
{
	(void)ctx;
	rte_pktmbuf_free(p->m);
}

static void
hear(struct host *h, usec_t now)
{
	const struct parse_conf conf = { 0 };
	struct rte_mbuf *m[PORT_BURST];
	struct pkt p[PORT_BURST];

	for (unsigned q = 0; q < box.conf.n_workers; q++) {
		unsigned n = port_rx(box.far[h->side], (uint16_t)q, m, &box.drops);

		for (unsigned i = 0; i < n; i++)
			pkt_parse(&p[i], m[i], &conf);
		if (n)
			tcpterm_input(h->stack, p, n, now);
	}
	tcpterm_run(h->stack, now);
}

/* --- connections --- */

static struct end *
end_of(struct host *h, const struct flow *f)
{
	return &h->end[f->key.port[0] - 40000];
}

static void
on_established(void *ctx, struct flow *f)
{
	end_of(ctx, f)->f = f;
}

static void
read_all(struct host *h, struct end *e)
{
	unsigned no = (unsigned)(e - h->end);
	uint8_t buf[CHUNK];
	ssize_t n;

	while ((n = tcpterm_read(h->stack, e->f, buf, sizeof buf)) > 0)
		for (ssize_t i = 0; i < n; i++)
			e->wrong += buf[i] != pattern(!h->side, no, e->received++);
	e->eof |= n == 0;
}

static void
on_closed(void *ctx, struct flow *f, enum tcpterm_end why)
{
	struct host *h = ctx;
	struct end *e = end_of(h, f);

	CU_ASSERT_EQUAL(why, TCPTERM_END_FIN);
	if (e->f)
		read_all(h, e);
	e->f = NULL;
	h->n_closed++;
}

static void
write_some(struct host *h, struct end *e)
{
	unsigned no = (unsigned)(e - h->end);
	uint8_t buf[CHUNK];
	size_t n = RTE_MIN((uint64_t)CHUNK, BYTES - e->sent);
	ssize_t took;

	for (size_t i = 0; i < n; i++)
		buf[i] = pattern(h->side, no, e->sent + i);
	took = n ? tcpterm_write(h->stack, e->f, buf, n) : 0;
	e->sent += took > 0 ? (uint64_t)took : 0;
	if (e->sent == BYTES && !e->shut)
		e->shut = tcpterm_shutdown(h->stack, e->f) == 0;
}

static void
talk(struct host *h, usec_t now)
{
	hear(h, now);
	for (struct end *e = h->end; e < h->end + N_CONNS; e++) {
		if (e->f)
			read_all(h, e);
		if (e->f)
			write_some(h, e);
	}
	tcpterm_run(h->stack, now);
}

/* --- hosts --- */

static void
host_begin(struct host *h, unsigned side)
{
	static const struct tcpterm_ops ops = { .tx = on_tx, .forward = on_forward };
	static const struct tcpterm_conn_ops conn_ops = { .established = on_established,
							  .closed = on_closed };
	const struct tcpterm_conf conf = { .ops = &ops,
					   .ctx = h,
					   .payload_pool = box.pools.frames,
					   .header_pool = box.pools.headers,
					   .n_flows = 64,
					   .n_held_max = 512,
					   .rcv_wnd_max = 32768 };
	const struct tcpterm_listener_conf all = {
		.select = { .any_domain = true, .dst_port = { 0, 65535 }, .src_port = { 0, 65535 } }
	};
	tcpterm_listener_id id;

	memset(h, 0, sizeof *h);
	h->side = side;
	h->stack = tcpterm_new(&conf, clock_now(), NULL);
	CU_ASSERT_PTR_NOT_NULL_FATAL(h->stack);
	tcpterm_set_conn_ops(h->stack, &conn_ops, h);
	if (side == 1)
		CU_ASSERT_EQUAL(tcpterm_listen(h->stack, &all, &id), 0);
}

static void
open_all(struct host *h)
{
	static const uint8_t client[4] = { 10, 0, 0, 1 }, server[4] = { 10, 0, 0, 2 };
	struct tcpterm_identity id = {
		.l2 = { .dst = { { 2, 0, 0, 0, 0, 2 } }, .src = { { 2, 0, 0, 0, 0, 1 } } },
		.local = ip_addr_v4(client),
		.remote = ip_addr_v4(server),
		.remote_port = 80,
	};
	struct flow *f;

	for (unsigned i = 0; i < N_CONNS; i++) {
		id.local_port = (uint16_t)(40000 + i);
		CU_ASSERT_EQUAL(tcpterm_connect(h->stack, &id, 0, clock_now(), &f), 0);
	}
}

static void
check_streams(void)
{
	for (unsigned side = 0; side < 2; side++) {
		const struct host *h = &hosts[side];

		CU_ASSERT_EQUAL(h->n_closed, N_CONNS);
		for (unsigned i = 0; i < N_CONNS; i++) {
			CU_ASSERT_EQUAL(h->end[i].received, BYTES);
			CU_ASSERT_EQUAL(h->end[i].wrong, 0);
			CU_ASSERT_TRUE(h->end[i].eof);
		}
	}
}

/* Everything was handed over, and to every worker. */
static void
check_workers(void)
{
	for (unsigned i = 0; i < box.conf.n_workers; i++) {
		CU_ASSERT_EQUAL(box.w[i]->stats.handed_over, box.w[i]->stats.frames);
		CU_ASSERT_TRUE(box.w[i]->stats.taken_over > 0);
	}
}

static void
transfer(unsigned n_workers, const char *policy)
{
	static const int no_core[MAX_WORKERS] = { -1, -1, -1, -1, -1, -1, -1, -1 };
	struct err err = { 0 };
	int64_t until;

	box_begin(&box, n_workers, policy);
	host_begin(&hosts[0], 0);
	host_begin(&hosts[1], 1);
	CU_ASSERT_EQUAL_FATAL(workers_start(box.w, n_workers, no_core, &err), 0);
	open_all(&hosts[0]);
	until = clock_now().v + PATIENCE_US;
	while (hosts[0].n_closed + hosts[1].n_closed < 2 * N_CONNS && clock_now().v < until) {
		talk(&hosts[0], clock_now());
		talk(&hosts[1], clock_now());
	}
	workers_stop(box.w, n_workers);
	check_streams();
	check_workers();
	tcpterm_free(hosts[0].stack);
	tcpterm_free(hosts[1].stack);
	box_end(&box);
}

static void
two_workers_proxy_what_arrives_at_the_other(void)
{
	transfer(2, "default proxy\n");
}

static void
four_workers_proxy_what_arrives_at_others(void)
{
	transfer(4, "default proxy\n");
}

static void
two_workers_track_what_arrives_at_the_other(void)
{
	transfer(2, "default track\n");
}

static void
four_workers_track_what_arrives_at_others(void)
{
	transfer(4, "default track\n");
}

TAP_MAIN(workers, TAP_TEST(two_workers_proxy_what_arrives_at_the_other),
	 TAP_TEST(four_workers_proxy_what_arrives_at_others),
	 TAP_TEST(two_workers_track_what_arrives_at_the_other),
	 TAP_TEST(four_workers_track_what_arrives_at_others))
