/*
 * What of a connection survives its rest, and when nothing else would be missed.
 */
#include "tcpterm/rest.h"

#include <assert.h>

/* --- may it? --- */

static bool
below(int64_t what, int64_t of)
{
	return what <= of && of - what <= UINT32_MAX;
}

static bool
is_never(usec_t t)
{
	return t.v == USEC_NEVER.v;
}

static bool
streams_empty(const struct conn *c)
{
	return c->rx->start == c->rx->end && c->rx->end == c->rcv.nxt && c->tx->start == c->una &&
	       c->tx->end == c->una && !c->rx->fin && !c->tx->fin && c->rx->urgent == 0 &&
	       c->tx->urgent == 0;
}

static bool
received_quiet(const struct conn *c)
{
	const struct receive *r = &c->rcv;

	return r->fin < 0 && !r->ack_now && is_never(r->delack_at) && r->last_ack == r->nxt &&
	       r->unacked == 0 && !c->ooo.head && c->ooo.n_blocks == 0 && !c->ooo.has_dup &&
	       below(r->nxt, r->adv);
}

static bool
sent_quiet(const struct conn *c)
{
	return is_never(c->rto_at) && is_never(c->persist_at) && !c->sent.head &&
	       c->n_probes == 0 && c->n_keepalives == 0 && !c->probe_now && !c->override &&
	       !c->fin_sent && c->small_end <= c->una && below(c->una, c->wnd_edge);
}

/* A reduction that a late D-SACK may still take back keeps its connection awake. */
static bool
recovered(const struct conn *c)
{
	const struct rack *r = &c->rack;

	return c->rec.state == RECOVER_OPEN && c->rec.dup_acks == 0 && !c->rec.at_once &&
	       !c->rec.new_first && c->rec.cwr_point <= c->una && !c->undo.armed &&
	       is_never(r->reo_at) && is_never(r->pto_at) && !r->tlp_due && !r->tlp_rearm &&
	       (r->tlp_end == 0 || r->tlp_end == c->una) && r->dsack_round <= c->una &&
	       r->fack <= c->una && c->rtt.backoff == 0 && !c->pmtu.lowered && !c->pmtu.hole &&
	       !c->pmtu.searching && c->pmtu.full == c->mss && !c->ecn.echo && !c->ecn.cwr &&
	       !c->ecn.offer && !c->ecn.wait && c->ecn.n_waits == 0;
}

static bool
window_fits(const struct conn *c)
{
	const struct cc *q = &c->cc;

	if (q->full_at > c->una)
		return false;
	if (q->ssthresh == UINT32_MAX)
		return is_never(q->cubic.epoch) && q->cubic.w_max == 0;
	return is_never(q->cubic.epoch) || (!usec_before(q->acked_at, q->cubic.epoch) &&
					    usec_diff(q->acked_at, q->cubic.epoch) <= UINT32_MAX);
}

static bool
counters_fit(const struct conn *c)
{
	return (c->n_rexmit | c->n_ooo | c->n_dup | c->n_zero_wnd | c->rack.n_dsacks) <= UINT16_MAX;
}

bool
conn_may_rest(const struct conn *c)
{
	return c->una == c->nxt && !c->is_pending && c->state == TCPTERM_ESTABLISHED &&
	       streams_empty(c) && received_quiet(c) && sent_quiet(c) && recovered(c) &&
	       window_fits(c) && counters_fit(c) && !c->pace.waiting &&
	       c->pace.next_ns <= c->s->now.v * 1000 && !usec_before(c->s->now, c->challenge_at);
}

/* --- down --- */

enum { TS_AT_SHIFT = 30, TS_AT_MASK = 0xfff };

/* One that grew by what a relay's other end could take is nobody else's. */
static bool
limit_is_common(const struct conn *c)
{
	return c->rcv.fixed || c->rcv.limit <= UINT16_MAX;
}

void
conn_ways(const struct conn *c, struct conn_ways *w)
{
	w->limit = limit_is_common(c) ? c->rcv.limit : 0;
	w->mss = c->mss;
	w->mss_offered = c->mss_offered;
	w->mss_most = c->tuning.mss;
	w->seg_max = c->rcv.seg_max;
	w->again_s = c->pmtu.again_s;
	w->ttl = c->ttl;
	w->tos = c->tos;
	w->snd_shift = c->snd_shift;
	w->rcv_shift = c->rcv_shift;
	w->cc = c->tuning.cc;
	w->leg = c->leg;
	w->reno = c->cc.ops == &cc_reno;
	w->relayed = c->relayed;
	w->ts_on = c->ts_on;
	w->sack_on = c->sack_on;
	w->wscale_on = c->wscale_on;
	w->nodelay = c->nodelay;
	w->df = c->df;
	w->own_clock = c->own_clock;
	w->fixed = c->rcv.fixed;
	w->fin_ackable = c->rcv.fin_ackable;
	w->ecn_on = c->ecn.on;
	w->pace = c->tuning.pace;
	w->idle_restart = c->tuning.idle_restart;
	w->no_ecn = c->tuning.no_ecn;
}

/* What a connection has that never lost anything: a rest needs no struct conn_more for that. */
static bool
is_plain(const struct conn *c)
{
	const struct cc *q = &c->cc;
	const struct rack *r = &c->rack;

	return q->ssthresh == UINT32_MAX && q->acked == 0 && q->hystart.css_base == UINT32_MAX &&
	       limit_is_common(c) && c->rtt.rto == rtt_timeout(&c->rtt) && !c->rtt.early &&
	       r->n_dsacks == 0 && r->reo_wnd_mult == 1 && r->reo_wnd_persist == 0 &&
	       !r->reordering && r->tlp_end == 0 && c->rec.cwr_point != c->una &&
	       !usec_before(c->s->now, c->stray_at) && !c->tuning.idle_restart &&
	       (!c->own_clock || c->rcv.ts_newest == c->rcv.ts_recent) &&
	       (c->n_rexmit | c->n_ooo | c->n_dup | c->n_zero_wnd) == 0;
}

static void
curve_down(const struct cc *q, struct conn_more *m)
{
	m->w_max = q->cubic.w_max;
	m->w_est = q->cubic.w_est;
	m->w_est_rest = q->cubic.w_est_rest;
	m->k = q->cubic.k;
	m->epoch = q->cubic.epoch.v != USEC_NEVER.v;
	if (m->epoch) {
		m->acked_ms = rest_low_ms(q->acked_at);
		m->age_us = (uint32_t)usec_diff(q->acked_at, q->cubic.epoch);
	}
}

static void
more_down(const struct conn *c, struct conn_more *m)
{
	m->ssthresh = c->cc.ssthresh;
	m->acked = c->cc.acked;
	m->limit = c->rcv.limit;
	m->rto = c->rtt.rto;
	m->early = c->rtt.early;
	m->rack_rtt = c->rack.rtt;
	m->ts_newest = c->rcv.ts_newest;
	m->stray_ms = rest_low_ms(c->stray_at);
	m->sent_ms = c->cc.sent_ms;
	m->css_base = c->cc.hystart.css_base;
	m->css_rounds = c->cc.hystart.css_rounds;
	m->n_rexmit = (uint16_t)c->n_rexmit;
	m->n_ooo = (uint16_t)c->n_ooo;
	m->n_dup = (uint16_t)c->n_dup;
	m->n_zero_wnd = (uint16_t)c->n_zero_wnd;
	m->n_dsacks = (uint16_t)c->rack.n_dsacks;
	m->reo_wnd_mult = c->rack.reo_wnd_mult;
	m->reo_wnd_persist = c->rack.reo_wnd_persist;
	m->reordering = c->rack.reordering;
	m->tlp_open = c->rack.tlp_end != 0;
	m->tlp_rexmit = c->rack.tlp_rexmit;
	m->cwr_here = c->rec.cwr_point == c->una;
	curve_down(&c->cc, m);
}

static bool
is_v4(const struct conn *c)
{
	return !c->f->key.v6;
}

void
conn_rest(const struct conn *c, struct conn_rest *r)
{
	const struct hystart *h = &c->cc.hystart;
	struct conn_more *more = NULL;
	uint32_t slot = 0;

	if (!is_plain(c)) {
		more = slab_alloc(&c->s->more, &slot);
		assert(more);	/* there are as many as legs */
		more_down(c, more);
	}
	*r = (struct conn_rest){
		.una = c->una,
		.rcv_nxt = c->rcv.nxt,
		.iss = c->iss.v,
		.irs = c->irs.v,
		.wnd = (uint32_t)(c->wnd_edge - c->una),
		.wnd_max = c->wnd_max,
		.adv_ahead = (uint32_t)(c->rcv.adv - c->rcv.nxt),
		.ts_recent = c->rcv.ts_recent,
		.ts_other = c->own_clock ? c->ts_offset : c->rcv.ts_newest,
		.heard_ms = rest_low_ms(c->heard_at),
		.srtt = c->rtt.srtt,
		.rttvar = c->rtt.rttvar,
		.rtt_min = c->rtt.min,
		.cwnd = c->cc.cwnd,
		.rtt_round = h->round_min != UINT32_MAX ? h->round_min : h->last_min,
		.more = more ? slot + 1 : 0,
		.label = (is_v4(c) ? c->ip_id : c->flow_label) & 0xfffff,
		.ts_at = (uint32_t)(c->rcv.ts_at.v >> TS_AT_SHIFT) & TS_AT_MASK,
		.short_by = c->rcv.short_by,
		.quick = c->rcv.quick,
	};
}

void
conn_forget(struct tcpterm *s, struct conn_rest *r)
{
	if (r->more)
		slab_free(&s->more, r->more - 1);
	r->more = 0;
}

/* --- and back --- */

/* The time of which this is the low half, in the latest 49 days. */
static usec_t
ago(const struct conn *c, uint32_t ms)
{
	uint32_t silent_ms = rest_low_ms(c->s->now) - ms;

	return (usec_t){ (c->s->now.v / 1000 - silent_ms) * 1000 };
}

/* The same of a time that is at most TCB_CHALLENGE_US ahead; else it is over. */
static usec_t
soon(const struct conn *c, uint32_t ms)
{
	uint32_t ahead_ms = ms - rest_low_ms(c->s->now);

	if (ahead_ms > TCB_CHALLENGE_US / 1000)
		return (usec_t){ 0 };
	return (usec_t){ (c->s->now.v / 1000 + ahead_ms) * 1000 };
}

static void
window_back(struct conn *c, const struct conn_rest *r, const struct conn_ways *w)
{
	c->cc = (struct cc){
		.ops = w->reno ? &cc_reno : &cc_cubic,
		.cwnd = r->cwnd,
		.ssthresh = UINT32_MAX,
		.sent_ms = r->heard_ms,	/* what was sent then is acknowledged */
		.full_at = c->una,	/* as good as any before */
		.cubic.epoch = USEC_NEVER,
		.hystart = { .round_end = c->una + r->cwnd,
			     .last_min = r->rtt_round,
			     .round_min = UINT32_MAX,
			     .css_base = UINT32_MAX },
	};
}

static void
curve_back(struct conn *c, const struct conn_more *m)
{
	struct cc *q = &c->cc;

	q->cubic.w_max = m->w_max;
	q->cubic.w_est = m->w_est;
	q->cubic.w_est_rest = m->w_est_rest;
	q->cubic.k = m->k;
	if (m->epoch) {
		q->acked_at = ago(c, m->acked_ms);
		q->cubic.epoch = usec_add(q->acked_at, -(int64_t)m->age_us);
	}
}

static void
more_back(struct conn *c, const struct conn_more *m)
{
	c->cc.ssthresh = m->ssthresh;
	c->cc.acked = m->acked;
	c->cc.sent_ms = m->sent_ms;
	c->cc.hystart.css_base = m->css_base;
	c->cc.hystart.css_rounds = m->css_rounds;
	c->rcv.limit = m->limit;
	c->rcv.ts_newest = m->ts_newest;
	c->rtt.rto = m->rto;
	c->rtt.early = m->early;
	c->stray_at = soon(c, m->stray_ms);
	c->n_rexmit = m->n_rexmit;
	c->n_ooo = m->n_ooo;
	c->n_dup = m->n_dup;
	c->n_zero_wnd = m->n_zero_wnd;
	c->rack.rtt = m->rack_rtt;
	c->rack.n_dsacks = m->n_dsacks;
	c->rack.reo_wnd_mult = m->reo_wnd_mult;
	c->rack.reo_wnd_persist = m->reo_wnd_persist;
	c->rack.reordering = m->reordering;
	c->rack.tlp_end = m->tlp_open ? c->una : 0;
	c->rack.tlp_rexmit = m->tlp_rexmit;
	c->rec.cwr_point = c->una - !m->cwr_here;
	curve_back(c, m);
}

static void
loss_back(struct conn *c, const struct conn_rest *r, const struct conn_ways *w)
{
	c->rtt = (struct rtt){ .srtt = r->srtt, .rttvar = r->rttvar, .min = r->rtt_min };
	c->rtt.rto = rtt_timeout(&c->rtt);
	c->rack.rtt = r->srtt;	/* until the next sample */
	c->rack.fack = c->una;
	c->rec.point = c->una;
	c->rec.cwr_point = c->una - 1;
	c->ecn.on = w->ecn_on;
	c->pmtu = (struct pmtu){ .full = w->mss, .again_s = w->again_s };
}

static usec_t
timestamp_at(const struct conn *c, const struct conn_rest *r)
{
	int64_t now = c->s->now.v >> TS_AT_SHIFT;

	return (usec_t){ (now - (int64_t)((uint64_t)(now - r->ts_at) & TS_AT_MASK))
			 << TS_AT_SHIFT };
}

static void
receive_back(struct conn *c, const struct conn_rest *r, const struct conn_ways *w)
{
	c->rcv.nxt = c->rcv.last_ack = r->rcv_nxt;
	c->rcv.adv = r->rcv_nxt + r->adv_ahead;
	c->rcv.limit = w->limit;
	c->rcv.fixed = w->fixed;
	c->rcv.fin_ackable = w->fin_ackable;
	c->rcv.short_by = r->short_by;
	c->rcv.seg_max = w->seg_max;
	c->rcv.quick = r->quick;
	c->rcv.ts_recent = r->ts_recent;
	c->rcv.ts_newest = w->own_clock ? r->ts_recent : r->ts_other;
	c->rcv.ts_at = timestamp_at(c, r);
}

static void
agreed_back(struct conn *c, const struct conn_ways *w)
{
	c->relayed = w->relayed;
	c->tuning = (struct tcpterm_tuning){
		.cc = w->cc,
		.pace = w->pace,
		.idle_restart = w->idle_restart,
		.no_ecn = w->no_ecn,
		.mss = w->mss_most,
	};
	c->snd_shift = w->snd_shift;
	c->rcv_shift = w->rcv_shift;
	c->ts_on = w->ts_on;
	c->sack_on = w->sack_on;
	c->wscale_on = w->wscale_on;
	c->mss = w->mss;
	c->mss_offered = w->mss_offered;
	c->nodelay = w->nodelay;
	c->ttl = w->ttl;
	c->tos = w->tos;
	c->df = w->df;
	c->own_clock = w->own_clock;
}

void
conn_wake(struct conn *c, const struct conn_rest *r, const struct conn_ways *w)
{
	c->state = TCPTERM_ESTABLISHED;
	c->una = c->nxt = c->small_end = r->una;
	c->iss = seq(r->iss);
	c->irs = seq(r->irs);
	c->wl1 = seq_of(c->irs, r->rcv_nxt);
	c->wl2 = r->una;	/* older ACKs are not looked at */
	c->wnd_edge = r->una + r->wnd;
	c->wnd_max = r->wnd_max;
	c->heard_at = ago(c, r->heard_ms);
	if (is_v4(c))
		c->ip_id = (uint16_t)r->label;
	else
		c->flow_label = r->label;
	c->ts_offset = w->own_clock ? r->ts_other : 0;
	agreed_back(c, w);
	receive_back(c, r, w);
	loss_back(c, r, w);
	window_back(c, r, w);
	if (r->more)
		more_back(c, slab_at(&c->s->more, r->more - 1));
}
