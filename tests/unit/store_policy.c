/*
 * store_policy.c - generations of policy text.
 */
#include "db/store.h"
#include "tests/unit/storage.h"
#include "tests/unit/tap.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

static uint64_t
save(const char *text, const char *name)
{
	uint64_t generation = 0;

	CU_ASSERT_EQUAL(store_policy_save(storage, text, name, &generation, &storage_err), 0);
	return generation;
}

static void
active_is(uint64_t generation, const char *text)
{
	struct store_policy p;

	CU_ASSERT_EQUAL_FATAL(store_policy_active(storage, &p, &storage_err), 0);
	CU_ASSERT_EQUAL(p.generation, generation);
	CU_ASSERT_STRING_EQUAL(p.text, text);
	CU_ASSERT_TRUE(p.active);
	store_policy_fini(&p);
	CU_ASSERT_EQUAL(storage_int("SELECT count(*) FROM policy WHERE active = 1"), 1);
}

static void
new_store_has_no_policy(void)
{
	struct store_policy p;

	storage_begin(true);
	CU_ASSERT_EQUAL(store_policy_active(storage, &p, &storage_err), -ENOENT);
	store_policy_fini(&p);
	CU_ASSERT_EQUAL(store_policy_get(storage, 1, &p, &storage_err), -ENOENT);
	storage_end();
}

static void
saved_policy_is_the_active_one_and_outlives_a_restart(void)
{
	struct store_policy p;

	storage_begin(true);
	CU_ASSERT_EQUAL(save("default pass\n", "/etc/leat/a"), 1);
	storage_now += 9;
	CU_ASSERT_EQUAL(save("default \xc3\xa4\n'\"", "/etc/leat/b"), 2);
	active_is(2, "default \xc3\xa4\n'\"");
	storage_close();
	CU_ASSERT_EQUAL(storage_open(), 0);
	active_is(2, "default \xc3\xa4\n'\"");
	CU_ASSERT_EQUAL(store_policy_get(storage, 1, &p, &storage_err), 0);
	CU_ASSERT_STRING_EQUAL(p.name, "/etc/leat/a");
	CU_ASSERT_STRING_EQUAL(p.text, "default pass\n");
	CU_ASSERT_EQUAL(p.loaded, storage_now - 9);
	CU_ASSERT_FALSE(p.active);
	store_policy_fini(&p);
	storage_end();
}

static void
earlier_generation_can_be_active_again(void)
{
	storage_begin(true);
	save("one", "a");
	save("two", "b");
	CU_ASSERT_EQUAL(store_policy_activate(storage, 1, &storage_err), 0);
	active_is(1, "one");
	CU_ASSERT_EQUAL(save("three", "c"), 3);
	active_is(3, "three");
	storage_end();
}

static void
generation_that_is_not_there_changes_nothing(void)
{
	storage_begin(true);
	save("one", "a");
	CU_ASSERT_EQUAL(store_policy_activate(storage, 44, &storage_err), -ENOENT);
	CU_ASSERT_PTR_NOT_NULL(strstr(storage_err.msg, "generation 44"));
	active_is(1, "one");
	CU_ASSERT_FALSE(store_in_batch(storage));
	storage_end();
}

static void
generation_is_never_used_twice(void)
{
	storage_begin(true);
	save("one", "a");
	save("two", "b");
	CU_ASSERT_EQUAL(storage_sql("DELETE FROM policy"), 0);
	CU_ASSERT_EQUAL(save("three", "c"), 3);
	storage_end();
}

static int
join(void *arg, const struct store_policy *p)
{
	char *list = arg;

	sprintf(list + strlen(list), "%s%s%s ", p->name, p->active ? "*" : "", p->text ? "!" : "");
	return 0;
}

static int
stop(void *arg, const struct store_policy *p)
{
	(void)p;
	++*(int *)arg;
	return 77;
}

static void
listing_is_newest_first_and_stops_when_told(void)
{
	char list[64] = "";
	int n = 0;

	storage_begin(true);
	save("one", "a");
	save("two", "b");
	save("three", "c");
	CU_ASSERT_EQUAL(store_policy_activate(storage, 2, &storage_err), 0);
	CU_ASSERT_EQUAL(store_policy_list(storage, join, list, &storage_err), 0);
	CU_ASSERT_STRING_EQUAL(list, "c b* a ");
	CU_ASSERT_EQUAL(store_policy_list(storage, stop, &n, &storage_err), 77);
	CU_ASSERT_EQUAL(n, 1);
	/* A listing that was stopped holds no lock on the log. */
	CU_ASSERT_EQUAL(store_wal_checkpoint(storage, &storage_err), 0);
	storage_end();
}

TAP_MAIN(store_policy, TAP_TEST(new_store_has_no_policy),
	 TAP_TEST(saved_policy_is_the_active_one_and_outlives_a_restart),
	 TAP_TEST(earlier_generation_can_be_active_again),
	 TAP_TEST(generation_that_is_not_there_changes_nothing),
	 TAP_TEST(generation_is_never_used_twice),
	 TAP_TEST(listing_is_newest_first_and_stops_when_told))
