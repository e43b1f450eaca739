/*
 * Round-trip times and the retransmission timeout (RFC 6298).
 */
#include "tcpterm/tcb.h"

enum {
	RTO_INITIAL = 1000 * 1000,	/* us, (2.1) */
	RTO_SYN_LOST = 3000 * 1000,	/* (5.7) */
	/* (2.4) asks for 1 s; 200 ms is what Linux ships, and a proxied flow must not
	 * recover more slowly than the hosts it stands between. */
	RTO_MIN = 200 * 1000,
	RTO_MAX = 120 * 1000 * 1000,	/* (2.5): at least 60 s */
};

void
rtt_init(struct rtt *r)
{
	*r = (struct rtt){ .rto = RTO_INITIAL };
}

static uint32_t
bounded(int64_t us)
{
	return (uint32_t)RTE_MAX(1, RTE_MIN(us, (int64_t)RTO_MAX));
}

/* The variance alone is bounded below, as Linux does. */
uint32_t
rtt_timeout(const struct rtt *r)
{
	if (r->srtt == 0)
		return RTO_INITIAL;
	return RTE_MIN(r->srtt + RTE_MAX(4 * r->rttvar, (uint32_t)RTO_MIN), (uint32_t)RTO_MAX);
}

static void
estimated(struct rtt *r, uint32_t m)
{
	if (r->min == 0 || m < r->min)
		r->min = m;
	r->rto = rtt_timeout(r);
	r->backoff = 0;
}

void
rtt_sample(struct rtt *r, int64_t us)
{
	uint32_t m = bounded(us);

	if (r->srtt == 0) {
		r->srtt = m;			/* (2.2) */
		r->rttvar = m / 2;
	} else {
		uint32_t d = r->srtt > m ? r->srtt - m : m - r->srtt;

		r->rttvar = r->rttvar - r->rttvar / 4 + d / 4;	/* (2.3) */
		r->srtt = r->srtt - r->srtt / 8 + m / 8;
	}
	estimated(r, m);
}

void
rtt_was_early(struct rtt *r)
{
	r->early = true;
}

/*
 * RFC 4015 3.2: the delay that the timer did not wait for is in no sample (Karn), so the first
 * that comes after it counts whole, or the timer would be early again.  What the RFC remembers
 * from before the timeout is what there is: nothing that is older makes it less.
 */
void
rtt_sample_newer(struct rtt *r, int64_t us)
{
	uint32_t m = bounded(us);

	if (r->early) {
		r->srtt = RTE_MAX(r->srtt, m);
		r->rttvar = RTE_MAX(r->rttvar, m / 2);
		r->early = false;
		estimated(r, m);
	} else {
		rtt_sample(r, us);
	}
}

/* (5.5) */
void
rtt_backoff(struct rtt *r)
{
	if (r->backoff < UINT8_MAX)
		r->backoff++;
}

/* The peer acknowledged something new: it is there, and the timeout is what was measured. */
void
rtt_progress(struct rtt *r)
{
	r->backoff = 0;
}

void
rtt_syn_lost(struct rtt *r)
{
	r->rto = RTO_SYN_LOST;
	r->backoff = 0;
}

int64_t
rtt_rto(const struct rtt *r)
{
	return RTE_MIN((int64_t)r->rto << RTE_MIN(r->backoff, 10), (int64_t)RTO_MAX);
}
