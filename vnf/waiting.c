/*
 * waiting.c - see waiting.h.  Two lists: all of them, in the order in which they began, and those
 * of which something new was heard.
 */
#include "vnf/waiting.h"

#include <assert.h>
#include <stdlib.h>
#include <sys/mman.h>

#include "vnf/reapply.h"
#include "vnf/verdict.h"

enum { RESERVE = 1024 };	/* for the flows that begin in one turn */

struct wait {
	struct wait *next, *prev;	/* `next` alone: free */
	struct wait *next_heard;
	bool heard;
	struct note *note;		/* NULL: it is over */
	struct flow_key key;
	usec_t until;
	uint32_t bytes;
};

struct waiting {
	struct wait *base, *free;
	uint32_t n, n_touched, n_waiting;
	struct wait *first, *last;	/* by when they began */
	struct wait *heard, **heard_tail;
};

struct waiting *
waiting_new(uint32_t n)
{
	struct waiting *w = calloc(1, sizeof *w);

	if (!w)
		return NULL;
	w->n = n;
	w->heard_tail = &w->heard;
	w->base = mmap(NULL, n * sizeof *w->base, PROT_READ | PROT_WRITE,
		       MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (w->base != MAP_FAILED)
		return w;
	free(w);
	return NULL;
}

void
waiting_free(struct waiting *w)
{
	if (!w)
		return;
	munmap(w->base, w->n * sizeof *w->base);
	free(w);
}

uint32_t
waiting_count(const struct waiting *w)
{
	return w->n_waiting;
}

/* --- lists --- */

static struct wait *
take(struct waiting *w)
{
	struct wait *e = w->free;

	if (e)
		w->free = e->next;
	else if (w->n_touched < w->n)
		e = &w->base[w->n_touched++];
	else
		return NULL;
	*e = (struct wait){ .prev = w->last };
	*(w->last ? &w->last->next : &w->first) = e;
	w->last = e;
	w->n_waiting++;
	return e;
}

/* One that was heard stays in that list until its turn comes. */
static void
give(struct waiting *w, struct wait *e)
{
	*(e->prev ? &e->prev->next : &w->first) = e->next;
	*(e->next ? &e->next->prev : &w->last) = e->prev;
	w->n_waiting--;
	e->note = NULL;
	if (e->heard)
		return;
	e->next = w->free;
	w->free = e;
}

/* --- decisions --- */

/* A terminated flow can't be read only; it is followed. */
static void
lower(const struct flow *f, struct policy_verdict *v)
{
	if (v->mode != POLICY_PASSIVE ||
	    (f->kind != TCPTERM_KIND_RELAY && f->kind != TCPTERM_KIND_EMBRYO))
		return;
	v->mode = POLICY_TRACK;
	v->demoted = true;
}

/* False: its bytes have to say more. */
static bool
decide(struct worker *w, struct wait *e, bool settled)
{
	struct flow *f = tcpterm_find(w->stack, &e->key);
	struct note *n = e->note;
	struct policy_verdict v;

	assert(n);	/* who has none does not wait */
	if (!f || f->caller != n) {	/* it is over, and lingers */
		n->wait = NULL;
		give(w->waiting, e);
		return true;
	}
	settled |= app_says_nothing(&n->app, e->bytes);
	verdict_anew(w, f, settled, &v);
	if (v.n_waiting > 0)
		return false;
	n->wait = NULL;
	give(w->waiting, e);
	lower(f, &v);
	reapply_decided(w, f, &v);
	w->stats.decided_late++;
	return true;
}

void
waiting_begin(struct worker *w, struct flow *f, struct note *n)
{
	const struct policy_inspect limit = policy_inspect(w->snapshot->policy);
	struct wait *e = take(w->waiting);

	if (!e) {
		w->stats.waiting_full++;
		return;
	}
	e->note = n;
	e->key = flow_key_of(f);
	e->until = usec_add(w->now, limit.us);
	e->bytes = limit.bytes;
	n->wait = e;
}

void
waiting_heard(struct worker *w, struct note *n)
{
	struct wait *e = n->wait;

	if (e->heard)
		return;
	e->heard = true;
	e->next_heard = NULL;
	*w->waiting->heard_tail = e;
	w->waiting->heard_tail = &e->next_heard;
}

void
waiting_end(struct worker *w, struct note *n)
{
	give(w->waiting, n->wait);
	n->wait = NULL;
}

unsigned
waiting_run(struct worker *w)
{
	struct waiting *all = w->waiting;
	unsigned n = 0;
	struct wait *e;

	while ((e = all->heard) != NULL) {
		all->heard = e->next_heard;
		if (!all->heard)
			all->heard_tail = &all->heard;
		e->heard = false;
		if (e->note) {
			n += decide(w, e, false);
			continue;
		}
		e->next = all->free;
		all->free = e;
	}
	while ((e = all->first) != NULL && !usec_before(w->now, e->until))
		n += decide(w, e, true);
	for (; all->first && all->n_waiting > all->n - RESERVE; n++) {
		w->stats.waiting_full++;
		decide(w, all->first, true);
	}
	return n;
}
