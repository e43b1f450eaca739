/*
 * lib.h - the library under test in the simulation's plugs: a stack as a box between two ends, and
 * a connection of a stack as an end.
 *
 * Buffers come from pools that are made once a process and shared by its runs, one after another.
 * DPDK's environment starts with the first of them: in the process that runs, after any fork.
 * Single thread.
 */
#ifndef LEAT_SIM_LIB_H
#define LEAT_SIM_LIB_H

#include <rte_mbuf.h>

#include "tests/sim/lib/box.h"
#include "tests/sim/lib/endpoint.h"

extern const struct box_ops lib_box;
extern const struct endpoint_ops lib_endpoint;

/* The first worker's stack in a box that lib_box made. */
struct tcpterm *lib_box_stack(void *box);

struct lib_pools {
	unsigned n;		/* frames */
	struct rte_mempool *frames, *payload, *headers;
};

/* The pools of that size and purpose (0 a box's, 1 an end's); NULL if they cannot be made. */
const struct lib_pools *lib_pools_get(unsigned purpose, unsigned n_frames);

/* Buffers out of all three. */
unsigned lib_pools_in_use(const struct lib_pools *p);

/* The frame in buffers of `pool`, in the pieces it says and as many more as they need; NULL
 * without buffers. */
struct rte_mbuf *lib_mbuf(struct rte_mempool *pool, const struct frame *f);

/* The frame that a port would send of the chain; lib_frame() frees `m`. */
struct frame *lib_frame_of(const struct rte_mbuf *m);
struct frame *lib_frame(struct rte_mbuf *m);

#endif
