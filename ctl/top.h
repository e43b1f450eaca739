/*
 * top.h - leatctl top: how the daemon, its workers and its busiest flows are, again and again.
 *
 * On a terminal a screen that is drawn over, else a text that is printed over and over.
 */
#ifndef LEAT_CTL_TOP_H
#define LEAT_CTL_TOP_H

#include "ctl/session.h"

/*
 * The words: options -d SECONDS (between two looks, 2) and -n N (looks; for ever on a terminal,
 * else 1), then a filter as flow/list takes it.  An exit status.
 */
int top(const struct options *o, int n_words, const char *const words[]);

#endif
