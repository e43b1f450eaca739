/*
 * The handshake of a connection that ends here: RFC 9293 3.10.7.3 (SYN-SENT)
 * and what 3.10.7.4 says of SYN-RECEIVED.
 */
#include "tcpterm/endpoint.h"
#include "tcpterm/options.h"
#include "tcpterm/reset.h"
#include "tcpterm/segment.h"

/* The smallest shift that can offer the largest window. */
static uint8_t
shift_for(uint32_t window)
{
	uint32_t units = (window - 1) / UINT16_MAX;	/* one less than they have to be */
	uint32_t shift = window > 0 && units > 0 ? 32u - (uint32_t)__builtin_clz(units) : 0;

	return (uint8_t)RTE_MIN(shift, (uint32_t)TCB_WSCALE_MAX);
}

uint8_t
open_shift(const struct tcpterm *s)
{
	return shift_for(s->conf.rcv_wnd_max);
}

void
open_own(struct conn *c, uint8_t side)
{
	const struct flow_key k = flow_key_of(c->f);
	struct tcpterm *s = c->s;

	c->iss = timewait_isn(s, isn_make(s, &k));
	c->una = -1;
	c->nxt = 0;
	c->own_clock = true;
	c->ts_offset = c->iss.v;
	c->ts_on = c->sack_on = c->wscale_on = true;
	c->rcv_shift = open_shift(s);
	c->mss_offered = tcb_mss_for(c, tcb_port_mtu(c, side)) + 12;
	c->mss = c->mss_offered;
}

void
open_init(struct tcpterm *s, struct endpoint *e, uint8_t leg)
{
	struct conn *c = &e->c;

	tcb_init(c, s, e->f, leg);
	c->rx = &e->rx;
	c->tx = &e->tx;
	c->rcv.fin_ackable = true;
	open_own(c, e->f->l2[leg].side);
}

void
open_tuned(struct conn *c)
{
	uint16_t most = RTE_MAX(c->tuning.mss, (uint16_t)TCB_MSS_LEAST);

	if (c->tuning.mss == 0)
		return;
	c->mss_offered = RTE_MIN(c->mss_offered, most);
	most -= c->ts_on ? 12 : 0;	/* RFC 6691 */
	c->mss = RTE_MIN(c->mss, most);
	pmtu_bound(c, most);
}

/* Both ends' options are known. */
static void
agree(struct conn *c, const struct tcpterm_options *peer, seq_t irs, uint16_t window)
{
	const struct tcpterm_options ours = {
		.has_ts = true,
		.sack_permitted = true,
		.has_wscale = true,
		.wscale = c->rcv_shift,
	};

	c->irs = irs;
	tcb_agree(c, peer, &ours);
	open_tuned(c);
	c->wl1 = c->irs;
	c->wnd_edge = c->wnd_max = window;
	cc_init(c, cc_choice(c));
}

static void
agree_with(struct conn *c, const struct pkt *p)
{
	struct tcpterm_options peer;

	options_parse(rte_pktmbuf_mtod_offset(p->m, const uint8_t *, p->l4 + 20), p->opt_len,
		      &peer);
	ecn_agree(c, p);
	agree(c, &peer, seq(p->seq), p->window);
}

void
open_cookie(struct conn *c, const struct cookie *k)
{
	c->iss = k->iss;
	c->ts_offset = k->ts_offset;
	agree(c, &k->peer, k->irs, 0);
	ecn_relayed(c, k->ecn ? TCP_ECE | TCP_CWR : 0, k->ecn ? TCP_ECE : 0);
	c->rcv.adv = cookie_window(c->s);
	c->una = 0;
	c->heard_at = c->s->now;
	tcb_set_state(c, TCPTERM_ESTABLISHED);
}

void
open_passive(struct tcpterm *s, struct endpoint *e, const struct pkt *p)
{
	(void)s;
	agree_with(&e->c, p);
	tcb_set_state(&e->c, TCPTERM_SYN_RECEIVED);
	send_syn(&e->c);
}

void
open_active(struct conn *c)
{
	open_tuned(c);
	ecn_open(c);
	tcb_set_state(c, TCPTERM_SYN_SENT);
	send_syn(c);
}

static void
established(struct conn *c)
{
	c->una = 0;
	c->rto_at = USEC_NEVER;
	c->heard_at = c->s->now;
	/* RFC 6928 2: one SYN may be lost by chance; two say something of the path. */
	if (c->rtt.backoff > 1)
		c->cc.cwnd = c->mss;
	if (c->rtt.backoff > 0)
		rtt_syn_lost(&c->rtt);
	else
		rtt_sample(&c->rtt, usec_diff(c->s->now, c->f->started));
	tcb_set_state(c, TCPTERM_ESTABLISHED);
}

static enum open_result
used_up(struct conn *c, struct pkt *p, enum open_result r)
{
	core_drop(c->s, p->m, DROP_proxy_consumed);
	p->m = NULL;
	return r;
}

static enum open_result
syn_sent(struct conn *c, struct pkt *p)
{
	bool ack_ok = p->flags & TCP_ACK && p->ack == c->iss.v + 1;

	if (p->flags & TCP_ACK && !ack_ok) {	/* first */
		reset_reply(c->s, p);
		return used_up(c, p, OPEN_DONE);
	}
	if (p->flags & TCP_RST && ack_ok && ecn_fall_back(c)) {
		send_syn(c);			/* RFC 3168 6.1.1.1 */
		return used_up(c, p, OPEN_DONE);
	}
	if (p->flags & TCP_RST)			/* second */
		return used_up(c, p, ack_ok ? OPEN_REFUSED : OPEN_DONE);
	if (!(p->flags & TCP_SYN))		/* fifth */
		return used_up(c, p, OPEN_DONE);
	agree_with(c, p);				/* fourth */
	if (ack_ok) {
		c->rcv.ack_now = true;
		established(c);
		tcb_pend(c);
	} else {
		tcb_set_state(c, TCPTERM_SYN_RECEIVED);
		send_syn(c);
	}
	return used_up(c, p, OPEN_DONE);
}

/* A SYN, or a SYN-ACK, for SYN-RECEIVED. */
static enum open_result
syn_again(struct conn *c, const struct pkt *p, int64_t off)
{
	bool passive = c->leg == 0;	/* the peer is the initiator */

	if (off == -1 && !(p->flags & TCP_ACK)) {
		ecn_agree_again(c, p);
		send_syn(c);		/* ours was lost */
	} else if (off == -1 && p->ack == c->iss.v + 1) {
		/* A simultaneous open's SYN-ACK. Its SYN we had: it is acknowledged again,
		 * as all that lies outside the window (RFC 9293 3.10.7.4, first). */
		established(c);
		c->rcv.ack_now = true;
		tcb_pend(c);
	} else if (passive && off >= 0 && off < c->rcv.adv) {
		/* RFC 9293 3.10.7.4, fourth: back to LISTEN, where the SYN is good when it comes
		 * again.  RFC 5961 4.2 has an ACK for it in the synchronized states, which this one
		 * is not; nor does who guesses the window end more than a handshake. */
		return OPEN_REFUSED;
	} else {
		/* first; for an active open's fourth RFC 5961 4.2 */
		send_challenge(c);
	}
	return OPEN_DONE;
}

static enum open_result
syn_received(struct conn *c, struct pkt *p)
{
	int64_t off = seq_offset(seq(p->seq), c->irs, 0);

	if (p->flags & TCP_RST) {
		if (off != 0 && receive_acceptable(c, off, 0))
			send_challenge(c);	/* RFC 5961 3.2 */
		return used_up(c, p, off == 0 ? OPEN_REFUSED : OPEN_DONE);
	}
	if (p->flags & TCP_SYN)
		return used_up(c, p, syn_again(c, p, off));
	if (!receive_acceptable(c, off, p->payload_len)) {
		send_ack(c);
		return used_up(c, p, OPEN_DONE);
	}
	if (!(p->flags & TCP_ACK) || p->ack != c->iss.v + 1) {
		if (p->flags & TCP_ACK)
			reset_reply(c->s, p);
		return used_up(c, p, OPEN_DONE);
	}
	established(c);
	return OPEN_GO_ON;
}

enum open_result
open_input(struct conn *c, struct pkt *p)
{
	return c->state == TCPTERM_SYN_SENT ? syn_sent(c, p) : syn_received(c, p);
}
