/*
 * raw.h - `flow follow FLOW --raw DIRECTION`: the bytes of one direction of a flow, as they are, on
 * standard output.
 *
 * The daemon tells them as lines of JSON; what a pipe can't be told, that bytes are missing, goes
 * to standard error.  leatctl's own, one thread.
 */
#ifndef LEAT_CTL_RAW_H
#define LEAT_CTL_RAW_H

#include <stdbool.h>

#include "ctl/session.h"

/* Is it that command? */
bool raw_is_asked(const struct request *r);

/* Returns the exit status: EXIT_GAPS where bytes were missing. */
int raw_follow(const struct options *o, const struct request *r);

#endif
