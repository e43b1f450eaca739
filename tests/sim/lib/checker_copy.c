#include "tests/sim/lib/checker_inner.h"

#include <stdlib.h>
#include <string.h>

static uint64_t
hash_of(const struct frame *f)
{
	uint64_t h = 0xcbf29ce484222325ULL ^ f->len, w;
	size_t i;

	for (i = 0; i < f->len; i += 8) {
		w = 0;
		memcpy(&w, f->bytes + i, f->len - i < 8 ? f->len - i : 8);
		h = (h ^ w) * 0x9fb21c651e98df25ULL;
		h ^= h >> 32;
	}
	return h ? h : 1;
}

static struct copy *
slot_of(const struct copies *s, uint64_t hash)
{
	size_t i = hash & (s->room - 1);

	while (s->slot[i].hash && s->slot[i].hash != hash)
		i = (i + 1) & (s->room - 1);
	return &s->slot[i];
}

static void
grow(struct copies *s)
{
	struct copies bigger = { .room = s->room ? s->room * 2 : 256 };
	size_t i;

	bigger.slot = calloc(bigger.room, sizeof *bigger.slot);
	if (!bigger.slot)
		abort();
	for (i = 0; i < s->room; i++) {
		if (!s->slot[i].hash || !s->slot[i].n)
			continue;
		*slot_of(&bigger, s->slot[i].hash) = s->slot[i];
		bigger.used++;
	}
	bigger.left = s->left;
	free(s->slot);
	*s = bigger;
}

void
copies_add(struct copies *s, const struct frame *f)
{
	uint64_t hash = hash_of(f);
	struct copy *at;

	if (s->used * 2 >= s->room)
		grow(s);
	at = slot_of(s, hash);
	if (!at->hash) {
		at->hash = hash;
		s->used++;
	}
	at->n++;
	s->left++;
}

bool
copies_take(struct copies *s, const struct frame *f)
{
	struct copy *at = s->room ? slot_of(s, hash_of(f)) : NULL;

	if (!at || !at->n)
		return false;
	at->n--;
	s->left--;
	return true;
}

void
copies_fini(struct copies *s)
{
	free(s->slot);
	memset(s, 0, sizeof *s);
}
