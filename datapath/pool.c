/* pool.c - making the pools, and how much of them may be held. */
#include "datapath/pool.h"

#include <errno.h>

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

static int
make(struct rte_mempool **mp, const char *name, unsigned n, unsigned room, struct err *err)
{
	*mp = rte_pktmbuf_pool_create(name, n, cache_for(n), 0, room, SOCKET_ID_ANY);
	if (*mp)
		return 0;
	return err_set(err, -rte_errno,
		       "no memory for %u mbufs of %u bytes (%s): lower their "
		       "number, or reserve more hugepages with `sysctl vm.nr_hugepages=N`",
		       n, room, rte_strerror(rte_errno));
}

int
pools_new(struct pools *p, const struct pool_conf *conf, struct err *err)
{
	int rc;

	p->frames = p->headers = NULL;
	rc = make(&p->frames, "leat_frames", conf->n_frames, frame_room(conf), err);
	if (rc == 0)
		rc = make(&p->headers, "leat_headers", conf->n_headers,
			  RTE_PKTMBUF_HEADROOM + POOL_HEADER_ROOM, err);
	if (rc != 0)
		pools_free(p);
	return rc;
}

void
pools_free(struct pools *p)
{
	rte_mempool_free(p->frames);
	rte_mempool_free(p->headers);
	p->frames = p->headers = NULL;
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
