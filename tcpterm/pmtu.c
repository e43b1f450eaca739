/*
 * A message is believed where its quote is of bytes in flight (RFC 5927 4.1): that is a guess of
 * one in 2^32 / flight for who does not see the path.  It is acted on at once: the delay of
 * RFC 5927 7.2 would cost every true one a timeout, and what a forger gains is bounded below.
 *
 * A black hole swallows large segments and nobody says so.  The third timeout of a segment tries a
 * size that nearly every path bears, the fifth a smaller one; if that does not arrive either, size
 * was not the reason.
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
	AGE_US = 600 * 1000 * 1000,	/* RFC 1191 6.3, RFC 8201 4: not sooner than 5 minutes */
	HOLE_FIRST_S = 10,		/* an outage looks alike: at first not for long */
	HOLE_LAST_S = 600,		/* RFC 8899 5.1.1, PMTU_RAISE_TIMER */
	HOLE_SEGMENT = 1024,		/* payload bytes, RFC 4821 7.2 */
	HOLE_SEGMENT_SMALL = 512,
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

void
pmtu_agreed(struct conn *c)
{
	c->pmtu.full = c->mss;
	c->pmtu.lowered = false;
}

static void
lower(struct conn *c, uint16_t mss, int64_t us)
{
	c->mss = mss;
	c->pmtu.lowered = true;
	c->pmtu.raise_at = usec_add(c->s->now, us);
	sent_mark_larger(c, mss);
	tcb_pend(c);
}

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
		mtu = plateau_below(c->mss + headers);
	mss = tcb_mss_for(c, (uint16_t)RTE_MIN(RTE_MAX(mtu, (uint32_t)PMTU_MIN_V4), 65535u));
	if (mss < c->mss) {
		c->s->stats.pmtu_lowered++;
		c->pmtu.hole = false;
		lower(c, mss, AGE_US);
	}
	return true;
}

static void
avoid(struct conn *c, uint16_t mss)
{
	struct pmtu *u = &c->pmtu;

	if (!u->hole) {
		u->again_s = (uint16_t)RTE_MIN(RTE_MAX(u->again_s * 2, HOLE_FIRST_S), HOLE_LAST_S);
		c->s->stats.black_holes++;
	}
	u->hole = true;
	lower(c, mss, u->again_s * 1000000LL);
}

static void
restore(struct conn *c)
{
	c->mss = c->pmtu.full;
	c->pmtu.lowered = c->pmtu.hole = false;
	cc_mss_grew(c);
}

void
pmtu_timeout(struct conn *c)
{
	const struct sent_seg *head = sent_seg(c, c->sent.head);
	bool v4 = ip_addr_is_v4(&c->f->key.addr[0]);
	uint16_t mss = v4 ? HOLE_SEGMENT : tcb_mss_for(c, PMTU_MIN_V6);

	if (!head || c->wnd_edge <= c->una)
		return;
	if (c->rtt.backoff == 2 && head->len > mss && c->mss > mss)
		avoid(c, mss);
	else if (c->rtt.backoff == 4 && c->pmtu.hole && v4 && c->mss > HOLE_SEGMENT_SMALL)
		avoid(c, HOLE_SEGMENT_SMALL);
	else if (c->rtt.backoff == 6 && c->pmtu.hole)
		restore(c);	/* nothing arrives */
}

void
pmtu_raise(struct conn *c)
{
	if (c->pmtu.lowered && !usec_before(c->s->now, c->pmtu.raise_at))
		restore(c);
}
