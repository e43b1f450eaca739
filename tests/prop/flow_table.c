/*
 * The table against an array that is searched whole.
 */
#include "tcpterm/table.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/unit/tap.h"

enum { N = 3000, STEPS = 60000 };

#define KIND TCPTERM_KIND_TRACK

static struct slab slabs[N_FLOW_SLABS];
static struct table *table;
static struct flow *live[N];		/* by key number */
static uint64_t rng;
static unsigned hash_bits;		/* few: many keys with one hash */

static uint32_t
rnd(uint32_t n)
{
	rng ^= rng << 13;
	rng ^= rng >> 7;
	rng ^= rng << 17;
	return (uint32_t)(rng >> 16) % n;
}

static struct flow_key
key_of(unsigned i)
{
	struct flow_key k;
	uint8_t a[4] = { 10, 0, (uint8_t)(i >> 8), (uint8_t)i };

	memset(&k, 0, sizeof k);
	k.addr[0] = ip_addr_v4(a);
	a[0] = 192;
	k.addr[1] = ip_addr_v4(a);
	if (i & 1)	/* IPv6: the same with a prefix */
		k.addr[0].w[0] = k.addr[1].w[0] = 0x2001;
	k.port[0] = (uint16_t)(1024 + i % 7);
	k.port[1] = 80;
	return k;
}

static uint32_t
hash_of(unsigned i)
{
	return (i * 2654435761u) >> (32 - hash_bits);
}

static uint32_t
hash_of_flow(const void *ctx, const struct flow *f)
{
	(void)ctx;
	return hash_of((unsigned)f->cookie);
}

static struct flow *
object(unsigned i, enum tcpterm_kind kind)
{
	const struct flow_key k = key_of(i);
	unsigned slab = flow_slab(kind, i & 1);
	uint32_t index;
	struct flow *f = slab_alloc(&slabs[slab], &index);

	f->key = flow_key_short(&k);
	if (f->key.v6)
		memcpy((char *)f - FLOW_V6_LEAD, k.addr, FLOW_V6_LEAD);
	f->ref = ref_make(slab, index);
	f->kind = (uint8_t)kind;
	f->cookie = i;
	return f;
}

static void
release(struct flow *f)
{
	slab_free(&slabs[f->ref >> REF_SLAB_SHIFT], f->ref & REF_INDEX_MASK);
}

static bool
found(unsigned i)
{
	struct flow_key k = key_of(i);
	bool reverse = rnd(2);
	struct table_key wanted;
	enum flow_match how;
	struct flow *f;

	if (reverse)
		k = flow_key_reverse(&k);
	wanted = table_key(&k, hash_of(i));
	f = table_find(table, &wanted, &how);
	return f == live[i] && how == (!f	 ? FLOW_MATCH_NO
				       : reverse ? FLOW_MATCH_REVERSED
						 : FLOW_MATCH_SAME);
}

static bool
burst_agrees(void)
{
	struct flow_key whole[50];
	struct table_key keys[50];
	bool right = true;
	struct flow *out[50];
	enum flow_match how[50];
	unsigned id[50], i, n = 1 + rnd(50);

	for (i = 0; i < n; i++) {
		id[i] = rnd(N);
		whole[i] = key_of(id[i]);
		keys[i] = table_key(&whole[i], hash_of(id[i]));
	}
	table_find_burst(table, keys, n, out, how);
	for (i = 0; i < n; i++)
		right = right && out[i] == live[id[i]];
	return right;
}

static bool
step(void)
{
	unsigned i = rnd(N);
	struct flow *f;

	switch (rnd(8)) {
	case 0:
		return burst_agrees();
	case 1:
		if (!live[i])
			return found(i);
		table_remove(table, live[i]);
		release(live[i]);
		live[i] = NULL;
		return found(i);
	case 2:
		if (!live[i])
			return found(i);
		f = object(i, live[i]->kind == KIND ? TCPTERM_KIND_PASS : KIND);
		table_replace(table, live[i], f);
		release(live[i]);
		live[i] = f;
		return found(i);
	case 3:
		return found(i);
	default:
		f = object(i, KIND);
		if (table_insert(table, f, hash_of(i)) == 0) {
			if (live[i])
				return false;
			live[i] = f;
			return found(i);
		}
		release(f);
		return live[i] && found(i);
	}
}

/* Walks in small turns while flows come and go; those that stay must be seen once. */
static bool
walk_sees_once(void)
{
	static uint8_t seen[N];
	static struct flow *before[N];
	struct flow *out[7];
	uint64_t cursor = 0;
	unsigned n, i;
	bool right = true;

	memset(seen, 0, sizeof seen);
	memcpy(before, live, sizeof before);
	do {
		n = table_walk(table, &cursor, out, 7);
		for (i = 0; i < n; i++)
			seen[out[i]->cookie]++;
		i = rnd(N);
		if (live[i] && rnd(2)) {
			table_remove(table, live[i]);
			release(live[i]);
			live[i] = before[i] = NULL;
		} else if (!live[i]) {
			live[i] = object(i, KIND);
			right = table_insert(table, live[i], hash_of(i)) == 0 && right;
		}
	} while (cursor);
	for (i = 0; i < N; i++)
		if (before[i] && before[i] == live[i] && seen[i] != 1)
			right = false;
	return right;
}

static bool
run(uint64_t seed, unsigned bits)
{
	unsigned i, count = 0;
	bool right = true;

	rng = seed * 0x9e3779b97f4a7c15u;
	hash_bits = bits;
	memset(live, 0, sizeof live);
	for (i = 0; i < N_FLOW_SLABS; i++)
		slab_init_inside(&slabs[i], sizeof(struct flow), N + 1,
				 offsetof(struct flow, generation), i & 1 ? FLOW_V6_LEAD : 0);
	table = table_new(slabs, N, hash_of_flow, NULL);
	for (i = 0; i < STEPS && right; i++)
		right = step();
	right = right && walk_sees_once();
	for (i = 0; i < N; i++) {
		right = right && found(i);
		count += live[i] != NULL;
	}
	right = right && count == table_count(table);
	for (i = 0; i < N; i++)
		if (live[i])
			table_remove(table, live[i]);
	right = right && table_count(table) == 0;
	if (!right)
		printf("# seed %llu, %u hash bits\n", (unsigned long long)seed, bits);
	table_free(table);
	for (i = 0; i < N_FLOW_SLABS; i++)
		slab_fini(&slabs[i]);
	return right;
}

static void
table_finds_what_an_array_would(void)
{
	uint64_t seed;

	for (seed = 1; seed <= 4; seed++)
		CU_ASSERT_TRUE(run(seed, 32));
}

static void
colliding_hashes_are_told_apart_by_key(void)
{
	CU_ASSERT_TRUE(run(11, 6));
	CU_ASSERT_TRUE(run(12, 2));
}

TAP_MAIN(flow_table, TAP_TEST(table_finds_what_an_array_would),
	 TAP_TEST(colliding_hashes_are_told_apart_by_key))
