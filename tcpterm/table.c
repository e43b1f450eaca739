/*
 * From a flow key to its object: linear hashing with buckets of a cache line.
 *
 * There are n_buckets = 2^level + split of them.  When the load passes
 * LOAD entries a bucket, an insertion splits one bucket in two, so growth costs
 * every insertion the same and nothing is ever rehashed at once.  An entry is a ref and a tag, 16
 * bits of the hash: an object is touched only when they agree.  They also say where entries go when
 * a bucket is split, once there are 2^10 of them; a smaller table asks its objects.  Of what they
 * say a bucket's place says some again: of a million flows, in 2^17 buckets, 9 bits are left to
 * tell its entries apart.  What a bucket can't hold goes to a chain of spare ones.
 */
#include "tcpterm/table.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#ifdef __x86_64__
#include <emmintrin.h>
#endif

#include <rte_prefetch.h>

enum { BUCKET_ENTRIES = 10, LOAD = 8, LEVEL_MIN = 6, BLOCK = 32, WALK_SLOTS = 64, LINES = 4 };
enum { TAG_SHIFT = 10 };

struct bucket {
	uint16_t tag[BUCKET_ENTRIES];
	uint32_t n : 4;
	uint32_t next : 28;		/* spare bucket: index + 1; 0 none */
	uint32_t ref[BUCKET_ENTRIES];
};

_Static_assert(sizeof(struct bucket) == 64, "a bucket is a cache line");

struct table {
	const struct slab *slabs;
	table_hash hash;
	const void *ctx;
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

static uint16_t
tag_of(uint32_t h)
{
	return (uint16_t)(h >> TAG_SHIFT);
}

/* `h`: the spread hash. */
static struct bucket *
home(const struct table *t, uint32_t h)
{
	uint32_t i = h & ((1u << t->level) - 1);

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
	return slab_at(&t->slabs[ref >> REF_SLAB_SHIFT], ref & REF_INDEX_MASK);
}

static uint32_t
hash_of(const struct table *t, const struct flow *f)
{
	return spread(t->hash(t->ctx, f));
}

struct table *
table_new(const struct slab *slabs, uint32_t n_max, table_hash hash, const void *ctx)
{
	struct table *t = calloc(1, sizeof *t);
	uint32_t n_buckets = 2u << LEVEL_MIN;

	if (!t)
		return NULL;
	while (n_buckets < n_max / LOAD + 1)
		n_buckets *= 2;
	t->slabs = slabs;
	t->hash = hash;
	t->ctx = ctx;
	t->n_max = n_max;
	t->level = LEVEL_MIN;
	/* All entries in one chain would need n_max / 10 spare buckets, plus one begun. */
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
append(struct table *t, struct bucket *b, uint16_t tag, uint32_t ref)
{
	struct bucket *fresh;
	uint32_t i;

	while (b->n == BUCKET_ENTRIES && b->next)
		b = next_bucket(t, b);
	if (b->n == BUCKET_ENTRIES) {
		fresh = slab_alloc(&t->spare, &i);
		if (!fresh)
			return -ENOMEM;
		b->next = (i + 1) & 0xfffffff;
		b = fresh;
	}
	b->tag[b->n] = tag;
	b->ref[b->n] = ref;
	b->n++;
	return 0;
}

/* The objects whose hashes will be asked for. */
static void
prefetch_keys(const struct table *t, const struct bucket *b)
{
	for (uint32_t i = 0; i < b->n; i++)
		rte_prefetch0(object(t, b->ref[i]));
}

/* Does an entry of the bucket that is split go to the new one? */
static bool
goes_up(const struct table *t, uint32_t level, uint16_t tag, uint32_t ref)
{
	if (level >= TAG_SHIFT)
		return tag >> (level - TAG_SHIFT) & 1;
	return hash_of(t, object(t, ref)) >> level & 1;
}

/* Splits the next bucket of this round.  Needs no more spare buckets than it frees. */
static void
split_one(struct table *t)
{
	struct bucket *b = slab_at(&t->buckets, t->split), from = *b, *up;
	uint32_t i, spare, level = t->level;

	up = slab_alloc(&t->buckets, NULL);
	if (!up)
		return;
	if (level < TAG_SHIFT)
		prefetch_keys(t, b);
	memset(b, 0, sizeof *b);
	if (++t->split == 1u << t->level) {
		t->level++;
		t->split = 0;
	}
	for (;;) {
		for (i = 0; i < from.n; i++)
			append(t, goes_up(t, level, from.tag[i], from.ref[i]) ? up : b, from.tag[i],
			       from.ref[i]);
		if (!from.next)
			return;
		spare = from.next - 1;
		from = *(struct bucket *)slab_at(&t->spare, spare);
		slab_free(&t->spare, spare);
	}
}

/* Bit i: entry i has this tag. */
static inline uint32_t
with_tag(const struct bucket *b, uint16_t tag)
{
#ifdef __x86_64__
	const __m128i wanted = _mm_set1_epi16((int16_t)tag), *tags = (const __m128i *)b->tag;
	__m128i first = _mm_cmpeq_epi16(_mm_loadu_si128(tags), wanted);
	__m128i rest = _mm_cmpeq_epi16(_mm_loadu_si128(tags + 1), wanted);
	uint32_t bits = (uint32_t)_mm_movemask_epi8(_mm_packs_epi16(first, rest));
#else
	uint32_t bits = 0;

	for (unsigned i = 0; i < BUCKET_ENTRIES; i++)
		bits |= (uint32_t)(b->tag[i] == tag) << i;
#endif
	return bits & ((1u << b->n) - 1);
}

/* `bits`: with_tag() of the first bucket. */
static inline struct flow *
find_from(const struct table *t, const struct bucket *b, uint32_t bits, const struct table_key *k,
	  uint16_t tag, enum flow_match *how)
{
	struct flow *f;

	for (;;) {
		for (; bits; bits &= bits - 1) {
			f = object(t, b->ref[__builtin_ctz(bits)]);
			*how = short_key_match(&k->key, k->v6, &f->key, flow_v6(f));
			if (*how != FLOW_MATCH_NO)
				return f;
		}
		b = next_bucket(t, b);
		if (!b)
			break;
		bits = with_tag(b, tag);
	}
	*how = FLOW_MATCH_NO;
	return NULL;
}

static struct flow *
find_in(const struct table *t, const struct bucket *b, const struct table_key *k, uint16_t tag,
	enum flow_match *how)
{
	return find_from(t, b, with_tag(b, tag), k, tag, how);
}

struct flow *
table_find(const struct table *t, const struct table_key *k, enum flow_match *how)
{
	uint32_t h = spread(k->hash);

	return find_in(t, home(t, h), k, tag_of(h), how);
}

int
table_insert(struct table *t, const struct flow *f, uint32_t hash)
{
	const struct table_key k = { f->key, hash, flow_v6(f) };
	uint32_t h = spread(hash);
	struct bucket *b = home(t, h);
	enum flow_match how;
	int r;

	if (t->n >= t->n_max)
		return -ENOMEM;
	if (find_in(t, b, &k, tag_of(h), &how))
		return -EEXIST;
	r = append(t, b, tag_of(h), f->ref);
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

	for (b = home(t, hash_of(t, f)); b; b = next_bucket(t, b))
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
	for (last = home(t, hash_of(t, f)); last->next; last = next_bucket(t, last))
		before = last;
	last->n--;
	b->tag[i] = last->tag[last->n];
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

/* Prefetches the object that is most likely meant: the first of the bucket with this tag.  All
 * that a flow at rest is made of lies in its first lines. */
static void
prefetch_object(const struct table *t, const struct bucket *b, uint32_t bits)
{
	const uint8_t *f;

	if (bits == 0)
		return;
	f = (const uint8_t *)object(t, b->ref[__builtin_ctz(bits)]);
	for (unsigned line = 0; line < LINES; line++)
		rte_prefetch0(f + 64 * line);
}

static void
find_block(const struct table *t, const struct table_key *k, unsigned n, struct flow **out,
	   enum flow_match *how)
{
	const struct bucket *b[BLOCK];
	uint32_t bits[BLOCK];
	uint16_t tag[BLOCK];
	unsigned i;

	for (i = 0; i < n; i++) {
		uint32_t h = spread(k[i].hash);

		tag[i] = tag_of(h);
		b[i] = home(t, h);
		rte_prefetch0(b[i]);
	}
	for (i = 0; i < n; i++) {
		bits[i] = with_tag(b[i], tag[i]);
		prefetch_object(t, b[i], bits[i]);
	}
	for (i = 0; i < n; i++)
		out[i] = find_from(t, b[i], bits[i], &k[i], tag[i], &how[i]);
}

void
table_find_burst(const struct table *t, const struct table_key *k, unsigned n, struct flow **out,
		 enum flow_match *how)
{
	unsigned i, m;

	for (i = 0; i < n; i += m) {
		m = n - i < BLOCK ? n - i : BLOCK;
		find_block(t, k + i, m, out + i, how + i);
	}
}

unsigned
table_walk(const struct table *t, uint64_t *cursor, struct flow **out, unsigned n_max)
{
	uint32_t slab = (uint32_t)(*cursor >> 32), i = (uint32_t)*cursor;
	unsigned n = 0, looked = 0;

	for (; slab < N_FLOW_SLABS; slab++, i = 0)
		for (; i < t->slabs[slab].n_touched; i++) {
			if (n == n_max || looked++ == n_max * WALK_SLOTS) {
				*cursor = (uint64_t)slab << 32 | i;
				return n;
			}
			if (slab_alive(&t->slabs[slab], i))
				out[n++] = slab_at(&t->slabs[slab], i);
		}
	*cursor = 0;
	return n;
}

unsigned
table_probes(const struct table *t, const struct flow *f)
{
	uint32_t at;
	const struct bucket *its = place_of(t, f, &at), *b = home(t, hash_of(t, f));
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

void
table_commit(struct table *t)
{
	slab_commit(&t->buckets);
	slab_commit(&t->spare);
}
