/*
 * Objects of one size, named by an index.
 *
 * Free slots are a stack through their own first word.  A slot's generation
 * grows at every allocation and at every free, so it is odd exactly while the
 * slot is in use.
 */
#include "tcpterm/slab.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>
#include <sys/mman.h>

static void *
reserve(size_t bytes)
{
	void *p = mmap(NULL, bytes, PROT_READ | PROT_WRITE,
		       MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	return p == MAP_FAILED ? NULL : p;
}

int
slab_init(struct slab *s, size_t size, uint32_t n_max)
{
	memset(s, 0, sizeof *s);
	s->size = (size + 7) & ~(size_t)7;
	if (s->size == 0)
		s->size = 8;
	s->n_max = n_max ? n_max : 1;
	s->reserved = s->size * s->n_max;
	s->base = reserve(s->reserved);
	s->generation = reserve((size_t)s->n_max * sizeof *s->generation);
	if (!s->base || !s->generation) {
		slab_fini(s);
		return -ENOMEM;
	}
	/* A hint: without huge pages the arena only costs more TLB. */
	(void)madvise(s->base, s->reserved, MADV_HUGEPAGE);
	return 0;
}

void
slab_fini(struct slab *s)
{
	if (s->base)
		munmap(s->base, s->reserved);
	if (s->generation)
		munmap(s->generation, (size_t)s->n_max * sizeof *s->generation);
	memset(s, 0, sizeof *s);
}

void *
slab_alloc(struct slab *s, uint32_t *index)
{
	uint32_t i;
	void *p;

	if (s->free_head) {
		i = s->free_head - 1;
		p = slab_at(s, i);
		memcpy(&s->free_head, p, sizeof s->free_head);
		memset(p, 0, s->size);
	} else if (s->n_touched < s->n_max) {
		i = s->n_touched++;
		p = slab_at(s, i);	/* fresh from mmap: zero already */
	} else {
		return NULL;
	}
	s->generation[i]++;
	s->n_used++;
	if (index)
		*index = i;
	return p;
}

void
slab_free(struct slab *s, uint32_t index)
{
	memcpy(slab_at(s, index), &s->free_head, sizeof s->free_head);
	s->free_head = index + 1;
	s->generation[index]++;
	s->n_used--;
}

_Bool
slab_alive(const struct slab *s, uint32_t index)
{
	return index < s->n_touched && (s->generation[index] & 1);
}
