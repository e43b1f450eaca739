/*
 * board.c - see board.h.
 */
#include "vnf/board.h"

#include <rte_rcu_qsbr.h>

static unsigned
free_place(const struct board *b)
{
	unsigned i;

	for (i = 0; i < BOARD_PLACES && board_at(b, i); i++)
		;
	return i;
}

bool
board_is_full(const struct board *b)
{
	return free_place(b) == BOARD_PLACES;
}

void
board_put_up(struct board *b, struct board_entry *e)
{
	atomic_store_explicit(&b->place[free_place(b)], e, memory_order_release);
	atomic_store(&b->any, true);
}

void
board_take_down(struct board *b, struct board_entry *e)
{
	bool any = false;
	unsigned i;

	for (i = 0; i < BOARD_PLACES; i++) {
		if (board_at(b, i) == e)
			atomic_store(&b->place[i], NULL);
		any |= board_at(b, i) != NULL;
	}
	atomic_store(&b->any, any);
	e->rcu_token = rte_rcu_qsbr_start(b->qsbr);
	e->next = b->down;
	b->down = e;
}

void
board_run(struct board *b)
{
	struct board_entry **at = &b->down, *e;

	while ((e = *at) != NULL) {
		if (rte_rcu_qsbr_check(b->qsbr, e->rcu_token, false) == 1) {
			*at = e->next;
			b->free(e);
		} else {
			at = &e->next;
		}
	}
}

void
board_fini(struct board *b)
{
	struct board_entry *e;
	unsigned i;

	for (i = 0; i < BOARD_PLACES; i++) {
		e = board_at(b, i);
		if (e)
			b->free(e);
	}
	while ((e = b->down) != NULL) {
		b->down = e->next;
		b->free(e);
	}
}
