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

#include "vnf/heap_ring.h"
#include "vnf/row.h"
#include "vnf/worker.h"

enum { N_PIECES = 1024 };

_Static_assert(sizeof(struct watch_piece) % 4 == 0, "rte_ring elements are multiples of 4 bytes");

struct watch {
	struct board_entry entry;
	unsigned worker;
	uint32_t ref, generation;
	struct rte_ring *pieces;
	atomic_bool nothing;	/* there is no such flow */
	/* the worker's */
	bool looked;
	const struct note *note;	/* NULL: not looked yet, or over */
	uint32_t turned;
	struct {
		uint64_t offset, len;
	} lost[2];		/* for which the ring had no room */
};

struct watches {
	unsigned n_workers;
	struct board board;
};

/* --- the control thread --- */

static void
watch_free(struct board_entry *e)
{
	struct watch *w = (struct watch *)e;

	free(w->pieces);
	free(w);
}

struct watches *
watches_new(unsigned n_workers, struct rte_rcu_qsbr *qsbr)
{
	struct watches *ws = calloc(1, sizeof *ws);

	if (!ws)
		return NULL;
	ws->n_workers = n_workers;
	ws->board.qsbr = qsbr;
	ws->board.free = watch_free;
	return ws;
}

static struct watch *
watch_new(unsigned worker, uint32_t ref, uint32_t generation)
{
	struct watch *w = calloc(1, sizeof *w);

	if (!w)
		return NULL;
	w->worker = worker;
	w->ref = ref;
	w->generation = generation;
	w->pieces = heap_ring_new("watch", sizeof(struct watch_piece), N_PIECES);
	if (w->pieces)
		return w;
	watch_free(&w->entry);
	return NULL;
}

struct watch *
watch_begin(struct watches *ws, unsigned worker, uint32_t ref, uint32_t generation, struct err *err)
{
	const bool full = board_is_full(&ws->board);
	struct watch *w;

	if (full || worker >= ws->n_workers) {
		if (full)
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
	board_put_up(&ws->board, &w->entry);
	return w;
}

void
watch_end(struct watches *ws, struct watch *w)
{
	board_take_down(&ws->board, &w->entry);
}

void
watches_run(struct watches *ws)
{
	board_run(&ws->board);
}

void
watches_free(struct watches *ws)
{
	if (ws)
		board_fini(&ws->board);
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
	return ws && board_any(&ws->board);
}

static struct watch *
watch_at(const struct worker *w, unsigned i)
{
	return (struct watch *)board_at(&w->conf->watches->board, i);
}

static bool
put(struct watch *one, struct watch_piece *p)
{
	p->turned = one->turned;
	return rte_ring_sp_enqueue_elem(one->pieces, p, sizeof *p) == 0;
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
tell(struct watch *one, struct watch_piece *p)
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
watch_turned(struct worker *w, const struct note *n)
{
	struct watch *one;
	unsigned i;

	for (i = 0; i < WATCHES_MAX; i++) {
		one = watch_at(w, i);
		if (!one || one->worker != w->id || one->note != n)
			continue;
		RTE_SWAP(one->lost[0], one->lost[1]);
		one->turned++;
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
