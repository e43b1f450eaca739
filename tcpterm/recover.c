/*
 * Loss recovery: when the window is reduced, when what is lost is sent again, when that ends.
 *
 * With SACK loss is found by RACK (RFC 8985), without by duplicate ACKs (RFC 5681 3.2,
 * RFC 6582), at last by the timeout (RFC 6298 5). All mark the same scoreboard, and
 * send.c sends what is marked while the pipe has room: of fast recovery and of an
 * ECN reduction PRR (RFC 9937) says how much, after a timeout slow start.  Duplicates
 * take their segments out of the pipe at once, and so new data follow them: that is limited
 * transmit (RFC 3042).
 */
#include "tcpterm/tcb.h"

enum { DUP_THRESH = 3 };

/* What was not acknowledged before this ACK (RFC 5681 2, FlightSize). */
static uint32_t
flight_before(const struct conn *c, const struct ackinfo *a)
{
	return (uint32_t)(c->nxt - c->una) + (a ? a->acked : 0);
}

static void
reduce(struct conn *c, const struct ackinfo *a)
{
	cc_reduce(c, flight_before(c, a));
	prr_begin(c, a);
	c->rec.cwr_point = c->nxt;
}

static void
fast_begin(struct conn *c, const struct ackinfo *a)
{
	if (c->rec.state == RECOVER_OPEN) {
		undo_begin(c);
		reduce(c, a);
	}
	c->rec.state = RECOVER_FAST;
	c->rec.point = c->nxt;
	c->rec.at_once = true;
	c->s->stats.fast_recoveries++;
}

static void
settle(struct conn *c)
{
	if (c->rec.state == RECOVER_FAST || c->rec.state == RECOVER_LOSS)
		rack_recovered(c);
	c->rec.state = RECOVER_OPEN;
	c->rec.dup_acks = 0;
	c->rec.at_once = c->rec.new_first = false;
	c->sent.reno_sacked = 0;
}

/* What was lost is repaired; a reduction ends at ssthresh (RFC 9937 6.4). */
static void
finish(struct conn *c)
{
	if (c->rec.state != RECOVER_LOSS)
		c->cc.cwnd = c->cc.ssthresh;
	settle(c);
}

/*
 * ssthresh is two segments at least. Below that it is the window itself that is reduced, to one
 * segment (RFC 9438 4.6), and a window of one by waiting.
 */
static bool
reduce_the_least(struct conn *c, uint32_t had)
{
	if (had > c->cc.ssthresh)
		return false;
	c->cc.cwnd = c->mss;
	if (had <= c->mss)
		ecn_wait(c);
	return true;
}

bool
recover_cwr(struct conn *c, const struct ackinfo *a)
{
	uint32_t had = c->cc.cwnd;

	/* CWR leaves with what is beyond the point: until that is acknowledged the same mark is
	 * echoed. */
	if (c->rec.state != RECOVER_OPEN || c->una <= c->rec.cwr_point)
		return false;
	undo_forget(c);
	reduce(c, a);
	if (reduce_the_least(c, had))
		return true;
	if (c->una == c->nxt) {
		c->cc.cwnd = c->cc.ssthresh;
		return true;
	}
	c->rec.state = RECOVER_CWR;
	c->rec.point = c->nxt;
	return true;
}

/* It was for nothing: nothing was lost, and the window is what it was. */
static void
take_back(struct conn *c)
{
	/* The timeout came too soon for this path (RFC 4015 3.2). */
	if (c->rec.state == RECOVER_LOSS)
		rtt_was_early(&c->rtt);
	sent_unlose(c);
	undo_apply(c);
	settle(c);
}

/* The probe repaired what nobody noticed: still it was a loss (RFC 8985 7.4). */
static void
probe_ack(struct conn *c, const struct ackinfo *a)
{
	if (!rack_probe_ack(c, a) || c->rec.state != RECOVER_OPEN)
		return;
	undo_forget(c);
	cc_reduce(c, flight_before(c, a));
	c->cc.cwnd = RTE_MIN(c->cc.cwnd, c->cc.ssthresh);
}

static bool
without_sack(struct conn *c, const struct ackinfo *a)
{
	if (a->duplicate) {
		sent_dup_ack(c);
		/* RFC 6582 3.2, step 2: not for what recovery itself sent twice */
		if (c->rec.dup_acks >= DUP_THRESH &&
		    (c->rec.state == RECOVER_CWR ||
		     (c->rec.state == RECOVER_OPEN && c->una > c->rec.point - 1))) {
			sent_lose_head(c);
			return true;
		}
	} else if (a->acked > 0 && c->rec.state == RECOVER_FAST) {
		sent_lose_head(c);	/* RFC 6582 3.2, step 3: a partial ACK */
		c->rec.at_once = true;
	}
	return false;
}

/* What this ACK shows to be lost; was it any? */
static bool
detect(struct conn *c, const struct ackinfo *a)
{
	bool lost = c->sack_on ? rack_detect(c) > 0 : without_sack(c, a);

	if (lost && (c->rec.state == RECOVER_OPEN || c->rec.state == RECOVER_CWR))
		fast_begin(c, a);
	return lost;
}

static bool
in_prr(const struct conn *c)
{
	return c->rec.state == RECOVER_FAST || c->rec.state == RECOVER_CWR;
}

/* Is the reduction to be taken back? After a timeout it may be too early to say. */
static bool
was_spurious(struct conn *c, const struct ackinfo *a)
{
	enum undo_frto frto = c->rec.state == RECOVER_LOSS ? undo_frto(c, a) : FRTO_NONE;

	c->rec.new_first = frto == FRTO_NEW;
	return undo_is_spurious(c, a) || frto == FRTO_SPURIOUS;
}

/*
 * What the window grows by. RFC 5681 3.1 counts what is acknowledged in order. Where the path is
 * known to reorder, an ACK often waits for one that is late and then covers many: there what
 * arrived counts, as in Linux, or L (RFC 9406 4.3) would take most of it away.
 */
static uint32_t
growth(const struct conn *c, const struct ackinfo *a)
{
	return c->rack.reordering && c->rec.state == RECOVER_OPEN ? a->delivered : a->acked;
}

void
recover_ack(struct conn *c, const struct ackinfo *a)
{
	/* RFC 3168 6.1.2: nor does the window grow by an ACK that echoes a mark. */
	bool reduced = in_prr(c) || (a->marked && c->rec.state == RECOVER_OPEN), lost;

	if (a->duplicate && c->rec.dup_acks < UINT8_MAX)
		c->rec.dup_acks++;
	else if (a->acked > 0)
		c->rec.dup_acks = 0;
	if (a->acked > 0)
		rack_probe_later(c);
	if (was_spurious(c, a)) {
		take_back(c);
		reduced = false;
	} else if (c->rec.state != RECOVER_OPEN && c->una >= c->rec.point) {
		finish(c);
	}
	probe_ack(c, a);
	lost = detect(c, a);
	/* The ACK that ends the reduction covers what was sent before it: RFC 5681 3.2 (6). */
	if (in_prr(c))
		prr_ack(c, a, lost);
	else if (!reduced && (a->acked > 0 || a->delivered > 0))
		cc_ack(c, growth(c, a));
}

void
recover_reordered(struct conn *c)
{
	if (rack_detect(c) == 0)
		return;
	if (c->rec.state == RECOVER_OPEN || c->rec.state == RECOVER_CWR)
		fast_begin(c, NULL);
	if (c->rec.state == RECOVER_FAST)
		prr_timer(c);
}

void
recover_sent(struct conn *c, uint32_t len)
{
	if (in_prr(c))
		prr_sent(c, len);
}

void
recover_resent(struct conn *c, uint32_t len, uint32_t tsval)
{
	c->rec.at_once = false;
	undo_resent(c, len, tsval);
	recover_sent(c, len);
}

void
recover_timeout(struct conn *c)
{
	bool fresh = c->rec.state == RECOVER_OPEN ||
		     (c->rec.state == RECOVER_LOSS && c->rtt.backoff == 0);

	pmtu_timeout(c);
	if (c->rec.state == RECOVER_OPEN)
		undo_begin(c);
	/* RFC 5681 3.1: ssthresh is lowered once for one loss of a window. */
	cc_timeout(c, !fresh);
	/* RFC 5682 3.1, step 1: not where fast recovery sent again before. */
	undo_timeout(c, c->rec.state != RECOVER_FAST);
	c->rec.state = RECOVER_LOSS;
	c->rec.point = c->nxt;
	c->rec.dup_acks = 0;
	c->rec.at_once = true;
	c->rec.new_first = false;
	rack_timeout(c);
	/* The loss window (RFC 5681 3.1), beside what flies still (RFC 8985 6.3). */
	c->cc.cwnd = sent_pipe(c) + c->mss;
	c->s->stats.timeouts++;
	rtt_backoff(&c->rtt);
}
