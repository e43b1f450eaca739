/*
 * eal.c - mbufs whose data a sanitizer can see.
 *
 * Each mbuf comes from a pool with little data room and has an external buffer
 * attached: one malloc'd block of exactly the segment's bytes, and apart from it
 * one for the shared info that DPDK needs to free them both.
 */
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <rte_eal.h>
#include <rte_errno.h>

#include "tests/unit/eal.h"

enum {
	N_MBUFS = 16383,
	OWN_ROOM = 256,	/* where the parser joins the headers of a chain */
};

struct block {
	struct rte_mbuf_ext_shared_info shared;
	void *bytes;
};

static struct rte_mempool *pool;

int
test_eal_init(void)
{
	/* Writable, as main()'s are: EAL takes `char **`. */
	static char args[][20] = {
		"test", "--no-huge", "--no-pci", "--no-shconf", "--no-telemetry",
		"-m",	"64",	     "-l",	 "0",		"--log-level=error"
	};
	enum { N_ARGS = sizeof args / sizeof args[0] };
	char *argv[N_ARGS + 1] = { NULL };
	int i;

	if (pool)
		return 0;
	for (i = 0; i < N_ARGS; i++)
		argv[i] = args[i];
	if (rte_eal_init(N_ARGS, argv) < 0) {
		printf("# EAL: %s\n", rte_strerror(rte_errno));
		return -rte_errno;
	}
	pool = rte_pktmbuf_pool_create("test-mbufs", N_MBUFS, 0, 0, OWN_ROOM, SOCKET_ID_ANY);
	if (!pool) {
		printf("# mbuf pool: %s\n", rte_strerror(rte_errno));
		return -rte_errno;
	}
	return 0;
}

static void
block_free(void *addr, void *arg)
{
	struct block *b = arg;

	(void)addr;
	free(b->bytes);
	free(b);
}

static struct rte_mbuf *
segment(const void *bytes, size_t len)
{
	struct block *b = malloc(sizeof *b);
	struct rte_mbuf *m;

	if (test_eal_init() || !b || len > UINT16_MAX)
		abort();
	m = rte_pktmbuf_alloc(pool);
	b->bytes = malloc(len);
	if (!m || (len && !b->bytes)) {
		printf("# no mbuf left: %u live\n", test_mbufs_live());
		abort();
	}
	if (len)
		memcpy(b->bytes, bytes, len);
	b->shared.free_cb = block_free;
	b->shared.fcb_opaque = b;
	rte_mbuf_ext_refcnt_set(&b->shared, 1);
	rte_pktmbuf_attach_extbuf(m, b->bytes, RTE_BAD_IOVA, (uint16_t)len, &b->shared);
	m->data_len = (uint16_t)len;
	m->pkt_len = (uint32_t)len;
	return m;
}

struct rte_mbuf *
test_mbuf(const void *bytes, size_t len)
{
	return segment(bytes, len);
}

struct rte_mbuf *
test_mbuf_chainv(const void *bytes, size_t len, const size_t *seg_len, size_t n_seg)
{
	struct rte_mbuf *head = NULL, *m;
	const char *p = bytes;
	size_t i, n;

	for (i = 0; i < n_seg || len > 0; i++) {
		n = i < n_seg && seg_len[i] < len ? seg_len[i] : len;
		m = segment(p, n);
		if (!head)
			head = m;
		else if (rte_pktmbuf_chain(head, m))
			abort();
		p += n;
		len -= n;
	}
	return head ? head : segment(bytes, 0);
}

unsigned
test_mbufs_live(void)
{
	return pool ? rte_mempool_in_use_count(pool) : 0;
}
