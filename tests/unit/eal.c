/*
 * eal.c - the buffers that the other tests stand on.
 */
#include <string.h>

#include "tests/unit/eal.h"
#include "tests/unit/tap.h"

static void
mbuf_holds_a_copy_of_the_bytes(void)
{
	char bytes[] = "sixteen bytes...";
	struct rte_mbuf *m = test_mbuf(bytes, 16);

	memset(bytes, 0, sizeof bytes);
	CU_ASSERT_EQUAL(rte_pktmbuf_pkt_len(m), 16);
	CU_ASSERT_EQUAL(memcmp(rte_pktmbuf_mtod(m, char *), "sixteen bytes...", 16), 0);
	CU_ASSERT_EQUAL(rte_pktmbuf_headroom(m), 0);
	CU_ASSERT_EQUAL(rte_pktmbuf_tailroom(m), 0);
	rte_pktmbuf_free(m);
}

static void
chain_has_the_lengths_asked_for_and_the_rest(void)
{
	struct rte_mbuf *m = test_mbuf_chain("abcdefghij", 10, 3, 0, 4), *s = m;
	static const uint16_t expected[] = { 3, 0, 4, 3 };
	char all[10];
	size_t i;

	CU_ASSERT_EQUAL(m->nb_segs, 4);
	CU_ASSERT_EQUAL(m->pkt_len, 10);
	for (i = 0; i < 4 && s; i++, s = s->next)
		CU_ASSERT_EQUAL(s->data_len, expected[i]);
	CU_ASSERT_EQUAL(memcmp(rte_pktmbuf_read(m, 0, 10, all), "abcdefghij", 10), 0);
	rte_pktmbuf_free(m);
}

static void
freed_mbufs_are_not_live(void)
{
	unsigned before = test_mbufs_live();
	struct rte_mbuf *m = test_mbuf_chain("abcdefghij", 10, 1, 2);

	CU_ASSERT_EQUAL(test_mbufs_live(), before + 3);
	rte_pktmbuf_free(m);
	CU_ASSERT_EQUAL(test_mbufs_live(), before);
}

TAP_MAIN(eal, TAP_TEST(mbuf_holds_a_copy_of_the_bytes),
	 TAP_TEST(chain_has_the_lengths_asked_for_and_the_rest), TAP_TEST(freed_mbufs_are_not_live))
