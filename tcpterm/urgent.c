#include "tcpterm/urgent.h"

#include "tcpterm/tcb.h"

void
urgent_input(struct conn *c, const struct pkt *p, int64_t off)
{
	int64_t up = off + p->urgent;

	if (!(p->flags & TCP_URG) || c->rx->fin)
		return;
	if (c->rcv.fin >= 0)	/* nothing is behind it */
		up = RTE_MIN(up, c->rcv.fin);
	if (up <= c->rx->urgent || up <= c->rx->start)
		return;
	c->rx->urgent = up;
	c->s->stats.urgent_marks++;
}

void
urgent_ended(struct conn *c)
{
	c->rx->urgent = RTE_MIN(c->rx->urgent, c->rx->end);
}

void
urgent_set(struct conn *c)
{
	c->tx->urgent = c->tx->end;
}

/* Where they end, if the peer has not acknowledged them all. */
static int64_t
unsettled(const struct conn *c)
{
	return c->tx && c->tx->urgent > c->una ? c->tx->urgent : 0;
}

void
urgent_mark(const struct conn *c, int64_t off, struct segment *g)
{
	int64_t ahead = unsettled(c) - off;

	/* The pointer has 16 bits: a mark further on is told as soon as they reach it.  A nearer
	 * one instead, as RFC 2675 5.2 has it, would name a byte that is not the last. */
	if (ahead <= 0 || ahead > UINT16_MAX || off < 0)
		return;
	g->flags |= TCP_URG;
	g->urgent = (uint16_t)ahead;
}

bool
urgent_waits(const struct conn *c)
{
	return unsettled(c) > c->nxt;
}

void
urgent_tell(struct conn *c)
{
	if (urgent_waits(c) && (c->wnd_edge <= c->nxt || c->tx->end <= c->nxt)) {
		c->rcv.ack_now = true;
		tcb_pend(c);
	}
}
