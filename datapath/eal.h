/*
 * eal.h - DPDK's environment, started once a process.
 *
 * The main thread starts it before any other thread exists; it also calibrates
 * the clock.  Memory is taken whole at start and does not grow, because the
 * switch maps it when it connects.  No file is left behind.
 */
#ifndef LEAT_DATAPATH_EAL_H
#define LEAT_DATAPATH_EAL_H

#include <stdbool.h>

#include "datapath/err.h"

/* One line of DPDK's log, without its newline.  `level` is syslog's (3 error, 4
 * warning, 6 information).  Any thread. */
typedef void eal_log_fn(void *arg, int level, const char *line);

struct eal_conf {
	const char *name;	/* of the instance: the file prefix is leat-NAME */
	const char *lcores;	/* as EAL's --lcores, e.g. "0-1" or "0@0,1@0"; NULL: "0" */
	unsigned mem_mb;	/* taken at start */
	bool no_huge;		/* ordinary memory: for tests, no vhost port can be used */
	bool quick;		/* the TSC times nothing: EAL does not measure it for 100 ms;
				   SIGALRM is ignored from then on */
	eal_log_fn *log;	/* NULL: DPDK's log is discarded */
	void *log_arg;
};

/*
 * 0, or a negative errno; then `err` says in one line what is missing and what to
 * do, e.g. how many hugepages to reserve.  EAL can be started once a process, so
 * after -ENOMEM from the check of hugepages alone another try is of use.
 */
int eal_start(const struct eal_conf *conf, struct err *err);
void eal_stop(void);

#endif
