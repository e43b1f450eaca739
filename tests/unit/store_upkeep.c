/*
 * store_upkeep.c - old rows go in slices and give their space back; a backup is whole.
 */
#include "db/store.h"
#include "tests/unit/storage.h"
#include "tests/unit/tap.h"

#include <errno.h>
#include <sqlite3.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static struct store_pruned pruned;
static char copy[96];

/* Flows whose numbers end in 0 have a gap. */
static void
fill(unsigned int n)
{
	struct flow_record r;
	unsigned int i;

	CU_ASSERT_EQUAL(store_begin(storage, &storage_err), 0);
	for (i = 0; i < n; i++) {
		storage_flow(&r, i);
		if (i % 10 == 0) {
			struct gap_record g = { .declared = r.ended,
						.length = 1,
						.reason = "lost-in-tap" };

			memcpy(g.flow_id, r.flow_id, sizeof g.flow_id);
			r.direction[0].gaps = 1;
			CU_ASSERT_EQUAL(store_gap(storage, &g, &storage_err), 0);
		}
		CU_ASSERT_EQUAL(store_flow_ended(storage, &r, &storage_err), 0);
	}
	CU_ASSERT_EQUAL(store_event(storage, "start", "", &storage_err), 0);
	CU_ASSERT_EQUAL(store_commit(storage, &storage_err), 0);
	pruned = (struct store_pruned){ 0 };
}

static int64_t
end_of(unsigned int n)
{
	struct flow_record r;

	storage_flow(&r, n);
	return r.ended;
}

static void
rows_are_removed_by_age_in_slices_with_their_gaps(void)
{
	struct store_pruned counted = { 0 };
	struct store_cursor at = { 0 };
	int n, n_slices = 0;

	storage_begin(true);
	fill(1000);
	do
		n = store_prune_count(storage, end_of(600), 70, &at, &counted, &storage_err);
	while (n > 0);
	CU_ASSERT_EQUAL(n, 0);
	while ((n = store_prune(storage, end_of(600), 100, &pruned, &storage_err)) > 0) {
		CU_ASSERT(n <= 100);
		n_slices++;
	}
	CU_ASSERT_EQUAL(n, 0);
	CU_ASSERT_EQUAL(n_slices, 7);
	CU_ASSERT_EQUAL(pruned.flows, 600);
	CU_ASSERT_EQUAL(pruned.gaps, 60);
	CU_ASSERT_EQUAL(pruned.events, 1);
	CU_ASSERT_EQUAL(counted.flows, 600);
	CU_ASSERT_EQUAL(counted.gaps, 60);
	CU_ASSERT_EQUAL(counted.events, 1);
	CU_ASSERT_EQUAL(storage_int("SELECT count(*) FROM flow"), 400);
	CU_ASSERT_EQUAL(storage_int("SELECT count(*) FROM gap"), 40);
	CU_ASSERT_EQUAL(storage_int("SELECT min(id) FROM flow"), 601);
	/* What was recorded stays counted. */
	CU_ASSERT_EQUAL(storage_int("SELECT flows FROM run"), 1000);
	storage_end();
}

static void
oldest_rows_go_whatever_their_age(void)
{
	storage_begin(true);
	fill(1000);
	CU_ASSERT_EQUAL(store_prune_oldest(storage, 250, &pruned, &storage_err), 250);
	CU_ASSERT_EQUAL(store_prune_oldest(storage, 250, &pruned, &storage_err), 250);
	CU_ASSERT_EQUAL(pruned.flows, 500);
	CU_ASSERT_EQUAL(pruned.gaps, 50);
	CU_ASSERT_EQUAL(storage_int("SELECT min(id) FROM flow"), 501);
	storage_end();
}

static void
gap_of_a_flow_that_lives_stays(void)
{
	struct gap_record g = { .flow_id = "0:1:1", .length = 1, .reason = "lost-in-tap" };

	storage_begin(true);
	fill(10);
	g.declared = storage_now + 100;
	CU_ASSERT_EQUAL(store_begin(storage, &storage_err), 0);
	CU_ASSERT_EQUAL(store_gap(storage, &g, &storage_err), 0);
	CU_ASSERT_EQUAL(store_commit(storage, &storage_err), 0);
	while (store_prune(storage, storage_now + 50, 100, &pruned, &storage_err) > 0)
		;
	CU_ASSERT_EQUAL(storage_int("SELECT count(*) FROM gap WHERE flow IS NULL"), 1);
	while (store_prune(storage, end_of(10), 100, &pruned, &storage_err) > 0)
		;
	CU_ASSERT_EQUAL(storage_int("SELECT count(*) FROM gap"), 0);
	storage_end();
}

static void
old_policies_go_but_the_active_one_and_the_newest_hundred(void)
{
	uint64_t generation;
	int i;

	storage_begin(true);
	for (i = 0; i < 150; i++)
		CU_ASSERT_EQUAL(store_policy_save(storage, "x", "y", &generation, &storage_err), 0);
	CU_ASSERT_EQUAL(store_policy_activate(storage, 3, &storage_err), 0);
	pruned = (struct store_pruned){ 0 };
	while (store_prune(storage, storage_now + 1, 10, &pruned, &storage_err) > 0)
		;
	CU_ASSERT_EQUAL(pruned.policies, 49);
	CU_ASSERT_EQUAL(storage_int("SELECT count(*) FROM policy WHERE generation > 50"), 100);
	CU_ASSERT_EQUAL(storage_int("SELECT generation FROM policy WHERE active"), 3);
	storage_end();
}

static void
space_is_given_back_in_slices(void)
{
	uint64_t used, unused, before;
	struct store_status st;
	int n, n_slices = 0;

	storage_begin(true);
	fill(20000);
	CU_ASSERT_EQUAL(store_wal_checkpoint(storage, &storage_err), 0);
	CU_ASSERT_EQUAL(store_status(storage, &st, &storage_err), 0);
	before = st.file_size;
	while (store_prune_oldest(storage, 4096, &pruned, &storage_err) > 0)
		;
	CU_ASSERT_EQUAL(store_space(storage, &used, &unused, &storage_err), 0);
	CU_ASSERT(unused > before / 2);
	while ((n = store_give_back(storage, 100, &storage_err)) > 0) {
		CU_ASSERT(n <= 100);
		n_slices++;
	}
	CU_ASSERT_EQUAL(n, 0);
	CU_ASSERT(n_slices > 10);
	CU_ASSERT_EQUAL(store_wal_checkpoint(storage, &storage_err), 0);
	CU_ASSERT_EQUAL(store_status(storage, &st, &storage_err), 0);
	CU_ASSERT(st.file_size < before / 10);
	CU_ASSERT_STRING_EQUAL(storage_text("PRAGMA integrity_check"), "ok");
	storage_end();
}

/* --- backup --- */

static int64_t
int_of_copy(const char *sql)
{
	sqlite3_stmt *st;
	int64_t v = -1;
	sqlite3 *db;

	CU_ASSERT_EQUAL_FATAL(sqlite3_open_v2(copy, &db, SQLITE_OPEN_READONLY, NULL), SQLITE_OK);
	if (sqlite3_prepare_v2(db, sql, -1, &st, NULL) == SQLITE_OK) {
		if (sqlite3_step(st) == SQLITE_ROW)
			v = sqlite3_column_int64(st, 0);
		sqlite3_finalize(st);
	}
	sqlite3_close(db);
	return v;
}

static void
begin_backup(unsigned int n)
{
	storage_begin(true);
	snprintf(copy, sizeof copy, "%s.copy", storage_path);
	fill(n);
}

static bool
is_there(const char *suffix)
{
	char name[128];

	snprintf(name, sizeof name, "%s%s", copy, suffix);
	return access(name, F_OK) == 0;
}

static void
backup_is_whole_while_rows_are_written(void)
{
	struct store_backup *b = NULL;
	unsigned int n = 5000, n_steps = 0;
	uint64_t done, all;
	struct stat sb;
	int code;

	begin_backup(n);
	CU_ASSERT_EQUAL_FATAL(store_backup_open(storage, copy, false, &b, &storage_err), 0);
	while ((code = store_backup_step(b, 20, &done, &all, &storage_err)) > 0) {
		CU_ASSERT_FALSE(is_there(""));
		CU_ASSERT(done <= all);
		n_steps++;
		CU_ASSERT_EQUAL(storage_add_flows(n, 20), 0);
		n += 20;
	}
	CU_ASSERT_EQUAL(code, 0);
	CU_ASSERT(n_steps > 10);
	store_backup_close(b);
	CU_ASSERT_EQUAL(int_of_copy("SELECT count(*) FROM flow"), n);
	CU_ASSERT_EQUAL(int_of_copy("SELECT count(*) FROM pragma_integrity_check "
				    "WHERE integrity_check = 'ok'"),
			1);
	CU_ASSERT_EQUAL(stat(copy, &sb), 0);
	CU_ASSERT_EQUAL(sb.st_mode & 07777, 0640);
	CU_ASSERT_FALSE(is_there(".part"));
	CU_ASSERT_FALSE(is_there("-wal"));
	storage_end();
}

static void
file_that_is_there_is_replaced_only_if_told(void)
{
	struct store_backup *b = NULL;
	uint64_t done, all;
	FILE *f;

	begin_backup(10);
	f = fopen(copy, "w");
	fclose(f);
	CU_ASSERT_EQUAL(store_backup_open(storage, copy, false, &b, &storage_err), -EEXIST);
	CU_ASSERT_FALSE(is_there(".part"));
	CU_ASSERT_EQUAL_FATAL(store_backup_open(storage, copy, true, &b, &storage_err), 0);
	while (store_backup_step(b, 1000, &done, &all, &storage_err) > 0)
		;
	store_backup_close(b);
	CU_ASSERT_EQUAL(int_of_copy("SELECT count(*) FROM flow"), 10);
	CU_ASSERT_FALSE(is_there(".part"));
	storage_end();
}

static void
backup_that_is_given_up_leaves_nothing(void)
{
	struct store_backup *b = NULL;
	uint64_t done, all;

	begin_backup(5000);
	CU_ASSERT_EQUAL(store_backup_open(storage, "leat.copy", false, &b, &storage_err), -EINVAL);
	CU_ASSERT_EQUAL(store_backup_open(storage, "/nowhere/x", false, &b, &storage_err), -ENOENT);
	CU_ASSERT_EQUAL_FATAL(store_backup_open(storage, copy, false, &b, &storage_err), 0);
	CU_ASSERT_EQUAL(store_backup_step(b, 10, &done, &all, &storage_err), 1);
	CU_ASSERT_TRUE(is_there(".part"));
	store_backup_close(b);
	CU_ASSERT_FALSE(is_there(".part"));
	CU_ASSERT_FALSE(is_there(""));
	CU_ASSERT_EQUAL(storage_add_flows(5000, 10), 0);
	storage_end();
}

TAP_MAIN(store_upkeep, TAP_TEST(rows_are_removed_by_age_in_slices_with_their_gaps),
	 TAP_TEST(oldest_rows_go_whatever_their_age), TAP_TEST(gap_of_a_flow_that_lives_stays),
	 TAP_TEST(old_policies_go_but_the_active_one_and_the_newest_hundred),
	 TAP_TEST(space_is_given_back_in_slices), TAP_TEST(backup_is_whole_while_rows_are_written),
	 TAP_TEST(file_that_is_there_is_replaced_only_if_told),
	 TAP_TEST(backup_that_is_given_up_leaves_nothing))
