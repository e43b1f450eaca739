/*
 * Names held against patterns.
 */
#include "tests/unit/tap.h"
#include "vnf/pattern.h"

static void
a_name_has_no_case_and_no_last_dot(void)
{
	CU_ASSERT_TRUE(pattern_is_name("www.example.com", "WWW.Example.com."));
	CU_ASSERT_TRUE(pattern_is_name("www.example.com.", "www.example.com"));
	CU_ASSERT_FALSE(pattern_is_name("www.example.com", "www.example.co"));
	CU_ASSERT_FALSE(pattern_is_name("www.example.com", "xwww.example.com"));
	CU_ASSERT_FALSE(pattern_is_name("www.example.com", ""));
}

static void
a_star_is_all_names_below(void)
{
	CU_ASSERT_TRUE(pattern_is_name("*.example.com", "a.b.EXAMPLE.com"));
	CU_ASSERT_FALSE(pattern_is_name("*.example.com", "example.com"));
	CU_ASSERT_FALSE(pattern_is_name("*.example.com", ".example.com"));
	CU_ASSERT_FALSE(pattern_is_name("*.example.com", "badexample.com"));
	CU_ASSERT_FALSE(pattern_is_name("*.example.com", "a.example.com.org"));
}

static void
a_host_without_a_port_is_one_with_any(void)
{
	CU_ASSERT_TRUE(pattern_is_host("a.example", "a.example:8080"));
	CU_ASSERT_TRUE(pattern_is_host("a.example:8080", "a.example:8080"));
	CU_ASSERT_FALSE(pattern_is_host("a.example:80", "a.example:8080"));
	CU_ASSERT_FALSE(pattern_is_host("a.example:80", "a.example"));
	CU_ASSERT_TRUE(pattern_is_host("[2001:db8::1]", "[2001:db8::1]:80"));
	CU_ASSERT_TRUE(pattern_is_host("*.example", "b.example:1"));
}

static void
a_list_and_a_chain_are_searched_by_whole_words(void)
{
	CU_ASSERT_TRUE(pattern_is_among("h2", "http/1.1;h2"));
	CU_ASSERT_FALSE(pattern_is_among("h2", "h2c;h3"));
	CU_ASSERT_TRUE(pattern_is_link("tls", "smtp+tls"));
	CU_ASSERT_TRUE(pattern_is_link("smtp+tls", "smtp+tls"));
	CU_ASSERT_FALSE(pattern_is_link("smt", "smtp+tls"));
}

TAP_MAIN(pattern, TAP_TEST(a_name_has_no_case_and_no_last_dot), TAP_TEST(a_star_is_all_names_below),
	 TAP_TEST(a_host_without_a_port_is_one_with_any),
	 TAP_TEST(a_list_and_a_chain_are_searched_by_whole_words))
