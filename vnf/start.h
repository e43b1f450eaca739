/*
 * start.h - makes a leatd from its options, and takes it down again.
 *
 * Main thread.
 */
#ifndef LEAT_VNF_START_H
#define LEAT_VNF_START_H

#include "vnf/leat.h"

/*
 * Makes all parts and starts their threads.  0, or a negative errno with `err`: one line that
 * says what to do.  The errors of a bad policy are on standard error before it.  leat_stop() is
 * called in both cases.
 */
int leat_start(struct leat *l, const struct options *o, struct err *err);

/*
 * Ends what leat_start() began, in the reverse order.  False if a port is still waiting for
 * the switch: then only what others see was put in order, and the program has to _exit().
 */
bool leat_stop(struct leat *l);

#endif
