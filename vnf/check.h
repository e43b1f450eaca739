/*
 * check.h - would leatd start with these options?  What can be said without touching anything.
 *
 * Main thread, before anything is made.
 */
#ifndef LEAT_VNF_CHECK_H
#define LEAT_VNF_CHECK_H

#include <stdio.h>

#include "vnf/cmdline.h"

/* Is the instance's name one of which files can be made?  0, or -EINVAL with `err`. */
int check_name(const char *name, struct err *err);

/*
 * Is the policy of `o` right, and does it name ports that there are?  Its errors are lines on
 * `errors` (file:line:col), and `err` says how many.  0, or a negative errno.
 */
int check_policy(const struct options *o, FILE *errors, struct err *err);

/* All of it, as leatd --check.  0, or a negative errno with `err`. */
int check_start(const struct options *o, FILE *errors, struct err *err);

#endif
