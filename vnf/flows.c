/*
 * flows.c - see flows.h.
 *
 * A question has a serial number; a worker that answers late, after its question
 * was given up, is recognised by it.
 */
#include "vnf/flows.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <rte_errno.h>
#include <rte_ring_elem.h>

#include "vnf/row.h"

enum { N_REPLIES = 256, N_REQUESTS = 16, PATIENCE_US = 5 * 1000 * 1000 };

struct request {
	uint32_t serial;
	uint32_t one;
	uint32_t ref, generation;
	bool (*act)(uint64_t arg, unsigned worker, struct tcpterm *stack, struct flow *f,
		    usec_t now);
	uint64_t arg;
};

struct reply {
	uint32_t serial;
	uint32_t last;		/* no view: the worker is through */
	struct flow_view view;
};

_Static_assert(sizeof(struct request) % 4 == 0 && sizeof(struct reply) % 4 == 0,
	       "rte_ring elements are multiples of 4 bytes");

/* One worker's side. */
struct lane {
	struct rte_ring *requests, *replies;
	struct request at_work;
	bool busy;
	uint64_t cursor;
};

struct question {
	struct flows_question q;
	uint32_t serial;
	usec_t asked;		/* 0: not yet given to the workers */
	struct question *next;
};

struct flows {
	unsigned n_lanes;
	struct lane *lane;
	struct question *first, **last;
	uint32_t serial;
	unsigned n_answering;
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

void
flows_free(struct flows *f)
{
	struct question *q;
	unsigned i;

	if (!f)
		return;
	while ((q = f->first) != NULL) {
		f->first = q->next;
		q->q.done(q->q.aux, -ECANCELED);
		free(q);
	}
	for (i = 0; i < f->n_lanes; i++) {
		rte_ring_free(f->lane[i].requests);
		rte_ring_free(f->lane[i].replies);
	}
	free(f->lane);
	free(f);
}

/* --- the control thread's side --- */

int
flows_ask(struct flows *f, const struct flows_question *q)
{
	struct question *n = calloc(1, sizeof *n);

	if (!n)
		return -ENOMEM;
	n->q = *q;
	n->serial = ++f->serial;
	*f->last = n;
	f->last = &n->next;
	return 0;
}

static void
finish(struct flows *f, int rc)
{
	struct question *q = f->first;

	f->first = q->next;
	if (!f->first)
		f->last = &f->first;
	f->n_answering = 0;
	q->q.done(q->q.aux, rc);
	free(q);
}

static void
put_to_workers(struct flows *f, struct question *q, usec_t now)
{
	struct request r = {
		.serial = q->serial,
		.one = q->q.one,
		.ref = q->q.ref,
		.generation = q->q.generation,
		.act = q->q.act,
		.arg = q->q.arg,
	};
	unsigned i;

	q->asked = now;
	for (i = 0; i < f->n_lanes; i++) {
		if (q->q.one && i != q->q.worker)
			continue;
		/* A worker that let its ring fill up is not asked: the question times out. */
		rte_ring_sp_enqueue_elem(f->lane[i].requests, &r, sizeof r);
		f->n_answering++;
	}
}

static void
collect(struct flows *f, struct question *q)
{
	struct reply r;
	unsigned i, n;

	for (i = 0; i < f->n_lanes; i++) {
		for (n = 0; n < N_REPLIES; n++) {
			if (rte_ring_sc_dequeue_elem(f->lane[i].replies, &r, sizeof r) != 0)
				break;
			if (r.serial != q->serial)
				continue;
			if (r.last)
				f->n_answering--;
			else
				q->q.row(q->q.aux, &r.view);
		}
	}
}

bool
flows_run(struct flows *f, usec_t now)
{
	struct question *q = f->first;

	if (!q)
		return false;
	if (q->asked.v == 0)
		put_to_workers(f, q, now);
	collect(f, q);
	if (f->n_answering == 0)
		finish(f, 0);
	else if (usec_diff(now, q->asked) > PATIENCE_US)
		finish(f, -ETIMEDOUT);
	return f->first != NULL;
}

/* --- a worker's side --- */

static void
view_of(struct tcpterm *stack, unsigned worker, const struct flow *f, usec_t now,
	struct flow_view *v)
{
	row_fill(stack, worker, f, now, &v->row, v->leg);
	v->idle_us = usec_diff(now, f->last);
	v->kind = f->kind;
	v->roles_guessed = f->roles_guessed;
	v->is_copy = f->is_copy;
}

/* Ended flows stay in the table for a while, to answer what is late. */
static bool
is_alive(const struct flow *f)
{
	return f->kind != TCPTERM_KIND_TIMEWAIT && f->end == TCPTERM_END_NONE;
}

static void
say(struct lane *l, struct tcpterm *stack, unsigned worker, struct flow *f, usec_t now)
{
	struct reply r = { .serial = l->at_work.serial };

	/* What `act` ends is gone afterwards, so it is looked at before. */
	view_of(stack, worker, f, now, &r.view);
	if (l->at_work.act && !l->at_work.act(l->at_work.arg, worker, stack, f, now))
		return;
	rte_ring_sp_enqueue_elem(l->replies, &r, sizeof r);
}

static void
say_last(struct lane *l)
{
	struct reply r = { .serial = l->at_work.serial, .last = 1 };

	rte_ring_sp_enqueue_elem(l->replies, &r, sizeof r);
	l->busy = false;
}

static unsigned
say_all(struct lane *l, unsigned worker, struct tcpterm *stack, usec_t now)
{
	struct flow *found[FLOWS_STEP];
	unsigned i, n = tcpterm_walk(stack, &l->cursor, found, FLOWS_STEP);

	for (i = 0; i < n; i++)
		if (is_alive(found[i]))
			say(l, stack, worker, found[i], now);
	if (l->cursor == 0)
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
		l->cursor = 0;
	}
	if (rte_ring_free_count(l->replies) <= FLOWS_STEP)
		return 0;
	if (!l->at_work.one)
		return say_all(l, worker, stack, now);
	one = tcpterm_flow(stack, l->at_work.ref, l->at_work.generation);
	if (one && is_alive(one))
		say(l, stack, worker, one, now);
	say_last(l);
	return 1;
}
