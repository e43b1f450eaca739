/*
 * connscale.c - libtcpterm alone: many connections, opened, held and closed.
 *
 *	connscale [--no-huge] qinq|addresses|mixed N
 *
 * Two stacks in one process, joined by two queues.  One opens N connections, each with an
 * identity of its own; the other has one listener that takes them all.  `qinq`: the same addresses
 * and ports on N different stacks of two VLANs.  `addresses`: 1,000 servers of 1,000 ports on one
 * VLAN.  `mixed`: 100 VLANs of 100 servers of 100 ports.  Each connection says its number, and
 * hears it back; then all are held for an hour of virtual time, and closed.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <tcpterm/conn.h>

#include "datapath/eal.h"
#include "datapath/pool.h"

enum { CLIENT, SERVER, N_MAX = 1000 * 1000, BURST = 32, QUEUE = 4096, TURN_US = 100 };
#define HOUR_US (3600LL * 1000 * 1000)

/* A stack, and the frames on their way to it. */
static struct end {
	struct tcpterm *stack;
	struct rte_mbuf *queue[QUEUE];
	uint32_t head, tail;
	uint32_t n_open, n_heard;
} ends[2];

static struct flow **flows;	/* the client's */
static usec_t now;

static void
die(const char *what)
{
	fprintf(stderr, "connscale: %s\n", what);
	exit(1);
}

/* --- what the stacks ask of their owner --- */

static void
transmit(void *ctx, uint16_t domain, uint8_t side, struct rte_mbuf *m)
{
	struct end *to = &ends[ctx == &ends[CLIENT] ? SERVER : CLIENT];

	(void)domain, (void)side;
	if (to->tail - to->head == QUEUE)
		rte_pktmbuf_free(m);	/* lost: TCP sends it again */
	else
		to->queue[to->tail++ % QUEUE] = m;
}

static void
not_ours(void *ctx, const struct pkt *p)
{
	(void)ctx;
	rte_pktmbuf_free(p->m);
}

static const struct tcpterm_ops ops = { .tx = transmit, .forward = not_ours };

/* --- connections --- */

static void
established(void *ctx, struct flow *f)
{
	struct end *e = ctx;

	e->n_open++;
	if (e == &ends[CLIENT])
		tcpterm_write(e->stack, f, &f->cookie, sizeof f->cookie);
}

/* The server gives back what it reads, the client looks whether it is its own. */
static void
readable(void *ctx, struct flow *f)
{
	struct end *e = ctx;
	uint64_t number;
	ssize_t n = tcpterm_read(e->stack, f, &number, sizeof number);

	if (n == 0)
		tcpterm_shutdown(e->stack, f);
	else if (n == sizeof number && e == &ends[SERVER])
		tcpterm_write(e->stack, f, &number, sizeof number);
	else if (n == sizeof number)
		e->n_heard += number == f->cookie;
}

static void
closed(void *ctx, struct flow *f, enum tcpterm_end why)
{
	(void)f, (void)why;
	((struct end *)ctx)->n_open--;
}

static const struct tcpterm_conn_ops conn_ops = {
	.established = established,
	.readable = readable,
	.closed = closed,
};

/* The whole identity of the i-th connection: link, network and transport. */
static struct tcpterm_identity
identity(const char *spread, uint32_t i)
{
	const bool qinq = strcmp(spread, "qinq") == 0, mixed = strcmp(spread, "mixed") == 0;
	const uint32_t server = qinq ? 0 : mixed ? i / 100 % 100 : i / 1000;
	const uint32_t port = qinq ? 0 : i % (mixed ? 100 : 1000);
	const uint8_t local[4] = { 10, 1, 0, 1 };
	const uint8_t remote[4] = { 10, 2, (uint8_t)(server >> 8), (uint8_t)server };
	struct tcpterm_identity id = {
		.l2 = { .dst = { { 2, 0, 0, 0, 0, 2 } }, .src = { { 2, 0, 0, 0, 0, 1 } } },
		.local = ip_addr_v4(local),
		.remote = ip_addr_v4(remote),
		.local_port = 40000,
		.remote_port = (uint16_t)(1000 + port),
	};

	if (qinq)
		id.l2.tag[id.l2.n_tags++] = (struct vlan_tag){ .tpid = RTE_ETHER_TYPE_QINQ,
							       .tci = (uint16_t)(1 + i / 1000) };
	id.l2.tag[id.l2.n_tags++] = (struct vlan_tag){
		.tpid = RTE_ETHER_TYPE_VLAN,
		.tci = (uint16_t)(1 + (qinq    ? i % 1000
				       : mixed ? i / 10000
					       : 6)),
	};
	return id;
}

/* --- frames and time --- */

static unsigned
take(struct end *e)
{
	static const struct parse_conf conf = { 0 };
	struct pkt p[BURST];
	unsigned n = 0;

	for (; n < BURST && e->head != e->tail; n++)
		pkt_parse(&p[n], e->queue[e->head++ % QUEUE], &conf);
	tcpterm_input(e->stack, p, n, now);
	tcpterm_run(e->stack, now);
	return n;
}

/* Until nothing is on its way. */
static void
settle(void)
{
	do
		now = usec_add(now, TURN_US);
	while (take(&ends[SERVER]) + take(&ends[CLIENT]) > 0);
}

/* Runs what is due until `t`, each thing at its own time. */
static void
wait_until(usec_t t)
{
	for (usec_t next; next = usec_min(tcpterm_next(ends[0].stack), tcpterm_next(ends[1].stack)),
			  usec_before(next, t);) {
		now = usec_before(now, next) ? next : now;
		settle();
	}
	now = usec_before(now, t) ? t : now;
}

/* --- the program --- */

static void
start(uint32_t n, bool no_huge)
{
	struct pool_conf sizes = { .n_frames = 8191, .n_headers = 16383 };
	struct eal_conf eal = { .name = "connscale", .no_huge = no_huge };
	struct tcpterm_conf conf = { .ops = &ops, .n_flows = n, .secret = { 1, 2 } };
	const struct tcpterm_listener_conf any = {
		.select = { .src_port = { 0, 65535 }, .dst_port = { 0, 65535 } },
	};
	tcpterm_listener_id id;
	struct pools pools;
	struct err err;

	eal.mem_mb = pools_mem_mb(&sizes);
	if (eal_start(&eal, &err) != 0 || pools_new(&pools, &sizes, &err) != 0)
		die(err.msg);
	conf.payload_pool = pools.frames;
	conf.header_pool = pools.headers;
	for (unsigned i = 0; i < 2; i++) {
		conf.ctx = &ends[i];
		ends[i].stack = tcpterm_new(&conf, now, &err);
		if (!ends[i].stack)
			die(err.msg);
		tcpterm_set_conn_ops(ends[i].stack, &conn_ops, &ends[i]);
	}
	if (tcpterm_listen(ends[SERVER].stack, &any, &id) != 0)
		die("no listener");
}

static void
open_all(const char *spread, uint32_t n)
{
	for (uint32_t i = 0; i < n; i++) {
		const struct tcpterm_identity id = identity(spread, i);

		if (tcpterm_connect(ends[CLIENT].stack, &id, i, now, &flows[i]) != 0)
			die("a connection was refused");
		if ((i + 1) % BURST == 0 || i + 1 == n)
			settle();
		if ((i + 1) % (n / 10 ? n / 10 : 1) == 0)
			printf("%u open, %u heard their number\n", ends[CLIENT].n_open,
			       ends[CLIENT].n_heard);
	}
}

static void
close_all(uint32_t n)
{
	for (uint32_t i = 0; i < n; i++) {
		tcpterm_shutdown(ends[CLIENT].stack, flows[i]);
		if ((i + 1) % BURST == 0 || i + 1 == n) {
			tcpterm_run(ends[CLIENT].stack, now);
			settle();
		}
	}
}

int
main(int argc, char **argv)
{
	const bool no_huge = argc > 1 && strcmp(argv[1], "--no-huge") == 0;
	const char *spread = argc == 3 + no_huge ? argv[argc - 2] : "";
	const uint32_t n = argc > 1 ? (uint32_t)strtoul(argv[argc - 1], NULL, 0) : 0;
	bool known = strcmp(spread, "qinq") == 0 || strcmp(spread, "addresses") == 0 ||
		     strcmp(spread, "mixed") == 0;

	if (!known || n == 0 || n > N_MAX) {
		fprintf(stderr, "usage: connscale [--no-huge] qinq|addresses|mixed N\n");
		return 2;
	}
	flows = calloc(n, sizeof *flows);
	if (!flows)
		die("no memory");
	start(n, no_huge);
	open_all(spread, n);
	wait_until(usec_add(now, HOUR_US));
	printf("%u open an hour later at one end, %u at the other\n", ends[CLIENT].n_open,
	       ends[SERVER].n_open);
	close_all(n);
	printf("%u open after the end\n", ends[CLIENT].n_open + ends[SERVER].n_open);
	for (unsigned i = 0; i < 2; i++)
		tcpterm_free(ends[i].stack);
	free(flows);
	eal_stop();
	return ends[CLIENT].n_heard != n || ends[CLIENT].n_open + ends[SERVER].n_open > 0;
}
