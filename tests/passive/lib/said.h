/*
 * said.h - what the ends of bench-passive's captures say, and who they are.
 *
 * A byte follows from the flow's number, its direction and its offset, so that whoever is given
 * bytes of a stream can tell whether they are right without a file of them.  A flow's number is in
 * its client's address.  Direction 0 is the client's.
 *
 * Of what a capture shows of it there is a text file, a line a flow, which struct truth holds:
 *	NUMBER BYTES-UP BYTES-DOWN [u|d OFFSET LENGTH]...
 * how much was said (the FINs tell), and the holes: bytes that no frame shows.
 *
 * One thread.
 */
#ifndef LEAT_TESTS_PASSIVE_SAID_H
#define LEAT_TESTS_PASSIVE_SAID_H

#include <stdbool.h>
#include <stdint.h>

enum { SAID_CLIENTS = 10, SAID_HOLES = 8 };	/* 10.0.0.0/8 */

/* Bytes of a stream that begins like HTTP's. */
void said_bytes(uint32_t flow, unsigned d, uint64_t off, uint8_t *to, uint32_t len);

/* How many of these are what was said there. */
uint32_t said_right(uint32_t flow, unsigned d, uint64_t off, const uint8_t *bytes, uint32_t len);

struct truth_hole {
	uint8_t d;
	uint32_t off, len;
};

struct truth_row {
	uint32_t len[2];
	uint8_t n_holes;
	struct truth_hole hole[SAID_HOLES];
};

struct truth_file {
	uint32_t n_flows;
	struct truth_row *row;		/* by number */
	uint64_t shown;			/* bytes of all streams that some frame shows */
	uint64_t holes;			/* their number */
	uint64_t hole_bytes;
};

/* 0, or -1 with errno. */
int truth_read(struct truth_file *t, const char *path);
void truth_fini(struct truth_file *t);

/* How many bytes of [off, off + len) are in holes. */
uint32_t truth_hidden(const struct truth_row *r, unsigned d, uint64_t off, uint64_t len);

#endif
