/*
 * How large a segment may be: ports, tags, tuning, ICMP over IPv6, black holes step by step, and
 * the search upwards.
 */
#include "tcpterm/tcb.h"
#include "tests/unit/tap.h"

enum { SECOND = 1000 * 1000 };

static struct tcpterm stack;
static struct conn c;
static struct flow flow;
static struct stream rx, tx;

static void
start(bool v6)
{
	stack = (struct tcpterm){ .conf = { .mtu = { 1500, 1400 }, .n_held_max = 1000 } };
	CU_ASSERT_EQUAL_FATAL(slab_init(&stack.sent, sizeof(struct sent_seg), 64), 0);
	flow = (struct flow){ 0 };
	flow.key.v6 = v6;
	tcb_init(&c, &stack, &flow, 0);
	c.rx = &rx;
	c.tx = &tx;
	c.is_pending = true;	/* nobody sends in here */
}

static void
stop(void)
{
	sent_clear(&c);
	slab_fini(&stack.sent);
}

static uint16_t
agreed(uint16_t peer_mss, bool ts)
{
	const struct tcpterm_options peer = { .has_mss = true, .mss = peer_mss, .has_ts = ts };
	const struct tcpterm_options ours = { .has_ts = true };

	tcb_agree(&c, &peer, &ours);
	return c.mss;
}

static void
one_in_flight(void)
{
	CU_ASSERT_TRUE_FATAL(sent_push(&c, 0, c.mss));
	c.nxt = tx.end = c.mss;
	c.wnd_edge = 65535;
}

static bool
icmp6(uint32_t mtu)
{
	const struct pkt p = {
		.is_v6 = true, .icmp_type = 2, .icmp_mtu = mtu, .seq = seq_of(c.iss, 0).v
	};

	return pmtu_icmp(&c, &p);
}

static void
each_port_bounds_what_leaves_by_it(void)
{
	start(false);
	CU_ASSERT_EQUAL(agreed(9000, false), 1460);
	CU_ASSERT_EQUAL(agreed(9000, true), 1448);
	CU_ASSERT_EQUAL(agreed(536, false), 536);
	flow.l2[0].side = 1;
	CU_ASSERT_EQUAL(agreed(9000, false), 1360);
	stop();
}

static void
tags_are_taken_off_the_ports_mtu(void)
{
	start(false);
	flow.l2[0].n_tags = 1;
	CU_ASSERT_EQUAL(agreed(9000, false), 1456);
	flow.l2[1].n_tags = 3;
	CU_ASSERT_EQUAL(agreed(9000, true), 1436);
	stop();
}

static void
rule_bounds_the_size(void)
{
	start(false);
	c.tuning.mss = 1000;
	CU_ASSERT_EQUAL(agreed(9000, false), 1000);
	CU_ASSERT_EQUAL(agreed(9000, true), 988);	/* RFC 6691 */
	CU_ASSERT_EQUAL(agreed(600, false), 600);
	stop();
}

/* RFC 8201 4 */
static void
ipv6_is_never_lowered_below_its_least(void)
{
	start(true);
	CU_ASSERT_EQUAL(agreed(9000, false), 1440);
	one_in_flight();
	CU_ASSERT_TRUE(icmp6(1279));
	CU_ASSERT_EQUAL(c.mss, 1440);
	CU_ASSERT_TRUE(icmp6(0));
	CU_ASSERT_EQUAL(c.mss, 1440);
	CU_ASSERT_TRUE(icmp6(1280));
	CU_ASSERT_EQUAL(c.mss, 1220);
	CU_ASSERT_EQUAL(c.sent.lost, 1440);
	CU_ASSERT_EQUAL(stack.stats.pmtu_lowered, 1);
	stop();
}

static void
timeouts(unsigned first, unsigned last)
{
	for (unsigned n = first; n <= last; n++) {
		c.rtt.backoff = (uint8_t)(n - 1);
		pmtu_timeout(&c);
	}
}

static void
size_that_does_not_help_is_given_back(void)
{
	start(false);
	agreed(9000, false);
	one_in_flight();
	timeouts(1, 2);
	CU_ASSERT_EQUAL(c.mss, 1460);
	timeouts(3, 4);
	CU_ASSERT_EQUAL(c.mss, 1024);
	timeouts(5, 6);
	CU_ASSERT_EQUAL(c.mss, 512);
	timeouts(7, 7);
	CU_ASSERT_EQUAL(c.mss, 1460);	/* an outage, not a black hole */
	CU_ASSERT_EQUAL(stack.stats.black_holes, 1);
	stop();
}

/* After a timeout the window is one segment, of the size tried then. */
static void
window_is_a_full_segment_when_size_is_given_back(void)
{
	start(false);
	agreed(9000, false);
	one_in_flight();
	timeouts(1, 3);
	c.cc.cwnd = c.mss;
	stack.now = usec_add(stack.now, 10 * SECOND);
	pmtu_raise(&c);
	CU_ASSERT_EQUAL(c.mss, 1024);	/* not while nothing arrives */
	c.rtt.backoff = 0;
	pmtu_raise(&c);
	CU_ASSERT_EQUAL(c.mss, 1460);
	CU_ASSERT_EQUAL(c.cc.cwnd, 1460);
	stop();
}

/* A black hole that stays is asked less and less often. */
static void
full_size_is_tried_again_ever_later(void)
{
	int64_t wait[] = { 10, 20, 40, 80, 160, 320, 600, 600 };

	start(false);
	agreed(9000, false);
	one_in_flight();
	for (unsigned i = 0; i < RTE_DIM(wait); i++) {
		timeouts(1, 3);
		CU_ASSERT_EQUAL(c.mss, 1024);
		c.rtt.backoff = 0;
		stack.now = usec_add(stack.now, wait[i] * SECOND - 1);
		pmtu_raise(&c);
		CU_ASSERT_EQUAL(c.mss, 1024);
		stack.now = usec_add(stack.now, 1);
		pmtu_raise(&c);
		CU_ASSERT_EQUAL(c.mss, 1460);
	}
	stop();
}

static void
small_segments_and_closed_windows_are_no_black_holes(void)
{
	start(false);
	agreed(1000, false);
	one_in_flight();
	timeouts(1, 7);
	CU_ASSERT_EQUAL(c.mss, 1000);
	stop();
	start(false);
	agreed(9000, false);
	one_in_flight();
	c.wnd_edge = c.una;
	timeouts(1, 7);
	CU_ASSERT_EQUAL(c.mss, 1460);
	CU_ASSERT_EQUAL(stack.stats.black_holes, 0);
	stop();
}

/* --- the search: 65,535 bytes wait, and the window holds them --- */

static void
much_to_send(bool v6, uint16_t peer_mss)
{
	const struct tcpterm_options peer = { .has_mss = true,
					      .mss = peer_mss,
					      .sack_permitted = true };
	const struct tcpterm_options ours = { .sack_permitted = true };

	start(v6);
	tcb_agree(&c, &peer, &ours);
	cc_init(&c, cc_find("reno"));
	tx.end = 1 << 20;
	c.wnd_edge = c.cc.cwnd = 65535;
}

/* A full segment meets a black hole there. */
static void
stall(bool v6)
{
	much_to_send(v6, 9000);
	CU_ASSERT_TRUE_FATAL(sent_push(&c, 0, c.mss));
	c.nxt = c.mss;
	timeouts(1, 3);
}

static void
all_arrives(void)
{
	sent_clear(&c);
	c.una = c.nxt;
}

/* A probe, if one is due, that arrives at a path that bears `most`, or is lost; its size. */
static uint16_t
probe(uint16_t most)
{
	uint16_t size = pmtu_probe(&c);
	struct sent_seg *g;

	if (size == 0)
		return 0;
	CU_ASSERT_TRUE_FATAL(sent_push(&c, c.nxt, size));
	g = sent_seg(&c, c.sent.tail);
	pmtu_probe_sent(&c, c.nxt, size);
	c.nxt += size;
	c.wnd_edge += size;
	CU_ASSERT_EQUAL(pmtu_probe(&c), 0);	/* one at a time */
	if (size <= most)
		pmtu_arrived(&c, g);
	else
		CU_ASSERT_TRUE(pmtu_lost(&c, g));
	c.una = c.nxt;
	sent_clear(&c);
	return size;
}

static void
any_size_is_found_in_few_probes(void)
{
	for (unsigned v6 = 0; v6 < 2; v6++)
		for (uint16_t most = 1220; most <= 1440; most++) {
			unsigned n = 0;

			stall(v6);
			all_arrives();
			while (probe(most))
				n++;
			CU_ASSERT(c.mss <= most);
			CU_ASSERT(c.mss + 16 > most || c.mss == c.pmtu.full);
			CU_ASSERT(n <= 18);
			CU_ASSERT_EQUAL(stack.stats.pmtu_probes, n);
			stop();
		}
}

static void
search_that_failed_comes_again_ever_later(void)
{
	const int64_t wait[] = { 20, 40, 80, 160, 320, 600, 600 };

	stall(false);
	all_arrives();
	for (unsigned i = 0; i < RTE_DIM(wait); i++) {
		while (probe(1024))
			;
		CU_ASSERT_EQUAL(c.mss, 1024);
		stack.now = usec_add(stack.now, wait[i] * SECOND - 1);
		CU_ASSERT_EQUAL(pmtu_probe(&c), 0);
		stack.now = usec_add(stack.now, 1);
		CU_ASSERT_EQUAL(pmtu_probe(&c), 1460);
	}
	CU_ASSERT_EQUAL(probe(1460), 1460);
	CU_ASSERT_EQUAL(c.mss, 1460);
	CU_ASSERT_EQUAL(probe(1460), 0);
	stop();
}

static void
outage_costs_one_probe(void)
{
	stall(false);
	CU_ASSERT_EQUAL(c.mss, 1024);
	all_arrives();
	CU_ASSERT_EQUAL(probe(1460), 1460);
	CU_ASSERT_EQUAL(c.mss, 1460);
	CU_ASSERT_EQUAL(stack.stats.pmtu_raised, 1);
	stop();
}

/* What an earlier stall found is what it goes back to, not the full size. */
static void
outage_after_a_search_leaves_what_was_found(void)
{
	stall(false);
	all_arrives();
	while (probe(1300))
		;
	CU_ASSERT(c.mss > 1284 && c.mss <= 1300);
	CU_ASSERT_TRUE_FATAL(sent_push(&c, c.nxt, c.mss));
	c.nxt += c.mss;
	timeouts(1, 7);
	CU_ASSERT(c.mss > 1284 && c.mss <= 1300);
	stop();
}

static void
nothing_is_probed_where_its_loss_would_tell_late(void)
{
	stall(false);
	CU_ASSERT_EQUAL(pmtu_probe(&c), 0);	/* something is lost */
	all_arrives();
	c.rec.state = RECOVER_LOSS;
	CU_ASSERT_EQUAL(pmtu_probe(&c), 0);
	c.rec.state = RECOVER_OPEN;
	tx.end = c.nxt + 1460 + 3 * 1024 - 1;
	CU_ASSERT_EQUAL(pmtu_probe(&c), 0);
	tx.end++;
	c.cc.cwnd = 1460 + 3 * 1024 - 1;
	CU_ASSERT_EQUAL(pmtu_probe(&c), 0);
	c.cc.cwnd++;
	c.wnd_edge = tx.end - 1;
	CU_ASSERT_EQUAL(pmtu_probe(&c), 0);
	c.wnd_edge++;
	CU_ASSERT_EQUAL(pmtu_probe(&c), 1460);
	stop();
}

/* Wherever the numbers wrap. */
static void
probe_is_known_beyond_4_gb(void)
{
	much_to_send(false, 9000);
	c.una = c.nxt = UINT32_MAX - 700;
	tx.end += c.nxt;
	c.wnd_edge += c.nxt;
	c.pmtu.lowered = true;
	c.mss = 1024;
	CU_ASSERT_EQUAL(probe(1460), 1460);
	CU_ASSERT_EQUAL(c.mss, 1460);
	stop();
}

TAP_MAIN(pmtu, TAP_TEST(each_port_bounds_what_leaves_by_it),
	 TAP_TEST(tags_are_taken_off_the_ports_mtu), TAP_TEST(rule_bounds_the_size),
	 TAP_TEST(ipv6_is_never_lowered_below_its_least),
	 TAP_TEST(size_that_does_not_help_is_given_back),
	 TAP_TEST(window_is_a_full_segment_when_size_is_given_back),
	 TAP_TEST(full_size_is_tried_again_ever_later),
	 TAP_TEST(small_segments_and_closed_windows_are_no_black_holes),
	 TAP_TEST(any_size_is_found_in_few_probes),
	 TAP_TEST(search_that_failed_comes_again_ever_later), TAP_TEST(outage_costs_one_probe),
	 TAP_TEST(outage_after_a_search_leaves_what_was_found),
	 TAP_TEST(nothing_is_probed_where_its_loss_would_tell_late),
	 TAP_TEST(probe_is_known_beyond_4_gb))
