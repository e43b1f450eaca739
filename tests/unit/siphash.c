/*
 * SipHash-2-4 by its authors' values (key 00 01 .. 0f, message 00 01 ..).
 */
#include "tcpterm/siphash.h"

#include <stdlib.h>

#include "tests/unit/tap.h"

static const uint64_t key[2] = { 0x0706050403020100, 0x0f0e0d0c0b0a0908 };
static const uint64_t message[2] = { 0x0706050403020100, 0x0f0e0d0c0b0a0908 };

static void
whole_words_have_the_published_values(void)
{
	CU_ASSERT_EQUAL(siphash(key, message, 0), 0x726fdb47dd0e0e31);
	CU_ASSERT_EQUAL(siphash(key, message, 1), 0x93f5f5799a932462);
	CU_ASSERT_EQUAL(siphash(key, message, 2), 0x3f2acc7f57c29bdb);
}

static void
bytes_behind_them_have_the_published_values(void)
{
	struct sip h = sip_begin(key);

	CU_ASSERT_EQUAL(sip_end(h, 0, 7, message[0] & (UINT64_MAX >> 8)), 0xab0200f58b01d137);
	sip_word(&h, message[0]);
	CU_ASSERT_EQUAL(sip_end(h, 1, 7, message[1] & (UINT64_MAX >> 8)), 0xa129ca6149be45e5);
	/* ending it once does not end it */
	CU_ASSERT_EQUAL(sip_end(h, 1, 0, 0), 0x93f5f5799a932462);
}

TAP_MAIN(siphash, TAP_TEST(whole_words_have_the_published_values),
	 TAP_TEST(bytes_behind_them_have_the_published_values))
