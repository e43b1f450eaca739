/*
 * The SYN filter's decisions, deferral, and active identities, on one stack
 * whose frames are looked at one by one.
 */
#include <stdlib.h>
#include <string.h>

#include <tcpterm/conn.h>

#include "datapath/checksum.h"
#include "datapath/pool.h"
#include "tests/unit/eal.h"
#include "tests/unit/tap.h"

enum { MAX_OUT = 256, SECOND = 1000000 };

static struct pools pools;
static struct tcpterm *stack;
static usec_t now;
static struct tcpterm_verdict verdict;
static struct tcpterm_syn last_syn;
static struct pkt last_pkt;
static unsigned n_asked, n_tx, n_forwarded, n_ended;
static struct pkt out[MAX_OUT];		/* what left, parsed; their mbufs are kept */
static tcpterm_listener_id listener;
static uint64_t established_cookie;

static void
keep(struct rte_mbuf *m, uint8_t side)
{
	struct parse_conf conf = { .side = side };

	CU_ASSERT_FATAL(n_tx < MAX_OUT);
	CU_ASSERT_EQUAL(pkt_parse(&out[n_tx++], m, &conf), PKT_TCP);
}

static void
on_tx(void *ctx, uint16_t domain, uint8_t side, struct rte_mbuf *m)
{
	(void)ctx;
	(void)domain;
	keep(m, side);
}

static void
on_forward(void *ctx, const struct pkt *p)
{
	(void)ctx;
	n_forwarded++;
	keep(p->m, !p->side);
}

static void
on_end(void *ctx, struct flow *f)
{
	(void)ctx;
	(void)f;
	n_ended++;
}

static struct tcpterm_verdict
filter(void *ctx, const struct tcpterm_syn *syn)
{
	(void)ctx;
	n_asked++;
	last_syn = *syn;
	last_pkt = *syn->pkt;
	return verdict;
}

static void
on_established(void *ctx, struct flow *f)
{
	(void)ctx;
	established_cookie = f->cookie;
}

static void
start(enum tcpterm_decision decision)
{
	static const struct tcpterm_ops ops = { .tx = on_tx,
						.forward = on_forward,
						.flow_end = on_end };
	static const struct tcpterm_conn_ops conn_ops = { .established = on_established };
	struct pool_conf pool = { .n_frames = 2047, .n_headers = 4095 };
	struct tcpterm_listener_conf l = {
		.select = { .any_domain = true,
			    .dst_port = { 0, 65535 },
			    .src_port = { 0, 65535 } },
		.filter = filter,
	};
	struct tcpterm_conf conf = { .ops = &ops, .n_flows = 256 };

	CU_ASSERT_EQUAL_FATAL(test_eal_init(), 0);
	CU_ASSERT_EQUAL_FATAL(pools_new(&pools, &pool, NULL), 0);
	conf.payload_pool = pools.frames;
	conf.header_pool = pools.headers;
	now = (usec_t){ SECOND };
	n_asked = n_tx = n_forwarded = n_ended = 0;
	established_cookie = 0;
	verdict = (struct tcpterm_verdict){ .decision = decision, .cookie = 77 };
	stack = tcpterm_new(&conf, now, NULL);
	CU_ASSERT_PTR_NOT_NULL_FATAL(stack);
	tcpterm_set_conn_ops(stack, &conn_ops, NULL);
	CU_ASSERT_EQUAL_FATAL(tcpterm_listen(stack, &l, &listener), 0);
}

static void
stop(void)
{
	tcpterm_free(stack);
	for (unsigned i = 0; i < n_tx; i++)
		rte_pktmbuf_free(out[i].m);
	CU_ASSERT_EQUAL(pool_in_use(pools.frames), 0);
	CU_ASSERT_EQUAL(pool_in_use(pools.headers), 0);
	pools_free(&pools);
}

static void
put16(uint8_t *to, unsigned v)
{
	to[0] = (uint8_t)(v >> 8);
	to[1] = (uint8_t)v;
}

static void
put32(uint8_t *to, uint32_t v)
{
	put16(to, v >> 16);
	put16(to + 2, v & 0xffff);
}

struct tags {
	unsigned n;
	struct vlan_tag tag[4];
};

/* 192.0.2.7:40000 -> 198.51.100.9:8443, TTL 63, MSS 1400, under `tags`. */
static struct rte_mbuf *
segment(const struct tags *tags, uint16_t flags, uint32_t sequence, uint32_t ack)
{
	struct rte_mbuf *m = rte_pktmbuf_alloc(pools.frames);
	unsigned l3 = 14 + 4 * tags->n, l4 = l3 + 20, syn = flags & TCP_SYN ? 4 : 0;
	uint8_t *f = (uint8_t *)rte_pktmbuf_append(m, (uint16_t)(l4 + 20 + syn));
	static const uint8_t macs[12] = { 2, 0, 0, 0, 0, 2, 2, 0, 0, 0, 0, 1 };
	static const uint8_t addrs[8] = { 192, 0, 2, 7, 198, 51, 100, 9 };

	memset(f, 0, l4 + 20 + syn);
	memcpy(f, macs, 12);
	for (unsigned i = 0; i < tags->n; i++) {
		put16(f + 12 + 4 * i, tags->tag[i].tpid);
		put16(f + 14 + 4 * i, tags->tag[i].tci);
	}
	put16(f + l3 - 2, 0x0800);
	f[l3] = 0x45;
	put16(f + l3 + 2, 40 + syn);
	put16(f + l3 + 6, 0x4000);
	f[l3 + 8] = 63;
	f[l3 + 9] = 6;
	memcpy(f + l3 + 12, addrs, 8);
	put16(f + l4, 40000);
	put16(f + l4 + 2, 8443);
	put32(f + l4 + 4, sequence);
	put32(f + l4 + 8, ack);
	f[l4 + 12] = (uint8_t)((20 + syn) / 4 << 4);
	f[l4 + 13] = (uint8_t)flags;
	put16(f + l4 + 14, 60000);
	if (syn) {
		f[l4 + 20] = 2;
		f[l4 + 21] = 4;
		put16(f + l4 + 22, 1400);
	}
	cksum_tcp_write(m, (uint16_t)l3, (uint16_t)l4);
	return m;
}

static void
feed(struct rte_mbuf *m)
{
	struct parse_conf conf = { 0 };
	struct pkt p;

	CU_ASSERT_EQUAL(pkt_parse(&p, m, &conf), PKT_TCP);
	tcpterm_input(stack, &p, 1, now);
	tcpterm_run(stack, now);
}

static const struct tags untagged, qinq = { 2, { { 0x88a8, 10 | 3 << 13 }, { 0x8100, 20 } } };

static void
accepted_syn_is_answered_along_its_own_tags(void)
{
	start(TCPTERM_ACCEPT);
	feed(segment(&qinq, TCP_SYN, 1000, 0));
	CU_ASSERT_EQUAL(n_asked, 1);
	CU_ASSERT_EQUAL(last_pkt.n_tags, 2);
	CU_ASSERT_EQUAL(last_pkt.ttl, 63);
	CU_ASSERT_EQUAL(last_syn.opt.mss, 1400);
	CU_ASSERT_EQUAL_FATAL(n_tx, 1);
	CU_ASSERT_EQUAL(out[0].flags, TCP_SYN | TCP_ACK);
	CU_ASSERT_EQUAL(out[0].ack, 1001);
	CU_ASSERT_EQUAL(out[0].n_tags, 2);
	CU_ASSERT_EQUAL(memcmp(out[0].tag, qinq.tag, 2 * sizeof qinq.tag[0]), 0);
	CU_ASSERT_EQUAL(memcmp(rte_pktmbuf_mtod(out[0].m, char *), "\2\0\0\0\0\1\2\0\0\0\0\2", 12),
			0);
	CU_ASSERT_FALSE(out[0].cksum_bad);
	feed(segment(&qinq, TCP_ACK, 1001, out[0].seq + 1));
	CU_ASSERT_EQUAL(established_cookie, 77);
	stop();
}

static void
reset_answers_with_ack_of_isn_plus_one(void)
{
	start(TCPTERM_RESET);
	feed(segment(&untagged, TCP_SYN, 1000, 0));
	CU_ASSERT_EQUAL_FATAL(n_tx, 1);
	CU_ASSERT_EQUAL(out[0].flags, TCP_RST | TCP_ACK);
	CU_ASSERT_EQUAL(out[0].ack, 1001);
	CU_ASSERT_EQUAL(tcpterm_drops(stack)->n[DROP_filter_reset], 1);
	stop();
}

static void
silent_and_passive_send_nothing(void)
{
	start(TCPTERM_SILENT);
	feed(segment(&untagged, TCP_SYN, 1000, 0));
	CU_ASSERT_EQUAL(n_tx, 0);
	stop();
	start(TCPTERM_PASSIVE);
	verdict.copy = true;
	feed(segment(&untagged, TCP_SYN, 1000, 0));
	CU_ASSERT_EQUAL(n_tx, 0);
	CU_ASSERT_EQUAL(tcpterm_stats(stack)->n_flows[TCPTERM_KIND_PASSIVE], 1);
	stop();
}

static void
passed_frame_leaves_by_the_other_port_byte_identical(void)
{
	struct rte_mbuf *m;
	uint8_t copy[128];
	uint16_t len;

	start(TCPTERM_PASS);
	m = segment(&qinq, TCP_SYN, 1000, 0);
	len = m->data_len;
	memcpy(copy, rte_pktmbuf_mtod(m, void *), len);
	feed(m);
	CU_ASSERT_EQUAL(n_forwarded, 1);
	CU_ASSERT_EQUAL(out[0].side, 1);
	CU_ASSERT_PTR_EQUAL(out[0].m, m);
	CU_ASSERT_EQUAL(memcmp(copy, rte_pktmbuf_mtod(m, void *), len), 0);
	stop();
}

static void
dropped_flow_is_counted_and_has_an_end(void)
{
	start(TCPTERM_DROP);
	feed(segment(&untagged, TCP_SYN, 1000, 0));
	feed(segment(&untagged, TCP_SYN, 1000, 0));
	CU_ASSERT_EQUAL(n_tx, 0);
	CU_ASSERT_EQUAL(n_asked, 1);
	CU_ASSERT_EQUAL(tcpterm_drops(stack)->n[DROP_policy], 2);
	stop();
	CU_ASSERT_EQUAL(n_ended, 1);
}

static struct flow *
the_flow(void)
{
	uint64_t cursor = 0;
	struct flow *f = NULL;

	CU_ASSERT_EQUAL(tcpterm_walk(stack, &cursor, &f, 1), 1);
	return f;
}

static void
deferred_syn_asks_once_and_takes_every_decision(void)
{
	static const enum tcpterm_decision late[] = { TCPTERM_ACCEPT,  TCPTERM_RELAY,
						      TCPTERM_PASSIVE, TCPTERM_TRACK,
						      TCPTERM_PASS,    TCPTERM_RESET,
						      TCPTERM_SILENT };
	static const unsigned frames[] = { 1, 1, 0, 1, 1, 1, 0 };

	for (unsigned i = 0; i < sizeof late / sizeof late[0]; i++) {
		struct tcpterm_verdict v = { .decision = late[i], .copy = true };

		start(TCPTERM_DEFER);
		verdict.defer_us = 5 * SECOND;
		for (unsigned n = 0; n < 6; n++)
			feed(segment(&untagged, TCP_SYN, 1000, 0));
		CU_ASSERT_EQUAL(n_asked, 1);
		CU_ASSERT_EQUAL(n_tx, 0);
		CU_ASSERT_EQUAL(tcpterm_drops(stack)->n[DROP_embryo_held], 5);
		CU_ASSERT_EQUAL(tcpterm_decide(stack, the_flow(), &v), 0);
		tcpterm_run(stack, now);
		CU_ASSERT_EQUAL(n_tx, frames[i]);
		stop();
	}
}

static void
deferral_ends_at_its_deadline_by_the_given_decision(void)
{
	start(TCPTERM_DEFER);
	verdict.defer_us = 2 * SECOND;
	verdict.on_expiry = TCPTERM_RESET;
	feed(segment(&untagged, TCP_SYN, 1000, 0));
	now = usec_add(now, 2 * SECOND - 5000);
	tcpterm_run(stack, now);
	CU_ASSERT_EQUAL(n_tx, 0);
	now = usec_add(now, 10000);
	tcpterm_run(stack, now);
	CU_ASSERT_EQUAL_FATAL(n_tx, 1);
	CU_ASSERT_EQUAL(out[0].flags, TCP_RST | TCP_ACK);
	CU_ASSERT_EQUAL(tcpterm_stats(stack)->embryos_expired, 1);
	stop();
}

static void
closed_listener_returns_what_was_deferred(void)
{
	start(TCPTERM_DEFER);
	verdict.defer_us = 5 * SECOND;
	feed(segment(&untagged, TCP_SYN, 1000, 0));
	CU_ASSERT_EQUAL(tcpterm_unlisten(stack, listener), 0);
	CU_ASSERT_EQUAL(pool_in_use(pools.frames), 0);
	CU_ASSERT_EQUAL(tcpterm_drops(stack)->n[DROP_listener_closed], 1);
	now = usec_add(now, 10 * SECOND);
	tcpterm_run(stack, now);
	CU_ASSERT_EQUAL(n_tx, 0);
	stop();
}

static void
relayed_syn_leaves_without_options_we_cannot_keep_to(void)
{
	struct rte_mbuf *m;
	uint8_t *opt;

	start(TCPTERM_RELAY);
	m = segment(&untagged, TCP_SYN, 1000, 0);
	/* A Fast Open cookie request (kind 34) instead of the MSS. */
	opt = rte_pktmbuf_mtod_offset(m, uint8_t *, 54);
	memcpy(opt, "\x22\x02\x01\x01", 4);
	cksum_tcp_write(m, 14, 34);
	feed(m);
	CU_ASSERT_EQUAL_FATAL(n_forwarded, 1);
	CU_ASSERT_EQUAL(memcmp(opt, "\1\1\1\1", 4), 0);
	CU_ASSERT_FALSE(out[0].cksum_bad);
	CU_ASSERT_EQUAL(tcpterm_stats(stack)->options_removed, 1);
	stop();
}

/* A SYN whose options are `option`, 4 bytes, and what `more` flags say beside. */
static struct rte_mbuf *
syn_with(const char *option, unsigned more)
{
	struct rte_mbuf *m = segment(&untagged, TCP_SYN, 1000, 0);
	uint8_t *tcp = rte_pktmbuf_mtod_offset(m, uint8_t *, 34);

	memcpy(tcp + 20, option, 4);
	tcp[12] |= (uint8_t)(more >> 8);
	cksum_tcp_write(m, 14, 34);
	return m;
}

/* RFC 5925, as short as it gets. */
#define AO_OPTION "\x1d\x04\x01\x01"

static void
signed_syn_is_reset_where_the_rule_says_so(void)
{
	start(TCPTERM_RELAY);
	verdict.signed_reset = true;
	feed(syn_with(AO_OPTION, 0));
	CU_ASSERT_EQUAL(n_forwarded, 0);
	CU_ASSERT_EQUAL_FATAL(n_tx, 1);
	CU_ASSERT_EQUAL(out[0].flags, TCP_RST | TCP_ACK);
	CU_ASSERT_EQUAL(out[0].ack, 1001);
	CU_ASSERT_EQUAL(tcpterm_drops(stack)->n[DROP_filter_reset], 1);
	stop();
	/* what is not signed is not meant */
	start(TCPTERM_RELAY);
	verdict.signed_reset = true;
	feed(segment(&untagged, TCP_SYN, 1000, 0));
	CU_ASSERT_EQUAL(n_forwarded, 1);
	stop();
}

static void
unknown_option_and_ae_do_not_cross_a_relay(void)
{
	start(TCPTERM_RELAY);
	feed(syn_with("\x4c\x04\xab\xcd", TCP_AE));
	CU_ASSERT_EQUAL_FATAL(n_forwarded, 1);
	CU_ASSERT_EQUAL(memcmp(rte_pktmbuf_mtod_offset(out[0].m, char *, 54), "\1\1\1\1", 4), 0);
	CU_ASSERT_EQUAL(out[0].flags, TCP_SYN);
	CU_ASSERT_FALSE(out[0].cksum_bad);
	CU_ASSERT_EQUAL(tcpterm_stats(stack)->options_removed, 1);
	stop();
}

static void
fast_open_and_ae_cross_a_tracked_flow_untouched(void)
{
	start(TCPTERM_TRACK);
	feed(syn_with("\x22\x02\x01\x01", TCP_AE));
	CU_ASSERT_EQUAL_FATAL(n_forwarded, 1);
	CU_ASSERT_EQUAL(memcmp(rte_pktmbuf_mtod_offset(out[0].m, char *, 54), "\x22\x02\1\1", 4),
			0);
	CU_ASSERT_EQUAL(out[0].flags, TCP_SYN | TCP_AE);
	CU_ASSERT_FALSE(out[0].cksum_bad);
	CU_ASSERT_EQUAL(tcpterm_stats(stack)->options_removed, 0);
	stop();
}

static void
signed_syn_is_passed_not_relayed(void)
{
	struct rte_mbuf *m;
	uint8_t *opt;

	start(TCPTERM_RELAY);
	m = syn_with(AO_OPTION, 0);
	opt = rte_pktmbuf_mtod_offset(m, uint8_t *, 54);
	feed(m);
	CU_ASSERT_EQUAL(n_forwarded, 1);
	CU_ASSERT_EQUAL(memcmp(opt, AO_OPTION, 4), 0);
	CU_ASSERT_EQUAL(tcpterm_stats(stack)->n_flows[TCPTERM_KIND_PASS], 1);
	stop();
}

static void
active_open_has_exactly_the_identity_asked_for(void)
{
	static const uint8_t local[4] = { 203, 0, 113, 5 }, remote[4] = { 198, 51, 100, 9 };
	struct tcpterm_identity id = {
		.l2 = { .dst = { { 2, 9, 9, 9, 9, 2 } },
			.src = { { 2, 9, 9, 9, 9, 1 } },
			.n_tags = 3,
			.tag = { { 0x88a8, 30 }, { 0x8100, 40 }, { 0x8100, 50 } } },
		.local = ip_addr_v4(local),
		.remote = ip_addr_v4(remote),
		.local_port = 1234,
		.remote_port = 80,
		.side = 1,
		.ttl = 33,
	};
	struct flow *f, *again;

	start(TCPTERM_ACCEPT);
	CU_ASSERT_EQUAL(tcpterm_connect(stack, &id, 5, now, &f), 0);
	CU_ASSERT_EQUAL(tcpterm_connect(stack, &id, 5, now, &again), -EADDRINUSE);
	CU_ASSERT_EQUAL_FATAL(n_tx, 1);
	CU_ASSERT_EQUAL(out[0].side, 1);
	CU_ASSERT_EQUAL(memcmp(rte_pktmbuf_mtod(out[0].m, char *),
			       "\2\x9\x9\x9\x9\2\2\x9\x9\x9\x9\1"
			       "\x88\xa8\0\x1e\x81\0\0\x28\x81\0\0\x32\x8\0",
			       26),
			0);
	CU_ASSERT_TRUE(ip_addr_eq(&out[0].src, &id.local));
	CU_ASSERT_EQUAL(out[0].sport, 1234);
	CU_ASSERT_EQUAL(out[0].ttl, 33);
	CU_ASSERT_EQUAL(out[0].flags, TCP_SYN);
	stop();
}

static void
one_tuple_on_a_hundred_tag_stacks_is_a_hundred_connections(void)
{
	start(TCPTERM_ACCEPT);
	for (unsigned i = 0; i < 100; i++) {
		struct tags t = {
			3, { { 0x88a8, 1 }, { 0x8100, 2 }, { 0x8100, (uint16_t)(100 + i) } }
		};

		verdict.cookie = i;
		feed(segment(&t, TCP_SYN, 1000 + i, 0));
	}
	CU_ASSERT_EQUAL_FATAL(n_tx, 100);
	for (unsigned i = 0; i < 100; i++) {
		struct tags t = {
			3, { { 0x88a8, 1 }, { 0x8100, 2 }, { 0x8100, (uint16_t)(100 + i) } }
		};

		CU_ASSERT_EQUAL(out[i].tag[2].tci, 100 + i);
		established_cookie = 999;
		feed(segment(&t, TCP_ACK, 1001 + i, out[i].seq + 1));
		CU_ASSERT_EQUAL(established_cookie, i);
	}
	CU_ASSERT_EQUAL(tcpterm_stats(stack)->n_flows[TCPTERM_KIND_CONN], 100);
	stop();
}

TAP_MAIN(filter, TAP_TEST(accepted_syn_is_answered_along_its_own_tags),
	 TAP_TEST(reset_answers_with_ack_of_isn_plus_one),
	 TAP_TEST(silent_and_passive_send_nothing),
	 TAP_TEST(passed_frame_leaves_by_the_other_port_byte_identical),
	 TAP_TEST(dropped_flow_is_counted_and_has_an_end),
	 TAP_TEST(deferred_syn_asks_once_and_takes_every_decision),
	 TAP_TEST(deferral_ends_at_its_deadline_by_the_given_decision),
	 TAP_TEST(closed_listener_returns_what_was_deferred),
	 TAP_TEST(relayed_syn_leaves_without_options_we_cannot_keep_to),
	 TAP_TEST(signed_syn_is_passed_not_relayed),
	 TAP_TEST(signed_syn_is_reset_where_the_rule_says_so),
	 TAP_TEST(unknown_option_and_ae_do_not_cross_a_relay),
	 TAP_TEST(fast_open_and_ae_cross_a_tracked_flow_untouched),
	 TAP_TEST(active_open_has_exactly_the_identity_asked_for),
	 TAP_TEST(one_tuple_on_a_hundred_tag_stacks_is_a_hundred_connections))
