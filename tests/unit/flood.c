/*
 * What a SYN meets while handshakes leave no room (RFC 4987 3), on one stack whose frames
 * are looked at one by one: when that begins and ends, what each rule does then, and that no flood
 * takes more than its room.
 */
#include <stdio.h>
#include <string.h>

#include <rte_byteorder.h>

#include <tcpterm/conn.h>

#include "datapath/pool.h"
#include "tcpterm/options.h"
#include "tests/unit/eal.h"
#include "tests/unit/frame.h"
#include "tests/unit/tap.h"

enum { N_EMBRYOS = 64, PRESSED = 48, RELIEVED = 32, SECOND = 1000000, ISN = 1000, SRV_ISN = 7000 };

static struct pools pools;
static struct tcpterm *stack;
static usec_t now;
static struct tcpterm_verdict verdict;
static unsigned n_tx, n_forwarded, n_ended, n_evicted, n_established;
static struct pkt last;			/* the latest frame that left; its mbuf is gone */
static struct tcpterm_options last_options;
static struct pkt to[2];		/* and the latest to each side */
static struct frame frame;

static void
note(struct rte_mbuf *m, uint8_t side)
{
	struct parse_conf conf = { .side = side };

	CU_ASSERT_EQUAL(pkt_parse(&last, m, &conf), PKT_TCP);
	CU_ASSERT_FALSE(last.cksum_bad);
	options_parse(rte_pktmbuf_mtod_offset(m, const uint8_t *, last.l4 + 20), last.opt_len,
		      &last_options);
	rte_pktmbuf_free(m);
	to[side] = last;
}

static void
on_tx(void *ctx, uint16_t domain, uint8_t side, struct rte_mbuf *m)
{
	(void)ctx;
	(void)domain;
	n_tx++;
	note(m, side);
}

static void
on_forward(void *ctx, const struct pkt *p)
{
	(void)ctx;
	n_forwarded++;
	note(p->m, !p->side);
}

static void
on_end(void *ctx, struct flow *f)
{
	(void)ctx;
	n_ended++;
	n_evicted += f->end == TCPTERM_END_EVICTED;
}

static struct tcpterm_verdict
filter(void *ctx, const struct tcpterm_syn *syn)
{
	(void)ctx;
	(void)syn;
	return verdict;
}

static struct tcpterm_verdict
unknown(void *ctx, const struct pkt *p)
{
	(void)ctx;
	(void)p;
	return verdict;
}

static void
on_established(void *ctx, struct flow *f)
{
	(void)ctx;
	(void)f;
	n_established++;
}

static void
start_with(enum tcpterm_decision decision, enum tcpterm_flood flood, uint32_t n_flows)
{
	static const struct tcpterm_ops ops = {
		.tx = on_tx, .forward = on_forward, .unknown = unknown, .flow_end = on_end
	};
	static const struct tcpterm_conn_ops conn_ops = { .established = on_established };
	struct pool_conf pool = { .n_frames = 255, .n_headers = 511 };
	struct tcpterm_listener_conf l = {
		.select = { .any_domain = true,
			    .dst_port = { 0, 65535 },
			    .src_port = { 0, 65535 } },
		.filter = filter,
	};
	struct tcpterm_conf conf = { .ops = &ops, .n_flows = n_flows, .n_embryos = N_EMBRYOS };
	tcpterm_listener_id id;

	CU_ASSERT_EQUAL_FATAL(test_eal_init(), 0);
	CU_ASSERT_EQUAL_FATAL(pools_new(&pools, &pool, NULL), 0);
	conf.payload_pool = pools.frames;
	conf.header_pool = pools.headers;
	now = (usec_t){ SECOND };
	n_tx = n_forwarded = n_ended = n_evicted = n_established = 0;
	verdict = (struct tcpterm_verdict){ .decision = decision, .flood = (uint8_t)flood };
	stack = tcpterm_new(&conf, now, NULL);
	CU_ASSERT_PTR_NOT_NULL_FATAL(stack);
	tcpterm_set_conn_ops(stack, &conn_ops, NULL);
	CU_ASSERT_EQUAL_FATAL(tcpterm_listen(stack, &l, &id), 0);
}

static void
start(enum tcpterm_decision decision, enum tcpterm_flood flood)
{
	start_with(decision, flood, 256);
}

static void
stop(void)
{
	tcpterm_free(stack);
	CU_ASSERT_EQUAL(pool_in_use(pools.frames), 0);
	CU_ASSERT_EQUAL(pool_in_use(pools.headers), 0);
	CU_ASSERT_EQUAL(test_mbufs_live(), 0);
	pools_free(&pools);
}

static const struct tcpterm_stats *
stats(void)
{
	return tcpterm_stats(stack);
}

static unsigned
flows(enum tcpterm_kind kind)
{
	return stats()->n_flows[kind];
}

static void
wait(int64_t us)
{
	now = usec_add(now, us);
	tcpterm_run(stack, now);
}

static void
feed(uint8_t side)
{
	struct parse_conf conf = { .side = side };
	struct pkt p;

	CU_ASSERT_EQUAL(pkt_parse(&p, frame_mbuf(&frame), &conf), PKT_TCP);
	tcpterm_input(stack, &p, 1, now);
	tcpterm_run(stack, now);
}

/* A segment of client `n`, which is at 10.64.0.0 + n, or of its server to it. */
static void
segment_with(uint32_t n, bool from_server, uint16_t flags, uint32_t seq, uint32_t ack,
	     const uint8_t *options, size_t options_len, size_t payload_len)
{
	char client[16];
	const char *server = "198.51.100.9";

	snprintf(client, sizeof client, "10.64.%u.%u", n >> 8 & 255, n & 255);
	frame_init(&frame);
	frame_ether(&frame, 0x0800);
	frame_ip4(&frame, from_server ? server : client, from_server ? client : server, 6, NULL, 0);
	frame_tcp(&frame, from_server ? 443 : 40000, from_server ? 40000 : 443, seq, ack, flags,
		  60000, options, options_len);
	frame_fill(&frame, payload_len);
	frame_end(&frame);
	feed(from_server);
}

static const uint8_t mss_1400[4] = { 2, 4, 5, 120 }, mss_536[4] = { 2, 4, 2, 24 };

static void
segment(uint32_t n, bool from_server, uint16_t flags, uint32_t seq, uint32_t ack)
{
	segment_with(n, from_server, flags, seq, ack, mss_1400, flags & TCP_SYN ? 4 : 0, 0);
}

static void
syn(uint32_t n)
{
	segment(n, false, TCP_SYN, ISN + n, 0);
}

/* So many handshakes that the next one has no room. */
static void
press(void)
{
	for (unsigned n = 0; n < PRESSED; n++)
		syn(n);
	CU_ASSERT_EQUAL(flows(TCPTERM_KIND_EMBRYO), PRESSED);
	CU_ASSERT_EQUAL(stats()->floods, 0);
}

static void
refuse(uint32_t n)
{
	segment(n, true, TCP_RST | TCP_ACK, 0, ISN + n + 1);
}

static void
pressure_begins_at_three_quarters_and_ends_at_a_half(void)
{
	uint32_t n = 1000;

	start(TCPTERM_RELAY, TCPTERM_FLOOD_PASS);
	press();
	syn(n++);
	CU_ASSERT_EQUAL(stats()->floods, 1);
	CU_ASSERT_EQUAL(stats()->flood_passed, 1);
	CU_ASSERT_EQUAL(flows(TCPTERM_KIND_EMBRYO), PRESSED);
	for (unsigned i = 0; i < PRESSED - RELIEVED - 1; i++)
		refuse(i);
	syn(n++);	/* one above a half: nothing has changed */
	CU_ASSERT_EQUAL(stats()->flood_passed, 2);
	CU_ASSERT_EQUAL(flows(TCPTERM_KIND_EMBRYO), RELIEVED + 1);
	refuse(40);
	syn(n++);
	CU_ASSERT_EQUAL(stats()->flood_passed, 2);
	CU_ASSERT_EQUAL(flows(TCPTERM_KIND_EMBRYO), RELIEVED + 1);
	CU_ASSERT_EQUAL(stats()->floods, 1);
	for (unsigned i = 0; i < PRESSED; i++)
		syn(n++);
	CU_ASSERT_EQUAL(stats()->floods, 2);
	stop();
}

static void
handshakes_that_end_relieve_as_refusals_do(void)
{
	start(TCPTERM_RELAY, TCPTERM_FLOOD_PASS);
	press();
	syn(1000);
	wait(80LL * SECOND);	/* nobody answered them */
	CU_ASSERT_EQUAL(flows(TCPTERM_KIND_EMBRYO), 0);
	CU_ASSERT_EQUAL(stats()->embryos_expired, PRESSED);
	syn(1001);
	CU_ASSERT_EQUAL(flows(TCPTERM_KIND_EMBRYO), 1);
	CU_ASSERT_EQUAL(stats()->flood_passed, 1);
	stop();
}

static void
passed_syn_is_untouched_and_its_connection_is_followed_from_its_ack(void)
{
	start(TCPTERM_RELAY, TCPTERM_FLOOD_PASS);
	press();
	n_forwarded = n_tx = 0;
	syn(1000);
	CU_ASSERT_EQUAL(n_forwarded, 1);
	CU_ASSERT_EQUAL(last.flags, TCP_SYN);
	segment(1000, true, TCP_SYN | TCP_ACK, SRV_ISN, ISN + 1001);
	CU_ASSERT_EQUAL(n_forwarded, 2);
	CU_ASSERT_EQUAL(last.seq, SRV_ISN);
	CU_ASSERT_EQUAL(flows(TCPTERM_KIND_TRACK), 0);	/* a flood's answers make none either */
	segment(1000, false, TCP_ACK, ISN + 1001, SRV_ISN + 1);
	CU_ASSERT_EQUAL(n_forwarded, 3);
	CU_ASSERT_EQUAL(flows(TCPTERM_KIND_TRACK), 1);
	CU_ASSERT_EQUAL(n_tx, 0);
	stop();
}

static void
dropped_syn_is_let_in_when_it_comes_again(void)
{
	start(TCPTERM_RELAY, TCPTERM_FLOOD_DROP);
	press();
	n_forwarded = 0;
	syn(1000);
	CU_ASSERT_EQUAL(n_forwarded, 0);
	CU_ASSERT_EQUAL(tcpterm_drops(stack)->n[DROP_flood], 1);
	wait(SECOND);
	segment(1000, false, TCP_SYN, 77, 0);	/* another handshake of the same ends */
	syn(1001);
	CU_ASSERT_EQUAL(n_forwarded, 0);
	CU_ASSERT_EQUAL(tcpterm_drops(stack)->n[DROP_flood], 3);
	syn(1000);
	CU_ASSERT_EQUAL(n_forwarded, 1);
	CU_ASSERT_EQUAL(flows(TCPTERM_KIND_EMBRYO), PRESSED + 1);
	segment(1000, true, TCP_SYN | TCP_ACK, SRV_ISN, ISN + 1001);
	segment(1000, false, TCP_ACK, ISN + 1001, SRV_ISN + 1);
	CU_ASSERT_EQUAL(flows(TCPTERM_KIND_RELAY), 1);
	stop();
}

static void
dropped_syn_is_forgotten_after_four_seconds_and_not_before_two(void)
{
	start(TCPTERM_RELAY, TCPTERM_FLOOD_DROP);
	press();
	syn(1000);
	wait(SECOND);
	syn(1001);
	wait(SECOND - 1000);
	syn(1000);
	CU_ASSERT_EQUAL(flows(TCPTERM_KIND_EMBRYO), PRESSED + 1);
	wait(3 * SECOND + 2000);
	syn(1001);
	CU_ASSERT_EQUAL(flows(TCPTERM_KIND_EMBRYO), PRESSED + 1);
	CU_ASSERT_EQUAL(tcpterm_drops(stack)->n[DROP_flood], 3);
	stop();
}

static void
oldest_handshake_makes_room_and_its_connection_goes_on(void)
{
	start(TCPTERM_RELAY, TCPTERM_FLOOD_DROP);
	press();
	segment(0, true, TCP_SYN | TCP_ACK, SRV_ISN, ISN + 1);
	for (uint32_t n = 1000; n < 1000 + N_EMBRYOS - PRESSED + 3; n++) {
		syn(n);
		syn(n);
	}
	CU_ASSERT_EQUAL(flows(TCPTERM_KIND_EMBRYO), N_EMBRYOS);
	CU_ASSERT_EQUAL(stats()->embryos_evicted, 3);
	CU_ASSERT_EQUAL(n_evicted, 3);
	CU_ASSERT_EQUAL(tcpterm_drops(stack)->n[DROP_no_memory], 0);
	n_forwarded = 0;
	segment(0, false, TCP_ACK, ISN + 1, SRV_ISN + 1);
	CU_ASSERT_EQUAL(n_forwarded, 1);
	CU_ASSERT_EQUAL(flows(TCPTERM_KIND_TRACK), 1);
	stop();
}

static void
deferred_syn_can_be_evicted_too(void)
{
	start(TCPTERM_DEFER, TCPTERM_FLOOD_DROP);
	verdict.defer_us = 60LL * SECOND;
	verdict.on_expiry = TCPTERM_SILENT;
	syn(0);
	CU_ASSERT_EQUAL(stats()->n_held, 1);
	verdict.decision = TCPTERM_RELAY;
	for (uint32_t n = 1; n <= N_EMBRYOS; n++) {
		syn(n);
		syn(n);
	}
	CU_ASSERT_EQUAL(stats()->embryos_evicted, 1);
	CU_ASSERT_EQUAL(stats()->n_held, 0);
	CU_ASSERT_EQUAL(flows(TCPTERM_KIND_EMBRYO), N_EMBRYOS);
	stop();
}

static void
cookie_answers_and_keeps_nothing(void)
{
	uint32_t cookie;

	start(TCPTERM_RELAY, TCPTERM_FLOOD_COOKIE);
	press();
	n_forwarded = 0;
	syn(1000);
	CU_ASSERT_EQUAL(n_forwarded, 0);
	CU_ASSERT_EQUAL(n_tx, 1);
	CU_ASSERT_EQUAL(last.flags, TCP_SYN | TCP_ACK);
	CU_ASSERT_EQUAL(last.side, 0);
	CU_ASSERT_EQUAL(last.ack, ISN + 1001);
	CU_ASSERT_EQUAL(stats()->cookies_sent, 1);
	CU_ASSERT_EQUAL(flows(TCPTERM_KIND_EMBRYO), PRESSED);
	cookie = last.seq;
	segment(1000, false, TCP_ACK, ISN + 1001, cookie);	/* one too few */
	CU_ASSERT_EQUAL(stats()->cookies_taken, 0);
	CU_ASSERT_EQUAL(stats()->cookies_bad, 1);
	segment(1001, false, TCP_ACK, ISN + 1001, cookie + 1);	/* another's */
	CU_ASSERT_EQUAL(stats()->cookies_taken, 0);
	segment(1000, false, TCP_ACK, ISN + 1001, cookie + 1);
	/* the wrong one is followed: it may be of a connection that was here before us */
	CU_ASSERT_EQUAL(flows(TCPTERM_KIND_TRACK), 2);
	CU_ASSERT_EQUAL(flows(TCPTERM_KIND_RELAY), 0);
	stop();
}

static void
answered_cookie_connects_to_the_server_by_the_clients_number(void)
{
	start(TCPTERM_RELAY, TCPTERM_FLOOD_COOKIE);
	press();
	syn(1000);
	segment(1000, false, TCP_ACK, ISN + 1001, last.seq + 1);
	CU_ASSERT_EQUAL(flows(TCPTERM_KIND_RELAY), 1);
	CU_ASSERT_EQUAL(stats()->cookies_taken, 1);
	CU_ASSERT_EQUAL(last.flags & ~(TCP_ECE | TCP_CWR), TCP_SYN);
	CU_ASSERT_EQUAL(last.side, 1);
	CU_ASSERT_EQUAL(last.seq, ISN + 1000);
	stop();
}

/* The client's numbers and options were agreed before the server had a say. */
static void
server_with_fewer_options_is_believed(void)
{
	uint8_t o[20] = { 2, 4, 5, 0xb4, 4, 2, 8, 10, 0, 0, 1, 1, 0, 0, 0, 0, 1, 3, 3, 7 };
	uint32_t cookie, tsecr;

	start(TCPTERM_RELAY, TCPTERM_FLOOD_COOKIE);
	press();
	segment_with(1000, false, TCP_SYN, ISN, 0, o, sizeof o, 0);
	CU_ASSERT_EQUAL_FATAL(last.opt_len, 20);
	cookie = last.seq;
	tsecr = rte_cpu_to_be_32(last_options.tsval);
	memcpy(o, "\1\1\10\12\0\0\1\2", 8);
	memcpy(o + 8, &tsecr, 4);
	segment_with(1000, false, TCP_ACK, ISN + 1, cookie + 1, o, 12, 1000);
	CU_ASSERT_EQUAL(to[1].seq, ISN);
	CU_ASSERT_EQUAL(to[1].opt_len, 20);	/* of the server everything is asked */
	n_tx = 0;
	segment_with(1000, true, TCP_SYN | TCP_ACK, SRV_ISN, ISN + 1, mss_536, 4, 0);
	CU_ASSERT_EQUAL(n_tx, 2);		/* 1000 bytes by 536 */
	CU_ASSERT_EQUAL(to[1].opt_len, 0);
	CU_ASSERT_EQUAL(to[1].seq, ISN + 1 + 536);
	CU_ASSERT_EQUAL(to[1].ack, SRV_ISN + 1);
	CU_ASSERT_EQUAL(to[1].payload_len, 464);
	segment_with(1000, true, TCP_ACK | TCP_PSH, SRV_ISN + 1, ISN + 1001, NULL, 0, 100);
	CU_ASSERT_EQUAL(to[0].opt_len, 12);
	CU_ASSERT_EQUAL(to[0].seq, cookie + 1);
	CU_ASSERT_EQUAL(to[0].ack, ISN + 1001);
	CU_ASSERT_EQUAL(to[0].payload_len, 100);
	stop();
}

static void
server_that_refuses_is_a_reset_for_the_client(void)
{
	uint32_t cookie;

	start(TCPTERM_RELAY, TCPTERM_FLOOD_COOKIE);
	press();
	syn(1000);
	cookie = last.seq;
	segment(1000, false, TCP_ACK, ISN + 1001, cookie + 1);
	segment(1000, true, TCP_RST | TCP_ACK, 0, ISN + 1000);	/* not of our SYN */
	CU_ASSERT_EQUAL(flows(TCPTERM_KIND_RELAY), 1);
	n_tx = 0;
	refuse(1000);
	CU_ASSERT_EQUAL(n_tx, 1);
	CU_ASSERT(last.flags & TCP_RST);
	CU_ASSERT_EQUAL(last.side, 0);
	CU_ASSERT_EQUAL(last.seq, cookie + 1);
	CU_ASSERT_EQUAL(flows(TCPTERM_KIND_RELAY), 0);
	stop();
}

/* Nobody is honest. */
static void
no_flood_takes_more_than_its_room(void)
{
	static const enum tcpterm_flood all[] = { TCPTERM_FLOOD_PASS, TCPTERM_FLOOD_COOKIE,
						  TCPTERM_FLOOD_DROP };
	const uint32_t n_syns = 20000;

	for (unsigned i = 0; i < 3; i++) {
		uint32_t most = 0;

		start(TCPTERM_RELAY, all[i]);
		for (uint32_t n = 0; n < n_syns; n++) {
			segment(n & 0xffff, false, TCP_SYN, n * 2654435761u, 0);
			most = RTE_MAX(most, flows(TCPTERM_KIND_EMBRYO));
			if (n % 1000 == 0)
				wait(50 * 1000);
		}
		CU_ASSERT(most <= N_EMBRYOS);
		CU_ASSERT_EQUAL(flows(TCPTERM_KIND_TRACK) + flows(TCPTERM_KIND_RELAY), 0);
		CU_ASSERT_EQUAL(pool_in_use(pools.frames) + pool_in_use(pools.headers), 0);
		CU_ASSERT_EQUAL(stats()->flood_passed + stats()->cookies_sent +
					tcpterm_drops(stack)->n[DROP_flood] +
					flows(TCPTERM_KIND_EMBRYO) + stats()->embryos_evicted,
				n_syns);
		stop();
	}
}

static void
handshakes_answered_here_are_counted_with_those_forwarded(void)
{
	uint32_t first_seq;

	start(TCPTERM_RELAY, TCPTERM_FLOOD_PASS);
	for (unsigned n = 0; n < PRESSED / 2; n++)
		syn(n);
	verdict.decision = TCPTERM_ACCEPT;
	syn(100);
	first_seq = last.seq;
	for (unsigned n = 101; n < 100 + PRESSED / 2; n++)
		syn(n);
	CU_ASSERT_EQUAL(flows(TCPTERM_KIND_CONN), PRESSED / 2);
	CU_ASSERT_EQUAL(stats()->cookies_sent, 0);
	syn(1000);
	CU_ASSERT_EQUAL(stats()->cookies_sent, 1);
	CU_ASSERT_EQUAL(flows(TCPTERM_KIND_CONN), PRESSED / 2);
	segment(1000, false, TCP_ACK, ISN + 1001, last.seq + 1);
	CU_ASSERT_EQUAL(n_established, 1);
	segment(100, false, TCP_ACK, ISN + 101, first_seq + 1);
	CU_ASSERT_EQUAL(n_established, 2);
	stop();
}

static void
connections_that_are_established_take_no_room_of_handshakes(void)
{
	start(TCPTERM_ACCEPT, TCPTERM_FLOOD_PASS);
	for (unsigned n = 0; n < 2 * N_EMBRYOS; n++) {
		syn(n);
		segment(n, false, TCP_ACK, ISN + n + 1, last.seq + 1);
	}
	CU_ASSERT_EQUAL(n_established, 2 * N_EMBRYOS);
	CU_ASSERT_EQUAL(stats()->cookies_sent, 0);
	stop();
}

/* Every place for a tag stack is taken: the SYN crosses, as where there is no memory. */
static void
syn_of_one_tag_stack_too_many_crosses(void)
{
	const unsigned n_stacks = 65536;

	start_with(TCPTERM_PASS, TCPTERM_FLOOD_PASS, n_stacks + 16);
	for (unsigned n = 0; n <= n_stacks; n++) {
		if (n == n_stacks) {
			CU_ASSERT_EQUAL(tcpterm_drops(stack)->n[DROP_no_memory], 0);
			verdict.decision = TCPTERM_RELAY;
		}
		frame_init(&frame);
		frame_ether(&frame, 0x0800);
		frame_tag(&frame, 0x8100, (uint16_t)(1 + n / 4000));
		frame_tag(&frame, 0x8100, (uint16_t)(1 + n % 4000));
		frame_tag(&frame, 0x8100, 7);
		frame_ip4(&frame, "10.64.0.1", "198.51.100.9", 6, NULL, 0);
		frame_tcp(&frame, 40000, 443, ISN, 0, TCP_SYN, 60000, NULL, 0);
		frame_end(&frame);
		feed(0);
	}
	CU_ASSERT_EQUAL(n_forwarded, n_stacks + 1);
	CU_ASSERT_EQUAL(tcpterm_drops(stack)->n[DROP_no_memory], 1);
	CU_ASSERT_EQUAL(flows(TCPTERM_KIND_EMBRYO), 0);
	stop();
}

TAP_MAIN(flood, TAP_TEST(pressure_begins_at_three_quarters_and_ends_at_a_half),
	 TAP_TEST(handshakes_that_end_relieve_as_refusals_do),
	 TAP_TEST(passed_syn_is_untouched_and_its_connection_is_followed_from_its_ack),
	 TAP_TEST(dropped_syn_is_let_in_when_it_comes_again),
	 TAP_TEST(dropped_syn_is_forgotten_after_four_seconds_and_not_before_two),
	 TAP_TEST(oldest_handshake_makes_room_and_its_connection_goes_on),
	 TAP_TEST(deferred_syn_can_be_evicted_too), TAP_TEST(cookie_answers_and_keeps_nothing),
	 TAP_TEST(answered_cookie_connects_to_the_server_by_the_clients_number),
	 TAP_TEST(server_with_fewer_options_is_believed),
	 TAP_TEST(server_that_refuses_is_a_reset_for_the_client),
	 TAP_TEST(no_flood_takes_more_than_its_room),
	 TAP_TEST(handshakes_answered_here_are_counted_with_those_forwarded),
	 TAP_TEST(connections_that_are_established_take_no_room_of_handshakes),
	 TAP_TEST(syn_of_one_tag_stack_too_many_crosses))
