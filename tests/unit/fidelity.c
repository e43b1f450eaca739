/*
 * A proxied connection is the ends' own: what crosses, when, and in whose numbers and clocks
 * (check S8, DESIGN 2).
 */
#include <string.h>

#include "tcpterm/endpoint.h"
#include "tcpterm/options.h"
#include "tests/unit/frame.h"
#include "tests/unit/lib/chain.h"
#include "tests/unit/lib/lone.h"

enum { KB = 1024, MB = 1024 * 1024, SECOND = 1000000 };

/* --- the handshake, frame by frame --- */

static const struct lone_segment synack = {
	.flags = TCP_SYN | TCP_ACK, .seq = 5000, .ack = 1001, .reverse = true
};

static void
handshake_is_forwarded_and_the_server_acknowledged_last(void)
{
	const struct lone_segment ack = { .flags = TCP_ACK, .seq = 1001, .ack = 5001 };

	lone_begin(TCPTERM_RELAY);
	lone_syn(&lone_qinq);
	CU_ASSERT_EQUAL_FATAL(lone.n_out, 1);	/* to the server, and nothing to the client */
	CU_ASSERT_TRUE(lone.out[0].side == 1 && lone.out[0].flags == TCP_SYN);
	CU_ASSERT_EQUAL(lone.out[0].seq, 1000);
	lone_end();

	lone_begin(TCPTERM_RELAY);
	lone_syn(&lone_untagged);
	lone_feed(&synack);
	lone_wait(3 * SECOND);
	CU_ASSERT_EQUAL_FATAL(lone.n_out, 2);	/* the client has it, the server no answer */
	CU_ASSERT_TRUE(lone.out[1].side == 0 && lone.out[1].seq == 5000);
	CU_ASSERT_EQUAL(lone.n_tx, 0);
	lone_feed(&ack);
	CU_ASSERT_EQUAL_FATAL(lone.n_out, 3);
	CU_ASSERT_TRUE(lone.out[2].side == 1 && lone.out[2].flags == TCP_ACK);
	CU_ASSERT_TRUE(lone.out[2].seq == 1001 && lone.out[2].ack == 5001);
	lone_end();
}

/* A spoofed SYN: the server repeats its SYN-ACK and gives up, as without Leat. */
static void
client_that_never_answers_leaves_the_server_in_syn_received(void)
{
	lone_begin(TCPTERM_RELAY);
	lone_syn(&lone_untagged);
	for (unsigned i = 0; i < 6; i++) {
		lone_feed(&synack);
		lone_wait(SECOND << i);
	}
	CU_ASSERT_EQUAL(lone.n_forwarded, 7);
	CU_ASSERT_EQUAL(lone.n_tx, 0);
	CU_ASSERT_EQUAL(lone_flow()->kind, TCPTERM_KIND_EMBRYO);
	lone_wait(75LL * SECOND);
	CU_ASSERT_PTR_NULL(lone_flow());
	CU_ASSERT_EQUAL(lone.n_tx, 0);
	lone_end();
}

static void
refusal_is_the_servers_own_reset(void)
{
	struct lone_segment rst = synack;

	lone_begin(TCPTERM_RELAY);
	lone_syn(&lone_untagged);
	rst.flags = TCP_RST | TCP_ACK;
	rst.seq = 0;
	lone_feed(&rst);
	CU_ASSERT_EQUAL_FATAL(lone.n_out, 2);
	CU_ASSERT_TRUE(lone.out[1].side == 0 && lone.out[1].flags == (TCP_RST | TCP_ACK));
	CU_ASSERT_EQUAL(lone.out[1].ack, 1001);
	CU_ASSERT_EQUAL(lone.n_tx, 0);
	CU_ASSERT_EQUAL(lone.n_ended, 1);
	CU_ASSERT_EQUAL(lone.ended, TCPTERM_END_REFUSED);
	lone_end();
}

/* Host unreachable, quoting the client's SYN. */
static void
unreachable_server_is_what_the_network_says(void)
{
	static struct frame f;
	struct rte_mbuf *m;

	lone_begin(TCPTERM_RELAY);
	lone_syn(&lone_untagged);
	frame_init(&f);
	frame_ether(&f, 0x0800);
	frame_ip4(&f, "203.0.113.1", "192.0.2.7", 1, NULL, 0);
	frame_icmp(&f, 3, 1, 0);
	frame_ip4(&f, "192.0.2.7", "198.51.100.9", 6, NULL, 0);
	frame_tcp(&f, 40000, 8443, 1000, 0, TCP_SYN, 60000, NULL, 0);
	frame_end(&f);
	m = rte_pktmbuf_alloc(lone.pools.frames);
	memcpy(rte_pktmbuf_append(m, (uint16_t)f.len), f.b, f.len);
	lone_put(m, 1);
	CU_ASSERT_EQUAL_FATAL(lone.n_out, 2);
	CU_ASSERT_PTR_EQUAL(lone.out[1].m, m);
	CU_ASSERT_EQUAL(lone.out[1].side, 0);
	CU_ASSERT_EQUAL(memcmp(rte_pktmbuf_mtod(m, void *), f.b, f.len), 0);
	CU_ASSERT_EQUAL(lone.n_tx, 0);
	CU_ASSERT_EQUAL(lone_flow()->kind, TCPTERM_KIND_EMBRYO);	/* it may answer yet */
	lone_end();
}

/* --- what was negotiated --- */

static struct {
	struct tcpterm_options said[CHAIN_N], heard[CHAIN_N];
} syns;

/* What each end said in its SYN, and what of it left us. */
static bool
note_syns(struct chain *c, enum chain_node from, const struct pkt *p)
{
	struct tcpterm_options *o;

	(void)c;
	if (!(p->flags & TCP_SYN))
		return false;
	o = from != CHAIN_RELAY	 ? &syns.said[from]
	    : p->flags & TCP_ACK ? &syns.heard[CHAIN_SERVER]
				 : &syns.heard[CHAIN_CLIENT];
	options_parse(rte_pktmbuf_mtod_offset(p->m, const uint8_t *, p->l4 + 20), p->opt_len, o);
	return false;
}

static bool
same_options(const struct tcpterm_options *a, const struct tcpterm_options *b)
{
	return a->has_mss == b->has_mss && a->mss == b->mss && a->has_wscale == b->has_wscale &&
	       a->wscale == b->wscale && a->has_ts == b->has_ts && a->tsval == b->tsval &&
	       a->tsecr == b->tsecr && a->sack_permitted == b->sack_permitted &&
	       a->n_unknown == b->n_unknown && !b->malformed && b->n_sack == 0;
}

static void
check_negotiated(uint16_t mtu, uint16_t mss)
{
	static const enum chain_node ends[] = { CHAIN_CLIENT, CHAIN_SERVER };
	const struct tcpterm_conf conf = { .mtu = { mtu, 0 } };
	struct tcpterm_leg_info leg[2];
	struct chain c;

	chain_init_relay(&c, &conf);
	memset(&syns, 0, sizeof syns);
	c.lose = note_syns;
	chain_connect(&c);
	chain_run(&c, SECOND, chain_never);
	for (unsigned i = 0; i < 2; i++) {
		struct tcpterm_options want = syns.said[ends[i]];

		CU_ASSERT_TRUE(want.has_mss && want.has_wscale && want.has_ts &&
			       want.sack_permitted);
		CU_ASSERT_EQUAL(want.mss, 1460);
		want.mss = mss;
		CU_ASSERT_TRUE(same_options(&want, &syns.heard[ends[i]]));
	}
	CU_ASSERT_EQUAL_FATAL(chain_flow(&c)->kind, TCPTERM_KIND_RELAY);
	tcpterm_flow_info(chain_flow(&c), leg);
	CU_ASSERT_TRUE(leg[0].mss + 12 == mss && leg[1].mss + 12 == mss);
	chain_fini(&c);
}

static void
options_are_the_ends_own_but_for_an_mss_above_the_ports(void)
{
	check_negotiated(0, 1460);
	check_negotiated(1400, 1360);
}

/* --- ends --- */

static void
check_half_close(enum chain_node first)
{
	enum chain_node other = first == CHAIN_CLIENT ? CHAIN_SERVER : CHAIN_CLIENT;
	struct chain c;

	chain_init(&c, NULL);
	c.app[first].to_send = 10;
	c.app[first].close_after = true;
	chain_connect(&c);
	chain_run(&c, SECOND, chain_never);
	CU_ASSERT_TRUE(c.app[other].eof);
	CU_ASSERT_FALSE(c.app[first].closed || c.app[other].closed);
	c.app[other].to_send = MB;
	c.app[other].close_after = true;
	CU_ASSERT_TRUE(chain_run(&c, 60 * SECOND, chain_closed));
	chain_check_received(&c);
	CU_ASSERT_EQUAL(c.ended, TCPTERM_END_FIN);
	chain_fini(&c);
}

static void
half_close_in_each_direction_lets_a_megabyte_flow_the_other_way(void)
{
	check_half_close(CHAIN_CLIENT);
	check_half_close(CHAIN_SERVER);
}

static void
check_reset(enum chain_node from, uint64_t n)
{
	enum chain_node to = from == CHAIN_CLIENT ? CHAIN_SERVER : CHAIN_CLIENT;
	struct chain c;

	chain_init(&c, NULL);
	chain_connect(&c);
	chain_run(&c, SECOND, chain_never);
	c.app[from].to_send = n;
	chain_run(&c, 5 * SECOND, chain_never);
	tcpterm_abort(c.stack[from], c.app[from].f);
	c.app[from].f = NULL;
	chain_run(&c, SECOND, chain_never);
	CU_ASSERT_TRUE(c.app[to].closed);
	CU_ASSERT_EQUAL(c.app[to].why, TCPTERM_END_RST);
	CU_ASSERT_EQUAL(c.app[to].received, n);
	CU_ASSERT_EQUAL(c.app[to].wrong, 0);
	chain_fini(&c);
}

static void
reset_after_n_bytes_arrives_after_those_n_bytes(void)
{
	static const uint64_t n[] = { 0, 1, 1448, 100000 };

	for (unsigned i = 0; i < RTE_DIM(n); i++) {
		check_reset(CHAIN_CLIENT, n[i]);
		check_reset(CHAIN_SERVER, n[i]);
	}
}

static void
check_reset_past_zero_window(enum chain_node from)
{
	enum chain_node to = from == CHAIN_CLIENT ? CHAIN_SERVER : CHAIN_CLIENT;
	struct tcpterm_leg_info leg[2];
	struct chain c;

	chain_init(&c, NULL);
	chain_connect(&c);
	chain_run(&c, SECOND, chain_never);
	c.app[from].to_send = 4 * MB;
	c.app[to].hold = true;
	chain_run(&c, 20 * SECOND, chain_never);
	tcpterm_flow_info(chain_flow(&c), leg);
	CU_ASSERT_EQUAL(leg[to == CHAIN_SERVER].snd_wnd, 0);
	CU_ASSERT_TRUE(leg[to == CHAIN_SERVER].queued > 0);
	tcpterm_abort(c.stack[from], c.app[from].f);
	c.app[from].f = NULL;
	chain_run(&c, 3 * SECOND + 20000, chain_never);
	CU_ASSERT_TRUE(c.app[to].closed);
	CU_ASSERT_EQUAL(c.app[to].why, TCPTERM_END_RST);
	CU_ASSERT_TRUE(tcpterm_stats(c.stack[CHAIN_RELAY])->rst_abandoned_bytes > 0);
	chain_fini(&c);
}

static void
reset_passes_a_zero_window_within_3_s(void)
{
	check_reset_past_zero_window(CHAIN_CLIENT);
	check_reset_past_zero_window(CHAIN_SERVER);
}

/* --- clocks --- */

/* The client's timestamps begin at 5, the server's 5 below their wrap. */
static void
set_clock(struct chain *c, enum chain_node id, struct flow *f)
{
	uint32_t begin = id == CHAIN_CLIENT ? 5 : UINT32_MAX - 4;

	endpoint_of(f)->c.ts_offset = begin - send_clock(c->stack[id]);
}

static bool
lose_some(struct chain *c, enum chain_node from, const struct pkt *p)
{
	uint64_t *state = c->lose_ctx;

	(void)from, (void)p;
	*state = *state * 6364136223846793005u + 1442695040888963407u;
	return (*state >> 33) % 25 == 0;
}

static void
timestamps_of_far_apart_clocks_cross_without_a_paws_drop(void)
{
	for (uint64_t seed = 1; seed <= 10; seed++) {
		uint64_t state = seed;
		struct chain c;

		chain_init(&c, NULL);
		chain_run(&c, 30LL * 24 * 3600 * SECOND, chain_never);	/* up for 30 days */
		c.opened = set_clock;
		c.lose = lose_some;
		c.lose_ctx = &state;
		c.app[CHAIN_CLIENT].to_send = 300 * KB;
		c.app[CHAIN_SERVER].to_send = 200 * KB;
		c.app[CHAIN_CLIENT].close_after = c.app[CHAIN_SERVER].close_after = true;
		chain_connect(&c);
		CU_ASSERT_TRUE(chain_run(&c, 600LL * SECOND, chain_closed));
		chain_check_received(&c);
		for (unsigned i = 0; i < CHAIN_N; i++)
			CU_ASSERT_EQUAL(tcpterm_drops(c.stack[i])->n[DROP_proxy_paws], 0);
		CU_ASSERT_TRUE(tcpterm_stats(c.stack[CHAIN_RELAY])->retransmits > 0);
		chain_fini(&c);
	}
}

TEAM_MAIN(fidelity, TAP_CHECK(S8, handshake_is_forwarded_and_the_server_acknowledged_last),
	  TAP_CHECK(S8, client_that_never_answers_leaves_the_server_in_syn_received),
	  TAP_CHECK(S8, refusal_is_the_servers_own_reset),
	  TAP_CHECK(S8, unreachable_server_is_what_the_network_says),
	  TAP_CHECK(S8, options_are_the_ends_own_but_for_an_mss_above_the_ports),
	  TAP_CHECK(S8, half_close_in_each_direction_lets_a_megabyte_flow_the_other_way),
	  TAP_CHECK(S8, reset_after_n_bytes_arrives_after_those_n_bytes),
	  TAP_CHECK(S8, reset_passes_a_zero_window_within_3_s),
	  TAP_CHECK(S8, timestamps_of_far_apart_clocks_cross_without_a_paws_drop))
