/* A flow as an operator writes it. */
#include "vnf/tuple.h"

#include <arpa/inet.h>
#include <string.h>

#include "tests/unit/tap.h"

static struct tuple tuple;
static struct err err;

static bool
reads(const char *text)
{
	err.msg[0] = '\0';
	return tuple_parse(1, &text, &tuple, &err) == 0;
}

static bool
refused(const char *text, const char *why)
{
	bool good = !reads(text) && strstr(err.msg, why);

	if (!good)
		printf("# %s: said \"%s\", wanted \"%s\"\n", text, err.msg, why);
	return good;
}

static void
both_families_and_every_extra_are_read(void)
{
	CU_ASSERT(reads("tcp 10.0.0.1:40000 192.0.2.7:80"));
	CU_ASSERT(ip_addr_is_v4(&tuple.facts.src) && tuple.facts.src.b[12] == 10);
	CU_ASSERT_EQUAL(tuple.facts.sport, 40000);
	CU_ASSERT_EQUAL(tuple.facts.dst.b[15], 7);
	CU_ASSERT_EQUAL(tuple.facts.dport, 80);
	CU_ASSERT_FALSE(tuple.has_on || tuple.has_domain || tuple.facts.midstream);
	CU_ASSERT(reads("tcp  [fd00::1]:1 [::2]:65535 vlan 100.200 on leat-a domain 7 midstream"));
	CU_ASSERT_EQUAL(tuple.facts.src.b[0], 0xfd);
	CU_ASSERT_EQUAL(tuple.facts.dport, 65535);
	CU_ASSERT(tuple.facts.n_tags == 2 && tuple.facts.vid[0] == 100 &&
		  tuple.facts.vid[1] == 200);
	CU_ASSERT(tuple.has_on && strcmp(tuple.on, "leat-a") == 0);
	CU_ASSERT(tuple.has_domain && tuple.facts.domain == 7 && tuple.facts.midstream);
	CU_ASSERT(reads("tcp 1.1.1.1:1 1.1.1.2:2 vlan untagged"));
	CU_ASSERT_EQUAL(tuple.facts.n_tags, 0);
}

static void
words_may_be_arguments_of_their_own(void)
{
	static const char *const argv[] = { "tcp",    "10.0.0.1:1", "10.0.0.2:2",
					    "vlan 5", "domain",	    "3" };

	CU_ASSERT_EQUAL(tuple_parse(6, argv, &tuple, &err), 0);
	CU_ASSERT(tuple.facts.vid[0] == 5 && tuple.facts.domain == 3);
}

static void
what_is_no_flow_is_refused_with_what_was_expected(void)
{
	CU_ASSERT(refused("", "expected tcp CLIENT:PORT"));
	CU_ASSERT(refused("udp 1.1.1.1:1 1.1.1.2:2", "udp: expected tcp"));
	CU_ASSERT(refused("tcp", "an end is missing"));
	CU_ASSERT(refused("tcp 1.1.1.1:1", "an end is missing"));
	CU_ASSERT(refused("tcp 1.1.1.1 1.1.1.2:2", "1.1.1.1: expected ADDRESS:PORT"));
	CU_ASSERT(refused("tcp 1.1.1.1:65536 1.1.1.2:2", "1.1.1.1:65536: expected ADDRESS"));
	CU_ASSERT(refused("tcp 1.1.1:1 1.1.1.2:2", "expected ADDRESS:PORT"));
	CU_ASSERT(refused("tcp :1 1.1.1.2:2", "expected ADDRESS:PORT"));
	CU_ASSERT(refused("tcp fd00::1:1 [::2]:2", "[ADDRESS]:PORT for IPv6"));
	CU_ASSERT(refused("tcp [::1:1 [::2]:2", "[::1:1: expected"));
	CU_ASSERT(refused("tcp []:1 [::2]:2", "[]:1: expected"));
	CU_ASSERT(refused("tcp [:1 [::2]:2", "[:1: expected"));
	CU_ASSERT(refused("tcp 1.1.1.1:1 [::2]:2", "one end is IPv4"));
	CU_ASSERT(refused("tcp 1.1.1.1:1 1.1.1.2:2 vlan", "expected VLANs"));
	CU_ASSERT(refused("tcp 1.1.1.1:1 1.1.1.2:2 vlan 4095", "from 0 to 4094"));
	CU_ASSERT(refused("tcp 1.1.1.1:1 1.1.1.2:2 vlan 1.2.3.4.5.6.7.8.9.1.2.3.4.5.6.7.8",
			  "up to 16"));
	CU_ASSERT(refused("tcp 1.1.1.1:1 1.1.1.2:2 on", "the name of a port"));
	CU_ASSERT(refused("tcp 1.1.1.1:1 1.1.1.2:2 domain x", "domain: expected a number"));
	CU_ASSERT(refused("tcp 1.1.1.1:1 1.1.1.2:2 sideways", "sideways: expected tcp"));
}

TAP_MAIN(tuple, TAP_TEST(both_families_and_every_extra_are_read),
	 TAP_TEST(words_may_be_arguments_of_their_own),
	 TAP_TEST(what_is_no_flow_is_refused_with_what_was_expected))
