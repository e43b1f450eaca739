/*
 * flow_key.c - orientation of keys.
 */
#include <string.h>

#include "datapath/flow_key.h"
#include "tests/unit/tap.h"

static struct flow_key
key(const char *a, uint16_t port_a, const char *b, uint16_t port_b)
{
	struct flow_key k = {
		.port = { port_a, port_b }, .domain = 4, .n_tags = 2, .vid = { 1, 2 }
	};

	CU_ASSERT_EQUAL_FATAL(ip_addr_parse(a, &k.addr[0]), 0);
	CU_ASSERT_EQUAL_FATAL(ip_addr_parse(b, &k.addr[1]), 0);
	return k;
}

static void
key_matches_itself_and_its_reverse(void)
{
	struct flow_key k = key("10.0.0.1", 1000, "10.0.0.2", 80), r = flow_key_reverse(&k);
	struct flow_key rr = flow_key_reverse(&r);

	CU_ASSERT_EQUAL(flow_key_match(&k, &k), FLOW_MATCH_SAME);
	CU_ASSERT_EQUAL(flow_key_match(&r, &k), FLOW_MATCH_REVERSED);
	CU_ASSERT_EQUAL(flow_key_match(&k, &r), FLOW_MATCH_REVERSED);
	CU_ASSERT_EQUAL(memcmp(&rr, &k, sizeof k), 0);
}

static void
key_equal_to_its_reverse_is_the_same(void)
{
	struct flow_key k = key("10.0.0.1", 80, "10.0.0.1", 80);

	CU_ASSERT_EQUAL(flow_key_match(&k, &k), FLOW_MATCH_SAME);
}

static void
any_part_that_differs_is_no_match(void)
{
	struct flow_key k = key("10.0.0.1", 1000, "10.0.0.2", 80), o[7];
	unsigned i;

	for (i = 0; i < 7; i++)
		o[i] = k;
	o[0].domain++;
	o[1].n_tags = 1;
	o[2].vid[0]++;
	o[3].vid[1]++;
	o[4].port[0]++;
	o[5].addr[1].b[15]++;
	/* ports change places, addresses do not */
	o[6].port[0] = 80;
	o[6].port[1] = 1000;
	for (i = 0; i < 7; i++)
		CU_ASSERT_EQUAL(flow_key_match(&o[i], &k), FLOW_MATCH_NO);
}

TAP_MAIN(flow_key, TAP_TEST(key_matches_itself_and_its_reverse),
	 TAP_TEST(key_equal_to_its_reverse_is_the_same),
	 TAP_TEST(any_part_that_differs_is_no_match))
