/*
 * store_disk.c - a disk that fails, is full, and must have synced.
 */
#include "db/store.h"
#include "tests/unit/disk.h"
#include "tests/unit/storage.h"
#include "tests/unit/tap.h"

#include <errno.h>
#include <sqlite3.h>
#include <stdio.h>
#include <string.h>

static void
begin(void)
{
	disk_begin();
	storage_begin(true);
}

static void
policy_is_on_the_disk_when_it_is_reported_saved(void)
{
	uint64_t generation;
	unsigned int before;

	begin();
	CU_ASSERT_EQUAL(storage_add_flows(0, 1), 0);
	before = disk.n_wal_syncs;
	CU_ASSERT_EQUAL(store_policy_save(storage, "a", "b", &generation, &storage_err), 0);
	CU_ASSERT(disk.n_wal_syncs > before);
	before = disk.n_wal_syncs;
	CU_ASSERT_EQUAL(store_policy_activate(storage, 1, &storage_err), 0);
	CU_ASSERT(disk.n_wal_syncs > before);
	storage_end();
}

static void
batch_of_flows_does_not_wait_for_the_disk(void)
{
	uint64_t generation;
	unsigned int before;

	begin();
	CU_ASSERT_EQUAL(store_policy_save(storage, "a", "b", &generation, &storage_err), 0);
	CU_ASSERT_EQUAL(storage_add_flows(0, 1), 0);
	before = disk.n_wal_syncs;
	CU_ASSERT_EQUAL(storage_add_flows(1, 100), 0);
	CU_ASSERT_EQUAL(storage_add_flows(101, 100), 0);
	CU_ASSERT_EQUAL(disk.n_wal_syncs, before);
	storage_end();
}

/* Every call that writes fails with `code` while the disk does, and works again after. */
static void
fails_and_recovers(int code)
{
	struct store_status st;
	struct store_policy p;
	uint64_t generation;

	CU_ASSERT_EQUAL(storage_add_flows(100, 50), code);
	printf("# %s\n", storage_err.msg);
	CU_ASSERT_FALSE(store_in_batch(storage));
	CU_ASSERT_EQUAL(storage_add_flows(100, 50), code);
	CU_ASSERT_EQUAL(store_policy_save(storage, "bad", "b", &generation, &storage_err), code);
	CU_ASSERT_EQUAL(store_policy_active(storage, &p, &storage_err), 0);
	CU_ASSERT_STRING_EQUAL(p.text, "good");
	store_policy_fini(&p);
	CU_ASSERT_EQUAL(store_status(storage, &st, &storage_err), 0);
	CU_ASSERT_EQUAL(st.last_errno, -code);
	CU_ASSERT_EQUAL(st.last_error_at, storage_now);
	CU_ASSERT_EQUAL(st.rolled_back, 3);

	disk_heal();
	CU_ASSERT_EQUAL(storage_add_flows(100, 50), 0);
	CU_ASSERT_EQUAL(storage_int("SELECT count(*) FROM flow"), 150);
	CU_ASSERT_EQUAL(storage_int("SELECT count(DISTINCT flow_id) FROM flow"), 150);
	CU_ASSERT_STRING_EQUAL(storage_text("PRAGMA integrity_check"), "ok");
	CU_ASSERT_EQUAL(store_policy_save(storage, "better", "b", &generation, &storage_err), 0);
	CU_ASSERT_EQUAL(generation, 2);
}

static void
begin_with_rows(void)
{
	uint64_t generation;

	begin();
	CU_ASSERT_EQUAL(store_policy_save(storage, "good", "a", &generation, &storage_err), 0);
	CU_ASSERT_EQUAL(storage_add_flows(0, 100), 0);
}

static void
full_disk_is_reported_and_recovered_without_a_restart(void)
{
	begin_with_rows();
	disk.write = SQLITE_FULL;
	fails_and_recovers(-ENOSPC);
	storage_end();
}

static void
failing_disk_is_reported_and_recovered_without_a_restart(void)
{
	begin_with_rows();
	disk.write = SQLITE_IOERR_WRITE;
	fails_and_recovers(-EIO);
	storage_end();
}

static void
log_that_can_not_be_emptied_is_reported_while_flows_are_recorded(void)
{
	struct store_status st;
	unsigned int n;

	begin();
	disk.sync = SQLITE_IOERR_FSYNC;
	for (n = 0; n < 40000; n += 1000)
		CU_ASSERT_EQUAL(storage_add_flows(n, 1000), 0);
	CU_ASSERT_EQUAL(store_status(storage, &st, &storage_err), 0);
	CU_ASSERT_EQUAL(st.last_errno, EIO);
	CU_ASSERT_PTR_NOT_NULL(strstr(st.last_error, "cannot empty the log"));
	CU_ASSERT(st.wal_used > 8 << 20);
	disk.sync = 0;
	CU_ASSERT_EQUAL(store_wal_checkpoint(storage, &storage_err), 0);
	CU_ASSERT_EQUAL(storage_int("SELECT count(*) FROM flow"), 40000);
	CU_ASSERT_STRING_EQUAL(storage_text("PRAGMA integrity_check"), "ok");
	storage_end();
}

static void
close_on_a_failing_disk_says_so_and_closes(void)
{
	begin();
	disk.write = SQLITE_FULL;
	CU_ASSERT_EQUAL(store_close(storage, &storage_err), -ENOSPC);
	storage = NULL;
	disk_heal();
	CU_ASSERT_EQUAL(storage_open(), 0);
	CU_ASSERT_EQUAL(storage_int("SELECT count(*) FROM run WHERE stopped IS NULL"), 2);
	storage_end();
}

TAP_MAIN(store_disk, TAP_TEST(policy_is_on_the_disk_when_it_is_reported_saved),
	 TAP_TEST(batch_of_flows_does_not_wait_for_the_disk),
	 TAP_TEST(full_disk_is_reported_and_recovered_without_a_restart),
	 TAP_TEST(failing_disk_is_reported_and_recovered_without_a_restart),
	 TAP_TEST(log_that_can_not_be_emptied_is_reported_while_flows_are_recorded),
	 TAP_TEST(close_on_a_failing_disk_says_so_and_closes))
