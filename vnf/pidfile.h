/*
 * pidfile.h - one daemon of a name at a time: a file with its pid, locked while it runs, and the
 * name of its socket that goes with it.
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

/*
 * The control socket's second name, RUN/NAME.PID.ctl, by which `ovs-appctl -t NAME` finds it where
 * OVS_RUNDIR is the run folder: a link to NAME.ctl.  Those of dead processes are removed, so the
 * pidfile must be held.  0, or a negative errno with `err`.
 */
int pidfile_link(const char *run_dir, const char *name, struct err *err);
void pidfile_unlink(const char *run_dir, const char *name);

#endif
