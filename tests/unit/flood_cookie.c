/*
 * What a SYN meets while handshakes leave no room and cookies answer it (RFC 4987 3.6): of a
 * proxied flow whose rule says so, and of every listener of the library.
 */
#include <string.h>

#include <rte_byteorder.h>

#include "datapath/checksum.h"
#include "tests/unit/lib/lone.h"
#include "tests/unit/lib/siege.h"
#include "tests/unit/tap.h"

static const uint8_t mss_536[4] = { 2, 4, 2, 24 };

static void
cookie_answers_and_keeps_nothing(void)
{
	uint32_t cookie;

	siege_start(TCPTERM_RELAY, TCPTERM_FLOOD_COOKIE);
	siege_press();
	siege.n_forwarded = 0;
	siege_syn(1000);
	CU_ASSERT_EQUAL(siege.n_forwarded, 0);
	CU_ASSERT_EQUAL(siege.n_tx, 1);
	CU_ASSERT_EQUAL(siege.last.flags, TCP_SYN | TCP_ACK);
	CU_ASSERT_EQUAL(siege.last.side, 0);
	CU_ASSERT_EQUAL(siege.last.ack, ISN + 1001);
	CU_ASSERT_EQUAL(siege_stats()->cookies_sent, 1);
	CU_ASSERT_EQUAL(siege_flows(TCPTERM_KIND_EMBRYO), PRESSED);
	cookie = siege.last.seq;
	siege_segment(1000, false, TCP_ACK, ISN + 1001, cookie + 2);	/* one too many */
	CU_ASSERT_EQUAL(siege_stats()->cookies_taken, 0);
	CU_ASSERT_EQUAL(siege_stats()->cookies_bad, 1);
	siege_segment(1001, false, TCP_ACK, ISN + 1001, cookie + 1);	/* another's */
	CU_ASSERT_EQUAL(siege_stats()->cookies_taken, 0);
	siege_segment(1000, false, TCP_ACK, ISN + 1001, cookie + 1);
	/* the wrong one is followed: it may be of a connection that was here before us */
	CU_ASSERT_EQUAL(siege_flows(TCPTERM_KIND_TRACK), 2);
	CU_ASSERT_EQUAL(siege_flows(TCPTERM_KIND_RELAY), 0);
	siege_stop();
}

/* The ACK was lost: what overtook the first data can't begin the connection, nor may it end it. */
static void
data_that_overtook_the_answer_reaches_nobody(void)
{
	uint32_t cookie;

	siege_start(TCPTERM_RELAY, TCPTERM_FLOOD_COOKIE);
	siege_press();
	siege_syn(1000);
	cookie = siege.last.seq;
	siege.n_forwarded = siege.n_tx = 0;
	siege_segment_with(1000, false, TCP_ACK, ISN + 2001, cookie + 1, NULL, 0, 1000);
	CU_ASSERT_EQUAL(siege.n_forwarded + siege.n_tx, 0);
	CU_ASSERT_EQUAL(siege_stats()->cookies_early, 1);
	CU_ASSERT_EQUAL(siege_flows(TCPTERM_KIND_TRACK), 0);
	siege_segment_with(1000, false, TCP_ACK, ISN + 1001, cookie + 1, NULL, 0, 1000);
	CU_ASSERT_EQUAL(siege_flows(TCPTERM_KIND_RELAY), 1);
	CU_ASSERT_EQUAL(siege.to[1].flags & TCP_SYN, TCP_SYN);
	siege_stop();
}

static void
numbers_of_later_connections_of_the_same_ports_are_higher(void)
{
	uint32_t number[3];

	siege_start(TCPTERM_RELAY, TCPTERM_FLOOD_COOKIE);
	siege_press();
	for (unsigned i = 0; i < 3; i++) {
		siege_segment(1000, false, TCP_SYN, ISN + i * 100000, 0);
		number[i] = siege.last.seq;
	}
	CU_ASSERT_EQUAL(number[1] - number[0], 100000);
	CU_ASSERT_EQUAL(number[2] - number[1], 100000);
	siege_stop();
}

static void
answered_cookie_connects_to_the_server_by_the_clients_number(void)
{
	siege_start(TCPTERM_RELAY, TCPTERM_FLOOD_COOKIE);
	siege_press();
	siege_syn(1000);
	siege_segment(1000, false, TCP_ACK, ISN + 1001, siege.last.seq + 1);
	CU_ASSERT_EQUAL(siege_flows(TCPTERM_KIND_RELAY), 1);
	CU_ASSERT_EQUAL(siege_stats()->cookies_taken, 1);
	CU_ASSERT_EQUAL(siege.last.flags & ~(TCP_ECE | TCP_CWR), TCP_SYN);
	CU_ASSERT_EQUAL(siege.last.side, 1);
	CU_ASSERT_EQUAL(siege.last.seq, ISN + 1000);
	siege_stop();
}

/* The client's numbers and options were agreed before the server had a say. */
static void
server_with_fewer_options_is_believed(void)
{
	uint8_t o[20] = { 2, 4, 5, 0xb4, 4, 2, 8, 10, 0, 0, 1, 1, 0, 0, 0, 0, 1, 3, 3, 7 };
	uint32_t cookie, tsecr;

	siege_start(TCPTERM_RELAY, TCPTERM_FLOOD_COOKIE);
	siege_press();
	siege_segment_with(1000, false, TCP_SYN, ISN, 0, o, sizeof o, 0);
	CU_ASSERT_EQUAL_FATAL(siege.last.opt_len, 20);
	cookie = siege.last.seq;
	tsecr = rte_cpu_to_be_32(siege.last_options.tsval);
	memcpy(o, "\1\1\10\12\0\0\1\2", 8);
	memcpy(o + 8, &tsecr, 4);
	siege_segment_with(1000, false, TCP_ACK, ISN + 1, cookie + 1, o, 12, 1000);
	CU_ASSERT_EQUAL(siege.to[1].seq, ISN);
	CU_ASSERT_EQUAL(siege.to[1].opt_len, 20);	/* of the server everything is asked */
	siege.n_tx = 0;
	siege_segment_with(1000, true, TCP_SYN | TCP_ACK, SRV_ISN, ISN + 1, mss_536, 4, 0);
	CU_ASSERT_EQUAL(siege.n_tx, 2);		/* 1000 bytes by 536 */
	CU_ASSERT_EQUAL(siege.to[1].opt_len, 0);
	CU_ASSERT_EQUAL(siege.to[1].seq, ISN + 1 + 536);
	CU_ASSERT_EQUAL(siege.to[1].ack, SRV_ISN + 1);
	CU_ASSERT_EQUAL(siege.to[1].payload_len, 464);
	siege_segment_with(1000, true, TCP_ACK | TCP_PSH, SRV_ISN + 1, ISN + 1001, NULL, 0, 100);
	CU_ASSERT_EQUAL(siege.to[0].opt_len, 12);
	CU_ASSERT_EQUAL(siege.to[0].seq, cookie + 1);
	CU_ASSERT_EQUAL(siege.to[0].ack, ISN + 1001);
	CU_ASSERT_EQUAL(siege.to[0].payload_len, 100);
	siege_stop();
}

static void
server_that_refuses_is_a_reset_for_the_client(void)
{
	uint32_t cookie;

	siege_start(TCPTERM_RELAY, TCPTERM_FLOOD_COOKIE);
	siege_press();
	siege_syn(1000);
	cookie = siege.last.seq;
	siege_segment(1000, false, TCP_ACK, ISN + 1001, cookie + 1);
	siege_segment(1000, true, TCP_RST | TCP_ACK, 0, ISN + 1000);	/* not of our SYN */
	CU_ASSERT_EQUAL(siege_flows(TCPTERM_KIND_RELAY), 1);
	siege.n_tx = 0;
	siege_refuse(1000);
	CU_ASSERT_EQUAL(siege.n_tx, 1);
	CU_ASSERT(siege.last.flags & TCP_RST);
	CU_ASSERT_EQUAL(siege.last.side, 0);
	CU_ASSERT_EQUAL(siege.last.seq, cookie + 1);
	CU_ASSERT_EQUAL(siege_flows(TCPTERM_KIND_RELAY), 0);
	siege_stop();
}

static void
handshakes_answered_here_are_counted_with_those_forwarded(void)
{
	uint32_t first_seq;

	siege_start(TCPTERM_RELAY, TCPTERM_FLOOD_PASS);
	for (unsigned n = 0; n < PRESSED / 2; n++)
		siege_syn(n);
	siege.verdict.decision = TCPTERM_ACCEPT;
	siege_syn(100);
	first_seq = siege.last.seq;
	for (unsigned n = 101; n < 100 + PRESSED / 2; n++)
		siege_syn(n);
	CU_ASSERT_EQUAL(siege_flows(TCPTERM_KIND_CONN), PRESSED / 2);
	CU_ASSERT_EQUAL(siege_stats()->cookies_sent, 0);
	siege_syn(1000);
	CU_ASSERT_EQUAL(siege_stats()->cookies_sent, 1);
	CU_ASSERT_EQUAL(siege_flows(TCPTERM_KIND_CONN), PRESSED / 2);
	siege_segment(1000, false, TCP_ACK, ISN + 1001, siege.last.seq + 1);
	CU_ASSERT_EQUAL(siege.n_established, 1);
	siege_segment(100, false, TCP_ACK, ISN + 101, first_seq + 1);
	CU_ASSERT_EQUAL(siege.n_established, 2);
	siege_stop();
}

static void
connections_that_are_established_take_no_room_of_handshakes(void)
{
	siege_start(TCPTERM_ACCEPT, TCPTERM_FLOOD_PASS);
	for (unsigned n = 0; n < 2 * SIEGE_EMBRYOS; n++) {
		siege_syn(n);
		siege_segment(n, false, TCP_ACK, ISN + n + 1, siege.last.seq + 1);
	}
	CU_ASSERT_EQUAL(siege.n_established, 2 * SIEGE_EMBRYOS);
	CU_ASSERT_EQUAL(siege_stats()->cookies_sent, 0);
	siege_stop();
}

/* The SYN-ACK to a SYN of 192.0.2.7; with `held`, somebody else has the SYN's frame, too. */
static void
answer_to_syn(bool held, bool tagged, struct pkt *answer)
{
	const struct tcpterm_conf pressed = { .cookies_always = true };
	const struct lone_segment syn = { .tags = tagged ? &lone_qinq : &lone_untagged,
					  .flags = TCP_SYN,
					  .seq = 1000 };
	const struct parse_conf plain = { 0 };
	struct rte_mbuf *m, *before;
	struct pkt p;

	lone_begin_with(&pressed, 64, TCPTERM_ACCEPT);
	m = lone_frame(&syn);
	before = rte_pktmbuf_copy(m, m->pool, 0, UINT32_MAX);
	rte_mbuf_refcnt_update(m, held);
	lone_put(m, 0);
	CU_ASSERT_EQUAL_FATAL(lone.n_out, 1);
	CU_ASSERT_EQUAL(pkt_parse(&p, lone.out[0].m, &plain), PKT_TCP);
	CU_ASSERT_FALSE(p.cksum_bad);
	CU_ASSERT_EQUAL(lone.out[0].m == m, !held);
	CU_ASSERT_EQUAL(lone_drops(DROP_proxy_consumed), 1);
	*answer = lone.out[0];
	if (held) {
		CU_ASSERT_EQUAL(memcmp(rte_pktmbuf_mtod(m, void *),
				       rte_pktmbuf_mtod(before, void *), m->data_len),
				0);
		rte_pktmbuf_free(m);
	}
	rte_pktmbuf_free(before);
	lone_end();
}

static void
frame_that_somebody_else_has_is_not_written_to(void)
{
	for (unsigned tagged = 0; tagged < 2; tagged++) {
		struct pkt own, other;

		answer_to_syn(false, tagged, &own);
		answer_to_syn(true, tagged, &other);
		CU_ASSERT_EQUAL(own.flags, TCP_SYN | TCP_ACK);
		CU_ASSERT_EQUAL(own.ack, 1001);
		CU_ASSERT_EQUAL(own.seq, other.seq);
		CU_ASSERT_EQUAL(own.n_tags, tagged ? 2 : 0);
		CU_ASSERT_EQUAL(own.tag[1].tci, other.tag[1].tci);
		CU_ASSERT_TRUE(ip_addr_eq(&own.dst, &other.dst) && own.dport == 40000);
	}
}

TAP_MAIN(flood_cookie, TAP_TEST(cookie_answers_and_keeps_nothing),
	 TAP_TEST(data_that_overtook_the_answer_reaches_nobody),
	 TAP_TEST(numbers_of_later_connections_of_the_same_ports_are_higher),
	 TAP_TEST(answered_cookie_connects_to_the_server_by_the_clients_number),
	 TAP_TEST(server_with_fewer_options_is_believed),
	 TAP_TEST(server_that_refuses_is_a_reset_for_the_client),
	 TAP_TEST(handshakes_answered_here_are_counted_with_those_forwarded),
	 TAP_TEST(connections_that_are_established_take_no_room_of_handshakes),
	 TAP_TEST(frame_that_somebody_else_has_is_not_written_to))
