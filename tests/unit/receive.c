/*
 * The window offered: its right edge at every window scale, while nobody reads and when
 * somebody does again.
 */
#include "tcpterm/tcb.h"
#include "tests/unit/tap.h"

enum { LIMIT = 100 * 1000, MSS = 1448 };

static struct tcpterm stack;
static struct conn c;
static struct stream rx;
static int64_t offered, furthest;

static void
start(uint8_t shift)
{
	stack = (struct tcpterm){
		.conf = { .rcv_wnd_min = LIMIT, .rcv_wnd_max = LIMIT, .n_held_max = 1000 }
	};
	rx = (struct stream){ 0 };
	tcb_init(&c, &stack, &(struct flow){ 0 }, 0);
	c.rx = &rx;
	c.mss = MSS;
	c.rcv_shift = shift;
	c.is_pending = true;	/* nobody sends in here */
	offered = furthest = 0;
}

static void
acknowledge(void)
{
	offered = c.rcv.nxt + ((int64_t)receive_window(&c, false) << c.rcv_shift);
	furthest = RTE_MAX(furthest, offered);
}

static void
arrive(int64_t n)
{
	c.rcv.nxt += n;
	rx.end = c.rcv.nxt;
}

static void
read_all(void)
{
	uint64_t n = stream_len(&rx);

	rx.start = rx.end;
	receive_drained(&c, n, 0);
}

static void
window_closes_at_every_scale(void)
{
	for (unsigned shift = 0; shift <= TCB_WSCALE_MAX; shift++) {
		int64_t unit = 1LL << shift, limit = RTE_MAX((int64_t)LIMIT, 2 * unit);
		unsigned n = 0;

		start((uint8_t)shift);
		acknowledge();
		for (; offered > c.rcv.nxt && n < 10000; n++) {
			arrive(RTE_MIN((int64_t)MSS, offered - c.rcv.nxt));
			acknowledge();
			CU_ASSERT(offered > furthest - unit);	/* RFC 7323 2.4 */
			CU_ASSERT(c.rcv.adv == furthest);	/* all that was promised is taken */
			CU_ASSERT(c.rcv.adv <= rx.start + limit + unit);
		}
		CU_ASSERT(n < 10000);
		CU_ASSERT(stream_len(&rx) >= (uint32_t)(RTE_MIN(limit, 65535LL << shift) - unit));
	}
}

static void
window_closes_however_small_the_segments(void)
{
	for (unsigned shift = 0; shift <= TCB_WSCALE_MAX; shift++) {
		unsigned n = 0;

		start((uint8_t)shift);
		acknowledge();
		for (; offered > c.rcv.nxt && n < 10 * LIMIT; n++) {
			arrive(1);
			acknowledge();
		}
		CU_ASSERT(n <= LIMIT + (2u << shift));
	}
}

static void
closed_window_is_opened_by_the_reader(void)
{
	for (unsigned shift = 0; shift <= TCB_WSCALE_MAX; shift++) {
		start((uint8_t)shift);
		acknowledge();
		while (offered > c.rcv.nxt) {
			arrive(RTE_MIN((int64_t)MSS, offered - c.rcv.nxt));
			acknowledge();
		}
		c.rcv.ack_now = false;
		read_all();
		CU_ASSERT_TRUE(c.rcv.ack_now);
		acknowledge();
		CU_ASSERT(offered - c.rcv.nxt >= MSS);
	}
}

/* RFC 9293 3.8.6.2.2 */
static void
edge_moves_by_a_segment_or_more(void)
{
	int64_t before;

	start(0);
	c.rcv.limit = 60000;
	acknowledge();
	arrive(offered);
	acknowledge();
	before = offered;
	rx.start += MSS - 1;
	acknowledge();
	CU_ASSERT_EQUAL(offered, before);
	rx.start += 1;
	acknowledge();
	CU_ASSERT_EQUAL(offered, before + MSS);
}

static void
edges_stop_above_high_water(void)
{
	for (unsigned shift = 0; shift <= TCB_WSCALE_MAX; shift++) {
		start((uint8_t)shift);
		acknowledge();
		stack.stats.n_held = 900;
		for (int64_t was = c.rcv.adv; c.rcv.nxt < was; acknowledge()) {
			arrive(RTE_MIN((int64_t)100, was - c.rcv.nxt));
			read_all();
			CU_ASSERT_EQUAL(c.rcv.adv, was);
		}
		CU_ASSERT_EQUAL(offered, c.rcv.nxt);
	}
}

TAP_MAIN(receive, TAP_TEST(window_closes_at_every_scale),
	 TAP_TEST(window_closes_however_small_the_segments),
	 TAP_TEST(closed_window_is_opened_by_the_reader), TAP_TEST(edge_moves_by_a_segment_or_more),
	 TAP_TEST(edges_stop_above_high_water))
