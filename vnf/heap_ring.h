/*
 * heap_ring.h - rings in ordinary memory: what the switch maps is sized once, at start.
 *
 * One thread puts in, one takes out.
 */
#ifndef LEAT_VNF_HEAP_RING_H
#define LEAT_VNF_HEAP_RING_H

#include <rte_ring_elem.h>

/* `n` elements of `element` bytes (a multiple of 4), less one; `n` is a power of two.  free() ends
 * it.  NULL: no memory. */
struct rte_ring *heap_ring_new(const char *name, size_t element, unsigned n);

#endif
