/*
 * sent.h - what a connection has in flight: the scoreboard (RFC 6675 3, RFC 8985 5.2).
 *
 * One entry a segment, in two orders: by offset all of them, by the time of their last
 * transmission those that fly.  An entry flies while it is neither SACKed nor waits,
 * lost, to be sent again.  Neighbours that are SACKed become one entry, so that an ACK's work is
 * in what it newly acknowledges and in the holes, not in what is in flight.
 * Owned by sent.c, which alone writes it; of the stack's thread.
 */
#ifndef TCPTERM_SENT_H
#define TCPTERM_SENT_H

#include <stdbool.h>
#include <stdint.h>

#include "datapath/clock.h"

struct conn;
struct ackinfo;

enum { SENT_N_RUNS = 4 };	/* as many as an option has blocks */

/* A segment in flight, or lost; or a run of them that is SACKed. References are slot + 1, 0: none.
 */
struct sent_seg {
	int64_t off;
	usec_t at;		/* when last sent */
	uint32_t next, prev;	/* by offset */
	uint32_t newer, older;	/* by time, of what flies */
	uint32_t len;		/* sequence space: a FIN counts 1 */
	uint16_t n;		/* segments that it stands for */
	bool sacked : 1, lost : 1;
	bool rexmit : 1;	/* lost, sent again, and that copy is in flight */
	bool ever_rexmit : 1;	/* Karn: gives no RTT sample */
};

struct sent {
	uint32_t head, tail;	/* by offset */
	uint32_t oldest, newest;	/* by time */
	uint32_t next_lost;	/* no lost entry that does not fly lies before it; 0: unknown */
	uint32_t run[SENT_N_RUNS];	/* SACKed runs, the latest to grow first */
	/* Byte sums of the entries' flags; lost and sacked exclude each other. */
	uint32_t sacked, lost, rexmit;
	uint32_t n_sacked;	/* segments */
	uint32_t reno_sacked;	/* bytes; without SACK: what duplicate ACKs stand for */
	usec_t began;		/* when there was nothing in flight for the last time */
	uint64_t busy_us;	/* with something in flight, up to then */
};

/* The entry of a reference, NULL for none. */
struct sent_seg *sent_seg(const struct conn *c, uint32_t ref);

/* The newest entry is [off, off + len); false: no memory, counted. */
bool sent_push(struct conn *c, int64_t off, uint32_t len);

/* Takes the last entry back: it was not sent after all. */
void sent_unpush(struct conn *c);

/* The time in which something was in flight, us. */
uint64_t sent_busy_us(const struct conn *c);

/* All below `una` is acknowledged; fills what `a` says of it. */
void sent_ack(struct conn *c, int64_t una, struct ackinfo *a);

/* A SACK block (RFC 2018): una <= left < right <= nxt. */
void sent_sack(struct conn *c, int64_t left, int64_t right, struct ackinfo *a);

/* The entry, or its copy, does not arrive any more. */
void sent_lose(struct conn *c, struct sent_seg *g);
void sent_lose_head(struct conn *c);

/* After a timeout without RACK (RFC 6298 5.4): all that is not SACKed. */
void sent_lose_all(struct conn *c);

/* A receiver whose first missing byte is SACKed has reneged (RFC 2018 8). Nothing that it said
 * counts any more; false: it has not. */
bool sent_reneged(struct conn *c);

/* All that is in flight and carries more than `mss` bytes is lost to a smaller path. */
void sent_mark_larger(struct conn *c, uint32_t mss);

/* Nothing was lost after all: what waits to be sent again flies. */
void sent_unlose(struct conn *c);

/* The next lost entry that does not fly again, cut to `mss` if there is memory for that. NULL. */
struct sent_seg *sent_next_lost(struct conn *c, uint32_t mss);

/* The last entry, cut so that it has at most `mss` bytes; none of it is lost or SACKed. NULL. */
struct sent_seg *sent_last(struct conn *c, uint32_t mss);

/* The entry left once more. */
void sent_again(struct conn *c, struct sent_seg *g);

/* A duplicate ACK of a peer that does not SACK: some segment arrived (RFC 5681 3.2). */
void sent_dup_ack(struct conn *c);

/* RFC 6675 pipe: bytes in the network. */
uint32_t sent_pipe(const struct conn *c);

void sent_clear(struct conn *c);

#endif
