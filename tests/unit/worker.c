/*
 * worker.c - a worker's turn: what is bridged, handed over, kept from the tap.
 */
#include "tests/unit/tap.h"
#include "tests/unit/vnf_box.h"

static struct vnf_box box;
static struct frame frame;

enum { TAP_CLIENT = 100, TAP_SERVER = 100 | 0x800 };

static void
frame_that_is_not_tcp_is_bridged_verbatim(void)
{
	static const uint8_t arp[] = { 0, 1, 8, 0, 6, 4, 0, 1, 2, 0, 0, 0, 0, 1, 10, 0, 0, 1 };
	struct rte_mbuf *m;

	box_begin(&box, 1, "default drop\n");
	frame_init(&frame);
	frame_ether(&frame, RTE_ETHER_TYPE_ARP);
	frame_bytes(&frame, arp, sizeof arp);
	frame_end(&frame);
	box_send(&box, BOX_A, 0, &frame);
	box_turn(&box);
	m = box_receive(&box, BOX_B);
	CU_ASSERT_PTR_NOT_NULL_FATAL(m);
	CU_ASSERT_EQUAL(m->pkt_len, frame.len);
	CU_ASSERT_EQUAL(memcmp(rte_pktmbuf_mtod(m, void *), frame.b, frame.len), 0);
	rte_pktmbuf_free(m);
	CU_ASSERT_EQUAL(box_count(&box, BOX_A), 0);
	box_end(&box);
}

static void
segment_at_the_wrong_worker_is_handed_over(void)
{
	unsigned owner = box_owner(40000, 80, 0, 2);

	box_begin(&box, 2, "default track\n");
	box_segment(&frame, false, 40000, 80, TCP_SYN, 0);
	box_send(&box, BOX_A, (uint16_t)!owner, &frame);
	box_turn(&box);
	box_turn(&box);
	CU_ASSERT_EQUAL(box.w[!owner]->stats.handed_over, 1);
	CU_ASSERT_EQUAL(box.w[owner]->stats.taken_over, 1);
	CU_ASSERT_EQUAL(box.w[owner]->tcp->n_flows[TCPTERM_KIND_TRACK], 1);
	CU_ASSERT_EQUAL(box.w[!owner]->tcp->n_flows[TCPTERM_KIND_TRACK], 0);
	CU_ASSERT_EQUAL(box_count(&box, BOX_B), 1);
	box_end(&box);
}

static void
directions_that_arrive_at_two_workers_are_one_flow(void)
{
	box_begin(&box, 2, "default track\n");
	box_segment(&frame, false, 40000, 80, TCP_SYN, 0);
	box_send(&box, BOX_A, 0, &frame);
	box_turn(&box);
	box_turn(&box);
	box_segment(&frame, true, 40000, 80, TCP_SYN | TCP_ACK, 0);
	box_send(&box, BOX_B, 1, &frame);
	box_turn(&box);
	box_turn(&box);
	CU_ASSERT_EQUAL(box_flows(&box, TCPTERM_KIND_TRACK), 1);
	CU_ASSERT_EQUAL(box_count(&box, BOX_B), 1);
	CU_ASSERT_EQUAL(box_count(&box, BOX_A), 1);
	box_end(&box);
}

static void
full_handoff_ring_drops_and_counts(void)
{
	unsigned owner = box_owner(40000, 80, 0, 2), i;
	struct worker *wrong;

	box_begin(&box, 2, "default track\n");
	wrong = box.w[!owner];
	box_segment(&frame, false, 40000, 80, TCP_SYN, 0);
	for (i = 0; i < 1280; i++) {
		box_send(&box, BOX_A, (uint16_t)!owner, &frame);
		worker_turn(wrong, box.now);
	}
	CU_ASSERT_TRUE(wrong->drops.n[DROP_handoff_full] > 0);
	CU_ASSERT_EQUAL(wrong->drops.n[DROP_handoff_full] + wrong->stats.handed_over, 1280);
	for (i = 0; i < 80; i++)
		box_turn(&box);
	CU_ASSERT_EQUAL(box.w[owner]->stats.taken_over, wrong->stats.handed_over);
	CU_ASSERT_EQUAL(box_count(&box, BOX_B), wrong->stats.handed_over);
	box_end(&box);
}

static void
tap_is_reassembled_and_nothing_is_sent(void)
{
	box_begin(&box, 2, "default passive\n");
	box_segment(&frame, false, 40000, 80, TCP_SYN, TAP_CLIENT);
	box_send(&box, BOX_TAP, 0, &frame);
	box_segment(&frame, true, 40000, 80, TCP_SYN | TCP_ACK, TAP_SERVER);
	box_send(&box, BOX_TAP, 1, &frame);
	box_turn(&box);
	box_turn(&box);
	CU_ASSERT_EQUAL(box_flows(&box, TCPTERM_KIND_PASSIVE), 1);
	CU_ASSERT_EQUAL(box_count(&box, BOX_TAP), 0);
	CU_ASSERT_EQUAL(box_count(&box, BOX_A) + box_count(&box, BOX_B), 0);
	box_end(&box);
}

static void
bytes_of_a_copy_that_found_no_room_are_a_gap_of_our_own(void)
{
	unsigned owner = box_owner(40000, 80, 0, 2), i;
	const struct tcpterm_stats *st;

	box_begin(&box, 2, "default passive\n");
	box_segment(&frame, false, 40000, 80, TCP_SYN, TAP_CLIENT);
	box_send(&box, BOX_TAP, 0, &frame);
	box_turn(&box);
	box_turn(&box);
	box_segment(&frame, true, 40000, 80, TCP_SYN | TCP_ACK, TAP_SERVER);
	box_send(&box, BOX_TAP, 1, &frame);
	box_turn(&box);
	box_turn(&box);
	CU_ASSERT_EQUAL(box_flows(&box, TCPTERM_KIND_PASSIVE), 1);
	box_segment(&frame, false, 40000, 80, TCP_SYN, TAP_CLIENT);
	for (i = 0; i < 1023; i++) {
		box_send(&box, BOX_TAP, (uint16_t)!owner, &frame);
		worker_turn(box.w[!owner], box.now);
	}
	CU_ASSERT_EQUAL(box.w[!owner]->drops.n[DROP_handoff_full], 0);
	box_segment(&frame, false, 40000, 80, TCP_ACK | TCP_PSH, TAP_CLIENT);
	box_send(&box, BOX_TAP, (uint16_t)!owner, &frame);
	worker_turn(box.w[!owner], box.now);
	CU_ASSERT_EQUAL(box.w[!owner]->drops.n[DROP_handoff_full], 1);
	for (i = 0; i < 80; i++)
		box_turn(&box);
	st = tcpterm_stats(box.w[owner]->stack);
	CU_ASSERT_EQUAL(st->gaps, 1);
	CU_ASSERT_EQUAL(st->gap_bytes, 9); /* its first number is the SYN's */
	box_end(&box);
}

static void
only_passive_rules_have_effect_on_a_tap(void)
{
	static const char *const modes[] = { "default proxy\n", "default track\n", "default pass\n",
					     "default drop\n", "default reset\n" };
	unsigned i;

	for (i = 0; i < sizeof modes / sizeof modes[0]; i++) {
		box_begin(&box, 1, modes[i]);
		box_segment(&frame, false, 40000, 80, TCP_SYN, TAP_CLIENT);
		box_send(&box, BOX_TAP, 0, &frame);
		box_segment(&frame, true, 40000, 80, TCP_ACK | TCP_PSH, TAP_SERVER);
		box_send(&box, BOX_TAP, 0, &frame);
		box_turn(&box);
		CU_ASSERT_EQUAL(box.w[0]->tcp_drops->n[DROP_filter_silent], 2);
		CU_ASSERT_EQUAL(box_count(&box, BOX_TAP) + box_count(&box, BOX_A), 0);
		CU_ASSERT_EQUAL(box_count(&box, BOX_B), 0);
		box_end(&box);
	}
}

static void
copy_marked_as_a_pairs_is_consumed(void)
{
	box_begin(&box, 1, "default passive\n");
	box_segment(&frame, false, 40000, 80, TCP_SYN, DOMAIN_TAPS - 1);
	box_send(&box, BOX_TAP, 0, &frame);
	box_turn(&box);
	CU_ASSERT_EQUAL(box_flows(&box, TCPTERM_KIND_PASSIVE), 0);
	CU_ASSERT_EQUAL(box.w[0]->drops.n[DROP_tap_consumed], 1);
	box_end(&box);
}

TAP_MAIN(worker, TAP_TEST(frame_that_is_not_tcp_is_bridged_verbatim),
	 TAP_TEST(segment_at_the_wrong_worker_is_handed_over),
	 TAP_TEST(directions_that_arrive_at_two_workers_are_one_flow),
	 TAP_TEST(full_handoff_ring_drops_and_counts),
	 TAP_TEST(tap_is_reassembled_and_nothing_is_sent),
	 TAP_TEST(bytes_of_a_copy_that_found_no_room_are_a_gap_of_our_own),
	 TAP_TEST(only_passive_rules_have_effect_on_a_tap),
	 TAP_TEST(copy_marked_as_a_pairs_is_consumed))
