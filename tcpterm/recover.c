/*
 * Loss recovery: fast retransmit and fast recovery with SACK (RFC 6675) or
 * without (RFC 5681 3.2, RFC 6582), and after a timeout (RFC 6298 5).
 *
 * Both kinds work on the same list: what is lost is marked, and send.c sends it again
 * while the pipe has room.
 */
#include "tcpterm/tcb.h"

enum { DUP_THRESH = 3 };

static void
fast_begin(struct conn *c)
{
	cc_reduce(c);
	c->rec.state = RECOVER_FAST;
	c->rec.point = c->nxt;
	c->rec.at_once = true;
	c->cc.cwnd = c->cc.ssthresh;
	c->s->stats.fast_recoveries++;
}

static void
finish(struct conn *c)
{
	if (c->rec.state == RECOVER_FAST)
		c->cc.cwnd = c->cc.ssthresh;
	c->rec.state = RECOVER_OPEN;
	c->rec.dup_acks = 0;
	c->rec.at_once = false;
	c->sent.reno_sacked = 0;
}

static void
with_sack(struct conn *c, const struct ackinfo *a)
{
	if (a->sacked == 0 && c->sent.sacked == 0)
		return;
	if (sent_mark_lost(c) > 0 && c->rec.state == RECOVER_OPEN)
		fast_begin(c);
}

static void
without_sack(struct conn *c, const struct ackinfo *a)
{
	if (a->duplicate) {
		sent_dup_ack(c);
		if (c->rec.dup_acks >= DUP_THRESH && c->rec.state == RECOVER_OPEN &&
		    c->una > c->rec.point - 1) {
			sent_mark_head_lost(c);
			fast_begin(c);
		}
	} else if (a->acked > 0 && c->rec.state == RECOVER_FAST) {
		sent_mark_head_lost(c);	/* RFC 6582 3.2, step 3: a partial ACK */
		c->rec.at_once = true;
	}
}

/* What was in flight at a mark is still being acknowledged: the window does not grow meanwhile
 * (RFC 3168 6.1.2). */
static bool
in_cwr(const struct conn *c)
{
	return c->rec.state == RECOVER_OPEN && c->una <= c->rec.cwr_point;
}

void
recover_ack(struct conn *c, const struct ackinfo *a)
{
	bool was_fast = c->rec.state == RECOVER_FAST;

	if (a->duplicate && c->rec.dup_acks < UINT8_MAX)
		c->rec.dup_acks++;
	else if (a->acked > 0)
		c->rec.dup_acks = 0;

	if (c->rec.state != RECOVER_OPEN && c->una >= c->rec.point)
		finish(c);
	if (c->sack_on)
		with_sack(c, a);
	else
		without_sack(c, a);
	/* The ACK that ends fast recovery covers what was sent before it: RFC 5681 3.2 (6). */
	if (a->acked == 0 || was_fast || c->rec.state == RECOVER_FAST || in_cwr(c))
		return;
	/* After a timeout the window grows again while what was lost is sent. */
	cc_ack(c, a->acked);
}

bool
recover_cwr(struct conn *c)
{
	/* CWR leaves with what is beyond the point: until that is acknowledged the same mark is
	 * echoed. */
	if (c->rec.state != RECOVER_OPEN || c->una <= c->rec.cwr_point)
		return false;
	cc_reduce(c);
	c->cc.cwnd = c->cc.ssthresh;
	c->rec.cwr_point = c->nxt;
	return true;
}

void
recover_sent(struct conn *c)
{
	c->rec.at_once = false;
}

void
recover_timeout(struct conn *c)
{
	/* RFC 5681 3.1: ssthresh is lowered once for one loss of a window. */
	cc_timeout(c, c->rec.state == RECOVER_LOSS && c->rtt.backoff > 0);
	c->rec.state = RECOVER_LOSS;
	c->rec.point = c->nxt;
	c->rec.dup_acks = 0;
	sent_mark_all_lost(c);
	c->s->stats.timeouts++;
	rtt_backoff(&c->rtt);
}
