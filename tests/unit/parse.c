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

TAP_MAIN(parse, TAP_TEST(tcp_over_ipv4_is_read_whole),
	 TAP_TEST(headers_in_pieces_are_joined_and_bytes_unchanged))
