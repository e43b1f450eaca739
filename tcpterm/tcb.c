/*
 * A connection's life: its state and its timers.
 */
#include <assert.h>

#include "tcpterm/alive.h"
#include "tcpterm/core.h"
#include "tcpterm/tcb.h"

enum {
	N_RETRIES = 15,		/* probes of a shut window that nobody answers */
	QUICK_ACKS = 16,
	HEARD_US = 300 * 1000 * 1000,	/* more than two timeouts at their bound */
};

void
tcb_init(struct conn *c, struct tcpterm *s, struct flow *f, uint8_t leg)
{
	*c = (struct conn){
		.slot = c->slot,
		.s = s,
		.f = f,
		.leg = leg,
		.state = TCPTERM_CLOSED,
		.rto_at = USEC_NEVER,
		.persist_at = USEC_NEVER,
		.ttl = 64,
		.df = true,
		.rcv = { .fin = -1,
			 .delack_at = USEC_NEVER,
			 .quick = QUICK_ACKS,
			 .limit = s->conf.rcv_wnd_min,
			 .seg_max = TCB_MSS_DEFAULT_V4,
			 .ts_at = s->now },
	};
	rtt_init(&c->rtt);
	rack_init(&c->rack);
}

void
tcb_fini(struct conn *c)
{
	if (c->is_pending)
		LIST_REMOVE(c, pending);
	c->is_pending = false;
	if (c->state == TCPTERM_SYN_RECEIVED)
		tcb_set_state(c, TCPTERM_CLOSED);
	sent_clear(c);
	ooo_clear(c);
}

#define TO(state) (1u << TCPTERM_##state)

/* RFC 9293 figure 5, and its shortcuts where one segment carries two events. */
static const uint16_t legal[] = {
	[TCPTERM_CLOSED] = TO(SYN_SENT) | TO(SYN_RECEIVED) | TO(ESTABLISHED),
	[TCPTERM_LISTEN] = TO(SYN_RECEIVED) | TO(SYN_SENT) | TO(CLOSED),
	[TCPTERM_SYN_SENT] = TO(SYN_RECEIVED) | TO(ESTABLISHED) | TO(CLOSED),
	[TCPTERM_SYN_RECEIVED] = TO(ESTABLISHED) | TO(FIN_WAIT_1) | TO(CLOSE_WAIT) | TO(CLOSED),
	[TCPTERM_ESTABLISHED] = TO(FIN_WAIT_1) | TO(CLOSE_WAIT) | TO(LAST_ACK) | TO(CLOSED),
	[TCPTERM_FIN_WAIT_1] = TO(FIN_WAIT_2) | TO(CLOSING) | TO(TIME_WAIT) | TO(CLOSED),
	[TCPTERM_FIN_WAIT_2] = TO(TIME_WAIT) | TO(CLOSED),
	[TCPTERM_CLOSE_WAIT] = TO(LAST_ACK) | TO(CLOSED),
	[TCPTERM_CLOSING] = TO(TIME_WAIT) | TO(CLOSED),
	[TCPTERM_LAST_ACK] = TO(CLOSED),
	[TCPTERM_TIME_WAIT] = TO(CLOSED),
};

void
tcb_set_state(struct conn *c, enum tcpterm_state to)
{
	if (c->state == to)
		return;
	assert(legal[c->state] & 1u << to);
	flood_syn_received(c->s, (to == TCPTERM_SYN_RECEIVED) - (c->state == TCPTERM_SYN_RECEIVED));
	c->state = to;
}

bool
tcb_fin_acked(const struct conn *c)
{
	return c->fin_sent && c->una > c->tx->end;
}

void
tcb_progress(struct conn *c)
{
	bool acked = tcb_fin_acked(c), passive;

	if (c->state < TCPTERM_ESTABLISHED)
		return;
	/* The end that saw the peer's FIN first goes by LAST-ACK. */
	if (c->rx->fin && c->state == TCPTERM_ESTABLISHED)
		tcb_set_state(c, TCPTERM_CLOSE_WAIT);
	passive = c->state == TCPTERM_CLOSE_WAIT || c->state == TCPTERM_LAST_ACK;
	if (!c->fin_sent)
		return;
	if (passive) {
		tcb_set_state(c, TCPTERM_LAST_ACK);
		if (acked)
			tcb_set_state(c, TCPTERM_CLOSED);
	} else if (c->rx->fin) {
		tcb_set_state(c, acked ? TCPTERM_TIME_WAIT : TCPTERM_CLOSING);
	} else {
		tcb_set_state(c, acked && c->state == TCPTERM_FIN_WAIT_1 ? TCPTERM_FIN_WAIT_2
				 : c->state == TCPTERM_ESTABLISHED	 ? TCPTERM_FIN_WAIT_1
									 : c->state);
	}
}

void
tcb_kill(struct conn *c)
{
	tcb_fini(c);
	c->rto_at = c->persist_at = c->rcv.delack_at = USEC_NEVER;
	c->pace.waiting = false;
	rack_init(&c->rack);
	tcb_set_state(c, TCPTERM_CLOSED);
}

void
tcb_pend(struct conn *c)
{
	if (c->is_pending)
		return;
	c->is_pending = true;
	LIST_INSERT_HEAD(&c->s->pending, c, pending);
}

uint16_t
tcb_mss_for(const struct conn *c, uint16_t mtu)
{
	unsigned headers = c->f->key.v6 ? 60 : 40;

	return (uint16_t)(mtu - headers - (c->ts_on ? 12 : 0));
}

uint16_t
tcb_port_mtu(const struct conn *c, uint8_t side)
{
	const unsigned n[2] = { c->f->l2[0].n_tags, c->f->l2[1].n_tags };

	return (uint16_t)(c->s->conf.mtu[side & 1] - 4 * RTE_MAX(n[0], n[1]));
}

void
tcb_agree(struct conn *c, const struct tcpterm_options *peer, const struct tcpterm_options *ours)
{
	bool v4 = !c->f->key.v6;
	uint16_t mss = peer->has_mss ? peer->mss : v4 ? TCB_MSS_DEFAULT_V4 : TCB_MSS_DEFAULT_V6;

	c->wscale_on = peer->has_wscale && ours->has_wscale;
	if (c->wscale_on) {	/* RFC 7323 2.2 */
		c->snd_shift = RTE_MIN(peer->wscale, (uint8_t)TCB_WSCALE_MAX);
		c->rcv_shift = RTE_MIN(ours->wscale, (uint8_t)TCB_WSCALE_MAX);
	} else {
		c->snd_shift = c->rcv_shift = 0;
	}
	c->ts_on = peer->has_ts && ours->has_ts;
	c->sack_on = peer->sack_permitted && ours->sack_permitted;
	c->rcv.ts_recent = c->rcv.ts_newest = peer->tsval;
	mss = RTE_MAX(mss, (uint16_t)TCB_MSS_LEAST);
	if (c->tuning.mss)
		mss = RTE_MIN(mss, RTE_MAX(c->tuning.mss, (uint16_t)TCB_MSS_LEAST));
	mss -= c->ts_on ? 12 : 0;	/* RFC 6691: the option counts headers without options */
	c->mss = RTE_MIN(mss, tcb_mss_for(c, tcb_port_mtu(c, c->f->l2[c->leg].side)));
	pmtu_agreed(c);
}

usec_t
tcb_next(const struct conn *c)
{
	usec_t at = usec_min(usec_min(c->rto_at, c->persist_at), c->rcv.delack_at);

	return usec_min(at, usec_min(pace_at(c), rack_next(&c->rack)));
}

static bool
due(usec_t *at, usec_t now)
{
	if (usec_before(now, *at))
		return false;
	*at = USEC_NEVER;
	return true;
}

/* A peer that took its window back and goes on saying so is not dead (RFC 9293 3.8.6.1). */
static bool
shut_but_alive(const struct conn *c)
{
	return c->wnd_edge <= c->una && usec_diff(c->s->now, c->heard_at) < HEARD_US;
}

static bool
retransmit(struct conn *c)
{
	bool syn = c->state == TCPTERM_SYN_SENT || c->state == TCPTERM_SYN_RECEIVED;

	if (c->rtt.backoff >= alive_retries(c, syn) && !shut_but_alive(c))
		return false;
	if (syn) {
		rtt_backoff(&c->rtt);
		ecn_fall_back(c);
		c->n_rexmit++;
		c->s->stats.retransmits++;
		send_syn(c);
		alive_retransmitted(c);
		return true;
	}
	recover_timeout(c);
	alive_retransmitted(c);
	/* Should no mbuf be left for it, the timer tries again. */
	c->rto_at = usec_add(c->s->now, rtt_rto(&c->rtt));
	tcb_pend(c);
	return true;
}

static bool
persist(struct conn *c)
{
	if (c->n_keepalives >= N_RETRIES)
		return false;
	if (c->wnd_edge <= c->nxt) {
		if (c->n_probes < UINT8_MAX)
			c->n_probes++;
		c->probe_now = true;
	} else {
		c->override = true;
	}
	tcb_pend(c);
	return true;
}

bool
tcb_timer(struct conn *c)
{
	usec_t now = c->s->now;

	if (due(&c->rcv.delack_at, now)) {
		c->rcv.ack_now = true;
		c->rcv.behind = 0;
		tcb_pend(c);
	}
	pace_timer(c);
	rack_timer(c);
	if (due(&c->rto_at, now) && !ecn_waited(c) && !retransmit(c))
		return false;
	return !due(&c->persist_at, now) || persist(c);
}

void
tcb_info(const struct conn *c, struct tcpterm_leg_info *i)
{
	*i = (struct tcpterm_leg_info){
		.state = c->state,
		.srtt_us = c->rtt.srtt,
		.min_rtt_us = c->rtt.min,
		.rto_us = c->rtt.rto,
		.cwnd = c->cc.cwnd,
		.ssthresh = c->cc.ssthresh,
		.mss = c->mss,
		.snd_wnd = c->wnd_edge > c->una ? (uint32_t)(c->wnd_edge - c->una) : 0,
		.rcv_wnd = c->rcv.adv > c->rcv.nxt ? (uint32_t)(c->rcv.adv - c->rcv.nxt) : 0,
		.in_flight = (uint64_t)(c->nxt - c->una),
		.queued = c->tx ? stream_len(c->tx) : 0,
		.retransmits = c->n_rexmit,
		.out_of_order = c->n_ooo,
		.zero_windows = c->n_zero_wnd,
		.duplicates = c->n_dup,
		.stream_bytes = (uint64_t)c->rcv.nxt,
	};
}
