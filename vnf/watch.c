/*
 * watch.c - see watch.h.
 *
 * A flow is known by its note, which stays with it when it moves to another object.
 */
#include "vnf/watch.h"

#include <errno.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <rte_rcu_qsbr.h>
#include <rte_ring_elem.h>

#include "vnf/row.h"
#include "vnf/worker.h"

enum { N_PIECES = 1024 };

_Static_assert(sizeof(struct watch_piece) % 4 == 0, "rte_ring elements are multiples of 4 bytes");

struct watch {
	unsigned worker;
	uint32_t ref, generation;
	struct rte_ring *pieces;
	atomic_bool nothing;	/* there is no such flow */
	/* the worker's */
	bool looked;
	const struct note *note;	/* NULL: not looked yet, or over */
	struct {
		uint64_t offset, len;
	} lost[2];		/* for which the ring had no room */
	/* the control thread's */
	uint64_t rcu_token;	/* ended: workers that have passed it know nothing of it */
	struct watch *next_ended;
};

struct watches {
	unsigned n_workers;
	struct rte_rcu_qsbr *qsbr;
	atomic_bool any;
	_Atomic(struct watch *) at_work[WATCHES_MAX];
	struct watch *ended;
};

/* --- the control thread --- */

struct watches *
watches_new(unsigned n_workers, struct rte_rcu_qsbr *qsbr)
{
	struct watches *ws = calloc(1, sizeof *ws);

	if (!ws)
		return NULL;
	ws->n_workers = n_workers;
	ws->qsbr = qsbr;
	return ws;
}

static void
watch_free(struct watch *w)
{
	if (w)
		free(w->pieces);
	free(w);
}

/* In ordinary memory: what the switch maps is sized once, at start. */
static struct watch *
watch_new(unsigned worker, uint32_t ref, uint32_t generation)
{
	ssize_t size = rte_ring_get_memsize_elem(sizeof(struct watch_piece), N_PIECES);
	struct watch *w = calloc(1, sizeof *w);

	if (!w)
		return NULL;
	w->worker = worker;
	w->ref = ref;
	w->generation = generation;
	w->pieces = size > 0 ? aligned_alloc(RTE_CACHE_LINE_SIZE, (size_t)size) : NULL;
	if (w->pieces &&
	    rte_ring_init(w->pieces, "watch", N_PIECES, RING_F_SP_ENQ | RING_F_SC_DEQ) == 0)
		return w;
	watch_free(w);
	return NULL;
}

struct watch *
watch_begin(struct watches *ws, unsigned worker, uint32_t ref, uint32_t generation, struct err *err)
{
	struct watch *w;
	unsigned i;

	for (i = 0; i < WATCHES_MAX && atomic_load(&ws->at_work[i]); i++)
		;
	if (i == WATCHES_MAX || worker >= ws->n_workers) {
		if (i == WATCHES_MAX)
			err_set(err, -EBUSY, "%d clients watch flows already", WATCHES_MAX);
		else
			err_set(err, -ENOENT, "there is no such flow");
		return NULL;
	}
	w = watch_new(worker, ref, generation);
	if (!w) {
		err_set(err, -ENOMEM, "no memory to watch a flow");
		return NULL;
	}
	atomic_store_explicit(&ws->at_work[i], w, memory_order_release);
	atomic_store(&ws->any, true);
	return w;
}

void
watch_end(struct watches *ws, struct watch *w)
{
	bool any = false;
	unsigned i;

	for (i = 0; i < WATCHES_MAX; i++) {
		if (atomic_load(&ws->at_work[i]) == w)
			atomic_store(&ws->at_work[i], NULL);
		any |= atomic_load(&ws->at_work[i]) != NULL;
	}
	atomic_store(&ws->any, any);
	w->rcu_token = rte_rcu_qsbr_start(ws->qsbr);
	w->next_ended = ws->ended;
	ws->ended = w;
}

void
watches_run(struct watches *ws)
{
	struct watch **at = &ws->ended, *w;

	while ((w = *at) != NULL) {
		if (rte_rcu_qsbr_check(ws->qsbr, w->rcu_token, false) == 1) {
			*at = w->next_ended;
			watch_free(w);
		} else {
			at = &w->next_ended;
		}
	}
}

void
watches_free(struct watches *ws)
{
	struct watch *w;
	unsigned i;

	if (!ws)
		return;
	for (i = 0; i < WATCHES_MAX; i++)
		watch_free(atomic_load(&ws->at_work[i]));
	while ((w = ws->ended) != NULL) {
		ws->ended = w->next_ended;
		watch_free(w);
	}
	free(ws);
}

bool
watch_is_nothing(const struct watch *w)
{
	return atomic_load_explicit(&w->nothing, memory_order_acquire);
}

bool
watch_next(struct watch *w, struct watch_piece *p)
{
	return rte_ring_sc_dequeue_elem(w->pieces, p, sizeof *p) == 0;
}

/* --- a worker --- */

bool
watches_any(const struct watches *ws)
{
	return ws && atomic_load_explicit(&ws->any, memory_order_relaxed);
}

static struct watch *
watch_at(const struct worker *w, unsigned i)
{
	return atomic_load_explicit(&w->conf->watches->at_work[i], memory_order_acquire);
}

static bool
put(struct watch *one, const struct watch_piece *p)
{
	return rte_ring_sp_enqueue_elem(one->pieces, (void *)(uintptr_t)p, sizeof *p) == 0;
}

static void
put_row(struct watch *one, enum watch_kind kind, const struct flow_record *r)
{
	struct watch_piece p = { .kind = (uint8_t)kind };

	p.row = *r;
	/* an end that finds no room is found out by its client: see cmd/flow_watch.c */
	if (!put(one, &p))
		atomic_store_explicit(&one->nothing, true, memory_order_release);
}

/* A flow without a note has no events to be told of. */
static void
look(struct worker *w, struct watch *one)
{
	struct flow *f = tcpterm_flow(w->stack, one->ref, one->generation);
	struct tcpterm_leg_info leg[2];
	struct flow_record r;

	one->looked = true;
	if (!f || !f->caller || f->caller == &w->pending) {
		atomic_store_explicit(&one->nothing, true, memory_order_release);
		return;
	}
	row_fill(w->stack, w->id, f, w->now, &r, leg);
	one->note = f->caller;
	f->inspected |= f->kind != TCPTERM_KIND_PASSIVE;
	put_row(one, WATCH_BEGIN, &r);
}

void
watch_turn(struct worker *w)
{
	struct watch *one;
	unsigned i;

	for (i = 0; i < WATCHES_MAX; i++) {
		one = watch_at(w, i);
		if (one && one->worker == w->id && !one->looked)
			look(w, one);
	}
}

bool
watch_wants(const struct worker *w, const struct note *n)
{
	struct watch *one;
	unsigned i;

	for (i = 0; i < WATCHES_MAX; i++) {
		one = watch_at(w, i);
		if (one && one->worker == w->id && one->note == n)
			return true;
	}
	return false;
}

static bool
flush_lost(struct watch *one, unsigned dir)
{
	struct watch_piece p = { .kind = WATCH_GAP,
				 .direction = (uint8_t)dir,
				 .offset = one->lost[dir].offset,
				 .len = one->lost[dir].len,
				 .reason = "budget" };

	if (p.len == 0)
		return true;
	if (!put(one, &p))
		return false;
	one->lost[dir].len = 0;
	return true;
}

static void
tell(struct watch *one, const struct watch_piece *p)
{
	if (flush_lost(one, p->direction) && put(one, p))
		return;
	if (one->lost[p->direction].len == 0)
		one->lost[p->direction].offset = p->offset;
	one->lost[p->direction].len = p->offset + p->len - one->lost[p->direction].offset;
}

static void
copy(uint8_t *to, const struct watch_bytes *b, uint32_t at, uint32_t n)
{
	const void *from = b->p ? b->p + at : rte_pktmbuf_read(b->m, b->m_off + at, n, to);

	if (from && from != to)
		memcpy(to, from, n);
}

void
watch_data(struct worker *w, const struct note *n, unsigned dir, uint64_t offset,
	   const struct watch_bytes *b)
{
	struct watch_piece p = { .kind = WATCH_DATA, .direction = (uint8_t)dir };
	struct watch *one;
	uint32_t at;
	unsigned i;

	for (i = 0; i < WATCHES_MAX; i++) {
		one = watch_at(w, i);
		if (!one || one->worker != w->id || one->note != n)
			continue;
		for (at = 0; at < b->len; at += p.n) {
			p.n = (uint16_t)RTE_MIN(b->len - at, (uint32_t)WATCH_BYTES);
			p.len = p.n;
			p.offset = offset + at;
			copy(p.bytes, b, at, p.n);
			tell(one, &p);
		}
	}
}

void
watch_gap(struct worker *w, const struct note *n, unsigned dir, uint64_t offset, uint64_t len,
	  const char *reason)
{
	struct watch_piece p = {
		.kind = WATCH_GAP, .direction = (uint8_t)dir, .offset = offset, .len = len
	};
	struct watch *one;
	unsigned i;

	snprintf(p.reason, sizeof p.reason, "%s", reason);
	for (i = 0; i < WATCHES_MAX; i++) {
		one = watch_at(w, i);
		if (one && one->worker == w->id && one->note == n)
			tell(one, &p);
	}
}

void
watch_over(struct worker *w, const struct note *n, const struct flow_record *r)
{
	struct watch *one;
	unsigned i;

	for (i = 0; i < WATCHES_MAX; i++) {
		one = watch_at(w, i);
		if (!one || one->worker != w->id || one->note != n)
			continue;
		one->note = NULL;
		flush_lost(one, 0);
		flush_lost(one, 1);
		put_row(one, WATCH_END, r);
	}
}
