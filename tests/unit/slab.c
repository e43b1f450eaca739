/*
 * Slabs: zeroed objects by index, generations, limits.
 */
#include "tcpterm/slab.h"

#include <string.h>
#include <sys/mman.h>

#include "tests/unit/tap.h"

static void
object_is_zero_also_when_its_slot_was_used(void)
{
	static const uint8_t zero[40];
	struct slab s;
	uint32_t i, j;
	uint8_t *p;

	CU_ASSERT_EQUAL_FATAL(slab_init(&s, 37, 8), 0);
	p = slab_alloc(&s, &i);
	CU_ASSERT_EQUAL(memcmp(p, zero, 40), 0);
	memset(p, 0xff, 37);
	slab_free(&s, i);
	p = slab_alloc(&s, &j);
	CU_ASSERT_EQUAL(j, i);
	CU_ASSERT_EQUAL(memcmp(p, zero, 40), 0);
	slab_fini(&s);
}

static void
generation_tells_lives_of_one_slot_apart(void)
{
	struct slab s;
	uint32_t i, first;

	CU_ASSERT_EQUAL_FATAL(slab_init(&s, 64, 8), 0);
	slab_alloc(&s, &i);
	first = slab_generation(&s, i);
	CU_ASSERT_TRUE(slab_alive(&s, i));
	slab_free(&s, i);
	CU_ASSERT_FALSE(slab_alive(&s, i));
	slab_alloc(&s, &i);
	CU_ASSERT_NOT_EQUAL(slab_generation(&s, i), first);
	CU_ASSERT_TRUE(slab_alive(&s, i));
	CU_ASSERT_FALSE(slab_alive(&s, i + 1));
	slab_fini(&s);
}

static void
object_may_hold_its_generation_and_have_bytes_before_it(void)
{
	static const uint8_t zero[64];
	struct slab s;
	uint32_t i, first;
	uint8_t *p;

	CU_ASSERT_EQUAL_FATAL(slab_init_inside(&s, 64, 8, 24, 32), 0);
	slab_alloc(&s, NULL);
	p = slab_alloc(&s, &i);
	memcpy(&first, p + 24, sizeof first);
	CU_ASSERT_EQUAL(slab_generation(&s, i), first);
	memset(p - 32, 0xff, 32 + 24);
	memset(p + 28, 0xff, 64 - 28);
	CU_ASSERT_EQUAL(slab_generation(&s, 0) & 1, 1);
	slab_free(&s, i);
	CU_ASSERT_FALSE(slab_alive(&s, i));
	CU_ASSERT_PTR_EQUAL(slab_alloc(&s, &i), p);
	CU_ASSERT_EQUAL(slab_generation(&s, i), first + 2);
	CU_ASSERT_EQUAL(memcmp(p - 32, zero, 32 + 24), 0);
	CU_ASSERT_EQUAL(memcmp(p + 28, zero, 64 - 28), 0);
	slab_fini(&s);
}

static void
limit_refuses_until_a_slot_is_free(void)
{
	struct slab s;
	uint32_t i, n;

	CU_ASSERT_EQUAL_FATAL(slab_init(&s, 8, 3), 0);
	for (n = 0; n < 3; n++)
		CU_ASSERT_PTR_NOT_NULL(slab_alloc(&s, &i));
	CU_ASSERT_PTR_NULL(slab_alloc(&s, &i));
	CU_ASSERT_EQUAL(s.n_used, 3);
	slab_free(&s, 1);
	CU_ASSERT_PTR_NOT_NULL(slab_alloc(&s, &i));
	CU_ASSERT_EQUAL(i, 1);
	CU_ASSERT_PTR_NULL(slab_alloc(&s, NULL));
	slab_fini(&s);
}

static void
addresses_never_move(void)
{
	struct slab s;
	uint32_t i;
	void *first;

	CU_ASSERT_EQUAL_FATAL(slab_init(&s, 100, 1000000), 0);
	first = slab_alloc(&s, &i);
	while (i < 9999)
		slab_alloc(&s, &i);
	CU_ASSERT_PTR_EQUAL(slab_at(&s, 0), first);
	CU_ASSERT_PTR_EQUAL((uint8_t *)first + 9999 * s.size, slab_at(&s, 9999));
	slab_fini(&s);
}

/* Does the system have a page for the byte after the last object? */
static bool
next_is_there(const struct slab *s)
{
	uintptr_t next = (uintptr_t)s->base + s->n_touched * s->size;
	unsigned char there = 0;

	CU_ASSERT_EQUAL(mincore((void *)(next & ~(uintptr_t)4095), 1, &there), 0);
	return there & 1;
}

static void
memory_is_there_before_objects_come_to_it(void)
{
	enum { SIZE = 4096, N = 4096 };
	unsigned n_waited = 0;
	struct slab s;

	CU_ASSERT_EQUAL_FATAL(slab_init(&s, SIZE, N), 0);
	slab_commit(&s);
	CU_ASSERT_FALSE(next_is_there(&s));	/* of what is empty nothing is taken */
	for (unsigned i = 0; i < N; i++) {
		n_waited += i * SIZE > 512 * 1024 && !next_is_there(&s);
		CU_ASSERT_PTR_NOT_NULL_FATAL(slab_alloc(&s, NULL));
		if (i % 64 == 0)
			slab_commit(&s);
	}
	CU_ASSERT_EQUAL(n_waited, 0);
	slab_fini(&s);
}

TAP_MAIN(slab, TAP_TEST(object_is_zero_also_when_its_slot_was_used),
	 TAP_TEST(generation_tells_lives_of_one_slot_apart),
	 TAP_TEST(object_may_hold_its_generation_and_have_bytes_before_it),
	 TAP_TEST(limit_refuses_until_a_slot_is_free), TAP_TEST(addresses_never_move),
	 TAP_TEST(memory_is_there_before_objects_come_to_it))
