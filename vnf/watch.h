/*
 * watch.h - the bytes of one flow, watched while they come.
 *
 * A watch has a ring, into which the flow's worker copies what passes from then on; what finds no
 * room is told as a gap of reason `budget`, and no flow waits.  Without watches a worker looks at
 * one byte a turn, and at one for each piece of a stream.
 *
 * Of a passive flow it has both streams as they are reassembled, with their gaps; of a proxied one
 * what is passed on; of a tracked one what crosses, as it crosses: repeated and out of order, too.
 */
#ifndef LEAT_VNF_WATCH_H
#define LEAT_VNF_WATCH_H

#include <stdbool.h>

#include "datapath/err.h"
#include "db/record.h"
#include "vnf/board.h"

enum {
	WATCHES_MAX = BOARD_PLACES,
	WATCH_BYTES = 2016,	/* of a piece */
};

struct watches;
struct watch;
struct worker;
struct flow;
struct note;
struct rte_mbuf;

enum watch_kind { WATCH_BEGIN, WATCH_DATA, WATCH_GAP, WATCH_END };

struct watch_piece {
	uint8_t kind, direction;
	uint16_t n;			/* DATA: in `bytes` */
	uint32_t turned;		/* how often client and server changed places since BEGIN */
	uint64_t offset, len;		/* DATA, GAP */
	char reason[RECORD_WORD];	/* GAP */
	union {
		uint8_t bytes[WATCH_BYTES];
		struct flow_record row;	/* BEGIN, END */
	};
};

/* --- the control thread --- */

/* `qsbr` is the workers'.  NULL: no memory. */
struct watches *watches_new(unsigned n_workers, struct rte_rcu_qsbr *qsbr);

/* No worker runs any more. */
void watches_free(struct watches *ws);

/* NULL fills `err`: there are WATCHES_MAX, no such worker, or no memory. */
struct watch *watch_begin(struct watches *ws, unsigned worker, uint32_t ref, uint32_t generation,
			  struct err *err);
void watch_end(struct watches *ws, struct watch *w);

/* Has its worker looked and found that there is no such flow? */
bool watch_is_nothing(const struct watch *w);

/* The next piece, the first is BEGIN; false: there is none now. */
bool watch_next(struct watch *w, struct watch_piece *p);

/* Frees watches that ended when no worker can know them; every 50 ms or so. */
void watches_run(struct watches *ws);

/* --- a worker --- */

bool watches_any(const struct watches *ws);

/* The rest only where there are any.  Once a turn: finds the flows of new watches. */
void watch_turn(struct worker *w);

/* Is the flow of this note watched? */
bool watch_wants(const struct worker *w, const struct note *n);

/* `len` bytes of direction `dir` from `offset`: at `p`, or (NULL) in the chain from `m_off` on. */
struct watch_bytes {
	const uint8_t *p;
	const struct rte_mbuf *m;
	uint32_t m_off, len;
};
void watch_data(struct worker *w, const struct note *n, unsigned dir, uint64_t offset,
		const struct watch_bytes *b);
void watch_gap(struct worker *w, const struct note *n, unsigned dir, uint64_t offset, uint64_t len,
	       const char *reason);

/* Who is the client was guessed wrong: its directions have changed places. */
void watch_turned(struct worker *w, const struct note *n);

/* The flow ended as `r` says; its note is no more. */
void watch_over(struct worker *w, const struct note *n, const struct flow_record *r);

#endif
