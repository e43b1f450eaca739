/*
 * addr.c - addresses, their text and prefixes; names of the drop reasons.
 */
#include <errno.h>
#include <string.h>

#include "datapath/addr.h"
#include "datapath/drops.h"
#include "tests/unit/tap.h"

static struct ip_addr
addr(const char *text)
{
	struct ip_addr a;

	CU_ASSERT_EQUAL_FATAL(ip_addr_parse(text, &a), 0);
	return a;
}

static void
text_is_read_and_written_back(void)
{
	static const char *const texts[][2] = {
		{ "192.0.2.1", "192.0.2.1" },
		{ "0.0.0.0", "0.0.0.0" },
		{ "::", "::" },
		{ "2001:DB8:0:0:1:0:0:1", "2001:db8::1:0:0:1" },
		{ "fe80::1", "fe80::1" },
		{ "::ffff:10.0.0.1", "10.0.0.1" },
	};
	char buf[IP_ADDR_STRLEN];
	struct ip_addr a;
	unsigned i;

	for (i = 0; i < sizeof texts / sizeof texts[0]; i++) {
		a = addr(texts[i][0]);
		CU_ASSERT_STRING_EQUAL(ip_addr_format(&a, buf), texts[i][1]);
	}
}

static void
what_is_no_address_is_refused(void)
{
	static const char *const texts[] = {
		"", "10.0.0", "10.0.0.256", "1::2::3", "host", "::1%lo"
	};
	struct ip_addr a;
	unsigned i;

	for (i = 0; i < sizeof texts / sizeof texts[0]; i++)
		CU_ASSERT_EQUAL(ip_addr_parse(texts[i], &a), -EINVAL);
}

static void
families_do_not_meet(void)
{
	struct ip_addr v4 = addr("1.2.3.4"), v6 = addr("::1.2.3.4");

	CU_ASSERT_TRUE(ip_addr_is_v4(&v4));
	CU_ASSERT_FALSE(ip_addr_is_v4(&v6));
	CU_ASSERT_FALSE(ip_addr_eq(&v4, &v6));
}

static void
prefix_counts_bits_of_the_long_form(void)
{
	struct ip_addr a = addr("10.1.130.7"), p = addr("10.1.128.0"), zero = addr("::");
	struct ip_addr far = addr("10.1.0.0");

	CU_ASSERT_TRUE(ip_addr_in_prefix(&a, &p, 96 + 17));
	CU_ASSERT_TRUE(ip_addr_in_prefix(&a, &p, 96 + 22));
	CU_ASSERT_FALSE(ip_addr_in_prefix(&a, &p, 96 + 23));
	CU_ASSERT_FALSE(ip_addr_in_prefix(&a, &far, 96 + 17));
	CU_ASSERT_TRUE(ip_addr_in_prefix(&a, &far, 96 + 16));
	CU_ASSERT_TRUE(ip_addr_in_prefix(&a, &zero, 0));
	CU_ASSERT_TRUE(ip_addr_in_prefix(&a, &a, 128));
	CU_ASSERT_FALSE(ip_addr_in_prefix(&a, &p, 128));
}

static void
every_reason_has_a_name_and_a_text(void)
{
	int i, j;

	for (i = 0; i < DROP_N; i++) {
		CU_ASSERT_PTR_NOT_NULL_FATAL(drop_name(i));
		CU_ASSERT_TRUE(strlen(drop_text(i)) > 0);
		for (j = 0; j < i; j++)
			CU_ASSERT_STRING_NOT_EQUAL(drop_name(i), drop_name(j));
	}
	CU_ASSERT_STRING_EQUAL(drop_name(DROP_tcp_cksum), "tcp_cksum");
}

TAP_MAIN(addr, TAP_TEST(text_is_read_and_written_back), TAP_TEST(what_is_no_address_is_refused),
	 TAP_TEST(families_do_not_meet), TAP_TEST(prefix_counts_bits_of_the_long_form),
	 TAP_TEST(every_reason_has_a_name_and_a_text))
