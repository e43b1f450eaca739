/*
 * frag.c - fragments of TCP datagrams.
 */
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>

#include "datapath/frag.h"
#include "tests/unit/eal.h"
#include "tests/unit/frame.h"
#include "tests/unit/tap.h"

enum { HEADER4 = 34, PAYLOAD = 4000, TIMEOUT = 1000 };

static const struct parse_conf plain = { .domain = 3 };
static struct rte_mempool *pool;
static struct frag_table *table;
static struct frag_result r;
static struct frame whole;
static usec_t now;

static void
set_up(unsigned n_max)
{
	CU_ASSERT_EQUAL_FATAL(test_eal_init(), 0);
	if (!pool)
		pool = rte_pktmbuf_pool_create("frag", 1023, 0, 0, 512, SOCKET_ID_ANY);
	CU_ASSERT_PTR_NOT_NULL_FATAL(pool);
	table = frag_table_new(n_max, TIMEOUT, pool);
	CU_ASSERT_PTR_NOT_NULL_FATAL(table);
	now.v = 1000000;
}

static void
take_down(void)
{
	frag_table_free(table);
	CU_ASSERT_EQUAL(test_mbufs_live(), 0);
	CU_ASSERT_EQUAL(rte_mempool_in_use_count(pool), 0);
}

/* The datagram that the fragments are cut from, on VLAN `vid` (0: untagged). */
static void
make_whole(uint16_t vid, bool v6)
{
	frame_init(&whole);
	frame_ether(&whole, 0);
	if (vid)
		frame_tag(&whole, 0x8100, vid);
	if (v6)
		frame_ip6(&whole, "2001:db8::1", "2001:db8::2", IPPROTO_TCP);
	else
		frame_ip4(&whole, "10.0.0.1", "10.0.0.2", IPPROTO_TCP, NULL, 0);
	frame_tcp(&whole, 1234, 80, 77, 88, TCP_ACK, 1000, NULL, 0);
	frame_fill(&whole, PAYLOAD - 20);
	frame_end(&whole);
}

/* Bytes [off, off + len) of the datagram's payload as a fragment with `id`. */
static struct frame *
cut(unsigned off, unsigned len, uint32_t id)
{
	static struct frame f;
	bool v6 = whole.layer[0].kind == '6';
	size_t header = whole.layer[1].at, ip = whole.layer[0].at;
	bool more = off + len < PAYLOAD;
	uint8_t fh[8] = { IPPROTO_TCP, 0,	 off >> 8, (off & 0xf8) | more,
			  id >> 24,    id >> 16, id >> 8,  id };
	uint8_t *b = f.b + ip;

	frame_init(&f);
	frame_bytes(&f, whole.b, header);
	f.layer[0] = whole.layer[0];
	f.n_layers = 1;
	if (v6) {
		b[6] = IPPROTO_FRAGMENT;
		frame_bytes(&f, fh, sizeof fh);
	} else {
		b[4] = id >> 8;
		b[5] = id;
		b[6] = off >> 11 | (more ? 0x20 : 0);
		b[7] = off >> 3;
	}
	frame_bytes(&f, whole.b + header + off, len);
	frame_end(&f);
	return &f;
}

static struct rte_mbuf *
input_frame(const struct frame *f)
{
	struct rte_mbuf *m = frame_mbuf(f);
	struct pkt p;

	CU_ASSERT_EQUAL_FATAL(pkt_parse(&p, m, &plain), PKT_FRAGMENT);
	frag_input(table, &p, now, &r);
	return m;
}

static struct rte_mbuf *
input(unsigned off, unsigned len, uint32_t id)
{
	return input_frame(cut(off, len, id));
}

static void
free_result(void)
{
	rte_pktmbuf_free(r.whole);
	rte_pktmbuf_free_bulk(r.original, r.n_original);
	memset(&r, 0, sizeof r);
}

/* The result's datagram is parsed as TCP and carries the bytes it was cut from. */
static void
check_whole(void)
{
	static uint8_t all[FRAME_MAX];
	struct pkt p;

	CU_ASSERT_PTR_NOT_NULL_FATAL(r.whole);
	CU_ASSERT_EQUAL(r.refusal, DROP_NONE);
	CU_ASSERT_EQUAL_FATAL(pkt_parse(&p, r.whole, &plain), PKT_TCP);
	CU_ASSERT_FALSE(p.cksum_bad);
	CU_ASSERT_EQUAL(p.seq, 77);
	CU_ASSERT_EQUAL_FATAL(p.payload_len, PAYLOAD - 20);
	memcpy(all, rte_pktmbuf_read(r.whole, p.payload, p.payload_len, all), p.payload_len);
	CU_ASSERT_EQUAL(memcmp(all, whole.b + whole.len - p.payload_len, p.payload_len), 0);
}

static void
any_order_of_arrival_completes_the_datagram(void)
{
	static const unsigned off[4] = { 0, 1000, 2000, 3000 };
	static const int orders[6][4] = { { 0, 1, 2, 3 }, { 3, 2, 1, 0 }, { 1, 3, 0, 2 },
					  { 2, 0, 3, 1 }, { 3, 0, 1, 2 }, { 1, 2, 3, 0 } };
	struct rte_mbuf *m[4];
	int i, j, v6;

	for (v6 = 0; v6 < 2; v6++) {
		set_up(4);
		make_whole(0, v6);
		for (i = 0; i < 6; i++) {
			for (j = 0; j < 4; j++) {
				m[j] = input(off[orders[i][j]], 1000, i);
				CU_ASSERT_EQUAL(frag_n_held(table), j < 3 ? (unsigned)j + 1 : 0);
			}
			check_whole();
			CU_ASSERT_EQUAL_FATAL(r.n_original, 4);
			for (j = 0; j < 4; j++)
				CU_ASSERT_PTR_EQUAL(r.original[j], m[j]);
			free_result();
		}
		take_down();
	}
}

static void
payload_of_the_whole_is_the_fragments_own_memory(void)
{
	struct rte_mbuf *a, *b;

	set_up(4);
	make_whole(0, false);
	a = input(0, 2000, 1);
	b = input(2000, 2000, 1);
	CU_ASSERT_PTR_NOT_NULL_FATAL(r.whole);
	CU_ASSERT_EQUAL_FATAL(r.whole->nb_segs, 3);
	CU_ASSERT_PTR_EQUAL(rte_pktmbuf_mtod(r.whole->next, uint8_t *),
			    rte_pktmbuf_mtod_offset(a, uint8_t *, HEADER4));
	CU_ASSERT_PTR_EQUAL(rte_pktmbuf_mtod(r.whole->next->next, uint8_t *),
			    rte_pktmbuf_mtod_offset(b, uint8_t *, HEADER4));
	free_result();
	take_down();
}

static void
tcp_header_may_itself_be_cut(void)
{
	set_up(4);
	make_whole(0, false);
	input(0, 8, 1);
	input(8, 8, 1);
	input(16, PAYLOAD - 16, 1);
	check_whole();
	free_result();
	take_down();
}

static void
ethernet_padding_is_not_payload(void)
{
	struct frame *f;

	set_up(4);
	make_whole(0, false);
	f = cut(3992, 8, 1);
	frame_trailer(f, 18);
	input_frame(f);
	input(0, 3992, 1);
	check_whole();
	free_result();
	take_down();
}

static void
overlap_gives_up_the_datagram_and_its_rest(void)
{
	struct rte_mbuf *a, *b;

	set_up(4);
	make_whole(0, false);
	a = input(0, 1000, 1);
	b = input(992, 1000, 1);
	CU_ASSERT_EQUAL(r.refusal, DROP_frag_overlap);
	CU_ASSERT_EQUAL_FATAL(r.n_original, 2);
	CU_ASSERT_PTR_EQUAL(r.original[0], a);
	CU_ASSERT_PTR_EQUAL(r.original[1], b);
	CU_ASSERT_PTR_NULL(r.whole);
	free_result();
	a = input(0, 2000, 1);
	CU_ASSERT_EQUAL(r.refusal, DROP_frag_overlap);
	CU_ASSERT_PTR_EQUAL(r.original[0], a);
	free_result();
	input(2000, 2000, 1);
	CU_ASSERT_PTR_NULL(r.whole);
	free_result();
	CU_ASSERT_EQUAL(frag_n_held(table), 0);
	take_down();
}

static void
exact_duplicate_changes_nothing(void)
{
	struct rte_mbuf *again;

	set_up(4);
	make_whole(0, false);
	input(0, 2000, 1);
	again = input(0, 2000, 1);
	CU_ASSERT_EQUAL(r.refusal, DROP_frag_duplicate);
	CU_ASSERT_EQUAL(r.n_original, 1);
	CU_ASSERT_PTR_EQUAL(r.original[0], again);
	free_result();
	input(2000, 2000, 1);
	check_whole();
	CU_ASSERT_EQUAL(r.n_original, 2);
	free_result();
	take_down();
}

static void
same_range_with_other_bytes_is_an_overlap(void)
{
	set_up(4);
	make_whole(0, false);
	input(0, 2000, 1);
	whole.b[whole.layer[1].at + 1500] ^= 1;
	input(0, 2000, 1);
	CU_ASSERT_EQUAL(r.refusal, DROP_frag_overlap);
	free_result();
	take_down();
}

static void
bytes_beyond_the_last_fragment_give_it_up(void)
{
	struct frame *f;

	set_up(4);
	make_whole(0, false);
	f = cut(1000, 1000, 1);
	f->b[20] &= ~0x20;	/* the last, it says */
	frame_end(f);
	input_frame(f);
	input(2000, 1000, 1);
	CU_ASSERT_EQUAL(r.refusal, DROP_frag_overlap);
	free_result();
	take_down();
}

static void
seventeenth_fragment_gives_it_up(void)
{
	unsigned i;

	set_up(4);
	make_whole(0, false);
	for (i = 0; i < 17; i++)
		input(i * 8, 8, 1);
	CU_ASSERT_EQUAL(r.refusal, DROP_frag_many);
	CU_ASSERT_EQUAL(r.n_original, 17);
	free_result();
	take_down();
}

static void
full_table_refuses_another_datagram(void)
{
	struct frag_room room;
	struct rte_mbuf *m;
	unsigned i;

	set_up(3);
	make_whole(0, false);
	for (i = 0; i < 3; i++)
		input(0, 1000, i);
	m = input(0, 1000, 3);
	CU_ASSERT_EQUAL(r.refusal, DROP_frag_table);
	CU_ASSERT_PTR_EQUAL(r.original[0], m);
	free_result();
	CU_ASSERT_EQUAL(frag_n_held(table), 3);
	frag_room(table, &room);
	CU_ASSERT_TRUE(room.n == 3 && room.n_peak == 3 && room.n_max == 3);
	now = usec_add(now, TIMEOUT);
	while (frag_expire(table, now, &r))
		free_result();
	frag_room(table, &room);
	CU_ASSERT_TRUE(room.n == 0 && room.n_peak == 3);
	take_down();
}

static void
fragments_that_never_complete_are_bounded(void)
{
	uint32_t i, n_refused = 0;

	set_up(64);
	make_whole(0, false);
	for (i = 0; i < 60000; i++) {
		input(8 * (i % 3), 1000, (uint16_t)(i / 2));
		n_refused += r.n_original;
		free_result();
		CU_ASSERT_TRUE(frag_n_held(table) <= 64 * FRAG_MAX);
		now = usec_add(now, i % 100 == 0);
		while (frag_expire(table, now, &r)) {
			n_refused += r.n_original;
			free_result();
		}
	}
	now = usec_add(now, TIMEOUT);
	while (frag_expire(table, now, &r)) {
		n_refused += r.n_original;
		free_result();
	}
	CU_ASSERT_EQUAL(n_refused, 60000);
	CU_ASSERT_EQUAL(frag_n_held(table), 0);
	CU_ASSERT_EQUAL(test_mbufs_live(), 0);
	take_down();
}

static void
incomplete_datagrams_expire_oldest_first(void)
{
	struct rte_mbuf *a, *b;

	set_up(4);
	make_whole(0, false);
	CU_ASSERT_EQUAL(frag_next(table).v, USEC_NEVER.v);
	a = input(0, 1000, 1);
	now = usec_add(now, 10);
	b = input(0, 1000, 2);
	CU_ASSERT_EQUAL(frag_next(table).v, 1000000 + TIMEOUT);
	CU_ASSERT_FALSE(frag_expire(table, (usec_t){ 1000000 + TIMEOUT - 1 }, &r));
	CU_ASSERT_TRUE(frag_expire(table, (usec_t){ 1000000 + TIMEOUT }, &r));
	CU_ASSERT_EQUAL(r.refusal, DROP_frag_timeout);
	CU_ASSERT_PTR_EQUAL(r.original[0], a);
	free_result();
	CU_ASSERT_FALSE(frag_expire(table, (usec_t){ 1000000 + TIMEOUT }, &r));
	CU_ASSERT_TRUE(frag_expire(table, (usec_t){ 1000000 + TIMEOUT + 10 }, &r));
	CU_ASSERT_PTR_EQUAL(r.original[0], b);
	free_result();
	CU_ASSERT_EQUAL(frag_next(table).v, USEC_NEVER.v);
	take_down();
}

static void
same_id_on_another_vlan_is_another_datagram(void)
{
	set_up(4);
	make_whole(10, false);
	input(0, 2000, 1);
	make_whole(11, false);
	input(2000, 2000, 1);
	CU_ASSERT_PTR_NULL(r.whole);
	CU_ASSERT_EQUAL(frag_n_held(table), 2);
	make_whole(10, false);
	input(2000, 2000, 1);
	check_whole();
	free_result();
	take_down();
}

static void
without_mbufs_the_originals_come_back(void)
{
	struct rte_mbuf *all[1023];

	set_up(4);
	make_whole(0, false);
	CU_ASSERT_EQUAL_FATAL(rte_pktmbuf_alloc_bulk(pool, all, 1021), 0);
	input(0, 2000, 1);
	input(2000, 2000, 1);
	CU_ASSERT_PTR_NULL(r.whole);
	CU_ASSERT_EQUAL(r.refusal, DROP_no_mbuf);
	CU_ASSERT_EQUAL(r.n_original, 2);
	free_result();
	rte_pktmbuf_free_bulk(all, 1021);
	take_down();
}

TAP_MAIN(frag, TAP_TEST(any_order_of_arrival_completes_the_datagram),
	 TAP_TEST(payload_of_the_whole_is_the_fragments_own_memory),
	 TAP_TEST(tcp_header_may_itself_be_cut), TAP_TEST(ethernet_padding_is_not_payload),
	 TAP_CHECK(S13, overlap_gives_up_the_datagram_and_its_rest),
	 TAP_TEST(exact_duplicate_changes_nothing),
	 TAP_CHECK(S13, same_range_with_other_bytes_is_an_overlap),
	 TAP_TEST(bytes_beyond_the_last_fragment_give_it_up),
	 TAP_TEST(seventeenth_fragment_gives_it_up), TAP_TEST(full_table_refuses_another_datagram),
	 TAP_TEST(fragments_that_never_complete_are_bounded),
	 TAP_TEST(incomplete_datagrams_expire_oldest_first),
	 TAP_CHECK(S13, same_id_on_another_vlan_is_another_datagram),
	 TAP_TEST(without_mbufs_the_originals_come_back))
