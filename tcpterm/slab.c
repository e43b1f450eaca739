/*
 * Objects of one size, named by an index.
 *
 * Free slots are a stack through their own first word.  A slot's generation
 * grows at every allocation and at every free, so it is odd exactly while the
 * slot is in use.
 */
#include "tcpterm/slab.h"

#include <errno.h>
#include <string.h>
#include <sys/mman.h>

#include <rte_common.h>

/* Of a huge page; how far an arena begins before the first of its own. */
#define HUGE_BYTES ((size_t)2 << 20)
#define SMALL_BYTES ((size_t)256 << 10)
/* What slab_commit() keeps ready; called every 50 ms it keeps up with 80 MB a second. */
#define AHEAD_BYTES (2 * HUGE_BYTES)

static void *
reserve(size_t bytes)
{
	void *p = mmap(NULL, bytes, PROT_READ | PROT_WRITE,
		       MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	return p == MAP_FAILED ? NULL : p;
}

/* Small pages for the first SMALL_BYTES, then huge ones. */
static uint8_t *
reserve_large(size_t bytes)
{
	size_t room = bytes + 2 * HUGE_BYTES, before;
	uint8_t *p = reserve(room), *huge;

	if (!p)
		return NULL;
	huge = p + HUGE_BYTES - (uintptr_t)p % HUGE_BYTES;
	if ((size_t)(huge - p) < SMALL_BYTES)
		huge += HUGE_BYTES;
	before = (size_t)(huge - SMALL_BYTES - p);
	if (before > 0)
		munmap(p, before);
	munmap(p + before + bytes, room - before - bytes);
	/* A hint: without huge pages the arena only costs more TLB. */
	(void)madvise(huge, bytes - SMALL_BYTES, MADV_HUGEPAGE);
	return p + before;
}

static size_t
page_up(size_t bytes)
{
	return (bytes + 4095) & ~(size_t)4095;
}

static int
init(struct slab *s, size_t size, uint32_t n_max, size_t lead)
{
	uint8_t *room;

	memset(s, 0, sizeof *s);
	s->lead = lead;
	s->size = lead + ((size + 7) & ~(size_t)7);
	if (s->size == 0)
		s->size = 8;
	s->n_max = n_max ? n_max : 1;
	s->reserved = page_up(s->size * s->n_max);
	room = s->reserved > HUGE_BYTES ? reserve_large(s->reserved) : reserve(s->reserved);
	s->base = room ? room + lead : NULL;
	return room ? 0 : -ENOMEM;
}

int
slab_init(struct slab *s, size_t size, uint32_t n_max)
{
	if (init(s, size, n_max, 0) != 0)
		return -ENOMEM;
	s->stride = sizeof(uint32_t);
	s->generations = reserve(s->stride * s->n_max);
	if (s->generations)
		return 0;
	slab_fini(s);
	return -ENOMEM;
}

int
slab_init_inside(struct slab *s, size_t size, uint32_t n_max, size_t at, size_t lead)
{
	if (init(s, size, n_max, lead) != 0)
		return -ENOMEM;
	s->inside = true;
	s->stride = s->size;
	s->generations = s->base + at;
	return 0;
}

void
slab_fini(struct slab *s)
{
	if (s->base)
		munmap(s->base - s->lead, s->reserved);
	if (s->generations && !s->inside)
		munmap(s->generations, s->stride * s->n_max);
	memset(s, 0, sizeof *s);
}

static uint32_t *
generation_of(const struct slab *s, uint32_t index)
{
	return (uint32_t *)(s->generations + (size_t)index * s->stride);
}

static inline void *
place(struct slab *s, uint32_t *index, bool zeroed)
{
	uint32_t i, generation;
	uint8_t *p;

	if (s->free_head) {
		i = s->free_head - 1;
		p = slab_at(s, i);
		generation = slab_generation(s, i);
		memcpy(&s->free_head, p, sizeof s->free_head);
		if (zeroed)
			memset(p - s->lead, 0, s->size);
	} else if (s->n_touched < s->n_max) {
		i = s->n_touched;
		__atomic_store_n(&s->n_touched, i + 1, __ATOMIC_RELEASE);	/* slab_commit() */
		p = slab_at(s, i);	/* fresh from mmap: zero already */
		generation = 0;
	} else {
		return NULL;
	}
	*generation_of(s, i) = generation + 1;
	s->n_used++;
	if (index)
		*index = i;
	return p;
}

void *
slab_alloc(struct slab *s, uint32_t *index)
{
	return place(s, index, true);
}

void *
slab_take(struct slab *s, uint32_t *index)
{
	return place(s, index, false);
}

void
slab_free(struct slab *s, uint32_t index)
{
	memcpy(slab_at(s, index), &s->free_head, sizeof s->free_head);
	s->free_head = index + 1;
	++*generation_of(s, index);
	s->n_used--;
}

/* As long as small pages last there is nothing to wait for, and a stack that has little takes
 * little. */
void
slab_commit(struct slab *s)
{
	uint32_t n_touched = slab_n_touched(s);
	size_t used = n_touched * s->size, end = RTE_MIN(s->reserved, page_up(used + AHEAD_BYTES));

	if (used < SMALL_BYTES / 2)
		return;
	if (s->committed < used)
		s->committed = page_up(used);
	if (end < s->committed + HUGE_BYTES && end < s->reserved)
		return;
	if (end > s->committed)
		(void)madvise(s->base - s->lead + s->committed, end - s->committed,
			      MADV_POPULATE_WRITE);
	s->committed = end;
}

bool
slab_alive(const struct slab *s, uint32_t index)
{
	return index < s->n_touched && (slab_generation(s, index) & 1);
}
