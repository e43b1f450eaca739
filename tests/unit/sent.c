/*
 * What is in flight: sums of flags, losses by SACK, entries cut and trimmed.
 */
#include "tcpterm/tcb.h"
#include "tests/unit/tap.h"

enum { LEN = 100 };

static struct tcpterm stack;
static struct conn c;
static struct ackinfo a;

static void
start(uint32_t n_entries, unsigned n)
{
	stack = (struct tcpterm){ .now = { 5 } };
	CU_ASSERT_EQUAL_FATAL(slab_init(&stack.sent, sizeof(struct sent_seg), n_entries), 0);
	c = (struct conn){ .s = &stack, .mss = LEN };
	a = (struct ackinfo){ 0 };
	for (unsigned i = 0; i < n; i++) {
		CU_ASSERT_TRUE(sent_push(&c, c.nxt, LEN));
		c.nxt += LEN;
	}
}

static void
stop(void)
{
	sent_clear(&c);
	CU_ASSERT_EQUAL(stack.sent.n_used, 0);
	CU_ASSERT_EQUAL(c.sent.sacked + c.sent.lost + c.sent.rexmit, 0);
	slab_fini(&stack.sent);
}

static const struct sent_seg *
head(void)
{
	return sent_seg(&c, c.sent.head);
}

static void
sacked_neighbours_become_one_entry(void)
{
	start(64, 10);
	sent_sack(&c, 2 * LEN, 4 * LEN, &a);
	sent_sack(&c, 6 * LEN, 7 * LEN, &a);
	CU_ASSERT_EQUAL(a.sacked, 3 * LEN);
	CU_ASSERT_EQUAL(c.sent.n_sacked, 3);
	CU_ASSERT_EQUAL(stack.sent.n_used, 9);
	CU_ASSERT_EQUAL(sent_pipe(&c), 7 * LEN);
	sent_sack(&c, 2 * LEN, 7 * LEN, &a);	/* what was known is not counted again */
	CU_ASSERT_EQUAL(a.sacked, 5 * LEN);
	CU_ASSERT_EQUAL(a.delivered, 5 * LEN);
	CU_ASSERT_EQUAL(stack.sent.n_used, 6);
	c.una = 8 * LEN;
	a = (struct ackinfo){ .acked = 8 * LEN };
	sent_ack(&c, c.una, &a);
	CU_ASSERT_EQUAL(a.delivered, 3 * LEN);
	CU_ASSERT_EQUAL(c.sent.n_sacked, 0);
	stop();
}

static void
retransmission_is_in_the_pipe_until_it_is_lost_too(void)
{
	struct sent_seg *g;

	start(64, 4);
	sent_lose_all(&c);
	CU_ASSERT_EQUAL(sent_pipe(&c), 0);
	g = sent_next_lost(&c, LEN);
	CU_ASSERT_EQUAL(g->off, 0);
	sent_again(&c, g);
	CU_ASSERT_EQUAL(sent_pipe(&c), LEN);
	CU_ASSERT_EQUAL(sent_next_lost(&c, LEN)->off, LEN);
	sent_lose_all(&c);
	CU_ASSERT_EQUAL(sent_pipe(&c), 0);
	CU_ASSERT_EQUAL(sent_next_lost(&c, LEN)->off, 0);
	stop();
}

static void
cumulative_acknowledgement_trims_an_entry(void)
{
	start(64, 3);
	sent_lose_all(&c);
	c.una = 150;
	sent_ack(&c, 150, &a);
	CU_ASSERT_EQUAL(head()->off, 150);
	CU_ASSERT_EQUAL(head()->len, 50);
	CU_ASSERT_EQUAL(c.sent.lost, 150);
	c.una = 300;
	sent_ack(&c, 300, &a);
	CU_ASSERT_EQUAL(c.sent.head, 0);
	CU_ASSERT_EQUAL(c.sent.tail, 0);
	stop();
}

static void
no_round_trip_comes_from_what_was_sent_twice(void)
{
	start(64, 3);
	sent_lose_head(&c);
	sent_again(&c, sent_next_lost(&c, LEN));
	sent_ack(&c, 300, &a);
	CU_ASSERT_FALSE(a.has_rtt);
	stop();
}

static void
entry_is_cut_to_a_smaller_segment(void)
{
	struct sent_seg *g;

	start(64, 2);
	sent_lose_all(&c);
	g = sent_next_lost(&c, 30);
	CU_ASSERT_EQUAL(g->len, 30);
	CU_ASSERT_EQUAL(sent_seg(&c, g->next)->off, 30);
	CU_ASSERT_EQUAL(sent_seg(&c, g->next)->len, 70);
	CU_ASSERT_TRUE(sent_seg(&c, g->next)->lost);
	CU_ASSERT_EQUAL(c.sent.lost, 200);
	stop();
}

static void
entry_that_cannot_be_cut_is_still_sent(void)
{
	struct sent_seg *g;

	start(2, 2);			/* no slot is left */
	CU_ASSERT_FALSE(sent_push(&c, 200, LEN));
	sent_lose_all(&c);
	g = sent_next_lost(&c, 30);
	CU_ASSERT_PTR_NOT_NULL_FATAL(g);
	CU_ASSERT_EQUAL(g->off, 0);
	CU_ASSERT_EQUAL(g->len, 100);
	stop();
}

static void
receiver_that_reneges_is_not_believed(void)
{
	start(64, 3);
	sent_sack(&c, 0, LEN, &a);	/* its first missing byte */
	CU_ASSERT_TRUE(sent_reneged(&c));
	CU_ASSERT_EQUAL(c.sent.sacked, 0);
	CU_ASSERT_EQUAL(c.sent.lost, 300);
	CU_ASSERT_EQUAL(sent_next_lost(&c, LEN)->off, 0);
	stop();
}

static void
unpush_takes_the_last_entry_back(void)
{
	start(64, 3);
	sent_unpush(&c);
	CU_ASSERT_EQUAL(sent_seg(&c, c.sent.tail)->off, LEN);
	sent_unpush(&c);
	sent_unpush(&c);
	CU_ASSERT_EQUAL(c.sent.head, 0);
	CU_ASSERT_EQUAL(c.sent.tail, 0);
	stop();
}

TAP_MAIN(sent, TAP_TEST(sacked_neighbours_become_one_entry),
	 TAP_TEST(retransmission_is_in_the_pipe_until_it_is_lost_too),
	 TAP_TEST(cumulative_acknowledgement_trims_an_entry),
	 TAP_TEST(no_round_trip_comes_from_what_was_sent_twice),
	 TAP_TEST(entry_is_cut_to_a_smaller_segment),
	 TAP_TEST(entry_that_cannot_be_cut_is_still_sent),
	 TAP_TEST(receiver_that_reneges_is_not_believed),
	 TAP_TEST(unpush_takes_the_last_entry_back))
