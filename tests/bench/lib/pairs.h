/*
 * pairs.h - proxied connections through a leatd's worker: ports, policy, table, rows and journal.
 *
 * Both ends of each are made up frame by frame (places.h) at the far ends of ring ports, so that
 * they take no memory.  One thread, which is the worker's and the recorder's, too.
 */
#ifndef LEAT_TESTS_BENCH_PAIRS_H
#define LEAT_TESTS_BENCH_PAIRS_H

#include "datapath/pool.h"

/* Opens `n` connections with payload in both directions, counts them as `flow count` does, and
 * closes them; prints bytes a pair, and how many a second of its own cycles the worker opens and
 * closes.  False: a payload or a row was not as it should be, or something was left over at the
 * end; it was said on stderr. */
bool pairs_run(const struct pools *pools, uint32_t n);

#endif
