/*
 * parse.c - any bytes, in any pieces, to the parser.
 *
 * The first 4 bytes choose: [0] the port's settings, [1] the number of pieces and
 * the checksum flag, [2] and [3] the seed of the pieces' lengths.  The rest is the
 * frame.  What the parser says of it must lie inside of it, be the same in one
 * piece and in many, and the bytes stay what they were.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "datapath/checksum.h"
#include "datapath/parse.h"
#include "tests/unit/eal.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

enum { CHOICES = 4, MAX_PIECES = 7 };

static void
require(bool condition)
{
	if (!condition)
		abort();
}

static struct parse_conf
choose_conf(uint8_t c)
{
	return (struct parse_conf){
		.domain = 9,
		.side = c & 1,
		.meta = c & 2,
		.tap = c & 4,
		.vlan_ignore = c & 8,
		.trust = c & 16,
	};
}

static struct rte_mbuf *
cut_into_pieces(const uint8_t *choice, const uint8_t *frame, size_t size)
{
	size_t len[MAX_PIECES], n = choice[1] & 7;
	uint32_t x = choice[2] | (uint32_t)choice[3] << 8;
	size_t i;

	for (i = 0; i < n; i++) {
		x = x * 1103515245 + 12345;
		len[i] = x >> 16 & 63;
	}
	return test_mbuf_chainv(frame, size, len, n);
}

static void
check_tcp(struct pkt *p)
{
	require(p->l4 >= p->l3 + 20 && p->payload >= p->l4 + 20);
	require(p->payload == p->l4 + 20 + p->opt_len);
	require(p->payload <= p->m->data_len && p->payload <= PKT_LINEAR_MAX);
	require(p->payload + p->payload_len <= p->m->pkt_len);
	require(p->cksum_bad == (p->refusal == DROP_tcp_cksum));
	if (p->cksum_bad)
		require(!cksum_tcp_ok(p));
}

static void
check_fragment(const struct pkt *p)
{
	require(p->frag_len > 0 && p->l4 + p->frag_len <= p->m->pkt_len);
	require(p->l4 <= p->m->data_len && p->frag_off % 8 == 0);
	require(p->frag_off != 0 || p->frag_more);
	require(p->frag_off + p->frag_len <= 65535);
}

static void
check_pkt(struct pkt *p, const struct parse_conf *conf)
{
	uint16_t vid[PKT_MAX_TAGS];

	require(p->n_tags <= PKT_MAX_TAGS && p->n_key_tags <= p->n_tags);
	require(pkt_key_vids(p, vid) == p->n_key_tags);
	require(!conf->vlan_ignore || p->n_key_tags == 0);
	require((p->kind == PKT_REFUSED || p->cksum_bad) == (p->refusal != DROP_NONE));
	if (p->kind == PKT_TCP)
		check_tcp(p);
	else if (p->kind == PKT_FRAGMENT)
		check_fragment(p);
	else if (p->kind == PKT_ICMP_ERROR)
		require(p->l4 + 8u + 20 + 8 <= p->m->data_len);
}

static void
check_bytes(const struct rte_mbuf *m, const uint8_t *frame, size_t size)
{
	const struct rte_mbuf *s;
	unsigned n = 0;

	require(m->pkt_len == size);
	for (s = m; s; s = s->next, n++) {
		require(s->data_len <= size);
		require(memcmp(rte_pktmbuf_mtod(s, void *), frame, s->data_len) == 0);
		frame += s->data_len;
		size -= s->data_len;
	}
	require(size == 0 && n == m->nb_segs);
}

/* One piece or many: what is parsed is the same. */
static void
check_same(const struct pkt *a, const struct pkt *b)
{
	require(a->kind == b->kind && a->refusal == b->refusal && a->hash == b->hash);
	require(a->payload == b->payload && a->payload_len == b->payload_len);
	require(a->seq == b->seq && a->flags == b->flags && a->frag_len == b->frag_len);
}

int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
	struct parse_conf conf;
	struct rte_mbuf *flat, *m;
	struct pkt p, q;

	if (size < CHOICES || size - CHOICES > UINT16_MAX || test_eal_init())
		return 0;
	conf = choose_conf(bytes[0]);
	size -= CHOICES;
	flat = test_mbuf(bytes + CHOICES, size);
	m = cut_into_pieces(bytes, bytes + CHOICES, size);
	flat->ol_flags |= bytes[1] & 8 ? RTE_MBUF_F_RX_L4_CKSUM_NONE : 0;
	m->ol_flags |= bytes[1] & 8 ? RTE_MBUF_F_RX_L4_CKSUM_NONE : 0;
	pkt_parse(&p, flat, &conf);
	check_pkt(&p, &conf);
	pkt_parse(&q, m, &conf);
	check_pkt(&q, &conf);
	check_same(&p, &q);
	check_bytes(m, bytes + CHOICES, size);
	rte_pktmbuf_free(flat);
	rte_pktmbuf_free(m);
	require(test_mbufs_live() == 0);
	return 0;
}
