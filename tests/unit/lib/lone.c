#include <CUnit/CUnit.h>
#include <errno.h>
#include <string.h>

#include "datapath/checksum.h"
#include "tests/unit/eal.h"
#include "tests/unit/lib/lone.h"
#include "tests/unit/lib/put.h"

struct lone lone;

const struct lone_tags lone_untagged;
const struct lone_tags lone_qinq = { 2, { { 0x88a8, 10 | 3 << 13 }, { 0x8100, 20 } } };

/* --- what the stack calls --- */

static void
keep(struct rte_mbuf *m, uint8_t side)
{
	struct parse_conf conf = { .side = side };
	struct pkt p;

	pkt_parse(&p, m, &conf);
	CU_ASSERT_TRUE(p.kind == PKT_TCP || p.kind == PKT_ICMP_ERROR);
	if (lone.seen) {
		lone.seen(&p);
		rte_pktmbuf_free(m);
	} else {
		CU_ASSERT_FATAL(lone.n_out < LONE_MAX_OUT);
		lone.out[lone.n_out++] = p;
	}
}

static void
on_tx(void *ctx, uint16_t domain, uint8_t side, struct rte_mbuf *m)
{
	(void)ctx, (void)domain;
	lone.n_tx++;
	keep(m, side);
}

static void
on_forward(void *ctx, const struct pkt *p)
{
	(void)ctx;
	lone.n_forwarded++;
	keep(p->m, !p->side);
}

static void
on_end(void *ctx, struct flow *f)
{
	(void)ctx;
	lone.n_ended++;
	lone.ended = (enum tcpterm_end)f->end;
}

static void
on_established(void *ctx, struct flow *f)
{
	(void)ctx;
	lone.n_established++;
	if (lone.established)
		lone.established(f);
}

static struct tcpterm_verdict
filter(void *ctx, const struct tcpterm_syn *syn)
{
	(void)ctx;
	lone.n_asked++;
	lone.syn = *syn;
	lone.pkt = *syn->pkt;
	tcpterm_syn_l2(syn, &lone.l2);
	return lone.judge ? lone.judge(syn) : lone.verdict;
}

/* --- life --- */

void
lone_begin_with(const struct tcpterm_conf *given, unsigned n_frames, enum tcpterm_decision decision)
{
	static const struct tcpterm_ops ops = { .tx = on_tx,
						.forward = on_forward,
						.flow_end = on_end };
	static const struct tcpterm_conn_ops conn_ops = { .established = on_established };
	/* EAL's memory is small here: many mbufs are small ones */
	struct pool_conf pool = { .n_frames = n_frames,
				  .n_headers = 4095,
				  .frame_room = n_frames > 4095 ? 384 : 0 };
	struct tcpterm_listener_conf l = {
		.select = { .any_domain = true,
			    .dst_port = { 0, 65535 },
			    .src_port = { 0, 65535 } },
		.filter = filter,
	};
	struct tcpterm_conf conf = *given;

	memset(&lone, 0, sizeof lone);
	CU_ASSERT_EQUAL_FATAL(test_eal_init(), 0);
	CU_ASSERT_EQUAL_FATAL(pools_new(&lone.pools, &pool, NULL), 0);
	conf.ops = &ops;
	conf.payload_pool = lone.pools.frames;
	conf.header_pool = lone.pools.headers;
	lone.now = (usec_t){ LONE_SECOND };
	lone.verdict = (struct tcpterm_verdict){ .decision = decision, .cookie = 77 };
	CU_ASSERT_EQUAL_FATAL(team_init(&lone.team, team_size, &conf, 0, false, lone.now, NULL), 0);
	for (unsigned k = 0; k < lone.team.n; k++)
		tcpterm_set_conn_ops(lone.team.stack[k], &conn_ops, NULL);
	CU_ASSERT_EQUAL_FATAL(team_listen(&lone.team, &l, &lone.listener), 0);
	lone.stack = lone.team.stack[0];
}

void
lone_begin(enum tcpterm_decision decision)
{
	const struct tcpterm_conf conf = { .n_flows = 256 };

	lone_begin_with(&conf, 2047, decision);
}

void
lone_end(void)
{
	team_fini(&lone.team);
	for (unsigned i = 0; i < lone.n_out; i++)
		rte_pktmbuf_free(lone.out[i].m);
	CU_ASSERT_EQUAL(pool_in_use(lone.pools.frames), 0);
	CU_ASSERT_EQUAL(pool_in_use(lone.pools.headers), 0);
	pools_free(&lone.pools);
}

/* --- frames --- */

static void
put_link(uint8_t *f, const struct lone_segment *g, const struct lone_tags *tags)
{
	const uint8_t us = g->mac ? g->mac : g->reverse ? 2 : 1, other = g->reverse ? 1 : 2;
	const uint8_t macs[12] = { 2, 0, 0, 0, 0, other, 2, 0, 0, 0, 0, us };

	memcpy(f, macs, sizeof macs);
	for (unsigned i = 0; i < tags->n; i++) {
		put16(f + 12 + 4 * i, tags->tag[i].tpid);
		put16(f + 14 + 4 * i, tags->tag[i].tci);
	}
	put16(f + 12 + 4 * tags->n, 0x0800);
}

static void
put_ip(uint8_t *ip, const struct lone_segment *g, size_t tcp_len)
{
	static const uint8_t addr[2][4] = { { 192, 0, 2, 7 }, { 198, 51, 100, 9 } }, none[4];

	ip[0] = 0x45;
	put16(ip + 2, (unsigned)(20 + tcp_len));
	put16(ip + 6, 0x4000);
	ip[8] = 63;
	ip[9] = 6;
	memcpy(ip + 12, memcmp(g->src, none, 4) ? g->src : addr[g->reverse], 4);
	memcpy(ip + 16, memcmp(g->dst, none, 4) ? g->dst : addr[!g->reverse], 4);
}

struct rte_mbuf *
lone_frame(const struct lone_segment *g)
{
	const struct lone_tags *tags = g->tags ? g->tags : &lone_untagged;
	unsigned l3 = 14 + 4 * tags->n, l4 = l3 + 20, syn = g->flags & TCP_SYN ? 4 : 0;
	size_t len = g->text ? strlen(g->text) : 0;
	struct rte_mbuf *m = rte_pktmbuf_alloc(lone.pools.frames);
	uint8_t *f;

	CU_ASSERT_PTR_NOT_NULL_FATAL(m);
	f = (uint8_t *)rte_pktmbuf_append(m, (uint16_t)(l4 + 20 + syn + len));
	memset(f, 0, l4 + 20 + syn);
	put_link(f, g, tags);
	put_ip(f + l3, g, 20 + syn + len);
	put16(f + l4, g->sport ? g->sport : g->reverse ? 8443 : 40000);
	put16(f + l4 + 2, g->dport ? g->dport : g->reverse ? 40000 : 8443);
	put32(f + l4 + 4, g->seq);
	put32(f + l4 + 8, g->ack);
	f[l4 + 12] = (uint8_t)((20 + syn) / 4 << 4);
	f[l4 + 13] = (uint8_t)g->flags;
	put16(f + l4 + 14, 60000);
	if (syn)
		memcpy(f + l4 + 20, "\2\4\5\x78", 4);	/* MSS 1400 */
	if (len)
		memcpy(f + l4 + 20 + syn, g->text, len);
	cksum_tcp_write(m, (uint16_t)l3, (uint16_t)l4);
	return m;
}

void
lone_put(struct rte_mbuf *m, uint8_t side)
{
	struct parse_conf conf = { .side = side };
	struct pkt p;

	pkt_parse(&p, m, &conf);
	CU_ASSERT_TRUE(p.kind == PKT_TCP || p.kind == PKT_ICMP_ERROR);
	lone.stack = lone.team.stack[tcpterm_owner(&p, lone.team.n)];
	team_arrive(&lone.team, team_stranger(&lone.team, side, m), side, m, lone.now);
	team_run(&lone.team, lone.now);
}

void
lone_feed(const struct lone_segment *g)
{
	lone_put(lone_frame(g), g->reverse);
}

void
lone_syn(const struct lone_tags *tags)
{
	const struct lone_segment g = { .tags = tags, .flags = TCP_SYN, .seq = 1000 };

	lone_feed(&g);
}

void
lone_wait(int64_t us)
{
	int64_t until = lone.now.v + us;

	while (team_next(&lone.team).v <= until) {
		lone.now.v = RTE_MAX(lone.now.v, team_next(&lone.team).v);
		team_run(&lone.team, lone.now);
	}
	lone.now.v = until;
	team_run(&lone.team, lone.now);
}

struct flow *
lone_flow(void)
{
	return team_flow(&lone.team);
}

struct tcpterm_stats
lone_stats(void)
{
	struct tcpterm_stats sum;

	team_stats(&lone.team, &sum);
	return sum;
}

uint64_t
lone_drops(enum drop why)
{
	return team_drops(&lone.team, why);
}

int
lone_connect(const struct tcpterm_identity *id, uint64_t cookie, struct flow **f)
{
	int rc = tcpterm_connect(lone.stack, id, cookie, lone.now, f);

	for (unsigned k = 0; k < lone.team.n && rc == -EXDEV; k++) {
		rc = tcpterm_connect(lone.team.stack[k], id, cookie, lone.now, f);
		if (rc != -EXDEV)
			lone.stack = lone.team.stack[k];
	}
	return rc;
}
