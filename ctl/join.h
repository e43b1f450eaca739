/*
 * join.h - several commands in one call of leatctl, with `--` between: one transaction.
 */
#ifndef LEAT_CTL_JOIN_H
#define LEAT_CTL_JOIN_H

#include "ctl/session.h"

/* Sends them as one (ctl/transaction.h says what that means), and shows what they answer. An
 * exit status. */
int join_run(const struct options *o, int n_words, const char *const words[]);

#endif
