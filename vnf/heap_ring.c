/*
 * heap_ring.c - see heap_ring.h.
 */
#include "vnf/heap_ring.h"

#include <stdlib.h>

struct rte_ring *
heap_ring_new(const char *name, size_t element, unsigned n)
{
	ssize_t size = rte_ring_get_memsize_elem((unsigned)element, n);
	struct rte_ring *r = size > 0 ? aligned_alloc(RTE_CACHE_LINE_SIZE, (size_t)size) : NULL;

	if (r && rte_ring_init(r, name, n, RING_F_SP_ENQ | RING_F_SC_DEQ) != 0) {
		free(r);
		r = NULL;
	}
	return r;
}
