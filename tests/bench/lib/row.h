/*
 * row.h - what the benchmarks of the data path say: a JSON object a line, and a table.
 *
 * Goals are TSC cycles at 2 GHz above `forward`: what is measured is brought to that rate
 * before it is held against them.  One thread.
 */
#ifndef LEAT_TESTS_BENCH_ROW_H
#define LEAT_TESTS_BENCH_ROW_H

#include <stdint.h>

struct row {
	const char *bench, *mode;
	const char *ports;		/* "ring", "virtio-user"; NULL: none in particular */
	const char *of;			/* what the cycles are of: "packet", "segment" */
	uint64_t flows;
	unsigned payload;		/* bytes */
	double cycles;			/* of this machine's TSC */
	uint64_t copied_bytes;
	double goal;			/* 0: there is none */
};

/* Prints the object on stdout, without its end where `more` is to follow. */
void row_print(const struct row *r, const char *more);

/* On stderr: each of `n` rows beside its goal; `forward` is one of them, or NULL. */
void row_table(const struct row *r, unsigned n, const struct row *forward);

#endif
