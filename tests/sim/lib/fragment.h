/*
 * fragment.h - the simulation's own IPv4 fragmentation and reassembly, with code of its own.
 *
 * Single thread.
 */
#ifndef LEAT_SIM_FRAGMENT_H
#define LEAT_SIM_FRAGMENT_H

#include "tests/sim/lib/frame.h"

enum { FRAGMENT_PIECES = 4 };

/* May a router cut it: a whole IPv4 datagram of one segment, with payload, no padding, no DF? */
bool fragment_fits(const struct frame *f);

/* Cuts it under the given id into `n` pieces of about the same size, or fewer where it is too
 * short; returns how many.  They are the caller's. */
unsigned fragment_cut(const struct frame *f, uint16_t id, unsigned n,
		      struct frame *piece[FRAGMENT_PIECES]);

bool fragment_is_piece(const struct frame *f);
uint16_t fragment_id(const struct frame *f);

/* What pieces of one datagram have come. */
struct fragment_join {
	struct frame *piece[FRAGMENT_PIECES];
	unsigned n;
};

/* Takes a piece.  The whole, with the given id, once all are here; else NULL. */
struct frame *fragment_add(struct fragment_join *j, struct frame *f, uint16_t id);
void fragment_forget(struct fragment_join *j);

#endif
