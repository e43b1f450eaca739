/*
 * live.c - a live connection and an adversary that knows its numbers: a relay's legs, or a
 * connection of the library's, after a valid handshake and a valid exchange.
 *
 * [0], [1] choose the settings.  Then commands of 12 bytes: a valid prefix (the end sends what is
 * next, acknowledges what it was sent), or a segment made from the connection's own numbers -
 * at an edge of a window, a number before or after, half the space away - with payload, flags and
 * up to 40 bytes of options as the input has them: lengths of 0, of 1, beyond the end, SACK blocks
 * that overlap, wrap or lie backwards.  Time passes in between, by timers or by leaps.
 * Whatever comes: no crash, no leak, numbers in their order, and what leaves parses with its
 * checksum right.
 */
#include <netinet/in.h>
#include <rte_ip.h>
#include <rte_tcp.h>
#include <stdlib.h>
#include <string.h>

#include "datapath/checksum.h"
#include "datapath/pool.h"
#include "tcpterm/endpoint.h"
#include "tcpterm/options.h"
#include "tcpterm/relay.h"
#include "tests/unit/eal.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

enum { HEADERS = 54, COMMAND = 12, MAX_COMMANDS = 200, PORT = 40000, OPTIONS_MAX = 40 };

static struct pools pools;
static struct tcpterm *stack;
static usec_t now;
static bool relayed;
static uint32_t nxt[2], heard[2];	/* of each end: what it sends next, and what it was sent */
static struct tcpterm_options agreed;
static struct tcpterm_tuning tuning;
static bool ecn;

static void
require(bool condition)
{
	if (!condition)
		abort();
}

/* --- out --- */

static void
on_tx(void *ctx, uint16_t domain, uint8_t side, struct rte_mbuf *m)
{
	struct parse_conf conf = { .side = side };
	struct pkt p;

	(void)ctx;
	(void)domain;
	if (pkt_parse(&p, m, &conf) == PKT_TCP && !(p.flags & TCP_RST)) {
		unsigned end = p.dport == PORT ? 0 : 1;
		uint32_t to = p.seq + p.payload_len + !!(p.flags & (TCP_SYN | TCP_FIN));

		require(!p.cksum_bad);
		if ((int32_t)(to - heard[end]) > 0)
			heard[end] = to;
	}
	rte_pktmbuf_free(m);
}

static void
on_forward(void *ctx, const struct pkt *p)
{
	(void)ctx;
	rte_pktmbuf_free(p->m);
}

static void
on_readable(void *ctx, struct flow *f)
{
	uint8_t buf[512];
	ssize_t n;

	(void)ctx;
	while ((n = tcpterm_read(stack, f, buf, sizeof buf)) > 0)
		(void)tcpterm_write(stack, f, buf, (size_t)n);
	if (n == 0)
		(void)tcpterm_shutdown(stack, f);
}

static struct tcpterm_verdict
filter(void *ctx, const struct tcpterm_syn *syn)
{
	(void)ctx;
	(void)syn;
	return (struct tcpterm_verdict){
		.decision = relayed ? TCPTERM_RELAY : TCPTERM_ACCEPT,
		.tuning = tuning,
	};
}

/* --- in --- */

struct seg {
	unsigned side;
	uint16_t flags, window, urgent;
	uint32_t seq, ack, len;
	uint8_t tos;
	uint8_t options[OPTIONS_MAX];
	unsigned opt_len;		/* a multiple of four */
};

static void
write_headers(const struct seg *g, uint8_t *at)
{
	static const uint8_t link[14] = { 2, 0, 0, 0, 0, 2, 2, 0, 0, 0, 0, 1, 8, 0 };
	static const uint16_t port[2] = { PORT, 80 };
	uint32_t addr[2] = { rte_cpu_to_be_32(0xc0000207), rte_cpu_to_be_32(0xc6336409) };
	struct rte_ipv4_hdr *ip = (struct rte_ipv4_hdr *)(at + 14);
	struct rte_tcp_hdr *tcp = (struct rte_tcp_hdr *)(at + 34);

	memcpy(at, link, sizeof link);
	*ip = (struct rte_ipv4_hdr){
		.version_ihl = 0x45,
		.type_of_service = g->tos,
		.total_length = rte_cpu_to_be_16((uint16_t)(40 + g->opt_len + g->len)),
		.time_to_live = 64,
		.next_proto_id = IPPROTO_TCP,
		.src_addr = addr[g->side],
		.dst_addr = addr[!g->side],
	};
	*tcp = (struct rte_tcp_hdr){
		.src_port = rte_cpu_to_be_16(port[g->side]),
		.dst_port = rte_cpu_to_be_16(port[!g->side]),
		.sent_seq = rte_cpu_to_be_32(g->seq),
		.recv_ack = rte_cpu_to_be_32(g->ack),
		.data_off = (uint8_t)((20 + g->opt_len) / 4 << 4),
		.tcp_flags = (uint8_t)g->flags,
		.rx_win = rte_cpu_to_be_16(g->window),
		.tcp_urp = rte_cpu_to_be_16(g->urgent),
	};
	memcpy(at + HEADERS, g->options, g->opt_len);
}

static void
input(const struct seg *g)
{
	struct parse_conf conf = { .side = relayed ? (uint8_t)g->side : 0 };
	struct rte_mbuf *m = rte_pktmbuf_alloc(pools.frames);
	struct pkt p;

	require(m && rte_pktmbuf_append(m, (uint16_t)(HEADERS + g->opt_len + g->len)));
	write_headers(g, rte_pktmbuf_mtod(m, uint8_t *));
	memset(rte_pktmbuf_mtod_offset(m, uint8_t *, HEADERS + g->opt_len), 'x', g->len);
	cksum_tcp_write(m, 14, 34);
	pkt_parse(&p, m, &conf);
	tcpterm_input(stack, &p, 1, now);
}

static void
set_options(struct seg *g, const struct tcpterm_options *o)
{
	g->opt_len = options_build(o, g->flags & TCP_SYN, g->options);
}

static void
handshake(void)
{
	struct seg g = { .flags = TCP_SYN | (ecn ? TCP_ECE | TCP_CWR : 0),
			 .window = 20000,
			 .seq = 1000 };
	struct tcpterm_options later = { .has_ts = agreed.has_ts, .tsval = 2 };

	nxt[0] = 1001;
	nxt[1] = 0xfffffff0 + 1;
	heard[0] = heard[1] = 0;
	set_options(&g, &agreed);
	input(&g);
	tcpterm_run(stack, now);
	if (relayed) {
		g.side = 1;
		g.flags = TCP_SYN | TCP_ACK | (ecn ? TCP_ECE : 0);
		g.seq = nxt[1] - 1;
		g.ack = nxt[0];
		input(&g);
		heard[0] = nxt[1];
		heard[1] = nxt[0];
	}
	g = (struct seg){ .flags = TCP_ACK, .window = 20000, .seq = nxt[0], .ack = heard[0] };
	set_options(&g, &later);
	input(&g);
	tcpterm_run(stack, now);
}

/* --- the connection, from inside --- */

static struct conn *
conn(unsigned side)
{
	struct flow *f;
	uint64_t cursor = 0;

	if (tcpterm_walk(stack, &cursor, &f, 1) != 1)
		return NULL;
	if (f->kind == TCPTERM_KIND_RELAY)
		return &((struct relay *)f)->leg[side];
	return f->kind == TCPTERM_KIND_CONN ? &((struct endpoint *)f)->c : NULL;
}

static void
check(void)
{
	for (unsigned k = 0; k < 2; k++) {
		const struct conn *c = conn(k);

		if (!c || c->state < TCPTERM_ESTABLISHED)
			continue;
		require(c->una >= 0 && c->una <= c->nxt && c->nxt <= c->tx->end + 1);
		require(c->rcv.nxt <= c->rcv.adv && c->rx->end == c->rcv.nxt);
		require(c->tx->start <= c->una && c->mss > 0 && c->cc.cwnd > 0);
		require((uint64_t)c->sent.sacked + c->sent.lost <= (uint64_t)(c->nxt - c->una));
		require(c->sent.rexmit <= c->sent.lost);
	}
}

/* --- commands --- */

/* The end sends what comes next, and acknowledges all that it was sent. */
static void
valid(unsigned side, const uint8_t *b)
{
	struct seg g = { .side = side,
			 .flags = TCP_ACK | (b[2] & 0x80 ? TCP_FIN : 0),
			 .window = (uint16_t)(b[3] << 8),
			 .seq = nxt[side],
			 .ack = heard[side],
			 .len = b[2] & 0x40 ? b[4] * 5u : 0 };
	struct tcpterm_options o = { .has_ts = agreed.has_ts };

	o.tsval = (uint32_t)(now.v / 1000);
	set_options(&g, &o);
	nxt[side] += g.len + !!(g.flags & TCP_FIN);
	input(&g);
}

static uint32_t
delta(uint8_t b)
{
	static const uint32_t by[16] = { 0,
					 0,
					 0,
					 1,
					 (uint32_t)-1,
					 2,
					 (uint32_t)-2,
					 100,
					 1460,
					 (uint32_t)-1460,
					 0x7fffffff,
					 0x80000000u,
					 0x80000001u,
					 65535,
					 (uint32_t)-65535,
					 536 };

	return by[b & 15];
}

/* A number of the connection's, as the wire has it, and a little away. */
static uint32_t
number_of(const struct conn *c, uint8_t which, uint8_t by)
{
	const int64_t offs[8] = { c->una,     c->nxt,	  c->una - c->wnd_max, c->wnd_edge,
				  c->rcv.nxt, c->rcv.adv, c->rcv.last_ack,     c->rcv.fin };

	return seq_of(which & 4 ? c->irs : c->iss, offs[which & 7]).v + delta(by);
}

/* SACK blocks of the connection's own numbers. */
static void
sack_blocks(struct seg *g, const struct conn *c, const uint8_t *b)
{
	unsigned n = 1 + (b[0] & 3), i;
	uint8_t *o = g->options;
	uint32_t edge;

	*o++ = 1;
	*o++ = 1;
	*o++ = 5;
	*o++ = (uint8_t)(2 + 8 * n + (b[0] & 0x80 ? b[0] >> 4 & 7 : 0));
	for (i = 0; i < 2 * n; i++, o += 4) {
		edge = rte_cpu_to_be_32(number_of(c, b[1 + i % 3] & 3, b[1 + i % 3] >> 4) +
					(i & 1) * 1460u * (b[0] >> 2 & 3));
		memcpy(o, &edge, 4);
	}
	g->opt_len = 4 + 8 * n;
}

static void
crafted(unsigned side, const uint8_t *b)
{
	static const uint16_t lengths[8] = { 0, 0, 1, 2, 100, 536, 1460, 1900 };
	const struct conn *c = conn(side);
	struct seg g = { .side = side,
			 .flags = b[2],
			 .window = (uint16_t)(b[3] << 8 | b[4]),
			 .urgent = (uint16_t)(b[5] << 8 | b[4]),
			 .tos = b[5] & 3,
			 .len = lengths[b[6] & 7] };

	if (!c)
		return;
	g.seq = number_of(c, 4 | b[7] >> 4, b[7]);
	g.ack = number_of(c, b[8] >> 4 & 3, b[8]);
	if (b[6] & 0x08) {
		sack_blocks(&g, c, b + 8);
	} else if (b[6] & 0x10) {	/* any bytes at all */
		g.opt_len = 4u * (1 + (b[6] >> 5));
		for (unsigned i = 0; i < g.opt_len; i++)
			g.options[i] = b[9 + i % 3] >> (i / 3 & 3);
	} else if (b[6] & 0x20) {
		struct tcpterm_options o = { .has_ts = true };

		o.tsval = c->rcv.ts_recent + delta(b[9]);
		o.tsecr = delta(b[10]);
		set_options(&g, &o);
	}
	input(&g);
}

static void
pass_time(uint8_t b)
{
	static const int64_t us[8] = { 0, 100, 1000, 25000, 200000, 1000000, 20000000, 300000000 };
	usec_t next = tcpterm_next(stack);

	if (b & 8 && next.v != USEC_NEVER.v)
		now = usec_before(now, next) ? next : now;
	else
		now = usec_add(now, us[b & 7]);
	if (!(b & 0x10))	/* else the burst goes on */
		tcpterm_run(stack, now);
}

static void
command(const uint8_t *b)
{
	unsigned side = relayed && b[0] & 1;

	if (b[0] & 2)
		valid(side, b);
	else
		crafted(side, b);
	pass_time(b[1]);
	if (!(b[1] & 0x10))
		check();
}

static void
start(const uint8_t *choice)
{
	static const struct tcpterm_ops ops = { .tx = on_tx, .forward = on_forward };
	static const struct tcpterm_conn_ops conn_ops = { .readable = on_readable };
	struct tcpterm_listener_conf l = {
		.select = { .any_domain = true,
			    .dst_port = { 0, 65535 },
			    .src_port = { 0, 65535 } },
		.filter = filter,
	};
	struct tcpterm_conf conf = { .ops = &ops,
				     .payload_pool = pools.frames,
				     .header_pool = pools.headers,
				     .n_flows = 16,
				     .n_held_max = choice[0] & 1 ? 16 : 0,
				     .keepalive_us = choice[0] & 2 ? 10000000 : 0,
				     .cc = choice[0] & 4 ? "reno" : "cubic" };
	tcpterm_listener_id id;

	relayed = choice[0] & 8;
	ecn = choice[0] & 0x10;
	tuning = (struct tcpterm_tuning){
		.pace = choice[0] & 0x20,
		.idle_restart = choice[0] & 0x40,
		.mss = choice[0] & 0x80 ? 300 : 0,
	};
	agreed = (struct tcpterm_options){ .has_mss = true,
					   .mss = choice[1] & 1 ? 1460 : 88,
					   .has_ts = choice[1] & 2,
					   .tsval = 1,
					   .sack_permitted = choice[1] & 4,
					   .has_wscale = choice[1] & 8,
					   .wscale = choice[1] >> 4 };
	now = (usec_t){ 1000000 };
	stack = tcpterm_new(&conf, now, NULL);
	require(stack);
	tcpterm_set_conn_ops(stack, &conn_ops, NULL);
	require(tcpterm_listen(stack, &l, &id) == 0);
	handshake();
}

int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
	struct pool_conf pool = { .n_frames = 4095, .n_headers = 8191 };

	if (size < 2)
		return 0;
	require(test_eal_init() == 0);
	if (!pools.frames)
		require(pools_new(&pools, &pool, NULL) == 0);
	start(bytes);
	for (size_t i = 2, n = 0; i + COMMAND <= size && n < MAX_COMMANDS; i += COMMAND, n++)
		command(bytes + i);
	tcpterm_run(stack, now);
	tcpterm_free(stack);
	require(pool_in_use(pools.frames) == 0 && pool_in_use(pools.headers) == 0);
	return 0;
}
