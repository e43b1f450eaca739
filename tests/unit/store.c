/*
 * store.c - opening and closing the store, and what it does when it can't write.
 */
#include "db/store.h"

#include "tests/unit/storage.h"
#include "tests/unit/tap.h"

#include <errno.h>
#include <fcntl.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define SAYS(text) CU_ASSERT_PTR_NOT_NULL(strstr(storage_err.msg, text))

/* One line, with the path in it. */
static void
message_is_clear(void)
{
	CU_ASSERT_PTR_NULL(strchr(storage_err.msg, '\n'));
	CU_ASSERT_PTR_NOT_NULL(strstr(storage_err.msg, "leat.db"));
	printf("# %s\n", storage_err.msg);
}

static void
new_file_is_created_with_the_schema(void)
{
	struct stat sb;

	storage_begin(true);
	CU_ASSERT_EQUAL(storage_int("PRAGMA user_version"), STORE_SCHEMA_VERSION);
	CU_ASSERT_EQUAL(storage_int("PRAGMA application_id"), STORE_APPLICATION_ID);
	CU_ASSERT_STRING_EQUAL(storage_text("PRAGMA journal_mode"), "wal");
	CU_ASSERT_EQUAL(storage_int("PRAGMA auto_vacuum"), 2);
	CU_ASSERT_STRING_EQUAL(storage_text("PRAGMA integrity_check"), "ok");
	CU_ASSERT_EQUAL(storage_int("SELECT count(*) FROM pragma_table_list "
				    "WHERE type = 'table' AND NOT strict "
				    "AND name NOT LIKE 'sqlite%'"),
			0);
	CU_ASSERT_EQUAL(stat(storage_path, &sb), 0);
	CU_ASSERT_EQUAL(sb.st_mode & 0007, 0);
	storage_end();
}

static void
each_start_is_a_run_and_a_close_marks_it(void)
{
	storage_begin(true);
	CU_ASSERT_STRING_EQUAL(storage_text("SELECT instance || version FROM run"), "blue1.2.3");
	CU_ASSERT_EQUAL(storage_int("SELECT pid FROM run"), getpid());
	CU_ASSERT_EQUAL(storage_int("SELECT started FROM run"), storage_now);
	CU_ASSERT_STRING_EQUAL(storage_text("SELECT stopped FROM run"), "NULL");
	storage_now += 5;
	CU_ASSERT_EQUAL(store_close(storage, &storage_err), 0);
	storage = NULL;
	CU_ASSERT_EQUAL(storage_int("SELECT stopped FROM run"), storage_now);
	CU_ASSERT_EQUAL(storage_open(), 0);
	CU_ASSERT_EQUAL(storage_int("SELECT max(id) FROM run WHERE stopped IS NULL"), 2);
	storage_end();
}

static void
clean_close_leaves_no_log(void)
{
	char wal[80];
	struct stat sb;

	storage_begin(true);
	CU_ASSERT_EQUAL(storage_add_flows(0, 10), 0);
	storage_close();
	snprintf(wal, sizeof wal, "%s-wal", storage_path);
	CU_ASSERT(stat(wal, &sb) < 0 && errno == ENOENT);
	CU_ASSERT_EQUAL(storage_int("SELECT count(*) FROM flow"), 10);
	storage_end();
}

static void
file_of_version_0_is_brought_up_to_date(void)
{
	storage_begin(false);
	CU_ASSERT_EQUAL(storage_sql("PRAGMA application_id = 0x4c454154; PRAGMA user_version = 0;"),
			0);
	CU_ASSERT_EQUAL(storage_open(), 0);
	CU_ASSERT_EQUAL(storage_int("PRAGMA user_version"), STORE_SCHEMA_VERSION);
	CU_ASSERT_EQUAL(storage_add_flows(0, 1), 0);
	storage_end();
}

static void
empty_file_is_taken_as_new(void)
{
	FILE *f;

	storage_begin(false);
	f = fopen(storage_path, "w");
	fclose(f);
	CU_ASSERT_EQUAL(storage_open(), 0);
	CU_ASSERT_EQUAL(storage_int("PRAGMA user_version"), STORE_SCHEMA_VERSION);
	storage_end();
}

static void
newer_file_is_refused_and_unchanged(void)
{
	storage_begin(true);
	storage_close();
	CU_ASSERT_EQUAL(storage_sql("PRAGMA user_version = 7"), 0);
	CU_ASSERT_EQUAL(storage_open(), -EPROTO);
	message_is_clear();
	SAYS("newer Leat (schema 7, this one knows 5)");
	CU_ASSERT_EQUAL(storage_int("SELECT count(*) FROM run"), 1);
	CU_ASSERT_EQUAL(storage_int("PRAGMA user_version"), 7);
	storage_end();
}

static void
foreign_database_is_refused_and_unchanged(void)
{
	storage_begin(false);
	CU_ASSERT_EQUAL(storage_sql("CREATE TABLE bookmarks (url TEXT)"), 0);
	CU_ASSERT_EQUAL(storage_open(), -EMEDIUMTYPE);
	message_is_clear();
	CU_ASSERT_EQUAL(storage_int("SELECT count(*) FROM sqlite_schema"), 1);
	CU_ASSERT_STRING_EQUAL(storage_text("PRAGMA journal_mode"), "delete");
	storage_end();
}

static void
second_daemon_is_refused_and_told_who_holds_it(void)
{
	struct store *second;
	char pid[32];

	storage_begin(true);
	CU_ASSERT_EQUAL(store_open(&second, &storage_config, &storage_err), -EBUSY);
	message_is_clear();
	snprintf(pid, sizeof pid, "(pid %d)", (int)getpid());
	SAYS(pid);
	/* The refusal has taken nothing from the first. */
	CU_ASSERT_EQUAL(storage_add_flows(0, 1), 0);
	CU_ASSERT_EQUAL(store_open(&second, &storage_config, &storage_err), -EBUSY);
	storage_close();
	CU_ASSERT_EQUAL(storage_open(), 0);
	storage_end();
}

static void
readers_are_let_in_beside_the_daemon(void)
{
	storage_begin(true);
	CU_ASSERT_EQUAL(storage_add_flows(0, 3), 0);
	CU_ASSERT_EQUAL(storage_int("SELECT count(*) FROM flow"), 3);
	storage_end();
}

static void
file_that_is_no_database_is_refused(void)
{
	FILE *f;

	storage_begin(false);
	f = fopen(storage_path, "w");
	fprintf(f, "%0512d", 0);
	fclose(f);
	CU_ASSERT_EQUAL(storage_open(), -EUCLEAN);
	message_is_clear();
	SAYS("move it");
	storage_end();
}

static void
damaged_tables_are_refused(void)
{
	char garbage[4000];

	storage_begin(true);
	storage_close();
	memset(garbage, 0xa5, sizeof garbage);
	storage_damage(100, garbage, sizeof garbage);
	CU_ASSERT_EQUAL(storage_open(), -EUCLEAN);
	message_is_clear();
	SAYS("move it");
	storage_end();
}

static void
missing_folder_is_refused(void)
{
	storage_begin(false);
	storage_config.path = "/nonexistent/leat.db";
	CU_ASSERT_EQUAL(storage_open(), -ENOENT);
	message_is_clear();
	SAYS("create its folder");
	storage_config.path = "";
	CU_ASSERT_EQUAL(storage_open(), -EINVAL);
	storage_end();
}

static void
folder_in_place_of_the_file_is_refused(void)
{
	storage_begin(false);
	CU_ASSERT_EQUAL(mkdir(storage_path, 0755), 0);
	CU_ASSERT_EQUAL(storage_open(), -EISDIR);
	message_is_clear();
	storage_end();
}

/* Runs storage_open() as a user who may not write there; its negative result, positive. */
static int
open_as_nobody(void)
{
	int status;
	pid_t pid = fork();

	if (pid == 0) {
		if (getuid() == 0 && (setgid(65534) < 0 || setuid(65534) < 0))
			_exit(255);
		status = -storage_open();
		message_is_clear();
		SAYS("permission");
		fflush(stdout);
		_exit(strstr(storage_err.msg, "permission") ? status : 254);
	}
	waitpid(pid, &status, 0);
	return WEXITSTATUS(status);
}

static void
folder_without_permission_is_refused(void)
{
	char folder[64];

	storage_begin(false);
	snprintf(folder, sizeof folder, "%.*s", (int)(strrchr(storage_path, '/') - storage_path),
		 storage_path);
	fflush(stdout);
	CU_ASSERT_EQUAL(chmod(folder, 0555), 0);
	CU_ASSERT_EQUAL(open_as_nobody(), EACCES);
	CU_ASSERT_EQUAL(chmod(folder, 0755), 0);
	storage_end();
}

static void
full_store_says_so_and_goes_on_when_there_is_room(void)
{
	struct store_status st;
	unsigned int n = 0;
	int64_t rows;
	int code;

	storage_begin(true);
	CU_ASSERT_EQUAL(store_set_max_size(storage, 300000, &storage_err), 0);
	while ((code = storage_add_flows(n, 100)) == 0 && n < 100000)
		n += 100;
	CU_ASSERT_EQUAL(code, -ENOSPC);
	message_is_clear();
	SAYS("make room");
	CU_ASSERT(n > 0);
	CU_ASSERT_FALSE(store_in_batch(storage));

	/* Nothing of the failed batch is there; it can be given again, and fails again. */
	rows = storage_int("SELECT count(*) FROM flow");
	CU_ASSERT_EQUAL(rows, n);
	CU_ASSERT_EQUAL(storage_add_flows(n, 100), -ENOSPC);
	CU_ASSERT_EQUAL(store_status(storage, &st, &storage_err), 0);
	CU_ASSERT_EQUAL(st.last_errno, ENOSPC);
	CU_ASSERT_EQUAL(st.rolled_back, 2);
	CU_ASSERT_EQUAL(st.failures, 2);
	CU_ASSERT(st.max_size > 0 && st.max_size <= 300000);

	CU_ASSERT_EQUAL(store_set_max_size(storage, 0, &storage_err), 0);
	CU_ASSERT_EQUAL(storage_add_flows(n, 100), 0);
	CU_ASSERT_EQUAL(storage_int("SELECT count(DISTINCT flow_id) FROM flow"), n + 100);
	CU_ASSERT_EQUAL(storage_int("SELECT count(*) FROM flow"), n + 100);
	CU_ASSERT_EQUAL(storage_int("SELECT flows FROM run"), n + 100);
	storage_end();
}

static void
policy_survives_a_store_that_is_full(void)
{
	struct store_policy p;
	uint64_t first, second;
	static char text[600000];

	memset(text, '#', sizeof text - 1);
	storage_begin(true);
	CU_ASSERT_EQUAL(store_policy_save(storage, "default track\n", "a", &first, &storage_err),
			0);
	CU_ASSERT_EQUAL(store_set_max_size(storage, 300000, &storage_err), 0);
	CU_ASSERT_EQUAL(store_policy_save(storage, text, "b", &second, &storage_err), -ENOSPC);
	CU_ASSERT_EQUAL(store_policy_active(storage, &p, &storage_err), 0);
	CU_ASSERT_EQUAL(p.generation, first);
	CU_ASSERT_STRING_EQUAL(p.text, "default track\n");
	store_policy_fini(&p);
	storage_end();
}

static void
other_writer_makes_a_batch_wait_and_then_fail(void)
{
	sqlite3 *other;

	storage_begin(true);
	CU_ASSERT_EQUAL(sqlite3_open(storage_path, &other), SQLITE_OK);
	CU_ASSERT_EQUAL(sqlite3_exec(other, "BEGIN IMMEDIATE", NULL, NULL, NULL), SQLITE_OK);
	CU_ASSERT_EQUAL(storage_add_flows(0, 1), -EBUSY);
	message_is_clear();
	SAYS("end the program that holds it");
	CU_ASSERT_FALSE(store_in_batch(storage));
	CU_ASSERT_EQUAL(sqlite3_exec(other, "ROLLBACK", NULL, NULL, NULL), SQLITE_OK);
	CU_ASSERT_EQUAL(storage_add_flows(0, 1), 0);
	sqlite3_close(other);
	storage_end();
}

static void
reader_that_never_ends_can_not_make_the_log_grow_without_bound(void)
{
	enum { LIMIT = 8 << 20 };
	struct store_status st;
	uint64_t generation;
	unsigned int n = 0;
	sqlite3 *reader;
	int code;

	storage_begin(false);
	storage_config.wal_limit = LIMIT;
	CU_ASSERT_EQUAL(storage_open(), 0);
	CU_ASSERT_EQUAL(storage_add_flows(0, 1), 0);
	CU_ASSERT_EQUAL(sqlite3_open(storage_path, &reader), SQLITE_OK);
	CU_ASSERT_EQUAL(sqlite3_exec(reader, "BEGIN; SELECT count(*) FROM flow", NULL, NULL, NULL),
			SQLITE_OK);
	for (code = 0; code == 0 && n < 200000; n += 1000)
		code = storage_add_flows(n, 1000);
	CU_ASSERT_EQUAL(code, -EBUSY);
	message_is_clear();
	SAYS("a reader holds the log");
	CU_ASSERT_EQUAL(store_status(storage, &st, &storage_err), 0);
	CU_ASSERT(st.wal_used > LIMIT && st.wal_used < LIMIT + (2 << 20));
	CU_ASSERT(st.wal_size < LIMIT + (2 << 20));
	/* A policy is more than a row: it still goes in. */
	CU_ASSERT_EQUAL(store_policy_save(storage, "x", "y", &generation, &storage_err), 0);
	CU_ASSERT_EQUAL(store_wal_checkpoint(storage, &storage_err), -EBUSY);

	CU_ASSERT_EQUAL(sqlite3_exec(reader, "COMMIT", NULL, NULL, NULL), SQLITE_OK);
	CU_ASSERT_EQUAL(storage_add_flows(n, 1000), 0);
	CU_ASSERT_EQUAL(store_status(storage, &st, &storage_err), 0);
	CU_ASSERT(st.wal_used < 2 << 20);
	CU_ASSERT(st.wal_size <= LIMIT);
	sqlite3_close(reader);
	storage_end();
}

static void
log_stays_small_without_readers(void)
{
	struct store_status st;
	uint64_t largest = 0;
	unsigned int n;

	storage_begin(true);
	for (n = 0; n < 100000; n += 1000) {
		CU_ASSERT_EQUAL(storage_add_flows(n, 1000), 0);
		CU_ASSERT_EQUAL(store_status(storage, &st, &storage_err), 0);
		largest = st.wal_size > largest ? st.wal_size : largest;
	}
	CU_ASSERT(st.file_size > 12 << 20);
	CU_ASSERT(largest < 6 << 20);
	CU_ASSERT_EQUAL(store_wal_checkpoint(storage, &storage_err), 0);
	CU_ASSERT_EQUAL(store_status(storage, &st, &storage_err), 0);
	CU_ASSERT_EQUAL(st.wal_size, 0);
	storage_end();
}

static void
damage_met_while_running_is_reported_and_leaves_the_policy_readable(void)
{
	struct store_status st;
	struct store_policy p;
	char garbage[4096];
	uint64_t generation;
	int64_t root;

	storage_begin(true);
	CU_ASSERT_EQUAL(store_policy_save(storage, "x", "a", &generation, &storage_err), 0);
	storage_close();
	root = storage_int("SELECT rootpage FROM sqlite_schema WHERE name = 'flow'");
	CU_ASSERT_FATAL(root > 1);
	memset(garbage, 0xa5, sizeof garbage);
	storage_damage((root - 1) * 4096, garbage, sizeof garbage);
	/* Opening reads the last row of flow, and so finds it. */
	CU_ASSERT_EQUAL(storage_open(), -EUCLEAN);
	message_is_clear();

	storage_damage((root - 1) * 4096, "\x0d\0\0\0\0\x10\0\0", 8);
	CU_ASSERT_EQUAL(storage_open(), 0);
	storage_close();
	root = storage_int("SELECT rootpage FROM sqlite_schema WHERE name = 'flow_ended'");
	storage_damage((root - 1) * 4096, garbage, sizeof garbage);
	CU_ASSERT_EQUAL(storage_open(), 0);
	CU_ASSERT_EQUAL(storage_add_flows(0, 1), -EUCLEAN);
	message_is_clear();
	CU_ASSERT_EQUAL(store_status(storage, &st, &storage_err), 0);
	CU_ASSERT_EQUAL(st.last_errno, EUCLEAN);
	CU_ASSERT_EQUAL(store_policy_active(storage, &p, &storage_err), 0);
	CU_ASSERT_STRING_EQUAL(p.text, "x");
	store_policy_fini(&p);
	storage_end();
}

static void
calls_out_of_order_are_refused(void)
{
	struct flow_record r;
	uint64_t generation;

	storage_begin(true);
	storage_flow(&r, 1);
	CU_ASSERT_EQUAL(store_flow_ended(storage, &r, &storage_err), -EINVAL);
	CU_ASSERT_EQUAL(store_commit(storage, &storage_err), -EINVAL);
	CU_ASSERT_EQUAL(store_begin(storage, &storage_err), 0);
	CU_ASSERT_EQUAL(store_begin(storage, &storage_err), -EINVAL);
	CU_ASSERT_EQUAL(store_policy_save(storage, "x", "y", &generation, &storage_err), -EINVAL);
	CU_ASSERT_EQUAL(store_checkpoint_end(storage, &storage_err), -EINVAL);
	CU_ASSERT_TRUE(store_in_batch(storage));
	store_rollback(storage);
	CU_ASSERT_FALSE(store_in_batch(storage));
	store_rollback(storage);
	CU_ASSERT_EQUAL(store_close(NULL, NULL), 0);
	storage_end();
}

TAP_MAIN(store, TAP_TEST(new_file_is_created_with_the_schema),
	 TAP_TEST(each_start_is_a_run_and_a_close_marks_it), TAP_TEST(clean_close_leaves_no_log),
	 TAP_TEST(file_of_version_0_is_brought_up_to_date), TAP_TEST(empty_file_is_taken_as_new),
	 TAP_TEST(newer_file_is_refused_and_unchanged),
	 TAP_TEST(foreign_database_is_refused_and_unchanged),
	 TAP_TEST(second_daemon_is_refused_and_told_who_holds_it),
	 TAP_TEST(readers_are_let_in_beside_the_daemon),
	 TAP_TEST(file_that_is_no_database_is_refused), TAP_TEST(damaged_tables_are_refused),
	 TAP_TEST(missing_folder_is_refused), TAP_TEST(folder_in_place_of_the_file_is_refused),
	 TAP_TEST(folder_without_permission_is_refused),
	 TAP_TEST(full_store_says_so_and_goes_on_when_there_is_room),
	 TAP_TEST(policy_survives_a_store_that_is_full),
	 TAP_TEST(other_writer_makes_a_batch_wait_and_then_fail),
	 TAP_TEST(reader_that_never_ends_can_not_make_the_log_grow_without_bound),
	 TAP_TEST(log_stays_small_without_readers),
	 TAP_TEST(damage_met_while_running_is_reported_and_leaves_the_policy_readable),
	 TAP_TEST(calls_out_of_order_are_refused))
