/*
 * gauge.h - what the scale benchmark measures by, and how it says what came out.
 *
 * Bytes are those of the process that are resident: what its slabs, tables and heads really
 * touched, the kernel's rounding included.  One thread owns it all.
 */
#ifndef LEAT_TESTS_BENCH_GAUGE_H
#define LEAT_TESTS_BENCH_GAUGE_H

#include <stdint.h>

#include "datapath/pool.h"

/* Pools for two stacks whose connections are mostly silent, every byte of them touched.  Says what
 * went wrong and exits. */
struct pools gauge_pools(unsigned n_frames, unsigned n_headers);

/* Bytes of this process in memory. */
uint64_t gauge_resident(void);

/* Seconds of the wall's clock. */
double gauge_seconds(void);

/* {"bench":"scale","spread":...,"what":...,"n":...,"bytes":...}: `bytes` of all `n`. */
void gauge_bytes(const char *spread, const char *what, uint64_t n, uint64_t bytes);

/* The same with another figure than bytes. */
void gauge_figure(const char *spread, const char *what, uint64_t n, const char *figure,
		  double value);

#endif
