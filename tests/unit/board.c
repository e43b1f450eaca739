/*
 * board.c - what is put up for the workers, and how long it lasts once it is taken down.
 */
#include "vnf/board.h"

#include <stdlib.h>

#include <rte_rcu_qsbr.h>

#include "tests/unit/tap.h"

enum { N_WORKERS = 2 };

static struct rte_rcu_qsbr *qsbr;
static struct board board;
static unsigned n_freed;

static void
count_freed(struct board_entry *e)
{
	(void)e;
	n_freed++;
}

static void
begin(void)
{
	qsbr = aligned_alloc(RTE_CACHE_LINE_SIZE, rte_rcu_qsbr_get_memsize(N_WORKERS));
	CU_ASSERT_PTR_NOT_NULL_FATAL(qsbr);
	CU_ASSERT_EQUAL_FATAL(rte_rcu_qsbr_init(qsbr, N_WORKERS), 0);
	for (unsigned i = 0; i < N_WORKERS; i++) {
		rte_rcu_qsbr_thread_register(qsbr, i);
		rte_rcu_qsbr_thread_online(qsbr, i);
	}
	board = (struct board){ .qsbr = qsbr, .free = count_freed };
	n_freed = 0;
}

static void
what_is_taken_down_lasts_until_every_worker_has_passed(void)
{
	struct board_entry a, b;

	begin();
	CU_ASSERT_FALSE(board_any(&board));
	board_put_up(&board, &a);
	board_put_up(&board, &b);
	board_take_down(&board, &a);
	CU_ASSERT_TRUE(board_any(&board));
	for (unsigned i = 0; i < BOARD_PLACES; i++)
		CU_ASSERT_PTR_NOT_EQUAL(board_at(&board, i), &a);
	board_run(&board);
	rte_rcu_qsbr_quiescent(qsbr, 0);
	board_run(&board);
	CU_ASSERT_EQUAL(n_freed, 0);
	rte_rcu_qsbr_quiescent(qsbr, 1);
	board_run(&board);
	CU_ASSERT_EQUAL(n_freed, 1);
	board_take_down(&board, &b);
	CU_ASSERT_FALSE(board_any(&board));
	board_run(&board);
	CU_ASSERT_EQUAL(n_freed, 1);
	board_fini(&board);
	CU_ASSERT_EQUAL(n_freed, 2);
	free(qsbr);
}

static void
place_is_free_again_at_once(void)
{
	struct board_entry e[BOARD_PLACES + 1];
	unsigned i;

	begin();
	for (i = 0; i < BOARD_PLACES; i++) {
		CU_ASSERT_FALSE(board_is_full(&board));
		board_put_up(&board, &e[i]);
	}
	CU_ASSERT_TRUE(board_is_full(&board));
	board_take_down(&board, &e[3]);
	CU_ASSERT_FALSE(board_is_full(&board));
	board_put_up(&board, &e[BOARD_PLACES]);
	CU_ASSERT_PTR_EQUAL(board_at(&board, 3), &e[BOARD_PLACES]);
	board_fini(&board);
	CU_ASSERT_EQUAL(n_freed, BOARD_PLACES + 1);
	free(qsbr);
}

TAP_MAIN(board, TAP_TEST(what_is_taken_down_lasts_until_every_worker_has_passed),
	 TAP_TEST(place_is_free_again_at_once))
