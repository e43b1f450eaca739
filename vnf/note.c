/*
 * note.c - see note.h.  A stack of free notes over one reserved arena.
 */
#include "vnf/note.h"

#include <stdlib.h>
#include <sys/mman.h>

struct notes {
	struct note *base, *free;
	uint32_t n, n_touched, n_taken;
};

struct notes *
notes_new(uint32_t n)
{
	struct notes *s = calloc(1, sizeof *s);

	if (!s)
		return NULL;
	s->n = n;
	s->base = mmap(NULL, n * sizeof *s->base, PROT_READ | PROT_WRITE,
		       MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (s->base == MAP_FAILED) {
		free(s);
		return NULL;
	}
	return s;
}

void
notes_free(struct notes *s)
{
	if (!s)
		return;
	munmap(s->base, s->n * sizeof *s->base);
	free(s);
}

struct note *
note_take(struct notes *s)
{
	struct note *n = s->free;

	if (n)
		s->free = n->next_free;
	else if (s->n_touched < s->n)
		n = &s->base[s->n_touched++];
	s->n_taken += n != NULL;
	return n;
}

void
note_give(struct notes *s, struct note *n)
{
	n->next_free = s->free;
	s->free = n;
	s->n_taken--;
}

void
notes_room(const struct notes *s, struct notes_room *r)
{
	*r = (struct notes_room){ .n = s->n_taken, .n_peak = s->n_touched, .n_max = s->n };
}
