/*
 * stack.c - segments into a live stack: a relay, a connection of the library's, a
 * tracked and a passive flow, each established by a valid handshake.
 *
 * [0], [1] choose the stack's settings.  Then commands of 8 bytes: which flow and side, the
 * segment's flags, numbers and window by small steps from valid ones, its length, an option
 * or a mutated byte, and how much time passes.  Whatever comes: no crash, every
 * mbuf is returned, and what leaves parses with its checksum right.
 */
#include <netinet/in.h>
#include <rte_ip.h>
#include <rte_tcp.h>
#include <stdlib.h>
#include <string.h>

#include <tcpterm/conn.h>

#include "datapath/checksum.h"
#include "datapath/pool.h"
#include "tcpterm/options.h"
#include "tests/unit/eal.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

enum { N_FLOWS = 4, HEADERS = 54, COMMAND = 8, MAX_COMMANDS = 256 };

struct peer {
	uint32_t nxt, ack;	/* what this end sends next; what it was sent */
};

static struct pools pools;
static struct tcpterm *stack;
static usec_t now;
static struct peer peers[N_FLOWS][2];
static bool use_ts;

static void
require(bool condition)
{
	if (!condition)
		abort();
}

/* --- out --- */

/* What an end is sent moves its idea of the other. */
static void
sent(struct rte_mbuf *m, unsigned side)
{
	struct parse_conf conf = { .side = (uint8_t)side };
	struct pkt p;

	if (pkt_parse(&p, m, &conf) == PKT_TCP && !(p.flags & TCP_RST)) {
		unsigned i = (side ? p.sport : p.dport) - 40000u;
		uint32_t end =
			p.seq + p.payload_len + !!(p.flags & TCP_SYN) + !!(p.flags & TCP_FIN);

		require(!p.cksum_bad);
		if (i < N_FLOWS && (int32_t)(end - peers[i][side].ack) > 0)
			peers[i][side].ack = end;
	}
	rte_pktmbuf_free(m);
}

static void
on_tx(void *ctx, uint16_t domain, uint8_t side, struct rte_mbuf *m)
{
	(void)ctx;
	(void)domain;
	sent(m, side);
}

static void
on_forward(void *ctx, const struct pkt *p)
{
	(void)ctx;
	rte_pktmbuf_free(p->m);		/* as it came: it may be of any kind */
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
	static const enum tcpterm_decision decisions[N_FLOWS] = { TCPTERM_RELAY, TCPTERM_ACCEPT,
								  TCPTERM_TRACK, TCPTERM_PASSIVE };

	(void)ctx;
	return (struct tcpterm_verdict){ .decision = decisions[syn->pkt->sport % N_FLOWS] };
}

/* What is met in its middle was proxied before, or is refused. */
static struct tcpterm_verdict
unknown(void *ctx, const struct pkt *p)
{
	(void)ctx;
	return (struct tcpterm_verdict){
		.decision = p->sport % 2 ? TCPTERM_RESET : TCPTERM_TRACK,
		.interrupted = true,
		.was_terminated = true,
		.repeats_until = usec_add(now, p->window),
		.ends = p->seq & 3,
	};
}

/* --- in --- */

struct seg {
	unsigned flow, side;
	uint16_t flags, window;
	uint32_t seq, ack, len, pieces;
	struct tcpterm_options opt;
	uint8_t mutate_at, mutate;	/* 0: not */
};

static void
write_headers(const struct seg *g, uint8_t *at, unsigned opt_len)
{
	static const uint8_t link[14] = { 2, 0, 0, 0, 0, 2, 2, 0, 0, 0, 0, 1, 8, 0 };
	struct rte_ipv4_hdr *ip = (struct rte_ipv4_hdr *)(at + 14);
	struct rte_tcp_hdr *tcp = (struct rte_tcp_hdr *)(at + 34);
	uint16_t port[2] = { (uint16_t)(40000 + g->flow), 80 };
	uint32_t addr[2] = { rte_cpu_to_be_32(0xc0000207), rte_cpu_to_be_32(0xc6336409) };

	memcpy(at, link, sizeof link);
	*ip = (struct rte_ipv4_hdr){
		.version_ihl = 0x45,
		.total_length = rte_cpu_to_be_16((uint16_t)(40 + opt_len + g->len)),
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
		.data_off = (uint8_t)((20 + opt_len) / 4 << 4),
		.tcp_flags = (uint8_t)g->flags,
		.rx_win = rte_cpu_to_be_16(g->window),
	};
}

/* Payload of `g->len` bytes, in pieces chained behind the headers. */
static struct rte_mbuf *
frame(const struct seg *g, unsigned opt_len)
{
	struct rte_mbuf *m = rte_pktmbuf_alloc(pools.frames), *tail = m;
	uint32_t left = g->len, each = g->len / g->pieces + 1;

	require(m && rte_pktmbuf_append(m, (uint16_t)(HEADERS + opt_len)));
	while (left > 0) {
		uint32_t n = RTE_MIN(RTE_MIN(left, each), 1500u);
		struct rte_mbuf *next = rte_pktmbuf_alloc(pools.frames);

		require(next);
		memset(rte_pktmbuf_append(next, (uint16_t)n), 'x', n);
		tail->next = next;
		tail = next;
		m->nb_segs++;
		m->pkt_len += n;
		left -= n;
	}
	return m;
}

static void
input(const struct seg *g)
{
	uint8_t options[TCP_OPTIONS_MAX];
	unsigned opt_len = options_build(&g->opt, g->flags & TCP_SYN, options);
	struct parse_conf conf = { .side = (uint8_t)g->side };
	struct rte_mbuf *m = frame(g, opt_len);
	uint8_t *at = rte_pktmbuf_mtod(m, uint8_t *);
	struct pkt p;

	write_headers(g, at, opt_len);
	memcpy(at + HEADERS, options, opt_len);
	if (g->mutate)
		at[46 + g->mutate_at % (8 + opt_len)] ^= g->mutate;	/* from data_off on */
	cksum_tcp_write(m, 14, 34);
	pkt_parse(&p, m, &conf);
	tcpterm_input(stack, &p, 1, now);
}

static void
icmp(unsigned flow, unsigned side, uint32_t seq, uint16_t mtu)
{
	static const uint8_t a[2][4] = { { 192, 0, 2, 7 }, { 198, 51, 100, 9 } };
	struct pkt p = {
		.m = rte_pktmbuf_alloc(pools.frames),
		.kind = PKT_ICMP_ERROR,
		.side = (uint8_t)side,
		.src = ip_addr_v4(a[!side]),
		.dst = ip_addr_v4(a[side]),
		.sport = side ? (uint16_t)(40000 + flow) : 80,
		.dport = side ? 80 : (uint16_t)(40000 + flow),
		.seq = seq,
		.icmp_type = 3,
		.icmp_code = 4,
		.icmp_mtu = mtu,
	};

	p.hash = flow_hash(&p.src, &p.dst, p.sport, p.dport, 0, NULL, 0);
	tcpterm_input(stack, &p, 1, now);
}

/* Valid from both ends, as the flow's mode needs it. */
static void
handshake(unsigned flow, uint8_t choice)
{
	struct seg g = { .flow = flow, .flags = TCP_SYN, .window = 20000, .pieces = 1 };
	struct peer *client = &peers[flow][0], *server = &peers[flow][1];

	*client = (struct peer){ .nxt = 1000 };
	*server = (struct peer){ .nxt = 0xfffffff0 };
	g.opt = (struct tcpterm_options){ .has_mss = true,
					  .mss = 1460,
					  .has_ts = use_ts,
					  .sack_permitted = choice & 2,
					  .has_wscale = choice & 4,
					  .wscale = choice >> 4 };
	g.seq = client->nxt++;
	input(&g);
	tcpterm_run(stack, now);
	if (flow != 1) {
		g.side = 1;
		g.flags = TCP_SYN | TCP_ACK;
		g.seq = server->nxt++;
		g.ack = client->nxt;
		input(&g);
		client->ack = server->nxt;
		server->ack = client->nxt;
	}
	g = (struct seg){ .flow = flow,
			  .flags = TCP_ACK,
			  .window = 20000,
			  .pieces = 1,
			  .seq = client->nxt,
			  .ack = client->ack };
	g.opt.has_ts = use_ts;
	input(&g);
	tcpterm_run(stack, now);
}

/* --- commands --- */

static int32_t
step(uint8_t b)
{
	static const int32_t steps[16] = {
		0,    0,    0,	   0,	  1,	  -1,	   100, -100,
		1460, 2920, -1460, 60000, -60000, 1 << 30, 536, INT32_MIN
	};

	return steps[b & 15];
}

static struct seg
segment_of(const uint8_t *b, const struct peer *p)
{
	static const uint16_t flags[8] = { TCP_ACK,	      TCP_ACK, TCP_ACK, TCP_ACK | TCP_PSH,
					   TCP_ACK | TCP_FIN, TCP_RST, TCP_SYN, 0x3f };
	static const uint16_t lengths[8] = { 0, 1, 100, 536, 1460, 1460, 14600, 40000 };
	struct seg g = {
		.flow = b[0] & 3,
		.side = b[0] >> 2 & 1,
		.flags = flags[b[1] & 7],
		.len = lengths[b[1] >> 3 & 7],
		.pieces = 1 + (b[0] >> 5) * 3,
		.seq = p->nxt + (uint32_t)step(b[2]),
		.ack = p->ack + (uint32_t)step(b[2] >> 4),
		.window = b[3] & 0x80 ? (uint16_t)(b[3] & 15) : (uint16_t)(b[3] << 8),
		.mutate_at = b[5],
		.mutate = b[4] & 0x80 ? b[6] : 0,
	};

	g.opt.has_ts = use_ts && b[4] & 1;
	g.opt.tsval = (uint32_t)(now.v / 1000) + (uint32_t)step(b[4] >> 3);
	if (b[4] & 2) {
		g.opt.n_sack = 1 + (b[5] & 1);
		for (unsigned i = 0; i < g.opt.n_sack; i++) {
			g.opt.sack[i].left = g.ack + 1460u * (b[5] >> 1 & 15) + 4000 * i;
			g.opt.sack[i].right = g.opt.sack[i].left + 1460u * (b[6] & 7);
		}
	}
	return g;
}

static void
pass_time(uint8_t b)
{
	static const int64_t us[8] = {
		0, 1000, 50000, 300000, 1000000, 5000000, 70000000, 400000000
	};

	now = usec_add(now, us[b & 7]);
	if (!(b & 0x80))	/* else the burst goes on */
		tcpterm_run(stack, now);
}

/* From outside, with the first flow there is. */
static void
interfere(uint8_t how, uint8_t what)
{
	static const enum tcpterm_decision down[4] = { TCPTERM_TRACK, TCPTERM_PASS, TCPTERM_DROP,
						       TCPTERM_RELAY };
	struct flow *f;
	uint64_t cursor = 0;

	if (tcpterm_walk(stack, &cursor, &f, 1) != 1)
		return;
	switch (what & 3) {
	case 0:
	case 1:
		tcpterm_kill(stack, f, TCPTERM_END_ABORTED);
		break;
	case 2:
		(void)tcpterm_reset_ends(stack, f, how & 3, TCPTERM_END_EVICTED);
		break;
	case 3:
		(void)tcpterm_demote(stack, f, down[how & 3]);
		break;
	}
}

static void
command(const uint8_t *b)
{
	struct peer *p = &peers[b[0] & 3][b[0] >> 2 & 1];
	struct seg g = segment_of(b, p);

	if ((b[0] & 0x18) == 0x18) {
		icmp(g.flow, g.side, g.ack - 1, (uint16_t)(b[3] * 8));
	} else {
		input(&g);
		if (g.seq == p->nxt && !(g.flags & (TCP_RST | TCP_SYN)))
			p->nxt += g.len + !!(g.flags & TCP_FIN);
	}
	if ((b[7] & 0x78) == 0x78)
		interfere(b[5], b[6]);
	pass_time(b[7]);
}

static void
stack_start(const uint8_t *choice)
{
	static const struct tcpterm_ops ops = { .tx = on_tx,
						.forward = on_forward,
						.unknown = unknown };
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
				     .n_flows = choice[0] & 8 ? 2 : 16,
				     .n_held_max = choice[0] & 1 ? 16 : 0,
				     .rcv_wnd_max = choice[1] & 1 ? 60000 : 0,
				     .cc = choice[1] & 2 ? "reno" : "cubic" };
	tcpterm_listener_id id;

	use_ts = choice[1] & 4;
	now = (usec_t){ 1000000 };
	stack = tcpterm_new(&conf, now, NULL);
	require(stack);
	tcpterm_set_conn_ops(stack, &conn_ops, NULL);
	require(tcpterm_listen(stack, &l, &id) == 0);
	for (unsigned i = 0; i < N_FLOWS; i++)
		handshake(i, choice[0]);
}

int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
	struct pool_conf pool = { .n_frames = 8191, .n_headers = 16383 };

	if (size < 2)
		return 0;
	require(test_eal_init() == 0);
	if (!pools.frames)
		require(pools_new(&pools, &pool, NULL) == 0);
	stack_start(bytes);
	for (size_t i = 2, n = 0; i + COMMAND <= size && n < MAX_COMMANDS; i += COMMAND, n++)
		command(bytes + i);
	tcpterm_run(stack, now);
	tcpterm_free(stack);
	require(pool_in_use(pools.frames) == 0 && pool_in_use(pools.headers) == 0);
	return 0;
}
