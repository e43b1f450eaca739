/*
 * The option codec and the handshake's filter.
 */
#include "tcpterm/options.h"

#include <stdlib.h>
#include <string.h>

#include "tests/unit/tap.h"

/* From exact-size memory, so that a sanitizer sees a read beyond. */
static struct tcpterm_options
parsed(const void *bytes, unsigned len)
{
	uint8_t *copy = malloc(len ? len : 1);
	struct tcpterm_options o;

	memcpy(copy, bytes, len);
	options_parse(copy, len, &o);
	free(copy);
	return o;
}

#define PARSED(...)                                                                                \
	parsed((const uint8_t[]){ __VA_ARGS__ }, sizeof((const uint8_t[]){ __VA_ARGS__ }))

static void
syn_of_linux_is_read_whole(void)
{
	struct tcpterm_options o =
		PARSED(2, 4, 0x05, 0xb4, 4, 2, 8, 10, 1, 2, 3, 4, 0, 0, 0, 9, 1, 3, 3, 7);

	CU_ASSERT_TRUE(o.has_mss && o.has_ts && o.sack_permitted && o.has_wscale && !o.malformed);
	CU_ASSERT_EQUAL(o.mss, 1460);
	CU_ASSERT_EQUAL(o.tsval, 0x01020304);
	CU_ASSERT_EQUAL(o.tsecr, 9);
	CU_ASSERT_EQUAL(o.wscale, 7);
	CU_ASSERT_EQUAL(o.n_unknown, 0);
}

static void
sack_blocks_are_read(void)
{
	struct tcpterm_options o =
		PARSED(1, 1, 5, 18, 0, 0, 0, 1, 0, 0, 0, 2, 0xff, 0xff, 0xff, 0xff, 0, 0, 0, 5);

	CU_ASSERT_EQUAL_FATAL(o.n_sack, 2);
	CU_ASSERT_EQUAL(o.sack[0].right, 2);
	CU_ASSERT_EQUAL(o.sack[1].left, 0xffffffff);
}

static void
malformed_lengths_are_marked_and_never_overrun(void)
{
	struct tcpterm_options o;

	o = PARSED(1, 2);			/* a kind without a length */
	CU_ASSERT_TRUE(o.malformed && !o.has_mss);
	o = PARSED(2, 4, 5);			/* beyond the end */
	CU_ASSERT_TRUE(o.malformed && !o.has_mss);
	o = PARSED(8, 0, 1, 1);			/* would never advance */
	CU_ASSERT_TRUE(o.malformed && !o.has_ts);
	o = PARSED(77, 1, 2, 4, 5, 6);
	CU_ASSERT_TRUE(o.malformed && !o.has_mss);
	o = PARSED(2, 3, 5, 3, 3, 2);		/* wrong for the kind: only that one is lost */
	CU_ASSERT_TRUE(o.malformed && !o.has_mss && o.has_wscale);
	o = PARSED(5, 9, 0, 0, 0, 0, 0, 0, 0);	/* no whole SACK block */
	CU_ASSERT_TRUE(o.malformed && o.n_sack == 0);
	o = parsed("", 0);
	CU_ASSERT_FALSE(o.malformed);
	o = PARSED(0, 2, 4, 5, 6);		/* nothing is read behind the end */
	CU_ASSERT_TRUE(!o.malformed && !o.has_mss);
}

static void
every_byte_string_is_read_within_its_bounds(void)
{
	uint8_t b[TCP_OPTIONS_MAX];
	unsigned n, i, bad = 0;

	srand(7);
	for (n = 0; n < 200000; n++) {
		unsigned len = (unsigned)rand() % (TCP_OPTIONS_MAX + 1);
		struct tcpterm_options o;

		for (i = 0; i < len; i++)
			b[i] = (uint8_t)(rand() & 1 ? rand() % 35 : rand() % 12);
		o = parsed(b, len);
		bad += o.n_sack > 4;
	}
	CU_ASSERT_EQUAL(bad, 0);
}

static void
special_kinds_are_recognised(void)
{
	struct tcpterm_options o;

	o = PARSED(19, 18, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0);
	CU_ASSERT_TRUE(o.has_md5);
	o = PARSED(29, 4, 0, 0, 30, 4, 0, 0, 34, 2, 200, 3, 0);
	CU_ASSERT_TRUE(o.has_ao && o.has_mptcp && o.has_fastopen && o.n_unknown == 1);
	o = PARSED(254, 4, 0xf9, 0x89, 253, 4, 1, 2);
	CU_ASSERT_TRUE(o.has_fastopen && o.n_unknown == 1);
}

static void
built_syn_has_linux_order_and_reads_back(void)
{
	static const uint8_t expect[] = { 2, 4, 0x05, 0x78, 4, 2, 8, 10, 0, 0,
					  0, 1, 0,    0,    0, 2, 1, 3,	 3, 9 };
	struct tcpterm_options o = { .has_mss = true,
				     .mss = 1400,
				     .has_ts = true,
				     .tsval = 1,
				     .tsecr = 2,
				     .sack_permitted = true,
				     .has_wscale = true,
				     .wscale = 9 };
	uint8_t b[TCP_OPTIONS_MAX];

	CU_ASSERT_EQUAL(options_build(&o, true, b), sizeof expect);
	CU_ASSERT_EQUAL(memcmp(b, expect, sizeof expect), 0);
	o.has_ts = false;
	CU_ASSERT_EQUAL(options_build(&o, true, b), 12);
	CU_ASSERT_TRUE(parsed(b, 12).sack_permitted);
	o.sack_permitted = false;
	o.has_ts = true;
	CU_ASSERT_EQUAL(options_build(&o, true, b), 20);
	CU_ASSERT_TRUE(parsed(b, 20).has_ts && !parsed(b, 20).sack_permitted);
}

static void
built_acks_carry_as_many_sack_blocks_as_fit(void)
{
	struct tcpterm_options o = { .has_ts = true, .n_sack = 4 }, r;
	uint8_t b[TCP_OPTIONS_MAX];
	unsigned i, n;

	for (i = 0; i < 4; i++) {
		o.sack[i].left = i;
		o.sack[i].right = 100 + i;
	}
	n = options_build(&o, false, b);
	CU_ASSERT_EQUAL(n, 40);
	r = parsed(b, n);
	CU_ASSERT_TRUE(r.has_ts && r.n_sack == 3 && r.sack[2].right == 102);
	o.has_ts = false;
	n = options_build(&o, false, b);
	CU_ASSERT_EQUAL(n, 36);
	CU_ASSERT_EQUAL(parsed(b, n).n_sack, 4);
	o.n_sack = 0;
	CU_ASSERT_EQUAL(options_build(&o, false, b), 0);
}

static void
filter_leaves_only_what_can_be_kept(void)
{
	uint8_t b[] = { 2, 4, 0x23, 0x28, 30, 4, 7, 7, 4, 2, 3, 3, 15, 34,
			3, 1, 8,    10,	  0,  0, 0, 1, 0, 0, 0, 2, 0,  9 };
	struct tcpterm_options o;

	CU_ASSERT_EQUAL(options_filter(b, sizeof b, 1460), 2);
	o = parsed(b, sizeof b);
	CU_ASSERT_EQUAL(o.mss, 1460);
	CU_ASSERT_EQUAL(o.wscale, 14);
	CU_ASSERT_TRUE(o.sack_permitted && o.has_ts && !o.has_mptcp && !o.has_fastopen);
	CU_ASSERT_EQUAL(o.n_unknown, 0);
	CU_ASSERT_EQUAL(b[sizeof b - 1], 0);
	CU_ASSERT_EQUAL(options_filter(b, sizeof b, 9000), 0);
	CU_ASSERT_EQUAL(parsed(b, sizeof b).mss, 1460);
}

static void
filter_covers_a_malformed_tail(void)
{
	uint8_t b[] = { 4, 2, 2, 9, 1, 1 };

	CU_ASSERT_EQUAL(options_filter(b, sizeof b, 1460), 1);
	CU_ASSERT_FALSE(parsed(b, sizeof b).malformed);
	CU_ASSERT_TRUE(parsed(b, sizeof b).sack_permitted);
}

TAP_MAIN(options, TAP_TEST(syn_of_linux_is_read_whole), TAP_TEST(sack_blocks_are_read),
	 TAP_TEST(malformed_lengths_are_marked_and_never_overrun),
	 TAP_TEST(every_byte_string_is_read_within_its_bounds),
	 TAP_TEST(special_kinds_are_recognised), TAP_TEST(built_syn_has_linux_order_and_reads_back),
	 TAP_TEST(built_acks_carry_as_many_sack_blocks_as_fit),
	 TAP_TEST(filter_leaves_only_what_can_be_kept), TAP_TEST(filter_covers_a_malformed_tail))
