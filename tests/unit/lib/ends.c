#include <CUnit/CUnit.h>
#include <netinet/in.h>
#include <rte_ip.h>
#include <rte_tcp.h>

#include "datapath/checksum.h"
#include "tcpterm/options.h"
#include "tests/unit/eal.h"
#include "tests/unit/lib/ends.h"

enum { HEADERS = 14 + 20 + 20, SERVER_PORT = 8443, WINDOW = 60000 };

static const uint8_t addr[2][4] = { { 192, 0, 2, 7 }, { 198, 51, 100, 9 } };

static uint8_t
pattern(unsigned side, int64_t off)
{
	return (uint8_t)(off * 7 + (off >> 8) + side);
}

/* --- out --- */

static bool
payload_bad(const struct pkt *p, unsigned side, int64_t off)
{
	for (uint32_t i = 0; i < p->payload_len; i++) {
		uint8_t b, want = pattern(side, off + i);

		if (*(const uint8_t *)rte_pktmbuf_read(p->m, p->payload + i, 1, &b) != want)
			return true;
	}
	return false;
}

/* The window's scale is both ends'. */
static uint32_t
scaled(const struct ends *e, const struct pkt *p)
{
	return (uint32_t)p->window << (p->flags & TCP_SYN ? 0 : RTE_MAX(e->conf.wscale, 0));
}

static void
record(struct ends *e, struct rte_mbuf *m, unsigned side)
{
	struct parse_conf conf = { .side = (uint8_t)side };
	struct ends_out *o = &e->out[e->n_out++];
	struct pkt p;

	CU_ASSERT_FATAL(e->n_out < ENDS_MAX_OUT);
	CU_ASSERT_EQUAL_FATAL(pkt_parse(&p, m, &conf), PKT_TCP);
	CU_ASSERT_FALSE(p.cksum_bad);
	if (e->conf.accept && p.flags & TCP_SYN)
		e->isn[1] = p.seq;
	*o = (struct ends_out){
		.side = (uint8_t)side,
		.at = e->now,
		.seq = (int32_t)(p.seq - e->isn[!side] - 1),
		.ack = (int32_t)(p.ack - e->isn[side] - 1),
		.len = p.payload_len,
		.window = scaled(e, &p),
		.flags = p.flags,
		.ttl = p.ttl,
		.tos = p.tos,
	};
	options_parse(rte_pktmbuf_mtod_offset(m, const uint8_t *, p.l4 + 20), p.opt_len, &o->opt);
	o->bad = payload_bad(&p, !side, o->seq);
	rte_pktmbuf_free(m);
}

static void
on_tx(void *ctx, uint16_t domain, uint8_t side, struct rte_mbuf *m)
{
	(void)domain;
	record(ctx, m, side);
}

static void
on_forward(void *ctx, const struct pkt *p)
{
	struct ends *e = ctx;

	e->n_forwarded++;
	rte_pktmbuf_free(p->m);
}

static void
on_end(void *ctx, struct flow *f)
{
	struct ends *e = ctx;

	e->n_ended++;
	e->ended = f->end;
}

static struct tcpterm_verdict
filter(void *ctx, const struct tcpterm_syn *syn)
{
	const struct ends *e = ctx;

	(void)syn;
	return (struct tcpterm_verdict){ .decision = e->conf.accept ? TCPTERM_ACCEPT
								    : TCPTERM_RELAY };
}

/* --- in --- */

/* Headers in the first mbuf, payload in as many as are asked for. */
static struct rte_mbuf *
frame(struct ends *e, unsigned side, const struct ends_seg *g, unsigned opt_len)
{
	struct rte_mbuf *first = rte_pktmbuf_alloc(e->pools.frames), *m = first;
	unsigned n = RTE_MAX(g->pieces, 1u);
	uint32_t each = (g->len + n - 1) / n;

	rte_pktmbuf_append(m, (uint16_t)(HEADERS + opt_len));
	for (uint32_t off = 0; off < g->len; off += each) {
		uint32_t k = RTE_MIN(each, g->len - off);
		uint8_t *to;

		if (off > 0) {
			struct rte_mbuf *next = rte_pktmbuf_alloc(e->pools.frames);

			m->next = next;
			first->nb_segs++;
			m = next;
		}
		to = rte_pktmbuf_mtod_offset(m, uint8_t *, m->data_len);
		m->data_len = (uint16_t)(m->data_len + k);
		first->pkt_len += k;
		for (uint32_t i = 0; i < k; i++)
			to[i] = pattern(side, g->seq + off + i);
	}
	return first;
}

static void
write_headers(const struct ends *e, unsigned side, const struct ends_seg *g, uint8_t *at,
	      unsigned opt_len)
{
	static const uint8_t link[14] = { 2, 0, 0, 0, 0, 2, 2, 0, 0, 0, 0, 1, 8, 0 };
	struct rte_ipv4_hdr *ip = (struct rte_ipv4_hdr *)(at + 14);
	struct rte_tcp_hdr *tcp = (struct rte_tcp_hdr *)(at + 34);
	uint16_t port[2] = { e->client_port, SERVER_PORT };

	memcpy(at, link, sizeof link);
	*ip = (struct rte_ipv4_hdr){
		.version_ihl = 0x45,
		.type_of_service = g->tos,
		.total_length = rte_cpu_to_be_16((uint16_t)(40 + opt_len + g->len)),
		.time_to_live = (uint8_t)(60 + side),
		.next_proto_id = IPPROTO_TCP,
	};
	memcpy(&ip->src_addr, addr[side], 4);
	memcpy(&ip->dst_addr, addr[!side], 4);
	*tcp = (struct rte_tcp_hdr){
		.src_port = rte_cpu_to_be_16(port[side]),
		.dst_port = rte_cpu_to_be_16(port[!side]),
		.sent_seq = rte_cpu_to_be_32(e->isn[side] + 1 + (uint32_t)g->seq),
		.recv_ack = rte_cpu_to_be_32(e->isn[!side] + 1 + (uint32_t)g->ack),
		.data_off = (uint8_t)((20 + opt_len) / 4 << 4),
		.tcp_flags = (uint8_t)(g->flags ? g->flags : TCP_ACK),
		.rx_win = rte_cpu_to_be_16(g->window == ENDS_ZERO ? 0
					   : g->window		  ? g->window
								  : WINDOW),
	};
}

static void
make(struct ends *e, unsigned side, const struct ends_seg *g, struct pkt *p)
{
	uint8_t options[TCP_OPTIONS_MAX];
	unsigned opt_len = options_build(&g->opt, g->flags & TCP_SYN, options);
	struct parse_conf conf = { .side = (uint8_t)side };
	struct rte_mbuf *m = frame(e, side, g, opt_len);

	write_headers(e, side, g, rte_pktmbuf_mtod(m, uint8_t *), opt_len);
	memcpy(rte_pktmbuf_mtod_offset(m, uint8_t *, HEADERS), options, opt_len);
	cksum_tcp_write(m, 14, 34);
	CU_ASSERT_EQUAL(pkt_parse(p, m, &conf), PKT_TCP);
	CU_ASSERT_FALSE(p->cksum_bad);
}

void
ends_send(struct ends *e, unsigned side, const struct ends_seg *g)
{
	struct pkt p;

	make(e, side, g, &p);
	tcpterm_input(e->stack, &p, 1, e->now);
}

void
ends_send_burst(struct ends *e, unsigned side, const struct ends_seg *first, unsigned n)
{
	struct ends_seg g = *first;
	struct pkt p[ENDS_BURST];

	for (unsigned i = 0; i < n; i++, g.seq += g.len)
		make(e, side, &g, &p[i]);
	tcpterm_input(e->stack, p, n, e->now);
}

static void
icmp(struct ends *e, unsigned side, int64_t seq, uint8_t type, uint8_t code, uint16_t mtu)
{
	struct pkt p = {
		.m = rte_pktmbuf_alloc(e->pools.frames),
		.kind = PKT_ICMP_ERROR,
		.side = (uint8_t)side,
		.src = ip_addr_v4(addr[!side]),
		.dst = ip_addr_v4(addr[side]),
		.sport = side ? e->client_port : SERVER_PORT,
		.dport = side ? SERVER_PORT : e->client_port,
		.seq = e->isn[!side] + 1 + (uint32_t)seq,
		.icmp_type = type,
		.icmp_code = code,
		.icmp_mtu = mtu,
	};

	p.hash = flow_hash(&p.src, &p.dst, p.sport, p.dport, 0, NULL, 0);
	tcpterm_input(e->stack, &p, 1, e->now);
}

void
ends_icmp(struct ends *e, unsigned side, int64_t seq, uint8_t type, uint8_t code)
{
	icmp(e, side, seq, type, code, 0);
}

void
ends_too_big(struct ends *e, unsigned side, int64_t seq, uint16_t mtu)
{
	icmp(e, side, seq, 3, 4, mtu);
}

void
ends_run(struct ends *e, int64_t us)
{
	int64_t until = e->now.v + us;

	for (;;) {
		int64_t next;

		tcpterm_run(e->stack, e->now);
		next = tcpterm_next(e->stack).v;
		if (next > until)
			break;
		e->now.v = RTE_MAX(e->now.v, next);
	}
	e->now.v = until;
}

/* --- looking --- */

unsigned
ends_count(const struct ends *e, unsigned from, unsigned side)
{
	unsigned n = 0;

	for (unsigned i = from; i < e->n_out; i++)
		n += e->out[i].side == side;
	return n;
}

const struct ends_out *
ends_last(const struct ends *e, unsigned side)
{
	for (unsigned i = e->n_out; i-- > 0;)
		if (e->out[i].side == side)
			return &e->out[i];
	return NULL;
}

struct flow *
ends_flow(struct ends *e)
{
	struct flow_key k = { .addr = { ip_addr_v4(addr[0]), ip_addr_v4(addr[1]) },
			      .port = { e->client_port, SERVER_PORT } };

	return tcpterm_find(e->stack, &k);
}

/* --- life --- */

void
ends_handshake(struct ends *e)
{
	struct ends_seg syn = { .seq = -1, .flags = TCP_SYN, .window = e->conf.window };
	struct ends_seg ack = { .flags = TCP_ACK };

	syn.opt = (struct tcpterm_options){
		.has_mss = true,
		.mss = e->conf.mss ? e->conf.mss : 1460,
		.has_wscale = e->conf.wscale >= 0,
		.wscale = (uint8_t)RTE_MAX(e->conf.wscale, 0),
		.sack_permitted = e->conf.sack,
		.has_ts = e->conf.ts,
		.tsval = 100,
	};
	if (e->conf.ecn)
		syn.flags |= TCP_ECE | TCP_CWR;
	ends_send(e, 0, &syn);
	syn.flags = TCP_SYN | TCP_ACK | (e->conf.ecn ? TCP_ECE : 0);
	syn.opt.tsval = 200;
	if (e->conf.accept)
		ends_run(e, 0);
	else
		ends_send(e, 1, &syn);
	ack.opt.has_ts = e->conf.ts;
	ack.opt.tsval = 101;
	ack.window = (uint16_t)(WINDOW >> RTE_MAX(e->conf.wscale, 0));
	ends_send(e, 0, &ack);
	ends_run(e, 0);
}

void
ends_init(struct ends *e, const struct ends_conf *conf, bool handshake)
{
	static const struct tcpterm_ops ops = { .tx = on_tx,
						.forward = on_forward,
						.flow_end = on_end };
	struct pool_conf pool = { .n_frames = 4095, .n_headers = 8191 };
	struct tcpterm_listener_conf l = {
		.select = { .any_domain = true,
			    .dst_port = { 0, 65535 },
			    .src_port = { 0, 65535 } },
		.filter = filter,
		.ctx = e,
	};
	struct tcpterm_conf t = { .ops = &ops,
				  .ctx = e,
				  .n_flows = conf->n_flows ? conf->n_flows : 64,
				  .n_held_max = conf->n_held_max,
				  .idle_us = conf->idle_us,
				  .keepalive_us = conf->keepalive_us,
				  .cc = conf->cc };
	tcpterm_listener_id id;

	*e = (struct ends){ .now = { 1000000 },
			    .client_port = 40000,
			    .isn = { ENDS_ISN_CLIENT, ENDS_ISN_SERVER },
			    .conf = *conf };
	CU_ASSERT_EQUAL_FATAL(test_eal_init(), 0);
	CU_ASSERT_EQUAL_FATAL(pools_new(&e->pools, &pool, NULL), 0);
	t.payload_pool = e->pools.frames;
	t.header_pool = e->pools.headers;
	e->stack = tcpterm_new(&t, e->now, NULL);
	CU_ASSERT_PTR_NOT_NULL_FATAL(e->stack);
	CU_ASSERT_EQUAL_FATAL(tcpterm_listen(e->stack, &l, &id), 0);
	if (handshake)
		ends_handshake(e);
}

void
ends_fini(struct ends *e)
{
	tcpterm_free(e->stack);
	CU_ASSERT_EQUAL(pool_in_use(e->pools.frames), 0);
	CU_ASSERT_EQUAL(pool_in_use(e->pools.headers), 0);
	pools_free(&e->pools);
}
