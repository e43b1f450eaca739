/*
 * checksum.c - sums over any chain are the plain RFC 1071 loop's over its bytes.
 */
#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <rte_common.h>

#include "datapath/checksum.h"
#include "tests/prop/lib/seed.h"
#include "tests/unit/eal.h"
#include "tests/unit/frame.h"
#include "tests/unit/tap.h"

enum { N_RUNS = 3000, MAX_LEN = 3000, MAX_SEGS = 12 };

static uint8_t bytes[MAX_LEN];

/* Random bytes, and now and then all ones or all zeros, where carries are many. */
static size_t
random_bytes(void)
{
	size_t i, len = (size_t)rand() % MAX_LEN;
	int kind = rand() % 4;

	for (i = 0; i < len; i++)
		bytes[i] = kind == 0 ? 0xff : kind == 1 ? 0 : (uint8_t)rand();
	return len;
}

static struct rte_mbuf *
random_chain(size_t len)
{
	size_t seg[MAX_SEGS];
	unsigned i, n = (unsigned)rand() % MAX_SEGS;

	for (i = 0; i < n; i++)
		seg[i] = (size_t)rand() % (rand() % 2 ? 10 : len + 1);
	return test_mbuf_chainv(bytes, len, seg, n);
}

static void
sum_of_any_range_of_any_chain_is_the_plain_loops(void)
{
	size_t len, off, n;
	struct rte_mbuf *m;
	unsigned i;

	seed();
	for (i = 0; i < N_RUNS; i++) {
		len = random_bytes();
		m = random_chain(len);
		off = (size_t)rand() % (len + 1);
		n = (size_t)rand() % (len - off + 1);
		CU_ASSERT_EQUAL_FATAL(ntohs(cksum_mbuf(m, (uint32_t)off, (uint32_t)n)),
				      naive_sum(bytes + off, n, 0));
		rte_pktmbuf_free(m);
	}
	CU_ASSERT_EQUAL(test_mbufs_live(), 0);
}

/* Both forms of zero are the same number: FFFF is no result of RFC 1624's eqn. 3
 * unless every word is zero. */
static void
update_is_the_checksum_of_the_changed_words(void)
{
	uint16_t before, after, from, to;
	uint32_t from32, to32;
	unsigned i, at;

	seed();
	for (i = 0; i < N_RUNS; i++) {
		random_bytes();
		bytes[0] = 1;
		before = ~naive_sum(bytes, 64, 0);
		at = 2 + 4 * ((unsigned)rand() % 15);
		memcpy(&from32, bytes + at, 4);
		to32 = (uint32_t)rand() << 16 ^ (uint32_t)rand();
		memcpy(bytes + at, &to32, 4);
		after = ~naive_sum(bytes, 64, 0);
		CU_ASSERT_EQUAL_FATAL(cksum_update32(before, ntohl(from32), ntohl(to32)), after);
		from = to32 & 0xffff;
		to = (uint16_t)rand();
		memcpy(bytes + at, &to, 2);
		CU_ASSERT_EQUAL_FATAL(cksum_update16(htons(after), from, to),
				      htons((uint16_t)~naive_sum(bytes, 64, 0)));
	}
}

TAP_MAIN(checksum, TAP_TEST(sum_of_any_range_of_any_chain_is_the_plain_loops),
	 TAP_TEST(update_is_the_checksum_of_the_changed_words))
