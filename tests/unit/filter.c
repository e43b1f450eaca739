/*
 * What the filter's answers make of a SYN's options, and of a flow that is dropped.
 */
#include <string.h>

#include "datapath/checksum.h"
#include "tests/unit/lib/lone.h"
#include "tests/unit/tap.h"

static const struct lone_segment syn = { .flags = TCP_SYN, .seq = 1000 };

static void
put(struct rte_mbuf *m)
{
	lone_put(m, 0);
}

static void
dropped_flow_is_counted_and_has_an_end(void)
{
	lone_begin(TCPTERM_DROP);
	lone_syn(&lone_untagged);
	lone_syn(&lone_untagged);
	CU_ASSERT_EQUAL(lone.n_tx, 0);
	CU_ASSERT_EQUAL(lone.n_asked, 1);
	CU_ASSERT_EQUAL(tcpterm_drops(lone.stack)->n[DROP_policy], 2);
	lone_end();
	CU_ASSERT_EQUAL(lone.n_ended, 1);
}

static void
relayed_syn_leaves_without_options_we_cannot_keep_to(void)
{
	struct rte_mbuf *m;
	uint8_t *opt;

	lone_begin(TCPTERM_RELAY);
	m = lone_frame(&syn);
	/* A Fast Open cookie request (kind 34) instead of the MSS. */
	opt = rte_pktmbuf_mtod_offset(m, uint8_t *, 54);
	memcpy(opt, "\x22\x02\x01\x01", 4);
	cksum_tcp_write(m, 14, 34);
	put(m);
	CU_ASSERT_EQUAL_FATAL(lone.n_forwarded, 1);
	CU_ASSERT_EQUAL(memcmp(opt, "\1\1\1\1", 4), 0);
	CU_ASSERT_FALSE(lone.out[0].cksum_bad);
	CU_ASSERT_EQUAL(tcpterm_stats(lone.stack)->options_removed, 1);
	lone_end();
}

/* A SYN whose options are `option`, 4 bytes, and what `more` flags say beside. */
static struct rte_mbuf *
syn_with(const char *option, unsigned more)
{
	struct rte_mbuf *m = lone_frame(&syn);
	uint8_t *tcp = rte_pktmbuf_mtod_offset(m, uint8_t *, 34);

	memcpy(tcp + 20, option, 4);
	tcp[12] |= (uint8_t)(more >> 8);
	cksum_tcp_write(m, 14, 34);
	return m;
}

/* RFC 5925, as short as it gets. */
#define AO_OPTION "\x1d\x04\x01\x01"

static void
signed_syn_is_reset_where_the_rule_says_so(void)
{
	lone_begin(TCPTERM_RELAY);
	lone.verdict.signed_reset = true;
	put(syn_with(AO_OPTION, 0));
	CU_ASSERT_EQUAL(lone.n_forwarded, 0);
	CU_ASSERT_EQUAL_FATAL(lone.n_tx, 1);
	CU_ASSERT_EQUAL(lone.out[0].flags, TCP_RST | TCP_ACK);
	CU_ASSERT_EQUAL(lone.out[0].ack, 1001);
	CU_ASSERT_EQUAL(tcpterm_drops(lone.stack)->n[DROP_filter_reset], 1);
	lone_end();
	/* what is not signed is not meant */
	lone_begin(TCPTERM_RELAY);
	lone.verdict.signed_reset = true;
	lone_syn(&lone_untagged);
	CU_ASSERT_EQUAL(lone.n_forwarded, 1);
	lone_end();
}

static void
unknown_option_and_ae_do_not_cross_a_relay(void)
{
	lone_begin(TCPTERM_RELAY);
	put(syn_with("\x4c\x04\xab\xcd", TCP_AE));
	CU_ASSERT_EQUAL_FATAL(lone.n_forwarded, 1);
	CU_ASSERT_EQUAL(memcmp(rte_pktmbuf_mtod_offset(lone.out[0].m, char *, 54), "\1\1\1\1", 4),
			0);
	CU_ASSERT_EQUAL(lone.out[0].flags, TCP_SYN);
	CU_ASSERT_FALSE(lone.out[0].cksum_bad);
	CU_ASSERT_EQUAL(tcpterm_stats(lone.stack)->options_removed, 1);
	lone_end();
}

static void
fast_open_and_ae_cross_a_tracked_flow_untouched(void)
{
	lone_begin(TCPTERM_TRACK);
	put(syn_with("\x22\x02\x01\x01", TCP_AE));
	CU_ASSERT_EQUAL_FATAL(lone.n_forwarded, 1);
	CU_ASSERT_EQUAL(
		memcmp(rte_pktmbuf_mtod_offset(lone.out[0].m, char *, 54), "\x22\x02\1\1", 4), 0);
	CU_ASSERT_EQUAL(lone.out[0].flags, TCP_SYN | TCP_AE);
	CU_ASSERT_FALSE(lone.out[0].cksum_bad);
	CU_ASSERT_EQUAL(tcpterm_stats(lone.stack)->options_removed, 0);
	lone_end();
}

static void
signed_syn_is_passed_not_relayed(void)
{
	struct rte_mbuf *m;
	uint8_t *opt;

	lone_begin(TCPTERM_RELAY);
	m = syn_with(AO_OPTION, 0);
	opt = rte_pktmbuf_mtod_offset(m, uint8_t *, 54);
	put(m);
	CU_ASSERT_EQUAL(lone.n_forwarded, 1);
	CU_ASSERT_EQUAL(memcmp(opt, AO_OPTION, 4), 0);
	CU_ASSERT_EQUAL(tcpterm_stats(lone.stack)->n_flows[TCPTERM_KIND_PASS], 1);
	lone_end();
}

/* A SYN with RFC 2385's option: 18 bytes, and two that fill. */
static struct rte_mbuf *
syn_with_md5(void)
{
	struct rte_mbuf *m = lone_frame(&syn);
	uint8_t *f = rte_pktmbuf_mtod(m, uint8_t *);
	struct rte_ipv4_hdr *ip = rte_pktmbuf_mtod_offset(m, struct rte_ipv4_hdr *, 14);

	rte_pktmbuf_append(m, 16);
	ip->total_length = rte_cpu_to_be_16(20 + 40);
	f[34 + 12] = 10 << 4;
	memset(f + 54, 1, 20);
	f[54] = 19;
	f[55] = 18;
	cksum_tcp_write(m, 14, 34);
	return m;
}

static void
md5_signed_syn_is_passed_byte_for_byte_or_reset(void)
{
	struct rte_mbuf *m;
	uint8_t before[74];

	lone_begin(TCPTERM_RELAY);
	m = syn_with_md5();
	memcpy(before, rte_pktmbuf_mtod(m, void *), sizeof before);
	put(m);
	CU_ASSERT_EQUAL(lone.n_asked, 1);
	CU_ASSERT_TRUE(lone.syn.opt.has_md5);
	CU_ASSERT_EQUAL_FATAL(lone.n_forwarded, 1);
	CU_ASSERT_EQUAL(lone.n_out, 1);
	CU_ASSERT_EQUAL(memcmp(rte_pktmbuf_mtod(m, void *), before, sizeof before), 0);
	CU_ASSERT_EQUAL(tcpterm_stats(lone.stack)->n_flows[TCPTERM_KIND_PASS], 1);
	CU_ASSERT_EQUAL(tcpterm_stats(lone.stack)->options_removed, 0);
	lone_end();
	lone_begin(TCPTERM_RELAY);
	lone.verdict.signed_reset = true;
	put(syn_with_md5());
	CU_ASSERT_EQUAL(lone.n_forwarded, 0);
	CU_ASSERT_EQUAL_FATAL(lone.n_tx, 1);
	CU_ASSERT_EQUAL(lone.out[0].flags, TCP_RST | TCP_ACK);
	CU_ASSERT_EQUAL(lone.out[0].ack, 1001);
	lone_end();
}

/* It is what a relay can't hold; who only follows it is not concerned. */
static void
signed_syn_is_tracked_where_the_rule_tracks(void)
{
	lone_begin(TCPTERM_TRACK);
	lone.verdict.signed_reset = true;
	put(syn_with_md5());
	CU_ASSERT_EQUAL(lone.n_forwarded, 1);
	CU_ASSERT_EQUAL(lone.n_out, 1);
	CU_ASSERT_EQUAL(tcpterm_stats(lone.stack)->n_flows[TCPTERM_KIND_TRACK], 1);
	lone_end();
}

TAP_MAIN(filter, TAP_TEST(dropped_flow_is_counted_and_has_an_end),
	 TAP_TEST(relayed_syn_leaves_without_options_we_cannot_keep_to),
	 TAP_TEST(signed_syn_is_reset_where_the_rule_says_so),
	 TAP_TEST(unknown_option_and_ae_do_not_cross_a_relay),
	 TAP_TEST(fast_open_and_ae_cross_a_tracked_flow_untouched),
	 TAP_TEST(signed_syn_is_passed_not_relayed),
	 TAP_TEST(md5_signed_syn_is_passed_byte_for_byte_or_reset),
	 TAP_TEST(signed_syn_is_tracked_where_the_rule_tracks))
