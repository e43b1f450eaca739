/*
 * disk.h - a disk that fails, is full, or stalls when a test says so.
 *
 * An SQLite file system of our own before the real one, for every connection that is opened
 * after disk_begin().  Any thread may change what it does.
 */
#ifndef LEAT_TESTS_UNIT_DISK_H
#define LEAT_TESTS_UNIT_DISK_H

#include <stdatomic.h>

struct disk {
	atomic_int write;	/* result code of every write, 0: the real one's */
	atomic_int sync;
	atomic_uint write_stall_ms;	/* the next one takes so long */
	atomic_uint sync_stall_ms;
	atomic_uint n_wal_syncs;
};

extern struct disk disk;

void disk_begin(void);

/* Nothing fails any more, and nothing is counted. */
void disk_heal(void);

#endif
