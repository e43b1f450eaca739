/*
 * echo.c - libtcpterm alone: an echo server for any address and any port.
 *
 *	echo [--no-huge] pcap:IN,OUT	answers the captured clients of IN into OUT
 *	echo [--no-huge] ring:NAME	serves one at the ring's other end, which sends a line
 *
 * The library does no I/O and reads no clock.  Its owner brings it frames and the time
 * (tcpterm_input, tcpterm_run), asks when it wants to run next (tcpterm_next), and takes its
 * frames by a callback.  Here time is virtual: a capture's frames carry it, and where none
 * comes it is the next timer's.  So a run can be repeated exactly.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <tcpterm/conn.h>

#include "datapath/eal.h"
#include "datapath/pool.h"
#include "datapath/port.h"

/* A port is an ingress domain of its own: the same addresses on two are two connections. */
enum { SERVER, CLIENT, SETTLE_US = 1000 * 1000 };

static struct {
	struct tcpterm *stack;
	struct port *ports[2];
	struct drops drops;
	usec_t now;
	uint64_t n_ended, n_bytes;
} host;

static void
die(const struct err *e)
{
	fprintf(stderr, "echo: %s\n", e->msg);
	exit(1);
}

/* --- what the stack asks of its owner --- */

static void
transmit(void *ctx, uint16_t domain, uint8_t side, struct rte_mbuf *m)
{
	(void)ctx, (void)side;
	port_tx(host.ports[domain], 0, &m, 1, &host.drops);
}

/* What is not TCP, or of no connection, would go on to the next hop; here is none. */
static void
not_ours(void *ctx, const struct pkt *p)
{
	(void)ctx;
	rte_pktmbuf_free(p->m);
}

static const struct tcpterm_ops ops = { .tx = transmit, .forward = not_ours };

/* --- connections --- */

/* Gives back what came without a copy.  A piece for which there is no room waits in f->caller,
 * and nothing more is taken: the window closes, so the client waits too. */
static void
echo(struct flow *f)
{
	struct rte_mbuf *m;

	while ((m = f->caller ? f->caller : tcpterm_take(host.stack, f))) {
		uint32_t len = m->pkt_len;

		f->caller = m;
		if (tcpterm_give(host.stack, f, m) != 0)
			return;		/* called again when there is room */
		f->caller = NULL;
		host.n_bytes += len;
	}
	if (tcpterm_read(host.stack, f, NULL, 0) == 0)
		tcpterm_shutdown(host.stack, f);	/* the client has sent all, so have we */
}

static void
established(void *ctx, struct flow *f)
{
	static const char line[] = "It comes back downstream.\n";

	(void)ctx;
	if (f->key.domain == SERVER)
		return;
	tcpterm_write(host.stack, f, line, sizeof line - 1);
	tcpterm_shutdown(host.stack, f);
}

static void
ready(void *ctx, struct flow *f)
{
	char buf[256];
	ssize_t n;

	(void)ctx;
	if (f->key.domain == SERVER)
		echo(f);
	else
		while ((n = tcpterm_read(host.stack, f, buf, sizeof buf)) > 0)
			fwrite(buf, 1, (size_t)n, stdout);
}

static void
closed(void *ctx, struct flow *f, enum tcpterm_end why)
{
	(void)ctx, (void)why;
	host.n_ended += f->key.domain == SERVER;
	rte_pktmbuf_free(f->caller);
}

static const struct tcpterm_conn_ops conn_ops = {
	.established = established,
	.readable = ready,
	.writable = ready,
	.closed = closed,
};

/* Any SYN that comes to the server's port, tagged or not, to whatever address and port. */
static int
listen_everywhere(void)
{
	const struct tcpterm_listener_conf any = {
		.select = { .domain = SERVER, .src_port = { 0, 65535 }, .dst_port = { 0, 65535 } },
	};
	tcpterm_listener_id id;

	return tcpterm_listen(host.stack, &any, &id);
}

/* An active open has a whole identity: link, network and transport. */
static int
connect_to_echo(void)
{
	const struct tcpterm_identity id = {
		.l2 = { .dst = { { 2, 0, 0, 0, 0, 7 } }, .src = { { 2, 0, 0, 0, 0, 1 } } },
		.local = { .b = { 0x20, 0x01, 0x0d, 0xb8, [15] = 1 } },
		.remote = { .b = { 0x20, 0x01, 0x0d, 0xb8, [15] = 7 } },
		.remote_port = 7,
		.domain = CLIENT,
	};
	struct flow *f;

	return tcpterm_connect(host.stack, &id, 0, host.now, &f);
}

/* --- frames and time --- */

/* Runs what is due until `t`, each thing at its own time. */
static void
advance(usec_t t)
{
	for (usec_t next; next = tcpterm_next(host.stack), !usec_before(t, next);) {
		host.now = usec_before(host.now, next) ? next : host.now;
		tcpterm_run(host.stack, host.now);
	}
	host.now = usec_before(host.now, t) ? t : host.now;
}

/* Takes a burst of frames in; false: there was none. */
static bool
receive(uint16_t domain)
{
	const struct parse_conf parse = { .domain = domain };
	struct rte_mbuf *m[PORT_BURST];
	unsigned n = host.ports[domain] ? port_rx(host.ports[domain], 0, m, &host.drops) : 0;
	usec_t at = host.now;

	for (unsigned i = 0; i < n; i++) {
		struct pkt p;

		port_rx_timestamp(m[i], &at);	/* of a capture's frames only */
		advance(at);
		pkt_parse(&p, m[i], &parse);
		tcpterm_input(host.stack, &p, 1, host.now);
		tcpterm_run(host.stack, host.now);
	}
	return n > 0;
}

/* Until no frame comes and nothing is due for a second. */
static void
run(void)
{
	usec_t next;
	bool busy;

	do {
		do {
			busy = receive(SERVER);
			busy |= receive(CLIENT);
		} while (busy);
		next = tcpterm_next(host.stack);
		if (usec_before(usec_add(host.now, SETTLE_US), next))
			return;
		advance(next);
	} while (true);
}

static void
start(const char *spec, bool no_huge)
{
	struct pool_conf sizes = { .n_frames = 4095, .n_headers = 4095 };
	struct eal_conf eal = { .name = "echo", .no_huge = no_huge };
	struct port_conf port = { .name = "server", .spec = spec, .n_queues = 1 };
	/* Fixed secrets make a run repeatable.  On a network they are random (RFC 6528). */
	struct tcpterm_conf conf = { .ops = &ops, .secret = { 1, 2 } };
	struct pools pools;
	struct err err;

	eal.mem_mb = pools_mem_mb(&sizes);
	if (eal_start(&eal, &err) != 0 || pools_new(&pools, &sizes, &err) != 0)
		die(&err);
	conf.payload_pool = port.pool = pools.frames;
	conf.header_pool = pools.headers;
	host.stack = tcpterm_new(&conf, host.now, &err);
	host.ports[SERVER] = port_new(&port, &err);
	if (!host.stack || !host.ports[SERVER] || port_open(host.ports[SERVER], &err) != 0)
		die(&err);
	if (strncmp(spec, "ring:", 5) == 0) {
		port.name = "client";
		host.ports[CLIENT] = port_new(&port, &err);
		if (!host.ports[CLIENT] || port_open(host.ports[CLIENT], &err) != 0)
			die(&err);
	}
}

int
main(int argc, char **argv)
{
	bool no_huge = argc == 3 && strcmp(argv[1], "--no-huge") == 0;

	if (argc != 2 + no_huge) {
		fprintf(stderr, "usage: echo [--no-huge] pcap:IN,OUT | ring:NAME\n");
		return 2;
	}
	start(argv[argc - 1], no_huge);
	tcpterm_set_conn_ops(host.stack, &conn_ops, NULL);
	if (listen_everywhere() != 0 || (host.ports[CLIENT] && connect_to_echo() != 0))
		return 1;
	run();
	printf("%" PRIu64 " bytes echoed, %" PRIu64 " connections ended\n", host.n_bytes,
	       host.n_ended);
	tcpterm_free(host.stack);
	port_free(host.ports[SERVER]);
	port_free(host.ports[CLIENT]);
	eal_stop();
	return 0;
}
