/*
 * parse.c - what is said of a frame does not depend on the pieces it lies in.
 *
 * A frame in one piece may take the parser's straight path (datapath/parse_plain.c); one in
 * several goes step by step.  Both have to say the same, of frames as they should be and of frames
 * with a few bits changed.
 */
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "datapath/checksum.h"
#include "datapath/parse.h"
#include "tests/prop/lib/seed.h"
#include "tests/unit/eal.h"
#include "tests/unit/frame.h"
#include "tests/unit/tap.h"

enum { N_RUNS = 30000, MAX_PAYLOAD = 400, MAX_TRAILER = 8 };

static struct frame f;

static unsigned
below(unsigned n)
{
	return (unsigned)rand() % n;
}

/* Mostly what a connection is made of, sometimes not. */
static void
random_frame(void)
{
	static const uint16_t tpid[] = { 0x8100, 0x8100, 0x88a8, 0x9100 };
	static const uint8_t options[40] = { 1, 1, 8, 10 };
	uint8_t proto = below(20) ? IPPROTO_TCP : IPPROTO_UDP;
	unsigned n_tags = below(3) ? below(2) : below(4);
	uint16_t flags = below(4) ? TCP_ACK : (uint16_t)below(0x200);

	frame_init(&f);
	frame_ether(&f, 0);
	for (unsigned i = 0; i < n_tags; i++)
		frame_tag(&f, tpid[below(4)], (uint16_t)(below(4) ? below(0x10000) : 0));
	if (below(2))
		frame_ip4(&f, "10.1.2.3", "192.0.2.9", proto, options, below(8) ? 0 : 4);
	else
		frame_ip6(&f, "2001:db8::1", "2001:db8::2", proto);
	frame_tcp(&f, (uint16_t)below(0x10000), (uint16_t)below(0x10000), (uint32_t)rand(),
		  (uint32_t)rand(), flags, (uint16_t)below(0x10000), options, 4 * below(11));
	if (below(4))
		frame_fill(&f, below(MAX_PAYLOAD));
	frame_end(&f);
	if (below(4) == 0)
		frame_trailer(&f, below(MAX_TRAILER));
}

/* Header bits change, or the frame's end is missing. */
static void
damage(void)
{
	unsigned n = below(3);

	while (n-- > 0)
		f.b[12 + below(70)] ^= (uint8_t)(1u << below(8));
	if (below(8) == 0)
		f.len -= below((unsigned)f.len);
}

static struct parse_conf
random_conf(void)
{
	return (struct parse_conf){
		.domain = 9,
		.side = below(2) & 1,
		.meta = below(4) == 0,
		.tap = below(4) == 0,
		.vlan_ignore = below(4) == 0,
		.trust = below(4) == 0,
		.excuse = below(4) == 0,
	};
}

/* All but the mbuf. */
static bool
says_the_same(const struct pkt *a, const struct pkt *b)
{
	const size_t from = offsetof(struct pkt, at), to = offsetof(struct pkt, tag);

	return memcmp((const char *)a + from, (const char *)b + from, to - from) == 0 &&
	       memcmp(a->tag, b->tag, a->n_tags * sizeof a->tag[0]) == 0;
}

static void
one_piece_or_several_say_the_same(void)
{
	static const uint64_t rx[] = { 0, RTE_MBUF_F_RX_L4_CKSUM_GOOD, RTE_MBUF_F_RX_L4_CKSUM_NONE,
				       RTE_MBUF_F_RX_L4_CKSUM_BAD | RTE_MBUF_F_RX_IP_CKSUM_BAD,
				       RTE_MBUF_F_RX_IP_CKSUM_GOOD | RTE_MBUF_F_RX_L4_CKSUM_GOOD };
	unsigned n_tcp = 0, n_differ = 0;

	seed();
	for (unsigned i = 0; i < N_RUNS; i++) {
		struct parse_conf conf = random_conf();
		uint64_t flags = below(2) ? 0 : rx[below(RTE_DIM(rx))];
		struct rte_mbuf *whole, *cut;
		struct pkt p, q;

		random_frame();
		if (below(3) == 0)
			damage();
		whole = test_mbuf(f.b, f.len);
		cut = test_mbuf_chain(f.b, f.len, f.len / 2);
		whole->ol_flags |= flags;
		cut->ol_flags |= flags;
		n_tcp += pkt_parse(&p, whole, &conf) == PKT_TCP;
		pkt_parse(&q, cut, &conf);
		n_differ += !says_the_same(&p, &q);
		rte_pktmbuf_free(whole);
		rte_pktmbuf_free(cut);
	}
	CU_ASSERT_EQUAL(n_differ, 0);
	CU_ASSERT(n_tcp > N_RUNS / 2);
	CU_ASSERT_EQUAL(test_mbufs_live(), 0);
}

/* The frame after `m`: other numbers, and sometimes other bits anywhere in its headers. */
static struct rte_mbuf *
next_of(const struct pkt *p)
{
	struct rte_mbuf *m = test_mbuf(f.b, f.len);

	if (p->kind == PKT_TCP) {
		uint8_t *th = rte_pktmbuf_mtod_offset(m, uint8_t *, p->l4);

		th[4 + below(8)] ^= (uint8_t)below(256);
		th[14 + below(2)] ^= (uint8_t)below(256);
		cksum_tcp_write(m, p->l3, p->l4);
	}
	if (below(2))
		rte_pktmbuf_mtod(m, uint8_t *)[below((unsigned)RTE_MIN(f.len, 60U))] ^=
			(uint8_t)(1u << below(8));
	if (below(8) == 0)
		m->port = 1;
	return m;
}

static void
frame_after_another_says_the_same_as_alone(void)
{
	unsigned n_go_on = 0, n_differ = 0, n_apart = 0;

	seed();
	for (unsigned i = 0; i < N_RUNS; i++) {
		struct parse_conf conf = random_conf();
		struct pkt before, after, alone;
		struct rte_mbuf *first, *m;

		random_frame();
		first = test_mbuf(f.b, f.len);
		pkt_parse(&before, first, &conf);
		m = next_of(&before);
		pkt_parse_after(&after, &before, m, &conf);
		pkt_parse(&alone, m, &conf);
		n_go_on += after.goes_on;
		n_apart += after.goes_on &&
			   (!pkt_goes_with(&alone, &before) || m->port != first->port ||
			    memcmp(rte_pktmbuf_mtod(m, void *), rte_pktmbuf_mtod(first, void *),
				   alone.l3) != 0);
		after.goes_on = false;
		n_differ += !says_the_same(&after, &alone);
		rte_pktmbuf_free(first);
		rte_pktmbuf_free(m);
	}
	CU_ASSERT_EQUAL(n_differ, 0);
	CU_ASSERT_EQUAL(n_apart, 0);
	CU_ASSERT(n_go_on > N_RUNS / 10);
	CU_ASSERT(n_go_on < N_RUNS / 2);
	CU_ASSERT_EQUAL(test_mbufs_live(), 0);
}

TAP_MAIN(parse, TAP_TEST(one_piece_or_several_say_the_same),
	 TAP_TEST(frame_after_another_says_the_same_as_alone))
