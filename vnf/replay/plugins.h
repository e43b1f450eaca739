/*
 * plugins.h - which of DPDK's drivers are loaded when EAL starts.
 *
 * It loads all that are installed, a hundred, which takes 30 ms; a capture needs one.  The main
 * thread's.
 */
#ifndef LEAT_VNF_REPLAY_PLUGINS_H
#define LEAT_VNF_REPLAY_PLUGINS_H

#include <stdbool.h>

/* Only what holds a pool's objects, from here on; or all again. */
void plugins_few(bool few);

#endif
