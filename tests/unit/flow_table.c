/*
 * The table's promises, one by one; tests/prop/table.c has the long run.
 */
#include "tcpterm/table.h"

#include <errno.h>
#include <string.h>

#include "tests/unit/tap.h"

static struct slab slabs[N_FLOW_SLABS], *conns = &slabs[2 * TCPTERM_KIND_CONN];

static uint32_t
hash_of(const void *ctx, const struct flow *f)
{
	(void)ctx;
	return (f->key.v4[0] ^ f->key.v4[1]) * 2654435761u ^ f->key.v4[0] * f->key.v4[1];
}

static struct table *
begin(uint32_t n_max)
{
	memset(slabs, 0, sizeof slabs);
	slab_init(conns, sizeof(struct flow), n_max + 8);
	return table_new(slabs, n_max, hash_of, NULL);
}

static void
finish(struct table *t)
{
	table_free(t);
	slab_fini(conns);
}

static struct flow *
object(uint32_t number)
{
	uint32_t i;
	struct flow *f = slab_alloc(conns, &i);

	f->key.v4[0] = number;
	f->key.v4[1] = ~number;
	f->key.port[0] = 1;
	f->ref = ref_make(flow_slab(TCPTERM_KIND_CONN, false), i);
	return f;
}

static struct flow *
found(const struct table *t, const struct flow *f)
{
	const struct table_key k = { f->key, hash_of(NULL, f), NULL };
	enum flow_match how;

	return table_find(t, &k, &how);
}

static int
insert(struct table *t, const struct flow *f)
{
	return table_insert(t, f, hash_of(NULL, f));
}

static void
reverse(struct flow *f)
{
	struct flow_key k = flow_key_of(f);

	k = flow_key_reverse(&k);
	f->key = flow_key_short(&k);
}

static void
same_key_twice_is_refused_in_either_orientation(void)
{
	struct table *t = begin(10);
	struct flow *a = object(1), *b = object(1);

	CU_ASSERT_EQUAL(insert(t, a), 0);
	CU_ASSERT_EQUAL(insert(t, b), -EEXIST);
	reverse(b);
	CU_ASSERT_EQUAL(insert(t, b), -EEXIST);
	CU_ASSERT_EQUAL(table_count(t), 1);
	finish(t);
}

static void
limit_is_kept(void)
{
	struct table *t = begin(2);
	struct flow *a = object(1);

	CU_ASSERT_EQUAL(insert(t, a), 0);
	CU_ASSERT_EQUAL(insert(t, object(2)), 0);
	CU_ASSERT_EQUAL(insert(t, object(3)), -ENOMEM);
	table_remove(t, a);
	CU_ASSERT_EQUAL(insert(t, object(1)), 0);
	finish(t);
}

static void
removing_what_is_not_there_changes_nothing(void)
{
	struct table *t = begin(10);
	struct flow *a = object(1), *b = object(2);

	insert(t, a);
	table_remove(t, b);
	CU_ASSERT_EQUAL(table_count(t), 1);
	CU_ASSERT_PTR_EQUAL(found(t, a), a);
	CU_ASSERT_PTR_NULL(found(t, b));
	finish(t);
}

static void
walk_of_an_empty_slab_ends_in_bounded_turns(void)
{
	struct table *t = begin(100000);
	struct flow *out[4], *last = NULL;
	uint64_t cursor = 0;
	unsigned turns = 0, n = 0, i;

	for (i = 0; i < 100000; i++)
		last = object(i);
	for (i = 0; i < 99999; i++)
		slab_free(conns, i);
	do {
		n += table_walk(t, &cursor, out, 4);
		turns++;
	} while (cursor);
	CU_ASSERT_EQUAL(n, 1);
	CU_ASSERT_PTR_EQUAL(out[0], last);
	/* No turn looked at more than 4 * 64 slots. */
	CU_ASSERT_TRUE(turns >= 100000 / 256);
	finish(t);
}

static void
a_million_flows_are_found(void)
{
	enum { MANY = 1000000 };
	struct table *t = begin(MANY);
	unsigned i, missing = 0;

	for (i = 0; i < MANY; i++)
		missing += insert(t, object(i)) != 0;
	for (i = 0; i < MANY; i++) {
		struct flow *f = slab_at(conns, i);

		missing += found(t, f) != f;
	}
	CU_ASSERT_EQUAL(missing, 0);
	finish(t);
}

TAP_MAIN(flow_table, TAP_TEST(same_key_twice_is_refused_in_either_orientation),
	 TAP_TEST(limit_is_kept), TAP_TEST(removing_what_is_not_there_changes_nothing),
	 TAP_TEST(walk_of_an_empty_slab_ends_in_bounded_turns), TAP_TEST(a_million_flows_are_found))
