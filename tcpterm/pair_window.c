/*
 * What lies beyond the window that a passive pair's other end offered.
 */
#include "tcpterm/pair_window.h"

#include "tcpterm/pieces.h"

/* A hole may be smaller than this: as much as a window can be (RFC 7323 2.3). */
#define FAR (1ll << 30)

enum { STRAYS_IN_A_ROW = 3 };

unsigned
pair_shift(const struct pair *x, unsigned d)
{
	if (x->end[0].shift == SHIFT_NONE || x->end[1].shift == SHIFT_NONE)
		return 0;
	return x->end[d].shift == SHIFT_UNKNOWN ? 14 : x->end[d].shift;
}

bool
pair_in_window(const struct pair *x, unsigned d, int64_t off, int64_t end)
{
	const struct half *h = &x->end[d].h;

	if (off < h->next - FAR || off >= h->sent + FAR)
		return false;
	return h->edge < 0 || pair_shift(x, !d) == 14 || end <= h->edge + h->window_max + 1;
}

/* Keeps its bytes, if there is room; false: the mbuf is the caller's. */
static bool
park(struct tcpterm *s, struct pair_side *e, const struct pkt *p, int64_t off)
{
	uint32_t here = p->payload_len - p->cut;
	struct piece *w;

	if (!here || e->parked.n >= PAIR_STRAYS || s->stats.n_held > s->conf.n_held_max / 4)
		return false;
	w = piece_new(s, p->m, off, p->payload, here);
	if (w)
		pieces_insert(&e->parked, e->parked.last, w);
	return w;
}

void
pair_stray(struct tcpterm *s, struct pair *x, const struct pkt *p, unsigned d, int64_t off)
{
	struct pair_side *e = &x->end[d];
	int64_t end = off + p->payload_len;

	s->stats.out_of_window++;
	e->n_strays = e->stray && off == e->stray_hi ? e->n_strays + 1 : 1;
	e->stray_lo = e->stray ? RTE_MIN(e->stray_lo, off) : off;
	e->stray_hi = e->stray ? RTE_MAX(e->stray_hi, end) : end;
	e->stray_at = s->now.v;
	e->stray = true;
	if (!park(s, e, p, off))
		half_drop(s, p->m);
	/* Of a direction alone nobody says that it has gone on, but itself. */
	if (e->h.alone && e->n_strays >= STRAYS_IN_A_ROW) {
		half_sent(s, &e->h, end);
		pair_stray_admit(s, x, d);
	}
}

bool
pair_stray_acked(struct pair *x, unsigned d, int64_t off)
{
	const struct pair_side *e = &x->end[d];

	return off > e->h.sent && e->stray && off >= e->stray_lo && off <= e->stray_hi;
}

void
pair_stray_admit(struct tcpterm *s, struct pair *x, unsigned d)
{
	struct pair_side *e = &x->end[d];
	struct piece *w, *next;

	for (w = e->parked.first; w; w = next) {
		struct piece was = *w;

		next = w->next;
		if (!pair_in_window(x, d, was.off, was.off + was.len))
			continue;
		pieces_remove(&e->parked, w);
		half_bytes(s, x->f, &e->h, was.off, piece_unwrap(s, w), was.m_off, was.len);
	}
}

int64_t
pair_stray_check(struct tcpterm *s, struct pair *x, unsigned d)
{
	struct pair_side *e = &x->end[d];
	int64_t due = e->stray_at + half_deadline(s);

	if (!e->stray)
		return INT64_MAX;
	if (due > s->now.v)
		return due;
	pair_stray_forget(s, e);
	return INT64_MAX;
}

void
pair_stray_forget(struct tcpterm *s, struct pair_side *e)
{
	pieces_clear(s, &e->parked);
	e->stray = false;
}
