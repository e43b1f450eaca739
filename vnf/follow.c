/*
 * follow.c - see follow.h.
 */
#include "vnf/follow.h"

#include <errno.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include <rte_rcu_qsbr.h>
#include <rte_ring_elem.h>

#include "vnf/row.h"
#include "vnf/worker.h"

enum { N_EVENTS = 1024 };	/* a worker's, that wait */

_Static_assert(sizeof(struct follow_event) % 4 == 0, "rte_ring elements are multiples of 4 bytes");

struct lane {
	struct rte_ring *events;
	_Atomic uint64_t lost;	/* the worker's */
} __rte_cache_aligned;

struct follower {
	struct flow_filter filter;
	unsigned n_lanes, next;	/* the lane that is read next */
	bool ended;
	uint64_t rcu_token;	/* ended: workers that have passed it know nothing of it */
	struct follower *next_ended;
	struct lane lane[];
};

struct followers {
	unsigned n_workers;
	struct rte_rcu_qsbr *qsbr;
	atomic_bool any;
	_Atomic(struct follower *) at_work[FOLLOWERS_MAX];
	struct follower *ended;
};

struct followers *
followers_new(unsigned n_workers, struct rte_rcu_qsbr *qsbr)
{
	struct followers *fs = calloc(1, sizeof *fs);

	if (!fs)
		return NULL;
	fs->n_workers = n_workers;
	fs->qsbr = qsbr;
	return fs;
}

static void
follower_free(struct follower *f)
{
	unsigned i;

	for (i = 0; f && i < f->n_lanes; i++)
		free(f->lane[i].events);
	free(f);
}

/* In ordinary memory: what the switch maps is sized once, at start. */
static struct rte_ring *
ring_new(void)
{
	ssize_t size = rte_ring_get_memsize_elem(sizeof(struct follow_event), N_EVENTS);
	struct rte_ring *r = size > 0 ? aligned_alloc(RTE_CACHE_LINE_SIZE, (size_t)size) : NULL;

	if (r && rte_ring_init(r, "follow", N_EVENTS, RING_F_SP_ENQ | RING_F_SC_DEQ) != 0) {
		free(r);
		r = NULL;
	}
	return r;
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
		f->lane[f->n_lanes].events = ring_new();
		if (!f->lane[f->n_lanes].events) {
			follower_free(f);
			return NULL;
		}
	}
	return f;
}

struct follower *
follow_begin(struct followers *fs, const struct flow_filter *filter, struct err *err)
{
	struct follower *f;
	unsigned i;

	for (i = 0; i < FOLLOWERS_MAX && atomic_load(&fs->at_work[i]); i++)
		;
	if (i == FOLLOWERS_MAX) {
		err_set(err, -EBUSY, "%d clients follow flows already", FOLLOWERS_MAX);
		return NULL;
	}
	f = follower_new(fs->n_workers);
	if (!f) {
		err_set(err, -ENOMEM, "no memory to follow flows");
		return NULL;
	}
	f->filter = *filter;
	atomic_store_explicit(&fs->at_work[i], f, memory_order_release);
	atomic_store(&fs->any, true);
	return f;
}

void
follow_end(struct followers *fs, struct follower *f)
{
	bool any = false;
	unsigned i;

	for (i = 0; i < FOLLOWERS_MAX; i++) {
		if (atomic_load(&fs->at_work[i]) == f)
			atomic_store(&fs->at_work[i], NULL);
		any |= atomic_load(&fs->at_work[i]) != NULL;
	}
	atomic_store(&fs->any, any);
	f->rcu_token = rte_rcu_qsbr_start(fs->qsbr);
	f->next_ended = fs->ended;
	fs->ended = f;
}

void
followers_run(struct followers *fs)
{
	struct follower **at = &fs->ended, *f;

	while ((f = *at) != NULL) {
		if (rte_rcu_qsbr_check(fs->qsbr, f->rcu_token, false) == 1) {
			*at = f->next_ended;
			follower_free(f);
		} else {
			at = &f->next_ended;
		}
	}
}

void
followers_free(struct followers *fs)
{
	struct follower *f;
	unsigned i;

	if (!fs)
		return;
	for (i = 0; i < FOLLOWERS_MAX; i++)
		follower_free(atomic_load(&fs->at_work[i]));
	while ((f = fs->ended) != NULL) {
		fs->ended = f->next_ended;
		follower_free(f);
	}
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
	return fs && atomic_load_explicit(&fs->any, memory_order_relaxed);
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
		one = atomic_load_explicit(&w->conf->followers->at_work[i], memory_order_acquire);
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
