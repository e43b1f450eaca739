/*
 * proxy.c - libtcpterm alone: a transparent proxy between two ports.
 *
 *	proxy [--no-huge] A B		e.g. proxy afpacket:eth1 afpacket:eth2
 *
 * Whatever comes in at one port and is not TCP leaves by the other.  Every TCP connection through
 * them is terminated: it becomes two, one on each port, with buffers, acknowledgements,
 * retransmission and congestion control of their own.  Neither end can tell: both see the other's
 * addresses, MACs, tags and sequence numbers.  At a connection's end a line says what passed.
 *
 * Two captures (pcap:IN,OUT) are played in the order of their frames' times, the only clock then.
 */
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <tcpterm/stack.h>

#include "datapath/eal.h"
#include "datapath/pool.h"
#include "datapath/port.h"

enum { A, B, SETTLE_US = 5 * 1000 * 1000, REST_US = 50 };

static struct {
	struct tcpterm *stack;
	struct port *ports[2];
	struct drops drops;
} host;
static volatile sig_atomic_t stopped;

static void
stop(int signal)
{
	stopped = signal;
}

static void
die(const struct err *e)
{
	fprintf(stderr, "proxy: %s\n", e->msg);
	exit(1);
}

/* --- what the stack asks of its owner --- */

/* A frame that the stack made leaves by the port of its side: both are of one ingress domain. */
static void
transmit(void *ctx, uint16_t domain, uint8_t side, struct rte_mbuf *m)
{
	(void)ctx, (void)domain;
	port_tx(host.ports[side], 0, &m, 1, &host.drops);
}

/* A frame that the stack does not hold goes on as it came.  Handshakes do too: nothing is
 * terminated before the server has accepted, and one that refuses is seen to refuse. */
static void
forward(void *ctx, const struct pkt *p)
{
	struct rte_mbuf *m = p->m;

	(void)ctx;
	port_tx(host.ports[!p->side], 0, &m, 1, &host.drops);
}

/* The last words of a flow; whoever needs a flow's story asks here. */
static void
ended(void *ctx, struct flow *f)
{
	const struct ip_addr from = flow_addr(f, 0), to = flow_addr(f, 1);
	char client[IP_ADDR_STRLEN], server[IP_ADDR_STRLEN];
	struct tcpterm_leg_info leg[2];

	(void)ctx;
	tcpterm_flow_info(f, leg);
	printf("%s %s.%u > %s.%u: %s, %" PRIu64 " and %" PRIu64 " bytes, sent again %" PRIu64
	       " and %" PRIu64 "\n",
	       tcpterm_kind_name(f->kind), ip_addr_format(&from, client), f->key.port[0],
	       ip_addr_format(&to, server), f->key.port[1], tcpterm_end_name(f->end),
	       flow_bytes(f, 0), flow_bytes(f, 1), leg[0].retransmits, leg[1].retransmits);
}

/* With `unknown` segments of connections whose handshake was not seen would be asked about; without
 * it they go on.  Nothing in their middle can be terminated. */
static const struct tcpterm_ops ops = { .tx = transmit, .forward = forward, .flow_end = ended };

/* Asked once for each SYN that the listener selects; `syn` has all that it says.  A real proxy
 * would choose here: ACCEPT to answer it itself, PASS, RESET, DEFER to decide later ... */
static struct tcpterm_verdict
filter(void *ctx, const struct tcpterm_syn *syn)
{
	(void)ctx, (void)syn;
	return (struct tcpterm_verdict){ .decision = TCPTERM_RELAY };
}

/* Any SYN: from and to any address and port, tagged or not, by either port. */
static int
listen_everywhere(void)
{
	const struct tcpterm_listener_conf any = {
		.select = { .any_domain = true,
			    .src_port = { 0, 65535 },
			    .dst_port = { 0, 65535 } },
		.filter = filter,
	};
	tcpterm_listener_id id;

	return tcpterm_listen(host.stack, &any, &id);
}

/* --- frames and time --- */

/* Both ports are domain 0: the stack tells its two legs apart by the side. */
static void
input(unsigned side, struct rte_mbuf **m, unsigned n, usec_t now)
{
	const struct parse_conf parse = { .side = (uint8_t)side };
	struct pkt p[PORT_BURST];

	for (unsigned i = 0; i < n; i++)
		pkt_parse(&p[i], m[i], &parse);
	tcpterm_input(host.stack, p, n, now);
}

/* One turn: take what came, with one look at the clock, then let the stack do what is due and send
 * what that and the burst gave rise to.  Looking at a link also reconnects a vhost port. */
static void
live(void)
{
	while (!stopped) {
		usec_t now = clock_now();
		unsigned all = 0;

		for (unsigned side = A; side <= B; side++) {
			struct rte_mbuf *m[PORT_BURST];
			unsigned n = port_rx(host.ports[side], 0, m, &host.drops);

			input(side, m, n, now);
			all += n;
		}
		tcpterm_run(host.stack, now);
		if (all > 0)
			continue;
		port_poll_link(host.ports[A]);
		port_poll_link(host.ports[B]);
		usleep(REST_US);
	}
}

/* Runs what is due until `t`, each thing at its own time. */
static void
advance(usec_t t)
{
	for (usec_t next; next = tcpterm_next(host.stack), !usec_before(t, next);)
		tcpterm_run(host.stack, next);
}

/* The next frame of one capture; false: it has none left. */
static bool
peek(unsigned side, struct rte_mbuf **m, usec_t *at)
{
	static struct rte_mbuf *burst[2][PORT_BURST];
	static unsigned n[2], i[2];

	if (!*m && i[side] == n[side])
		n[side] = port_rx(host.ports[side], 0, burst[side], &host.drops), i[side] = 0;
	if (!*m && i[side] < n[side])
		*m = burst[side][i[side]++];
	return *m && port_rx_timestamp(*m, at);
}

/* Plays two captures, the earlier frame first. */
static void
replay(void)
{
	struct rte_mbuf *m[2] = { NULL, NULL };
	usec_t at[2] = { { 0 }, { 0 } }, now = { 0 };
	bool has[2];

	while (has[A] = peek(A, &m[A], &at[A]), has[B] = peek(B, &m[B], &at[B]), has[A] || has[B]) {
		unsigned side = has[A] && (!has[B] || !usec_before(at[B], at[A])) ? A : B;

		now = usec_before(now, at[side]) ? at[side] : now;
		advance(now);
		input(side, &m[side], 1, now);
		m[side] = NULL;
		tcpterm_run(host.stack, now);
	}
	advance(usec_add(now, SETTLE_US));
}

static void
start(char *spec[2], bool no_huge)
{
	struct pool_conf sizes = { .n_frames = 16383, .n_headers = 16383 };
	struct eal_conf eal = { .name = "proxy", .no_huge = no_huge };
	/* Random on a network, fixed where a run is to be repeated (RFC 6528). */
	struct tcpterm_conf conf = { .ops = &ops, .secret = { 1, 2 } };
	struct pools pools;
	struct err err;

	eal.mem_mb = pools_mem_mb(&sizes);
	if (eal_start(&eal, &err) != 0 || pools_new(&pools, &sizes, &err) != 0)
		die(&err);
	for (unsigned side = A; side <= B; side++) {
		struct port_conf port = { .name = side == A ? "a" : "b",
					  .spec = spec[side],
					  .n_queues = 1,
					  .pool = pools.frames };

		host.ports[side] = port_new(&port, &err);
		if (!host.ports[side] || port_open(host.ports[side], &err) != 0)
			die(&err);
		conf.mtu[side] = port_mtu(host.ports[side]);
	}
	conf.payload_pool = pools.frames;
	conf.header_pool = pools.headers;
	/* Time only goes forward: from 0 to the clock's, or to the first frame's. */
	host.stack = tcpterm_new(&conf, (usec_t){ 0 }, &err);
	if (!host.stack)
		die(&err);
}

int
main(int argc, char **argv)
{
	bool no_huge = argc == 4 && strcmp(argv[1], "--no-huge") == 0;
	char **spec = argv + argc - 2;

	if (argc != 3 + no_huge)
		return fprintf(stderr, "usage: proxy [--no-huge] PORT-A PORT-B\n"), 2;
	signal(SIGINT, stop);
	signal(SIGTERM, stop);
	start(spec, no_huge);
	if (listen_everywhere() != 0)
		return fprintf(stderr, "proxy: the stack takes no listener\n"), 1;
	if (strncmp(spec[A], "pcap:", 5) == 0 && strncmp(spec[B], "pcap:", 5) == 0)
		replay();
	else
		live();
	tcpterm_free(host.stack);
	port_free(host.ports[A]);
	port_free(host.ports[B]);
	eal_stop();
	return 0;
}
