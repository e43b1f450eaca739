/*
 * A proxied segment leaves in the frame that it came in, with other headers; but while a device may
 * still be reading that frame nothing in it changes.
 */
#include <string.h>

#include "tests/unit/lib/lone.h"
#include "tests/unit/tap.h"

enum { LEN = 1000, RUNT = 700, N_WAITING = 25 };

static char text[LEN + 1];

/* A proxied connection of 192.0.2.7, and a segment of its. */
static void
begin(const struct lone_tags *tags, struct rte_mbuf **data)
{
	const struct lone_segment shake[] = {
		{ .tags = tags, .flags = TCP_SYN, .seq = 1000 },
		{ .tags = tags,
		  .flags = TCP_SYN | TCP_ACK,
		  .seq = 5000,
		  .ack = 1001,
		  .reverse = true },
		{ .tags = tags, .flags = TCP_ACK, .seq = 1001, .ack = 5001 },
	};
	const struct lone_segment g = {
		.tags = tags, .flags = TCP_ACK | TCP_PSH, .seq = 1001, .ack = 5001, .text = text
	};

	memset(text, 'x', LEN);
	lone_begin_with(&(struct tcpterm_conf){ 0 }, 64, TCPTERM_RELAY);
	for (unsigned i = 0; i < RTE_DIM(shake); i++)
		lone_feed(&shake[i]);
	*data = lone_frame(&g);
}

/* The latest segment with payload that left to the server. */
static struct pkt *
latest(void)
{
	for (unsigned i = lone.n_out; i > 0; i--)
		if (lone.out[i - 1].side == 1 && lone.out[i - 1].payload_len > 0)
			return &lone.out[i - 1];
	CU_FAIL_FATAL("no payload left");
	return NULL;
}

static void
payload_leaves_in_the_frame_that_it_came_in(void)
{
	struct rte_mbuf *m;

	begin(&lone_qinq, &m);
	lone_put(m, 0);
	CU_ASSERT_PTR_EQUAL(latest()->m, m);
	CU_ASSERT_EQUAL(m->nb_segs, 1);
	CU_ASSERT_EQUAL(latest()->payload_len, LEN);
	CU_ASSERT_FALSE(latest()->cksum_bad);
	CU_ASSERT_EQUAL(lone_stats().copied_bytes, 0);
	lone_end();
}

static void
frame_that_is_still_in_a_ring_is_not_changed(void)
{
	struct rte_mbuf *m, *was;

	begin(&lone_untagged, &m);
	lone_put(m, 0);
	was = rte_pktmbuf_copy(m, m->pool, 0, UINT32_MAX);
	CU_ASSERT_PTR_NOT_NULL_FATAL(was);
	lone_wait(2LL * LONE_SECOND);	/* no ACK comes: it is sent again */
	CU_ASSERT(lone_stats().retransmits > 0);
	CU_ASSERT_PTR_NOT_EQUAL(latest()->m, m);
	CU_ASSERT_EQUAL(latest()->payload_len, LEN);
	CU_ASSERT_FALSE(latest()->cksum_bad);
	CU_ASSERT_EQUAL(m->data_len, was->data_len);
	CU_ASSERT_EQUAL(
		memcmp(rte_pktmbuf_mtod(m, void *), rte_pktmbuf_mtod(was, void *), m->data_len), 0);
	rte_pktmbuf_free(was);
	lone_end();
}

static void
frame_that_somebody_reads_is_not_changed(void)
{
	struct rte_mbuf *m, *was;

	begin(&lone_untagged, &m);
	was = rte_pktmbuf_copy(m, m->pool, 0, UINT32_MAX);
	CU_ASSERT_PTR_NOT_NULL_FATAL(was);
	rte_mbuf_refcnt_update(m, 1);
	lone_put(m, 0);
	CU_ASSERT_PTR_NOT_EQUAL(latest()->m, m);
	CU_ASSERT_EQUAL(latest()->payload_len, LEN);
	CU_ASSERT_EQUAL(
		memcmp(rte_pktmbuf_mtod(m, void *), rte_pktmbuf_mtod(was, void *), was->data_len),
		0);
	rte_pktmbuf_free(m);
	rte_pktmbuf_free(was);
	lone_end();
}

/* The server's window of congestion is full, and segments wait: whatever their size, none is torn
 * to fill another. */
static void
segments_that_waited_leave_as_they_came(void)
{
	struct lone_segment g = { .flags = TCP_ACK, .seq = 1001, .ack = 5001, .text = text };
	struct lone_segment ack = { .flags = TCP_ACK, .seq = 5001, .ack = 1001, .reverse = true };
	struct rte_mbuf *m;
	unsigned before;

	begin(&lone_untagged, &m);
	rte_pktmbuf_free(m);
	for (unsigned i = 0; i < N_WAITING; i++, g.seq += (uint32_t)strlen(g.text)) {
		g.text = i % 10 == 5 ? text + LEN - RUNT : text;
		lone_feed(&g);
	}
	CU_ASSERT(latest()->seq != g.seq - LEN);
	while (latest()->seq != g.seq - LEN) {
		before = lone.n_out;
		ack.ack = latest()->seq + latest()->payload_len;
		lone_feed(&ack);
		CU_ASSERT_FATAL(lone.n_out > before);
		CU_ASSERT(latest()->payload_len == LEN || latest()->payload_len == RUNT);
		CU_ASSERT_EQUAL(latest()->m->nb_segs, 1);
	}
	CU_ASSERT_EQUAL(lone_stats().copied_bytes, 0);
	lone_end();
}

TAP_MAIN(in_place, TAP_TEST(payload_leaves_in_the_frame_that_it_came_in),
	 TAP_TEST(frame_that_is_still_in_a_ring_is_not_changed),
	 TAP_TEST(frame_that_somebody_reads_is_not_changed),
	 TAP_TEST(segments_that_waited_leave_as_they_came))
