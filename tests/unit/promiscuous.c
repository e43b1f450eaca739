/*
 * Listeners for whatever address and VLAN: what a SYN is asked, which listener it meets, and what
 * becomes of it (checks S1, S2, S4, S6, S15).
 */
#include <errno.h>
#include <string.h>

#include "tests/unit/lib/lone.h"

static const struct lone_tags swapped = { 2, { { 0x88a8, 20 }, { 0x8100, 10 } } },
			      other_inner = { 2, { { 0x88a8, 10 }, { 0x8100, 21 } } },
			      outer_alone = { 1, { { 0x88a8, 10 } } },
			      with_priority = { 3,
						{ { 0x8100, 5 << 13 },
						  { 0x88a8, 10 | 3 << 13 },
						  { 0x8100, 20 } } };

static struct ip_addr
ip(const char *text)
{
	struct ip_addr a;

	CU_ASSERT_EQUAL_FATAL(ip_addr_parse(text, &a), 0);
	return a;
}

/* --- S1 --- */

static const struct tcpterm_selector anything = {
	.any_domain = true,
	.dst_port = { 0, 65535 },
	.src_port = { 0, 65535 },
};

static struct tcpterm_verdict
accept_any(void *ctx, const struct tcpterm_syn *syn)
{
	lone.n_asked++;
	lone.syn = *syn;
	lone.pkt = *syn->pkt;
	tcpterm_syn_l2(syn, &lone.l2);
	return (struct tcpterm_verdict){ .decision = TCPTERM_ACCEPT,
					 .cookie = (uint64_t)(uintptr_t)ctx };
}

static tcpterm_listener_id
listen_as(const struct tcpterm_selector *select, uintptr_t name)
{
	struct tcpterm_listener_conf l = {
		.select = *select,
		.filter = accept_any,
		.ctx = (void *)name,
	};
	tcpterm_listener_id id = 0;

	CU_ASSERT_EQUAL(team_listen(&lone.team, &l, &id), 0);
	return id;
}

/* A stack that listens on 10/20, to anything there. */
static void
begin_qinq(void)
{
	struct tcpterm_selector s = anything;

	lone_begin(TCPTERM_ACCEPT);
	CU_ASSERT_EQUAL(team_unlisten(&lone.team, lone.listener), 0);
	s.tags = TCPTERM_TAGS_EXACT;
	s.n_vids = 2;
	s.vid[0] = 10;
	s.vid[1] = 20;
	listen_as(&s, 1);
}

static void
filter_is_told_once_all_that_the_syn_said(void)
{
	const struct ip_addr src = ip("192.0.2.7"), dst = ip("198.51.100.9");

	begin_qinq();
	lone_syn(&lone_qinq);
	CU_ASSERT_EQUAL(lone.n_asked, 1);
	CU_ASSERT_EQUAL(memcmp(&lone.l2.dst, "\2\0\0\0\0\2", 6), 0);
	CU_ASSERT_EQUAL(memcmp(&lone.l2.src, "\2\0\0\0\0\1", 6), 0);
	CU_ASSERT_EQUAL(lone.l2.n_tags, 2);
	CU_ASSERT_EQUAL(lone.l2.tag[0].tpid, 0x88a8);
	CU_ASSERT_EQUAL(lone.l2.tag[0].tci, 3 << 13 | 10);
	CU_ASSERT_EQUAL(lone.l2.tag[1].tpid, 0x8100);
	CU_ASSERT_EQUAL(lone.l2.tag[1].tci, 20);
	CU_ASSERT_TRUE(ip_addr_eq(&lone.pkt.src, &src) && ip_addr_eq(&lone.pkt.dst, &dst));
	CU_ASSERT_TRUE(lone.pkt.sport == 40000 && lone.pkt.dport == 8443);
	CU_ASSERT_TRUE(lone.pkt.domain == 0 && lone.pkt.side == 0);
	CU_ASSERT_EQUAL(lone.pkt.ttl, 63);
	CU_ASSERT_EQUAL(lone.pkt.seq, 1000);
	CU_ASSERT_EQUAL(lone.pkt.window, 60000);
	CU_ASSERT_TRUE(lone.syn.opt.has_mss && lone.syn.opt.mss == 1400);
	CU_ASSERT_FALSE(lone.syn.opt.has_wscale || lone.syn.opt.has_ts ||
			lone.syn.opt.sack_permitted);
	lone_syn(&lone_qinq);	/* again: it is a connection now */
	CU_ASSERT_EQUAL(lone.n_asked, 1);
	lone_end();
}

/* The answer to a SYN under `tags`: its MACs swapped, its tags as they came. */
static void
check_answer(const struct lone_tags *tags)
{
	const struct pkt *p = &lone.out[0];

	CU_ASSERT_EQUAL_FATAL(lone.n_out, 1);
	CU_ASSERT_EQUAL(p->flags, TCP_SYN | TCP_ACK);
	CU_ASSERT_EQUAL(p->ack, 1001);
	CU_ASSERT_TRUE(p->sport == 8443 && p->dport == 40000);
	CU_ASSERT_EQUAL(p->side, 0);
	CU_ASSERT_EQUAL(memcmp(rte_pktmbuf_mtod(p->m, char *), "\2\0\0\0\0\1\2\0\0\0\0\2", 12), 0);
	CU_ASSERT_EQUAL_FATAL(p->n_tags, tags->n);
	CU_ASSERT_EQUAL(memcmp(p->tag, tags->tag, tags->n * sizeof tags->tag[0]), 0);
	CU_ASSERT_FALSE(p->cksum_bad);
}

static void
answer_has_the_macs_swapped_and_the_same_tags(void)
{
	const struct lone_segment ack = { .tags = &lone_qinq, .flags = TCP_ACK, .seq = 1001 };
	struct lone_segment g = ack;

	begin_qinq();
	lone_syn(&lone_qinq);
	check_answer(&lone_qinq);
	g.ack = lone.out[0].seq + 1;
	lone_feed(&g);
	CU_ASSERT_EQUAL(lone.n_established, 1);
	lone_end();
}

static void
other_tags_are_not_admitted(void)
{
	const struct lone_tags *const others[] = { &other_inner, &swapped, &outer_alone,
						   &lone_untagged };

	begin_qinq();
	for (unsigned i = 0; i < RTE_DIM(others); i++) {
		lone_syn(others[i]);
		CU_ASSERT_EQUAL(lone.n_asked, 0);
		CU_ASSERT_EQUAL(lone.n_tx, 0);
		CU_ASSERT_EQUAL(lone.n_forwarded, i + 1);
	}
	CU_ASSERT_PTR_NULL(lone_flow());
	lone_end();
}

static void
priority_tag_is_admitted_and_echoed(void)
{
	begin_qinq();
	lone_syn(&with_priority);
	CU_ASSERT_EQUAL(lone.n_asked, 1);
	check_answer(&with_priority);
	lone_end();
}

/* --- S2 --- */

/* Bit 2: exact tags; bit 1: exact address; bit 0: exact port. */
static struct tcpterm_selector
selector(unsigned bits)
{
	struct tcpterm_selector s = anything;

	if (bits & 4) {
		s.tags = TCPTERM_TAGS_EXACT;
		s.n_vids = 2;
		s.vid[0] = 10;
		s.vid[1] = 20;
	}
	if (bits & 2) {
		s.dst = ip("198.51.100.9");
		s.dst_len = 128;
	}
	if (bits & 1)
		s.dst_port[0] = s.dst_port[1] = 8443;
	return s;
}

static unsigned sport;

/* Which of the eight takes a SYN that differs from theirs in what `bits` lacks; 99: none. */
static uint64_t
winner(unsigned bits)
{
	struct lone_segment g = {
		.tags = bits & 4 ? &lone_qinq : &other_inner,
		.flags = TCP_SYN,
		.seq = 1000,
		.dst = { 198, 51, 100, bits & 2 ? 9 : 8 },
		.src = { 192, 0, 2, 7 },
		.sport = (uint16_t)++sport,
		.dport = bits & 1 ? 8443 : 8444,
	};
	struct flow_key k = { .port = { g.sport, g.dport },
			      .n_tags = 2,
			      .vid = { 10, bits & 4 ? 20 : 21 } };
	const struct flow *f;

	lone_feed(&g);
	k.addr[0] = ip_addr_v4(g.src);
	k.addr[1] = ip_addr_v4(g.dst);
	f = tcpterm_find(lone.stack, &k);
	return f ? f->cookie : 99;
}

static void
each_syn_meets_the_winner_then_the_next(void)
{
	tcpterm_listener_id id[8];

	lone_begin(TCPTERM_ACCEPT);
	CU_ASSERT_EQUAL(team_unlisten(&lone.team, lone.listener), 0);
	sport = 1000;
	for (unsigned i = 0; i < 8; i++) {
		struct tcpterm_selector s = selector(i);

		id[i] = listen_as(&s, i);
	}
	for (unsigned i = 0; i < 8; i++)
		CU_ASSERT_EQUAL(winner(i), i);
	/* the documented order of those that match is that of their bits */
	for (unsigned i = 8; i-- > 0;) {
		CU_ASSERT_EQUAL(winner(7), i);
		CU_ASSERT_EQUAL(team_unlisten(&lone.team, id[i]), 0);
	}
	CU_ASSERT_EQUAL(winner(7), 99);
	lone_end();
}

static void
listener_with_a_key_that_is_there_is_refused(void)
{
	struct tcpterm_listener_conf l = { .filter = accept_any };
	tcpterm_listener_id id, again;

	lone_begin(TCPTERM_ACCEPT);
	for (unsigned i = 1; i < 8; i++) {
		l.select = selector(i);
		CU_ASSERT_EQUAL(team_listen(&lone.team, &l, &id), 0);
		CU_ASSERT_EQUAL(team_listen(&lone.team, &l, &again), -EEXIST);
	}
	CU_ASSERT_EQUAL(lone_stats().n_listeners, 8 * lone.team.n);
	lone_end();
}

/* --- S4 --- */

static void
accept_answers(void)
{
	lone_begin(TCPTERM_ACCEPT);
	lone_syn(&lone_qinq);
	check_answer(&lone_qinq);
	CU_ASSERT_EQUAL(lone_flow()->kind, TCPTERM_KIND_CONN);
	lone_end();
}

static void
reset_answers_with_ack_of_isn_plus_one(void)
{
	lone_begin(TCPTERM_RESET);
	lone_syn(&lone_qinq);
	CU_ASSERT_EQUAL_FATAL(lone.n_out, 1);
	CU_ASSERT_EQUAL(lone.out[0].flags, TCP_RST | TCP_ACK);
	CU_ASSERT_EQUAL(lone.out[0].ack, 1001);
	CU_ASSERT_EQUAL(lone.out[0].n_tags, 2);
	CU_ASSERT_EQUAL(tcpterm_drops(lone.stack)->n[DROP_filter_reset], 1);
	CU_ASSERT_PTR_NULL(lone_flow());
	lone_end();
}

static void
silent_sends_nothing_and_keeps_nothing(void)
{
	lone_begin(TCPTERM_SILENT);
	lone_syn(&lone_qinq);
	lone_wait(10 * LONE_SECOND);
	CU_ASSERT_EQUAL(lone.n_out, 0);
	CU_ASSERT_EQUAL(tcpterm_drops(lone.stack)->n[DROP_filter_silent], 1);
	CU_ASSERT_PTR_NULL(lone_flow());
	lone_end();
}

static void
passive_sends_nothing(void)
{
	lone_begin(TCPTERM_PASSIVE);
	lone.verdict.copy = true;
	lone_syn(&lone_qinq);
	lone_wait(10 * LONE_SECOND);
	CU_ASSERT_EQUAL(lone.n_out, 0);
	CU_ASSERT_EQUAL(lone_flow()->kind, TCPTERM_KIND_PASSIVE);
	CU_ASSERT_EQUAL(lone_flow()->cookie, 77);
	lone_end();
}

/* The same frame, the same bytes, by the other port. */
static void
check_forwarded(enum tcpterm_decision d, enum tcpterm_kind kind)
{
	const struct lone_segment g = { .tags = &lone_qinq, .flags = TCP_SYN, .seq = 1000 };
	struct rte_mbuf *m;
	uint8_t copy[128];

	lone_begin(d);
	m = lone_frame(&g);
	memcpy(copy, rte_pktmbuf_mtod(m, void *), m->data_len);
	lone_put(m, 0);
	CU_ASSERT_EQUAL_FATAL(lone.n_out, 1);
	CU_ASSERT_EQUAL(lone.n_tx, 0);
	CU_ASSERT_EQUAL(lone.out[0].side, 1);
	CU_ASSERT_PTR_EQUAL(lone.out[0].m, m);
	CU_ASSERT_EQUAL(memcmp(copy, rte_pktmbuf_mtod(m, void *), m->data_len), 0);
	CU_ASSERT_EQUAL_FATAL(lone_flow()->kind, kind);
	CU_ASSERT_EQUAL(lone_flow()->cookie, 77);
	lone_end();
}

static void
track_forwards_and_follows(void)
{
	check_forwarded(TCPTERM_TRACK, TCPTERM_KIND_TRACK);
}

static void
passed_frame_leaves_by_the_other_port_byte_identical(void)
{
	check_forwarded(TCPTERM_PASS, TCPTERM_KIND_PASS);
}

/* Bytes of the client's, at `off` of its stream; the frame. */
static struct rte_mbuf *
bytes_at(uint32_t off, const char *text)
{
	const struct lone_segment g = {
		.flags = TCP_ACK, .seq = 1001 + off, .ack = 5001, .text = text
	};
	struct rte_mbuf *m = lone_frame(&g);

	lone_put(m, 0);
	return m;
}

/* In order the frame goes on as it came, and what was read of it can still be compared. */
static void
passive_on_the_path_forwards_the_frame_itself(void)
{
	const struct lone_segment open[] = {
		{ .flags = TCP_SYN, .seq = 1000 },
		{ .flags = TCP_SYN | TCP_ACK, .seq = 5000, .ack = 1001, .reverse = true },
		{ .flags = TCP_ACK, .seq = 1001, .ack = 5001 },
	};
	struct tcpterm_leg_info leg[2];

	lone_begin(TCPTERM_PASSIVE);
	for (unsigned i = 0; i < RTE_DIM(open); i++)
		lone_put(lone_frame(&open[i]), open[i].reverse);
	for (unsigned i = 0; i < 3; i++) {
		struct rte_mbuf *m = bytes_at(4 * i, "abcd");

		CU_ASSERT_EQUAL_FATAL(lone.n_out, 4 + i);
		CU_ASSERT_PTR_EQUAL(lone.out[3 + i].m, m);
		CU_ASSERT_EQUAL(rte_mbuf_refcnt_read(m), 2);
	}
	bytes_at(4, "XXXX");	/* other bytes than those that crossed */
	bytes_at(16, "late");
	bytes_at(12, "hole");
	CU_ASSERT_EQUAL(lone.n_out, 9);
	tcpterm_flow_info(lone_flow(), leg);
	CU_ASSERT_EQUAL(leg[0].conflicts, 1);
	CU_ASSERT_EQUAL(leg[0].stream_bytes, 20);
	CU_ASSERT_EQUAL(leg[0].out_of_order, 1);
	lone_end();
}

/* --- S6 --- */

enum { OUTERS = 400, INNERS = 250, N_STACKS = OUTERS * INNERS };

static uint32_t answered[N_STACKS];	/* our number of the stack's SYN-ACK */
static unsigned n_answered, n_cookies_right;

static uint32_t
name_of(const struct pkt *p)
{
	return (vlan_vid(p->tag[0]) - 1u) * INNERS + vlan_vid(p->tag[1]) - 1u;
}

static struct tcpterm_verdict
name_the_stack(const struct tcpterm_syn *syn)
{
	return (struct tcpterm_verdict){ .decision = TCPTERM_ACCEPT,
					 .cookie = 1000000u + name_of(syn->pkt) };
}

static void
note_answer(const struct pkt *p)
{
	if (!(p->flags & TCP_SYN))
		return;
	answered[name_of(p)] = p->seq;
	n_answered++;
}

static void
compare_cookie(struct flow *f)
{
	uint32_t name = (f->key.vid[0] - 1u) * INNERS + f->key.vid[1] - 1u;

	n_cookies_right += f->cookie == 1000000u + name;
}

static void
segment_of_stack(uint32_t name, uint16_t flags)
{
	const struct lone_tags tags = { 2,
					{ { 0x88a8, (uint16_t)(name / INNERS + 1) },
					  { 0x8100, (uint16_t)(name % INNERS + 1) } } };
	const struct lone_segment g = { .tags = &tags,
					.flags = flags,
					.seq = 1000 + name + (flags == TCP_ACK),
					.ack = answered[name] + 1 };

	lone_feed(&g);
}

/* SYNs and third ACKs by strides that are coprime to the number: ACKs follow `behind` SYNs. */
static void
interleave(unsigned behind)
{
	for (unsigned i = 0; i < N_STACKS + behind; i++) {
		if (i < N_STACKS)
			segment_of_stack((uint32_t)(i * 7919ull % N_STACKS), TCP_SYN);
		if (i >= behind)
			segment_of_stack((uint32_t)((i - behind) * 7919ull % N_STACKS), TCP_ACK);
	}
}

static void
check_cookies(uint32_t n_embryos, unsigned behind)
{
	const struct tcpterm_conf conf = { .n_flows = N_STACKS, .n_embryos = n_embryos };

	lone_begin_with(&conf, 511, TCPTERM_ACCEPT);
	lone.judge = name_the_stack;
	lone.seen = note_answer;
	lone.established = compare_cookie;
	n_answered = n_cookies_right = 0;
	interleave(behind);
	CU_ASSERT_EQUAL(n_answered, N_STACKS);
	CU_ASSERT_EQUAL(lone.n_established, N_STACKS);
	CU_ASSERT_EQUAL(n_cookies_right, N_STACKS);
	CU_ASSERT_EQUAL(lone_stats().n_flows[TCPTERM_KIND_CONN], N_STACKS);
}

static void
cookie_comes_back_for_100000_interleaved_syns(void)
{
	check_cookies(2 * N_STACKS, N_STACKS / 2);
	CU_ASSERT_EQUAL(lone_stats().cookies_sent, 0);
	lone_end();
}

/* Where handshakes leave no room, the filter is asked again at the ACK (RFC 4987 3.6). */
static void
cookie_comes_back_where_syn_cookies_are_sent(void)
{
	check_cookies(1024, N_STACKS / 2);
	CU_ASSERT_TRUE(lone_stats().cookies_sent > N_STACKS / 2);
	lone_end();
}

/* --- S15 --- */

/* Whatever it is, by either side: the same frame by the other port, and no state. */
static void
segment_of_no_flow_is_forwarded_unchanged_and_never_reset(void)
{
	static const uint16_t flags[] = { TCP_ACK,	    TCP_ACK | TCP_PSH, TCP_FIN | TCP_ACK,
					  TCP_RST,	    TCP_RST | TCP_ACK, TCP_SYN | TCP_ACK,
					  TCP_ACK | TCP_URG };
	struct rte_mbuf *m;
	uint8_t copy[128];

	lone_begin(TCPTERM_RELAY);
	for (unsigned i = 0; i < 2 * RTE_DIM(flags); i++) {
		const struct lone_segment g = { .tags = &lone_qinq,
						.flags = flags[i / 2],
						.seq = 777,
						.ack = 888,
						.reverse = i % 2,
						.text = i % 3 ? "bytes" : NULL };

		m = lone_frame(&g);
		memcpy(copy, rte_pktmbuf_mtod(m, void *), m->data_len);
		lone_put(m, g.reverse);
		CU_ASSERT_EQUAL_FATAL(lone.n_out, i + 1);
		CU_ASSERT_PTR_EQUAL(lone.out[i].m, m);
		CU_ASSERT_EQUAL(lone.out[i].side, !g.reverse);
		CU_ASSERT_EQUAL(memcmp(copy, rte_pktmbuf_mtod(m, void *), m->data_len), 0);
	}
	lone_wait(10LL * LONE_SECOND);
	CU_ASSERT_EQUAL(lone.n_tx, 0);
	CU_ASSERT_EQUAL(lone.n_asked, 0);
	CU_ASSERT_PTR_NULL(lone_flow());
	lone_end();
}

TEAM_MAIN(promiscuous, TAP_CHECK(S1, filter_is_told_once_all_that_the_syn_said),
	  TAP_CHECK(S1, answer_has_the_macs_swapped_and_the_same_tags),
	  TAP_CHECK(S1, other_tags_are_not_admitted),
	  TAP_CHECK(S1, priority_tag_is_admitted_and_echoed),
	  TAP_CHECK(S2, each_syn_meets_the_winner_then_the_next),
	  TAP_CHECK(S2, listener_with_a_key_that_is_there_is_refused),
	  TAP_CHECK(S4, accept_answers), TAP_CHECK(S4, reset_answers_with_ack_of_isn_plus_one),
	  TAP_CHECK(S4, silent_sends_nothing_and_keeps_nothing),
	  TAP_CHECK(S4, passive_sends_nothing), TAP_CHECK(S4, track_forwards_and_follows),
	  TAP_CHECK(S4, passed_frame_leaves_by_the_other_port_byte_identical),
	  TAP_CHECK(S4, passive_on_the_path_forwards_the_frame_itself),
	  TAP_CHECK(S15, segment_of_no_flow_is_forwarded_unchanged_and_never_reset),
	  TAP_CHECK(S6, cookie_comes_back_for_100000_interleaved_syns),
	  TAP_CHECK(S6, cookie_comes_back_where_syn_cookies_are_sent))
