/*
 * board.h - what the control thread puts up for the workers to find, and takes down again.
 *
 * A board has few places, at each of which a worker looks.  What is taken down is freed once every
 * worker has been through a quiescent state, and so knows nothing of it any more.
 */
#ifndef LEAT_VNF_BOARD_H
#define LEAT_VNF_BOARD_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

struct rte_rcu_qsbr;

enum { BOARD_PLACES = 8 };

/* What begins with it may be put up. */
struct board_entry {
	uint64_t rcu_token;	/* taken down: workers that have passed it know nothing of it */
	struct board_entry *next;	/* of those taken down */
};

struct board {
	struct rte_rcu_qsbr *qsbr;	/* the workers' */
	void (*free)(struct board_entry *e);
	atomic_bool any;
	_Atomic(struct board_entry *) place[BOARD_PLACES];
	struct board_entry *down;
};

/* --- the control thread --- */

bool board_is_full(const struct board *b);

/* It is not full. */
void board_put_up(struct board *b, struct board_entry *e);

/* The entry is not the caller's any more. */
void board_take_down(struct board *b, struct board_entry *e);

/* Frees what was taken down and no worker can know; every 50 ms or so. */
void board_run(struct board *b);

/* Frees all: no worker runs any more. */
void board_fini(struct board *b);

/* --- a worker --- */

static inline bool
board_any(const struct board *b)
{
	return atomic_load_explicit(&b->any, memory_order_relaxed);
}

/* NULL: nothing is there. */
static inline struct board_entry *
board_at(const struct board *b, unsigned place)
{
	return atomic_load_explicit(&b->place[place], memory_order_acquire);
}

#endif
