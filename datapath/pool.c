/* pool.c - making the pools, and how much of them may be held. */
#include "datapath/pool.h"

#include <errno.h>
#include <sys/mman.h>

#include <rte_errno.h>
#include <rte_lcore.h>

#include "datapath/port.h"

enum {
	CACHE = 256,		/* mbufs an lcore keeps at hand */
	BURSTS_A_PORT = 4,
	DPDK_OWN_MB = 48,	/* virtqueues, rings, hash of memzones, heap headers */
};

static unsigned
frame_room(const struct pool_conf *conf)
{
	return RTE_PKTMBUF_HEADROOM + (conf->frame_room ? conf->frame_room : POOL_FRAME_ROOM);
}

static unsigned
cache_for(unsigned n)
{
	/* the caches of all lcores together may not keep a small pool for themselves */
	return n / (8 * rte_lcore_count()) < CACHE ? 0 : CACHE;
}

static void
give_back(struct rte_mempool_memhdr *h, void *len)
{
	munmap(h->addr, (size_t)(uintptr_t)len);
}

/* Room behind an mbuf that only refers: what DPDK wants to know of its bytes. */
enum { REF_ROOM = sizeof(struct rte_mbuf_ext_shared_info) };

/* The last clone of an mbuf that refers is freed, and that was freed before. */
static void
free_ref(void *bytes, void *mbuf)
{
	struct rte_mbuf *m = mbuf;

	(void)bytes;
	rte_mbuf_ext_refcnt_set(m->shinfo, 1);
	m->ol_flags = RTE_MBUF_F_EXTERNAL;
	m->next = NULL;
	m->nb_segs = 1;
	rte_mbuf_raw_free(m);
}

static void
init_ref(struct rte_mempool *mp, void *arg, void *mbuf, unsigned i)
{
	struct rte_mbuf *m = mbuf;

	rte_pktmbuf_init(mp, arg, m, i);
	m->shinfo = (struct rte_mbuf_ext_shared_info *)(m + 1);
	m->shinfo->free_cb = free_ref;
	m->shinfo->fcb_opaque = m;
	rte_mbuf_ext_refcnt_set(m->shinfo, 1);
	m->ol_flags = RTE_MBUF_F_EXTERNAL;
}

/* rte_pktmbuf_pool_create() of memory that is not EAL's, and for one thread.  Mbufs that refer are
 * to DPDK such with external buffers of their own, which stay when they are freed. */
static struct rte_mempool *
make_ordinary(const char *name, unsigned n, unsigned room, bool refers)
{
	struct rte_pktmbuf_pool_private priv = {
		.mbuf_data_room_size = (uint16_t)(refers ? 0 : room),
		.flags = refers ? RTE_PKTMBUF_POOL_F_PINNED_EXT_BUF : 0,
	};
	const unsigned size = sizeof(struct rte_mbuf) + room;
	const unsigned flags = RTE_MEMPOOL_F_NO_IOVA_CONTIG | RTE_MEMPOOL_F_SP_PUT |
			       RTE_MEMPOOL_F_SC_GET;
	struct rte_mempool *mp = rte_mempool_create_empty(name, n, size, cache_for(n), sizeof priv,
							  SOCKET_ID_ANY, flags);
	size_t len = (size_t)n * rte_mempool_calc_obj_size(size, flags, NULL) + RTE_PGSIZE_4K;
	void *memory;

	if (!mp)
		return NULL;
	memory = mmap(NULL, len, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (memory == MAP_FAILED)
		goto no_memory;
	(void)madvise(memory, len, MADV_HUGEPAGE);
	rte_pktmbuf_pool_init(mp, &priv);
	if (rte_mempool_populate_virt(mp, memory, len, RTE_PGSIZE_4K, give_back,
				      (void *)(uintptr_t)len) != (int)n) {
		if (STAILQ_EMPTY(&mp->mem_list))	/* else it goes with the pool */
			munmap(memory, len);
		goto no_memory;
	}
	rte_mempool_obj_iter(mp, refers ? init_ref : rte_pktmbuf_init, NULL);
	return mp;
no_memory:
	rte_mempool_free(mp);
	rte_errno = ENOMEM;
	return NULL;
}

static int
made(const struct rte_mempool *mp, unsigned n, unsigned room, struct err *err)
{
	if (mp)
		return 0;
	return err_set(err, -rte_errno,
		       "no memory for %u mbufs of %u bytes (%s): lower their "
		       "number, or reserve more hugepages with `sysctl vm.nr_hugepages=N`",
		       n, room, rte_strerror(rte_errno));
}

static int
make(struct rte_mempool **mp, const char *name, unsigned n, unsigned room, bool ordinary,
     struct err *err)
{
	*mp = ordinary ? make_ordinary(name, n, room, false)
		       : rte_pktmbuf_pool_create(name, n, cache_for(n), 0, room, SOCKET_ID_ANY);
	return made(*mp, n, room, err);
}

static int
make_refs(struct rte_mempool **mp, unsigned n, struct err *err)
{
	*mp = make_ordinary("leat_refs", n, REF_ROOM, true);
	return made(*mp, n, REF_ROOM, err);
}

int
pools_new(struct pools *p, const struct pool_conf *conf, struct err *err)
{
	int rc;

	*p = (struct pools){ NULL };
	rc = make(&p->frames, "leat_frames", conf->n_frames, frame_room(conf), conf->ordinary, err);
	if (rc == 0 && conf->is_one)
		p->headers = p->frames;
	else if (rc == 0)
		rc = make(&p->headers, "leat_headers", conf->n_headers,
			  RTE_PKTMBUF_HEADROOM + POOL_HEADER_ROOM, conf->ordinary, err);
	if (rc == 0 && conf->n_refs)
		rc = make_refs(&p->refs, conf->n_refs, err);
	if (rc != 0)
		pools_free(p);
	return rc;
}

void
pools_free(struct pools *p)
{
	rte_mempool_free(p->frames);
	if (p->headers != p->frames)
		rte_mempool_free(p->headers);
	rte_mempool_free(p->refs);
	*p = (struct pools){ NULL };
}

static size_t
pool_bytes(unsigned n, unsigned room)
{
	return (size_t)n * rte_mempool_calc_obj_size(sizeof(struct rte_mbuf) + room, 0, NULL);
}

unsigned
pools_mem_mb(const struct pool_conf *conf)
{
	size_t bytes = pool_bytes(conf->n_frames, frame_room(conf)) +
		       pool_bytes(conf->n_headers, RTE_PKTMBUF_HEADROOM + POOL_HEADER_ROOM);

	/* objects do not cross a page: some of each page is lost */
	bytes += bytes / 64;
	return (bytes >> 20) + DPDK_OWN_MB;
}

unsigned
pool_held_max(unsigned n_frames, unsigned n_desc, unsigned n_ports, unsigned n_handoff)
{
	unsigned kept = n_desc + BURSTS_A_PORT * PORT_BURST * n_ports + n_handoff;

	return kept < n_frames ? n_frames - kept : 0;
}

unsigned
pool_in_use(const struct rte_mempool *mp)
{
	return rte_mempool_in_use_count(mp);
}
