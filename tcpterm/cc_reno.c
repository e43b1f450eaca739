/*
 * NewReno's window (RFC 5681 3.1, RFC 6582), its increase counted in bytes (RFC 3465 2.1).
 */
#include "tcpterm/cc.h"
#include "tcpterm/tcb.h"

static void
reno_init(struct conn *c)
{
	(void)c;
}

static void
reno_ack(struct conn *c, uint32_t acked)
{
	if (c->cc.cwnd < c->cc.ssthresh)
		acked = cc_slow_start(c, acked);
	c->cc.acked += acked;
	if (c->cc.acked >= c->cc.cwnd) {
		c->cc.acked -= c->cc.cwnd;
		c->cc.cwnd += c->mss;
	}
}

static uint32_t
reno_ssthresh(struct conn *c, uint32_t flight)
{
	/* RFC 5681 (4); what limited transmit added is not of it (3.2, step 2). */
	return RTE_MAX(RTE_MIN(flight, c->cc.cwnd) / 2, 2u * c->mss);
}

const struct cc_ops cc_reno = { "reno", reno_init, reno_ack, reno_ssthresh, NULL };
