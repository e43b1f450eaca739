/*
 * What a relay's leg acknowledges and offers to the client, segment by segment.
 */
#include "tcpterm/relay.h"
#include "tests/unit/lib/ends.h"
#include "tests/unit/tap.h"

enum { MS = 1000, SECOND = 1000000, MSS = 1460 };

static struct ends e;

static void
send_at(int64_t seq, uint32_t len)
{
	ends_send(&e, 0, &(struct ends_seg){ .seq = seq, .len = len });
}

static void
start(bool sack, int wscale)
{
	ends_init(&e, &(struct ends_conf){ .sack = sack, .wscale = wscale }, true);
}

static const struct conn *
leg(unsigned k)
{
	return &relay_of(ends_flow(&e))->leg[k];
}

static void
marks_are_echoed_until_the_sender_answers(void)
{
	enum { ECT = 2, CE = 3 };

	ends_init(&e, &(struct ends_conf){ .ecn = true }, true);
	ends_send(&e, 0, &(struct ends_seg){ .seq = 0, .len = 100, .tos = ECT });
	ends_run(&e, SECOND);
	CU_ASSERT_FALSE(ends_last(&e, 0)->flags & TCP_ECE);
	ends_send(&e, 0, &(struct ends_seg){ .seq = 100, .len = 100, .tos = CE });
	ends_run(&e, MS);
	CU_ASSERT_TRUE(ends_last(&e, 0)->flags & TCP_ECE);
	CU_ASSERT_FALSE(ends_last(&e, 1)->flags & TCP_ECE);	/* the mark stays on its leg */
	ends_send(&e, 0, &(struct ends_seg){ .seq = 200, .len = 100, .tos = ECT });
	ends_run(&e, SECOND);
	CU_ASSERT_TRUE(ends_last(&e, 0)->flags & TCP_ECE);
	ends_send(&e, 0,
		  &(struct ends_seg){
			  .seq = 300, .len = 100, .tos = ECT, .flags = TCP_ACK | TCP_CWR });
	ends_run(&e, SECOND);
	CU_ASSERT_FALSE(ends_last(&e, 0)->flags & TCP_ECE);
	ends_fini(&e);
}

static void
marks_mean_nothing_where_ecn_was_not_agreed(void)
{
	ends_init(&e, &(struct ends_conf){ 0 }, true);
	ends_send(&e, 0, &(struct ends_seg){ .seq = 0, .len = 100, .tos = 3 });
	ends_run(&e, SECOND);
	CU_ASSERT_FALSE(ends_last(&e, 0)->flags & TCP_ECE);
	ends_fini(&e);
}

static void
unscaled_window_is_never_told_twice(void)
{
	int64_t off = 0;

	start(true, -1);
	for (unsigned i = 0; i < 2000; i++) {	/* all is acknowledged: the limit grows */
		unsigned before = e.n_out = 0;
		int64_t ack = -1;
		uint32_t window = 0;

		send_at(off, MSS);
		send_at(off + MSS, MSS);
		off += 2 * MSS;
		ends_run(&e, MS);
		ends_send(&e, 1, &(struct ends_seg){ .ack = off });
		ends_run(&e, MS);
		for (unsigned k = before; k < e.n_out; k++) {
			if (e.out[k].side != 0)
				continue;
			/* the same again would be a duplicate ACK (RFC 5681 2) */
			CU_ASSERT(e.out[k].ack != ack || e.out[k].window != window);
			ack = e.out[k].ack;
			window = e.out[k].window;
		}
	}
	ends_fini(&e);
}

static void
every_segment_behind_a_hole_gives_a_duplicate_without_sack(void)
{
	unsigned before;

	start(false, -1);
	before = e.n_out;
	for (int i = 1; i <= 5; i++)
		send_at(i * MSS, MSS);
	ends_run(&e, 0);
	CU_ASSERT(ends_count(&e, before, 0) >= 5);
	CU_ASSERT_EQUAL(ends_last(&e, 0)->ack, 0);
	ends_fini(&e);
}

static void
blocks_of_three_holes_are_told(void)
{
	const struct tcpterm_options *o;

	start(true, -1);
	send_at(1 * MSS, MSS);
	send_at(3 * MSS, MSS);
	send_at(5 * MSS, MSS);
	for (int i = 6; i < 12; i++) {
		send_at(i * MSS, MSS);
		ends_run(&e, MS);
	}
	o = &ends_last(&e, 0)->opt;
	CU_ASSERT_EQUAL_FATAL(o->n_sack, 3);	/* RFC 2018 4 */
	CU_ASSERT_EQUAL(o->sack[0].left, ENDS_ISN_CLIENT + 1 + 5 * MSS);
	CU_ASSERT_EQUAL(o->sack[0].right, ENDS_ISN_CLIENT + 1 + 12 * MSS);
	CU_ASSERT_EQUAL(o->sack[1].left, ENDS_ISN_CLIENT + 1 + 3 * MSS);
	CU_ASSERT_EQUAL(o->sack[2].left, ENDS_ISN_CLIENT + 1 + 1 * MSS);
	ends_fini(&e);
}

static void
coarse_window_fills_no_more_than_twice_the_limit(void)
{
	int64_t off = 0;

	start(true, 14);
	for (unsigned i = 0; i < 500; i++) {
		send_at(off, MSS);
		off = leg(0)->rcv.nxt;
		ends_run(&e, MS);
		e.n_out = 0;
	}
	CU_ASSERT(stream_len(leg(0)->rx) <= leg(0)->rcv.limit * 2 + MSS);
	ends_fini(&e);
}

static void
edge_moves_left_by_less_than_a_unit(void)
{
	enum { UNIT = 8 };	/* what a scale of 3 can say: RFC 7323 2.4 */
	int64_t off = 0, edge = 0;

	start(true, 3);
	for (unsigned i = 0; i < 300; i++) {
		unsigned before = e.n_out = 0;

		send_at(off, 1 + i * 37 % MSS);
		off = leg(0)->rcv.nxt;
		ends_run(&e, MS);
		if (i % 3 == 0)
			ends_send(&e, 1, &(struct ends_seg){ .ack = leg(1)->nxt });
		ends_run(&e, 50 * MS);
		for (unsigned k = before; k < e.n_out; k++) {
			const struct ends_out *o = &e.out[k];

			if (o->side == 0) {
				CU_ASSERT(o->ack + o->window > edge - UNIT);
				edge = RTE_MAX(edge, o->ack + o->window);
			}
		}
	}
	CU_ASSERT(edge > 60000);
	ends_fini(&e);
}

static void
scattered_bytes_do_not_hold_the_pool(void)
{
	start(true, -1);
	for (int i = 0; i < 2000; i++)
		send_at(10 + 2 * i, 1);
	ends_run(&e, 0);
	CU_ASSERT(tcpterm_stats(e.stack)->n_held <= 70);
	ends_fini(&e);
}

static void
zero_window_probe_is_answered(void)
{
	unsigned before;

	start(true, -1);
	for (int64_t off = 0; off < 61000; off += MSS)	/* the server takes nothing */
		send_at(off, MSS);
	ends_run(&e, 100 * MS);
	CU_ASSERT_EQUAL(ends_last(&e, 0)->window, 0);
	before = e.n_out;
	send_at(leg(0)->rcv.nxt, 1);		/* a byte beyond it */
	ends_run(&e, 0);
	CU_ASSERT_EQUAL(ends_count(&e, before, 0), 1);
	send_at(leg(0)->rcv.nxt - 1, 0);	/* a number below it */
	ends_run(&e, 0);
	CU_ASSERT_EQUAL(ends_count(&e, before, 0), 2);
	CU_ASSERT_EQUAL(ends_last(&e, 0)->window, 0);
	ends_fini(&e);
}

static void
tsval_is_the_newest_of_the_other_end(void)
{
	struct ends_seg g = { .len = 100, .opt = { .has_ts = true, .tsval = 5000, .tsecr = 200 } };

	ends_init(&e, &(struct ends_conf){ .ts = true, .wscale = -1 }, true);
	ends_send(&e, 0, &g);
	ends_run(&e, MS);
	CU_ASSERT_EQUAL(ends_last(&e, 1)->opt.tsval, 5000);
	CU_ASSERT_EQUAL(ends_last(&e, 0)->opt.tsval, 200);
	CU_ASSERT_EQUAL(ends_last(&e, 0)->opt.tsecr, 5000);
	ends_run(&e, 5 * SECOND);		/* retransmissions: not extrapolated */
	CU_ASSERT_EQUAL(ends_last(&e, 1)->opt.tsval, 5000);
	g.opt.tsval = 4000;			/* PAWS */
	g.seq = 100;
	ends_send(&e, 0, &g);
	ends_run(&e, MS);
	CU_ASSERT_EQUAL(leg(0)->rcv.nxt, 100);
	CU_ASSERT_EQUAL(tcpterm_drops(e.stack)->n[DROP_proxy_paws], 1);
	ends_fini(&e);
}

static void
super_segment_is_relayed_by_reference_in_segments(void)
{
	unsigned before;

	start(true, -1);
	before = e.n_out;
	ends_send(&e, 0, &(struct ends_seg){ .len = 10 * MSS, .pieces = 9 });
	ends_run(&e, 0);
	CU_ASSERT_EQUAL(ends_count(&e, before, 1), 10);
	for (unsigned i = before; i < e.n_out; i++) {
		CU_ASSERT(e.out[i].len <= MSS);
		CU_ASSERT_FALSE(e.out[i].bad);
	}
	CU_ASSERT_EQUAL(tcpterm_stats(e.stack)->copied_bytes, 0);
	ends_fini(&e);
}

static void
chain_of_small_mbufs_is_compacted(void)
{
	unsigned before;

	start(true, -1);
	before = e.n_out;
	ends_send(&e, 0, &(struct ends_seg){ .len = MSS, .pieces = 40 });
	ends_run(&e, 0);
	CU_ASSERT(tcpterm_stats(e.stack)->n_held <= 2);
	CU_ASSERT_EQUAL(ends_count(&e, before, 1), 1);
	CU_ASSERT_FALSE(ends_last(&e, 1)->bad);
	ends_fini(&e);
}

TAP_MAIN(window, TAP_TEST(marks_are_echoed_until_the_sender_answers),
	 TAP_TEST(marks_mean_nothing_where_ecn_was_not_agreed),
	 TAP_TEST(unscaled_window_is_never_told_twice),
	 TAP_TEST(every_segment_behind_a_hole_gives_a_duplicate_without_sack),
	 TAP_TEST(blocks_of_three_holes_are_told),
	 TAP_TEST(coarse_window_fills_no_more_than_twice_the_limit),
	 TAP_TEST(edge_moves_left_by_less_than_a_unit),
	 TAP_TEST(scattered_bytes_do_not_hold_the_pool), TAP_TEST(zero_window_probe_is_answered),
	 TAP_TEST(tsval_is_the_newest_of_the_other_end),
	 TAP_TEST(super_segment_is_relayed_by_reference_in_segments),
	 TAP_TEST(chain_of_small_mbufs_is_compacted))
