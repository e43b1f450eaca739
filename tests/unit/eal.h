/*
 * eal.h - DPDK's environment and packet buffers for tests, of any tier but system.
 *
 * The buffers' bytes are exact-size malloc'd memory, so that AddressSanitizer
 * sees an access one byte before or after them; inside an ordinary mempool it
 * sees nothing.  They therefore have neither headroom nor tailroom.  The caller
 * owns each mbuf and frees it by rte_pktmbuf_free().  One thread.
 */
#ifndef LEAT_TESTS_UNIT_EAL_H
#define LEAT_TESTS_UNIT_EAL_H

#include <stddef.h>

#include <rte_mbuf.h>

/*
 * Brings EAL up without hugepages, devices or files.  Idempotent, and every
 * other function here calls it.  Returns 0, or a negative errno after a `# `
 * line that says why.
 */
int test_eal_init(void);

/* A buffer of one segment that holds a copy of `len` bytes.  Aborts if there is
 * none left. */
struct rte_mbuf *test_mbuf(const void *bytes, size_t len);

/*
 * A chain that holds a copy of `len` bytes: segments of seg_len[0..n_seg) bytes
 * (0 makes an empty one), and one more with what remains, if anything does.
 * A length past the end is cut to what is left.
 */
struct rte_mbuf *test_mbuf_chainv(const void *bytes, size_t len, const size_t *seg_len,
				  size_t n_seg);

/* test_mbuf_chain(bytes, len, 14, 20, ...): as above, lengths as arguments. */
#define test_mbuf_chain(bytes, len, ...)                                                           \
	test_mbuf_chainv(bytes, len, (const size_t[]){ __VA_ARGS__ },                              \
			 sizeof((const size_t[]){ __VA_ARGS__ }) / sizeof(size_t))

/* How many of these buffers (segments) are not freed yet. */
unsigned test_mbufs_live(void);

#endif
