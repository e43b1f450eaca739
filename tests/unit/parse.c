/*
 * parse.c - what the parser sees in a frame.
 */
#include <netinet/in.h>
#include <string.h>

#include "datapath/parse.h"
#include "tests/unit/eal.h"
#include "tests/unit/frame.h"
#include "tests/unit/tap.h"

static struct frame f;
static struct pkt p;
static const struct parse_conf plain = { .domain = 7, .side = 1 };

/* Parses the frame; the mbuf is freed, so only numbers of `p` may be looked at. */
static enum pkt_kind
parse(const struct parse_conf *conf)
{
	struct rte_mbuf *m = frame_mbuf(&f);
	enum pkt_kind kind = pkt_parse(&p, m, conf);

	rte_pktmbuf_free(m);
	return kind;
}

static void
begin(void)
{
	frame_init(&f);
	frame_ether(&f, 0);
}

static void
tcp4(size_t payload)
{
	frame_ip4(&f, "10.1.2.3", "192.0.2.9", IPPROTO_TCP, NULL, 0);
	frame_tcp(&f, 40000, 80, 0x11223344, 0x55667788, TCP_ACK | TCP_PSH, 4321, NULL, 0);
	frame_fill(&f, payload);
	frame_end(&f);
}

static bool
addr_is(const struct ip_addr *a, const char *text)
{
	char buf[IP_ADDR_STRLEN];

	return strcmp(ip_addr_format(a, buf), text) == 0;
}

static void
tcp_over_ipv4_is_read_whole(void)
{
	begin();
	frame_ip4(&f, "10.1.2.3", "192.0.2.9", IPPROTO_TCP, NULL, 0);
	frame_tcp(&f, 40000, 80, 0x11223344, 0x55667788, TCP_ACK | TCP_PSH | TCP_AE, 4321,
		  "\x01\x01\x08\x0a\0\0\0\1\0\0\0\2", 12);
	frame_fill(&f, 100);
	f.b[15] = 0xb8;
	frame_end(&f);
	CU_ASSERT_EQUAL_FATAL(parse(&plain), PKT_TCP);
	CU_ASSERT_EQUAL(p.refusal, DROP_NONE);
	CU_ASSERT_EQUAL(p.domain, 7);
	CU_ASSERT_EQUAL(p.side, 1);
	CU_ASSERT_EQUAL(p.l3, 14);
	CU_ASSERT_EQUAL(p.l4, 34);
	CU_ASSERT_EQUAL(p.payload, 66);
	CU_ASSERT_EQUAL(p.payload_len, 100);
	CU_ASSERT_EQUAL(p.opt_len, 12);
	CU_ASSERT_EQUAL(p.sport, 40000);
	CU_ASSERT_EQUAL(p.dport, 80);
	CU_ASSERT_EQUAL(p.seq, 0x11223344);
	CU_ASSERT_EQUAL(p.ack, 0x55667788);
	CU_ASSERT_EQUAL(p.flags, TCP_ACK | TCP_PSH | TCP_AE);
	CU_ASSERT_EQUAL(p.window, 4321);
	CU_ASSERT_EQUAL(p.ttl, 64);
	CU_ASSERT_EQUAL(p.tos, 0xb8);
	CU_ASSERT_TRUE(p.df);
	CU_ASSERT_FALSE(p.is_v6);
	CU_ASSERT_TRUE(addr_is(&p.src, "10.1.2.3"));
	CU_ASSERT_TRUE(addr_is(&p.dst, "192.0.2.9"));
}

static void
headers_in_pieces_are_joined_and_bytes_unchanged(void)
{
	struct rte_mbuf *m;
	uint8_t after[200];
	size_t cut;

	begin();
	tcp4(100);
	for (cut = 1; cut < f.len; cut++) {
		m = test_mbuf_chain(f.b, f.len, cut, 3, 0, 7);
		CU_ASSERT_EQUAL(pkt_parse(&p, m, &plain), PKT_TCP);
		CU_ASSERT_EQUAL(p.seq, 0x11223344);
		CU_ASSERT_EQUAL(p.payload_len, 100);
		CU_ASSERT_TRUE(m->data_len >= p.payload);
		CU_ASSERT_EQUAL(m->pkt_len, f.len);
		memcpy(after, rte_pktmbuf_read(m, 0, f.len, after), f.len);
		CU_ASSERT_EQUAL(memcmp(after, f.b, f.len), 0);
		rte_pktmbuf_free(m);
	}
	CU_ASSERT_EQUAL(test_mbufs_live(), 0);
}

static void
tcp_over_ipv6_is_read_whole(void)
{
	begin();
	frame_ip6(&f, "2001:db8::1", "2001:db8::2", IPPROTO_TCP);
	f.b[14] = 0x6b;
	f.b[15] = 0x8a;
	f.b[16] = 0xbc;
	f.b[17] = 0xde;
	frame_tcp(&f, 5, 6, 7, 8, TCP_SYN, 9, NULL, 0);
	frame_end(&f);
	CU_ASSERT_EQUAL_FATAL(parse(&plain), PKT_TCP);
	CU_ASSERT_FALSE(p.cksum_bad);
	CU_ASSERT_TRUE(p.is_v6);
	CU_ASSERT_EQUAL(p.tos, 0xb8);
	CU_ASSERT_EQUAL(p.flow_label, 0xabcde);
	CU_ASSERT_EQUAL(p.l4, 54);
	CU_ASSERT_EQUAL(p.payload, 74);
	CU_ASSERT_EQUAL(p.payload_len, 0);
	CU_ASSERT_TRUE(addr_is(&p.dst, "2001:db8::2"));
}

static void
ipv6_extension_headers_are_passed(void)
{
	static const uint8_t hop[8] = { IPPROTO_ROUTING, 0, 1, 4 };
	static const uint8_t routing[8] = { IPPROTO_DSTOPTS, 0, 0, 0 };
	static const uint8_t dest[16] = { IPPROTO_FRAGMENT, 1, 1, 12 };
	static const uint8_t atomic[8] = { IPPROTO_TCP, 0, 0, 0, 1, 2, 3, 4 };

	begin();
	frame_ip6(&f, "2001:db8::1", "2001:db8::2", IPPROTO_HOPOPTS);
	frame_bytes(&f, hop, sizeof hop);
	frame_bytes(&f, routing, sizeof routing);
	frame_bytes(&f, dest, sizeof dest);
	frame_bytes(&f, atomic, sizeof atomic);
	frame_tcp(&f, 5, 6, 7, 8, TCP_ACK, 9, NULL, 0);
	frame_fill(&f, 10);
	frame_end(&f);
	CU_ASSERT_EQUAL_FATAL(parse(&plain), PKT_TCP);
	CU_ASSERT_FALSE(p.cksum_bad);
	CU_ASSERT_EQUAL(p.l4, 54 + 40);
	CU_ASSERT_EQUAL(p.payload_len, 10);
}

static void
ipv6_extension_header_that_cannot_be_passed_is_other(void)
{
	static const uint8_t left[8] = { IPPROTO_TCP, 0, 0, 1 };

	begin();
	frame_ip6(&f, "2001:db8::1", "2001:db8::2", IPPROTO_AH);
	frame_tcp(&f, 5, 6, 7, 8, TCP_ACK, 9, NULL, 0);
	frame_end(&f);
	CU_ASSERT_EQUAL(parse(&plain), PKT_OTHER);
	begin();
	frame_ip6(&f, "2001:db8::1", "2001:db8::2", IPPROTO_ROUTING);
	frame_bytes(&f, left, sizeof left);
	frame_tcp(&f, 5, 6, 7, 8, TCP_ACK, 9, NULL, 0);
	frame_end(&f);
	CU_ASSERT_EQUAL(parse(&plain), PKT_OTHER);
}

static void
cut_ipv6_extension_header_is_refused(void)
{
	static const uint8_t dest[8] = { IPPROTO_TCP, 200, 1, 4 };

	begin();
	frame_ip6(&f, "2001:db8::1", "2001:db8::2", IPPROTO_DSTOPTS);
	frame_bytes(&f, dest, sizeof dest);
	frame_tcp(&f, 5, 6, 7, 8, TCP_ACK, 9, NULL, 0);
	frame_end(&f);
	CU_ASSERT_EQUAL(parse(&plain), PKT_REFUSED);
	CU_ASSERT_EQUAL(p.refusal, DROP_ip6_header);
}

static void
ipv4_options_are_passed(void)
{
	begin();
	frame_ip4(&f, "10.1.2.3", "192.0.2.9", IPPROTO_TCP, "\x94\x04\0\0\1\1\1\0", 8);
	frame_tcp(&f, 5, 6, 7, 8, TCP_ACK, 9, NULL, 0);
	frame_end(&f);
	CU_ASSERT_EQUAL_FATAL(parse(&plain), PKT_TCP);
	CU_ASSERT_EQUAL(p.l4, 42);
	CU_ASSERT_FALSE(p.cksum_bad);
}

static void
sixteen_tags_of_three_kinds_are_read(void)
{
	static const uint16_t tpid[3] = { 0x8100, 0x88a8, 0x9100 };
	uint16_t vid[PKT_MAX_TAGS];
	unsigned i;

	begin();
	for (i = 0; i < 16; i++)
		frame_tag(&f, tpid[i % 3], 0xe000 | (100 + i));
	tcp4(1);
	CU_ASSERT_EQUAL_FATAL(parse(&plain), PKT_TCP);
	CU_ASSERT_EQUAL(p.n_tags, 16);
	CU_ASSERT_EQUAL(p.l3, 14 + 64);
	CU_ASSERT_EQUAL_FATAL(pkt_key_vids(&p, vid), 16);
	for (i = 0; i < 16; i++) {
		CU_ASSERT_EQUAL(p.tag[i].tpid, tpid[i % 3]);
		CU_ASSERT_EQUAL(p.tag[i].tci, 0xe000 | (100 + i));
		CU_ASSERT_EQUAL(vid[i], 100 + i);
	}
}

static void
seventeenth_tag_is_refused(void)
{
	unsigned i;

	begin();
	for (i = 0; i < 17; i++)
		frame_tag(&f, 0x8100, i);
	tcp4(1);
	CU_ASSERT_EQUAL(parse(&plain), PKT_REFUSED);
	CU_ASSERT_EQUAL(p.refusal, DROP_vlan_deep);
}

static void
priority_tag_is_kept_but_makes_no_other_flow(void)
{
	uint32_t untagged;

	begin();
	tcp4(1);
	parse(&plain);
	untagged = p.hash;
	begin();
	frame_tag(&f, 0x8100, 0xa000);
	tcp4(1);
	CU_ASSERT_EQUAL(parse(&plain), PKT_TCP);
	CU_ASSERT_EQUAL(p.n_tags, 1);
	CU_ASSERT_EQUAL(p.n_key_tags, 0);
	CU_ASSERT_EQUAL(p.tag[0].tci, 0xa000);
	CU_ASSERT_EQUAL(p.hash, untagged);
}

static void
vlan_is_part_of_the_key_unless_the_port_ignores_it(void)
{
	struct parse_conf ignore = plain;
	uint32_t untagged;

	ignore.vlan_ignore = true;
	begin();
	tcp4(1);
	parse(&plain);
	untagged = p.hash;
	begin();
	frame_tag(&f, 0x8100, 5);
	tcp4(1);
	parse(&plain);
	CU_ASSERT_EQUAL(p.n_key_tags, 1);
	CU_ASSERT_NOT_EQUAL(p.hash, untagged);
	parse(&ignore);
	CU_ASSERT_EQUAL(p.n_tags, 1);
	CU_ASSERT_EQUAL(p.n_key_tags, 0);
	CU_ASSERT_EQUAL(p.hash, untagged);
}

static void
metadata_tag_is_the_domain_and_on_a_tap_the_side(void)
{
	struct parse_conf meta = { .domain = 1, .meta = true }, tap = meta;

	tap.tap = true;
	begin();
	frame_tag(&f, 0x8100, 0x0805);
	frame_tag(&f, 0x8100, 100);
	tcp4(1);
	CU_ASSERT_EQUAL_FATAL(parse(&meta), PKT_TCP);
	CU_ASSERT_EQUAL(p.domain, 5);
	CU_ASSERT_EQUAL(p.side, 0);
	CU_ASSERT_EQUAL(p.meta_len, 4);
	CU_ASSERT_EQUAL(p.n_tags, 1);
	CU_ASSERT_EQUAL(p.tag[0].tci, 100);
	parse(&tap);
	CU_ASSERT_EQUAL(p.domain, 5);
	CU_ASSERT_EQUAL(p.side, 1);
	begin();
	tcp4(1);
	CU_ASSERT_EQUAL(parse(&meta), PKT_REFUSED);
	CU_ASSERT_EQUAL(p.refusal, DROP_meta_missing);
}

static void
both_directions_have_one_hash(void)
{
	uint32_t there;

	begin();
	tcp4(0);
	parse(&plain);
	there = p.hash;
	begin();
	frame_ip4(&f, "192.0.2.9", "10.1.2.3", IPPROTO_TCP, NULL, 0);
	frame_tcp(&f, 80, 40000, 1, 2, TCP_ACK, 3, NULL, 0);
	frame_end(&f);
	parse(&plain);
	CU_ASSERT_EQUAL(p.hash, there);
}

static void
trailer_is_not_payload(void)
{
	begin();
	tcp4(3);
	frame_trailer(&f, 40);
	CU_ASSERT_EQUAL(parse(&plain), PKT_TCP);
	CU_ASSERT_EQUAL(p.payload_len, 3);
	CU_ASSERT_FALSE(p.cksum_bad);
}

static void
every_cut_of_a_frame_is_refused(void)
{
	struct rte_mbuf *m;
	size_t len;

	begin();
	frame_tag(&f, 0x88a8, 3);
	tcp4(30);
	for (len = 0; len < f.len; len++) {
		m = test_mbuf(f.b, len);
		CU_ASSERT_EQUAL(pkt_parse(&p, m, &plain), PKT_REFUSED);
		CU_ASSERT_EQUAL(p.refusal, len < 18   ? DROP_eth_short
					   : len < 38 ? DROP_ip4_header
						      : DROP_ip_short);
		rte_pktmbuf_free(m);
	}
}

static void
wrong_tcp_checksum_is_told_with_all_fields(void)
{
	struct parse_conf trust = plain;

	trust.trust = true;
	begin();
	tcp4(30);
	f.b[f.len - 1] ^= 1;
	CU_ASSERT_EQUAL(parse(&plain), PKT_TCP);
	CU_ASSERT_TRUE(p.cksum_bad);
	CU_ASSERT_EQUAL(p.refusal, DROP_tcp_cksum);
	CU_ASSERT_EQUAL(p.payload_len, 30);
	CU_ASSERT_EQUAL(parse(&trust), PKT_TCP);
	CU_ASSERT_FALSE(p.cksum_bad);
	CU_ASSERT_EQUAL(p.refusal, DROP_NONE);
}

static void
checksum_that_was_verified_or_never_computed_is_not_looked_at(void)
{
	static const uint64_t flags[2] = { RTE_MBUF_F_RX_L4_CKSUM_GOOD,
					   RTE_MBUF_F_RX_L4_CKSUM_NONE };
	struct rte_mbuf *m;
	unsigned i;

	begin();
	tcp4(30);
	f.b[f.len - 1] ^= 1;
	for (i = 0; i < 2; i++) {
		m = frame_mbuf(&f);
		m->ol_flags |= flags[i];
		CU_ASSERT_EQUAL(pkt_parse(&p, m, &plain), PKT_TCP);
		CU_ASSERT_FALSE(p.cksum_bad);
		rte_pktmbuf_free(m);
	}
}

static void
wrong_ipv4_header_checksum_is_refused(void)
{
	begin();
	tcp4(0);
	f.b[22] ^= 1;
	CU_ASSERT_EQUAL(parse(&plain), PKT_REFUSED);
	CU_ASSERT_EQUAL(p.refusal, DROP_ip4_cksum);
}

static void
absurd_flags_are_refused(void)
{
	static const uint16_t absurd[] = { 0,
					   TCP_PSH,
					   TCP_URG | TCP_PSH,
					   TCP_SYN | TCP_FIN,
					   TCP_SYN | TCP_RST,
					   TCP_SYN | TCP_FIN | TCP_ACK };
	static const uint16_t sane[] = {
		TCP_SYN,	   TCP_SYN | TCP_ACK, TCP_SYN | TCP_ECE | TCP_CWR,
		TCP_RST,	   TCP_RST | TCP_ACK, TCP_FIN,
		TCP_FIN | TCP_ACK, TCP_ACK | TCP_URG, TCP_RST | TCP_FIN | TCP_ACK
	};
	unsigned i;

	for (i = 0; i < RTE_DIM(absurd) + RTE_DIM(sane); i++) {
		bool is_sane = i >= RTE_DIM(absurd);

		begin();
		frame_ip4(&f, "10.1.2.3", "192.0.2.9", IPPROTO_TCP, NULL, 0);
		frame_tcp(&f, 5, 6, 7, 8, is_sane ? sane[i - RTE_DIM(absurd)] : absurd[i], 9, NULL,
			  0);
		frame_end(&f);
		CU_ASSERT_EQUAL(parse(&plain), is_sane ? PKT_TCP : PKT_REFUSED);
		CU_ASSERT_EQUAL(p.refusal, is_sane ? DROP_NONE : DROP_tcp_flags);
	}
}

static void
tcp_header_beyond_the_datagram_is_refused(void)
{
	begin();
	tcp4(10);
	f.b[46] = 0xf0;
	CU_ASSERT_EQUAL(parse(&plain), PKT_REFUSED);
	CU_ASSERT_EQUAL(p.refusal, DROP_tcp_header);
	f.b[46] = 0x40;
	CU_ASSERT_EQUAL(parse(&plain), PKT_REFUSED);
	CU_ASSERT_EQUAL(p.refusal, DROP_tcp_header);
}

static void
what_is_not_tcp_is_other(void)
{
	begin();
	frame_ip4(&f, "10.1.2.3", "192.0.2.9", IPPROTO_UDP, NULL, 0);
	frame_fill(&f, 20);
	frame_end(&f);
	CU_ASSERT_EQUAL(parse(&plain), PKT_OTHER);
	frame_init(&f);
	frame_ether(&f, 0x0806);
	frame_fill(&f, 46);
	CU_ASSERT_EQUAL(parse(&plain), PKT_OTHER);
	frame_init(&f);
	frame_ether(&f, 40);	/* an 802.3 length */
	frame_fill(&f, 46);
	CU_ASSERT_EQUAL(parse(&plain), PKT_OTHER);
}

static void
super_segment_is_parsed(void)
{
	size_t lens[46];
	struct rte_mbuf *m;
	unsigned i;

	begin();
	tcp4(65535 - 40);
	for (i = 0; i < 46; i++)
		lens[i] = 1449;
	m = test_mbuf_chainv(f.b, f.len, lens, 46);
	CU_ASSERT_EQUAL(pkt_parse(&p, m, &plain), PKT_TCP);
	CU_ASSERT_FALSE(p.cksum_bad);
	CU_ASSERT_EQUAL(p.payload_len, 65495);
	rte_pktmbuf_free(m);
}

static void
fragments_of_tcp_have_a_hash_of_their_own(void)
{
	uint32_t hash;

	begin();
	tcp4(76);
	f.b[18] = 0x12;
	f.b[19] = 0x34;
	f.b[20] = 0x20;
	frame_end(&f);
	CU_ASSERT_EQUAL_FATAL(parse(&plain), PKT_FRAGMENT);
	CU_ASSERT_EQUAL(p.frag_id, 0x1234);
	CU_ASSERT_EQUAL(p.frag_off, 0);
	CU_ASSERT_EQUAL(p.frag_len, 96);
	hash = p.hash;
	CU_ASSERT_TRUE(p.frag_more);
	f.b[20] = 0x20;
	f.len -= 4;
	frame_end(&f);
	CU_ASSERT_EQUAL(parse(&plain), PKT_REFUSED);	/* not a multiple of 8 */
	f.b[20] = 0;
	f.b[21] = 13;
	frame_end(&f);
	CU_ASSERT_EQUAL_FATAL(parse(&plain), PKT_FRAGMENT);
	CU_ASSERT_EQUAL(p.frag_off, 104);
	CU_ASSERT_FALSE(p.frag_more);
	CU_ASSERT_EQUAL(p.l4, 34);
	CU_ASSERT_EQUAL(p.hash, hash);
}

static void
fragment_beyond_the_longest_datagram_is_refused(void)
{
	begin();
	tcp4(80);
	f.b[20] = 0x1f;
	f.b[21] = 0xff;
	frame_end(&f);
	CU_ASSERT_EQUAL(parse(&plain), PKT_REFUSED);
	CU_ASSERT_EQUAL(p.refusal, DROP_ip4_header);
}

TAP_MAIN(parse, TAP_TEST(tcp_over_ipv4_is_read_whole),
	 TAP_TEST(headers_in_pieces_are_joined_and_bytes_unchanged),
	 TAP_TEST(tcp_over_ipv6_is_read_whole), TAP_TEST(ipv6_extension_headers_are_passed),
	 TAP_TEST(ipv6_extension_header_that_cannot_be_passed_is_other),
	 TAP_TEST(cut_ipv6_extension_header_is_refused), TAP_TEST(ipv4_options_are_passed),
	 TAP_TEST(sixteen_tags_of_three_kinds_are_read), TAP_TEST(seventeenth_tag_is_refused),
	 TAP_TEST(priority_tag_is_kept_but_makes_no_other_flow),
	 TAP_TEST(vlan_is_part_of_the_key_unless_the_port_ignores_it),
	 TAP_TEST(metadata_tag_is_the_domain_and_on_a_tap_the_side),
	 TAP_TEST(both_directions_have_one_hash), TAP_TEST(trailer_is_not_payload),
	 TAP_TEST(every_cut_of_a_frame_is_refused),
	 TAP_TEST(wrong_tcp_checksum_is_told_with_all_fields),
	 TAP_TEST(checksum_that_was_verified_or_never_computed_is_not_looked_at),
	 TAP_TEST(wrong_ipv4_header_checksum_is_refused), TAP_TEST(absurd_flags_are_refused),
	 TAP_TEST(tcp_header_beyond_the_datagram_is_refused), TAP_TEST(what_is_not_tcp_is_other),
	 TAP_TEST(super_segment_is_parsed), TAP_TEST(fragments_of_tcp_have_a_hash_of_their_own),
	 TAP_TEST(fragment_beyond_the_longest_datagram_is_refused))
