/*
 * help.h - what leatctl says of itself.
 *
 * leatctl's own, one thread.
 */
#ifndef LEAT_CTL_HELP_H
#define LEAT_CTL_HELP_H

#include "ctl/session.h"

/* All commands and options; the daemon's own as well, if it answers soon.  An exit status. */
int help_print(const struct options *o);

/* One command's line; `name` as "flow/list". */
void help_command(const char *name, const char *usage, const char *help);

#endif
