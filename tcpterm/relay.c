#include <errno.h>

#include "datapath/checksum.h"
#include "tcpterm/endpoint.h"
#include "tcpterm/measure.h"
#include "tcpterm/options.h"
#include "tcpterm/relay.h"
#include "tcpterm/rest.h"
#include "tcpterm/urgent.h"

enum {
	FIN_WITHHELD_US = 10 * 1000 * 1000,	/* then it is ours to acknowledge */
	RST_DRAIN_US = 3 * 1000 * 1000,		/* for what is queued before it */
	N_KEEPALIVES = 9,
	KEEPALIVE_US = 75 * 1000 * 1000,	/* between probes of ours */
	ASK_US = 1000 * 1000,			/* between any two: an answer takes its time */
};

/* A translated flow that is silent can't be left to its ends: they are asked (RFC 9293 3.8.4). */
#define SILENT_US (7200LL * 1000 * 1000)

/* --- the beginning --- */

static void
impersonate(struct conn *c, const struct embryo_end *e)
{
	c->ttl = e->ttl;
	c->tos = e->tos;
	c->df = e->df;
	c->flow_label = e->flow_label;
}

/* Leg `k` of a handshake that both ends have agreed on. */
static void
leg_start(struct tcpterm *s, struct relay *r, const struct embryo *e, unsigned k)
{
	const struct embryo_end *peer = &e->end[k], *us = &e->end[!k];
	struct conn *c = &r->leg[k];

	tcb_init(c, s, r->f, (uint8_t)k);
	c->relayed = c->nodelay = true;
	c->tuning = e->verdict.tuning;
	c->rx = &r->str[k];
	c->tx = &r->str[!k];
	c->iss = us->isn;
	c->irs = peer->isn;
	ecn_relayed(c, e->end[0].flags, e->end[1].flags);
	tcb_agree(c, &peer->opt, &us->opt);
	c->ts_val = &r->leg[!k].rcv.ts_newest;
	c->wl1 = peer->isn;
	c->wnd_edge = c->wnd_max = peer->window;
	c->rcv.adv = us->window;	/* offered by the end that we stand for */
	c->rcv.limit = RTE_MAX(c->rcv.limit, us->window);
	c->rcv.fin_ackable = false;
	c->heard_at = s->now;
	c->ip_id = (uint16_t)us->isn.v;
	impersonate(c, us);
	tcb_set_state(c, TCPTERM_ESTABLISHED);
	cc_init(c, cc_choice(c));
}

/* The clocks of a fresh flow. */
static void
relay_init(struct tcpterm *s, struct relay *r, const struct tcpterm_verdict *v, bool translated)
{
	bool asks = s->conf.keepalive_us || translated;

	r->fin_at[0] = r->fin_at[1] = r->rst_at = USEC_NEVER;
	r->close_local = v->close_local;
	r->translated = translated;
	r->idle_us = v->idle_us ? v->idle_us : s->conf.idle_us;
	r->idle_at = asks ? USEC_NEVER : usec_add(s->now, r->idle_us);
	r->keep_at[0] = r->keep_at[1] = asks ? s->now : USEC_NEVER;
}

/* The server's wait is to its first SYN-ACK, the client's from there to what came now. */
static void
relay_waited(struct tcpterm *s, struct flow *f, const struct embryo *e)
{
	struct relay_head *h = (struct relay_head *)f;
	const int64_t all = usec_diff(s->now, f->started), server = e->answered_us;

	h->took[1].handshake_us = RTE_MIN(server, MEASURE_WAIT_MOST) & MEASURE_WAIT_MOST;
	h->took[0].handshake_us = RTE_MAX(1, RTE_MIN(all - server, MEASURE_WAIT_MOST)) &
				  MEASURE_WAIT_MOST;
}

bool
relay_start(struct tcpterm *s, struct embryo *e, struct pkt *p)
{
	struct embryo copy = *e;
	struct flow *f = flow_become(s, &e->f, TCPTERM_KIND_RELAY);
	struct relay *r;

	if (!f)
		return false;
	r = rest_relay_new(s, f);
	relay_waited(s, f, &copy);
	relay_init(s, r, &copy.verdict, false);
	leg_start(s, r, &copy, 0);
	leg_start(s, r, &copy, 1);
	/* Each leg's first RTT is of the handshake that crossed. */
	if (copy.end[1].at.v != USEC_NEVER.v) {
		rtt_sample(&r->leg[0].rtt, usec_diff(s->now, copy.end[1].at));
		if (copy.end[0].at.v != USEC_NEVER.v)
			rtt_sample(&r->leg[1].rtt, usec_diff(copy.end[1].at, copy.end[0].at));
	}
	/* The server learns now that its SYN-ACK arrived. */
	r->leg[1].rcv.ack_now = true;
	tcb_pend(&r->leg[1]);
	relay_input(s, r->f, p, 0);
	return true;
}

/* --- the beginning by a SYN cookie (RFC 4987 3.6) --- */

static void
learn_manners(struct conn *impersonator, const struct pkt *p)
{
	impersonator->ttl = p->ttl;
	impersonator->tos = p->tos;
	impersonator->df = p->df;
	impersonator->flow_label = p->flow_label;
}

/* One leg is gone; the other gets what is queued, and then a RST. */
static void
leg_died(struct tcpterm *s, struct relay *r, unsigned k, enum tcpterm_end why)
{
	tcb_kill(&r->leg[k]);
	r->dying = true;
	r->dead = (uint8_t)k;
	r->why = (uint8_t)why;
	r->rst_at = usec_add(s->now, RST_DRAIN_US);
	r->fin_at[0] = r->fin_at[1] = USEC_NEVER;
	stream_clear(s, &r->str[!k]);	/* nobody is left to take these */
	tcb_pend(&r->leg[!k]);
}

/* What both legs have: numbers and a clock that are ours. */
static struct conn *
own_leg(struct tcpterm *s, struct relay *r, const struct pkt *p, const struct tcpterm_verdict *v,
	unsigned k)
{
	struct conn *c = &r->leg[k];

	tcb_init(c, s, r->f, (uint8_t)k);
	c->relayed = c->nodelay = true;
	c->tuning = v->tuning;
	c->rx = &r->str[k];
	c->tx = &r->str[!k];
	open_own(c, k == 0 ? p->side : !p->side);
	return c;
}

void
relay_from_cookie(struct tcpterm *s, struct pkt *p, const struct tcpterm_verdict *v,
		  const struct cookie *k)
{
	struct flow *f = flow_create(s, TCPTERM_KIND_RELAY, p, false);
	struct conn *server;
	struct relay *r;

	if (!f) {	/* the client asks again by its data, or a probe */
		core_drop(s, p->m, DROP_no_memory);
		return;
	}
	r = rest_relay_new(s, f);
	r->f->cookie = v->cookie;
	r->f->caller = v->caller;
	r->f->start = TCPTERM_START_COOKIE;
	flow_learn(s, r->f, p, 0);
	relay_init(s, r, v, true);
	open_cookie(own_leg(s, r, p, v, 0), k);
	server = own_leg(s, r, p, v, 1);
	server->iss = k->irs;	/* what the client sends keeps its numbers */
	server->heard_at = s->now;
	learn_manners(server, p);
	flow_announce(s, r->f);
	open_active(server);
	relay_input(s, r->f, p, 0);
}

/* The server's answer to our SYN.  True: it was used up. */
static bool
opening(struct tcpterm *s, struct relay *r, struct pkt *p, unsigned dir)
{
	struct conn *c = &r->leg[dir];
	enum open_result was;

	if (c->state != TCPTERM_SYN_SENT && c->state != TCPTERM_SYN_RECEIVED)
		return false;
	if (p->flags & TCP_SYN && (!(p->flags & TCP_ACK) || p->ack == c->iss.v + 1)) {
		flow_learn(s, r->f, p, dir);
		learn_manners(&r->leg[!dir], p);
	}
	was = open_input(c, p);
	if (was == OPEN_REFUSED)
		leg_died(s, r, dir, TCPTERM_END_REFUSED);
	return was != OPEN_GO_ON;
}

/* --- the end --- */

void
relay_release(struct tcpterm *s, struct relay *r)
{
	for (unsigned k = 0; k < 2; k++) {
		tcb_fini(&r->leg[k]);
		stream_clear(s, &r->str[k]);
	}
}

void
relay_end(struct tcpterm *s, struct flow *f, enum tcpterm_end why)
{
	struct relay *r = relay_of(f);

	if (f->end == TCPTERM_END_NONE)
		f->end = (uint8_t)why;
	relay_release(s, r);
	flow_destroy(s, f, why);
}

static bool
all_acked(const struct conn *c)
{
	return c->una >= c->tx->end;
}

/* Both FINs are acknowledged by their receivers, us included. */
static bool
complete(const struct conn *c)
{
	return tcb_fin_acked(c) && c->rx->fin && c->rcv.last_ack > c->rcv.nxt;
}

/* A FIN is acknowledged when the far end has acknowledged it. */
static void
settle_fin(struct tcpterm *s, struct relay *r, unsigned d)
{
	struct conn *c = &r->leg[d];
	bool far = tcb_fin_acked(&r->leg[!d]);

	if (!r->str[d].fin || c->rcv.fin_ackable)
		return;
	if (r->fin_at[d].v == USEC_NEVER.v)
		r->fin_at[d] = usec_add(s->now, r->close_local ? 0 : FIN_WITHHELD_US);
	if (!far && usec_before(s->now, r->fin_at[d]))
		return;
	s->stats.fin_local += !far;
	r->fin_at[d] = USEC_NEVER;
	c->rcv.fin_ackable = true;
	c->rcv.ack_now = true;
	tcb_pend(c);
}

static usec_t
relay_next(const struct relay *r)
{
	usec_t legs = usec_min(tcb_next(&r->leg[0]), tcb_next(&r->leg[1]));

	legs = usec_min(usec_min(r->fin_at[0], r->fin_at[1]), usec_min(r->rst_at, legs));
	legs = usec_min(legs, usec_min(r->keep_at[0], r->keep_at[1]));
	return usec_min(legs, r->idle_at);
}

/* Nothing of the leg's is anywhere but with its ends. */
static bool
holds_nothing(const struct conn *c)
{
	return c->una == c->nxt && c->una == c->tx->end && !c->ooo.head && c->rcv.fin < 0 &&
	       c->rcv.last_ack == c->rcv.nxt;
}

/* What leg `k` knows of its end's half. */
static void
past_of(const struct relay *r, unsigned k, struct track_past *past)
{
	const struct conn *c = &r->leg[k];

	window_of_conn(past, k, c);
	measure_of_conn(past, k, c);
	past->handshake_us[k] = ((const struct relay_head *)r->f)->took[k].handshake_us;
}

/* A flow that holds nothing can be left to its ends: its numbers are their own. */
static int
step_down(struct tcpterm *s, struct relay *r, enum tcpterm_kind kind)
{
	struct track_past past = { 0 };
	const bool strict = r->demote && r->strict;
	int64_t idle_us = r->idle_us;
	struct flow *f;

	if (r->translated)
		return -EINVAL;
	if (r->dying || !holds_nothing(&r->leg[0]) || !holds_nothing(&r->leg[1]))
		return -EAGAIN;
	past_of(r, 0, &past);
	past_of(r, 1, &past);
	relay_release(s, r);
	f = flow_become(s, r->f, kind);
	if (!f)
		return -ENOMEM;
	track_take_over(s, f, &past, idle_us);
	(void)tcpterm_set_window(f, strict);	/* if it is followed */
	return 0;
}

int
relay_step_down(struct tcpterm *s, struct relay *r, enum tcpterm_kind kind)
{
	r->demote = r->translated ? 0 : (uint8_t)kind;
	return step_down(s, r, kind);
}

/* True: the relay is gone. */
static bool
idle(struct tcpterm *s, struct relay *r)
{
	if (usec_before(s->now, r->idle_at))
		return false;
	r->idle_at = usec_add(r->f->last, r->idle_us);
	if (usec_before(s->now, r->idle_at))
		return false;
	r->idle_at = usec_add(s->now, r->idle_us);
	return step_down(s, r, TCPTERM_KIND_TRACK) == 0;
}

/*
 * Until something is due.  While bytes are in flight every ACK puts off what is, and the entry in
 * the wheel stays where it is: it fires early once in a timeout, and finds out.
 */
static void
wait(struct tcpterm *s, struct relay *r)
{
	const struct conn *c = r->leg;
	bool in_flight = c[0].una < c[0].nxt || c[1].una < c[1].nxt;
	bool may_rest = !in_flight && rest_relay_may(r);
	usec_t next = relay_next(r);

	if (!in_flight || !timer_armed(r->f) || usec_before(next, timer_deadline(&s->wheel, r->f)))
		flow_arm(s, r->f, next);
	rest_later(&r->leg[0], may_rest);
}

void
relay_settle(struct tcpterm *s, struct flow *f)
{
	struct relay *r = relay_of(f);

	if (r->leg[0].corrupt || r->leg[1].corrupt) {
		if (tcpterm_reset_ends(s, f, TCPTERM_BOTH_ENDS, TCPTERM_END_CORRUPT) != 0)
			relay_end(s, f, TCPTERM_END_CORRUPT);
		return;
	}
	if (r->dying) {
		struct conn *c = &r->leg[!r->dead];

		if (all_acked(c) || !usec_before(s->now, r->rst_at)) {
			send_reset(c);
			relay_end(s, f, r->why);
			return;
		}
	} else {
		settle_fin(s, r, 0);
		settle_fin(s, r, 1);
		if (complete(&r->leg[0]) && complete(&r->leg[1])) {
			timewait_start(s, r);
			return;
		}
		if (r->demote && step_down(s, r, (enum tcpterm_kind)r->demote) == 0)
			return;
	}
	wait(s, r);
}

static void
relay_keepalive(struct tcpterm *s, struct relay *r, unsigned from)
{
	struct conn *far = &r->leg[!from];

	if (far->una < far->nxt || !all_acked(far))
		return;		/* retransmission or persist finds out */
	/* Late copies of an ACK look like probes once a FIN is taken, and come in crowds. */
	if (usec_before(s->now, r->ask_at[!from]))
		return;
	r->ask_at[!from] = usec_add(s->now, ASK_US);
	if (far->n_keepalives >= N_KEEPALIVES) {
		leg_died(s, r, !from, TCPTERM_END_TIMEOUT);
		return;
	}
	far->probe_now = true;
	tcb_pend(far);
}

/* Keepalives of our own, where they are configured (RFC 9293 3.8.4). */
static void
keep_alive(struct tcpterm *s, struct relay *r)
{
	int64_t keepalive = s->conf.keepalive_us ? s->conf.keepalive_us : SILENT_US;

	for (unsigned k = 0; k < 2 && !r->dying; k++) {
		usec_t silent = usec_add(r->leg[k].heard_at, keepalive);

		if (usec_before(s->now, r->keep_at[k]))
			continue;
		r->keep_at[k] = silent;
		if (usec_before(s->now, silent))
			continue;
		r->keep_at[k] = usec_add(s->now, KEEPALIVE_US);
		relay_keepalive(s, r, !k);
	}
	if (r->dying)
		r->keep_at[0] = r->keep_at[1] = USEC_NEVER;
}

void
relay_timer(struct tcpterm *s, struct flow *f)
{
	struct relay *r = relay_of(f);

	if (idle(s, r))
		return;
	keep_alive(s, r);
	for (unsigned k = 0; k < 2; k++) {
		if (r->dying && k == r->dead)
			continue;
		if (tcb_timer(&r->leg[k]))
			continue;
		if (r->dying) {
			relay_end(s, f, r->why);
			return;
		}
		leg_died(s, r, k, TCPTERM_END_TIMEOUT);
	}
	relay_settle(s, f);
}

/* --- from reading to terminating --- */

void
relay_take_up(struct tcpterm *s, struct flow *f, const struct embryo *e, const uint32_t window[2])
{
	struct relay *r = rest_relay_new(s, flow_become(s, f, TCPTERM_KIND_RELAY));

	relay_init(s, r, &e->verdict, false);
	for (unsigned k = 0; k < 2; k++) {
		struct conn *c = &r->leg[k];

		leg_start(s, r, e, k);
		c->wnd_edge = c->wnd_max = window[!k];
		c->rcv.adv = window[k];
		c->rcv.limit = RTE_MAX(c->rcv.limit, window[k]);
	}
	flow_arm(s, r->f, relay_next(r));
}

/* --- segments --- */

/* A keepalive probe, or what looks like one: its answer is ours, the question goes on. */
static bool
is_keepalive(const struct conn *c, const struct pkt *p)
{
	int64_t off = seq_offset(seq(p->seq), c->irs, c->rcv.nxt);

	return p->payload_len <= 1 && !(p->flags & (TCP_SYN | TCP_FIN | TCP_RST)) &&
	       off == receive_ack(c) - 1 && c->una == c->nxt;
}

/* The owner looks at what came in order, before it goes on. */
static void
tell_owner(struct tcpterm *s, struct relay *r, unsigned dir, int64_t from)
{
	const struct stream *st = &r->str[dir];
	uint8_t bytes[2048];
	uint32_t n;

	for (; from < st->end && r->f->inspected; from += n) {
		n = (uint32_t)RTE_MIN(st->end - from, (int64_t)sizeof bytes);
		stream_copy(st, from, n, bytes);
		s->conf.ops->bytes(s->conf.ctx, r->f, dir, (uint64_t)from, bytes, n);
	}
}

/* What one leg took concerns the other: bytes to send, room that opened. */
static void
tell_other(struct relay *r, unsigned dir, int64_t had, int64_t released)
{
	struct conn *other = &r->leg[!dir];

	if (r->str[dir].end > had || r->str[dir].fin)
		tcb_pend(other);
	urgent_tell(other);
	if (r->str[!dir].start > released)
		receive_drained(other, (uint64_t)(r->str[!dir].start - released), &r->leg[dir]);
}

/*
 * Of what a port that trusts received only a whole segment in its turn can be sent on as it came.
 * Small payload is copied together with other, and what lies elsewhere may be cut: both are
 * verified while their sum is still to be had.
 */
static bool
verified(const struct conn *c, struct pkt *p)
{
	uint32_t most = RTE_MAX(p->m->nb_segs - 1u, 1u) *	/* that is copied */
			(rte_pktmbuf_data_room_size(c->s->conf.payload_pool) / 4u);
	int64_t off = seq_offset(seq(p->seq), c->irs, c->rcv.nxt);

	if (!p->unverified)
		return !p->cksum_bad;
	if (off == c->rcv.nxt && off + p->payload_len <= c->rcv.adv && !c->ooo.head &&
	    c->rcv.fin < 0 && !(p->flags & ~(TCP_ACK | TCP_PSH)) && p->payload_len >= most)
		return true;
	return cksum_tcp_ok(p);
}

void
relay_input(struct tcpterm *s, struct flow *f, struct pkt *p, unsigned dir)
{
	struct relay *r = relay_of(f);
	struct conn *c = &r->leg[dir];
	int64_t had = r->str[dir].end, released = r->str[!dir].start;
	enum tcb_event event;

	if (!verified(c, p)) {
		core_drop(s, p->m, DROP_proxy_cksum);
		return;
	}
	flow_count(s, f, p, dir);
	if (r->dying && dir == r->dead) {
		core_drop(s, p->m, DROP_proxy_consumed);
		return;
	}
	if (opening(s, r, p, dir))
		return;
	if (tcb_believes(c, p)) {
		flow_learn(s, f, p, dir);
		learn_manners(&r->leg[!dir], p);
	}
	if (!r->dying && is_keepalive(c, p))
		relay_keepalive(s, r, dir);
	event = tcb_input(c, p);
	/* A leg whose FINs are acknowledged has nothing left to reset (RFC 1337): the other one
	 * may still be taking what that end has sent. */
	if (event == TCB_RESET && complete(&r->leg[dir]))
		event = TCB_NONE;
	if (event == TCB_RESET && r->dying) {
		relay_end(s, f, r->why);
	} else if (event == TCB_RESET) {
		leg_died(s, r, dir, TCPTERM_END_RST);
	} else if (!r->dying) {
		if (f->inspected && r->str[dir].end > had)
			tell_owner(s, r, dir, had);
		tell_other(r, dir, had, released);
	}
}

bool
relay_icmp(struct flow *f, const struct pkt *p, unsigned dir)
{
	struct relay *r = relay_of(f);

	/* The quoted segment went towards end !dir: the leg that faces it made it. */
	if (r->dying && r->dead == !dir)
		return true;
	return pmtu_icmp(&r->leg[!dir], p);
}
