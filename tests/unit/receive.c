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
	receive_drained(&c, n, NULL);
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

/* --- how much a relay's buffer holds --- */

enum { LARGE = 4 << 20, CWND = 100 * 1000, ROUNDS = 4000 };

static struct conn far;

/* What comes goes to a connection that may have CWND bytes in flight. */
static void
start_relay(uint32_t limit)
{
	start(7);
	stack.conf.rcv_wnd_max = LARGE;
	c.rcv.limit = limit;
	far = (struct conn){ .tx = &rx, .wnd_edge = INT64_MAX / 2 };
	far.cc.cwnd = far.cc.ssthresh = CWND;
	acknowledge();
}

static void
far_end_acknowledges(int64_t n)
{
	n = RTE_MIN(n, (int64_t)stream_len(&rx));
	rx.start = far.una = far.nxt = rx.start + n;
	receive_drained(&c, (uint64_t)n, &far);
	acknowledge();
}

static void
arrive_all(void)
{
	arrive(offered - c.rcv.nxt);
	acknowledge();
}

static void
what_waits_all_the_time_lowers_the_limit(void)
{
	start_relay(LARGE);
	for (unsigned i = 0; i < ROUNDS; i++) {
		arrive_all();
		far_end_acknowledges(CWND / 4);
		CU_ASSERT(offered == furthest || furthest - offered < 1 << 7);
	}
	CU_ASSERT(stream_len(&rx) < 2 * CWND);
	CU_ASSERT(c.rcv.limit >= CWND + CWND / 2);
	far.cc.ssthresh = UINT32_MAX;	/* its window may double in a round trip */
	far_end_acknowledges(CWND / 4);
	CU_ASSERT(c.rcv.limit >= 2 * CWND);
}

static void
sender_in_lumps_gets_room_for_them(void)
{
	start_relay(CWND);
	for (unsigned i = 0; i < 50; i++) {
		arrive_all();
		while (stream_len(&rx) > 0)
			far_end_acknowledges(CWND / 4);
	}
	CU_ASSERT_EQUAL(c.rcv.limit, LARGE);
}

/* Nothing is ever held, and the window is never used up: only its round trip says whether a sender
 * could use a larger one. */
static void
limit_grows_for_who_may_have_all_of_it_on_the_way(void)
{
	static const struct {
		int64_t us;	/* that half of the limit takes */
		uint32_t srtt, limit;
	} given[] = { { 10000, 10000, LARGE }, { 100000, 10000, 2 * CWND }, { 100000, 0, LARGE } };

	for (unsigned k = 0; k < RTE_DIM(given); k++) {
		start_relay(2 * CWND);
		c.rtt.srtt = given[k].srtt;
		for (unsigned i = 0; i < 100; i++) {
			arrive(c.rcv.limit / 2);
			stack.now = usec_add(stack.now, given[k].us);
			far_end_acknowledges(c.rcv.limit);
		}
		CU_ASSERT_EQUAL(c.rcv.limit, given[k].limit);
	}
}

TAP_MAIN(receive, TAP_TEST(window_closes_at_every_scale),
	 TAP_TEST(window_closes_however_small_the_segments),
	 TAP_TEST(closed_window_is_opened_by_the_reader), TAP_TEST(edge_moves_by_a_segment_or_more),
	 TAP_TEST(edges_stop_above_high_water), TAP_TEST(what_waits_all_the_time_lowers_the_limit),
	 TAP_TEST(sender_in_lumps_gets_room_for_them),
	 TAP_TEST(limit_grows_for_who_may_have_all_of_it_on_the_way))
