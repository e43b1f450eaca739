/*
 * store_aside.c - a damaged database is kept, and a new one has its policies.
 */
#include "db/store.h"
#include "tests/unit/storage.h"
#include "tests/unit/tap.h"

#include <errno.h>
#include <glob.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static char aside[128];

/* The damaged file's name, or "". */
static const char *
find_aside(void)
{
	char pattern[128];
	glob_t g;

	snprintf(pattern, sizeof pattern, "%s.corrupt-*Z", storage_path);
	aside[0] = '\0';
	if (glob(pattern, 0, NULL, &g) == 0) {
		CU_ASSERT_EQUAL(g.gl_pathc, 1);
		snprintf(aside, sizeof aside, "%s", g.gl_pathv[0]);
	}
	globfree(&g);
	return aside;
}

static int64_t
root_of(const char *table)
{
	char sql[96];

	snprintf(sql, sizeof sql, "SELECT rootpage FROM sqlite_schema WHERE name = '%s'", table);
	return storage_int(sql);
}

static void
damage(const char *table)
{
	char garbage[4096];

	memset(garbage, 0xa5, sizeof garbage);
	storage_damage((root_of(table) - 1) * 4096, garbage, sizeof garbage);
}

static void
save(const char *text)
{
	uint64_t generation;

	CU_ASSERT_EQUAL(store_policy_save(storage, text, "file", &generation, &storage_err), 0);
}

static void
active_is(const char *text, uint64_t generation)
{
	struct store_policy p;

	CU_ASSERT_EQUAL_FATAL(store_policy_active(storage, &p, &storage_err), 0);
	CU_ASSERT_STRING_EQUAL(p.text, text);
	CU_ASSERT_EQUAL(p.generation, generation);
	store_policy_fini(&p);
}

static void
damage_at_start_is_set_aside_and_policies_are_saved(void)
{
	struct store_status st;
	uint64_t generation;

	storage_begin(true);
	save("one");
	save("two");
	CU_ASSERT_EQUAL(store_policy_activate(storage, 1, &storage_err), 0);
	CU_ASSERT_EQUAL(storage_add_flows(0, 10), 0);
	storage_close();
	damage("flow");
	CU_ASSERT_EQUAL(storage_open(), -EUCLEAN);
	storage_config.set_aside = true;
	CU_ASSERT_EQUAL_FATAL(storage_open(), 0);
	CU_ASSERT(find_aside()[0] != '\0');
	active_is("one", 1);
	CU_ASSERT_EQUAL(storage_int("SELECT count(*) FROM policy"), 2);
	CU_ASSERT_EQUAL(storage_int("SELECT count(*) FROM event WHERE what = 'set-aside' "
				    "AND detail LIKE '%.corrupt-%' AND detail LIKE '%2 policies%'"),
			1);
	CU_ASSERT_EQUAL(store_status(storage, &st, &storage_err), 0);
	CU_ASSERT_EQUAL(st.set_aside, 1);
	CU_ASSERT_STRING_EQUAL(st.set_aside_as, aside);
	/* It is a store like any other, and goes on counting. */
	CU_ASSERT_EQUAL(storage_add_flows(0, 10), 0);
	CU_ASSERT_EQUAL(store_policy_save(storage, "three", "f", &generation, &storage_err), 0);
	CU_ASSERT_EQUAL(generation, 3);
	CU_ASSERT_STRING_EQUAL(storage_text("PRAGMA integrity_check"), "ok");
	storage_end();
}

static void
file_that_never_was_a_store_is_not_touched(void)
{
	char text[] = "these are the accounts of the last ten years, and there is no other copy of "
		      "them; whoever renames this file on account of a mistyped option is not "
		      "forgiven";
	char lock[96];
	FILE *f;

	storage_begin(false);
	f = fopen(storage_path, "w");
	fwrite(text, sizeof text, 1, f);
	fclose(f);
	storage_config.set_aside = true;
	CU_ASSERT_EQUAL(storage_open(), -EUCLEAN);
	CU_ASSERT_STRING_EQUAL(find_aside(), "");
	/* But a file that a daemon has had is its own, whatever has become of it. */
	snprintf(lock, sizeof lock, "%s.lock", storage_path);
	CU_ASSERT_EQUAL(access(lock, F_OK), 0);
	CU_ASSERT_EQUAL(storage_open(), 0);
	CU_ASSERT(find_aside()[0] != '\0');
	storage_end();
}

static void
damage_at_work_is_mended_without_a_restart(void)
{
	struct store_policy p;

	storage_begin(true);
	save("kept");
	CU_ASSERT_EQUAL(storage_add_flows(0, 10), 0);
	CU_ASSERT_EQUAL(store_mend(storage, &storage_err), 0);
	CU_ASSERT_STRING_EQUAL(find_aside(), "");
	CU_ASSERT_EQUAL(store_wal_checkpoint(storage, &storage_err), 0);
	damage("policy");
	damage("flow_ended");
	storage_close();
	storage_config.set_aside = true;
	CU_ASSERT_EQUAL_FATAL(storage_open(), 0);
	CU_ASSERT_EQUAL(storage_add_flows(10, 5), -EUCLEAN);
	/* The table of policies is gone as well, but this process does not know it yet. */
	CU_ASSERT_EQUAL(store_policy_active(storage, &p, &storage_err), -EUCLEAN);
	CU_ASSERT_EQUAL(store_mend(storage, &storage_err), 0);
	CU_ASSERT(find_aside()[0] != '\0');
	CU_ASSERT_EQUAL(storage_add_flows(10, 5), 0);
	CU_ASSERT_EQUAL(storage_int("SELECT count(*) FROM flow"), 5);
	storage_end();
}

static void
policy_in_force_outlives_the_damage_of_its_table(void)
{
	storage_begin(true);
	save("in force");
	CU_ASSERT_EQUAL(storage_add_flows(0, 10), 0);
	CU_ASSERT_EQUAL(store_wal_checkpoint(storage, &storage_err), 0);
	damage("policy");
	damage("flow_ended");
	/* The pages that the store has in memory are as they were: another writer makes it look. */
	CU_ASSERT_EQUAL(storage_sql("INSERT INTO event (run, at, what, detail) VALUES (1,1,'','')"),
			0);
	CU_ASSERT_EQUAL(storage_add_flows(10, 5), -EUCLEAN);
	CU_ASSERT_EQUAL(store_mend(storage, &storage_err), 0);
	active_is("in force", 1);
	CU_ASSERT_EQUAL(storage_add_flows(10, 5), 0);
	/* The run and the ids go on. */
	CU_ASSERT_EQUAL(storage_int("SELECT min(id) FROM flow"), 11);
	CU_ASSERT_EQUAL(storage_int("SELECT flows FROM run WHERE id = 1"), 5);
	storage_close();
	CU_ASSERT_EQUAL_FATAL(storage_open(), 0);
	active_is("in force", 1);
	storage_end();
}

static void
second_damage_within_a_minute_is_left_alone(void)
{
	storage_begin(true);
	save("x");
	CU_ASSERT_EQUAL(store_wal_checkpoint(storage, &storage_err), 0);
	damage("flow_ended");
	storage_sql("INSERT INTO event (run, at, what, detail) VALUES (1,1,'','')");
	CU_ASSERT_EQUAL(storage_add_flows(0, 5), -EUCLEAN);
	CU_ASSERT_EQUAL(store_mend(storage, &storage_err), 0);
	CU_ASSERT_EQUAL(storage_add_flows(0, 5), 0);
	CU_ASSERT_EQUAL(store_wal_checkpoint(storage, &storage_err), 0);
	damage("flow_ended");
	storage_sql("INSERT INTO event (run, at, what, detail) VALUES (1,1,'','')");
	CU_ASSERT_EQUAL(storage_add_flows(5, 5), -EUCLEAN);
	CU_ASSERT_EQUAL(store_mend(storage, &storage_err), -EUCLEAN);
	CU_ASSERT_PTR_NOT_NULL(strstr(storage_err.msg, "less than a minute"));
	find_aside();
	storage_now += 61 * 1000000;
	CU_ASSERT_EQUAL(store_mend(storage, &storage_err), 0);
	CU_ASSERT_EQUAL(storage_add_flows(5, 5), 0);
	storage_end();
}

static void
other_writer_at_the_start_does_not_keep_the_policy_away(void)
{
	storage_begin(true);
	save("in force");
	storage_close();
	CU_ASSERT_EQUAL(storage_hold(), 0);
	CU_ASSERT_EQUAL_FATAL(storage_open(), 0);
	active_is("in force", 1);
	CU_ASSERT_EQUAL(storage_add_flows(0, 5), -EBUSY);
	storage_let_go();
	CU_ASSERT_EQUAL(storage_add_flows(0, 5), 0);
	CU_ASSERT_EQUAL(storage_int("SELECT flows FROM run WHERE id = 2"), 5);
	storage_end();
}

TAP_MAIN(store_aside, TAP_TEST(damage_at_start_is_set_aside_and_policies_are_saved),
	 TAP_TEST(file_that_never_was_a_store_is_not_touched),
	 TAP_TEST(damage_at_work_is_mended_without_a_restart),
	 TAP_TEST(policy_in_force_outlives_the_damage_of_its_table),
	 TAP_TEST(second_damage_within_a_minute_is_left_alone),
	 TAP_TEST(other_writer_at_the_start_does_not_keep_the_policy_away))
