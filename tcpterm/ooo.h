/*
 * ooo.h - data that came before its turn, and what SACK tells of it (RFC 2018, 2883).
 *
 * The queue holds mbufs by stream offset, without overlaps.  What was told to be held stays until
 * it is delivered: nothing reneges (RFC 2018 8).  The usual arrival, behind all others, costs the
 * same however much is held, and so does the list of blocks in an ACK.
 * Part of a connection, in its stack's thread; ooo.c writes, all may read.
 */
#ifndef TCPTERM_OOO_H
#define TCPTERM_OOO_H

#include "tcpterm/stream.h"

enum { OOO_N_BLOCKS = 4 };	/* SACK blocks remembered, RFC 2018 4 */

struct conn;

/* Low words of stream offsets: all of them are within 2^31 of rcv.nxt. */
struct ooo_block {
	uint32_t left, right;
};

struct ooo {
	struct rte_mbuf *head, *tail;	/* struct held, by offset */
	uint32_t bytes, mbufs;
	struct ooo_block block[OOO_N_BLOCKS];	/* the latest to have changed first */
	struct ooo_block dup;	/* what came twice and was not told yet, RFC 2883 4 */
	uint8_t n_blocks;
	bool has_dup;
};

/*
 * Holds the `part` of `m`, whose place is at `off`; of what is there already the first copy
 * stays, but for pieces that lie in `m` as a whole: one then holds what many did.  Takes `m`.
 * False: all of it was there, and it was dropped.
 */
bool ooo_insert(struct conn *c, struct rte_mbuf *m, int64_t off, struct part part);

/* Moves what is in order now to the receive stream; false: nothing was. */
bool ooo_deliver(struct conn *c);

/* [left, right) came again: the next ACK says so.  An ACK has room for one report: an earlier one
 * that does not touch this leaves at once. */
void ooo_duplicate(struct conn *c, int64_t left, int64_t right);

/* [off, end) comes in order: tells the first run of it that is held (RFC 2883 4.2). */
void ooo_overlap(struct conn *c, int64_t off, int64_t end);

/* The blocks of the next ACK, at most `n_max`: the duplicate first (RFC 2883 4), then the latest
 * (RFC 2018 4).  Returns how many. */
unsigned ooo_sack(const struct conn *c, unsigned n_max, struct tcpterm_options *o);

/* Has the next ACK something to tell by SACK? */
bool ooo_has_blocks(const struct conn *c);

/* An ACK told it. */
void ooo_told(struct conn *c);

/* Releases all that is held. */
void ooo_clear(struct conn *c);

#endif
