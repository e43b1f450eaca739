/*
 * CUBIC (RFC 9438).  Windows are counted in segments, as the RFC's formulas are.
 */
#include <math.h>

#include "tcpterm/cc.h"

static const double CUBIC_C = 0.4;	/* segments / s^3 */
static const double CUBIC_BETA = 0.7;

static void
cubic_init(struct conn *c)
{
	c->cc.w_max = 0;
	c->cc.epoch = USEC_NEVER;
}

/* The first ACK of a congestion avoidance stage (4.2, 4.10). */
static void
epoch_begin(struct conn *c)
{
	double cwnd = (double)c->cc.cwnd / c->mss;

	c->cc.epoch = c->cc.acked_at = c->s->now;
	if (c->cc.w_max < cwnd)
		c->cc.w_max = cwnd;
	c->cc.k = cbrt((c->cc.w_max - cwnd) / CUBIC_C);	/* equation 2 */
	c->cc.w_est = cwnd;
}

/* W_cubic(t), equation 1, `t` in seconds since the epoch. */
static double
w_cubic(const struct cc *cc, double t)
{
	double d = t - cc->k;

	return CUBIC_C * d * d * d + cc->w_max;
}

static void
cubic_ack(struct conn *c, uint32_t acked)
{
	double cwnd, target, t, alpha;

	if (c->cc.cwnd < c->cc.ssthresh)
		acked = cc_slow_start(c, acked);
	if (acked == 0)
		return;
	if (c->cc.epoch.v == USEC_NEVER.v)
		epoch_begin(c);
	/* 5.8: time in which the window was not the limit moves no curve */
	if (usec_diff(c->s->now, c->cc.acked_at) > (int64_t)c->rtt.srtt)
		c->cc.epoch = usec_add(c->cc.epoch, usec_diff(c->s->now, c->cc.acked_at));
	c->cc.acked_at = c->s->now;
	cwnd = (double)c->cc.cwnd / c->mss;
	t = (double)usec_diff(c->s->now, c->cc.epoch) / 1e6;
	/* 4.3, figure 4: Reno's estimate, with Reno's own slope past the last loss */
	alpha = c->cc.w_est < c->cc.w_prior ? 3 * (1 - CUBIC_BETA) / (1 + CUBIC_BETA) : 1;
	c->cc.w_est += alpha * ((double)acked / c->mss) / cwnd;
	/* 4.4, 4.5: where the curve will be in one RTT, at most half a window more */
	target = w_cubic(&c->cc, t + c->rtt.srtt / 1e6);
	target = RTE_MAX(cwnd, RTE_MIN(target, 1.5 * cwnd));
	cwnd += (target - cwnd) / cwnd * ((double)acked / c->mss);
	if (w_cubic(&c->cc, t) < c->cc.w_est)
		cwnd = RTE_MAX(cwnd, c->cc.w_est);
	c->cc.cwnd = (uint32_t)RTE_MIN(cwnd * c->mss, (double)(1u << 30));
}

static uint32_t
cubic_ssthresh(struct conn *c)
{
	double cwnd = (double)c->cc.cwnd / c->mss;
	uint32_t flight = (uint32_t)(c->nxt - c->una);
	double reduced = RTE_MIN(c->cc.cwnd, flight) * CUBIC_BETA;	/* 4.6 */

	c->cc.w_prior = cwnd;
	/* 4.7, fast convergence: below the last maximum, leave room for others */
	c->cc.w_max = cwnd < c->cc.w_max ? cwnd * (1 + CUBIC_BETA) / 2 : cwnd;
	c->cc.epoch = USEC_NEVER;
	return (uint32_t)RTE_MAX(reduced, 2.0 * c->mss);
}

const struct cc_ops cc_cubic = { "cubic", cubic_init, cubic_ack, cubic_ssthresh };
