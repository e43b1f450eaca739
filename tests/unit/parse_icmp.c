/*
 * parse_icmp.c - ICMP errors and the TCP segments they quote.
 */
#include <netinet/in.h>
#include <string.h>

#include "datapath/parse.h"
#include "tests/unit/eal.h"
#include "tests/unit/frame.h"
#include "tests/unit/tap.h"

static struct frame f;
static struct pkt p;
static const struct parse_conf plain = { .domain = 7 };

/* Parses the frame; the mbuf is freed, so only numbers of `p` may be looked at. */
static enum pkt_kind
parse(void)
{
	struct rte_mbuf *m = frame_mbuf(&f);
	enum pkt_kind kind = pkt_parse(&p, m, &plain);

	rte_pktmbuf_free(m);
	return kind;
}

static void
begin(void)
{
	frame_init(&f);
	frame_ether(&f, 0);
}

static bool
addr_is(const struct ip_addr *a, const char *text)
{
	char buf[IP_ADDR_STRLEN];

	return strcmp(ip_addr_format(a, buf), text) == 0;
}

/* An error about the segment 10.1.2.3:40000 -> 192.0.2.9:80, sequence 9. */
static void
icmp4(uint8_t type, uint8_t code, uint32_t rest, size_t quoted)
{
	begin();
	frame_ip4(&f, "172.16.0.1", "10.1.2.3", IPPROTO_ICMP, NULL, 0);
	frame_icmp(&f, type, code, rest);
	frame_ip4(&f, "10.1.2.3", "192.0.2.9", IPPROTO_TCP, NULL, 0);
	frame_tcp(&f, 40000, 80, 9, 0, TCP_ACK, 3, NULL, 0);
	frame_end(&f);
	f.len -= 20 - quoted;
	f.n_layers = 2;
	frame_end(&f);
}

static void
icmp_error_names_the_flow_it_quotes(void)
{
	static const uint8_t types[] = { 3, 4, 11, 12 };
	uint32_t hash;
	unsigned i;

	begin();
	frame_ip4(&f, "10.1.2.3", "192.0.2.9", IPPROTO_TCP, NULL, 0);
	frame_tcp(&f, 40000, 80, 1, 2, TCP_ACK, 3, NULL, 0);
	frame_end(&f);
	parse();
	hash = p.hash;
	for (i = 0; i < sizeof types; i++) {
		icmp4(types[i], types[i] == 3 ? 4 : 0, 1400, 8);
		CU_ASSERT_EQUAL_FATAL(parse(), PKT_ICMP_ERROR);
		CU_ASSERT_EQUAL(p.icmp_type, types[i]);
		CU_ASSERT_EQUAL(p.icmp_mtu, types[i] == 3 ? 1400 : 0);
		CU_ASSERT_TRUE(addr_is(&p.src, "10.1.2.3"));
		CU_ASSERT_TRUE(addr_is(&p.dst, "192.0.2.9"));
		CU_ASSERT_EQUAL(p.sport, 40000);
		CU_ASSERT_EQUAL(p.dport, 80);
		CU_ASSERT_EQUAL(p.seq, 9);
		CU_ASSERT_EQUAL(p.hash, hash);
	}
}

static void
icmp_error_with_a_bad_quote_is_refused(void)
{
	icmp4(3, 1, 0, 7);
	CU_ASSERT_EQUAL(parse(), PKT_REFUSED);
	CU_ASSERT_EQUAL(p.refusal, DROP_icmp_quote);
	icmp4(3, 1, 0, 8);
	f.b[34 + 7] ^= 1;
	CU_ASSERT_EQUAL(parse(), PKT_REFUSED);
	CU_ASSERT_EQUAL(p.refusal, DROP_icmp_cksum);
}

static void
icmp_that_is_no_error_about_tcp_is_other(void)
{
	icmp4(8, 0, 0, 8);
	CU_ASSERT_EQUAL(parse(), PKT_OTHER);
	icmp4(3, 1, 0, 8);
	f.b[42 + 9] = IPPROTO_UDP;
	frame_end(&f);
	CU_ASSERT_EQUAL(parse(), PKT_OTHER);
}

static void
icmpv6_error_is_read_through_extension_headers(void)
{
	static const uint8_t dest[8] = { IPPROTO_TCP, 0, 1, 4 };
	uint8_t type;

	for (type = 1; type <= 4; type++) {
		begin();
		frame_ip6(&f, "2001:db8::f", "2001:db8::1", IPPROTO_ICMPV6);
		frame_icmp6(&f, type, 0, 1280);
		frame_ip6(&f, "2001:db8::1", "2001:db8::2", IPPROTO_DSTOPTS);
		frame_bytes(&f, dest, sizeof dest);
		frame_tcp(&f, 40000, 80, 0xfffffff0, 0, TCP_ACK, 3, NULL, 0);
		frame_end(&f);
		CU_ASSERT_EQUAL_FATAL(parse(), PKT_ICMP_ERROR);
		CU_ASSERT_EQUAL(p.icmp_mtu, type == 2 ? 1280 : 0);
		CU_ASSERT_TRUE(addr_is(&p.src, "2001:db8::1"));
		CU_ASSERT_EQUAL(p.sport, 40000);
		CU_ASSERT_EQUAL(p.seq, 0xfffffff0);
	}
	f.b[54] = 128;
	CU_ASSERT_EQUAL(parse(), PKT_OTHER);
}

TAP_MAIN(parse_icmp, TAP_TEST(icmp_error_names_the_flow_it_quotes),
	 TAP_TEST(icmp_error_with_a_bad_quote_is_refused),
	 TAP_TEST(icmp_that_is_no_error_about_tcp_is_other),
	 TAP_TEST(icmpv6_error_is_read_through_extension_headers))
