/*
 * From a flow key to its object: linear hashing with buckets of a cache line.
 *
 * There are n_buckets = 2^level + split of them.  When the load passes
 * LOAD entries a bucket, an insertion splits one bucket in two, so growth costs
 * every insertion the same and nothing is ever rehashed at once.  An entry is
 * the whole 32-bit hash and a ref: a split needs no object, and an object is
 * touched only when 32 bits agree.  What a bucket can't hold goes to a chain of
 * spare ones.
 */
#include "tcpterm/table.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <rte_prefetch.h>

enum { BUCKET_ENTRIES = 7, LOAD = 3, LEVEL_MIN = 6, BLOCK = 32, WALK_SLOTS = 64, LINES = 4 };

struct bucket {
	uint32_t hash[BUCKET_ENTRIES];
	uint32_t n;
	uint32_t ref[BUCKET_ENTRIES];
	uint32_t next;			/* spare bucket: index + 1; 0 none */
};

_Static_assert(sizeof(struct bucket) == 64, "a bucket is a cache line");

struct table {
	const struct slab *slabs;
	struct slab buckets;		/* used as an array that grows */
	struct slab spare;
	uint32_t n_max, n;
	uint32_t level, split;
};

/* The worker was chosen by the same hash: spread its bits again (the finalizer of MurmurHash3). */
static uint32_t
spread(uint32_t h)
{
	h ^= h >> 16;
	h *= 0x85ebca6bu;
	h ^= h >> 13;
	h *= 0xc2b2ae35u;
	return h ^ h >> 16;
}

static struct bucket *
home(const struct table *t, uint32_t hash)
{
	uint32_t h = spread(hash), i = h & ((1u << t->level) - 1);

	if (i < t->split)
		i = h & ((2u << t->level) - 1);
	return slab_at(&t->buckets, i);
}

static struct bucket *
next_bucket(const struct table *t, const struct bucket *b)
{
	return b->next ? slab_at(&t->spare, b->next - 1) : NULL;
}

static struct flow *
object(const struct table *t, uint32_t ref)
{
	return slab_at(&t->slabs[ref >> REF_KIND_SHIFT], ref & REF_INDEX_MASK);
}

struct table *
table_new(const struct slab *slabs, uint32_t n_max)
{
	struct table *t = calloc(1, sizeof *t);
	uint32_t n_buckets = 2u << LEVEL_MIN;

	if (!t)
		return NULL;
	while (n_buckets < n_max / LOAD + 1)
		n_buckets *= 2;
	t->slabs = slabs;
	t->n_max = n_max;
	t->level = LEVEL_MIN;
	/* All entries in one chain would need n_max / 7 spare buckets, plus one begun. */
	if (slab_init(&t->buckets, sizeof(struct bucket), n_buckets) != 0 ||
	    slab_init(&t->spare, sizeof(struct bucket), n_max / BUCKET_ENTRIES + 2) != 0) {
		table_free(t);
		return NULL;
	}
	while (t->buckets.n_used < 1u << t->level)
		slab_alloc(&t->buckets, NULL);
	return t;
}

void
table_free(struct table *t)
{
	if (!t)
		return;
	slab_fini(&t->buckets);
	slab_fini(&t->spare);
	free(t);
}

static int
append(struct table *t, struct bucket *b, uint32_t hash, uint32_t ref)
{
	struct bucket *fresh;
	uint32_t i;

	while (b->n == BUCKET_ENTRIES && b->next)
		b = next_bucket(t, b);
	if (b->n == BUCKET_ENTRIES) {
		fresh = slab_alloc(&t->spare, &i);
		if (!fresh)
			return -ENOMEM;
		b->next = i + 1;
		b = fresh;
	}
	b->hash[b->n] = hash;
	b->ref[b->n] = ref;
	b->n++;
	return 0;
}

/* Splits the next bucket of this round.  Needs no more spare buckets than it frees. */
static void
split_one(struct table *t)
{
	struct bucket *b = slab_at(&t->buckets, t->split), from = *b;
	uint32_t i, spare;

	if (!slab_alloc(&t->buckets, NULL))
		return;
	memset(b, 0, sizeof *b);
	if (++t->split == 1u << t->level) {
		t->level++;
		t->split = 0;
	}
	for (;;) {
		for (i = 0; i < from.n; i++)
			append(t, home(t, from.hash[i]), from.hash[i], from.ref[i]);
		if (!from.next)
			return;
		spare = from.next - 1;
		from = *(struct bucket *)slab_at(&t->spare, spare);
		slab_free(&t->spare, spare);
	}
}

int
table_insert(struct table *t, const struct flow *f)
{
	enum flow_match how;
	int r;

	if (t->n >= t->n_max)
		return -ENOMEM;
	if (table_find(t, &f->key, f->hash, &how))
		return -EEXIST;
	r = append(t, home(t, f->hash), f->hash, f->ref);
	if (r != 0)
		return r;
	t->n++;
	if (t->n > t->buckets.n_used * LOAD)
		split_one(t);
	return 0;
}

/* The place of exactly this object; NULL if it is not in the table. */
static struct bucket *
place_of(const struct table *t, const struct flow *f, uint32_t *at)
{
	struct bucket *b;
	uint32_t i;

	for (b = home(t, f->hash); b; b = next_bucket(t, b))
		for (i = 0; i < b->n; i++)
			if (b->ref[i] == f->ref) {
				*at = i;
				return b;
			}
	return NULL;
}

/* The last bucket of the chain fills the hole; an empty spare one goes. */
void
table_remove(struct table *t, const struct flow *f)
{
	struct bucket *last, *before = NULL, *b;
	uint32_t i;

	b = place_of(t, f, &i);
	if (!b)
		return;
	for (last = home(t, f->hash); last->next; last = next_bucket(t, last))
		before = last;
	last->n--;
	b->hash[i] = last->hash[last->n];
	b->ref[i] = last->ref[last->n];
	if (last->n == 0 && before) {
		slab_free(&t->spare, before->next - 1);
		before->next = 0;
	}
	t->n--;
}

void
table_replace(struct table *t, const struct flow *from, const struct flow *to)
{
	uint32_t i;
	struct bucket *b = place_of(t, from, &i);

	if (b)
		b->ref[i] = to->ref;
}

static struct flow *
find_in(const struct table *t, const struct bucket *b, const struct flow_key *k, uint32_t hash,
	enum flow_match *how)
{
	struct flow *f;
	uint32_t i;

	for (; b; b = next_bucket(t, b))
		for (i = 0; i < b->n; i++) {
			if (b->hash[i] != hash)
				continue;
			f = object(t, b->ref[i]);
			*how = flow_key_match(k, &f->key);
			if (*how != FLOW_MATCH_NO)
				return f;
		}
	*how = FLOW_MATCH_NO;
	return NULL;
}

struct flow *
table_find(const struct table *t, const struct flow_key *k, uint32_t hash, enum flow_match *how)
{
	return find_in(t, home(t, hash), k, hash, how);
}

/* Prefetches the object that is most likely meant: the first of the bucket with this hash.  All
 * that a flow at rest is made of lies in its first lines. */
static void
prefetch_object(const struct table *t, const struct bucket *b, uint32_t hash)
{
	uint32_t i;

	for (i = 0; i < b->n; i++)
		if (b->hash[i] == hash) {
			const uint8_t *f = (const uint8_t *)object(t, b->ref[i]);

			for (unsigned line = 0; line < LINES; line++)
				rte_prefetch0(f + 64 * line);
			return;
		}
}

static void
find_block(const struct table *t, const struct flow_key *keys, const uint32_t *hash,
	   const bool *skip, unsigned n, struct flow **out, enum flow_match *how)
{
	const struct bucket *b[BLOCK];
	unsigned i;

	for (i = 0; i < n; i++) {
		b[i] = skip && skip[i] ? NULL : home(t, hash[i]);
		if (b[i])
			rte_prefetch0(b[i]);
	}
	for (i = 0; i < n; i++)
		if (b[i])
			prefetch_object(t, b[i], hash[i]);
	for (i = 0; i < n; i++) {
		how[i] = FLOW_MATCH_NO;
		out[i] = b[i] ? find_in(t, b[i], &keys[i], hash[i], &how[i]) : NULL;
	}
}

void
table_find_burst(const struct table *t, const struct flow_key *keys, const uint32_t *hash,
		 const bool *skip, unsigned n, struct flow **out, enum flow_match *how)
{
	unsigned i, m;

	for (i = 0; i < n; i += m) {
		m = n - i < BLOCK ? n - i : BLOCK;
		find_block(t, keys + i, hash + i, skip ? skip + i : NULL, m, out + i, how + i);
	}
}

unsigned
table_walk(const struct table *t, uint64_t *cursor, struct flow **out, unsigned n_max)
{
	uint32_t kind = (uint32_t)(*cursor >> 32), i = (uint32_t)*cursor;
	unsigned n = 0, looked = 0;

	for (; kind < TCPTERM_N_KINDS; kind++, i = 0)
		for (; i < t->slabs[kind].n_touched; i++) {
			if (n == n_max || looked++ == n_max * WALK_SLOTS) {
				*cursor = (uint64_t)kind << 32 | i;
				return n;
			}
			if (slab_alive(&t->slabs[kind], i))
				out[n++] = slab_at(&t->slabs[kind], i);
		}
	*cursor = 0;
	return n;
}

unsigned
table_probes(const struct table *t, const struct flow *f)
{
	uint32_t at;
	const struct bucket *its = place_of(t, f, &at), *b = home(t, f->hash);
	unsigned n = 1;

	for (; its && b != its; b = next_bucket(t, b))
		n++;
	return its ? n : 0;
}

uint32_t
table_count(const struct table *t)
{
	return t->n;
}
