/*
 * follow.c - see follow.h.
 */
#include "vnf/follow.h"

#include <errno.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "vnf/heap_ring.h"
#include "vnf/row.h"
#include "vnf/worker.h"

enum { N_EVENTS = 1024 };	/* a worker's, that wait */

_Static_assert(sizeof(struct follow_event) % 4 == 0, "rte_ring elements are multiples of 4 bytes");

struct lane {
	struct rte_ring *events;
	_Atomic uint64_t lost;	/* the worker's */
} __rte_cache_aligned;

struct follower {
	struct board_entry entry;
	struct flow_filter filter;
	unsigned n_lanes, next;	/* the lane that is read next */
	struct lane lane[];
};

struct followers {
	unsigned n_workers;
	struct board board;
};

static void
follower_free(struct board_entry *e)
{
	struct follower *f = (struct follower *)e;
	unsigned i;

	for (i = 0; i < f->n_lanes; i++)
		free(f->lane[i].events);
	free(f);
}

struct followers *
followers_new(unsigned n_workers, struct rte_rcu_qsbr *qsbr)
{
	struct followers *fs = calloc(1, sizeof *fs);

	if (!fs)
		return NULL;
	fs->n_workers = n_workers;
	fs->board.qsbr = qsbr;
	fs->board.free = follower_free;
	return fs;
}

static struct follower *
follower_new(unsigned n_workers)
{
	size_t size = sizeof(struct follower) + n_workers * sizeof(struct lane);
	struct follower *f =
		aligned_alloc(RTE_CACHE_LINE_SIZE, RTE_ALIGN_CEIL(size, RTE_CACHE_LINE_SIZE));

	if (!f)
		return NULL;
	memset(f, 0, size);
	for (; f->n_lanes < n_workers; f->n_lanes++) {
		f->lane[f->n_lanes].events =
			heap_ring_new("follow", sizeof(struct follow_event), N_EVENTS);
		if (!f->lane[f->n_lanes].events) {
			follower_free(&f->entry);
			return NULL;
		}
	}
	return f;
}

struct follower *
follow_begin(struct followers *fs, const struct flow_filter *filter, struct err *err)
{
	struct follower *f;

	if (board_is_full(&fs->board)) {
		err_set(err, -EBUSY, "%d clients follow flows already", FOLLOWERS_MAX);
		return NULL;
	}
	f = follower_new(fs->n_workers);
	if (!f) {
		err_set(err, -ENOMEM, "no memory to follow flows");
		return NULL;
	}
	f->filter = *filter;
	board_put_up(&fs->board, &f->entry);
	return f;
}

void
follow_end(struct followers *fs, struct follower *f)
{
	board_take_down(&fs->board, &f->entry);
}

void
followers_run(struct followers *fs)
{
	board_run(&fs->board);
}

void
followers_free(struct followers *fs)
{
	if (fs)
		board_fini(&fs->board);
	free(fs);
}

bool
follow_next(struct follower *f, struct follow_event *e)
{
	unsigned i;

	for (i = 0; i < f->n_lanes; i++) {
		struct lane *l = &f->lane[f->next];

		f->next = (f->next + 1) % f->n_lanes;
		if (rte_ring_sc_dequeue_elem(l->events, e, sizeof *e) == 0)
			return true;
	}
	return false;
}

uint64_t
follow_lost(const struct follower *f)
{
	uint64_t n = 0;
	unsigned i;

	for (i = 0; i < f->n_lanes; i++)
		n += atomic_load_explicit(&f->lane[i].lost, memory_order_relaxed);
	return n;
}

/* --- a worker --- */

bool
followers_any(const struct followers *fs)
{
	return fs && board_any(&fs->board);
}

void
follow_flow(struct worker *w, struct flow *f, bool begins)
{
	const struct flow_subject s = {
		.stack = w->stack, .worker = w->id, .now = w->now, .flow = f
	};
	struct tcpterm_leg_info leg[2];
	struct follow_event e;
	bool filled = false;
	struct follower *one;
	struct lane *l;
	unsigned i;

	for (i = 0; i < FOLLOWERS_MAX; i++) {
		one = (struct follower *)board_at(&w->conf->followers->board, i);
		if (!one || flow_filter_match(&one->filter, &s) != FLOW_FILTER_YES)
			continue;
		if (!filled) {
			memset(&e, 0, sizeof e);
			e.begins = begins;
			row_fill(w->stack, w->id, f, w->now, &e.row, leg);
			filled = true;
		}
		l = &one->lane[w->id];
		if (rte_ring_sp_enqueue_elem(l->events, &e, sizeof e) != 0)
			atomic_fetch_add_explicit(&l->lost, 1, memory_order_relaxed);
	}
}
