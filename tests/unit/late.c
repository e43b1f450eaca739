/*
 * late.c - devices read a frame when they come to it: until it is completed nothing of it changes,
 * whatever is sent again meanwhile.
 */
#include "tests/unit/lib/late.h"

#include "tests/unit/eal.h"
#include "tests/unit/lib/chain.h"
#include "tests/unit/tap.h"
#include "tests/unit/vnf_box.h"

enum {
	RING = 1024,
	TURNS = 400,
	UP = 400 * 1000,
	DOWN = 90 * 1000,
	LOSS = 11,
	DOMAIN = 100,
	PAYLOAD = 1000,
	BURST = 10,		/* as much as leaves at once */
	SILENCE = 1500,		/* turns: more than a retransmission timer */
};

static struct late late;

/* --- the device itself --- */

static void
frame_that_changes_on_its_way_is_noticed(void)
{
	static const unsigned where[] = { 0, 500, 999 };
	struct pool_conf conf = { .n_frames = 63, .n_headers = 63 };
	struct pools pools;
	struct rte_mbuf *m;
	unsigned k;

	CU_ASSERT_EQUAL_FATAL(test_eal_init(), 0);
	CU_ASSERT_EQUAL_FATAL(pools_new(&pools, &conf, NULL), 0);
	late_init(&late, 8, 3, 1);
	for (k = 0; k <= RTE_DIM(where) + 1; k++) {
		m = rte_pktmbuf_alloc(pools.frames);
		memset(rte_pktmbuf_append(m, PAYLOAD), 0, PAYLOAD);
		late_take(&late, m);
		if (k < RTE_DIM(where))
			rte_pktmbuf_mtod(m, uint8_t *)[where[k]]++;
		else if (k == RTE_DIM(where))	/* the driver's own header */
			rte_pktmbuf_mtod(m, uint8_t *)[-1]++;
	}
	for (k = 0; k < 4; k++)
		late_turn(&late);
	CU_ASSERT_EQUAL(late.n, 0);
	CU_ASSERT_EQUAL(late.n_completed, RTE_DIM(where) + 2);
	CU_ASSERT_EQUAL(late.n_changed, RTE_DIM(where) + 1);
	CU_ASSERT_EQUAL(pool_in_use(pools.frames), 0);
	pools_free(&pools);
}

/* --- a stack --- */

/* Every LOSSth large segment of the relay's is lost behind its device. */
static bool
lose(struct chain *c, enum chain_node from, const struct pkt *p)
{
	unsigned *n = c->lose_ctx;

	return from == CHAIN_RELAY && p->payload_len > 500 && ++*n % LOSS == 0;
}

static void
transfer(enum tcpterm_decision decision, bool trust)
{
	unsigned n = 0;
	struct chain c;

	chain_init_pool(&c, NULL, 8191);
	late_init(&late, RING, TURNS, 2);
	c.late = &late;
	c.lose = lose;
	c.lose_ctx = &n;
	c.verdict.decision = decision;
	for (unsigned side = 0; side < 2; side++)
		c.team[CHAIN_RELAY].conf[side].trust = trust;
	chain_transfer(&c, UP, DOWN, 300);
	if (decision == TCPTERM_RELAY)
		CU_ASSERT(tcpterm_stats(c.stack[CHAIN_RELAY])->retransmits > 10);
	chain_fini(&c);
	CU_ASSERT(late.n_completed > (UP + DOWN) / 1448);
	CU_ASSERT_EQUAL(late.n_changed, 0);
}

static void
what_a_proxy_sends_again_leaves_what_is_in_the_ring_alone(void)
{
	transfer(TCPTERM_RELAY, false);
}

static void
what_a_proxy_sends_again_by_trusting_ports_leaves_it_alone(void)
{
	transfer(TCPTERM_RELAY, true);
}

static void
what_is_tracked_stays_as_it_was_handed_over(void)
{
	transfer(TCPTERM_TRACK, false);
}

/* --- leatd's worker, its ports and attachments --- */

static struct vnf_box box;
static struct frame frame;

static void
segment(bool reverse, uint32_t seq, uint32_t ack, uint16_t flags, size_t len)
{
	/* more than the ports' MTU, which is lowered on its way */
	static const uint8_t mss[] = { 2, 4, 0x23, 0x28 };
	const char *client = "10.0.0.1", *server = "10.0.0.2";

	frame_init(&frame);
	frame_ether(&frame, RTE_ETHER_TYPE_IPV4);
	frame_tag(&frame, RTE_ETHER_TYPE_VLAN, DOMAIN);
	frame_ip4(&frame, reverse ? server : client, reverse ? client : server, 6, NULL, 0);
	frame_tcp(&frame, reverse ? 80 : 40000, reverse ? 40000 : 80, seq, ack, flags, 60000, mss,
		  flags & TCP_SYN ? sizeof mss : 0);
	frame_fill(&frame, len);
	frame_end(&frame);
	box_send(&box, reverse ? BOX_B : BOX_A, 0, &frame);
}

/* A turn of the worker's and of its devices; how many frames came out. */
static unsigned
turn(void)
{
	unsigned n = 0;

	box_turn(&box);
	late_turn(&late);
	for (enum box_port k = BOX_A; k <= BOX_B; k++)
		for (struct rte_mbuf *m; (m = box_receive(&box, k)) != NULL; n++)
			late_take(&late, m);
	return n;
}

/* A connection whose server is silent for a while, so that all it did not acknowledge comes again
 * while the device may still have the first. */
static unsigned
silent_server(void)
{
	unsigned i, n = 0;

	segment(false, 1000, 0, TCP_SYN, 0);
	n += turn();
	segment(true, 5000, 1001, TCP_SYN | TCP_ACK, 0);
	n += turn();
	segment(false, 1001, 5001, TCP_ACK, 0);
	n += turn();
	for (i = 0; i < BURST; i++)
		segment(false, 1001 + i * PAYLOAD, 5001, TCP_ACK, PAYLOAD);
	for (i = 0; i < SILENCE; i++)
		n += turn();
	segment(true, 5001, 1001 + BURST * PAYLOAD, TCP_ACK, PAYLOAD);
	for (i = 0; i < 10; i++)
		n += turn();
	return n;
}

static void
worker_sends(bool trusting, const char *policy, enum tcpterm_kind kind)
{
	unsigned n;

	(trusting ? box_begin_trusting : box_begin_attached)(&box, 1, policy);
	late_init(&late, RING, SILENCE, 3);
	n = silent_server();
	CU_ASSERT_EQUAL(box_flows(&box, kind), 1);
	CU_ASSERT_EQUAL(box.w[0]->tcp->retransmits > 0, kind == TCPTERM_KIND_RELAY);
	CU_ASSERT(n >= 3 + BURST + 1);
	late_flush(&late);
	CU_ASSERT_EQUAL(late.n_completed, n);
	CU_ASSERT_EQUAL(late.n_changed, 0);
	box_end(&box);
}

static void
what_a_worker_proxies_stays_as_it_was_handed_over(void)
{
	worker_sends(false, "default proxy\n", TCPTERM_KIND_RELAY);
}

static void
what_a_worker_proxies_by_trusting_ports_stays_as_it_was(void)
{
	worker_sends(true, "default proxy\n", TCPTERM_KIND_RELAY);
}

static void
what_a_worker_tracks_stays_as_it_was_handed_over(void)
{
	worker_sends(false, "default track\n", TCPTERM_KIND_TRACK);
	worker_sends(true, "default track\n", TCPTERM_KIND_TRACK);
}

TAP_MAIN(late, TAP_TEST(frame_that_changes_on_its_way_is_noticed),
	 TAP_TEST(what_a_proxy_sends_again_leaves_what_is_in_the_ring_alone),
	 TAP_TEST(what_a_proxy_sends_again_by_trusting_ports_leaves_it_alone),
	 TAP_TEST(what_is_tracked_stays_as_it_was_handed_over),
	 TAP_TEST(what_a_worker_proxies_stays_as_it_was_handed_over),
	 TAP_TEST(what_a_worker_proxies_by_trusting_ports_stays_as_it_was),
	 TAP_TEST(what_a_worker_tracks_stays_as_it_was_handed_over))
