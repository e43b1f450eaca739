#include "tests/unit/lib/siege.h"

#include <stdio.h>
#include <string.h>

#include "tcpterm/options.h"
#include "tests/unit/eal.h"
#include "tests/unit/frame.h"
#include "tests/unit/tap.h"

struct siege siege;

static void
note(struct rte_mbuf *m, uint8_t side)
{
	struct parse_conf conf = { .side = side };

	CU_ASSERT_EQUAL(pkt_parse(&siege.last, m, &conf), PKT_TCP);
	CU_ASSERT_FALSE(siege.last.cksum_bad);
	options_parse(rte_pktmbuf_mtod_offset(m, const uint8_t *, siege.last.l4 + 20),
		      siege.last.opt_len, &siege.last_options);
	rte_pktmbuf_free(m);
	siege.to[side] = siege.last;
}

static void
on_tx(void *ctx, uint16_t domain, uint8_t side, struct rte_mbuf *m)
{
	(void)ctx;
	(void)domain;
	siege.n_tx++;
	note(m, side);
}

static void
on_forward(void *ctx, const struct pkt *p)
{
	(void)ctx;
	siege.n_forwarded++;
	note(p->m, !p->side);
}

static void
on_end(void *ctx, struct flow *f)
{
	(void)ctx;
	siege.n_ended++;
	siege.n_evicted += f->end == TCPTERM_END_EVICTED;
}

static struct tcpterm_verdict
filter(void *ctx, const struct tcpterm_syn *syn)
{
	(void)ctx;
	(void)syn;
	return siege.verdict;
}

static struct tcpterm_verdict
unknown(void *ctx, const struct pkt *p)
{
	(void)ctx;
	(void)p;
	return siege.verdict;
}

static void
on_established(void *ctx, struct flow *f)
{
	(void)ctx;
	(void)f;
	siege.n_established++;
}

void
siege_start_with(enum tcpterm_decision decision, enum tcpterm_flood flood, uint32_t n_flows)
{
	static const struct tcpterm_ops ops = {
		.tx = on_tx, .forward = on_forward, .unknown = unknown, .flow_end = on_end
	};
	static const struct tcpterm_conn_ops conn_ops = { .established = on_established };
	struct pool_conf pool = { .n_frames = 255, .n_headers = 511 };
	struct tcpterm_listener_conf l = {
		.select = { .any_domain = true,
			    .dst_port = { 0, 65535 },
			    .src_port = { 0, 65535 } },
		.filter = filter,
	};
	struct tcpterm_conf conf = { .ops = &ops, .n_flows = n_flows, .n_embryos = SIEGE_EMBRYOS };
	tcpterm_listener_id id;

	CU_ASSERT_EQUAL_FATAL(test_eal_init(), 0);
	CU_ASSERT_EQUAL_FATAL(pools_new(&siege.pools, &pool, NULL), 0);
	conf.payload_pool = siege.pools.frames;
	conf.header_pool = siege.pools.headers;
	siege.now = (usec_t){ SECOND };
	siege.n_tx = siege.n_forwarded = siege.n_ended = siege.n_evicted = siege.n_established = 0;
	siege.verdict = (struct tcpterm_verdict){ .decision = decision, .flood = (uint8_t)flood };
	siege.stack = tcpterm_new(&conf, siege.now, NULL);
	CU_ASSERT_PTR_NOT_NULL_FATAL(siege.stack);
	tcpterm_set_conn_ops(siege.stack, &conn_ops, NULL);
	CU_ASSERT_EQUAL_FATAL(tcpterm_listen(siege.stack, &l, &id), 0);
}

void
siege_start(enum tcpterm_decision decision, enum tcpterm_flood flood)
{
	siege_start_with(decision, flood, 256);
}

void
siege_stop(void)
{
	tcpterm_free(siege.stack);
	CU_ASSERT_EQUAL(pool_in_use(siege.pools.frames), 0);
	CU_ASSERT_EQUAL(pool_in_use(siege.pools.headers), 0);
	CU_ASSERT_EQUAL(test_mbufs_live(), 0);
	pools_free(&siege.pools);
}

const struct tcpterm_stats *
siege_stats(void)
{
	return tcpterm_stats(siege.stack);
}

unsigned
siege_flows(enum tcpterm_kind kind)
{
	return siege_stats()->n_flows[kind];
}

void
siege_wait(int64_t us)
{
	siege.now = usec_add(siege.now, us);
	tcpterm_run(siege.stack, siege.now);
}

void
siege_feed(const struct frame *f, uint8_t side)
{
	struct parse_conf conf = { .side = side };
	struct pkt p;

	CU_ASSERT_EQUAL(pkt_parse(&p, frame_mbuf(f), &conf), PKT_TCP);
	tcpterm_input(siege.stack, &p, 1, siege.now);
	tcpterm_run(siege.stack, siege.now);
}

void
siege_segment_with(uint32_t n, bool from_server, uint16_t flags, uint32_t seq, uint32_t ack,
		   const uint8_t *options, size_t options_len, size_t payload_len)
{
	char client[16];
	struct frame frame;
	const char *server = "198.51.100.9";

	snprintf(client, sizeof client, "10.64.%u.%u", n >> 8 & 255, n & 255);
	frame_init(&frame);
	frame_ether(&frame, 0x0800);
	frame_ip4(&frame, from_server ? server : client, from_server ? client : server, 6, NULL, 0);
	frame_tcp(&frame, from_server ? 443 : 40000, from_server ? 40000 : 443, seq, ack, flags,
		  60000, options, options_len);
	frame_fill(&frame, payload_len);
	frame_end(&frame);
	siege_feed(&frame, from_server);
}

static const uint8_t mss_1400[4] = { 2, 4, 5, 120 };

void
siege_segment(uint32_t n, bool from_server, uint16_t flags, uint32_t seq, uint32_t ack)
{
	siege_segment_with(n, from_server, flags, seq, ack, mss_1400, flags & TCP_SYN ? 4 : 0, 0);
}

void
siege_syn(uint32_t n)
{
	siege_segment(n, false, TCP_SYN, ISN + n, 0);
}

void
siege_press(void)
{
	for (unsigned n = 0; n < PRESSED; n++)
		siege_syn(n);
	CU_ASSERT_EQUAL(siege_flows(TCPTERM_KIND_EMBRYO), PRESSED);
	CU_ASSERT_EQUAL(siege_stats()->floods, 0);
}

void
siege_repeat_syns(void)
{
	for (unsigned n = 0; n < PRESSED; n++)
		siege_syn(n);
}

void
siege_refuse(uint32_t n)
{
	siege_segment(n, true, TCP_RST | TCP_ACK, 0, ISN + n + 1);
}
