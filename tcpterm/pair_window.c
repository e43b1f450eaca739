/*
 * What lies beyond the window that a passive pair's other end offered.
 */
#include "tcpterm/pair_window.h"

#include "tcpterm/pair_stamp.h"
#include "tcpterm/pieces.h"

/* A hole may be smaller than this: as much as a window can be (RFC 7323 2.3). */
#define FAR (1ll << 30)

enum { STRAYS_IN_A_ROW = 3, OLD_WINDOWS = 16 };

#define OLD_BYTES (1ll << 20)

/* What is less old may be a duplicate that the network kept. */
static bool
is_far_behind(const struct half *h, int64_t off)
{
	int64_t old = RTE_MIN(RTE_MAX(OLD_WINDOWS * h->window_max, OLD_BYTES), FAR);

	return off < (h->alone ? h->next - FAR : h->acked - old);
}

bool
pair_in_window(const struct pair *x, unsigned d, int64_t off, int64_t end)
{
	const struct half *h = &x->end[d].h;

	if (is_far_behind(h, off) || off < h->next - FAR || off >= h->sent + FAR)
		return false;
	return pair_window_reaches(x, d, end);
}

/* Keeps its bytes, if there is room; else they go. */
static void
park(struct tcpterm *s, struct pair_side *e, const struct pkt *p, int64_t off, bool doubted)
{
	uint32_t here = p->payload_len - p->cut;
	struct piece *w = NULL;

	if (here && e->parked.n < PAIR_STRAYS && s->stats.n_held <= s->conf.n_held_max / 4)
		w = piece_new(s, p->m, off, p->payload, here);
	if (!w) {
		half_drop(s, p->m);
		if (doubted)
			pair_stamp_refused(s, e);
		return;
	}
	w->doubted = doubted;
	pieces_insert(&e->parked, e->parked.last, w);
}

/* Bytes [lo, hi) may wait: nothing is straight on for a while. */
static void
note_place(struct tcpterm *s, struct pair_side *e, int64_t lo, int64_t hi)
{
	e->stray_lo = e->stray ? RTE_MIN(e->stray_lo, lo) : lo;
	e->stray_hi = e->stray ? RTE_MAX(e->stray_hi, hi) : hi;
	e->stray_at = s->now.v;
	e->stray = true;
}

void
pair_stray(struct tcpterm *s, struct pair *x, const struct pkt *p, unsigned d, int64_t off,
	   bool is_old)
{
	struct pair_side *e = &x->end[d];
	int64_t end = off + p->payload_len;

	s->stats.out_of_window++;
	e->n_strays = e->stray && off == e->stray_hi ? e->n_strays + 1 : 1;
	note_place(s, e, off, end);
	park(s, e, p, off, is_old);
	/* Of a direction alone nobody says that it has gone on, but itself. */
	if (e->h.alone && e->n_strays >= STRAYS_IN_A_ROW) {
		half_sent(s, &e->h, end);
		pair_stray_admit(s, x, d, false);
	}
}

void
pair_doubt(struct tcpterm *s, struct pair *x, const struct pkt *p, unsigned d, int64_t off)
{
	struct pair_side *e = &x->end[d];
	int64_t end = off + p->payload_len;

	if (p->payload_len == p->cut || !half_lacks(&e->h, off, end)) {
		e->h.duplicates += p->payload_len;
		half_drop(s, p->m);
		pair_stamp_refused(s, e);
		return;
	}
	note_place(s, e, INT64_MAX, -1);	/* an ACK of it makes nothing credible */
	park(s, e, p, off, true);
}

bool
pair_is_elsewhere(const struct pair *x, const struct pkt *p, unsigned d)
{
	const struct pair_side *e = &x->end[d], *o = &x->end[!d];
	int64_t at;

	if ((!e->stray && !o->stray) || (p->flags & (TCP_SYN | TCP_RST | TCP_ACK)) != TCP_ACK ||
	    !e->h.synced)
		return false;
	at = half_offset(&o->h, seq(p->ack));
	if (o->stray && o->h.synced && at >= o->stray_lo && at <= o->stray_hi &&
	    is_far_behind(&o->h, at))
		return true;
	at = half_offset(&e->h, seq(p->seq));
	return e->h.alone && e->stray && e->n_strays >= STRAYS_IN_A_ROW && at == e->stray_hi &&
	       is_far_behind(&e->h, at);
}

bool
pair_stray_acked(struct pair *x, unsigned d, int64_t off)
{
	const struct pair_side *e = &x->end[d];

	return off > e->h.sent && e->stray && off >= e->stray_lo && off <= e->stray_hi;
}

/* What becomes of a doubted piece now. */
enum doubt { DOUBT_STAYS, DOUBT_REFUSED, DOUBT_TAKEN };

/* The other end has it, and had time to have it from elsewhere: is it there, then? */
static enum doubt
judge_doubted(const struct tcpterm *s, const struct half *h, struct piece *w, bool now)
{
	int64_t known = half_known(h), end = w->off + w->len;

	if (known <= w->off)
		return DOUBT_STAYS;
	if (w->evidence == INT64_MAX)
		w->evidence = s->now.v + half_allowance(s);
	if (!now && w->evidence > s->now.v)
		return DOUBT_STAYS;
	if (!half_lacks(h, w->off, RTE_MIN(end, known)))
		return DOUBT_REFUSED;
	w->evidence = INT64_MAX;	/* more of it may be acknowledged */
	return end <= known ? DOUBT_TAKEN : DOUBT_STAYS;
}

static void
settle_doubted(struct tcpterm *s, struct pair *x, unsigned d, struct piece *w, bool now)
{
	struct pair_side *e = &x->end[d];
	enum doubt what = judge_doubted(s, &e->h, w, now);
	const struct piece was = *w;
	struct rte_mbuf *m;

	if (what == DOUBT_STAYS)
		return;
	pieces_remove(&e->parked, w);
	m = piece_unwrap(s, w);
	if (what == DOUBT_REFUSED) {
		half_drop(s, m);
		pair_stamp_refused(s, e);
		return;
	}
	e->echoed = false;	/* so less is known of its receiver's clock than it seemed */
	half_bytes(s, x->f, &e->h, was.off, m, was.m_off, was.len);
}

void
pair_stray_admit(struct tcpterm *s, struct pair *x, unsigned d, bool now)
{
	struct pair_side *e = &x->end[d];
	struct piece *w, *next;

	for (w = e->parked.first; w; w = next) {
		const struct piece was = *w;

		next = w->next;
		if (!pair_in_window(x, d, was.off, was.off + was.len))
			continue;
		if (was.doubted) {
			settle_doubted(s, x, d, w, now);
			continue;
		}
		pieces_remove(&e->parked, w);
		half_bytes(s, x->f, &e->h, was.off, piece_unwrap(s, w), was.m_off, was.len);
	}
}

/* When the first of those that are doubted is due, us. */
static int64_t
doubt_due(const struct pair_side *e)
{
	int64_t due = INT64_MAX;
	const struct piece *w;

	for (w = e->parked.first; w; w = w->next)
		if (w->doubted)
			due = RTE_MIN(due, w->evidence);
	return due;
}

int64_t
pair_stray_check(struct tcpterm *s, struct pair *x, unsigned d)
{
	struct pair_side *e = &x->end[d];
	int64_t due = e->stray_at + half_deadline(s);

	if (!e->stray)
		return INT64_MAX;
	if (due <= s->now.v) {
		pair_stray_forget(s, e);
		return INT64_MAX;
	}
	if (doubt_due(e) <= s->now.v)
		pair_stray_admit(s, x, d, false);
	return RTE_MIN(due, doubt_due(e));
}

void
pair_stray_forget(struct tcpterm *s, struct pair_side *e)
{
	const struct piece *w;

	for (w = e->parked.first; w; w = w->next)
		if (w->doubted)
			pair_stamp_refused(s, e);
	pieces_clear(s, &e->parked);
	e->stray = false;
}
