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

/* Starts the EAL with room for so many mbufs.  Says what went wrong and exits. */
void gauge_start(unsigned n_frames, unsigned n_headers);

/* Pools out of that room for frames without much payload, every byte of them touched.  Says what
 * went wrong and exits. */
struct pools gauge_pools(unsigned n_frames, unsigned n_headers);

/* Bytes of this process in memory. */
uint64_t gauge_resident(void);

/* Seconds of the wall's clock. */
double gauge_seconds(void);

/* What a figure is of. */
struct gauge_row {
	const char *spread, *what;	/* spread: NULL: as the flows of no spread in particular */
	const char *mark;		/* "\"key\":value" that tells it from others; NULL */
	uint64_t n;
};

/* {"bench":"scale","spread":...,"what":...,"n":...,"bytes":...}: `bytes` of all r->n. */
void gauge_bytes(const struct gauge_row *r, uint64_t bytes);

/* The same with another figure than bytes. */
void gauge_figure(const struct gauge_row *r, const char *figure, double value);

/* A packet's cycles, and the ratio to those of a packet among 1,000. */
void gauge_cycles(const struct gauge_row *r, double cycles, double ratio);

/* Long work says on stderr how far it is: which row is being measured, what is done for it, and how
 * much of it.  Cheap enough to be called for each flow. */
void gauge_stage(const char *spread, const char *what);
void gauge_progress(const char *doing, uint64_t done, uint64_t all);

#endif
