/*
 * Proportional rate reduction (RFC 9937 6), in bytes.
 *
 * send.c sends while the pipe is below cwnd, so what is a part of a segment here sends a
 * whole one, and the next ACKs pay it back by prr.out.
 */
#include "tcpterm/prr.h"

#include "tcpterm/tcb.h"

void
prr_begin(struct conn *c, const struct ackinfo *a)
{
	uint32_t flight = (uint32_t)(c->nxt - c->una) - c->sent.sacked;

	/* What this ACK itself took out counts as in flight. */
	if (a)
		flight += a->delivered;
	c->prr = (struct prr){ .flight = RTE_MAX(flight, (uint32_t)c->mss) };
}

static uint32_t
share(const struct prr *p, uint32_t ssthresh)
{
	uint64_t due = ((uint64_t)p->delivered * ssthresh + p->flight - 1) / p->flight;

	return due > p->out ? (uint32_t)RTE_MIN(due - p->out, (uint64_t)UINT32_MAX / 2) : 0;
}

static uint32_t
surplus(const struct prr *p)
{
	return p->delivered > p->out ? p->delivered - p->out : 0;
}

void
prr_ack(struct conn *c, const struct ackinfo *a, bool lost)
{
	struct prr *p = &c->prr;
	uint32_t pipe = sent_pipe(c), n;

	if (a->delivered == 0)
		return;
	p->delivered += a->delivered;
	if (pipe > c->cc.ssthresh) {
		n = share(p, c->cc.ssthresh);
	} else {
		/* Conservative reduction bound; slow start when recovery makes progress */
		n = RTE_MAX(surplus(p), a->delivered);
		if (a->acked > 0 && !lost)	/* SafeACK */
			n += c->mss;
		n = RTE_MIN(n, c->cc.ssthresh - pipe);
	}
	if (p->out == 0 && n == 0)
		n = c->mss;
	c->cc.cwnd = RTE_MAX(pipe + n, (uint32_t)c->mss);
}

void
prr_timer(struct conn *c)
{
	c->cc.cwnd = sent_pipe(c) + RTE_MAX(surplus(&c->prr), (uint32_t)c->mss);
}

void
prr_sent(struct conn *c, uint32_t len)
{
	c->prr.out += len;
}
