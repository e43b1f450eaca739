/*
 * Neighbour Discovery for a stack's own addresses, and pings of them.
 */
#include <string.h>

#include "tests/unit/eal.h"
#include "tests/unit/own_host.h"

enum { N_PINGS = 65536 };

enum { CODE = 1, TARGET = 8, OPTION = 24 };	/* of a solicitation's bytes */

/* A solicitation of 2001:db8::2, with an option for the sender's MAC; returns its offset. */
static size_t
solicitation(const char *src, const char *dst, bool option)
{
	static const uint8_t target[16] = { 0x20, 1, 0xd, 0xb8, [15] = 2 };
	static const uint8_t mac[8] = { 1, 1, 2, 0, 0, 0, 0, 0x11 };
	size_t at;

	frame_init(&host.in);
	frame_ether(&host.in, 0x86dd);
	host_ether_to(&host.in, 0x3333ff000002);
	frame_ip6(&host.in, src, dst, 58);
	host.in.b[14 + 7] = 255;
	at = host.in.len;
	frame_icmp6(&host.in, 135, 0, 0);
	frame_bytes(&host.in, target, sizeof target);
	if (option)
		frame_bytes(&host.in, mac, sizeof mac);
	frame_end(&host.in);
	return at;
}

static size_t
good_solicitation(void)
{
	return solicitation("2001:db8::1", "ff02::1:ff00:2", true);
}

/* A ping of `dst` by `src`, or with `reply` its answer. */
static void
ping4(struct frame *f, const char *src, const char *dst, bool reply, uint32_t rest, size_t len)
{
	frame_init(f);
	frame_ether(f, 0x0800);
	if (reply) {
		f->b[5] = 1;
		f->b[11] = 2;
	}
	frame_ip4(f, src, dst, 1, NULL, 0);
	frame_icmp(f, reply ? 0 : 8, 0, rest);
	frame_fill(f, len);
	frame_end(f);
}

static void
ping6(struct frame *f, const char *src, const char *dst, bool reply, uint32_t rest, size_t len)
{
	frame_init(f);
	frame_ether(f, 0x86dd);
	if (reply) {
		f->b[5] = 1;
		f->b[11] = 2;
	}
	frame_ip6(f, src, dst, 58);
	frame_icmp6(f, reply ? 129 : 128, 0, rest);
	frame_fill(f, len);
	frame_end(f);
}

/* --- Neighbour Discovery --- */

static void
solicitation_of_its_own_address_is_answered(void)
{
	static const char reply[] = "02000000001102000000000286dd"
				    "6000000000203aff"
				    "20010db8000000000000000000000002"
				    "20010db8000000000000000000000001"
				    "88008a7160000000"
				    "20010db8000000000000000000000002"
				    "0201020000000002";
	char without_option[sizeof reply];

	host_begin();
	good_solicitation();
	CU_ASSERT_TRUE(host_answered());
	CU_ASSERT_TRUE(host_out_is_hex(reply));
	/* without the option, by unicast: to where it came from */
	solicitation("2001:db8::1", "2001:db8::2", false);
	host_ether_to(&host.in, 0x020000000002);
	memcpy(without_option, reply, sizeof reply);
	memcpy(without_option + 8, "0001", 4);
	CU_ASSERT_TRUE(host_answered());
	CU_ASSERT_TRUE(host_out_is_hex(without_option));
	/* from a link-local address, which is of every link */
	solicitation("fe80::1", "ff02::1:ff00:2", true);
	CU_ASSERT_TRUE(host_answered());
	CU_ASSERT_EQUAL(tcpterm_stats(host.stack)->nd_answered, 3);
	host_end();
}

static void
duplicate_address_detection_is_answered_to_all_nodes(void)
{
	static const char reply[] = "33330000000102000000000286dd"
				    "6000000000203aff"
				    "20010db8000000000000000000000002"
				    "ff020000000000000000000000000001"
				    "8800f92720000000"
				    "20010db8000000000000000000000002"
				    "0201020000000002";

	host_begin();
	solicitation("::", "ff02::1:ff00:2", false);
	CU_ASSERT_TRUE(host_answered());
	CU_ASSERT_TRUE(host_out_is_hex(reply));
	host_end();
}

static void
solicitations_of_others_go_on_unchanged(void)
{
	size_t at;

	host_begin();
	at = good_solicitation();
	host_change(at + TARGET + 15, 3);
	CU_ASSERT_TRUE(host_forwarded());
	good_solicitation();
	host_ether_to(&host.in, 0x020000000007);
	CU_ASSERT_TRUE(host_forwarded());
	at = good_solicitation();
	host_change(at, 133);		/* a router's business */
	CU_ASSERT_TRUE(host_forwarded());
	good_solicitation();		/* so short that it names nobody */
	host.in.len -= 9;
	host_change(14 + 40, 135);
	CU_ASSERT_TRUE(host_forwarded());
	host_end();
}

static void
malformed_solicitation_is_ignored_and_counted(void)
{
	size_t at;

	host_begin();
	good_solicitation();
	host_change(14 + 7, 254);		/* came through a router */
	CU_ASSERT_TRUE(host_ignored(DROP_address_malformed));
	at = good_solicitation();
	host_change(at + CODE, 1);
	CU_ASSERT_TRUE(host_ignored(DROP_address_malformed));
	at = good_solicitation();
	host.in.b[at + 2] ^= 1;		/* the checksum */
	CU_ASSERT_TRUE(host_ignored(DROP_address_malformed));
	at = good_solicitation();
	host_change(at + OPTION + 1, 0);	/* an option without a length, */
	CU_ASSERT_TRUE(host_ignored(DROP_address_malformed));
	at = good_solicitation();
	host_change(at + OPTION + 1, 2);	/* or beyond the end */
	CU_ASSERT_TRUE(host_ignored(DROP_address_malformed));
	good_solicitation();
	host.in.len -= 7;			/* half an option's head */
	frame_end(&host.in);
	CU_ASSERT_TRUE(host_ignored(DROP_address_malformed));
	at = good_solicitation();
	host_change(at + OPTION + 2, 3);	/* a group's MAC */
	CU_ASSERT_TRUE(host_ignored(DROP_address_malformed));
	solicitation("::", "ff02::1:ff00:2", true);	/* no address, but a MAC to tell */
	CU_ASSERT_TRUE(host_ignored(DROP_address_malformed));
	solicitation("::", "2001:db8::2", false);	/* no address, and not to the group */
	CU_ASSERT_TRUE(host_ignored(DROP_address_malformed));
	solicitation("ff02::9", "ff02::1:ff00:2", true);
	CU_ASSERT_TRUE(host_ignored(DROP_address_malformed));
	solicitation("2001:db8:1::1", "ff02::1:ff00:2", true);
	CU_ASSERT_TRUE(host_ignored(DROP_address_offlink));
	host_end();
}

static void
long_options_are_read_and_endless_ones_are_not(void)
{
	static const uint8_t nonce[16] = { 14, 2 };

	host_begin();
	good_solicitation();
	frame_bytes(&host.in, nonce, sizeof nonce);
	frame_end(&host.in);
	CU_ASSERT_TRUE(host_answered());
	for (unsigned i = 0; i < 20; i++)
		frame_bytes(&host.in, nonce, sizeof nonce);
	frame_end(&host.in);
	CU_ASSERT_TRUE(host_ignored(DROP_address_malformed));
	host_end();
}

static void
another_claimant_by_advertisement_is_counted_and_goes_on(void)
{
	const struct tcpterm_stats *stats;
	size_t at;

	host_begin();
	stats = tcpterm_stats(host.stack);
	at = good_solicitation();
	host.in.b[at + OPTION] = 2;		/* an advertisement by another MAC */
	host_change(at, 136);
	CU_ASSERT_TRUE(host_forwarded());
	CU_ASSERT_EQUAL(stats->address_conflicts, 1);
	host_change(at + OPTION + 7, 2);	/* its own */
	CU_ASSERT_TRUE(host_forwarded());
	CU_ASSERT_EQUAL(stats->address_conflicts, 1);
	host_end();
}

/* --- pings --- */

static void
pings_are_answered_byte_for_byte(void)
{
	static const size_t len[] = { 0, 1, 17, 56, 1472, 8000 };

	host_begin();
	for (unsigned i = 0; i < sizeof len / sizeof len[0]; i++) {
		ping4(&host.in, "192.0.2.1", "192.0.2.2", false, 0x12340001, len[i]);
		ping4(&host.want, "192.0.2.2", "192.0.2.1", true, 0x12340001, len[i]);
		CU_ASSERT_TRUE(host_answered());
		CU_ASSERT_TRUE(host_out_is(host.want.b, host.want.len));
		frame_trailer(&host.in, 6);
		CU_ASSERT_TRUE(host_answered());
		CU_ASSERT_TRUE(host_out_is(host.want.b, host.want.len));
		ping6(&host.in, "2001:db8:9::1", "2001:db8::2", false, 0x12340001, len[i]);
		ping6(&host.want, "2001:db8::2", "2001:db8:9::1", true, 0x12340001, len[i]);
		CU_ASSERT_TRUE(host_answered());
		CU_ASSERT_TRUE(host_out_is(host.want.b, host.want.len));
	}
	CU_ASSERT_EQUAL(tcpterm_stats(host.stack)->echo_answered, 18);
	host_end();
}

/* The request's own segments carry the payload back, wherever they are cut. */
static void
ping_in_a_chain_comes_back_without_a_copy(void)
{
	host_begin();
	for (size_t cut = 14; cut < 200; cut += 7) {
		ping4(&host.in, "192.0.2.1", "192.0.2.2", false, 7, 300);
		ping4(&host.want, "192.0.2.2", "192.0.2.1", true, 7, 300);
		frame_trailer(&host.in, 9);
		host_send_to(0, test_mbuf_chain(host.in.b, host.in.len, cut, 0, 1, 250, 5));
		CU_ASSERT_TRUE(host_out_is(host.want.b, host.want.len));
	}
	CU_ASSERT_EQUAL(tcpterm_stats(host.stack)->copied_bytes, 0);
	host_end();
}

/* Where all other bytes are zero, only one of the two zeroes of a sum is right. */
static void
every_checksum_is_brought_up_to_date(void)
{
	bool right = true;

	host_begin();
	for (uint32_t rest = 0; rest < N_PINGS && right; rest++) {
		ping4(&host.in, "192.0.2.1", "192.0.2.2", false, rest, 0);
		right = host_answered() && host.len == host.in.len && host.out[34] == 0 &&
			naive_sum(host.out + 34, host.len - 34, 0) == 0xffff;
	}
	CU_ASSERT_TRUE(right);
	host_end();
}

static void
type_of_service_and_fragmentation_are_the_askers(void)
{
	host_begin();
	ping4(&host.in, "192.0.2.1", "192.0.2.2", false, 7, 20);
	ping4(&host.want, "192.0.2.2", "192.0.2.1", true, 7, 20);
	host.in.b[15] = host.want.b[15] = 0xb8;
	host.in.b[18] = host.want.b[18] = 0x77;	/* the id, for it may be fragmented */
	host.in.b[20] = host.want.b[20] = 0;
	frame_end(&host.in);
	frame_end(&host.want);
	CU_ASSERT_TRUE(host_answered());
	CU_ASSERT_TRUE(host_out_is(host.want.b, host.want.len));
	host_end();
}

static void
options_and_extension_headers_are_not_echoed(void)
{
	static const uint8_t record_route[8] = { 7, 7, 4 }, source_route[8] = { 1, 131, 7, 4 };
	static const uint8_t hop_by_hop[8] = { 58, 0, 1, 4 };

	host_begin();
	ping4(&host.want, "192.0.2.2", "192.0.2.1", true, 7, 20);
	for (unsigned i = 0; i < 2; i++) {
		frame_init(&host.in);
		frame_ether(&host.in, 0x0800);
		frame_ip4(&host.in, "192.0.2.1", "192.0.2.2", 1, i ? source_route : record_route,
			  8);
		frame_icmp(&host.in, 8, 0, 7);
		frame_fill(&host.in, 20);
		frame_end(&host.in);
		if (i == 0) {
			CU_ASSERT_TRUE(host_answered());
			CU_ASSERT_TRUE(host_out_is(host.want.b, host.want.len));
		} else {
			CU_ASSERT_TRUE(host_ignored(DROP_address_malformed));
		}
	}
	ping6(&host.want, "2001:db8::2", "2001:db8::1", true, 7, 20);
	ping6(&host.in, "2001:db8::1", "2001:db8::2", false, 7, 20);
	memmove(host.in.b + 62, host.in.b + 54, host.in.len - 54);
	memcpy(host.in.b + 54, hop_by_hop, 8);
	host.in.b[20] = 0;
	host.in.b[19] = (uint8_t)(host.in.b[19] + 8);
	host.in.len += 8;
	CU_ASSERT_TRUE(host_answered());
	CU_ASSERT_TRUE(host_out_is(host.want.b, host.want.len));
	host_end();
}

static void
pings_of_others_go_on_unchanged(void)
{
	host_begin();
	ping4(&host.in, "192.0.2.1", "192.0.2.3", false, 7, 20);
	CU_ASSERT_TRUE(host_forwarded());
	ping4(&host.in, "192.0.2.2", "192.0.2.1", true, 7, 20);	/* an answer */
	CU_ASSERT_TRUE(host_forwarded());
	ping4(&host.in, "192.0.2.1", "192.0.2.2", false, 7, 20);
	host_ether_to(&host.in, 0xffffffffffff);	/* RFC 1122 3.2.2.6 */
	CU_ASSERT_TRUE(host_forwarded());
	ping4(&host.in, "192.0.2.1", "192.0.2.2", false, 7, 24);
	host_change(20, 0x20);		/* the first fragment of one */
	CU_ASSERT_TRUE(host_forwarded());
	ping6(&host.in, "2001:db8::1", "::ffff:192.0.2.2", false, 7, 20);
	CU_ASSERT_TRUE(host_forwarded());
	frame_init(&host.in);		/* another protocol's */
	frame_ether(&host.in, 0x0800);
	frame_ip4(&host.in, "192.0.2.1", "192.0.2.2", 17, NULL, 0);
	frame_fill(&host.in, 20);
	frame_end(&host.in);
	CU_ASSERT_TRUE(host_forwarded());
	host_end();
}

static void
malformed_ping_is_ignored_and_counted(void)
{
	host_begin();
	ping4(&host.in, "192.0.2.1", "192.0.2.2", false, 7, 20);
	host.in.b[host.in.len - 1] ^= 1;		/* the checksum */
	CU_ASSERT_TRUE(host_ignored(DROP_address_malformed));
	ping4(&host.in, "192.0.2.1", "192.0.2.2", false, 7, 20);
	host_change(35, 1);			/* the code */
	CU_ASSERT_TRUE(host_ignored(DROP_address_malformed));
	ping4(&host.in, "224.0.0.1", "192.0.2.2", false, 7, 20);
	CU_ASSERT_TRUE(host_ignored(DROP_address_malformed));
	ping4(&host.in, "192.0.2.2", "192.0.2.2", false, 7, 20);	/* as if from itself */
	CU_ASSERT_TRUE(host_ignored(DROP_address_malformed));
	ping6(&host.in, "2001:db8::1", "2001:db8::2", false, 7, 20);
	host.in.b[host.in.len - 1] ^= 1;
	CU_ASSERT_TRUE(host_ignored(DROP_address_malformed));
	ping6(&host.in, "::", "2001:db8::2", false, 7, 20);
	CU_ASSERT_TRUE(host_ignored(DROP_address_malformed));
	ping4(&host.in, "192.0.2.1", "192.0.2.2", false, 7, 20);	/* cut in its header */
	host.in.len = 14 + 20 + 7;
	frame_end(&host.in);
	CU_ASSERT_TRUE(host_forwarded());
	host_end();
}

/* clang-format off */
TEAM_MAIN(mgmt_icmp,
	 { "S3 solicitation of its own address is answered",
	   solicitation_of_its_own_address_is_answered },
	 { "S3 duplicate address detection is answered to all nodes",
	   duplicate_address_detection_is_answered_to_all_nodes },
	 { "S3 solicitations of others go on unchanged",
	   solicitations_of_others_go_on_unchanged },
	 { "S3 malformed solicitation is ignored and counted",
	   malformed_solicitation_is_ignored_and_counted },
	 { "S3 long options are read, endless ones are not",
	   long_options_are_read_and_endless_ones_are_not },
	 { "S3 another claimant by advertisement is counted, and goes on",
	   another_claimant_by_advertisement_is_counted_and_goes_on },
	 { "S3 pings are answered byte for byte", pings_are_answered_byte_for_byte },
	 { "S3 ping in a chain comes back without a copy",
	   ping_in_a_chain_comes_back_without_a_copy },
	 { "S3 every checksum is brought up to date", every_checksum_is_brought_up_to_date },
	 { "S3 type of service and fragmentation are the asker's",
	   type_of_service_and_fragmentation_are_the_askers },
	 { "S3 options and extension headers are not echoed",
	   options_and_extension_headers_are_not_echoed },
	 { "S3 pings of others go on unchanged", pings_of_others_go_on_unchanged },
	 { "S3 malformed ping is ignored and counted",
	   malformed_ping_is_ignored_and_counted })
/* clang-format on */
