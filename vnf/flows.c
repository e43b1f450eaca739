/*
 * flows.c - see flows.h.
 *
 * Each worker has a lane, and works at one piece of one question at a time.  A piece has a serial
 * number; what a worker says late, after its question was given up, is recognised by it.
 */
#include "vnf/flows.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <rte_errno.h>
#include <rte_ring_elem.h>

#include "vnf/row.h"

enum {
	N_REPLIES = 256,
	N_REQUESTS = 8,
	PIECE_ROWS = 512,		/* flows in an answer, after which others have their turn */
	PIECE_STEPS = 1024,		/* turns of walking, likewise */
	PATIENCE_US = 5 * 1000 * 1000,
};

/* A piece of a question, by value: nothing of the control thread's is pointed to. */
struct request {
	uint64_t cursor;
	flows_act *act;
	uint64_t arg;
	uint32_t serial;
	uint32_t ref, generation;
	bool one, rows, chosen;
	struct flow_filter filter;	/* if chosen */
};

struct reply {
	uint32_t serial;
	bool last;		/* no view: the piece is through */
	union {
		struct flow_view view;
		struct {
			uint64_t cursor;	/* 0: so is the table */
			uint64_t n;		/* flows in the answer */
		} end;
	};
};

_Static_assert(sizeof(struct request) % 4 == 0 && sizeof(struct reply) % 4 == 0,
	       "rte_ring elements are multiples of 4 bytes");

struct question;

struct lane {
	struct rte_ring *requests, *replies;
	/* the worker's */
	struct request at_work;
	bool busy;
	unsigned n_steps;
	uint64_t cursor, n_said;
	/* the control thread's */
	struct question *asked;	/* whose piece the worker has; NULL: none */
	uint32_t serial;
	usec_t since;		/* it has it, or said something */
};

/* How far a question is on a worker. */
struct progress {
	uint64_t cursor;
	bool through;
};

struct question {
	struct flows_question q;
	struct flow_filter filter;
	struct question *next;
	struct progress at[];
};

struct flows {
	unsigned n_lanes;
	struct lane *lane;
	struct question *first, **last;
	uint32_t serial;
	bool busy;
};

static struct rte_ring *
ring_new(const char *what, unsigned worker, size_t size, unsigned n)
{
	static unsigned serial;
	char name[RTE_RING_NAMESIZE];

	snprintf(name, sizeof name, "flows-%s-%u-%u", what, worker, serial++);
	return rte_ring_create_elem(name, (unsigned)size, n, SOCKET_ID_ANY,
				    RING_F_SP_ENQ | RING_F_SC_DEQ);
}

struct flows *
flows_new(unsigned n_workers, struct err *err)
{
	struct flows *f = calloc(1, sizeof *f);

	if (!f)
		goto no_memory;
	f->last = &f->first;
	f->lane = calloc(n_workers, sizeof *f->lane);
	if (!f->lane)
		goto no_memory;
	for (; f->n_lanes < n_workers; f->n_lanes++) {
		struct lane *l = &f->lane[f->n_lanes];

		l->requests = ring_new("ask", f->n_lanes, sizeof(struct request), N_REQUESTS);
		l->replies = ring_new("say", f->n_lanes, sizeof(struct reply), N_REPLIES);
		if (!l->requests || !l->replies) {
			f->n_lanes++;
			goto no_memory;
		}
	}
	return f;
no_memory:
	flows_free(f);
	err_set(err, -ENOMEM, "no memory for the rings by which flows are read");
	return NULL;
}

/* --- the control thread's side --- */

/* Takes the question out, wherever it stands in the row. */
static void
finish(struct flows *f, struct question *q, int rc)
{
	struct question **at = &f->first;
	unsigned i;

	while (*at != q)
		at = &(*at)->next;
	*at = q->next;
	if (!*at)
		f->last = at;
	for (i = 0; i < f->n_lanes; i++)
		if (f->lane[i].asked == q)
			f->lane[i].asked = NULL;
	q->q.done(q->q.aux, rc);
	free(q);
}

void
flows_free(struct flows *f)
{
	unsigned i;

	if (!f)
		return;
	while (f->first)
		finish(f, f->first, -ECANCELED);
	for (i = 0; i < f->n_lanes; i++) {
		rte_ring_free(f->lane[i].requests);
		rte_ring_free(f->lane[i].replies);
	}
	free(f->lane);
	free(f);
}

int
flows_ask(struct flows *f, const struct flows_question *q)
{
	struct question *n = calloc(1, sizeof *n + f->n_lanes * sizeof n->at[0]);
	unsigned i;

	if (!n)
		return -ENOMEM;
	n->q = *q;
	if (q->filter)
		n->filter = *q->filter;
	for (i = 0; i < f->n_lanes; i++)
		n->at[i].through = q->one && i != q->worker;
	*f->last = n;
	f->last = &n->next;
	return 0;
}

static void
put_piece(struct flows *f, struct lane *l, struct question *q, uint64_t cursor, usec_t now)
{
	struct request r = {
		.cursor = cursor,
		.act = q->q.act,
		.arg = q->q.arg,
		.serial = ++f->serial,
		.ref = q->q.ref,
		.generation = q->q.generation,
		.one = q->q.one,
		.rows = q->q.row != NULL,
		.chosen = q->q.filter != NULL,
	};

	if (r.chosen)
		r.filter = q->filter;
	/* A worker that let its ring fill up is not asked: the question times out. */
	rte_ring_sp_enqueue_elem(l->requests, &r, sizeof r);
	l->asked = q;
	l->serial = r.serial;
	l->since = now;
}

static void
end_piece(struct flows *f, struct lane *l, const struct reply *r)
{
	struct question *q = l->asked;
	struct progress *at = &q->at[l - f->lane];

	at->cursor = r->end.cursor;
	at->through = r->end.cursor == 0;
	l->asked = NULL;
	if (q->q.counted && r->end.n)
		q->q.counted(q->q.aux, r->end.n);
}

static void
collect(struct flows *f, struct lane *l, usec_t now)
{
	struct reply r;
	unsigned n;

	for (n = 0; n < N_REPLIES; n++) {
		if (rte_ring_sc_dequeue_elem(l->replies, &r, sizeof r) != 0)
			return;
		f->busy = true;
		if (!l->asked || r.serial != l->serial)
			continue;
		l->since = now;
		if (r.last)
			end_piece(f, l, &r);
		else
			l->asked->q.row(l->asked->q.aux, &r.view);
	}
}

/* Gives every worker that has none its next piece of this question, if it is to go on. */
static int
go_on(struct flows *f, struct question *q, usec_t now)
{
	bool at_work = false, all_through = true;
	int ready = 0;
	unsigned i;

	for (i = 0; i < f->n_lanes; i++) {
		struct lane *l = &f->lane[i];

		if (l->asked == q && usec_diff(now, l->since) > PATIENCE_US)
			return -ETIMEDOUT;
		at_work |= l->asked == q;
		all_through &= q->at[i].through;
		if (l->asked || q->at[i].through)
			continue;
		if (ready == 0)
			ready = q->q.ready ? q->q.ready(q->q.aux) : 1;
		if (ready <= 0)
			break;
		put_piece(f, l, q, q->at[i].cursor, now);
		f->busy = true;
	}
	if (ready < 0)
		return ready;
	return all_through && !at_work ? 0 : -EINPROGRESS;
}

/* The first in the row goes behind the others, so that each has its turn. */
static void
rotate(struct flows *f)
{
	struct question *q = f->first;

	if (!q || !q->next)
		return;
	f->first = q->next;
	q->next = NULL;
	*f->last = q;
	f->last = &q->next;
}

bool
flows_run(struct flows *f, usec_t now)
{
	struct question *q, *next;
	unsigned i;
	int rc;

	f->busy = false;
	for (i = 0; i < f->n_lanes; i++)
		collect(f, &f->lane[i], now);
	for (q = f->first; q; q = next) {
		next = q->next;
		rc = go_on(f, q, now);
		if (rc != -EINPROGRESS)
			finish(f, q, rc);
	}
	rotate(f);
	return f->first != NULL;
}

bool
flows_busy(const struct flows *f)
{
	return f->busy;
}

/* --- a worker's side --- */

static void
view_of(struct tcpterm *stack, unsigned worker, const struct flow *f, usec_t now,
	struct flow_view *v)
{
	row_fill(stack, worker, f, now, &v->row, v->leg);
	v->idle_us = usec_diff(now, f->last);
	v->kind = f->kind;
	v->roles = f->roles;
	v->is_copy = f->is_copy;
	v->wscale_clamped = f->wscale_clamped;
}

/* Ended flows stay in the table for a while, to answer what is late. */
static bool
is_alive(const struct flow *f)
{
	return f->end == TCPTERM_END_NONE;
}

static bool
is_chosen(const struct request *r, unsigned worker, struct tcpterm *stack, struct flow *f,
	  usec_t now)
{
	const struct flow_subject s = { .stack = stack, .worker = worker, .now = now, .flow = f };

	if (!is_alive(f))
		return false;
	return !r->chosen || flow_filter_match(&r->filter, &s) == FLOW_FILTER_YES;
}

static void
say(struct lane *l, struct tcpterm *stack, unsigned worker, struct flow *f, usec_t now)
{
	const struct request *q = &l->at_work;
	struct reply r;

	if (!is_chosen(q, worker, stack, f, now))
		return;
	/* What `act` ends is gone afterwards, so it is looked at before. */
	if (q->rows) {
		r.serial = q->serial;
		r.last = false;
		view_of(stack, worker, f, now, &r.view);
	}
	if (q->act && !q->act(q->arg, worker, stack, f, now))
		return;
	l->n_said++;
	if (q->rows)
		rte_ring_sp_enqueue_elem(l->replies, &r, sizeof r);
}

static void
say_last(struct lane *l)
{
	struct reply r = {
		.serial = l->at_work.serial,
		.last = true,
		.end = { .cursor = l->cursor, .n = l->n_said },
	};

	rte_ring_sp_enqueue_elem(l->replies, &r, sizeof r);
	l->busy = false;
}

static unsigned
say_all(struct lane *l, unsigned worker, struct tcpterm *stack, usec_t now)
{
	struct flow *found[FLOWS_STEP];
	unsigned i, n = tcpterm_walk(stack, &l->cursor, found, FLOWS_STEP);

	for (i = 0; i < n; i++)
		say(l, stack, worker, found[i], now);
	if (l->cursor == 0 || l->n_said >= PIECE_ROWS || ++l->n_steps == PIECE_STEPS)
		say_last(l);
	return n + 1;
}

unsigned
flows_serve(struct flows *f, unsigned worker, struct tcpterm *stack, usec_t now)
{
	struct lane *l = &f->lane[worker];
	struct flow *one;

	if (!l->busy) {
		if (rte_ring_sc_dequeue_elem(l->requests, &l->at_work, sizeof l->at_work) != 0)
			return 0;
		l->busy = true;
		l->cursor = l->at_work.cursor;
		l->n_said = 0;
		l->n_steps = 0;
	}
	if (rte_ring_free_count(l->replies) <= FLOWS_STEP)
		return 0;
	if (!l->at_work.one)
		return say_all(l, worker, stack, now);
	one = tcpterm_flow(stack, l->at_work.ref, l->at_work.generation);
	if (one)
		say(l, stack, worker, one, now);
	say_last(l);
	return 1;
}
