/*
 * pool.h - the mbufs of one instance, sized once at start.
 *
 * Two pools: frames, which the devices fill, and headers: small buffers for the
 * headers of what we send, for bare ACKs, and for the indirect mbufs that name
 * payload by reference.  Who reads a mapped file has a third, whose mbufs have no room and name
 * the file's own bytes.  Made and freed by the main thread; any worker with an
 * lcore id (rte_lcore_id()) allocates and frees.
 */
#ifndef LEAT_DATAPATH_POOL_H
#define LEAT_DATAPATH_POOL_H

#include <stdbool.h>
#include <stddef.h>

#include <rte_mbuf.h>

#include "datapath/err.h"

enum {
	POOL_FRAME_ROOM = 2048,		/* bytes of a frame in one mbuf */
	POOL_HEADER_ROOM = 256,		/* the longest headers (PKT_LINEAR_MAX) */
};

struct pool_conf {
	unsigned n_frames, n_headers;
	unsigned n_refs;	/* 0: no such pool */
	unsigned frame_room;	/* bytes; 0: POOL_FRAME_ROOM */
	bool is_one;		/* `headers` is `frames`: what is sent is of what is held */
	bool ordinary;		/* no device sees them, and one thread has them: the process's own
				   memory, which the system gives sooner than EAL's */
};

struct pools {
	struct rte_mempool *frames, *headers;
	struct rte_mempool *refs;	/* for pool_refs_take(), of one thread; NULL: none */
};

/* 0, or -ENOMEM and others with `err`. */
int pools_new(struct pools *p, const struct pool_conf *conf, struct err *err);
void pools_free(struct pools *p);

/*
 * Takes `n` mbufs of `refs`; false, and none, if there are not so many.  Who has one says with
 * pool_refer() what it is; freed it goes back, and what it referred to is nobody's affair: that
 * lasts until the last of them is freed.
 */
static inline bool
pool_refs_take(struct rte_mempool *refs, struct rte_mbuf *m[], unsigned n)
{
	return rte_mempool_get_bulk(refs, (void **)m, n) == 0;
}

/* The mbuf is the `len` bytes at `bytes`, came by port 0, and has no flags but its own. */
static inline void
pool_refer(struct rte_mbuf *m, void *bytes, uint16_t len)
{
	/* What is freed is of one segment, and its owner's alone. */
	m->buf_addr = bytes;
	m->buf_len = m->data_len = len;
	m->pkt_len = len;
	m->data_off = 0;
	m->port = 0;
	m->ol_flags = RTE_MBUF_F_EXTERNAL;
}

/* rte_pktmbuf_free() of what will mostly be such an mbuf, of one segment and in nobody else's
 * hands. */
static inline void
pool_refs_free(struct rte_mbuf *m)
{
	if (m->ol_flags & RTE_MBUF_F_EXTERNAL && !m->next && rte_mbuf_refcnt_read(m) == 1 &&
	    rte_mbuf_ext_refcnt_read(m->shinfo) == 1 &&
	    rte_pktmbuf_priv_flags(m->pool) & RTE_PKTMBUF_POOL_F_PINNED_EXT_BUF)
		rte_mempool_put(m->pool, m);
	else
		rte_pktmbuf_free(m);
}

/* Megabytes of EAL memory that these pools, and DPDK beside them, need. */
unsigned pools_mem_mb(const struct pool_conf *conf);

/*
 * How many frames may be held by streams and fragment tables, so that every
 * device goes on receiving: the pool without all descriptors, 4 bursts a port and
 * the hand-off rings.  0 if the pool is too small for anything to be held.
 */
unsigned pool_held_max(unsigned n_frames, unsigned n_desc, unsigned n_ports, unsigned n_handoff);

/* Mbufs in use; walks the lcores' caches: for status and tests. */
unsigned pool_in_use(const struct rte_mempool *mp);

#endif
