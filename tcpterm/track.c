#include "tcpterm/options.h"
#include "tcpterm/seq.h"
#include "tcpterm/tcb.h"
#include "tcpterm/track.h"

#define HANDSHAKE_US (75LL * 1000 * 1000)
#define LINGER_US (5LL * 1000 * 1000)	/* what comes late must not look like a new flow */

/* What one end was seen to send; offsets count from the byte after its SYN. */
struct track_half {
	bool known;		/* isn is set */
	bool syn, syn_acked;
	bool zero_window;
	seq_t isn;
	int64_t nxt;		/* beyond the highest byte, a FIN included */
	int64_t acked;		/* highest offset that the other end acknowledged */
	int64_t fin;		/* offset of the FIN; -1 not seen */
	uint8_t wscale;
	uint16_t mss;
	uint32_t window;	/* last offered, scaled where the scale is known */
	int64_t timed;		/* the offset whose acknowledgement gives an RTT; -1 none */
	usec_t timed_at;
	struct rtt rtt;		/* from us to this end and back */
	uint64_t n_rexmit, n_ooo, n_zero_wnd;
};

struct track {
	struct flow f;
	struct track_half half[2];
	int64_t idle_us;
	bool over;		/* flow_end was called; only lingers */
};

size_t
track_size(void)
{
	return sizeof(struct track);
}

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
	h->wscale = o.has_wscale ? RTE_MIN(o.wscale, (uint8_t)TCB_WSCALE_MAX) : 0;
	h->mss = o.has_mss ? o.mss : 0;
}

static void
follow_window(struct track_half *h, const struct track_half *other, const struct pkt *p)
{
	bool scaled = !(p->flags & TCP_SYN) && h->syn && other->syn && other->wscale;
	bool zero = p->window == 0 && !(p->flags & (TCP_RST | TCP_SYN));

	h->window = (uint32_t)p->window << (scaled ? h->wscale : 0);
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

	if (!(p->flags & TCP_ACK) || !other->known)
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
over(struct tcpterm *s, struct track *t, enum tcpterm_end why)
{
	if (t->over)
		return;
	t->over = true;
	flow_announce_end(s, &t->f, why);
	flow_arm(s, &t->f, deadline(t));
}

void
track_start(struct tcpterm *s, struct flow *f, const struct pkt *p, const struct tcpterm_verdict *v)
{
	struct track *t = (struct track *)f;

	/* An embryo that became this has left its own head only. */
	memset(t->half, 0, sizeof t->half);
	t->over = false;
	t->idle_us = v->idle_us ? v->idle_us : s->conf.idle_us;
	f->start = !(p->flags & TCP_SYN) ? TCPTERM_START_MIDSTREAM
		   : p->flags & TCP_ACK	 ? TCPTERM_START_SYNACK
					 : TCPTERM_START_SYN;
	f->last = s->now;
	flow_arm(s, f, deadline(t));
}

static void
follow(struct tcpterm *s, struct track *t, const struct pkt *p, unsigned dir)
{
	struct track_half *h = &t->half[dir], *other = &t->half[!dir];
	bool refused = believed(t, p, dir) && dir == 1 && !h->known;

	if (believed(t, p, dir)) {
		over(s, t, refused ? TCPTERM_END_REFUSED : TCPTERM_END_RST);
		return;
	}
	if (p->flags & TCP_RST)
		return;
	if (!h->known)
		learn_isn(h, p);
	if (p->flags & TCP_SYN)
		learn_options(s, h, p);
	follow_sequence(s, h, p);
	follow_ack(s, h, other, p);
	follow_window(h, other, p);
	if (fin_acked(h) && fin_acked(other))
		over(s, t, TCPTERM_END_FIN);
}

/* Does this SYN begin another connection of the same tuple? */
static bool
begins_anew(const struct track *t, const struct pkt *p, unsigned dir)
{
	const struct track_half *h = &t->half[dir];

	if ((p->flags & (TCP_SYN | TCP_ACK)) != TCP_SYN || !followed(&t->f))
		return false;
	return t->over || (h->known && h->syn && h->isn.v != p->seq) || (h->known && !h->syn);
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
	flow_touch(s, f, p, dir);
	if (followed(f))
		follow(s, t, p, dir);
	if (f->kind == TCPTERM_KIND_DROP)
		core_drop(s, p->m, DROP_policy);
	else
		core_forward(s, p);
}

void
track_timer(struct tcpterm *s, struct flow *f)
{
	struct track *t = (struct track *)f;

	/* Progress only moves f->last; the timer finds out. */
	if (usec_before(s->now, deadline(t)))
		flow_arm(s, f, deadline(t));
	else
		flow_destroy(s, f, TCPTERM_END_IDLE);
}

void
track_end(struct tcpterm *s, struct flow *f, enum tcpterm_end why)
{
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
