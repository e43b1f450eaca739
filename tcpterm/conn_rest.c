/*
 * What of a connection survives its rest, and when nothing else would be missed.
 */
#include "tcpterm/rest.h"

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
	       below(r->nxt, r->adv) && r->drained <= UINT32_MAX;
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
		return is_never(q->cubic.epoch) && q->cubic.w_max == 0 &&
		       q->hystart.round_end - c->una <= INT32_MAX &&
		       q->hystart.round_end - c->una >= INT32_MIN;
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

static uint32_t
low_ms(usec_t t)
{
	return (uint32_t)(t.v / 1000);
}

static void
window_down(const struct conn *c, struct conn_rest *r)
{
	const struct cc *q = &c->cc;

	r->cwnd = q->cwnd;
	r->ssthresh = q->ssthresh;
	r->acked = q->acked;
	r->sent_ms = q->sent_ms;
	r->reno = q->ops == &cc_reno;
	if (q->ssthresh == UINT32_MAX) {
		r->hystart.round_ahead = (int32_t)(q->hystart.round_end - c->una);
		r->hystart.last_min = q->hystart.last_min;
		r->hystart.round_min = q->hystart.round_min;
		r->hystart.css_base = q->hystart.css_base;
		r->hystart.n_samples = q->hystart.n_samples;
		r->hystart.css_rounds = q->hystart.css_rounds;
		return;
	}
	r->cubic.w_max = q->cubic.w_max;
	r->cubic.w_est = q->cubic.w_est;
	r->cubic.w_est_rest = q->cubic.w_est_rest;
	r->cubic.k = q->cubic.k;
	r->epoch = !is_never(q->cubic.epoch);
	if (r->epoch) {
		r->cubic.acked_ms = low_ms(q->acked_at);
		r->cubic.age_us = (uint32_t)usec_diff(q->acked_at, q->cubic.epoch);
	}
}

static void
loss_down(const struct conn *c, struct conn_rest *r)
{
	r->srtt = c->rtt.srtt;
	r->rttvar = c->rtt.rttvar;
	r->rtt_min = c->rtt.min;
	r->rto = c->rtt.rto;
	r->early = c->rtt.early;
	r->rack_rtt = c->rack.rtt;
	r->n_dsacks = (uint16_t)c->rack.n_dsacks;
	r->reo_wnd_mult = c->rack.reo_wnd_mult;
	r->reo_wnd_persist = c->rack.reo_wnd_persist;
	r->reordering = c->rack.reordering;
	r->tlp_open = c->rack.tlp_end != 0;
	r->tlp_rexmit = c->rack.tlp_rexmit;
	r->cwr_here = c->rec.cwr_point == c->una;
	r->ecn_on = c->ecn.on;
	r->again_s = c->pmtu.again_s;
}

static void
receive_down(const struct conn *c, struct conn_rest *r)
{
	r->rcv_nxt = c->rcv.nxt;
	r->adv_ahead = (uint32_t)(c->rcv.adv - c->rcv.nxt);
	r->limit = c->rcv.limit;
	r->drained = (uint32_t)c->rcv.drained;
	r->fixed = c->rcv.fixed;
	r->fin_ackable = c->rcv.fin_ackable;
	r->short_by = c->rcv.short_by;
	r->seg_max = c->rcv.seg_max;
	r->quick = c->rcv.quick;
	r->ts_recent = c->rcv.ts_recent;
	r->ts_newest = c->rcv.ts_newest;
	r->ts_at_s = (uint32_t)(c->rcv.ts_at.v / 1000000);
}

struct conn_rest
conn_rest(const struct conn *c)
{
	struct conn_rest r = {
		.una = c->una,
		.iss = c->iss.v,
		.irs = c->irs.v,
		.wl1 = c->wl1.v,
		.wnd = (uint32_t)(c->wnd_edge - c->una),
		.wnd_max = c->wnd_max,
		.ts_offset = c->ts_offset,
		.heard_ms = low_ms(c->heard_at),
		.stray_ms = low_ms(c->stray_at),
		.n_rexmit = (uint16_t)c->n_rexmit,
		.n_ooo = (uint16_t)c->n_ooo,
		.n_dup = (uint16_t)c->n_dup,
		.n_zero_wnd = (uint16_t)c->n_zero_wnd,
		.flow_label = c->flow_label & 0xfffff,
		.snd_shift = c->snd_shift & 15,
		.rcv_shift = c->rcv_shift & 15,
		.cc = c->tuning.cc & 3,
		.ip_id = c->ip_id,
		.mss = c->mss,
		.mss_offered = c->mss_offered,
		.mss_most = c->tuning.mss,
		.ttl = c->ttl,
		.tos = c->tos,
		.leg = c->leg,
		.relayed = c->relayed,
		.ts_on = c->ts_on,
		.sack_on = c->sack_on,
		.wscale_on = c->wscale_on,
		.nodelay = c->nodelay,
		.df = c->df,
		.own_clock = c->own_clock,
		.pace = c->tuning.pace,
		.idle_restart = c->tuning.idle_restart,
		.no_ecn = c->tuning.no_ecn,
	};

	receive_down(c, &r);
	loss_down(c, &r);
	window_down(c, &r);
	return r;
}

/* --- and back --- */

/* The time of which this is the low half, in the latest 49 days. */
static usec_t
ago(const struct conn *c, uint32_t ms)
{
	uint32_t silent_ms = low_ms(c->s->now) - ms;

	return (usec_t){ (c->s->now.v / 1000 - silent_ms) * 1000 };
}

/* The same of a time that is at most TCB_CHALLENGE_US ahead; else it is over. */
static usec_t
soon(const struct conn *c, uint32_t ms)
{
	uint32_t ahead_ms = ms - low_ms(c->s->now);

	if (ahead_ms > TCB_CHALLENGE_US / 1000)
		return (usec_t){ 0 };
	return (usec_t){ (c->s->now.v / 1000 + ahead_ms) * 1000 };
}

static void
window_back(struct conn *c, const struct conn_rest *r)
{
	struct cc *q = &c->cc;

	*q = (struct cc){
		.ops = r->reno ? &cc_reno : &cc_cubic,
		.cwnd = r->cwnd,
		.ssthresh = r->ssthresh,
		.acked = r->acked,
		.sent_ms = r->sent_ms,
		.full_at = c->una,	/* as good as any before */
		.cubic.epoch = USEC_NEVER,
	};
	if (r->ssthresh == UINT32_MAX) {
		q->hystart = (struct hystart){
			.round_end = c->una + r->hystart.round_ahead,
			.last_min = r->hystart.last_min,
			.round_min = r->hystart.round_min,
			.css_base = r->hystart.css_base,
			.n_samples = r->hystart.n_samples,
			.css_rounds = r->hystart.css_rounds,
		};
		return;
	}
	q->cubic.w_max = r->cubic.w_max;
	q->cubic.w_est = r->cubic.w_est;
	q->cubic.w_est_rest = r->cubic.w_est_rest;
	q->cubic.k = r->cubic.k;
	if (r->epoch) {
		q->acked_at = ago(c, r->cubic.acked_ms);
		q->cubic.epoch = usec_add(q->acked_at, -(int64_t)r->cubic.age_us);
	}
}

static void
loss_back(struct conn *c, const struct conn_rest *r)
{
	c->rtt = (struct rtt){ .srtt = r->srtt,
			       .rttvar = r->rttvar,
			       .min = r->rtt_min,
			       .rto = r->rto,
			       .early = r->early };
	c->rack.rtt = r->rack_rtt;
	c->rack.fack = c->una;
	c->rack.n_dsacks = r->n_dsacks;
	c->rack.reo_wnd_mult = r->reo_wnd_mult;
	c->rack.reo_wnd_persist = r->reo_wnd_persist;
	c->rack.reordering = r->reordering;
	c->rack.tlp_end = r->tlp_open ? c->una : 0;
	c->rack.tlp_rexmit = r->tlp_rexmit;
	c->rec.point = c->una;
	c->rec.cwr_point = c->una - !r->cwr_here;
	c->ecn.on = r->ecn_on;
	c->pmtu = (struct pmtu){ .full = r->mss, .again_s = r->again_s };
}

static void
receive_back(struct conn *c, const struct conn_rest *r)
{
	c->rcv.nxt = c->rcv.last_ack = r->rcv_nxt;
	c->rcv.adv = r->rcv_nxt + r->adv_ahead;
	c->rcv.limit = r->limit;
	c->rcv.drained = r->drained;
	c->rcv.fixed = r->fixed;
	c->rcv.fin_ackable = r->fin_ackable;
	c->rcv.short_by = r->short_by;
	c->rcv.seg_max = r->seg_max;
	c->rcv.quick = r->quick;
	c->rcv.ts_recent = r->ts_recent;
	c->rcv.ts_newest = r->ts_newest;
	c->rcv.ts_at = (usec_t){ (int64_t)r->ts_at_s * 1000000 };
}

static void
agreed_back(struct conn *c, const struct conn_rest *r)
{
	c->relayed = r->relayed;
	c->tuning = (struct tcpterm_tuning){
		.cc = (uint8_t)r->cc,
		.pace = r->pace,
		.idle_restart = r->idle_restart,
		.no_ecn = r->no_ecn,
		.mss = r->mss_most,
	};
	c->iss = seq(r->iss);
	c->irs = seq(r->irs);
	c->snd_shift = (uint8_t)r->snd_shift;
	c->rcv_shift = (uint8_t)r->rcv_shift;
	c->ts_on = r->ts_on;
	c->sack_on = r->sack_on;
	c->wscale_on = r->wscale_on;
	c->mss = r->mss;
	c->mss_offered = r->mss_offered;
	c->nodelay = r->nodelay;
	c->ttl = r->ttl;
	c->tos = r->tos;
	c->df = r->df;
	c->ip_id = r->ip_id;
	c->flow_label = r->flow_label;
	c->own_clock = r->own_clock;
	c->ts_offset = r->ts_offset;
}

void
conn_wake(struct conn *c, const struct conn_rest *r)
{
	c->state = TCPTERM_ESTABLISHED;
	c->una = c->nxt = c->small_end = r->una;
	c->wl1 = seq(r->wl1);
	c->wl2 = r->una;	/* older ACKs are not looked at */
	c->wnd_edge = r->una + r->wnd;
	c->wnd_max = r->wnd_max;
	c->heard_at = ago(c, r->heard_ms);
	c->stray_at = soon(c, r->stray_ms);
	c->n_rexmit = r->n_rexmit;
	c->n_ooo = r->n_ooo;
	c->n_dup = r->n_dup;
	c->n_zero_wnd = r->n_zero_wnd;
	agreed_back(c, r);
	receive_back(c, r);
	loss_back(c, r);
	window_back(c, r);
}
