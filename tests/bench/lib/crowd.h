/*
 * crowd.h - flows that a stack only stands between: pairs, tracked and passive ones, TIME-WAIT.
 *
 * Both ends of each are made up frame by frame from the flow's number, so that they take no
 * memory: what the process grows by is the stack's.  One thread.
 */
#ifndef LEAT_TESTS_BENCH_CROWD_H
#define LEAT_TESTS_BENCH_CROWD_H

#include "tests/bench/lib/gauge.h"
#include "tests/bench/lib/places.h"

/* Opens `n` flows (over IPv6 if `v6`) with payload in both directions and looks at all that comes
 * out; prints their bytes as pair, tracked, passive, or timewait (each is closed at once).  False:
 * a payload was not as sent, or something was left over at the end; it was said on stderr. */
bool crowd_run(const struct pools *pools, enum tcpterm_kind kind, bool v6, uint32_t n);

#endif
