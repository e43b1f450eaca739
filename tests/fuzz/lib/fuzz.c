#include "tests/fuzz/lib/fuzz.h"

#include <netinet/in.h>
#include <rte_ip.h>
#include <rte_tcp.h>
#include <stdlib.h>
#include <string.h>

#include "datapath/checksum.h"
#include "tests/unit/eal.h"

enum { HEADERS = 54, PIECE_MAX = 1500, FRAME_MAX = 65536 };

struct fuzz fuzz;

void
fuzz_require(bool condition)
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
		fuzz_require(!p.cksum_bad);
		fuzz.target->heard(side, &p,
				   p.seq + p.payload_len + !!(p.flags & TCP_SYN) +
					   !!(p.flags & TCP_FIN));
	}
	rte_pktmbuf_free(m);
}

/* As it came: it may be of any kind. */
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
	while ((n = tcpterm_read(fuzz.stack, f, buf, sizeof buf)) > 0)
		(void)tcpterm_write(fuzz.stack, f, buf, (size_t)n);
	if (n == 0)
		(void)tcpterm_shutdown(fuzz.stack, f);
}

/* --- life --- */

void
fuzz_open(const struct fuzz_target *t, struct tcpterm_conf *conf)
{
	static const struct tcpterm_conn_ops conn_ops = { .readable = on_readable };
	static struct tcpterm_ops ops;
	struct pool_conf pool = { .n_frames = 8191, .n_headers = 16383 };
	struct tcpterm_listener_conf l = {
		.select = { .any_domain = true,
			    .dst_port = { 0, 65535 },
			    .src_port = { 0, 65535 } },
		.filter = t->filter,
	};
	tcpterm_listener_id id;

	fuzz_require(test_eal_init() == 0);
	if (!fuzz.pools.frames)
		fuzz_require(pools_new(&fuzz.pools, &pool, NULL) == 0);
	ops = (struct tcpterm_ops){ .tx = on_tx, .forward = on_forward, .unknown = t->unknown };
	conf->ops = &ops;
	conf->payload_pool = fuzz.pools.frames;
	conf->header_pool = fuzz.pools.headers;
	fuzz.target = t;
	fuzz.now = (usec_t){ 1000000 };
	fuzz.stack = tcpterm_new(conf, fuzz.now, NULL);
	fuzz_require(fuzz.stack);
	tcpterm_set_conn_ops(fuzz.stack, &conn_ops, NULL);
	fuzz_require(tcpterm_listen(fuzz.stack, &l, &id) == 0);
}

void
fuzz_close(void)
{
	tcpterm_run(fuzz.stack, fuzz.now);
	tcpterm_free(fuzz.stack);
	fuzz_require(pool_in_use(fuzz.pools.frames) == 0 && pool_in_use(fuzz.pools.headers) == 0 &&
		     test_mbufs_live() == 0);
}

/* --- in --- */

void
fuzz_set_options(struct fuzz_seg *g, const struct tcpterm_options *o)
{
	g->opt_len = options_build(o, g->flags & TCP_SYN, g->options);
}

static void
write_headers(const struct fuzz_seg *g, uint8_t *at)
{
	static const uint8_t link[14] = { 2, 0, 0, 0, 0, 2, 2, 0, 0, 0, 0, 1, 8, 0 };
	uint16_t port[2] = { g->port, 80 };
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
	if (g->mutate)
		at[46 + g->mutate_at % (8 + g->opt_len)] ^= g->mutate;
}

static struct rte_mbuf *
frame(const struct fuzz_seg *g, const uint8_t *bytes)
{
	uint32_t headers = HEADERS + g->opt_len, left = g->len, each, n;
	struct rte_mbuf *m;

	if (!g->pieces)
		return test_mbuf(bytes, headers + g->len);
	each = RTE_MIN(g->len / g->pieces + 1, (uint32_t)PIECE_MAX);
	for (m = test_mbuf(bytes, headers); left > 0; left -= n) {
		n = RTE_MIN(left, each);
		fuzz_require(!rte_pktmbuf_chain(m, test_mbuf(bytes + headers + g->len - left, n)));
	}
	return m;
}

void
fuzz_send(const struct fuzz_seg *g, unsigned port_side)
{
	static uint8_t bytes[FRAME_MAX];
	struct parse_conf conf = { .side = (uint8_t)port_side };
	struct rte_mbuf *m;
	struct pkt p;

	write_headers(g, bytes);
	memset(bytes + HEADERS + g->opt_len, 'x', g->len);
	m = frame(g, bytes);
	cksum_tcp_write(m, 14, 34);
	pkt_parse(&p, m, &conf);
	tcpterm_input(fuzz.stack, &p, 1, fuzz.now);
}
