#include "tcpterm/window.h"

enum {
	WINDOW_ANY = 1 << 30,	/* what is further off is nobody's (RFC 7323 2.2) */
	WSCALE_MOST = 14,
	LOG_LEAST = 16,		/* window_log counts from here */
	LOG_MOST = 30,
	KEPT_LOG = 4,		/* windows behind: a duplicate that the network kept is so old */
	STRAYS_APART = 1 << 22,	/* bytes: more than what is in flight between two of them */
	PROBE = 2,		/* beyond a closed window: a probe's byte, and what follows */
	LAPS_MOST = 3,
};

/* --- windows --- */

static bool
refuses_scale(const struct track_half *h)
{
	return h->syn && h->wscale == TRACK_NO_WSCALE;
}

static uint8_t
shift_of(const struct track_half *h, const struct track_half *other, const struct pkt *p)
{
	if (p->flags & TCP_SYN || refuses_scale(h) || refuses_scale(other))
		return 0;
	return h->syn ? h->wscale : WSCALE_MOST;
}

/* How far below what is expected a segment may be, by the largest window of `h`'s end. */
static int32_t
behind(const struct track_half *h, const struct track_half *other)
{
	if (!h->syn || !other->syn)
		return WINDOW_ANY;
	return 1 << RTE_MIN(h->window_log + (LOG_LEAST + KEPT_LOG), (unsigned)LOG_MOST);
}

/* Rounded up. */
static void
note_window(struct track_half *h, uint32_t window)
{
	if (window > 1u << (LOG_LEAST + h->window_log))
		h->window_log = (32 - LOG_LEAST - (unsigned)__builtin_clz(window - 1)) & 15;
}

/* What was offered is not taken back for the sender: it may not have heard of it yet. */
static void
offer(struct track_half *h, const struct track_half *other, const struct pkt *p)
{
	uint32_t window = (uint32_t)p->window << shift_of(h, other, p);
	seq_t edge = seq_add(seq(p->ack), window);

	note_window(h, window);
	if (p->flags & TCP_ACK && (!h->acks || seq_lt(h->edge, edge)))
		h->edge = edge;
}

/* --- does it fit --- */

/* Its numbers, against what its receiver offered and acknowledged. */
static bool
number_fits(const struct track_half *h, const struct track_half *other, const struct pkt *p)
{
	seq_t from = seq(p->seq), end = seq_add(from, p->payload_len);
	int32_t most = behind(other, h);

	if (!other->acks)
		return seq_diff(from, h->nxt) <= WINDOW_ANY && seq_diff(from, h->nxt) >= -most;
	return seq_diff(end, other->edge) <= PROBE && seq_diff(end, other->rcv_nxt) >= -most;
}

/* What it acknowledges, against what the other end sent. */
static bool
ack_fits(const struct track_half *h, const struct track_half *other, const struct pkt *p)
{
	seq_t ack = seq(p->ack), latest = h->acks ? h->rcv_nxt : other->isn;

	/* Who has a connection of before answers a SYN by what it expects (RFC 5961 4.2). */
	if (!h->acks && other->syn)
		return seq_lt(other->isn, ack) && seq_le(ack, other->nxt);
	return seq_le(ack, other->nxt) && seq_diff(ack, latest) >= -behind(h, other);
}

/* It answers a SYN that is not of this connection. */
static bool
answers_another(const struct track *t, const struct pkt *p, unsigned dir)
{
	return t->more && t->more->again[!dir] && p->ack == t->more->again_isn[!dir].v + 1;
}

enum window_fit
window_fit(const struct track *t, const struct pkt *p, unsigned dir)
{
	const struct track_half *h = &t->half[dir], *other = &t->half[!dir];

	if (h->known && !number_fits(h, other, p))
		return other->known && !(p->flags & TCP_SYN) && !answers_another(t, p, dir)
			       ? WINDOW_OUTSIDE
			       : WINDOW_STRANGE;
	if (p->flags & TCP_RST || !(p->flags & TCP_ACK) || !other->known || ack_fits(h, other, p))
		return WINDOW_FITS;
	/* Mid-stream the first that was seen may have been an old segment, sent again. */
	return h->known && other->syn && !(p->flags & TCP_SYN) ? WINDOW_OUTSIDE : WINDOW_STRANGE;
}

/* --- what was taken --- */

/*
 * Bytes of the other end that this one acknowledged, by the numbers: how far it is from the other's
 * SYN, and how many times it was there again.  Where the beginning was not seen, or numbers moved
 * (window_stray()), they are not as many: the difference, and laps for which the half has no room,
 * are in t->more.
 */
static uint64_t
by_numbers(const struct track *t, unsigned d)
{
	const struct track_half *h = &t->half[d], *other = &t->half[!d];

	return (uint64_t)h->laps << 32 | (h->rcv_nxt.v - seq_of(other->isn, 0).v);
}

static uint64_t
taken(const struct track *t, unsigned d)
{
	if (!t->half[d].acks || !t->half[!d].known)
		return 0;
	return by_numbers(t, d) + (t->more ? t->more->taken[d] : 0);
}

/* After its numbers, or the other's, have changed. */
static void
set_taken(struct tcpterm *s, struct track *t, unsigned d, uint64_t n)
{
	struct track_more *m = t->more;
	uint64_t rest;

	t->half[d].laps = 0;
	rest = n - by_numbers(t, d);
	if ((uint32_t)rest == 0 && rest >> 32 <= LAPS_MOST) {
		t->half[d].laps = rest >> 32 & LAPS_MOST;
		rest = 0;
	}
	if (rest && !m)
		m = track_more(s, t);
	if (m)
		m->taken[d] = rest;
}

/* Does its acknowledgement begin another lap? */
static bool
laps(const struct track_half *h, const struct track_half *other, seq_t ack)
{
	uint32_t first = seq_of(other->isn, 0).v;

	return ack.v - first < h->rcv_nxt.v - first;
}

/* --- what it says --- */

static void
learn_numbers(struct tcpterm *s, struct track *t, const struct pkt *p, unsigned dir)
{
	struct track_half *h = &t->half[dir], *other = &t->half[!dir];

	h->known = true;
	h->syn = !!(p->flags & TCP_SYN);
	h->isn = h->syn ? seq(p->seq) : seq(p->seq - 1);
	h->nxt = seq(p->seq);
	h->wscale = TRACK_NO_WSCALE;
	if (!other->acks)
		return;
	if (!h->syn && seq_lt(h->nxt, other->rcv_nxt))
		h->nxt = other->rcv_nxt;
	set_taken(s, t, !dir, 0);
}

void
window_syn(struct track_half *h, const struct tcpterm_options *o)
{
	/* A SYN that fell back to no options comes behind one that has them. */
	if (o->has_wscale)
		h->wscale = RTE_MIN(o->wscale, (uint8_t)WSCALE_MOST);
	if (o->has_mss)
		h->mss = o->mss;
}

static void
follow_sent(struct track_half *h, const struct pkt *p, struct window_news *n)
{
	seq_t from = seq(p->seq), end = seq_add(from, n->len);
	bool fin = p->flags & TCP_FIN;
	int32_t beyond = seq_diff(end, h->nxt);

	n->keepalive = n->len <= 1 && seq_diff(from, h->nxt) == -1 &&
		       !(p->flags & (TCP_SYN | TCP_FIN));
	n->from = h->nxt;
	n->skips = seq_lt(h->nxt, from);
	if (beyond > 0) {
		n->n_new = RTE_MIN((uint32_t)beyond, n->len);
		h->nxt = end;
		h->fin = fin;
	} else if (beyond == 0 && fin) {
		h->fin = true;	/* an acknowledgement that follows it was first */
	}
}

static void
follow_ack(struct tcpterm *s, struct track *t, const struct pkt *p, unsigned dir)
{
	struct track_half *h = &t->half[dir], *other = &t->half[!dir];
	seq_t ack = seq(p->ack), before = h->acks ? h->rcv_nxt : seq_of(other->isn, 0);
	uint64_t n;

	offer(h, other, p);
	if (!(p->flags & TCP_ACK))
		return;
	if (other->known && seq_lt(other->isn, ack))
		other->syn_acked = true;
	if (h->acks && seq_le(ack, h->rcv_nxt))
		return;
	n = taken(t, dir);
	if (seq_lt(before, ack))
		n += (uint32_t)seq_diff(ack, before);
	h->rcv_nxt = ack;
	h->acks = true;
	if (other->known)
		set_taken(s, t, dir, n);
}

struct window_news
window_follow(struct tcpterm *s, struct track *t, const struct pkt *p, unsigned dir)
{
	struct track_half *h = &t->half[dir];
	struct window_news n = { .len = p->payload_len + !!(p->flags & TCP_SYN) +
					!!(p->flags & TCP_FIN) };

	if (!h->known)
		learn_numbers(s, t, p, dir);
	h->syn |= !!(p->flags & TCP_SYN);
	follow_sent(h, p, &n);
	follow_ack(s, t, p, dir);
	return n;
}

bool
window_next(struct track *t, const struct pkt *p, unsigned dir)
{
	struct track_half *h = &t->half[dir], *other = &t->half[!dir];
	seq_t from = seq(p->seq), end = seq_add(from, p->payload_len), ack = seq(p->ack);

	if ((p->flags & (TCP_SYN | TCP_FIN | TCP_RST | TCP_ACK)) != TCP_ACK ||
	    !(h->known & h->acks & other->known & other->acks) || h->fin | other->fin)
		return false;
	if (from.v != h->nxt.v || !seq_le(h->rcv_nxt, ack) || !seq_le(ack, other->nxt) ||
	    !seq_le(other->rcv_nxt, from) || seq_diff(end, other->edge) > PROBE ||
	    laps(h, other, ack))
		return false;
	h->nxt = end;
	offer(h, other, p);
	h->rcv_nxt = ack;
	if (!other->syn_acked && seq_lt(other->isn, ack))
		other->syn_acked = true;
	return true;
}

/* --- what went past --- */

static bool
agree(seq_t a, seq_t b)
{
	return seq_diff(a, b) < STRAYS_APART && seq_diff(b, a) < STRAYS_APART;
}

static void
move_to(struct tcpterm *s, struct track *t, struct track_stray *y, unsigned d)
{
	struct track_half *h = &t->half[d];
	uint64_t n = taken(t, d);

	h->nxt = y->nxt;
	h->timing = h->fin = false;
	if (h->acks && seq_lt(h->rcv_nxt, y->ack))
		n += (uint32_t)seq_diff(y->ack, h->rcv_nxt);
	h->rcv_nxt = y->ack;
	h->edge = y->edge;
	h->acks = true;
	set_taken(s, t, d, n);
	y->is_set = false;
}

void
window_stray(struct tcpterm *s, struct track *t, const struct pkt *p, unsigned dir)
{
	const struct track_half *h = &t->half[dir], *other = &t->half[!dir];
	struct track_stray *y = &t->more->stray[dir], *back = &t->more->stray[!dir];
	uint32_t window = (uint32_t)p->window << shift_of(h, other, p);

	*y = (struct track_stray){
		.is_set = true,
		.nxt = seq_add(seq(p->seq), p->payload_len + !!(p->flags & TCP_FIN)),
		.ack = seq(p->ack),
		.edge = seq_add(seq(p->ack), window),
	};
	if (!back->is_set || !h->known || !other->known || !agree(y->ack, back->nxt) ||
	    !agree(back->ack, y->nxt))
		return;
	move_to(s, t, y, dir);
	move_to(s, t, back, !dir);
}

/* --- what follows from it --- */

bool
window_fin_acked(const struct track *t, unsigned d)
{
	const struct track_half *h = &t->half[d], *other = &t->half[!d];

	return h->fin && other->acks && other->rcv_nxt.v == h->nxt.v;
}

bool
window_believes(const struct track *t, const struct pkt *p, unsigned dir)
{
	const struct track_half *h = &t->half[dir], *other = &t->half[!dir];

	if (!h->known)
		return p->flags & TCP_ACK && other->known && p->ack == other->nxt.v;
	return p->seq == h->nxt.v || (other->acks && p->seq == other->rcv_nxt.v);
}

uint32_t
window_in_flight(const struct track *t, unsigned d)
{
	const struct track_half *h = &t->half[d], *other = &t->half[!d];
	int32_t n = seq_diff(h->nxt, other->acks ? other->rcv_nxt : seq_add(h->isn, 1));

	return h->known && n > 0 ? (uint32_t)n : 0;
}

uint64_t
window_delivered(const struct track *t, unsigned d)
{
	uint64_t n = taken(t, !d);

	return n > 0 && window_fin_acked(t, d) ? n - 1 : n;
}

enum tcpterm_state
window_state(const struct track *t, unsigned d)
{
	const struct track_half *h = &t->half[d], *other = &t->half[!d];

	if (!h->known)
		return TCPTERM_CLOSED;
	if (h->syn && !h->syn_acked)
		return other->known ? TCPTERM_SYN_RECEIVED : TCPTERM_SYN_SENT;
	if (!h->fin)
		return other->fin ? TCPTERM_CLOSE_WAIT : TCPTERM_ESTABLISHED;
	if (window_fin_acked(t, d))
		return other->fin ? TCPTERM_TIME_WAIT : TCPTERM_FIN_WAIT_2;
	if (!other->fin)
		return TCPTERM_FIN_WAIT_1;
	return window_fin_acked(t, !d) ? TCPTERM_LAST_ACK : TCPTERM_CLOSING;
}

/* --- what another kind knew --- */

void
window_of_numbers(struct track_past *past, unsigned d, seq_t isn, int64_t sent)
{
	struct track_half *h = &past->half[d];

	h->known = true;
	h->isn = isn;
	h->nxt = seq_of(isn, sent);
	h->wscale = TRACK_NO_WSCALE;
}

void
window_of_syn(struct track_past *past, unsigned d, uint8_t wscale)
{
	past->half[d].syn = true;
	past->half[d].wscale = wscale & TRACK_NO_WSCALE;
}

void
window_of_ack(struct track_past *past, unsigned d, seq_t other_isn, int64_t ack, int64_t edge,
	      int64_t most)
{
	struct track_half *h = &past->half[d];
	int64_t any = ack + WINDOW_ANY;

	h->acks = true;
	h->rcv_nxt = seq_of(other_isn, ack);
	h->edge = seq_of(other_isn, edge < ack ? any : RTE_MIN(edge, any));
	note_window(h, (uint32_t)RTE_MIN(most, (int64_t)WINDOW_ANY));
	past->half[!d].syn_acked = past->half[!d].syn;
	past->taken[d] = (uint64_t)ack;
}

void
window_of_conn(struct track_past *past, unsigned d, const struct conn *c)
{
	struct track_half *h = &past->half[d];

	h->known = h->syn = h->syn_acked = h->acks = true;
	h->isn = c->irs;
	h->nxt = seq_of(c->irs, c->rcv.nxt);
	h->rcv_nxt = seq_of(c->iss, c->nxt);
	h->edge = seq_of(c->iss, RTE_MAX(c->wnd_edge, c->una));
	h->wscale = c->wscale_on ? RTE_MIN(c->snd_shift, (uint8_t)WSCALE_MOST) : TRACK_NO_WSCALE;
	note_window(h, c->wnd_max);
	h->mss = c->mss;
	past->taken[d] = (uint64_t)c->una;
}

void
window_take_over(struct tcpterm *s, struct track *t, const struct track_past *past)
{
	for (unsigned d = 0; d < 2; d++)
		if (t->half[d].acks && t->half[!d].known)
			set_taken(s, t, d, past->taken[d]);
}
