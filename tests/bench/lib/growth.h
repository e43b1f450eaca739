/*
 * growth.h - how long the longest insertion takes while a stack's table grows.
 *
 * One thread.
 */
#ifndef LEAT_TESTS_BENCH_GROWTH_H
#define LEAT_TESTS_BENCH_GROWTH_H

#include <stdbool.h>
#include <stdint.h>

/* Fills empty tables with `n` flows, one after another, and prints the cycles of the longest
 * insertion: of each the least that it took in any of the tables, for the system interrupts one
 * of them now and then.  False: a table did not hold its flows; it was said on stderr. */
bool growth_run(uint32_t n);

#endif
