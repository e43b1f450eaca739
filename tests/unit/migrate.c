/*
 * migrate.c - steps from one schema to the next.
 */
#include "db/migrate.h"

#include "tests/unit/tap.h"

#include <errno.h>
#include <string.h>

static sqlite3 *db;
static struct err err;

static const struct migration steps[] = {
	{ 0, 3, "CREATE TABLE t (a, b, c); PRAGMA user_version = 3" },
	{ 1, 2, "ALTER TABLE t ADD COLUMN b; PRAGMA user_version = 2" },
	{ 2, 3, "ALTER TABLE t ADD COLUMN c; UPDATE t SET c = a * 2; PRAGMA user_version = 3" },
};

static int
run(const char *sql)
{
	return sqlite3_exec(db, sql, NULL, NULL, NULL);
}

static int
migrate_to(int want)
{
	memset(&err, 0, sizeof err);
	return migrate(db, steps, sizeof steps / sizeof steps[0], want, &err);
}

static void
begin(const char *sql)
{
	CU_ASSERT_EQUAL_FATAL(sqlite3_open(":memory:", &db), SQLITE_OK);
	CU_ASSERT_EQUAL_FATAL(run(sql), SQLITE_OK);
}

static void
end(void)
{
	CU_ASSERT_TRUE(sqlite3_get_autocommit(db));
	CU_ASSERT_EQUAL(sqlite3_close(db), SQLITE_OK);
}

static void
empty_file_becomes_the_newest_in_one_step(void)
{
	begin("");
	CU_ASSERT_EQUAL(migrate_to(3), 0);
	CU_ASSERT_EQUAL(migrate_version(db, &err), 3);
	CU_ASSERT_EQUAL(run("INSERT INTO t (a, b, c) VALUES (1, 2, 3)"), SQLITE_OK);
	CU_ASSERT_EQUAL(migrate_to(3), 0);
	end();
}

static void
every_earlier_version_arrives_with_its_rows(void)
{
	begin("CREATE TABLE t (a); INSERT INTO t VALUES (21); PRAGMA user_version = 1");
	CU_ASSERT_EQUAL(migrate_to(3), 0);
	CU_ASSERT_EQUAL(migrate_version(db, &err), 3);
	CU_ASSERT_EQUAL(run("CREATE TABLE u (x CHECK (x = 42)); INSERT INTO u SELECT c FROM t"),
			SQLITE_OK);
	end();
}

static void
step_that_fails_leaves_the_file_as_it_was(void)
{
	/* The second step works, the third finds its column there already. */
	begin("CREATE TABLE t (a, c); PRAGMA user_version = 1");
	CU_ASSERT_EQUAL(migrate_to(3), -EIO);
	CU_ASSERT_PTR_NOT_NULL(strstr(err.msg, "duplicate column name: c"));
	CU_ASSERT_EQUAL(migrate_version(db, &err), 1);
	CU_ASSERT_NOT_EQUAL(run("SELECT b FROM t"), SQLITE_OK);
	end();
}

static void
step_that_leads_elsewhere_is_undone(void)
{
	static const struct migration wrong[] = { { 0, 2, "PRAGMA user_version = 1" } };

	begin("");
	CU_ASSERT_EQUAL(migrate(db, wrong, 1, 2, &err), -ENOENT);
	CU_ASSERT_EQUAL(migrate_version(db, &err), 0);
	end();
}

static void
version_without_a_way_is_refused(void)
{
	begin("PRAGMA user_version = 3");
	CU_ASSERT_EQUAL(migrate_to(5), -ENOENT);
	CU_ASSERT_STRING_EQUAL(err.msg, "no way leads from schema 3 to 5");
	end();
}

static void
newer_file_is_refused(void)
{
	begin("PRAGMA user_version = 4");
	CU_ASSERT_EQUAL(migrate_to(3), -EPROTO);
	CU_ASSERT_EQUAL(migrate_version(db, &err), 4);
	end();
}

TAP_MAIN(migrate, TAP_TEST(empty_file_becomes_the_newest_in_one_step),
	 TAP_TEST(every_earlier_version_arrives_with_its_rows),
	 TAP_TEST(step_that_fails_leaves_the_file_as_it_was),
	 TAP_TEST(step_that_leads_elsewhere_is_undone), TAP_TEST(version_without_a_way_is_refused),
	 TAP_TEST(newer_file_is_refused))
