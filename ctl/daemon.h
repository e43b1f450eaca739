/*
 * daemon.h - the leatd program itself, where leatctl has something done without a running one.
 *
 * leatctl's own, one thread.
 */
#ifndef LEAT_CTL_DAEMON_H
#define LEAT_CTL_DAEMON_H

#include <stdbool.h>

#include "ctl/text.h"

/*
 * Runs leatd with these arguments (argv[0] is "leatd") in place of this program: the leatd beside
 * it, or in the sbin folder next to its own, or in PATH.  Returns if there is none.
 */
void daemon_run(char *const argv[]);

/* So `leatd OPTION FILE`. */
void daemon_exec(const char *option, const char *file);

/*
 * Runs the same as another process and appends what it writes to `out`; what it complains of goes
 * where our complaints go.  Its exit status; -1 if there is no leatd: standard input is then
 * untouched.
 */
int daemon_read(const char *option, const char *file, struct text *out);

#endif
