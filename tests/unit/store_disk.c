/*
 * store_disk.c - a disk that fails, is full, and must have synced.
 *
 * An SQLite file system of our own stands before the real one: it counts what is
 * synced, and fails what a test tells it to.
 */
#include "db/store.h"
#include "tests/unit/storage.h"
#include "tests/unit/tap.h"

#include <errno.h>
#include <sqlite3.h>
#include <stdio.h>
#include <string.h>

struct disk_file {
	sqlite3_file base;
	bool is_wal;
	sqlite3_file *real;
};

static struct {
	int write;		/* result code of every write, 0: the real one's */
	int sync;
	unsigned int n_wal_syncs;
} disk;

static sqlite3_vfs *real_vfs, disk_vfs;

static sqlite3_file *
real(sqlite3_file *f)
{
	return ((struct disk_file *)f)->real;
}

static int
disk_close(sqlite3_file *f)
{
	return real(f)->pMethods->xClose(real(f));
}

static int
disk_read(sqlite3_file *f, void *to, int n, sqlite3_int64 at)
{
	return real(f)->pMethods->xRead(real(f), to, n, at);
}

static int
disk_write(sqlite3_file *f, const void *from, int n, sqlite3_int64 at)
{
	return disk.write ? disk.write : real(f)->pMethods->xWrite(real(f), from, n, at);
}

static int
disk_truncate(sqlite3_file *f, sqlite3_int64 size)
{
	return real(f)->pMethods->xTruncate(real(f), size);
}

static int
disk_sync(sqlite3_file *f, int flags)
{
	if (disk.sync)
		return disk.sync;
	disk.n_wal_syncs += ((struct disk_file *)f)->is_wal;
	return real(f)->pMethods->xSync(real(f), flags);
}

static int
disk_size(sqlite3_file *f, sqlite3_int64 *size)
{
	return real(f)->pMethods->xFileSize(real(f), size);
}

static int
disk_lock(sqlite3_file *f, int level)
{
	return real(f)->pMethods->xLock(real(f), level);
}

static int
disk_unlock(sqlite3_file *f, int level)
{
	return real(f)->pMethods->xUnlock(real(f), level);
}

static int
disk_reserved(sqlite3_file *f, int *is)
{
	return real(f)->pMethods->xCheckReservedLock(real(f), is);
}

static int
disk_control(sqlite3_file *f, int op, void *arg)
{
	return real(f)->pMethods->xFileControl(real(f), op, arg);
}

static int
disk_sector(sqlite3_file *f)
{
	return real(f)->pMethods->xSectorSize(real(f));
}

static int
disk_device(sqlite3_file *f)
{
	return real(f)->pMethods->xDeviceCharacteristics(real(f));
}

static int
disk_shm_map(sqlite3_file *f, int page, int size, int extend, void volatile **p)
{
	return real(f)->pMethods->xShmMap(real(f), page, size, extend, p);
}

static int
disk_shm_lock(sqlite3_file *f, int offset, int n, int flags)
{
	return real(f)->pMethods->xShmLock(real(f), offset, n, flags);
}

static void
disk_shm_barrier(sqlite3_file *f)
{
	real(f)->pMethods->xShmBarrier(real(f));
}

static int
disk_shm_unmap(sqlite3_file *f, int remove)
{
	return real(f)->pMethods->xShmUnmap(real(f), remove);
}

static const sqlite3_io_methods disk_methods = {
	.iVersion = 2,
	.xClose = disk_close,
	.xRead = disk_read,
	.xWrite = disk_write,
	.xTruncate = disk_truncate,
	.xSync = disk_sync,
	.xFileSize = disk_size,
	.xLock = disk_lock,
	.xUnlock = disk_unlock,
	.xCheckReservedLock = disk_reserved,
	.xFileControl = disk_control,
	.xSectorSize = disk_sector,
	.xDeviceCharacteristics = disk_device,
	.xShmMap = disk_shm_map,
	.xShmLock = disk_shm_lock,
	.xShmBarrier = disk_shm_barrier,
	.xShmUnmap = disk_shm_unmap,
};

static int
disk_open(sqlite3_vfs *vfs, const char *name, sqlite3_file *f, int flags, int *out_flags)
{
	struct disk_file *file = (struct disk_file *)f;
	int rc;

	(void)vfs;
	file->real = (sqlite3_file *)(file + 1);
	file->is_wal = (flags & SQLITE_OPEN_WAL) != 0;
	rc = real_vfs->xOpen(real_vfs, name, file->real, flags, out_flags);
	file->base.pMethods = file->real->pMethods ? &disk_methods : NULL;
	return rc;
}

static void
begin(void)
{
	if (!real_vfs) {
		real_vfs = sqlite3_vfs_find(NULL);
		disk_vfs = *real_vfs;
		disk_vfs.zName = "disk";
		disk_vfs.szOsFile += (int)sizeof(struct disk_file);
		disk_vfs.xOpen = disk_open;
		sqlite3_vfs_register(&disk_vfs, 1);
	}
	memset(&disk, 0, sizeof disk);
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

	memset(&disk, 0, sizeof disk);
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
	memset(&disk, 0, sizeof disk);
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
