#include "tcpterm/ecn.h"
#include "tcpterm/segment.h"
#include "tcpterm/tcb.h"

enum { WAIT_MAX_US = 60 * 1000 * 1000 };
enum { NOT_ECT = 0, ECT_0 = 2, CE = 3, ECN_MASK = 3 };

/* --- the handshake, 6.1.1 --- */

static bool
setup_syn(uint16_t flags)
{
	return (flags & (TCP_ECE | TCP_CWR)) == (TCP_ECE | TCP_CWR);
}

static bool
setup_synack(uint16_t flags)
{
	return (flags & (TCP_ECE | TCP_CWR)) == TCP_ECE;
}

void
ecn_relayed(struct conn *c, uint16_t syn_flags, uint16_t synack_flags)
{
	c->ecn.on = setup_syn(syn_flags) && setup_synack(synack_flags);
}

void
ecn_open(struct conn *c)
{
	c->ecn.offer = c->s->conf.ecn == TCPTERM_ECN_OFFER && !c->tuning.no_ecn;
}

void
ecn_agree(struct conn *c, const struct pkt *p)
{
	if (p->flags & TCP_ACK)
		c->ecn.on = c->ecn.offer && setup_synack(p->flags);
	else	/* A SYN that is ECT itself is no RFC 3168 end's: something writes that field. */
		c->ecn.on = c->s->conf.ecn != TCPTERM_ECN_OFF && !c->tuning.no_ecn &&
			    setup_syn(p->flags) && (p->tos & ECN_MASK) == NOT_ECT;
}

void
ecn_agree_again(struct conn *c, const struct pkt *p)
{
	c->ecn.on = c->ecn.on && setup_syn(p->flags);
}

bool
ecn_fall_back(struct conn *c)
{
	if (!c->ecn.offer)
		return false;
	c->ecn.offer = false;
	c->s->stats.ecn_fallbacks++;
	return true;
}

uint16_t
ecn_syn_flags(const struct conn *c, bool synack)
{
	if (synack)
		return c->ecn.on ? TCP_ECE : 0;
	return c->ecn.offer ? TCP_ECE | TCP_CWR : 0;
}

/* --- the receiver, 6.1.3 --- */

void
ecn_input(struct conn *c, const struct pkt *p)
{
	if (!c->ecn.on || p->payload_len == 0)
		return;
	/* Who says CWR may have a window of one segment left: it waits for this ACK. */
	if (p->flags & TCP_CWR) {
		c->ecn.echo = false;
		c->rcv.ack_now = true;
	}
	if ((p->tos & ECN_MASK) != CE)
		return;
	c->s->stats.ecn_ce++;
	c->rcv.ack_now |= !c->ecn.echo;
	c->ecn.echo = true;
}

/* --- the sender, 6.1.2 --- */

void
ecn_ack(struct conn *c, const struct pkt *p, struct ackinfo *a)
{
	bool of_flight = a->acked > 0 || c->una < c->nxt;

	if (a->acked > 0 && !(p->flags & TCP_ECE))
		c->ecn.n_waits = 0;

	/* An old ACK's echo was answered long ago; with nothing in flight there is no window that
	 * it could speak of. */
	if (!c->ecn.on || c->tuning.no_ecn || !(p->flags & TCP_ECE) || !of_flight ||
	    seq_offset(seq(p->ack), c->iss, c->una) < c->una)
		return;
	a->marked = true;
	c->s->stats.ecn_reductions += recover_cwr(c, a);
}

void
ecn_reduced(struct conn *c)
{
	c->ecn.cwr = c->ecn.on;
}

void
ecn_wait(struct conn *c)
{
	struct ecn *e = &c->ecn;
	int64_t us = RTE_MIN(rtt_rto(&c->rtt) << e->n_waits, (int64_t)WAIT_MAX_US);

	e->n_waits = RTE_MIN(e->n_waits + 1, 10);
	e->wait = true;
	c->rto_at = usec_add(c->s->now, us);
}

bool
ecn_waited(struct conn *c)
{
	bool alone = c->ecn.wait && c->una == c->nxt;

	c->ecn.wait = false;
	if (alone)
		tcb_pend(c);
	return alone;
}

void
ecn_mark(struct conn *c, struct segment *g, bool new_data)
{
	if (!c->ecn.on || !new_data)
		return;
	if (c->ecn.cwr) {
		g->flags |= TCP_CWR;
		c->ecn.cwr = false;
	}
	if (!c->tuning.no_ecn)
		g->tos |= ECT_0;
}
