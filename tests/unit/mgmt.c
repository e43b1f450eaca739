/*
 * A stack with addresses of its own beside a listener for any: the addresses, and ARP for them.
 */
#include <errno.h>
#include <string.h>

#include "tests/unit/eal.h"
#include "tests/unit/own_host.h"

enum { SHA = 8, SIP = 14, THA = 18, TIP = 24 };	/* of ARP's bytes */

/* An ARP request for 192.0.2.2 by 192.0.2.1, broadcast, with these tags; returns ARP's offset. */
static size_t
arp(const struct vlan_tag *tag, unsigned n)
{
	static const uint8_t bytes[] = { 0, 1, 8, 0, 6, 4, 0,	1,	 /* request */
					 2, 0, 0, 0, 0, 1, 192, 0, 2, 1,  /* sender */
					 0, 0, 0, 0, 0, 0, 192, 0, 2, 2 };
	size_t at;

	frame_init(&host.in);
	frame_ether(&host.in, 0x0806);
	host_ether_to(&host.in, 0xffffffffffff);
	for (unsigned i = 0; i < n; i++)
		frame_tag(&host.in, tag[i].tpid, tag[i].tci);
	at = host.in.len;
	frame_bytes(&host.in, bytes, sizeof bytes);
	return at;
}

static void
syn_to(const char *dst)
{
	frame_init(&host.in);
	frame_ether(&host.in, 0x0800);
	frame_ip4(&host.in, "192.0.2.1", dst, 6, NULL, 0);
	frame_tcp(&host.in, 40000, 8443, 1000, 0, TCP_SYN, 65535, NULL, 0);
	frame_end(&host.in);
}

/* --- ARP --- */

static void
arp_request_for_its_own_address_is_answered(void)
{
	static const char reply[] = "0200000000010200000000020806"
				    "0001080006040002"
				    "020000000002c0000202"
				    "020000000001c0000201";

	host_begin();
	arp(NULL, 0);
	CU_ASSERT_TRUE(host_answered());
	CU_ASSERT_TRUE(host_out_is_hex(reply));
	CU_ASSERT_EQUAL(host.side, 1);
	/* one that asks again asks by unicast, and Ethernet pads it */
	host_ether_to(&host.in, 0x020000000002);
	frame_trailer(&host.in, 18);
	CU_ASSERT_TRUE(host_answered());
	CU_ASSERT_TRUE(host_out_is_hex(reply));
	CU_ASSERT_EQUAL(tcpterm_stats(host.stack)->arp_answered, 2);
	CU_ASSERT_EQUAL(tcpterm_drops(host.stack)->n[DROP_address_consumed], 2);
	host_end();
}

static void
arp_probe_is_answered_to_its_mac(void)
{
	static const char reply[] = "0200000000010200000000020806"
				    "0001080006040002"
				    "020000000002c0000202"
				    "02000000000100000000";
	size_t at;

	host_begin();
	at = arp(NULL, 0);
	memset(host.in.b + at + SIP, 0, 4);
	CU_ASSERT_TRUE(host_answered());
	CU_ASSERT_TRUE(host_out_is_hex(reply));
	host_end();
}

static void
only_exactly_its_tags_are_answered_and_they_come_back(void)
{
	static const struct vlan_tag asked[] = {
		{ 0x8100, 0xe000 }, { 0x88a8, 0x600a }, { 0x8100, 0xb014 }, { 0x9100, 0x001e }
	};
	static const struct vlan_tag swapped[] = { { 0x88a8, 0x6014 },
						   { 0x8100, 0xb00a },
						   { 0x9100, 0x001e } };
	struct tcpterm_address a = host_address("192.0.2.2", 0);
	uint8_t reply[14 + 4 * 4 + 28];
	size_t at;

	host_begin();
	a.n_vids = 3;
	a.vid[0] = 10;
	a.vid[1] = 20;
	a.vid[2] = 30;
	CU_ASSERT_EQUAL(tcpterm_address_add(host.stack, &a), 0);
	/* a priority tag in front names no VLAN; the others are as deep as they are */
	at = arp(asked, 4);
	CU_ASSERT_TRUE(host_answered());
	memcpy(reply, host.in.b, host.in.len);
	memcpy(reply, host.in.b + 6, 6);
	memcpy(reply + 6, &a.mac, 6);
	reply[at + 7] = 2;
	memcpy(reply + at + SHA, &a.mac, 6);
	memcpy(reply + at + SIP, host.in.b + at + TIP, 4);
	memcpy(reply + at + THA, host.in.b + at + SHA, 10);
	CU_ASSERT_TRUE(host_out_is(reply, sizeof reply));

	arp(asked, 2);
	CU_ASSERT_TRUE(host_forwarded());
	arp(asked, 3);
	CU_ASSERT_TRUE(host_forwarded());
	arp(swapped, 3);
	CU_ASSERT_TRUE(host_forwarded());
	arp(asked, 1);	/* untagged: the other one's */
	CU_ASSERT_TRUE(host_answered());
	host_end();
}

static void
arp_of_others_goes_on_unchanged(void)
{
	unsigned n;
	size_t at;

	host_begin();
	at = arp(NULL, 0);
	host.in.b[at + TIP + 3] = 9;		/* another host's address */
	CU_ASSERT_TRUE(host_forwarded());
	at = arp(NULL, 0);
	host.in.b[at + 7] = 2;		/* a reply */
	CU_ASSERT_TRUE(host_forwarded());
	at = arp(NULL, 0);
	host.in.b[at + 1] = 6;		/* another link's */
	CU_ASSERT_TRUE(host_forwarded());
	arp(NULL, 0);
	host.in.len--;			/* cut off */
	CU_ASSERT_TRUE(host_forwarded());
	arp(NULL, 0);
	host_ether_to(&host.in, 0x020000000007);	/* another host was asked */
	CU_ASSERT_TRUE(host_forwarded());
	arp(NULL, 0);
	n = host.n_forwarded;
	host_send_to(1, frame_mbuf(&host.in));	/* another domain */
	CU_ASSERT_EQUAL(host.n_forwarded, n + 1);
	CU_ASSERT_EQUAL(host.n_out, 0);
	host_end();
}

static void
malformed_arp_is_ignored_and_counted(void)
{
	size_t at;

	host_begin();
	at = arp(NULL, 0);
	host.in.b[at + SHA] = 3;		/* a group's MAC */
	CU_ASSERT_TRUE(host_ignored(DROP_address_malformed));
	at = arp(NULL, 0);
	memset(host.in.b + at + SHA, 0, 6);
	CU_ASSERT_TRUE(host_ignored(DROP_address_malformed));
	at = arp(NULL, 0);
	host.in.b[at + SIP] = 224;		/* a group's address */
	CU_ASSERT_TRUE(host_ignored(DROP_address_malformed));
	at = arp(NULL, 0);
	host.in.b[at + SIP + 2] = 3;		/* not of the prefix */
	CU_ASSERT_TRUE(host_ignored(DROP_address_offlink));
	host_end();
}

static void
another_claimant_by_arp_is_counted_and_goes_on(void)
{
	const struct tcpterm_stats *stats;
	size_t at;

	host_begin();
	stats = tcpterm_stats(host.stack);
	at = arp(NULL, 0);
	host.in.b[at + SIP + 3] = 2;		/* an announcement by another MAC */
	CU_ASSERT_TRUE(host_forwarded());
	CU_ASSERT_EQUAL(stats->address_conflicts, 1);
	host.in.b[at + SHA + 5] = 2;		/* its own */
	CU_ASSERT_TRUE(host_forwarded());
	CU_ASSERT_EQUAL(stats->address_conflicts, 1);
	host_end();
}

/* --- beside listeners --- */

static void
foreign_destinations_are_captured_beside_it(void)
{
	struct tcpterm_stats stats;

	host_begin();
	syn_to("198.51.100.9");
	CU_ASSERT_TRUE(host_answered());
	CU_ASSERT_EQUAL(host.out[14 + 20 + 13], TCP_SYN | TCP_ACK);
	CU_ASSERT_EQUAL(memcmp(host.out + 14 + 12, host.in.b + 14 + 16, 4), 0);
	/* TCP for its own is a listener's, as any other's is */
	syn_to("192.0.2.2");
	CU_ASSERT_TRUE(host_answered());
	CU_ASSERT_EQUAL(host.out[14 + 20 + 13], TCP_SYN | TCP_ACK);
	team_stats(&host.team, &stats);
	CU_ASSERT_EQUAL(stats.n_flows[TCPTERM_KIND_CONN], 2);
	host_end();
}

static void
removed_address_is_answered_no_more(void)
{
	struct tcpterm_address a = host_address("192.0.2.2", 96 + 24), other = a;

	host_begin();
	arp(NULL, 0);
	CU_ASSERT_TRUE(host_answered());
	CU_ASSERT_EQUAL(tcpterm_address_add(host.stack, &a), -EEXIST);
	other.domain = 5;
	CU_ASSERT_EQUAL(tcpterm_address_remove(host.stack, &other), -ENOENT);
	CU_ASSERT_EQUAL(tcpterm_address_add(host.stack, &other), 0);
	CU_ASSERT_EQUAL(tcpterm_address_remove(host.stack, &a), 0);
	CU_ASSERT_EQUAL(tcpterm_address_remove(host.stack, &a), -ENOENT);
	arp(NULL, 0);
	CU_ASSERT_TRUE(host_forwarded());
	host_send_to(5, frame_mbuf((arp(NULL, 0), &host.in)));
	CU_ASSERT_EQUAL(host.domain, 5);
	host_end();
}

static void
what_is_no_hosts_address_is_refused(void)
{
	static const char *const bad[] = { "0.0.0.0", "127.0.0.1", "224.0.0.1", "255.255.255.255",
					   "::",      "::1",	   "ff02::1" };
	struct tcpterm_address a;

	host_begin();
	for (unsigned i = 0; i < sizeof bad / sizeof bad[0]; i++) {
		a = host_address(bad[i], 0);
		CU_ASSERT_EQUAL(tcpterm_address_add(host.stack, &a), -EINVAL);
	}
	a = host_address("192.0.2.9", 24);	/* the family's own bits: no prefix of the 128 */
	CU_ASSERT_EQUAL(tcpterm_address_add(host.stack, &a), -EINVAL);
	a = host_address("2001:db8::9", 129);
	CU_ASSERT_EQUAL(tcpterm_address_add(host.stack, &a), -EINVAL);
	a = host_address("192.0.2.9", 0);
	a.mac.addr_bytes[0] = 1;
	CU_ASSERT_EQUAL(tcpterm_address_add(host.stack, &a), -EINVAL);
	a = host_address("192.0.2.9", 0);
	a.n_vids = 1;
	CU_ASSERT_EQUAL(tcpterm_address_add(host.stack, &a), -EINVAL);
	a.vid[0] = 4095;
	CU_ASSERT_EQUAL(tcpterm_address_add(host.stack, &a), -EINVAL);
	a.n_vids = PKT_MAX_TAGS + 1;
	CU_ASSERT_EQUAL(tcpterm_address_add(host.stack, &a), -EINVAL);
	CU_ASSERT_EQUAL(tcpterm_address_remove(host.stack, &a), -ENOENT);
	host_end();
}

/* Added and removed in any order, each of a thousand VLANs has its own. */
static void
many_addresses_are_told_apart(void)
{
	struct tcpterm_address a = host_address("192.0.2.2", 0);
	unsigned n_wrong = 0;

	host_begin();
	a.n_vids = 1;
	for (unsigned i = 0; i < 1000; i++) {
		a.vid[0] = (uint16_t)(1 + i * 7 % 1000);
		a.mac.addr_bytes[4] = (uint8_t)(a.vid[0] >> 8);
		a.mac.addr_bytes[5] = (uint8_t)a.vid[0];
		CU_ASSERT_EQUAL(tcpterm_address_add(host.stack, &a), 0);
	}
	for (uint16_t vid = 2; vid <= 1000; vid = (uint16_t)(vid + 2)) {
		a.vid[0] = vid;
		CU_ASSERT_EQUAL(tcpterm_address_remove(host.stack, &a), 0);
	}
	for (uint16_t vid = 1; vid <= 1000; vid++) {
		const struct vlan_tag tag = { 0x8100, vid };
		bool is_there = vid % 2;

		arp(&tag, 1);
		if (host_answered() != is_there)
			n_wrong++;
		else if (is_there)
			n_wrong += host.out[10] != vid >> 8 || host.out[11] != (vid & 0xff);
	}
	CU_ASSERT_EQUAL(n_wrong, 0);
	host_end();
}

/* clang-format off */
TEAM_MAIN(mgmt,
	 { "S3 ARP request for its own address is answered",
	   arp_request_for_its_own_address_is_answered },
	 { "S3 ARP probe is answered to its MAC", arp_probe_is_answered_to_its_mac },
	 { "S3 only exactly its tags are answered, and they come back",
	   only_exactly_its_tags_are_answered_and_they_come_back },
	 { "S3 ARP of others goes on unchanged", arp_of_others_goes_on_unchanged },
	 { "S3 malformed ARP is ignored and counted", malformed_arp_is_ignored_and_counted },
	 { "S3 another claimant by ARP is counted, and goes on",
	   another_claimant_by_arp_is_counted_and_goes_on },
	 { "S3 foreign destinations are captured beside it",
	   foreign_destinations_are_captured_beside_it },
	 { "S3 removed address is answered no more", removed_address_is_answered_no_more },
	 { "S3 what is no host's address is refused", what_is_no_hosts_address_is_refused },
	 { "S3 many addresses are told apart", many_addresses_are_told_apart })
/* clang-format on */
