#include "tcpterm/track.h"

#include <errno.h>

#include "tcpterm/measure.h"
#include "tcpterm/options.h"
#include "tcpterm/rest.h"
#include "tcpterm/roles.h"
#include "tcpterm/window.h"

#define HANDSHAKE_US (75LL * 1000 * 1000)
#define LINGER_US (5LL * 1000 * 1000)	/* what comes late must not look like a new flow */

enum {
	IDLE_UNIT_US = 10 * 1000,
	BEGINS_WITHIN = 1 << 20,	/* bytes that were not seen, before the first that were */
};

static bool
followed(const struct flow *f)
{
	return f->kind == TCPTERM_KIND_TRACK;
}

/* --- the parts of it --- */

static void
learn_options(struct tcpterm *s, struct track *t, unsigned dir, const struct pkt *p)
{
	struct tcpterm_options o;

	options_parse(rte_pktmbuf_mtod_offset(p->m, const uint8_t *, p->l4 + 20), p->opt_len, &o);
	s->stats.options_malformed += o.malformed;
	if (o.has_wscale && o.wscale > 14) {
		s->stats.wscale_clamped++;
		t->f.wscale_clamped = true;
	}
	window_syn(&t->half[dir], &o);
}

struct manners
track_manners(const struct tcpterm *s, const struct flow *f, unsigned d)
{
	struct manners m = l2_manners(s->l2s, &f->l2[d]);

	if (f->key.v6)
		m.flow_label = f->key.label[d];
	return m;
}

struct track_more *
track_more(struct tcpterm *s, struct track *t)
{
	uint32_t i;

	if (t->more)
		return t->more;
	if (!s->track_more.base && slab_init(&s->track_more, sizeof *t->more, s->conf.n_flows) != 0)
		return NULL;
	t->more = slab_alloc(&s->track_more, &i);
	if (t->more)
		t->more->index = i;
	return t->more;
}

static struct watch *
watch_of(const struct track *t)
{
	return t->more ? t->more->watch : NULL;
}

static void
unwatch(struct tcpterm *s, struct track *t)
{
	if (t->more) {
		watch_free(s, t->more->watch);
		t->more->watch = NULL;
	}
}

void
track_free(struct tcpterm *s, struct flow *f)
{
	struct track *t = (struct track *)f;

	if (!track_is(f) || !t->more)
		return;
	unwatch(s, t);
	slab_free(&s->track_more, t->more->index);
	t->more = NULL;
}

/* --- life --- */

static void
set_idle(const struct tcpterm *s, struct track *t, int64_t us)
{
	int64_t units = ((us ? us : s->conf.idle_us) + IDLE_UNIT_US - 1) / IDLE_UNIT_US;

	t->f.idle = (uint32_t)RTE_MIN(units, (int64_t)UINT32_MAX);
}

int64_t
track_idle(const struct flow *f)
{
	return (int64_t)f->idle * IDLE_UNIT_US;
}

static usec_t
deadline(const struct track *t)
{
	bool handshake = t->half[0].syn && !(t->half[0].syn_acked && t->half[1].syn_acked);
	int64_t idle_us = track_idle(&t->f);

	if (t->f.over)
		return usec_add(t->f.last, LINGER_US);
	return usec_add(t->f.last,
			handshake && followed(&t->f) ? RTE_MIN(HANDSHAKE_US, idle_us) : idle_us);
}

static void
arm(struct tcpterm *s, struct track *t)
{
	const struct watch *w = watch_of(t);

	flow_arm(s, &t->f, w ? usec_min(deadline(t), w->probe_at) : deadline(t));
}

static void
over(struct tcpterm *s, struct track *t, enum tcpterm_end why)
{
	if (t->f.over)
		return;
	t->f.over = true;
	flow_announce_end(s, &t->f, why);
	unwatch(s, t);
	arm(s, t);
}

void
track_start(struct tcpterm *s, struct flow *f, const struct pkt *p, const struct tcpterm_verdict *v)
{
	struct track *t = (struct track *)f;

	t->f.over = false;
	t->f.refuse = 0;
	t->f.strict = v->window_strict;
	if (v->was_terminated && followed(f) && track_more(s, t))
		t->more->watch = watch_new(s, v->repeats_until);
	set_idle(s, t, v->idle_us);
	f->start = !(p->flags & TCP_SYN) ? TCPTERM_START_MIDSTREAM
		   : p->flags & TCP_ACK	 ? TCPTERM_START_SYNACK
					 : TCPTERM_START_SYN;
	f->last = s->now;
	arm(s, t);
}

/* False: it is to be dropped. */
static bool
follow_rst(struct tcpterm *s, struct track *t, const struct pkt *p, unsigned dir)
{
	bool refused = dir == 1 && !t->half[1].known;

	if (window_believes(t, p, dir)) {
		flow_learn(s, &t->f, p, dir);
		over(s, t, refused ? TCPTERM_END_REFUSED : TCPTERM_END_RST);
		return true;
	}
	s->stats.rst_ignored++;
	if (window_fit(t, p, dir) != WINDOW_OUTSIDE)
		return true;
	measure_outside(s, t, dir);
	return !t->f.strict;
}

static bool
follow_stray(struct tcpterm *s, struct track *t, const struct pkt *p, unsigned dir,
	     enum window_fit fit)
{
	if (track_more(s, t))
		window_stray(s, t, p, dir);
	if (fit != WINDOW_OUTSIDE)
		return true;
	measure_outside(s, t, dir);
	return !t->f.strict;
}

/* What the segment says of bytes that may be missing. */
static void
watch(struct tcpterm *s, struct track *t, const struct pkt *p, unsigned dir)
{
	watch_segment(s, watch_of(t), p, dir);
	if (watch_whole(watch_of(t)))
		unwatch(s, t);
	arm(s, t);
}

/* The owner looks at what crosses. */
static void
tell_owner(struct tcpterm *s, struct track *t, const struct pkt *p, unsigned dir)
{
	const struct track_half *h = &t->half[dir];
	const uint32_t syn = !!(p->flags & TCP_SYN);
	int64_t off = seq_diff(seq(p->seq + syn), seq_add(h->isn, 1));
	uint32_t at = p->payload, left = p->payload_len;
	const struct rte_mbuf *m;

	/* It is the first bytes that are looked at. */
	if (off < 0 || p->cksum_bad || window_delivered(t, dir) > INT32_MAX)
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

/* False: it is to be dropped. */
static bool
follow(struct tcpterm *s, struct track *t, const struct pkt *p, unsigned dir)
{
	bool is_next = window_next(t, p, dir);
	struct window_news n;
	enum window_fit fit;

	if (p->flags & TCP_RST)
		return follow_rst(s, t, p, dir);
	fit = is_next ? WINDOW_FITS : window_fit(t, p, dir);
	if (fit != WINDOW_FITS)
		return follow_stray(s, t, p, dir, fit);
	flow_learn(s, &t->f, p, dir);
	if (is_next) {
		measure_next(s, t, p, dir);
	} else {
		n = window_follow(s, t, p, dir);
		if (p->flags & TCP_SYN)
			learn_options(s, t, dir, p);
		measure_segment(s, t, p, dir, &n);
	}
	if (t->f.inspected && p->payload_len > 0)
		tell_owner(s, t, p, dir);
	if (watch_of(t))
		watch(s, t, p, dir);
	if (!is_next && window_fin_acked(t, 0) && window_fin_acked(t, 1))
		over(s, t, TCPTERM_END_FIN);
	return true;
}

static bool
is_syn(const struct pkt *p)
{
	return (p->flags & (TCP_SYN | TCP_ACK)) == TCP_SYN;
}

/*
 * Does this SYN or SYN-ACK begin another connection of the same tuple?  Of one that is alive only
 * the other end can say so: it answers a SYN that it does not believe with an ACK (RFC 5961 4),
 * and one that it takes with a SYN-ACK.
 */
static bool
begins_anew(struct tcpterm *s, struct track *t, const struct pkt *p, unsigned dir)
{
	const struct track_half *h = &t->half[dir], *other = &t->half[!dir];
	struct track_more *m;

	/* The SYN of a handshake that was reset may come again. */
	if (is_syn(p) && t->f.over)
		return !t->f.refuse || !h->syn || h->isn.v != p->seq;
	if (!followed(&t->f))
		return false;
	if (!is_syn(p))
		return t->more && t->more->again[!dir] && p->ack == t->more->again_isn[!dir].v + 1;
	if (!h->known || h->isn.v == p->seq)
		return false;
	if (!other->known)
		return true;
	m = track_more(s, t);
	if (m) {
		m->again[dir] = true;
		m->again_isn[dir] = seq(p->seq);
	}
	return false;
}

/* Is it a SYN, or the answer to one, that is not of this connection? */
static bool
is_foreign(const struct track *t, const struct pkt *p, unsigned dir)
{
	const struct track_half *h = &t->half[dir];

	return p->flags & TCP_SYN && h->known && h->isn.v != p->seq;
}

/* Is `number` at, or not far before, `first`, the first that was seen of an end? */
static bool
is_beginning(seq_t number, seq_t first)
{
	return (uint32_t)seq_diff(first, number) <= BEGINS_WITHIN;
}

/* Do the numbers of a SYN or SYN-ACK fit what was seen of the connection so far?  False, too, where
 * nothing was with which to compare them. */
static bool
syn_fits(const struct track *t, const struct pkt *p, unsigned dir)
{
	const struct track_half *h = &t->half[dir], *other = &t->half[!dir];
	const bool has_ack = p->flags & TCP_ACK && other->known;

	if (h->known && !is_beginning(seq(p->seq), h->isn))
		return false;
	if (!h->known && other->acks && !is_beginning(seq(p->seq + 1), other->rcv_nxt))
		return false;
	if (has_ack && !is_beginning(seq(p->ack), seq_add(other->isn, 1)))
		return false;
	return h->known || other->acks || has_ack;
}

/* An end of a connection that was reset has not heard of it, or not believed it. */
static void
refuse(struct tcpterm *s, struct track *t, struct pkt *p, unsigned dir)
{
	uint32_t len = p->payload_len + !!(p->flags & TCP_SYN) + !!(p->flags & TCP_FIN);
	bool has_ack = p->flags & TCP_ACK;

	if (!p->cksum_bad)
		t->half[dir].manners = manners_of(p);
	if (t->f.refuse & 1u << dir && !(p->flags & TCP_RST) && !p->cksum_bad)
		reset_send(s, &t->f, dir, &t->half[!dir].manners, has_ack ? p->ack : 0, !has_ack,
			   p->seq + len);
	core_drop(s, p->m, DROP_reset_late);
}

void
track_input(struct tcpterm *s, struct flow *f, struct pkt *p, unsigned dir)
{
	struct track *t = (struct track *)f;
	const struct watch *w;
	bool fits = true;

	if (p->flags & TCP_SYN && begins_anew(s, t, p, dir)) {
		track_end(s, f, TCPTERM_END_REPLACED);
		core_new_flow(s, p);
		return;
	}
	if (p->flags & TCP_SYN && f->roles == TCPTERM_ROLES_GUESSED && syn_fits(t, p, dir))
		roles_by_syn(s, f, p, dir);
	if (followed(f))
		measure_time(s, t);
	flow_count(s, f, p, dir);
	if (!followed(f) && !t->f.over)
		flow_learn(s, f, p, dir);
	else if (followed(f) && !t->f.over && !is_foreign(t, p, dir))
		fits = follow(s, t, p, dir);
	if (f->kind == TCPTERM_KIND_DROP && t->f.over)
		refuse(s, t, p, dir);
	else if (f->kind == TCPTERM_KIND_DROP)
		core_drop(s, p->m, DROP_policy);
	else if (!fits)
		core_drop(s, p->m, DROP_track_window);
	else
		core_forward(s, p);
	w = watch_of(t);
	if (w && watch_lost(s, w)) {
		s->stats.interrupted_reset++;
		tcpterm_reset_ends(s, f, TCPTERM_BOTH_ENDS, TCPTERM_END_BYTES_LOST);
	}
}

/* --- changes from outside --- */

void
track_take_over(struct tcpterm *s, struct flow *f, const struct track_past *past, int64_t idle_us)
{
	struct track *t = (struct track *)f;

	if (past) {
		memcpy(t->half, past->half, sizeof t->half);
		window_take_over(s, t, past);
		measure_take_over(s, t, past);
	}
	t->f.over = t->f.strict = false;
	t->f.refuse = 0;
	set_idle(s, t, idle_us);
	f->last = s->now;	/* it is idle from here on */
	flow_arm(s, f, deadline(t));
}

int
tcpterm_set_window(struct flow *f, bool strict)
{
	if (f->kind == TCPTERM_KIND_RELAY && rest_awake(f) && relay_of(f)->demote) {
		relay_of(f)->strict = strict;
		return 0;
	}
	if (!followed(f))
		return -EINVAL;
	f->strict = strict;
	return 0;
}

void
track_reset(struct tcpterm *s, const struct track *t, unsigned ends)
{
	for (unsigned to = 0; to < 2; to++) {
		const struct track_half *from = &t->half[!to], *end = &t->half[to];
		struct manners m = track_manners(s, &t->f, !to);
		uint32_t ack = end->known ? end->nxt.v : from->rcv_nxt.v;
		bool has_ack = end->known || from->acks;

		if (!(ends & 1u << to))
			continue;
		if (end->acks)
			reset_send(s, &t->f, to, &m, end->rcv_nxt.v, has_ack, ack);
		/* In flight to it, or all that it can be told: a SYN-SENT believes the ACK. */
		if (from->known ? !end->acks || from->nxt.v != end->rcv_nxt.v
				: !end->acks && has_ack)
			reset_send(s, &t->f, to, &m, from->known ? from->nxt.v : 0, has_ack, ack);
	}
}

void
track_refuse(struct tcpterm *s, struct flow *f, unsigned ends, const struct track_half half[2])
{
	struct track *t = (struct track *)f;

	t->f.over = true;
	t->f.refuse = ends & 3;
	memcpy(t->half, half, sizeof t->half);
	f->last = s->now;
	flow_arm(s, f, deadline(t));
}

/* --- time --- */

void
track_timer(struct tcpterm *s, struct flow *f)
{
	struct track *t = (struct track *)f;
	struct watch *w = watch_of(t);

	if (w && !usec_before(s->now, w->probe_at))
		watch_probe(s, w, f);
	/* Progress only moves f->last; the timer finds out. */
	if (usec_before(s->now, deadline(t)))
		arm(s, t);
	else
		track_end(s, f, TCPTERM_END_IDLE);
}

void
track_end(struct tcpterm *s, struct flow *f, enum tcpterm_end why)
{
	flow_destroy(s, f, why);
}

void
track_info(const struct flow *f, struct tcpterm_leg_info leg[2])
{
	const struct track *t = (const struct track *)f;

	for (unsigned d = 0; d < 2 && followed(f); d++) {
		const struct track_half *h = &t->half[d];
		int32_t window = seq_diff(h->edge, h->rcv_nxt);

		leg[d] = (struct tcpterm_leg_info){
			.state = window_state(t, d),
			.mss = h->mss,
			.snd_wnd = h->acks && !h->zero_window ? (uint32_t)window : 0,
			.in_flight = window_in_flight(t, d),
			.stream_bytes = window_delivered(t, d),
		};
		measure_info(t, d, &leg[d]);
	}
}
