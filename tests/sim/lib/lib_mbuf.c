#include <stdio.h>
#include <string.h>

#include "tests/sim/lib/lib.h"
#include "tests/unit/eal.h"

enum {
	FRAME_ROOM = 2048,
	HEADER_ROOM = 256,
	SIZES = 8,
	HEADERS_EACH = 2,	/* header buffers for each of the frames, and at least ... */
	HEADERS_LEAST = 1024,
};

static struct rte_mempool *
make(const char *what, unsigned purpose, unsigned n, unsigned room)
{
	char name[RTE_MEMPOOL_NAMESIZE];

	/* No cache: what is in use can be told exactly. */
	snprintf(name, sizeof name, "sim_%s_%u_%u", what, purpose, n);
	return rte_pktmbuf_pool_create(name, n, 0, 0, (uint16_t)(room + RTE_PKTMBUF_HEADROOM), 0);
}

const struct lib_pools *
lib_pools_get(unsigned purpose, unsigned n)
{
	static struct lib_pools all[2][SIZES];
	unsigned n_headers = n * HEADERS_EACH > HEADERS_LEAST ? n * HEADERS_EACH : HEADERS_LEAST;
	struct lib_pools *p = all[purpose];

	for (; p < all[purpose] + SIZES && p->n; p++)
		if (p->n == n)
			return p;
	if (p == all[purpose] + SIZES || test_eal_init() < 0)
		return NULL;
	p->frames = make("frames", purpose, n, FRAME_ROOM);
	p->payload = make("payload", purpose, n, FRAME_ROOM);
	p->headers = make("headers", purpose, n_headers, HEADER_ROOM);
	if (!p->frames || !p->payload || !p->headers)
		return NULL;
	p->n = n;
	return p;
}

unsigned
lib_pools_in_use(const struct lib_pools *p)
{
	return rte_mempool_in_use_count(p->frames) + rte_mempool_in_use_count(p->payload) +
	       rte_mempool_in_use_count(p->headers);
}

/* Appends one buffer with `len` bytes to the chain. */
static bool
add(struct rte_mempool *pool, struct rte_mbuf **head, const uint8_t *bytes, size_t len)
{
	struct rte_mbuf *m = rte_pktmbuf_alloc(pool);

	if (!m)
		return false;
	memcpy(rte_pktmbuf_append(m, (uint16_t)len), bytes, len);
	if (!*head) {
		*head = m;
		return true;
	}
	if (rte_pktmbuf_chain(*head, m) == 0)
		return true;
	rte_pktmbuf_free(m);
	return false;
}

struct rte_mbuf *
lib_mbuf(struct rte_mempool *pool, const struct frame *f)
{
	unsigned i, n_pieces = f->n_pieces ? f->n_pieces : 1;
	struct rte_mbuf *m = NULL;
	size_t at = 0, end = 0, n;

	for (i = 0; i < n_pieces; i++) {
		end += f->n_pieces ? f->piece[i] : f->len;
		for (; at < end; at += n) {
			n = end - at < FRAME_ROOM ? end - at : FRAME_ROOM;
			if (!add(pool, &m, f->bytes + at, n)) {
				rte_pktmbuf_free(m);
				return NULL;
			}
		}
	}
	if (m && f->csum_none)
		m->ol_flags |= RTE_MBUF_F_RX_L4_CKSUM_NONE;
	if (m && f->gso_size) {
		m->ol_flags |= RTE_MBUF_F_RX_LRO;
		m->tso_segsz = f->gso_size;
	}
	return m;
}

struct frame *
lib_frame_of(const struct rte_mbuf *m)
{
	static uint8_t bytes[FRAME_MAX + 4096];
	size_t len = rte_pktmbuf_pkt_len(m), at = 0;
	const struct rte_mbuf *seg;
	struct frame *f;

	for (seg = m; seg && at + seg->data_len <= sizeof bytes; seg = seg->next) {
		memcpy(bytes + at, rte_pktmbuf_mtod(seg, const uint8_t *), seg->data_len);
		at += seg->data_len;
	}
	/* A chain whose parts do not add up is shown as what its parts hold. */
	f = frame_new(bytes, at < len ? at : len);
	if (m->ol_flags & (RTE_MBUF_F_TX_TCP_SEG | RTE_MBUF_F_RX_LRO))
		f->gso_size = m->tso_segsz;
	f->csum_none = m->ol_flags & (RTE_MBUF_F_TX_TCP_SEG | RTE_MBUF_F_TX_TCP_CKSUM) ||
		       (m->ol_flags & RTE_MBUF_F_RX_L4_CKSUM_MASK) == RTE_MBUF_F_RX_L4_CKSUM_NONE;
	return f;
}

struct frame *
lib_frame(struct rte_mbuf *m)
{
	struct frame *f = lib_frame_of(m);

	rte_pktmbuf_free(m);
	return f;
}
