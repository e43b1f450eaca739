/*
 * pidfile.h - one daemon of a name at a time: a file with its pid, locked while it runs.
 *
 * The lock is fcntl's, as Open vSwitch's tools expect it.  Main thread.
 */
#ifndef LEAT_VNF_PIDFILE_H
#define LEAT_VNF_PIDFILE_H

#include "datapath/err.h"

/* A descriptor that holds the lock, or -EBUSY if another daemon does, or another negative errno. */
int pidfile_open(const char *path, struct err *err);

/* Removes the file and lets the lock go.  -1 does nothing. */
void pidfile_close(const char *path, int fd);

#endif
