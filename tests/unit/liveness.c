/*
 * liveness.c - when a worker answers the switch's BFD, and what happens while it drains.
 */
#include <string.h>

#include "tests/unit/tap.h"
#include "tests/unit/vnf_box.h"
#include "vnf/liveness.h"

enum { DOWN = 1, INIT = 2, UP = 3, CONTROL = 42 };

static struct vnf_box box;
static struct frame frame;

/* As the switch sends it; no UDP checksum, which tests/unit/bfd.c is about. */
static void
ask(enum box_port port, uint16_t queue, unsigned state, uint32_t your_disc, uint8_t dst)
{
	uint8_t head[66] = {
		0x00,
		0x23,
		0x20,
		0x00,
		0x00,
		0x01,
		0x02,
		0x00,
		0x00,
		0x00,
		0x00,
		0x31,
		0x08,
		0x00,
		0x45,
		0xc0,
		0x00,
		0x34,
		0x00,
		0x00,
		0x00,
		0x00,
		0xff,
		0x11,
		0x00,
		0x00,
		169,
		254,
		1,
		1,
		169,
		254,
		1,
		0,
		0xd4,
		0x31,
		0x0e,
		0xc8,
		0x00,
		0x20,
		0x00,
		0x00,
		0x20,
		(uint8_t)(state << 6),
		3,
		24,
		0,
		0,
		0,
		7,
		(uint8_t)(your_disc >> 24),
		(uint8_t)(your_disc >> 16),
		(uint8_t)(your_disc >> 8),
		(uint8_t)your_disc,
		0,
		1,
		0x86,
		0xa0,
		0,
		1,
		0x86,
		0xa0,
	};
	uint16_t sum;

	head[5] = dst;
	sum = 0xffff ^ naive_sum(head + 14, 20, 0);
	head[24] = (uint8_t)(sum >> 8);
	head[25] = (uint8_t)sum;
	frame_init(&frame);
	frame_bytes(&frame, head, sizeof head);
	box_send(&box, port, queue, &frame);
}

/* The state in what came out of the port, its discriminator in *disc; -1: nothing came. */
static int
heard(enum box_port port, uint32_t *disc)
{
	struct rte_mbuf *m;
	const uint8_t *b;
	int state;

	box_turn(&box);
	box_turn(&box);
	m = box_receive(&box, port);
	if (!m)
		return -1;
	b = rte_pktmbuf_mtod(m, const uint8_t *);
	state = m->pkt_len == BFD_FRAME ? b[CONTROL + 1] >> 6 : -2;
	*disc = (uint32_t)b[CONTROL + 4] << 24 | (uint32_t)b[CONTROL + 5] << 16 |
		(uint32_t)b[CONTROL + 6] << 8 | b[CONTROL + 7];
	rte_pktmbuf_free(m);
	return state;
}

static int
answer(enum box_port port, uint16_t queue, unsigned state, uint32_t *disc)
{
	ask(port, queue, state, state == DOWN ? 0 : *disc, 1);
	return heard(port, disc);
}

static void
each_port_of_a_pair_answers_for_itself(void)
{
	uint32_t a = 0, b = 0;

	box_begin(&box, 1, "default track\n");
	box_turn(&box);
	CU_ASSERT_EQUAL(answer(BOX_A, 0, DOWN, &a), INIT);
	CU_ASSERT_EQUAL(answer(BOX_A, 0, UP, &a), UP);
	CU_ASSERT_EQUAL(answer(BOX_B, 0, UP, &a), -1);
	CU_ASSERT_EQUAL(answer(BOX_B, 0, DOWN, &b), INIT);
	CU_ASSERT_NOT_EQUAL(a, b);
	CU_ASSERT_EQUAL(liveness_state(box.w, 1, BOX_A, box.now), BFD_UP);
	CU_ASSERT_EQUAL(liveness_state(box.w, 1, BOX_B, box.now), BFD_INIT);
	CU_ASSERT_EQUAL(box.w[0]->stats.bfd_answered, 3);
	CU_ASSERT_EQUAL(box.w[0]->drops.n[DROP_bfd_refused], 1);
	CU_ASSERT_EQUAL(box_count(&box, BOX_A) + box_count(&box, BOX_B), 0);
	box_end(&box);
}

static void
frame_that_comes_to_another_worker_meets_the_same_session(void)
{
	uint32_t disc = 0, again = 0;

	box_begin(&box, 2, "default track\n");
	box_turn(&box);
	CU_ASSERT_EQUAL(answer(BOX_B, 0, DOWN, &disc), INIT);
	CU_ASSERT_EQUAL(answer(BOX_B, 1, DOWN, &again), INIT);
	CU_ASSERT_EQUAL(disc, again);
	CU_ASSERT_EQUAL(answer(BOX_B, 0, UP, &disc), UP);
	box_end(&box);
}

static void
bfd_of_a_guest_crosses(void)
{
	box_begin(&box, 1, "default track\n");
	box_turn(&box);
	ask(BOX_A, 0, DOWN, 0, 2);
	box_turn(&box);
	CU_ASSERT_EQUAL(box_count(&box, BOX_A), 0);
	CU_ASSERT_EQUAL(box_count(&box, BOX_B), 1);
	box_end(&box);
}

static void
tap_does_not_answer(void)
{
	box_begin(&box, 1, "default track\n");
	box_turn(&box);
	ask(BOX_TAP, 0, DOWN, 0, 1);
	box_turn(&box);
	CU_ASSERT_EQUAL(box_count(&box, BOX_TAP) + box_count(&box, BOX_A), 0);
	CU_ASSERT_EQUAL(box_count(&box, BOX_B), 0);
	box_end(&box);
}

static void
one_port_down_silences_both(void)
{
	uint32_t disc = 0;

	box_begin(&box, 1, "default track\n");
	box_turn(&box);
	port_close(box.far[BOX_B]);
	port_poll_link(box.conf.ports->port[BOX_B]);
	CU_ASSERT_EQUAL_FATAL(port_state(box.conf.ports->port[BOX_B]), PORT_DOWN);
	CU_ASSERT_EQUAL(answer(BOX_A, 0, DOWN, &disc), -1);
	CU_ASSERT_EQUAL(box.w[0]->drops.n[DROP_bfd_withheld], 1);
	box_end(&box);
}

static void
worker_that_hangs_silences_all(void)
{
	uint32_t disc = 0;

	box_begin(&box, 2, "default track\n");
	box_turn(&box);
	CU_ASSERT_EQUAL(answer(BOX_A, 0, DOWN, &disc), INIT);
	box.now = usec_add(box.now, box.conf.stall_us + 1);
	ask(BOX_A, 0, DOWN, 0, 1);
	worker_turn(box.w[0], box.now);
	CU_ASSERT_EQUAL(box_count(&box, BOX_A), 0);
	CU_ASSERT_EQUAL(box.w[0]->drops.n[DROP_bfd_withheld], 1);
	box_turn(&box);
	CU_ASSERT_EQUAL(answer(BOX_A, 0, DOWN, &disc), INIT);
	box_end(&box);
}

/* O10 */
static void
draining_takes_no_flow_and_keeps_those_it_has(void)
{
	uint32_t disc = 0;

	box_begin(&box, 1, "rule refused: drop proto tcp port 81\ndefault track\n");
	box_turn(&box);
	box_segment(&frame, false, 40000, 80, TCP_SYN, 0);
	box_send(&box, BOX_A, 0, &frame);
	box_turn(&box);
	CU_ASSERT_EQUAL(worker_n_flows(box.w[0]), 1);
	drain_begin(&box.drain, 0, box.now);
	box_segment(&frame, false, 40001, 80, TCP_SYN, 0);
	box_send(&box, BOX_A, 0, &frame);
	box_segment(&frame, true, 40001, 80, TCP_SYN | TCP_ACK, 0);
	box_send(&box, BOX_B, 0, &frame);
	box_segment(&frame, false, 40002, 81, TCP_SYN, 0);
	box_send(&box, BOX_A, 0, &frame);
	box_segment(&frame, true, 40000, 80, TCP_SYN | TCP_ACK, 0);
	box_send(&box, BOX_B, 0, &frame);
	box_turn(&box);
	CU_ASSERT_EQUAL(worker_n_flows(box.w[0]), 1);
	CU_ASSERT_EQUAL(box_count(&box, BOX_B), 2);
	CU_ASSERT_EQUAL(box_count(&box, BOX_A), 2);
	CU_ASSERT_EQUAL(answer(BOX_A, 0, DOWN, &disc), INIT);
	drain_end(&box.drain);
	box_segment(&frame, false, 40001, 80, TCP_ACK, 0);
	box_send(&box, BOX_A, 0, &frame);
	box_turn(&box);
	CU_ASSERT_EQUAL(worker_n_flows(box.w[0]), 2);
	CU_ASSERT_EQUAL(box_count(&box, BOX_B), 1);
	box_end(&box);
}

/* O10 */
static void
drained_says_so_to_the_switch(void)
{
	uint32_t disc = 0;

	box_begin(&box, 1, "default track\n");
	box_turn(&box);
	CU_ASSERT_EQUAL(answer(BOX_A, 0, DOWN, &disc), INIT);
	CU_ASSERT_EQUAL(answer(BOX_A, 0, UP, &disc), UP);
	drain_begin(&box.drain, 0, box.now);
	CU_ASSERT_FALSE(drain_run(&box.drain, 0, box.now));
	CU_ASSERT_FALSE(drain_run(&box.drain, 1, usec_add(box.now, 3600 * 1000000LL)));
	CU_ASSERT_TRUE(drain_run(&box.drain, 0, usec_add(box.now, 1000000)));
	CU_ASSERT_FALSE(drain_run(&box.drain, 0, usec_add(box.now, 1000000)));
	CU_ASSERT_EQUAL(answer(BOX_A, 0, UP, &disc), 0);
	CU_ASSERT_EQUAL(liveness_state(box.w, 1, BOX_A, box.now), BFD_ADMIN_DOWN);
	drain_end(&box.drain);
	CU_ASSERT_EQUAL(answer(BOX_A, 0, DOWN, &disc), INIT);
	box_end(&box);
}

static void
drain_is_over_at_its_limit(void)
{
	struct drain d = { .phase = DRAIN_OFF };
	usec_t t = { 1000 };

	CU_ASSERT_FALSE(drain_run(&d, 0, t));
	drain_begin(&d, 5000000, t);
	CU_ASSERT_FALSE(drain_run(&d, 3, usec_add(t, 4999999)));
	CU_ASSERT_TRUE(drain_run(&d, 3, usec_add(t, 5000000)));
	CU_ASSERT_EQUAL(drain_phase(&d), DRAIN_DONE);
}

TAP_MAIN(liveness, TAP_TEST(each_port_of_a_pair_answers_for_itself),
	 TAP_TEST(frame_that_comes_to_another_worker_meets_the_same_session),
	 TAP_TEST(bfd_of_a_guest_crosses), TAP_TEST(tap_does_not_answer),
	 TAP_TEST(one_port_down_silences_both), TAP_TEST(worker_that_hangs_silences_all),
	 TAP_TEST(draining_takes_no_flow_and_keeps_those_it_has),
	 TAP_TEST(drained_says_so_to_the_switch), TAP_TEST(drain_is_over_at_its_limit))
