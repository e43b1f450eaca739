#include "tests/unit/disk.h"

#include <sqlite3.h>
#include <stdbool.h>
#include <string.h>
#include <unistd.h>

struct disk_file {
	sqlite3_file base;
	bool is_wal;
	sqlite3_file *real;
};

struct disk disk;

static sqlite3_vfs *real_vfs, disk_vfs;

static sqlite3_file *
real(sqlite3_file *f)
{
	return ((struct disk_file *)f)->real;
}

/* Only the next call stalls. */
static void
stall(atomic_uint *ms)
{
	unsigned int n = atomic_exchange(ms, 0);

	if (n > 0)
		usleep(n * 1000);
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
	int rc = atomic_load(&disk.write);

	stall(&disk.write_stall_ms);
	return rc ? rc : real(f)->pMethods->xWrite(real(f), from, n, at);
}

static int
disk_truncate(sqlite3_file *f, sqlite3_int64 size)
{
	return real(f)->pMethods->xTruncate(real(f), size);
}

static int
disk_sync(sqlite3_file *f, int flags)
{
	int rc = atomic_load(&disk.sync);

	stall(&disk.sync_stall_ms);
	if (rc)
		return rc;
	if (((struct disk_file *)f)->is_wal)
		atomic_fetch_add(&disk.n_wal_syncs, 1);
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

void
disk_begin(void)
{
	if (!real_vfs) {
		real_vfs = sqlite3_vfs_find(NULL);
		disk_vfs = *real_vfs;
		disk_vfs.zName = "disk";
		disk_vfs.szOsFile += (int)sizeof(struct disk_file);
		disk_vfs.xOpen = disk_open;
		sqlite3_vfs_register(&disk_vfs, 1);
	}
	disk_heal();
}

void
disk_heal(void)
{
	memset(&disk, 0, sizeof disk);
}
