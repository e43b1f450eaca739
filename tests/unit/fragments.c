/*
 * fragments.c - segments that come in pieces: proxied whole, followed and forwarded as they came.
 */
#include <string.h>

#include "tests/unit/lib/put.h"
#include "tests/unit/tap.h"
#include "tests/unit/vnf_box.h"

enum { PAYLOAD = 1200, CUT = 640 };	/* bytes; of the IP payload in the first fragment */

static struct vnf_box box;
static struct frame whole, piece;

/* The client's data segment, as the two ends of a connection would have it after box_segment()'s
 * handshake. */
static void
make_whole(uint16_t sport)
{
	frame_init(&whole);
	frame_ether(&whole, RTE_ETHER_TYPE_IPV4);
	frame_ip4(&whole, "10.0.0.1", "10.0.0.2", 6, NULL, 0);
	frame_tcp(&whole, sport, 80, 1001, 5001, TCP_ACK | TCP_PSH, 1000, NULL, 0);
	frame_fill(&whole, PAYLOAD);
	frame_end(&whole);
}

/* Bytes [off, off + len) of the whole's IP payload as a fragment. */
static void
make_piece(unsigned off, unsigned len, bool more)
{
	uint8_t *ip = piece.b + 14;

	frame_init(&piece);
	memcpy(piece.b, whole.b, 34);
	memcpy(piece.b + 34, whole.b + 34 + off, len);
	piece.len = 34 + len;
	put16(ip + 2, 20 + len);
	put16(ip + 4, 777);
	put16(ip + 6, off / 8 | (more ? 0x2000 : 0));
	put16(ip + 10, 0);
	put16(ip + 10, (uint16_t)~naive_sum(ip, 20, 0));
}

static void
send_segment(bool reverse, uint16_t sport, uint16_t flags)
{
	box_segment(&piece, reverse, sport, 80, flags, 0);
	box_send(&box, reverse ? BOX_B : BOX_A, 0, &piece);
	for (unsigned i = 0; i < 3; i++)
		box_turn(&box);
}

static void
shake_hands(uint16_t sport)
{
	send_segment(false, sport, TCP_SYN);
	send_segment(true, sport, TCP_SYN | TCP_ACK);
	frame_init(&piece);
	frame_ether(&piece, RTE_ETHER_TYPE_IPV4);
	frame_ip4(&piece, "10.0.0.1", "10.0.0.2", 6, NULL, 0);
	frame_tcp(&piece, sport, 80, 1001, 5001, TCP_ACK, 1000, NULL, 0);
	frame_end(&piece);
	box_send(&box, BOX_A, 0, &piece);
	for (unsigned i = 0; i < 3; i++)
		box_turn(&box);
	box_count(&box, BOX_A);
	box_count(&box, BOX_B);
}

static void
send_pieces(void)
{
	make_piece(CUT, PAYLOAD + 20 - CUT, false);	/* the last first */
	box_send(&box, BOX_A, 0, &piece);
	make_piece(0, CUT, true);
	box_send(&box, BOX_A, 0, &piece);
	for (unsigned i = 0; i < 4; i++)
		box_turn(&box);
}

static void
proxied_flow_reads_the_whole(unsigned n_workers, uint16_t sport)
{
	struct parse_conf conf = { .side = 1 };
	struct rte_mbuf *m;
	struct pkt p;

	box_begin(&box, n_workers, "default proxy\n");
	shake_hands(sport);
	CU_ASSERT_EQUAL(box_flows(&box, TCPTERM_KIND_RELAY), 1);
	make_whole(sport);
	send_pieces();
	m = box_receive(&box, BOX_B);
	CU_ASSERT_PTR_NOT_NULL_FATAL(m);
	CU_ASSERT_EQUAL(pkt_parse(&p, m, &conf), PKT_TCP);
	CU_ASSERT_EQUAL(p.payload_len, 536);	/* no MSS was agreed */
	CU_ASSERT_FALSE(p.cksum_bad);
	rte_pktmbuf_free(m);
	CU_ASSERT(box_count(&box, BOX_B) >= 1);
	box_end(&box);
}

static void
fragmented_segment_of_a_proxied_flow_is_relayed(void)
{
	proxied_flow_reads_the_whole(1, 40000);
}

static void
fragments_cross_to_the_worker_of_their_flow(void)
{
	/* Of these flows some belong to the worker that has the fragments, some to the other. */
	for (uint16_t sport = 40000; sport < 40008; sport++)
		proxied_flow_reads_the_whole(2, sport);
}

static void
fragments_of_a_tracked_flow_go_on_as_they_came(void)
{
	uint64_t cursor = 0;
	struct rte_mbuf *m;
	struct flow *f;

	box_begin(&box, 1, "default track\n");
	shake_hands(40000);
	make_whole(40000);
	send_pieces();
	m = box_receive(&box, BOX_B);
	CU_ASSERT_PTR_NOT_NULL_FATAL(m);
	CU_ASSERT_EQUAL(m->pkt_len, 34 + PAYLOAD + 20 - CUT);
	rte_pktmbuf_free(m);
	m = box_receive(&box, BOX_B);
	CU_ASSERT_PTR_NOT_NULL_FATAL(m);
	CU_ASSERT_EQUAL(m->pkt_len, piece.len);
	CU_ASSERT_EQUAL(memcmp(rte_pktmbuf_mtod(m, void *), piece.b, piece.len), 0);
	rte_pktmbuf_free(m);
	CU_ASSERT_EQUAL(box_count(&box, BOX_B), 0);
	CU_ASSERT_EQUAL_FATAL(tcpterm_walk(box.w[0]->stack, &cursor, &f, 1), 1);
	CU_ASSERT_EQUAL(flow_bytes(f, 0), PAYLOAD);
	box_end(&box);
}

static void
fragments_that_never_complete_go_on_after_a_while(void)
{
	box_begin(&box, 1, "default proxy\n");
	make_whole(40000);
	make_piece(0, CUT, true);
	box_send(&box, BOX_A, 0, &piece);
	for (unsigned i = 0; i < 500; i++)
		box_turn(&box);
	CU_ASSERT_EQUAL(box_count(&box, BOX_B), 0);
	for (unsigned i = 0; i < 600; i++)
		box_turn(&box);
	CU_ASSERT_EQUAL(box_count(&box, BOX_B), 1);
	CU_ASSERT_EQUAL(box.w[0]->drops.n[DROP_frag_timeout], 1);
	box_end(&box);
}

TAP_MAIN(fragments, TAP_TEST(fragmented_segment_of_a_proxied_flow_is_relayed),
	 TAP_TEST(fragments_cross_to_the_worker_of_their_flow),
	 TAP_TEST(fragments_of_a_tracked_flow_go_on_as_they_came),
	 TAP_TEST(fragments_that_never_complete_go_on_after_a_while))
