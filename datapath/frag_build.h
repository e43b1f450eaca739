/*
 * frag_build.h - a datagram put together by reference.  Private to frag.c.
 */
#ifndef LEAT_DATAPATH_FRAG_BUILD_H
#define LEAT_DATAPATH_FRAG_BUILD_H

#include "datapath/parse.h"

/* One fragment: `len` bytes at `l4` of `m` belong at `off` of the datagram's payload. */
struct frag_piece {
	struct rte_mbuf *m;
	uint32_t off;
	uint16_t len;
	uint16_t l3, l4;
	uint8_t side;
};

/*
 * `order` are the pieces by offset, without holes.  The headers are a copy of the
 * first one's, as an unfragmented frame of `total` payload bytes.  NULL: no mbuf,
 * or the datagram is longer than IP can say (`why`).
 */
struct rte_mbuf *frag_build(const struct frag_piece *const *order, unsigned n, uint32_t total,
			    bool is_v6, struct rte_mempool *pool, enum drop *why);

#endif
