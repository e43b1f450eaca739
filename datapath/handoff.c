/*
 * In the rings a pointer with its lowest bit set is a struct crossing, else an mbuf.
 */
#include "datapath/handoff.h"

#include <errno.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <rte_mempool.h>
#include <rte_ring.h>

enum { N_CROSSING = 1023 };	/* datagrams on their way between workers */

#define CROSSING_BIT ((uintptr_t)1)

/* Segments that found no room; one writer, one reader. */
struct lost {
	_Atomic uint32_t n_put, n_taken;
	struct pkt p[HANDOFF_LOST];
};

struct handoff {
	unsigned n_workers;
	struct rte_mempool *datagrams;	/* NULL: none cross */
	struct rte_ring *ring[HANDOFF_WORKERS][HANDOFF_WORKERS];	/* [from][to] */
	struct lost *lost[HANDOFF_WORKERS][HANDOFF_WORKERS];
};

/* --- giving --- */

unsigned
handoff_frames(struct handoff *h, unsigned from, unsigned to, struct rte_mbuf **m, unsigned n)
{
	return rte_ring_sp_enqueue_burst(h->ring[from][to], (void **)m, n, NULL);
}

bool
handoff_datagram(struct handoff *h, unsigned from, unsigned to, const struct frag_result *r)
{
	struct crossing *d;

	if (rte_mempool_get(h->datagrams, (void **)&d) != 0)
		return false;
	d->whole = r->whole;
	d->n = r->n_original;
	memcpy(d->original, r->original, sizeof d->original);
	memcpy(d->side, r->side, sizeof d->side);
	if (rte_ring_sp_enqueue(h->ring[from][to], (void *)((uintptr_t)d | CROSSING_BIT)) == 0)
		return true;
	rte_mempool_put(h->datagrams, d);
	return false;
}

void
handoff_lost(struct handoff *h, unsigned from, unsigned to, const struct pkt *p)
{
	struct lost *l = h->lost[from][to];
	uint32_t n = atomic_load_explicit(&l->n_put, memory_order_relaxed);
	struct pkt *at = &l->p[n % HANDOFF_LOST];

	if (n - atomic_load_explicit(&l->n_taken, memory_order_acquire) == HANDOFF_LOST)
		return;
	memcpy(at, p, offsetof(struct pkt, tag) + p->n_tags * sizeof p->tag[0]);
	at->m = NULL;
	atomic_store_explicit(&l->n_put, n + 1, memory_order_release);
}

/* --- taking --- */

bool
handoff_lost_take(struct handoff *h, unsigned from, unsigned to, struct pkt *p)
{
	struct lost *l = h->lost[from][to];
	uint32_t n = atomic_load_explicit(&l->n_taken, memory_order_relaxed);
	const struct pkt *at = &l->p[n % HANDOFF_LOST];

	if (n == atomic_load_explicit(&l->n_put, memory_order_acquire))
		return false;
	memcpy(p, at, offsetof(struct pkt, tag) + at->n_tags * sizeof at->tag[0]);
	atomic_store_explicit(&l->n_taken, n + 1, memory_order_release);
	return true;
}

static struct crossing *
crossing_of(void *what)
{
	return (struct crossing *)((uintptr_t)what & ~CROSSING_BIT);
}

unsigned
handoff_take(struct handoff *h, unsigned from, unsigned to, struct handed *out)
{
	void *what[HANDOFF_BURST];
	unsigned n = rte_ring_sc_dequeue_burst(h->ring[from][to], what, HANDOFF_BURST, NULL);

	out->n_frames = out->n_datagrams = 0;
	for (unsigned i = 0; i < n; i++)
		if ((uintptr_t)what[i] & CROSSING_BIT)
			out->datagram[out->n_datagrams++] = crossing_of(what[i]);
		else
			out->frame[out->n_frames++] = what[i];
	return n;
}

void
handoff_done(struct handoff *h, struct crossing *d)
{
	rte_mempool_put(h->datagrams, d);
}

unsigned
handoff_waiting(const struct handoff *h, unsigned from, unsigned to)
{
	return from == to ? 0 : rte_ring_count(h->ring[from][to]);
}

/* --- life --- */

static struct rte_mempool *
pool_new(void)
{
	static unsigned serial;
	char name[RTE_MEMPOOL_NAMESIZE];

	snprintf(name, sizeof name, "datagrams-%u", serial++);
	return rte_mempool_create(name, N_CROSSING, sizeof(struct crossing), 0, 0, NULL, NULL, NULL,
				  NULL, SOCKET_ID_ANY, 0);
}

static struct rte_ring *
ring_new(unsigned from, unsigned to)
{
	static unsigned serial;
	char name[RTE_RING_NAMESIZE];

	snprintf(name, sizeof name, "hand-%u-%u-%u", from, to, serial++);
	return rte_ring_create(name, HANDOFF_DEPTH, SOCKET_ID_ANY, RING_F_SP_ENQ | RING_F_SC_DEQ);
}

static void
crossing_discard(struct handoff *h, struct crossing *d)
{
	rte_pktmbuf_free(d->whole);
	rte_pktmbuf_free_bulk(d->original, d->n);
	handoff_done(h, d);
}

static void
ring_free(struct handoff *h, struct rte_ring *r)
{
	void *what;

	while (r && rte_ring_dequeue(r, &what) == 0) {
		if ((uintptr_t)what & CROSSING_BIT)
			crossing_discard(h, crossing_of(what));
		else
			rte_pktmbuf_free(what);
	}
	rte_ring_free(r);
}

void
handoff_free(struct handoff *h)
{
	if (!h)
		return;
	for (unsigned from = 0; from < h->n_workers; from++)
		for (unsigned to = 0; to < h->n_workers; to++) {
			ring_free(h, h->ring[from][to]);
			free(h->lost[from][to]);
		}
	rte_mempool_free(h->datagrams);
	free(h);
}

static bool
rings_new(struct handoff *h)
{
	for (unsigned from = 0; from < h->n_workers; from++)
		for (unsigned to = 0; to < h->n_workers; to++)
			if (from != to && (!(h->ring[from][to] = ring_new(from, to)) ||
					   !(h->lost[from][to] = calloc(1, sizeof(struct lost)))))
				return false;
	return true;
}

struct handoff *
handoff_new(unsigned n_workers, bool datagrams, struct err *err)
{
	struct handoff *h = calloc(1, sizeof *h);

	if (h) {
		h->n_workers = n_workers;
		h->datagrams = datagrams && n_workers > 1 ? pool_new() : NULL;
		if (rings_new(h) && (h->datagrams || !datagrams || n_workers == 1))
			return h;
	}
	handoff_free(h);
	err_set(err, -ENOMEM, "no memory for the rings between workers");
	return NULL;
}
