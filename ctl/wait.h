/*
 * wait.h - leatctl wait-until: asks again and again until the answer is as wanted.
 */
#ifndef LEAT_CTL_WAIT_H
#define LEAT_CTL_WAIT_H

#include "ctl/session.h"

/*
 * The words: CONDITION[,CONDITION]..., then a command.  A condition is COLUMN, one of
 * = != < <= > >=, and a value; all must hold in one row of what the command answers, or, of a
 * table of items and values, among its items.  Ends when the options' time is over.  An exit
 * status.
 */
int wait_until(const struct options *o, int n_words, const char *const words[]);

#endif
