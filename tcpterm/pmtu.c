/*
 * A message is believed where its quote is of bytes in flight (RFC 5927 4.1): that is a guess of
 * one in 2^32 / flight for who does not see the path.  It is acted on at once: the delay of
 * RFC 5927 7.2 would cost every true one a timeout, and what a forger gains is bounded below.
 *
 * A black hole swallows large segments and nobody says so.  The third timeout of a segment tries a
 * size that nearly every path bears, the fifth a smaller one; if that does not arrive either, size
 * was not the reason.
 *
 * The search upwards (RFC 4821 7, RFC 8899 5.3) begins with the full size: after an outage, which
 * looks like a black hole, and on a path that has changed that is all of it.  Then it halves what
 * is between the largest size that arrived and the smallest that did not.  A size does not arrive
 * when as many probes as that were lost in a row; a probe that congestion took is one of them
 * in vain, and so the next search is soon at first.
 */
#include "tcpterm/cc.h"
#include "tcpterm/tcb.h"

enum {
	ICMP4_UNREACHABLE = 3,
	ICMP4_FRAG_NEEDED = 4,
	ICMP6_TOO_BIG = 2,
	/* Nobody on a path that carries TCP needs less; below it a forger is at work. */
	PMTU_MIN_V4 = 552,
	PMTU_MIN_V6 = 1280,		/* RFC 8200 5: every link carries it */
	AGAIN_FIRST_S = 10,		/* a search may have failed by chance */
	/* RFC 8899 5.1.1, PMTU_RAISE_TIMER; after a message, not sooner than 5 minutes (RFC 1191
	 * 6.3, RFC 8201 4) */
	AGAIN_LAST_S = 600,
	HOLE_SEGMENT = 1024,		/* payload bytes, RFC 4821 7.2 */
	HOLE_SEGMENT_SMALL = 512,
	N_PROBES = 3,			/* RFC 8899 5.1.2, MAX_PROBES */
	N_BEHIND = 3,			/* segments that follow a probe, and tell that it is lost */
	NEAR = 16,			/* bytes that are not worth another probe */
};

static bool
too_big(const struct pkt *p)
{
	if (p->is_v6)
		return p->icmp_type == ICMP6_TOO_BIG;
	return p->icmp_type == ICMP4_UNREACHABLE && p->icmp_code == ICMP4_FRAG_NEEDED;
}

/* An old router does not say its MTU: the next of those that exist (RFC 1191 7.1). */
static uint32_t
plateau_below(uint32_t mtu)
{
	static const uint16_t plateau[] = { 32000, 17914, 8166, 4352, 2002, 1492, 1006 };

	for (unsigned i = 0; i < RTE_DIM(plateau); i++)
		if (plateau[i] < mtu)
			return plateau[i];
	return PMTU_MIN_V4;
}

/* --- what bounds it --- */

void
pmtu_agreed(struct conn *c)
{
	c->pmtu = (struct pmtu){ .full = c->mss };
}

void
pmtu_bound(struct conn *c, uint16_t mss)
{
	struct pmtu *u = &c->pmtu;

	u->full = RTE_MIN(u->full, mss);
	u->top = RTE_MIN(u->top, u->full);
	u->before = RTE_MIN(u->before, u->full);
	u->lowered = c->mss < u->full;
}

static void
raise_to(struct conn *c, uint16_t mss)
{
	c->mss = RTE_MIN(mss, c->pmtu.full);
	c->pmtu.lowered = c->mss < c->pmtu.full;
	cc_mss_grew(c);
}

static void
lower_to(struct conn *c, uint16_t mss)
{
	c->mss = mss;
	c->pmtu.lowered = true;
	c->pmtu.searching = false;
	c->pmtu.probe = 0;
	sent_mark_larger(c, mss);
	tcb_pend(c);
}

/* The next search is later than this one was. */
static void
rest(struct conn *c)
{
	struct pmtu *u = &c->pmtu;

	u->again_s = (uint16_t)RTE_MIN(RTE_MAX(u->again_s * 2, AGAIN_FIRST_S), AGAIN_LAST_S);
	u->raise_at = usec_add(c->s->now, u->again_s * 1000000LL);
	u->searching = false;
}

/* --- the search --- */

static uint16_t
candidate(const struct conn *c)
{
	const struct pmtu *u = &c->pmtu;

	if (!u->searching)
		return u->full;
	return u->at_top ? u->top : (uint16_t)(c->mss + (u->top - c->mss + 1) / 2);
}

/* Is there something left to be found? */
static void
go_on(struct conn *c)
{
	if (!c->pmtu.lowered)
		c->pmtu.again_s = 0;
	else if (c->pmtu.top < c->mss + NEAR)
		rest(c);
}

/* Nothing larger than `mss` arrives, and that itself may. */
static void
bound_search(struct conn *c, uint16_t mss, bool at_top)
{
	c->pmtu.top = mss;
	c->pmtu.at_top = at_top;
	c->pmtu.n_lost = 0;
	go_on(c);
}

static bool
probe_is_out(const struct conn *c)
{
	/* What was cut while it was in flight says nothing any more. */
	return c->pmtu.probe && (int32_t)((uint32_t)c->una - c->pmtu.probe_at) <= 0;
}

uint16_t
pmtu_probe(const struct conn *c)
{
	uint16_t size = candidate(c);
	int64_t end = RTE_MIN(c->tx->end, c->wnd_edge);
	uint32_t all = size + (uint32_t)N_BEHIND * c->mss;

	if (!c->pmtu.lowered || !c->sack_on || usec_before(c->s->now, c->pmtu.raise_at))
		return 0;
	if (c->rec.state != RECOVER_OPEN || c->sent.lost > 0 || probe_is_out(c))
		return 0;
	return end - c->nxt >= all && c->cc.cwnd >= all ? size : 0;
}

void
pmtu_probe_sent(struct conn *c, int64_t off, uint16_t len)
{
	struct pmtu *u = &c->pmtu;

	if (!u->searching) {
		u->searching = u->at_top = true;
		u->top = u->full;
		u->n_lost = 0;
	}
	u->probe = len;
	u->probe_at = (uint32_t)off;
	c->s->stats.pmtu_probes++;
}

static bool
is_probe(const struct conn *c, const struct sent_seg *g)
{
	return c->pmtu.probe && (uint32_t)g->off == c->pmtu.probe_at && g->len == c->pmtu.probe &&
	       !g->ever_rexmit;
}

void
pmtu_arrived(struct conn *c, const struct sent_seg *g)
{
	struct pmtu *u = &c->pmtu;

	if (!is_probe(c, g))
		return;
	raise_to(c, u->probe);
	u->probe = 0;
	u->at_top = false;
	u->n_lost = 0;
	c->s->stats.pmtu_raised++;
	go_on(c);
}

static void
probe_lost(struct conn *c)
{
	uint16_t size = c->pmtu.probe;

	c->pmtu.probe = 0;
	if (++c->pmtu.n_lost >= N_PROBES)
		bound_search(c, size - 1, false);
}

bool
pmtu_lost(struct conn *c, const struct sent_seg *g)
{
	if (!is_probe(c, g))
		return false;
	if (c->sent.lost > 0)	/* it was not size alone: nothing is learned (RFC 4821 7.6.2) */
		c->pmtu.probe = 0;
	else
		probe_lost(c);
	return true;
}

void
pmtu_raise(struct conn *c)
{
	bool stalled = c->rtt.backoff > 0;

	if (c->pmtu.lowered && !c->sack_on && !stalled && !usec_before(c->s->now, c->pmtu.raise_at))
		raise_to(c, c->pmtu.full);
}

/* --- ICMP --- */

bool
pmtu_icmp(struct conn *c, const struct pkt *p)
{
	int64_t off = seq_offset(seq(p->seq), c->iss, c->una);
	uint32_t headers = UINT16_MAX - tcb_mss_for(c, UINT16_MAX), mtu = p->icmp_mtu;
	uint16_t mss;

	if (!too_big(p) || off < c->una || off >= c->nxt)
		return false;
	if (p->is_v6 && mtu < PMTU_MIN_V6)	/* RFC 8201 4: to be discarded */
		return true;
	if (mtu == 0)
		mtu = plateau_below(RTE_MAX(c->mss, c->pmtu.probe) + headers);
	mss = tcb_mss_for(c, (uint16_t)RTE_MIN(RTE_MAX(mtu, (uint32_t)PMTU_MIN_V4), 65535u));
	if (mss < c->mss) {
		c->s->stats.pmtu_lowered++;
		c->pmtu.hole = false;
		c->pmtu.again_s = AGAIN_LAST_S;
		lower_to(c, mss);
		rest(c);
	} else if (mss < c->pmtu.probe) {
		/* The probe was too large, and this is what fits. */
		c->pmtu.probe = 0;
		sent_mark_larger(c, c->mss);
		bound_search(c, mss, true);
		tcb_pend(c);
	}
	return true;
}

/* --- black holes --- */

static void
avoid(struct conn *c, uint16_t mss)
{
	struct pmtu *u = &c->pmtu;

	if (!u->hole) {
		u->before = c->mss;
		c->s->stats.black_holes++;
		rest(c);
	}
	/* The search begins when this size arrives; where there is none, not soon after. */
	u->raise_at = usec_add(c->s->now, c->sack_on ? 0 : u->again_s * 1000000LL);
	u->hole = true;
	lower_to(c, mss);
}

void
pmtu_timeout(struct conn *c)
{
	const struct sent_seg *head = sent_seg(c, c->sent.head);
	struct pmtu *u = &c->pmtu;
	bool v4 = !c->f->key.v6;
	uint16_t mss = v4 ? HOLE_SEGMENT : tcb_mss_for(c, PMTU_MIN_V6);

	if (probe_is_out(c))
		probe_lost(c);
	if (c->rtt.backoff == 0)
		u->hole = false;
	if (!head || c->wnd_edge <= c->una)
		return;
	if (c->rtt.backoff == 2 && head->len > mss && c->mss > mss) {
		avoid(c, mss);
	} else if (c->rtt.backoff == 4 && u->hole && v4 && c->mss > HOLE_SEGMENT_SMALL) {
		avoid(c, HOLE_SEGMENT_SMALL);
	} else if (c->rtt.backoff == 6 && u->hole) {	/* nothing arrives */
		u->hole = false;
		raise_to(c, u->before);
	}
}
