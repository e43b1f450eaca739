/*
 * Interned sequences: a chained hash table over a slab.
 *
 * Unused entries stay findable in a list by age; a name is generation and place.
 */
#include "tcpterm/intern.h"

#include <stdlib.h>
#include <string.h>

#include "tcpterm/area.h"
#include "tcpterm/slab.h"

enum { NONE = 0 };

#define PLACE_MASK ((1u << INTERN_PLACE_BITS) - 1)

/* Places, and links to them, are index + 1; 0 is none. */
struct entry {
	uint32_t hash, chain;
	uint32_t older, newer;		/* in the list of the unused */
	uint32_t uses;
	uint32_t generation;
	uint32_t n;
	_Alignas(8) uint32_t word[];
};

struct intern {
	struct slab entries;
	struct area heads;		/* of the chains */
	uint32_t mask;
	unsigned n_words;
	uint32_t oldest, newest;
	uint32_t n_used;
};

static struct entry *
at(const struct intern *t, uint32_t link)
{
	return slab_at(&t->entries, link - 1);
}

static uint32_t *
head(const struct intern *t, uint32_t hash)
{
	return (uint32_t *)t->heads.base + (hash & t->mask);
}

static uint32_t
hash_words(const uint32_t *w, unsigned n)
{
	uint64_t h = 0x9e3779b97f4a7c15u ^ n;
	unsigned i;

	for (i = 0; i < n; i++) {
		h = (h ^ w[i]) * 0xff51afd7ed558ccdu;
		h ^= h >> 32;
	}
	return (uint32_t)h;
}

struct intern *
intern_new(uint32_t n_max, unsigned n_words)
{
	struct intern *t = calloc(1, sizeof *t);
	uint32_t n_heads = 64;

	if (!t)
		return NULL;
	if (n_max > PLACE_MASK)
		n_max = PLACE_MASK;
	while (n_heads < n_max)
		n_heads *= 2;
	t->mask = n_heads - 1;
	t->n_words = n_words;
	if (slab_init(&t->entries, sizeof(struct entry) + 4 * n_words, n_max) != 0 ||
	    area_init(&t->heads, sizeof(uint32_t) * n_heads) != 0) {
		intern_free(t);
		return NULL;
	}
	return t;
}

void
intern_free(struct intern *t)
{
	if (!t)
		return;
	slab_fini(&t->entries);
	area_fini(&t->heads);
	free(t);
}

void
intern_commit(struct intern *t)
{
	slab_commit(&t->entries);
	area_commit(&t->heads);
}

static void
unused_add(struct intern *t, uint32_t link)
{
	struct entry *e = at(t, link);

	e->older = t->newest;
	e->newer = NONE;
	if (t->newest)
		at(t, t->newest)->newer = link;
	else
		t->oldest = link;
	t->newest = link;
}

static void
unused_remove(struct intern *t, uint32_t link)
{
	struct entry *e = at(t, link);

	if (e->older)
		at(t, e->older)->newer = e->newer;
	else
		t->oldest = e->newer;
	if (e->newer)
		at(t, e->newer)->older = e->older;
	else
		t->newest = e->older;
}

static void
unchain(struct intern *t, uint32_t link)
{
	uint32_t *p = head(t, at(t, link)->hash);

	while (*p != link)
		p = &at(t, *p)->chain;
	*p = at(t, link)->chain;
}

/* An entry to be filled: a fresh one, or the one unused longest. */
static uint32_t
room(struct intern *t)
{
	uint32_t i, link, generation;

	if (slab_alloc(&t->entries, &i))
		return i + 1;
	link = t->oldest;
	if (link == NONE)
		return NONE;
	unused_remove(t, link);
	unchain(t, link);
	generation = at(t, link)->generation + 1;
	memset(at(t, link), 0, t->entries.size);
	at(t, link)->generation = generation;
	return link;
}

static uint32_t
name_of(const struct intern *t, uint32_t link)
{
	return at(t, link)->generation << INTERN_PLACE_BITS | link;
}

uint32_t
intern_place(uint32_t name)
{
	return name & PLACE_MASK;
}

uint32_t
intern_at(const struct intern *t, uint32_t place)
{
	return name_of(t, place);
}

bool
intern_name(struct intern *t, const uint32_t *words, unsigned n, bool create, uint32_t *name)
{
	uint32_t hash = hash_words(words, n), link;
	struct entry *e;

	for (link = *head(t, hash); link; link = e->chain) {
		e = at(t, link);
		if (e->hash == hash && e->n == n && memcmp(e->word, words, n * 4) == 0) {
			*name = name_of(t, link);
			return true;
		}
	}
	if (!create || n > t->n_words)
		return false;
	link = room(t);
	if (link == NONE)
		return false;
	e = at(t, link);
	e->hash = hash;
	e->n = n;
	memcpy(e->word, words, n * 4);
	e->chain = *head(t, hash);
	*head(t, hash) = link;
	area_use(&t->heads);
	unused_add(t, link);
	*name = name_of(t, link);
	return true;
}

/* The link of a name that is still valid, or NONE. */
static uint32_t
resolve(const struct intern *t, uint32_t name)
{
	uint32_t link = name & PLACE_MASK;

	if (link == NONE || link > t->entries.n_touched || name_of(t, link) != name)
		return NONE;
	return link;
}

void
intern_get(struct intern *t, uint32_t name)
{
	uint32_t link = resolve(t, name);

	if (link == NONE)
		return;
	if (at(t, link)->uses++ == 0) {
		unused_remove(t, link);
		t->n_used++;
	}
}

void
intern_put(struct intern *t, uint32_t name)
{
	uint32_t link = resolve(t, name);

	if (link == NONE || at(t, link)->uses == 0)
		return;
	if (--at(t, link)->uses == 0) {
		unused_add(t, link);
		t->n_used--;
	}
}

uint32_t
intern_of(const struct intern *t, const uint32_t *words)
{
	size_t off = (size_t)((const uint8_t *)words - t->entries.base);

	return name_of(t, (uint32_t)(off / t->entries.size) + 1);
}

const uint32_t *
intern_words(const struct intern *t, uint32_t name, unsigned *n)
{
	uint32_t link = resolve(t, name);

	*n = link == NONE ? 0 : at(t, link)->n;
	return link == NONE ? NULL : at(t, link)->word;
}

const uint32_t *
intern_words_at(const struct intern *t, uint32_t place)
{
	return at(t, place)->word;
}

uint32_t
intern_used(const struct intern *t)
{
	return t->n_used;
}
