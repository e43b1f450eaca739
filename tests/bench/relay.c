/*
 * relay.c - worker cycles a payload segment: forwarded bare, tracked, proxied.
 *
 *	obj/tests/bench/relay [SEGMENTS]
 *
 * A server sends full-size segments to a client through one worker, over in-process rings and in one
 * run.  `forward` is a bare loop from one port to the other, the floor.  Only the worker's turns are
 * counted, those that carry acknowledgements too; the ends' own work is not.  Checksums are
 * verified, as they have to be behind a switch.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <rte_cycles.h>
#include <rte_ip.h>
#include <rte_tcp.h>

#include "datapath/checksum.h"
#include "datapath/eal.h"
#include "vnf/worker.h"

enum {
	PAYLOAD = 1448,
	HEADERS = 14 + 20 + 20,
	SYN_OPTIONS = 8,	/* MSS, window scale */
	WSCALE = 7,
	FLIGHT = 256 * PAYLOAD,	/* bytes in flight, at most */
	TURN_US = 20,
	STALLED_TURNS = 20000,
	N_FRAMES = 16383,
	MEM_MB = 128,
};

struct end {
	struct port *port;
	uint8_t mac, addr;	/* the last byte of each */
	uint16_t sport, dport;
	uint32_t nxt, una, wnd;	/* what we send */
	uint32_t rcv_nxt;
	unsigned unacked;	/* segments received since our last ACK */
};

struct bench {
	const char *mode;
	struct options o;
	struct pools pools;
	struct active active;
	struct worker_conf conf;
	struct worker *w[MAX_WORKERS];
	struct end client, server;
	struct drops drops;
	usec_t now;
	uint64_t cycles;
};

static _Noreturn void
die(const char *what, const struct err *err)
{
	fprintf(stderr, "relay: %s: %s\n", what, err ? err->msg : "failed");
	exit(1);
}

/* --- the ends --- */

static void
put_headers(const struct end *e, uint8_t *b, uint32_t len, uint8_t flags, unsigned options)
{
	struct rte_ether_hdr *eth = (void *)b;
	struct rte_ipv4_hdr *ip = (void *)(b + 14);
	struct rte_tcp_hdr *tcp = (void *)(b + 34);

	memset(b, 0, HEADERS);
	eth->dst_addr.addr_bytes[0] = eth->src_addr.addr_bytes[0] = 2;
	eth->src_addr.addr_bytes[5] = e->mac;
	eth->dst_addr.addr_bytes[5] = e->mac ^ 3;
	eth->ether_type = rte_cpu_to_be_16(RTE_ETHER_TYPE_IPV4);
	ip->version_ihl = 0x45;
	ip->total_length = rte_cpu_to_be_16((uint16_t)(40 + options + len));
	ip->fragment_offset = rte_cpu_to_be_16(RTE_IPV4_HDR_DF_FLAG);
	ip->time_to_live = 64;
	ip->next_proto_id = IPPROTO_TCP;
	ip->src_addr = rte_cpu_to_be_32(0x0a000000u + e->addr);
	ip->dst_addr = rte_cpu_to_be_32(0x0a000000u + (e->addr ^ 3));
	ip->hdr_checksum = rte_ipv4_cksum(ip);
	tcp->src_port = rte_cpu_to_be_16(e->sport);
	tcp->dst_port = rte_cpu_to_be_16(e->dport);
	tcp->sent_seq = rte_cpu_to_be_32(e->nxt);
	tcp->recv_ack = rte_cpu_to_be_32(flags & TCP_ACK ? e->rcv_nxt : 0);
	tcp->data_off = (uint8_t)((20 + options) << 2);
	tcp->tcp_flags = flags;
	tcp->rx_win = rte_cpu_to_be_16(65535);
}

static void
send_segment(struct bench *b, struct end *e, uint32_t len, uint8_t flags)
{
	static const uint8_t syn_options[SYN_OPTIONS] = { 2, 4, 5, 0xb4, 1, 3, 3, WSCALE };
	unsigned options = flags & TCP_SYN ? SYN_OPTIONS : 0;
	struct rte_mbuf *m = rte_pktmbuf_alloc(b->pools.frames);
	struct rte_tcp_hdr *tcp;
	uint8_t *frame;

	if (!m)
		die("no mbuf is left", NULL);
	frame = (uint8_t *)rte_pktmbuf_append(m, (uint16_t)(HEADERS + options + len));
	if (!frame)
		die("an mbuf is too small", NULL);
	put_headers(e, frame, len, flags, options);
	memcpy(frame + HEADERS, syn_options, options);
	tcp = (void *)(frame + 34);
	tcp->cksum = (uint16_t)~cksum_l4(m, 14, 34, 20 + options + len, IPPROTO_TCP);
	e->nxt += len + !!(flags & TCP_SYN);
	e->unacked = 0;
	port_tx(e->port, 0, &m, 1, &b->drops);
}

/* Takes what has come; true if anything had.  Every second segment is acknowledged. */
static bool
receive_segments(struct bench *b, struct end *e)
{
	static const struct parse_conf trusting = { .trust = true };
	struct rte_mbuf *m[PORT_BURST];
	unsigned i, n = port_rx(e->port, 0, m, &b->drops);
	struct pkt p;

	for (i = 0; i < n; i++) {
		if (pkt_parse(&p, m[i], &trusting) != PKT_TCP || p.flags & TCP_RST)
			die("an unexpected frame", NULL);
		if (p.flags & TCP_ACK)
			e->una = p.ack;
		e->wnd = (uint32_t)p.window << (p.flags & TCP_SYN ? 0 : WSCALE);
		if (p.flags & TCP_SYN)
			e->rcv_nxt = p.seq + 1;
		else if (p.seq == e->rcv_nxt)
			e->rcv_nxt += p.payload_len;
		e->unacked += p.payload_len > 0;
		rte_pktmbuf_free(m[i]);
		if (e->unacked >= 2)
			send_segment(b, e, 0, TCP_ACK);
	}
	return n > 0;
}

/* --- the worker's turn --- */

static void
bare_turn(struct bench *b)
{
	struct port *const *port = b->conf.ports->port;
	struct rte_mbuf *m[PORT_BURST];
	unsigned i, n;

	for (i = 0; i < 2; i++) {
		n = port_rx(port[i], 0, m, &b->drops);
		if (n)
			port_tx(port[!i], 0, m, n, &b->drops);
	}
}

static void
turn(struct bench *b)
{
	uint64_t start = rte_rdtsc();

	b->now = usec_add(b->now, TURN_US);
	if (b->w[0])
		worker_turn(b->w[0], b->now);
	else
		bare_turn(b);
	b->cycles += rte_rdtsc() - start;
}

static void
handshake(struct bench *b)
{
	send_segment(b, &b->client, 0, TCP_SYN);
	turn(b);
	receive_segments(b, &b->server);
	send_segment(b, &b->server, 0, TCP_SYN | TCP_ACK);
	turn(b);
	receive_segments(b, &b->client);
	send_segment(b, &b->client, 0, TCP_ACK);
	turn(b);
	receive_segments(b, &b->server);
	if (b->server.una != b->server.nxt)
		die("no connection", NULL);
}

/* The server's segments of one turn. */
static void
send_burst(struct bench *b, uint64_t *left)
{
	struct end *s = &b->server;
	unsigned i;

	for (i = 0; i<PORT_BURST && * left> 0; i++) {
		if (s->nxt - s->una + PAYLOAD > RTE_MIN(s->wnd, (uint32_t)FLIGHT))
			break;
		send_segment(b, s, PAYLOAD, TCP_ACK | TCP_PSH);
		--*left;
	}
}

static void
transfer(struct bench *b, uint64_t n_segments)
{
	unsigned idle = 0;

	b->cycles = 0;
	while (n_segments > 0 || b->server.una != b->server.nxt) {
		bool moved;

		send_burst(b, &n_segments);
		turn(b);
		moved = receive_segments(b, &b->client);
		if (!moved && b->client.unacked)
			send_segment(b, &b->client, 0, TCP_ACK);
		moved |= receive_segments(b, &b->server);
		idle = moved ? 0 : idle + 1;
		if (idle > STALLED_TURNS)
			die("the transfer stalls", NULL);
	}
}

/* --- life --- */

static void
open_ports(struct bench *b)
{
	static char spec[2][24];
	static unsigned serial;
	struct end *const end[2] = { &b->client, &b->server };
	struct err err = { 0 };
	unsigned i;

	b->o = (struct options){ .name = "bench", .n_workers = 1, .n_ports = 2, .n_pairs = 1 };
	b->o.pair[0][1] = 1;
	serial++;
	for (i = 0; i < 2; i++) {
		snprintf(spec[i], sizeof spec[i], "ring:bench%u-%u", serial, i);
		b->o.port[i].name = i ? "b" : "a";
		b->o.port[i].spec = spec[i];
	}
	b->conf.ports = ports_new(&b->o, 1, b->pools.frames, &err);
	if (!b->conf.ports)
		die("ports", &err);
	for (i = 0; i < 2; i++) {
		const struct port_conf c = {
			.name = "far", .spec = spec[i], .n_queues = 1, .pool = b->pools.frames
		};

		end[i]->port = port_new(&c, &err);
		if (!end[i]->port || port_open(b->conf.ports->port[i], &err) != 0 ||
		    port_open(end[i]->port, &err) != 0)
			die("ports", &err);
		port_poll_link(b->conf.ports->port[i]);
	}
}

static void
start_worker(struct bench *b, const char *policy)
{
	struct err err = { 0 };
	char *errors;

	b->conf.n_workers = 1;
	b->conf.pools = &b->pools;
	b->conf.active = &b->active;
	b->conf.n_held_max = N_FRAMES / 2;
	b->conf.n_flows = 1024;
	b->conf.journal = journal_new(NULL, 1, 64, &err);
	b->conf.sinks = sinks_new(1, 64, NULL, &err);
	b->conf.flows = flows_new(1, &err);
	if (!b->conf.journal || !b->conf.sinks || !b->conf.flows ||
	    active_init(&b->active, 1, NULL, b->conf.ports, &err) != 0 ||
	    active_load(&b->active, "bench", policy, strlen(policy), &errors) != 0 ||
	    workers_new(&b->conf, b->w, &err) != 0)
		die("worker", &err);
}

static void
stop(struct bench *b)
{
	workers_free(b->w, b->w[0] ? 1 : 0);
	sinks_free(b->conf.sinks);
	flows_free(b->conf.flows);
	port_free(b->client.port);
	port_free(b->server.port);
	ports_free(b->conf.ports);
	journal_free(b->conf.journal);
	if (b->active.qsbr)
		active_fini(&b->active);
	pools_free(&b->pools);
}

static void
run(const char *mode, const char *policy, uint64_t n_segments)
{
	const struct pool_conf pools = { .n_frames = N_FRAMES, .n_headers = N_FRAMES };
	static struct bench bench;
	struct bench *b = &bench;
	struct err err = { 0 };

	*b = (struct bench){ .mode = mode, .now = clock_now() };
	b->client = (struct end){ .mac = 1, .addr = 1, .sport = 40000, .dport = 80, .nxt = 1000 };
	b->server = (struct end){ .mac = 2, .addr = 2, .sport = 80, .dport = 40000, .nxt = 5000 };
	if (pools_new(&b->pools, &pools, &err) != 0)
		die("mbufs", &err);
	open_ports(b);
	if (policy)
		start_worker(b, policy);
	handshake(b);
	transfer(b, n_segments / 10);	/* caches and windows warm up */
	transfer(b, n_segments);
	printf("{\"bench\":\"relay\",\"mode\":\"%s\",\"flows\":1,\"payload\":%d,\"segments\":%" PRIu64
	       ",\"cycles\":%" PRIu64 ",\"copied_bytes\":%" PRIu64 "}\n",
	       mode, PAYLOAD, n_segments, b->cycles / n_segments,
	       b->w[0] ? b->w[0]->tcp->copied_bytes : 0);
	stop(b);
}

int
main(int argc, char *argv[])
{
	const struct eal_conf eal = { .name = "bench", .mem_mb = MEM_MB, .no_huge = true };
	uint64_t n = argc > 1 ? strtoull(argv[1], NULL, 10) : 1000000;
	struct err err = { 0 };

	if (eal_start(&eal, &err) != 0)
		die("DPDK", &err);
	run("forward", NULL, n);
	run("track", "default track\n", n);
	run("proxy", "default proxy\n", n);
	eal_stop();
	return 0;
}
