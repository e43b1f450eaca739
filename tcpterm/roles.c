/*
 * What is guessed of a flow's ends, and how a flow is turned round.
 */
#include "tcpterm/roles.h"

#include "tcpterm/pair_rest.h"
#include "tcpterm/takeover.h"
#include "tcpterm/track.h"

#define SWAP(array) swap(&(array)[0], &(array)[1], sizeof(array)[0])

static void
swap(void *a, void *b, size_t n)
{
	char *x = a, *y = b;

	for (size_t i = 0; i < n; i++) {
		const char was = x[i];

		x[i] = y[i];
		y[i] = was;
	}
}

/* --- guessed --- */

bool
roles_from_responder(const struct pkt *p, const struct tcpterm_verdict *v)
{
	if (p->flags & TCP_SYN)
		return p->flags & TCP_ACK;
	if (v->sender != TCPTERM_SENDER_GUESSED)
		return v->sender == TCPTERM_SENDER_RESPONDER;
	return p->sport < p->dport;
}

void
roles_begin(struct flow *f, const struct pkt *p, const struct tcpterm_verdict *v)
{
	const bool unsure = v->sender == TCPTERM_SENDER_GUESSED || v->sender_unsure;

	f->roles = !(p->flags & TCP_SYN) && unsure ? TCPTERM_ROLES_GUESSED : TCPTERM_ROLES_KNOWN;
}

/* --- turned --- */

/* What a half holds keeps its place among those of all halves, whose half it is now. */
static void
turn_sides(struct tcpterm *s, struct pair *x)
{
	struct half mark[2];

	for (unsigned d = 0; d < 2; d++) {
		struct half *h = &x->end[d].h;

		if (!h->ordered)
			continue;
		TAILQ_INSERT_BEFORE(h, &mark[d], order);
		TAILQ_REMOVE(&s->holding, h, order);
	}
	SWAP(x->end);
	for (unsigned d = 0; d < 2; d++) {
		struct half *h = &x->end[d].h;

		h->dir = (uint8_t)d;
		if (!h->ordered)
			continue;
		TAILQ_INSERT_BEFORE(&mark[!d], h, order);
		TAILQ_REMOVE(&s->holding, &mark[!d], order);
	}
}

static void
turn_pair(struct tcpterm *s, struct flow *f)
{
	struct pair_head *h = (struct pair_head *)f;

	SWAP(h->carry);
	if (h->rests) {
		SWAP(h->half);
		if (h->more)
			SWAP(((struct pair_more *)slab_at(&s->pair_more, h->more - 1))->half);
		return;
	}
	turn_sides(s, h->awake);
	if (h->awake->takeover)
		SWAP(h->awake->takeover->end);
}

static void
turn_more(struct track_more *m)
{
	SWAP(m->taken);
	SWAP(m->busy);
	SWAP(m->handshake);
	SWAP(m->carry);
	SWAP(m->trouble);
	SWAP(m->stray);
	SWAP(m->hole);
	SWAP(m->again);
	SWAP(m->again_isn);
	if (!m->watch)
		return;
	SWAP(m->watch->end);
	SWAP(m->watch->way);
}

static void
turn_track(struct tcpterm *s, struct track *t)
{
	struct track_timing *g = slab_at(&s->timings, t->f.ref % TRACK_TIMINGS);

	SWAP(t->half);
	t->f.refuse = (uint8_t)(t->f.refuse >> 1 | t->f.refuse << 1) & 3;
	if (t->more)
		turn_more(t->more);
	if (g->ref != t->f.ref)
		return;
	SWAP(g->number);
	SWAP(g->at);
}

static void
turn_head(struct flow *f)
{
	SWAP(f->key.port);
	SWAP(f->key.v4);	/* or the labels */
	if (f->key.v6)
		SWAP((struct ip_addr *)((char *)f - FLOW_V6_LEAD));
	SWAP(f->l2);
	SWAP(f->count);
	f->seen = (uint8_t)(f->seen >> 1 | f->seen << 1) & 3;
}

/* Others have a handshake of their own, and know. */
static bool
may_turn(const struct flow *f)
{
	return f->kind == TCPTERM_KIND_PASSIVE || track_is(f);
}

static void
tell(struct tcpterm *s, struct flow *f)
{
	if (f->announced && s->conf.ops->roles)
		s->conf.ops->roles(s->conf.ctx, f);
}

/* The table finds it as before: it looks for either orientation, by a hash that is the same. */
void
roles_turn(struct tcpterm *s, struct flow *f)
{
	if (!may_turn(f)) {
		f->roles = TCPTERM_ROLES_KNOWN;
		return;
	}
	turn_head(f);
	if (f->kind == TCPTERM_KIND_PASSIVE)
		turn_pair(s, f);
	else
		turn_track(s, (struct track *)f);
	s->learned.p = NULL;
	f->roles = TCPTERM_ROLES_CORRECTED;
	s->stats.roles_corrected++;
	tell(s, f);
}

/* --- evidence --- */

void
roles_remember(struct tcpterm *s, const struct flow *f)
{
	/* who finds no room is mended at its end */
	if (f->roles == TCPTERM_ROLES_WRONG && s->n_wrong < ROLES_WRONG)
		s->wrong[s->n_wrong++] = f->ref;
}

void
tcpterm_initiator_is(struct tcpterm *s, struct flow *f, unsigned dir)
{
	if (f->roles != TCPTERM_ROLES_GUESSED || !may_turn(f))
		return;
	if (dir == 0) {
		f->roles = TCPTERM_ROLES_KNOWN;
		tell(s, f);
		return;
	}
	f->roles = TCPTERM_ROLES_WRONG;
	if (f->end != TCPTERM_END_NONE)
		roles_turn(s, f);
	else
		roles_remember(s, f);
}

void
roles_by_syn(struct tcpterm *s, struct flow *f, const struct pkt *p, unsigned dir)
{
	tcpterm_initiator_is(s, f, p->flags & TCP_ACK ? !dir : dir);
}

void
tcpterm_mend(struct tcpterm *s)
{
	for (uint32_t i = 0; i < s->n_wrong; i++) {
		const struct slab *slab = &s->slabs[s->wrong[i] >> REF_SLAB_SHIFT];
		const uint32_t index = s->wrong[i] & REF_INDEX_MASK;

		/* that may be another flow by now, of which the same holds */
		if (slab_alive(slab, index))
			roles_mend(s, slab_at(slab, index));
	}
	s->n_wrong = 0;
}
