/*
 * slab.h - objects of one size, named by a 32-bit index, at a fixed address.
 *
 * The arena is reserved whole (mmap, MAP_NORESERVE) and touched as it fills,
 * so a limit of a million costs address space only.  Single-threaded.
 */
#ifndef TCPTERM_SLAB_H
#define TCPTERM_SLAB_H

#include <stddef.h>
#include <stdint.h>

struct slab {
	uint8_t *base;
	size_t size;		/* of one object, rounded up to 8 */
	size_t reserved;	/* bytes of address space */
	uint32_t n_max;
	uint32_t n_used;
	uint32_t n_touched;	/* objects ever handed out */
	uint32_t free_head;	/* index + 1; 0 none */
	uint32_t *generation;	/* a slot: grows at each allocation and free; odd: in use */
};

/* 0, -ENOMEM. */
int slab_init(struct slab *s, size_t size, uint32_t n_max);
void slab_fini(struct slab *s);

/* A zeroed object and its index (NULL: not wanted); NULL at the limit. */
void *slab_alloc(struct slab *s, uint32_t *index);
void slab_free(struct slab *s, uint32_t index);

/* The object, alive or not; index < n_touched. */
static inline void *
slab_at(const struct slab *s, uint32_t index)
{
	return s->base + (size_t)index * s->size;
}

/* Is the slot in use? */
_Bool slab_alive(const struct slab *s, uint32_t index);

#endif
