#include "tcpterm/window.h"

enum {
	WINDOW_ANY = 1 << 30,	/* what is further off is nobody's (RFC 7323 2.2) */
	WSCALE_MOST = 14,
	LOG_LEAST = 16,
	LOG_MOST = 30,
	KEPT_LOG = 4,		/* windows behind: a duplicate that the network kept is so old */
	STRAYS_APART = 1 << 22,	/* bytes: more than what is in flight between two of them */
	PROBE = 2,		/* beyond a closed window: a probe's byte, and what follows */
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
	uint32_t log = h->window_log;

	if (!h->syn || !other->syn)
		return WINDOW_ANY;
	return 1 << RTE_MIN(RTE_MAX(log, (uint32_t)LOG_LEAST) + KEPT_LOG, (uint32_t)LOG_MOST);
}

/* Rounded up. */
static uint32_t
log_of(uint32_t window)
{
	return window > 1 ? 32 - (uint32_t)__builtin_clz(window - 1) : 0;
}

/* What was offered is not taken back for the sender: it may not have heard of it yet. */
static void
offer(struct track_half *h, const struct track_half *other, const struct pkt *p)
{
	uint32_t window = (uint32_t)p->window << shift_of(h, other, p);
	seq_t edge = seq_add(seq(p->ack), window);

	if (h->window_log < log_of(window))
		h->window_log = log_of(window) & 31;
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

/* --- what it says --- */

static void
learn_numbers(struct track_half *h, const struct track_half *other, const struct pkt *p)
{
	h->known = true;
	h->syn = !!(p->flags & TCP_SYN);
	h->isn = h->syn ? seq(p->seq) : seq(p->seq - 1);
	h->nxt = seq(p->seq);
	h->wscale = TRACK_NO_WSCALE;
	if (!h->syn && other->acks && seq_lt(h->nxt, other->rcv_nxt))
		h->nxt = other->rcv_nxt;
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
follow_ack(struct track_half *h, struct track_half *other, const struct pkt *p)
{
	seq_t ack = seq(p->ack), before = h->acks ? h->rcv_nxt : seq_add(other->isn, 1);

	offer(h, other, p);
	if (!(p->flags & TCP_ACK))
		return;
	if (other->known && seq_lt(before, ack))
		h->taken += (uint32_t)seq_diff(ack, before);
	if (!h->acks || seq_lt(h->rcv_nxt, ack))
		h->rcv_nxt = ack;
	h->acks = true;
	if (other->known && seq_lt(other->isn, ack))
		other->syn_acked = true;
}

struct window_news
window_follow(struct track *t, const struct pkt *p, unsigned dir)
{
	struct track_half *h = &t->half[dir], *other = &t->half[!dir];
	struct window_news n = { .len = p->payload_len + !!(p->flags & TCP_SYN) +
					!!(p->flags & TCP_FIN) };

	if (!h->known)
		learn_numbers(h, other, p);
	h->syn |= !!(p->flags & TCP_SYN);
	follow_sent(h, p, &n);
	follow_ack(h, other, p);
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
	    !seq_le(other->rcv_nxt, from) || seq_diff(end, other->edge) > PROBE)
		return false;
	h->nxt = end;
	offer(h, other, p);
	if (ack.v != h->rcv_nxt.v) {
		h->taken += (uint32_t)seq_diff(ack, h->rcv_nxt);
		h->rcv_nxt = ack;
	}
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
move_to(struct track_half *h, struct track_stray *y)
{
	h->nxt = y->nxt;
	h->timing = h->fin = false;
	if (h->acks && seq_lt(h->rcv_nxt, y->ack))
		h->taken += (uint32_t)seq_diff(y->ack, h->rcv_nxt);
	h->rcv_nxt = y->ack;
	h->edge = y->edge;
	h->acks = true;
	y->is_set = false;
}

void
window_stray(struct track_more *m, struct track *t, const struct pkt *p, unsigned dir)
{
	struct track_half *h = &t->half[dir], *other = &t->half[!dir];
	struct track_stray *y = &m->stray[dir], *back = &m->stray[!dir];
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
	move_to(h, y);
	move_to(other, back);
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
	uint64_t n = t->half[!d].taken;

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

void
window_of_numbers(struct track_half *h, seq_t isn, int64_t sent)
{
	h->known = true;
	h->isn = isn;
	h->nxt = seq_of(isn, sent);
	h->wscale = TRACK_NO_WSCALE;
}

void
window_of_ack(struct track_half *h, seq_t ack, uint64_t taken)
{
	h->acks = true;
	h->rcv_nxt = ack;
	h->edge = seq_add(ack, WINDOW_ANY);
	h->taken = taken & ((1ULL << 48) - 1);
}

void
window_of_conn(struct track_half *h, const struct conn *c)
{
	h->known = h->syn = h->syn_acked = h->acks = true;
	h->isn = c->irs;
	h->nxt = seq_of(c->irs, c->rcv.nxt);
	h->rcv_nxt = seq_of(c->iss, c->nxt);
	h->edge = seq_of(c->iss, RTE_MAX(c->wnd_edge, c->una));
	h->wscale = c->wscale_on ? RTE_MIN(c->snd_shift, (uint8_t)WSCALE_MOST) : TRACK_NO_WSCALE;
	h->window_log = RTE_MIN(log_of(c->wnd_max), 30u) & 31;
	h->taken = (uint64_t)c->una;
	h->mss = c->mss;
}
