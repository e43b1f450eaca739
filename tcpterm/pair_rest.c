/*
 * Which passive pairs may rest, and what is kept of them.
 */
#include "tcpterm/pair_rest.h"

#include <assert.h>

#include "tcpterm/rest.h"

enum {
	PAIR_QUIET_US = 100 * 1000,	/* before that, no pair is asked whether it may rest */
	PAIRS_MOST = 4,		/* times n_ready are awake: the first is asked at once */
	PAIRS_BUSY = 64,	/* pairs that may not rest, asked in a turn */
};

size_t
pair_part_size(void)
{
	return sizeof(struct pair);
}

/* --- who may --- */

static bool
fits(uint64_t v)
{
	return v <= UINT32_MAX;
}

static bool
is_near(int64_t by)
{
	return by >= INT32_MIN && by <= INT32_MAX;
}

static bool
counts_fit(const struct pair_side *e)
{
	const struct half *h = &e->h;

	return fits(h->n_gaps) && fits(h->late_bytes) && fits(h->duplicates) &&
	       fits(h->out_of_order) && fits(h->conflicts) && fits(e->zero_windows) &&
	       fits((uint64_t)h->window_max);
}

static bool
numbers_fit(const struct half *h)
{
	if (h->next < 0 || h->sent < h->next || !fits((uint64_t)(h->sent - h->next)) ||
	    !is_near(h->next - h->acked) || (h->edge >= 0 && !is_near(h->edge - h->next)))
		return false;
	if (h->suspect >= 0 && (h->suspect <= h->sent || !fits((uint64_t)(h->suspect - h->sent))))
		return false;
	return h->fin < 0 || (h->fin <= h->next && h->next - h->fin <= 1);
}

/* Only one number that a SYN named may be remembered, and no bytes with it. */
static bool
start_fits(const struct pair_side *e)
{
	if (e->n_cand == 0)
		return true;
	return e->n_cand == 1 && !e->h.synced && !e->cand[0].m && e->cand[0].len == 0;
}

/* A gap at the end that nobody was told is kept if it is the only one, and an ordinary one. */
static bool
gap_fits(const struct half *h)
{
	return h->told == h->next ||
	       (h->n_gap == 1 && h->told == h->gap[0].off &&
		h->gap_why == TCPTERM_GAP_LOST_IN_TAP && fits((uint64_t)(h->next - h->told)));
}

/* ACKs beyond what came wait for bytes, unless none of that direction is ever seen. */
static bool
waits(const struct half *h)
{
	return !h->unseen && (h->suspect >= 0 || h->acked > h->next + (h->fin >= 0));
}

static bool
side_may(const struct pair_side *e)
{
	const struct half *h = &e->h;

	if (h->collecting || h->held.first || h->kept.first || h->removed || h->n_urgent ||
	    !counts_fit(e) || !numbers_fit(h))
		return false;
	return !waits(h) && !e->stray && h->n_gap <= 1 && gap_fits(h) && start_fits(e);
}

bool
pair_may_rest(const struct pair *x)
{
	if (x->takeover || x->idle_us % 1000000 || !fits((uint64_t)x->idle_us / 1000000))
		return false;
	if (x->over || x->rst_at != INT64_MAX || x->fin_at != INT64_MAX)
		return false;
	return side_may(&x->end[0]) && side_may(&x->end[1]);
}

/* --- to rest --- */

static struct half_more
more_of(const struct pair_side *e)
{
	const struct half *h = &e->h;
	uint32_t i = (h->n_gap - 1) % HALF_RECENT_GAPS;
	struct half_more m = {
		.gap_bytes = h->synced ? h->gap_bytes : e->acked_bytes,
		.suspect_ahead = h->suspect >= 0 ? (uint32_t)(h->suspect - h->sent) : 0,
		.rack = e->rack.v,
		.n_gaps = (uint32_t)h->n_gaps,
		.late_bytes = (uint32_t)h->late_bytes,
		.duplicates = (uint32_t)h->duplicates,
		.out_of_order = (uint32_t)h->out_of_order,
		.conflicts = (uint32_t)h->conflicts,
		.zero_windows = (uint32_t)e->zero_windows,
		.outdated = e->outdated,
	};

	if (h->n_gap > 0 && fits((uint64_t)(h->next - h->gap[i].off))) {
		m.gap_behind = (uint32_t)(h->next - h->gap[i].off);
		m.gap_len = (uint32_t)(h->gap[i].end - h->gap[i].off);
	}
	return m;
}

/* What pair_more would say. */
static bool
has_more(const struct pair_side *e)
{
	const struct half *h = &e->h;

	return (h->synced ? h->gap_bytes : e->acked_bytes) || h->suspect >= 0 || e->rack.v ||
	       h->n_gap || h->n_gaps || h->late_bytes || h->duplicates || h->out_of_order ||
	       h->conflicts || e->zero_windows || e->outdated;
}

/* A slot for it, if it says anything: there are as many as heads. */
static uint32_t
more_rests(struct tcpterm *s, const struct pair *x)
{
	uint32_t slot;
	struct pair_more *at;

	if (!has_more(&x->end[0]) && !has_more(&x->end[1]))
		return 0;
	at = slab_alloc(&s->pair_more, &slot);
	assert(at);
	for (unsigned d = 0; d < 2; d++)
		at->half[d] = more_of(&x->end[d]);
	return slot + 1;
}

static struct half_rest
side_rests(const struct pair_side *e)
{
	const struct half *h = &e->h;
	return (struct half_rest){
		.next = h->next,
		.isn = e->n_cand ? e->cand[0].isn.v : h->isn.v,
		.sent_ahead = (uint32_t)(h->sent - h->next),
		.acked_behind = (int32_t)(h->next - h->acked),
		.edge_ahead = h->edge >= 0 ? (int32_t)(h->edge - h->next) : 0,
		.window_max = (uint32_t)h->window_max,
		.acked_ms = (uint32_t)(h->acked_at / 1000),
		.mss = e->n_cand ? e->cand[0].mss : e->mss,
		.shift = e->shift,
		.said = e->n_cand ? e->cand[0].said : e->said,
		.start = e->start & 15,
		.fin_behind = (uint8_t)(h->fin < 0 ? 0 : h->next - h->fin + 1) & 3,
		.fin_assumed = h->fin_assumed,
		.ended = h->ended,
		.synced = h->synced,
		.any = e->any,
		.has_edge = h->edge >= 0,
		.has_rack = e->has_rack,
		.candidate = e->n_cand > 0,
		.closing = h->closing,
		.untold = h->told < h->next,
		.acked_one = h->acked_one,
		.stamped = e->stamped,
		.echoed = e->echoed,
		.ts_newest = e->ts_newest,
		.ts_recent = e->ts_recent,
	};
}

void
pair_rests(struct tcpterm *s, struct pair *x)
{
	struct pair_head *h = (struct pair_head *)x->f;

	for (unsigned d = 0; d < 2; d++)
		h->half[d] = side_rests(&x->end[d]);
	h->more = more_rests(s, x);
	h->idle_s = (uint32_t)(x->idle_us / 1000000);
	h->overlap = x->end[0].h.overlap;
	h->urgent = x->end[0].h.urgent;
	h->rests = true;
	rest_pair_free(s, x);
	h->s = s;
}

/* --- and back --- */

static void
half_wakes(struct half *h, const struct half_rest *r, const struct half_more *m,
	   const struct flow *f, usec_t now)
{
	uint32_t ago_ms = (uint32_t)(now.v / 1000) - r->acked_ms;

	h->next = r->next;
	h->isn = seq(r->candidate ? 0 : r->isn);
	h->sent = r->next + r->sent_ahead;
	h->acked = r->next - r->acked_behind;
	h->acked_at = (now.v / 1000 - ago_ms) * 1000;
	h->suspect = m->suspect_ahead ? h->sent + m->suspect_ahead : -1;
	h->suspect_since = f->last.v;
	h->tail_since = h->last_sent = f->last.v;
	h->edge = r->has_edge ? r->next + r->edge_ahead : -1;
	h->window_max = r->window_max;
	h->fin = r->fin_behind ? r->next - (r->fin_behind - 1) : -1;
	h->fin_since = f->last.v;
	h->fin_assumed = r->fin_assumed;
	h->ended = r->ended;
	h->synced = r->synced;
	h->closing = r->closing;
	h->acked_one = r->acked_one;
	h->n_gaps = m->n_gaps;
	h->gap_bytes = r->synced ? m->gap_bytes : 0;
	h->stream_bytes = r->synced ? (uint64_t)r->next - m->gap_bytes : 0;
	h->late_bytes = m->late_bytes;
	h->duplicates = m->duplicates;
	h->out_of_order = m->out_of_order;
	h->conflicts = m->conflicts;
	if (m->gap_len) {
		h->n_gap = 1;
		h->gap[0].off = r->next - m->gap_behind;
		h->gap[0].end = h->gap[0].off + m->gap_len;
	}
	h->told = r->untold ? h->gap[0].off : h->next;
}

static void
side_wakes(struct pair_side *e, const struct half_rest *r, const struct half_more *m,
	   const struct flow *f, usec_t now)
{
	half_wakes(&e->h, r, m, f, now);
	e->shift = r->shift;
	e->start = r->start;
	e->any = r->any;
	e->has_rack = r->has_rack;
	e->rack = seq(m->rack);
	e->acked_bytes = r->synced ? 0 : m->gap_bytes;
	e->zero_windows = m->zero_windows;
	e->outdated = m->outdated;
	e->stamped = r->stamped;
	e->echoed = r->echoed;
	e->ts_newest = r->ts_newest;
	e->ts_recent = r->ts_recent;
	if (!r->candidate) {
		e->said = r->said;
		e->mss = r->mss;
		return;
	}
	e->n_cand = 1;
	e->cand[0] = (struct pair_candidate){
		.isn = seq(r->isn), .shift = r->shift, .said = r->said, .mss = r->mss
	};
}

static void
fill(struct pair *x, const struct pair_head *h, const struct tcpterm *s)
{
	static const struct pair_more nothing;
	const struct pair_more *m = h->more ? slab_at(&s->pair_more, h->more - 1) : &nothing;

	x->idle_us = h->idle_s * 1000000LL;
	x->rst_at = x->fin_at = INT64_MAX;
	for (unsigned d = 0; d < 2; d++) {
		half_init(&x->end[d].h, d, (enum tcpterm_overlap)h->overlap);
		x->end[d].h.urgent = h->urgent;
		side_wakes(&x->end[d], &h->half[d], &m->half[d], &h->f, s->now);
		x->end[d].h.alone = !(h->f.seen & 1u << !d);
		x->end[d].h.unseen = !(h->f.seen & 1u << d);
	}
}

void
pair_forget_rest(struct tcpterm *s, struct pair_head *h)
{
	if (h->more)
		slab_free(&s->pair_more, h->more - 1);
	h->more = 0;
	h->rests = false;
}

struct pair *
pair_of(const struct flow *f)
{
	struct pair_head *h = (struct pair_head *)f;
	struct tcpterm *s;
	struct pair *x;

	if (!h->rests)
		return h->awake;
	s = h->s;
	x = rest_pair_new(s, &h->f);
	fill(x, h, s);
	pair_forget_rest(s, h);
	return x;
}

/* --- whose turn it is --- */

void
pair_queue(struct tcpterm *s, struct pair *x)
{
	x->quiet.at = s->now;
	TAILQ_INSERT_TAIL(&s->pairs, &x->quiet, link);
	s->n_pairs++;
}

void
pair_unqueue(struct tcpterm *s, struct pair *x)
{
	TAILQ_REMOVE(&s->pairs, &x->quiet, link);
	s->n_pairs--;
}

/* Is it time to look at the first of the pairs? */
static bool
pair_is_due(const struct tcpterm *s, const struct quiet *q)
{
	uint32_t n = s->conf.n_ready;

	if (s->n_pairs < n)
		return false;
	return n == 1 || s->n_pairs >= PAIRS_MOST * n || usec_diff(s->now, q->at) >= PAIR_QUIET_US;
}

/*
 * Most pairs are over before they were ever quiet, so nobody is asked as it speaks.  Each is looked
 * at a while after it began, woke, or was looked at last, and rests if it was quiet meanwhile.
 */
void
pair_rest_run(struct tcpterm *s)
{
	unsigned n_busy = 0, most = RTE_MIN(s->n_pairs, (unsigned)PAIRS_BUSY);
	struct quiet *q;

	while ((q = TAILQ_FIRST(&s->pairs)) && n_busy < most && pair_is_due(s, q)) {
		struct pair *x = pair_of(q->f);
		bool spoke = s->conf.n_ready > 1 && q->at.v < q->f->last.v;

		if (!spoke && pair_may_rest(x)) {
			pair_rests(s, x);
			continue;
		}
		pair_unqueue(s, x);
		pair_queue(s, x);
		n_busy++;
	}
}

const struct pair *
pair_look_at(const struct flow *f, struct pair *room)
{
	const struct pair_head *h = (const struct pair_head *)f;

	if (!h->rests)
		return h->awake;
	*room = (struct pair){ .f = (struct flow *)f };
	fill(room, h, h->s);
	return room;
}
