/*
 * area.h - an array that is reached at random: heads of chains, a filter.
 *
 * Reserved whole, and zero.  Its pages are small ones: of a slab's huge pages the owner would wait
 * 250 us for each, and little use would take 2 MB.  Single-threaded but for area_commit().
 */
#ifndef TCPTERM_AREA_H
#define TCPTERM_AREA_H

#include <stddef.h>
#include <stdint.h>

struct area {
	void *base;
	size_t bytes;
	uint32_t n_used;	/* places that were put to use, the same one again counted again */
	size_t committed;	/* bytes from the beginning, by area_commit() */
};

int area_init(struct area *a, size_t bytes);	/* 0, -ENOMEM */
void area_fini(struct area *a);

/* One more place of it is put to use. */
static inline void
area_use(struct area *a)
{
	__atomic_store_n(&a->n_used, a->n_used + 1, __ATOMIC_RELAXED);	/* area_commit() */
}

/* One other thread's, now and then: once so much is in use that about half of the pages were
 * reached, has the system give the others, at most 4 MB at a time. */
void area_commit(struct area *a);

#endif
