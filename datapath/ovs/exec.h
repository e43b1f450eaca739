/*
 * exec.h - runs one of the switch's tools and waits for it.
 *
 * Argument arrays, never a shell; always a time limit.  Owns nothing between two
 * calls.  For the control thread and other threads that may block, never for a
 * worker.  Uses SIGCHLD in no way, so it lives beside any handler that does not
 * reap children of others.
 */
#ifndef LEAT_DATAPATH_OVS_EXEC_H
#define LEAT_DATAPATH_OVS_EXEC_H

#include "datapath/err.h"

struct exec_result {
	int status;	/* exit status, or 128 + signal */
	char *out;	/* standard output, ends with a NUL; to be freed */
	char *err;	/* standard error, likewise */
};

/*
 * Runs argv[0] (found by PATH) with `in` (may be NULL: nothing) as its standard
 * input and waits until it ends, at most `timeout_ms`, after which it is killed.
 * `doing` says in a few words what this is done for and begins every message.
 * Whatever the exit status is, the result is filled and the caller frees it by
 * exec_result_fini().
 * Returns 0 if the program ran to an end, whatever its status.  -ENOENT if there is no
 * such program, -ETIMEDOUT, or another errno of the system; then there is no result.
 */
int exec_run(const char *doing, char *const argv[], const char *in, int timeout_ms,
	     struct exec_result *r, struct err *e);

/*
 * As exec_run, and an exit status other than 0 is an error too: -EIO, with the
 * program, its status and all it said.  `*out` (to be freed) is its standard output
 * if `out` is not NULL.
 */
int exec_ok(const char *doing, char *const argv[], const char *in, int timeout_ms, char **out,
	    struct err *e);

void exec_result_fini(struct exec_result *r);

#endif
