/*
 * memory.h - how the memory for packets is shared out, before any of it is taken.
 *
 * Main thread, at start.
 */
#ifndef LEAT_VNF_MEMORY_H
#define LEAT_VNF_MEMORY_H

#include "datapath/pool.h"
#include "vnf/cmdline.h"

struct memory_plan {
	unsigned mb;		/* EAL's memory */
	struct pool_conf pools;	/* as many mbufs as fit, frames and headers alike */
	uint32_t n_held_max;	/* mbufs that streams may hold, of all workers together */
};

/* 0, or -ENOMEM with `err`: the ports and workers of `o` need more. */
int memory_plan(const struct options *o, struct memory_plan *m, struct err *err);

#endif
