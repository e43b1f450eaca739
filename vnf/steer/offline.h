/*
 * offline.h - `leatd --offline VERB`: steering without a daemon.
 *
 * For `leatctl steer show|clear|bypass` where leatd is dead or hangs.  Needs RUN/NAME.switch
 * (state.h) and the switch's tools; knows no policy.  A process of its own, one thread.
 */
#ifndef LEAT_VNF_STEER_OFFLINE_H
#define LEAT_VNF_STEER_OFFLINE_H

#include "vnf/cmdline.h"

/* Returns the program's exit status. */
int steer_offline(const struct options *o);

#endif
