/*
 * slab.h - objects of one size, named by a 32-bit index, at a fixed address.
 *
 * The arena is reserved whole (mmap, MAP_NORESERVE) and touched as it fills,
 * so a limit of a million costs address space only; huge pages back all but its beginning, so that
 * one of which little is used costs little.  Single-threaded but for slab_commit().
 */
#ifndef TCPTERM_SLAB_H
#define TCPTERM_SLAB_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct slab {
	uint8_t *base;		/* the first object */
	size_t size;		/* from one object to the next, a multiple of 8 */
	size_t lead;		/* bytes before each object that are its too */
	size_t reserved;	/* bytes of address space */
	uint32_t n_max;
	uint32_t n_used;
	uint32_t n_touched;	/* objects ever handed out */
	uint32_t free_head;	/* index + 1; 0 none */
	/* A slot's grows at each allocation and free; odd: in use. */
	uint8_t *generations;
	size_t stride;		/* from one to the next */
	bool inside;		/* they are in the objects */
	size_t committed;	/* bytes from the beginning, by slab_commit() */
};

/* 0, -ENOMEM. */
int slab_init(struct slab *s, size_t size, uint32_t n_max);

/* The same of objects with a uint32_t for their generation at offset `at`, 4 at least; before each
 * lie `lead` bytes (a multiple of 8) that are its too. */
int slab_init_inside(struct slab *s, size_t size, uint32_t n_max, size_t at, size_t lead);
void slab_fini(struct slab *s);

/* An object, zero but for its generation, and its index (NULL: not wanted); NULL at the limit. */
void *slab_alloc(struct slab *s, uint32_t *index);
void slab_free(struct slab *s, uint32_t index);

/* The same, but the object may hold anything; a generation inside is to be left alone. */
void *slab_take(struct slab *s, uint32_t *index);

/*
 * One other thread's, now and then: has the system give, and clear, the memory that slab_alloc()
 * comes to next.  Otherwise the owner waits for that itself, 250 us for each huge page.
 */
void slab_commit(struct slab *s);

/* How many objects were ever handed out; any thread. */
static inline uint32_t
slab_n_touched(const struct slab *s)
{
	return __atomic_load_n(&s->n_touched, __ATOMIC_ACQUIRE);
}

/* The object, alive or not; index < n_touched. */
static inline void *
slab_at(const struct slab *s, uint32_t index)
{
	return s->base + (size_t)index * s->size;
}

static inline uint32_t
slab_generation(const struct slab *s, uint32_t index)
{
	return *(const uint32_t *)(s->generations + (size_t)index * s->stride);
}

/* Is the slot in use? */
bool slab_alive(const struct slab *s, uint32_t index);

#endif
