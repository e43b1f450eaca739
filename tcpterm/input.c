/*
 * A segment for a synchronized connection, step by step as RFC 9293 3.10.7.4
 * has them, with RFC 5961's and RFC 7323's checks in their places.
 */
#include "tcpterm/options.h"
#include "tcpterm/tcb.h"
#include "tcpterm/urgent.h"

enum verdict { GO_ON, DONE, RESET };

static void
discard(struct conn *c, struct pkt *p, enum drop why)
{
	core_drop(c->s, p->m, why);
	p->m = NULL;
}

bool
tcb_believes(const struct conn *c, const struct pkt *p)
{
	int64_t off = seq_offset(seq(p->seq), c->irs, c->rcv.nxt);
	int64_t ack = seq_offset(seq(p->ack), c->iss, c->una);

	if ((p->flags & (TCP_ACK | TCP_SYN | TCP_RST)) != TCP_ACK)
		return false;
	return receive_acceptable(c, off, p->payload_len + !!(p->flags & TCP_FIN)) &&
	       ack <= c->nxt && ack >= c->una - (int64_t)c->wnd_max;
}

/*
 * What is left of the window and carries something was sent again because its ACK was lost: it is
 * answered at once.  The rest at most so often, or two ends that disagree talk without end, and
 * whoever writes numbers at random makes us talk (RFC 5961 7, 10).
 */
static bool
may_answer(struct conn *c, const struct pkt *p, int64_t off, uint32_t len)
{
	if (len > 0 && off < c->rcv.nxt && !(p->flags & TCP_SYN))
		return true;
	if (usec_before(c->s->now, c->stray_at)) {
		c->s->stats.acks_withheld++;
		return false;
	}
	c->stray_at = usec_add(c->s->now, TCB_CHALLENGE_US);
	return true;
}

/* First: the sequence number.  What is not acceptable is answered with an ACK. */
static enum verdict
check_sequence(struct conn *c, struct pkt *p, int64_t off, uint32_t len)
{
	if (receive_acceptable(c, off, len))
		return GO_ON;
	if (p->flags & TCP_SYN) {
		send_challenge(c);	/* RFC 5961 4.2: wherever its number lies */
	} else if (!(p->flags & TCP_RST)) {
		if (off < c->rcv.nxt)
			receive_old(c, p, off);
		c->rcv.ack_now |= may_answer(c, p, off, len);
	}
	discard(c, p, p->flags & TCP_RST ? DROP_proxy_rst : DROP_proxy_window);
	return DONE;
}

/* Second: RST (RFC 5961 3.2). Only the exact number resets: what we acknowledge, and where the
 * acknowledgement of a FIN is withheld the number after that, too. */
static enum verdict
check_rst(struct conn *c, struct pkt *p, int64_t off)
{
	bool exact = off == receive_ack(c) || (c->rx->fin && off == c->rcv.nxt + 1);

	if (!(p->flags & TCP_RST))
		return GO_ON;
	discard(c, p, exact ? DROP_proxy_consumed : DROP_proxy_rst);
	if (exact)
		return RESET;
	if (off < c->rcv.adv)	/* the right edge itself is outside */
		send_challenge(c);
	return DONE;
}

/* Fourth: SYN (RFC 5961 4.2). */
static enum verdict
check_syn(struct conn *c, struct pkt *p)
{
	if (!(p->flags & TCP_SYN))
		return GO_ON;
	send_challenge(c);
	discard(c, p, DROP_proxy_consumed);
	return DONE;
}

/* Fifth: ACK. */
static enum verdict
check_ack(struct conn *c, struct pkt *p, const struct tcpterm_options *o)
{
	struct ackinfo a;

	if (!(p->flags & TCP_ACK)) {
		discard(c, p, DROP_proxy_no_ack);
		return DONE;
	}
	if (!ack_process(c, p, o, &a)) {
		send_challenge(c);
		discard(c, p, DROP_proxy_ack);
		return DONE;
	}
	c->n_keepalives = 0;
	c->heard_at = c->s->now;
	ecn_ack(c, p, &a);
	recover_ack(c, &a);
	return GO_ON;
}

enum tcb_event
tcb_input(struct conn *c, struct pkt *p)
{
	struct tcpterm_options o;
	int64_t off = seq_offset(seq(p->seq), c->irs, c->rcv.nxt);
	uint32_t len = p->payload_len + !!(p->flags & TCP_FIN) + !!(p->flags & TCP_SYN);
	enum verdict v;

	options_parse(rte_pktmbuf_mtod_offset(p->m, uint8_t *, p->l4 + 20), p->opt_len, &o);
	tcb_pend(c);
	v = check_sequence(c, p, off, len);
	if (v == GO_ON)
		v = check_rst(c, p, off);
	if (v == GO_ON && !receive_paws(c, &o, p, off)) {
		c->rcv.ack_now = true;
		discard(c, p, DROP_proxy_paws);
		v = DONE;
	}
	if (v == GO_ON)
		v = check_syn(c, p);
	if (v == GO_ON)
		v = check_ack(c, p, &o);
	/* RFC 7323 4.3 takes TSval before the ACK is looked at: who guesses only one of the two
	 * numbers could then shut out, by PAWS, all that comes (RFC 5961 5.2). */
	if (v == GO_ON) {
		receive_timestamp(c, &o, off, len);
		ecn_input(c, p);
		urgent_input(c, p, off);
		receive_segment(c, p, off);
	}
	return v == RESET ? TCB_RESET : TCB_NONE;
}
