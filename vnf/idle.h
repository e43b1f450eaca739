/*
 * idle.h - a worker's thread: turn after turn, and sleep where there is nothing to do.
 *
 * Used by worker.c's owner alone; each function on the worker's own thread.
 */
#ifndef LEAT_VNF_IDLE_H
#define LEAT_VNF_IDLE_H

struct worker;

/* The thread's whole life: registers with DPDK and RCU, turns until w->stop. */
void *idle_thread(void *worker);

#endif
