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
	uint8_t shift = 0;

	while (shift < TCB_WSCALE_MAX && (uint32_t)UINT16_MAX << shift < window)
		shift++;
	return shift;
}

void
open_init(struct tcpterm *s, struct endpoint *e, uint8_t leg)
{
	struct conn *c = &e->c;

	tcb_init(c, s, &e->f, leg);
	c->rx = &e->rx;
	c->tx = &e->tx;
	c->iss = isn_make(s, &e->f.key);
	c->una = -1;
	c->nxt = 0;
	c->own_clock = true;
	c->ts_offset = c->iss.v;
	c->ts_on = c->sack_on = c->wscale_on = true;
	c->rcv_shift = shift_for(s->conf.rcv_wnd_max);
	c->rcv.fin_ackable = true;
	c->mss_offered = tcb_mss_for(c, s->conf.mtu[e->f.l2[leg].side & 1]) + 12;
	c->mss = c->mss_offered;
}

/* Both ends' options are known. */
static void
agree(struct endpoint *e, const struct pkt *p)
{
	struct conn *c = &e->c;
	struct tcpterm_options peer, ours = {
		.has_ts = true,
		.sack_permitted = true,
		.has_wscale = true,
		.wscale = c->rcv_shift,
	};

	options_parse(rte_pktmbuf_mtod_offset(p->m, const uint8_t *, p->l4 + 20), p->opt_len,
		      &peer);
	c->irs = seq(p->seq);
	tcb_agree(c, &peer, &ours);
	c->wl1 = c->irs;
	c->wnd_edge = c->wnd_max = p->window;
	ecn_agree(c, p);
	cc_init(c, cc_choice(c));
}

void
open_passive(struct tcpterm *s, struct endpoint *e, const struct pkt *p)
{
	(void)s;
	agree(e, p);
	tcb_set_state(&e->c, TCPTERM_SYN_RECEIVED);
	send_syn(&e->c);
}

void
open_active(struct tcpterm *s, struct endpoint *e)
{
	(void)s;
	ecn_open(&e->c);
	tcb_set_state(&e->c, TCPTERM_SYN_SENT);
	send_syn(&e->c);
}

static void
established(struct endpoint *e)
{
	e->c.una = 0;
	e->c.rto_at = USEC_NEVER;
	e->c.heard_at = e->c.s->now;
	/* RFC 6928 2: one SYN may be lost by chance; two say something of the path. */
	if (e->c.rtt.backoff > 1)
		e->c.cc.cwnd = e->c.mss;
	if (e->c.rtt.backoff > 0)
		rtt_syn_lost(&e->c.rtt);
	else
		rtt_sample(&e->c.rtt, usec_diff(e->c.s->now, e->f.started));
	tcb_set_state(&e->c, TCPTERM_ESTABLISHED);
}

static enum open_result
used_up(struct endpoint *e, struct pkt *p, enum open_result r)
{
	core_drop(e->c.s, p->m, DROP_proxy_consumed);
	p->m = NULL;
	return r;
}

static enum open_result
syn_sent(struct endpoint *e, struct pkt *p)
{
	struct conn *c = &e->c;
	bool ack_ok = p->flags & TCP_ACK && p->ack == c->iss.v + 1;

	if (p->flags & TCP_ACK && !ack_ok) {	/* first */
		reset_reply(c->s, p);
		return used_up(e, p, OPEN_DONE);
	}
	if (p->flags & TCP_RST && ack_ok && ecn_fall_back(c)) {
		send_syn(c);			/* RFC 3168 6.1.1.1 */
		return used_up(e, p, OPEN_DONE);
	}
	if (p->flags & TCP_RST)			/* second */
		return used_up(e, p, ack_ok ? OPEN_REFUSED : OPEN_DONE);
	if (!(p->flags & TCP_SYN))		/* fifth */
		return used_up(e, p, OPEN_DONE);
	agree(e, p);				/* fourth */
	if (ack_ok) {
		c->rcv.ack_now = true;
		established(e);
		tcb_pend(c);
	} else {
		tcb_set_state(c, TCPTERM_SYN_RECEIVED);
		send_syn(c);
	}
	return used_up(e, p, OPEN_DONE);
}

static enum open_result
syn_received(struct endpoint *e, struct pkt *p)
{
	struct conn *c = &e->c;
	int64_t off = seq_offset(seq(p->seq), c->irs, 0);

	if (p->flags & TCP_RST) {
		if (off != 0 && receive_acceptable(c, off, 0))
			send_challenge(c);	/* RFC 5961 3.2 */
		return used_up(e, p, off == 0 ? OPEN_REFUSED : OPEN_DONE);
	}
	if (p->flags & TCP_SYN) {
		if (off == -1 && !(p->flags & TCP_ACK)) {
			ecn_agree(c, p);
			send_syn(c);		/* ours was lost */
		} else if (off == -1 && p->ack == c->iss.v + 1)
			established(e);		/* a simultaneous open's SYN-ACK */
		return used_up(e, p, OPEN_DONE);
	}
	if (!receive_acceptable(c, off, p->payload_len)) {
		send_ack(c);
		return used_up(e, p, OPEN_DONE);
	}
	if (!(p->flags & TCP_ACK) || p->ack != c->iss.v + 1) {
		if (p->flags & TCP_ACK)
			reset_reply(c->s, p);
		return used_up(e, p, OPEN_DONE);
	}
	established(e);
	return OPEN_GO_ON;
}

enum open_result
open_input(struct endpoint *e, struct pkt *p)
{
	return e->c.state == TCPTERM_SYN_SENT ? syn_sent(e, p) : syn_received(e, p);
}
