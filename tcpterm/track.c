#include "tcpterm/track.h"

#include "tcpterm/options.h"

#define HANDSHAKE_US (75LL * 1000 * 1000)
#define LINGER_US (5LL * 1000 * 1000)	/* what comes late must not look like a new flow */

/* A window whose scale is not known may be as large as any (RFC 7323 2.3). */
#define WINDOW_ANY (1u << 30)

enum { STRAYS_APART = 1 << 22 };	/* bytes: more than what is in flight between two of them */

static bool
followed(const struct flow *f)
{
	return f->kind == TCPTERM_KIND_TRACK;
}

/* --- what a segment says of its sender --- */

static void
learn_isn(struct track_half *h, const struct pkt *p)
{
	h->known = true;
	h->syn = p->flags & TCP_SYN;
	/* Mid-stream the first byte seen is offset 0. */
	h->isn = h->syn ? seq(p->seq) : seq(p->seq - 1);
	h->nxt = h->syn ? -1 : 0;
	h->acked = h->nxt;
	h->fin = h->timed = -1;
	rtt_init(&h->rtt);
}

static void
learn_options(struct tcpterm *s, struct track_half *h, const struct pkt *p)
{
	struct tcpterm_options o;

	options_parse(rte_pktmbuf_mtod_offset(p->m, const uint8_t *, p->l4 + 20), p->opt_len, &o);
	s->stats.options_malformed += o.malformed;
	h->scaled = o.has_wscale;
	h->wscale = o.has_wscale ? RTE_MIN(o.wscale, (uint8_t)TCB_WSCALE_MAX) : 0;
	h->mss = o.has_mss ? o.mss : 0;
}

static void
follow_window(struct track_half *h, const struct track_half *other, const struct pkt *p)
{
	bool scaled = !(p->flags & TCP_SYN) && h->scaled && other->scaled;
	bool zero = p->window == 0 && !(p->flags & (TCP_RST | TCP_SYN));

	h->window = (uint32_t)p->window << (scaled ? h->wscale : 0);
	h->window_max = RTE_MAX(h->window_max, h->window);
	h->n_zero_wnd += zero && !h->zero_window;
	h->zero_window = zero;
}

static void
follow_sequence(struct tcpterm *s, struct track_half *h, const struct pkt *p)
{
	int64_t off = seq_offset(seq(p->seq), h->isn, h->nxt);
	uint32_t len = p->payload_len + !!(p->flags & TCP_SYN) + !!(p->flags & TCP_FIN);
	bool keepalive = len <= 1 && off == h->nxt - 1 && !(p->flags & (TCP_SYN | TCP_FIN));

	if (len == 0 || p->flags & TCP_RST || keepalive)
		return;
	if (p->flags & TCP_FIN)
		h->fin = off + len - 1;
	if (off < h->nxt) {
		h->n_rexmit++;
		s->stats.retransmits++;
		if (h->timed >= 0 && off < h->timed)
			h->timed = -1;	/* Karn */
	} else if (off > h->nxt) {
		h->n_ooo++;
		s->stats.out_of_order++;
	}
	if (off + len <= h->nxt)
		return;
	h->nxt = off + len;
	if (h->timed < 0) {
		h->timed = h->nxt;
		h->timed_at = s->now;
	}
}

/* `h`'s sender acknowledges what `other` sent. */
static void
follow_ack(struct tcpterm *s, struct track_half *h, struct track_half *other, const struct pkt *p)
{
	int64_t ack;

	if (!(p->flags & TCP_ACK))
		return;
	if (!h->acks || seq_lt(h->rcv_nxt, seq(p->ack)))
		h->rcv_nxt = seq(p->ack);
	h->acks = true;
	if (!other->known)
		return;
	ack = seq_offset(seq(p->ack), other->isn, other->nxt);
	if (ack > other->nxt || ack <= other->acked)
		return;
	other->acked = ack;
	other->syn_acked |= ack >= 0;
	if (other->timed >= 0 && ack >= other->timed) {
		rtt_sample(&h->rtt, usec_diff(s->now, other->timed_at));
		other->timed = -1;
	}
}

/* The largest window that `h`'s end can have offered. */
static int64_t
window_of(const struct track_half *h, const struct track_half *other)
{
	bool whole = h->syn && other->syn;

	return whole ? RTE_MAX(h->window_max, (uint32_t)UINT16_MAX) : WINDOW_ANY;
}

/* Could its receiver take the segment?  What lies outside all that was offered says nothing of its
 * sender (RFC 9293 3.10.7.4, RFC 5961 5.2). */
static bool
fits(const struct track *t, const struct pkt *p, unsigned dir)
{
	const struct track_half *h = &t->half[dir], *other = &t->half[!dir];
	int64_t off, ack;

	if (h->known) {
		off = seq_offset(seq(p->seq), h->isn, h->nxt);
		if (off > h->nxt + window_of(other, h) || off < h->acked - window_of(other, h))
			return false;
	}
	if (other->known && p->flags & TCP_ACK) {
		ack = seq_offset(seq(p->ack), other->isn, other->nxt);
		if (ack > other->nxt || ack < other->acked - window_of(h, other))
			return false;
	}
	return true;
}

static bool
agree(seq_t a, seq_t b)
{
	return seq_diff(a, b) < STRAYS_APART && seq_diff(b, a) < STRAYS_APART;
}

static void
move_to(struct track_half *h, seq_t nxt)
{
	h->nxt = h->acked = seq_offset(nxt, h->isn, h->nxt);
	h->timed = -1;
	h->strays = false;
}

/* Part of the connection went past us: when the strays of both ends agree on numbers, they are the
 * ones.  Who would forge them would have to forge both. */
static void
follow_stray(struct track *t, const struct pkt *p, unsigned dir)
{
	struct track_half *h = &t->half[dir], *other = &t->half[!dir];

	h->strays = true;
	h->stray_nxt = seq_add(seq(p->seq), p->payload_len + !!(p->flags & TCP_FIN));
	h->stray_ack = seq(p->ack);
	if (!other->strays || !h->known || !other->known ||
	    !agree(h->stray_ack, other->stray_nxt) || !agree(other->stray_ack, h->stray_nxt))
		return;
	h->rcv_nxt = h->stray_ack;
	other->rcv_nxt = other->stray_ack;
	move_to(h, h->stray_nxt);
	move_to(other, other->stray_nxt);
}

static bool
fin_acked(const struct track_half *h)
{
	return h->known && h->fin >= 0 && h->acked > h->fin;
}

/* A RST ends the flow if its receiver will believe it: the number it expects, the highest
 * sent, or the answer to a SYN. */
static bool
believed(const struct track *t, const struct pkt *p, unsigned dir)
{
	const struct track_half *h = &t->half[dir], *other = &t->half[!dir];
	int64_t off;

	if (!(p->flags & TCP_RST))
		return false;
	if (!h->known)
		return p->flags & TCP_ACK && other->known &&
		       seq_offset(seq(p->ack), other->isn, other->nxt) == other->nxt;
	off = seq_offset(seq(p->seq), h->isn, h->nxt);
	return off == h->acked || off == h->nxt;
}

/* --- life --- */

static usec_t
deadline(const struct track *t)
{
	bool handshake = t->half[0].syn && !(t->half[0].syn_acked && t->half[1].syn_acked);

	if (t->over)
		return usec_add(t->f.last, LINGER_US);
	return usec_add(t->f.last, handshake && followed(&t->f) ? RTE_MIN(HANDSHAKE_US, t->idle_us)
								: t->idle_us);
}

static void
arm(struct tcpterm *s, struct track *t)
{
	flow_arm(s, &t->f, t->watch ? usec_min(deadline(t), t->watch->probe_at) : deadline(t));
}

void
track_release(struct tcpterm *s, struct flow *f)
{
	struct track *t = (struct track *)f;

	watch_free(s, t->watch);
	t->watch = NULL;
}

static void
over(struct tcpterm *s, struct track *t, enum tcpterm_end why)
{
	if (t->over)
		return;
	t->over = true;
	flow_announce_end(s, &t->f, why);
	track_release(s, &t->f);
	arm(s, t);
}

void
track_start(struct tcpterm *s, struct flow *f, const struct pkt *p, const struct tcpterm_verdict *v)
{
	struct track *t = (struct track *)f;

	/* An embryo that became this has left its own head only. */
	memset(t->half, 0, sizeof t->half);
	t->over = false;
	t->watch = v->was_terminated && followed(f) ? watch_new(s, v->repeats_until) : NULL;
	t->idle_us = v->idle_us ? v->idle_us : s->conf.idle_us;
	f->start = !(p->flags & TCP_SYN) ? TCPTERM_START_MIDSTREAM
		   : p->flags & TCP_ACK	 ? TCPTERM_START_SYNACK
					 : TCPTERM_START_SYN;
	f->last = s->now;
	arm(s, t);
}

static void
follow_rst(struct tcpterm *s, struct track *t, const struct pkt *p, unsigned dir)
{
	bool refused = dir == 1 && !t->half[1].known;

	if (!believed(t, p, dir)) {
		s->stats.rst_ignored++;
		return;
	}
	flow_learn(s, &t->f, p, dir);
	over(s, t, refused ? TCPTERM_END_REFUSED : TCPTERM_END_RST);
}

/* What the segment says of bytes that may be missing. */
static void
watch(struct tcpterm *s, struct track *t, const struct pkt *p, unsigned dir)
{
	watch_segment(s, t->watch, p, dir);
	if (watch_whole(t->watch))
		track_release(s, &t->f);
	arm(s, t);
}

/* The owner looks at what crosses. */
static void
tell_owner(struct tcpterm *s, struct track *t, const struct pkt *p, unsigned dir)
{
	const struct track_half *h = &t->half[dir];
	const uint32_t syn = !!(p->flags & TCP_SYN);
	int64_t off = seq_offset(seq(p->seq + syn), h->isn, h->nxt);
	uint32_t at = p->payload, left = p->payload_len;
	const struct rte_mbuf *m;

	if (off < 0 || p->cksum_bad)
		return;
	for (m = p->m; m && left > 0 && t->f.inspected; m = m->next) {
		uint32_t n;

		if (at >= m->data_len) {
			at -= m->data_len;
			continue;
		}
		n = RTE_MIN(left, m->data_len - at);
		s->conf.ops->bytes(s->conf.ctx, &t->f, dir, (uint64_t)off,
				   rte_pktmbuf_mtod_offset(m, const void *, at), n);
		off += n;
		left -= n;
		at = 0;
	}
}

static void
follow(struct tcpterm *s, struct track *t, const struct pkt *p, unsigned dir)
{
	struct track_half *h = &t->half[dir], *other = &t->half[!dir];

	if (p->flags & TCP_RST) {
		follow_rst(s, t, p, dir);
		return;
	}
	if (!fits(t, p, dir)) {
		follow_stray(t, p, dir);
		return;
	}
	flow_learn(s, &t->f, p, dir);
	h->own = manners_of(p);
	if (!h->known)
		learn_isn(h, p);
	if (p->flags & TCP_SYN)
		learn_options(s, h, p);
	follow_sequence(s, h, p);
	follow_ack(s, h, other, p);
	follow_window(h, other, p);
	if (t->f.inspected && p->payload_len > 0)
		tell_owner(s, t, p, dir);
	if (t->watch)
		watch(s, t, p, dir);
	if (fin_acked(h) && fin_acked(other))
		over(s, t, TCPTERM_END_FIN);
}

static bool
is_syn(const struct pkt *p)
{
	return (p->flags & (TCP_SYN | TCP_ACK)) == TCP_SYN;
}

/*
 * Does this segment begin another connection of the same tuple?  Of one that is alive only the
 * other end can say so: it answers a SYN that it does not believe with an ACK (RFC 5961 4), and
 * one that it takes with a SYN-ACK.
 */
static bool
begins_anew(struct track *t, const struct pkt *p, unsigned dir)
{
	struct track_half *h = &t->half[dir], *other = &t->half[!dir];

	/* The SYN of a handshake that was reset may come again. */
	if (is_syn(p) && t->over)
		return !t->refuse || !h->syn || h->isn.v != p->seq;
	if (!followed(&t->f) || !(p->flags & TCP_SYN))
		return false;
	if (!is_syn(p))
		return other->again && p->ack == other->again_isn.v + 1;
	if (!h->known || (h->syn && h->isn.v == p->seq))
		return false;
	if (!other->known)
		return true;
	h->again = true;
	h->again_isn = seq(p->seq);
	return false;
}

/* Is it a SYN, or the answer to one, that is not of this connection? */
static bool
is_foreign(const struct track *t, const struct pkt *p, unsigned dir)
{
	const struct track_half *h = &t->half[dir];

	return p->flags & TCP_SYN && h->known && (!h->syn || h->isn.v != p->seq);
}

/* An end of a connection that was reset has not heard of it, or not believed it. */
static void
refuse(struct tcpterm *s, struct track *t, struct pkt *p, unsigned dir)
{
	uint32_t len = p->payload_len + !!(p->flags & TCP_SYN) + !!(p->flags & TCP_FIN);
	bool has_ack = p->flags & TCP_ACK;

	if (!p->cksum_bad)
		t->half[dir].own = manners_of(p);
	if (t->refuse & 1u << dir && !(p->flags & TCP_RST) && !p->cksum_bad)
		reset_send(s, &t->f, dir, &t->half[!dir].own, has_ack ? p->ack : 0, !has_ack,
			   p->seq + len);
	core_drop(s, p->m, DROP_reset_late);
}

void
track_input(struct tcpterm *s, struct flow *f, struct pkt *p, unsigned dir)
{
	struct track *t = (struct track *)f;

	if (begins_anew(t, p, dir)) {
		track_end(s, f, TCPTERM_END_REPLACED);
		core_new_flow(s, p);
		return;
	}
	flow_count(s, f, p, dir);
	if (!followed(f) && !t->over)
		flow_learn(s, f, p, dir);
	else if (followed(f) && !t->over && !is_foreign(t, p, dir))
		follow(s, t, p, dir);
	if (f->kind == TCPTERM_KIND_DROP && t->over)
		refuse(s, t, p, dir);
	else if (f->kind == TCPTERM_KIND_DROP)
		core_drop(s, p->m, DROP_policy);
	else
		core_forward(s, p);
	if (t->watch && watch_lost(s, t->watch)) {
		s->stats.interrupted_reset++;
		tcpterm_reset_ends(s, f, TCPTERM_BOTH_ENDS, TCPTERM_END_BYTES_LOST);
	}
}

/* --- changes from outside --- */

void
track_take_over(struct tcpterm *s, struct flow *f, const struct track_half half[2], int64_t idle_us)
{
	struct track *t = (struct track *)f;

	memset(t->half, 0, sizeof t->half);
	if (half)
		memcpy(t->half, half, sizeof t->half);
	t->over = false;
	t->refuse = 0;
	t->watch = NULL;
	t->idle_us = idle_us ? idle_us : s->conf.idle_us;
	f->last = s->now;	/* it is idle from here on */
	flow_arm(s, f, deadline(t));
}

int64_t
track_idle(const struct flow *f)
{
	return ((const struct track *)f)->idle_us;
}

void
track_reset(struct tcpterm *s, const struct track *t, unsigned ends)
{
	for (unsigned to = 0; to < 2; to++) {
		const struct track_half *from = &t->half[!to], *end = &t->half[to];
		uint32_t nxt = seq_of(from->isn, from->nxt).v;
		uint32_t ack = end->known ? seq_of(end->isn, end->nxt).v : from->rcv_nxt.v;
		bool has_ack = end->known || from->acks;

		if (!(ends & 1u << to))
			continue;
		if (end->acks)
			reset_send(s, &t->f, to, &from->own, end->rcv_nxt.v, has_ack, ack);
		/* In flight to it, or all that it can be told: a SYN-SENT believes the ACK. */
		if (from->known ? !end->acks || nxt != end->rcv_nxt.v : !end->acks && has_ack)
			reset_send(s, &t->f, to, &from->own, from->known ? nxt : 0, has_ack, ack);
	}
}

void
track_refuse(struct tcpterm *s, struct flow *f, unsigned ends, const struct track_half half[2])
{
	struct track *t = (struct track *)f;

	t->over = true;
	t->refuse = (uint8_t)ends;
	memcpy(t->half, half, sizeof t->half);
	f->last = s->now;
	flow_arm(s, f, deadline(t));
}

/* --- time --- */

void
track_timer(struct tcpterm *s, struct flow *f)
{
	struct track *t = (struct track *)f;

	if (t->watch && !usec_before(s->now, t->watch->probe_at))
		watch_probe(s, t->watch, f);
	/* Progress only moves f->last; the timer finds out. */
	if (usec_before(s->now, deadline(t)))
		arm(s, t);
	else
		track_end(s, f, TCPTERM_END_IDLE);
}

void
track_end(struct tcpterm *s, struct flow *f, enum tcpterm_end why)
{
	track_release(s, f);
	flow_destroy(s, f, why);
}

static enum tcpterm_state
state_of(const struct track *t, unsigned d)
{
	const struct track_half *h = &t->half[d], *other = &t->half[!d];
	bool other_fin = other->known && other->fin >= 0;

	if (!h->known)
		return TCPTERM_CLOSED;
	if (h->syn && !h->syn_acked)
		return other->known ? TCPTERM_SYN_RECEIVED : TCPTERM_SYN_SENT;
	if (h->fin < 0)
		return other_fin ? TCPTERM_CLOSE_WAIT : TCPTERM_ESTABLISHED;
	if (!fin_acked(h))
		return other_fin ? TCPTERM_LAST_ACK : TCPTERM_FIN_WAIT_1;
	return other_fin ? TCPTERM_TIME_WAIT : TCPTERM_FIN_WAIT_2;
}

void
track_info(const struct flow *f, struct tcpterm_leg_info leg[2])
{
	const struct track *t = (const struct track *)f;

	for (unsigned d = 0; d < 2 && followed(f); d++) {
		const struct track_half *h = &t->half[d];

		leg[d] = (struct tcpterm_leg_info){
			.state = state_of(t, d),
			.srtt_us = h->rtt.srtt,
			.min_rtt_us = h->rtt.min,
			.mss = h->mss,
			.snd_wnd = h->window,
			.in_flight = (uint64_t)(h->nxt - h->acked),
			.retransmits = h->n_rexmit,
			.out_of_order = h->n_ooo,
			.zero_windows = h->n_zero_wnd,
			.stream_bytes = (uint64_t)RTE_MAX(h->acked, 0),
		};
	}
}
