/*
 * prepare.h - what leatd does before anything else, as root if it was started so: names its
 * files, makes its folders, becomes its user, opens its logs.
 *
 * Main thread, at start.
 */
#ifndef LEAT_VNF_PREPARE_H
#define LEAT_VNF_PREPARE_H

#include "vnf/leat.h"

/* Fills run_dir and the paths.  0, or a negative errno with `err`. */
int prepare(struct leat *l, struct err *err);

#endif
