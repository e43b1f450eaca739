/*
 * CUBIC (RFC 9438).  The state is in bytes, with the parts of a byte kept from ACK to ACK: at ten
 * thousand segments an ACK earns less than one.  Times, K and the curve are doubles while they are
 * computed: cubes of milliseconds pass 64 bits, and nothing here must be exact to the last bit.
 */
#include <math.h>

#include "tcpterm/cc.h"
#include "tcpterm/tcb.h"

static const double CUBIC_C = 0.4;	/* segments / s^3, 5.1 */
static const double CUBIC_BETA = 0.7;	/* 4.6 */
static const uint32_t CWND_MAX = 1u << 30;

/*
 * 4.3: 3 * (1 - beta) / (1 + beta), which beside a Reno flow's beta of 0.5 takes the same share.
 * It stays that beyond cwnd_prior, where 4.3 says SHOULD 1: Linux's CUBIC keeps it, and twice its
 * slope just where the queue overflows takes its share from it.
 */
enum { ALPHA_NUM = 9, ALPHA_DEN = 17 };

static void
cubic_init(struct conn *c)
{
	c->cc.cubic = (struct cubic){ .epoch = USEC_NEVER };
}

/* The first ACK of a congestion avoidance stage (4.2). Was there no loss (4.10), or a timeout
 * (4.8), the curve begins where the window is. */
static void
epoch_begin(struct conn *c)
{
	struct cubic *q = &c->cc.cubic;

	q->epoch = c->cc.acked_at = c->s->now;
	q->w_max = RTE_MAX(q->w_max, c->cc.cwnd);
	q->k = (float)cbrt((double)(q->w_max - c->cc.cwnd) / c->mss / CUBIC_C);	/* equation 2 */
	q->w_est = c->cc.cwnd;
	q->w_est_rest = 0;
	c->cc.acked = 0;
}

/* W_cubic(t), equation 1, in bytes; `t` in seconds since the epoch. */
static double
w_cubic(const struct conn *c, double t)
{
	double d = t - (double)c->cc.cubic.k;

	return CUBIC_C * d * d * d * c->mss + c->cc.cubic.w_max;
}

/* Adds `n` / cwnd bytes to *w, the rest of the division to *rest. */
static void
add_part(uint32_t *w, uint32_t *rest, uint64_t n, uint32_t cwnd)
{
	n += *rest;
	*w = (uint32_t)RTE_MIN(*w + n / cwnd, (uint64_t)CWND_MAX);
	*rest = (uint32_t)(n % cwnd);
}

/* 4.3, figure 4: what Reno would have. */
static void
grow_estimate(struct conn *c, uint32_t acked)
{
	struct cubic *q = &c->cc.cubic;
	uint64_t n = (uint64_t)acked * c->mss * ALPHA_NUM / ALPHA_DEN;

	add_part(&q->w_est, &q->w_est_rest, n, c->cc.cwnd);
}

/* 4.4, 4.5: towards where the curve will be in one RTT, at most half a window more. */
static void
follow_curve(struct conn *c, uint32_t acked, double t)
{
	double cwnd = c->cc.cwnd, target = w_cubic(c, t + c->rtt.srtt / 1e6);

	target = RTE_MIN(target, 1.5 * cwnd);
	if (target > cwnd)
		add_part(&c->cc.cwnd, &c->cc.acked, (uint64_t)(target - cwnd) * acked, c->cc.cwnd);
}

static void
cubic_ack(struct conn *c, uint32_t acked)
{
	struct cubic *q = &c->cc.cubic;
	int64_t gap;
	double t;

	if (c->cc.cwnd < c->cc.ssthresh)
		acked = cc_slow_start(c, acked);
	if (acked == 0)
		return;
	if (q->epoch.v == USEC_NEVER.v)
		epoch_begin(c);
	/* 5.8: time in which the window was not the limit moves no curve */
	gap = usec_diff(c->s->now, c->cc.acked_at);
	if (gap > (int64_t)c->rtt.srtt)
		q->epoch = usec_add(q->epoch, gap);
	c->cc.acked_at = c->s->now;
	t = (double)usec_diff(c->s->now, q->epoch) / 1e6;
	grow_estimate(c, acked);
	follow_curve(c, acked, t);
	if (w_cubic(c, t) < q->w_est)
		c->cc.cwnd = RTE_MAX(c->cc.cwnd, q->w_est);
}

/* 4.6 allows cwnd for flight_size where the window grows only when it is used, as ours does
 * (cc_ack); what is in flight at the tail of a write says little of the path. */
static uint32_t
cubic_ssthresh(struct conn *c, uint32_t flight)
{
	struct cubic *q = &c->cc.cubic;
	double cwnd = c->cc.cwnd;

	(void)flight;
	/* 4.7, fast convergence: below the last maximum, leave room for others */
	q->w_max = c->cc.cwnd < q->w_max ? (uint32_t)(cwnd * (1 + CUBIC_BETA) / 2) : c->cc.cwnd;
	q->epoch = USEC_NEVER;
	return (uint32_t)RTE_MAX(cwnd * CUBIC_BETA, 2.0 * c->mss);
}

/* 4.8: W_max is what the window will be when slow start ends. */
static void
cubic_timeout(struct conn *c)
{
	c->cc.cubic.w_max = 0;
	c->cc.cubic.epoch = USEC_NEVER;
}

const struct cc_ops cc_cubic = { "cubic", cubic_init, cubic_ack, cubic_ssthresh, cubic_timeout };
