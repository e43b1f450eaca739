/*
 * RACK-TLP (RFC 8985), in the order of its sections.
 */
#include "tcpterm/rack.h"

#include "tcpterm/tcb.h"

enum {
	DUP_THRESH = 3,
	PERSIST = 16,			/* recoveries, 6.2 step 4 */
	PTO_UNKNOWN = 1000 * 1000,	/* us, 7.2: no RTT is known */
	PTO_SLACK = 2 * 1000,		/* us: the ACK may wait for a timer's tick, as in Linux */
	DELAYED_ACK = 200 * 1000,	/* us, WCDelAckT: of one segment the ACK may wait */
};

void
rack_init(struct rack *r)
{
	*r = (struct rack){ .reo_wnd_mult = 1, .reo_at = USEC_NEVER, .pto_at = USEC_NEVER };
}

/* --- 6.2: loss detection --- */

/* RACK_sent_after() */
static bool
sent_after(usec_t at, int64_t end, usec_t at2, int64_t end2)
{
	return usec_before(at2, at) || (at.v == at2.v && end > end2);
}

bool
rack_is_original(const struct conn *c, const struct sent_seg *g)
{
	return g->ever_rexmit && usec_diff(c->s->now, g->at) < (int64_t)c->rtt.min;
}

void
rack_arrived(struct conn *c, const struct sent_seg *g)
{
	struct rack *r = &c->rack;
	int64_t end = g->off + g->len, rtt = usec_diff(c->s->now, g->at);

	/* 6.2 step 3 asks for what was sent once. In a recovery each segment that is late is sent
	 * again: there the only sign is an original, and what comes in half a round trip is one. */
	if (end > r->fack)
		r->fack = end;
	else if (!g->ever_rexmit || rtt < (int64_t)c->rtt.min / 2)
		r->reordering |= end < r->fack;
	if (rack_is_original(c, g))
		return;
	r->rtt = (uint32_t)RTE_MIN(rtt, (int64_t)UINT32_MAX / 2);
	if (sent_after(g->at, end, r->xmit_ts, r->end)) {
		r->xmit_ts = g->at;
		r->end = end;
	}
}

bool
rack_dsack(struct conn *c)
{
	struct rack *r = &c->rack;

	/* The network doubles segments too; that is no sign of a retransmission in vain. */
	if (r->n_dsacks >= c->n_rexmit)
		return false;
	r->n_dsacks++;
	if (c->una >= r->dsack_round)
		r->dsack_round = 0;
	if (r->dsack_round == 0) {
		r->dsack_round = c->nxt;
		if (r->reo_wnd_mult < UINT8_MAX)
			r->reo_wnd_mult++;
		r->reo_wnd_persist = PERSIST;
	}
	return true;
}

void
rack_recovered(struct conn *c)
{
	struct rack *r = &c->rack;

	if (r->reo_wnd_persist > 0 && --r->reo_wnd_persist == 0)
		r->reo_wnd_mult = 1;
}

static uint32_t
reo_wnd(const struct conn *c)
{
	const struct rack *r = &c->rack;
	uint64_t wnd = (uint64_t)r->reo_wnd_mult * c->rtt.min / 4;

	if (!r->reordering && (c->rec.state == RECOVER_FAST || c->rec.state == RECOVER_LOSS ||
			       c->sent.n_sacked >= DUP_THRESH))
		return 0;
	return (uint32_t)RTE_MIN(wnd, (uint64_t)c->rtt.srtt);
}

/* How long the segment still may arrive, microseconds; 0 or less: it is lost. */
static int64_t
time_left(const struct conn *c, const struct sent_seg *g, uint32_t wnd)
{
	return usec_diff(g->at, c->s->now) + c->rack.rtt + wnd;
}

/*
 * The RFC's timer is for the last segment that waits; this one is for the first, and then for
 * the next. So an ACK looks at what is lost, and at one that is not yet.
 */
uint32_t
rack_detect(struct conn *c)
{
	struct rack *r = &c->rack;
	uint32_t wnd = reo_wnd(c), newly = 0;
	struct sent_seg *g;

	r->reo_at = USEC_NEVER;
	while ((g = sent_seg(c, c->sent.oldest)) &&
	       sent_after(r->xmit_ts, r->end, g->at, g->off + g->len)) {
		int64_t left = time_left(c, g, wnd);

		if (left > 0) {
			r->reo_at = usec_add(c->s->now, left);
			break;
		}
		newly += pmtu_lost(c, g) ? 0 : g->len;
		sent_lose(c, g);
	}
	return newly;
}

/* --- 6.3 --- */

void
rack_timeout(struct conn *c)
{
	uint32_t wnd = reo_wnd(c);
	struct sent_seg *g;

	c->rack.reo_at = c->rack.pto_at = USEC_NEVER;
	c->rack.tlp_end = 0;
	c->rack.tlp_due = false;
	if (!c->sack_on) {
		sent_lose_all(c);
		return;
	}
	if (sent_reneged(c))
		return;
	sent_lose_head(c);
	while ((g = sent_seg(c, c->sent.oldest)) && time_left(c, g, wnd) <= 0)
		sent_lose(c, g);
}

/* --- 7: tail loss probes --- */

bool
rack_probe_ack(struct conn *c, const struct ackinfo *a)
{
	struct rack *r = &c->rack;
	bool past = c->una > r->tlp_end, repaired = false;

	if (r->tlp_end == 0 || c->una < r->tlp_end)
		return false;
	if (!r->tlp_rexmit)
		r->tlp_end = 0;		/* what was probed with is new, and arrived */
	else if (a->dsack && a->dsack_right == r->tlp_end)
		r->tlp_end = 0;		/* both arrived */
	else if (past)
		repaired = true;
	else if (a->duplicate && !a->has_sack)
		r->tlp_end = 0;		/* both arrived, and the peer knows no D-SACK */
	if (repaired)
		r->tlp_end = 0;
	return repaired;
}

void
rack_probe_later(struct conn *c)
{
	c->rack.tlp_rearm = true;
}

/* TLP_calc_PTO() */
static int64_t
pto(const struct conn *c)
{
	int64_t t = 2 * (int64_t)c->rtt.srtt + PTO_SLACK;

	if (c->rtt.srtt == 0)
		return PTO_UNKNOWN;
	if (c->sent.head == c->sent.tail)
		t += DELAYED_ACK;
	return t;
}

void
rack_probe_arm(struct conn *c)
{
	struct rack *r = &c->rack;
	bool rearm = r->tlp_rearm;

	r->tlp_rearm = false;
	if (!c->sack_on || c->una == c->nxt || r->tlp_end || c->sent.sacked || c->sent.lost ||
	    (c->rec.state != RECOVER_OPEN && c->rec.state != RECOVER_CWR))
		r->pto_at = USEC_NEVER;
	else if (rearm)
		r->pto_at = usec_min(usec_add(c->s->now, pto(c)), c->rto_at);
}

bool
rack_probe_due(struct conn *c)
{
	bool due = c->rack.tlp_due && c->una < c->nxt;

	c->rack.tlp_due = false;
	return due;
}

void
rack_probe_sent(struct conn *c, bool rexmit)
{
	c->rack.tlp_end = c->nxt;
	c->rack.tlp_rexmit = rexmit;
	c->s->stats.tail_probes++;
}

usec_t
rack_next(const struct rack *r)
{
	return usec_min(r->reo_at, r->pto_at);
}

void
rack_timer(struct conn *c)
{
	struct rack *r = &c->rack;

	if (!usec_before(c->s->now, r->pto_at)) {
		r->pto_at = USEC_NEVER;
		/* The ACK of all may have come in the same burst. */
		r->tlp_due = c->una < c->nxt;
		/* 7.3: what the probe does not repair, the timeout does, counted from it. */
		if (r->tlp_due)
			c->rto_at = usec_add(c->s->now, rtt_rto(&c->rtt));
		tcb_pend(c);
	}
	if (!usec_before(c->s->now, r->reo_at)) {
		recover_reordered(c);
		tcb_pend(c);
	}
}
