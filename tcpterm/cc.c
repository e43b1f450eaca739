/*
 * What all congestion control shares: the initial window, slow start, when a window counts as
 * used, reductions and their undoing, restart after idle.
 */
#include "tcpterm/cc.h"
#include "tcpterm/ecn.h"
#include "tcpterm/tcb.h"

enum {
	L_BOUND = 8,	/* segments an ACK, RFC 9406 4.3; without a bound where we pace */
};

const struct cc_ops *
cc_find(const char *name)
{
	static const struct cc_ops *const all[] = { &cc_cubic, &cc_reno };

	if (!name || !*name)
		return &cc_cubic;
	for (unsigned i = 0; i < RTE_DIM(all); i++)
		if (strcmp(all[i]->name, name) == 0)
			return all[i];
	return NULL;
}

const struct cc_ops *
cc_choice(const struct conn *c)
{
	switch ((enum tcpterm_cc)c->tuning.cc) {
	case TCPTERM_CC_CUBIC:
		return &cc_cubic;
	case TCPTERM_CC_RENO:
		return &cc_reno;
	case TCPTERM_CC_DEFAULT:
		break;
	}
	return cc_find(c->s->conf.cc);
}

/* RFC 6928 2: min(10 * MSS, max(2 * MSS, 14600)) */
static uint32_t
initial_window(const struct conn *c)
{
	return RTE_MIN(10u * c->mss, RTE_MAX(2u * c->mss, 14600u));
}

void
cc_init(struct conn *c, const struct cc_ops *ops)
{
	c->cc = (struct cc){
		.ops = ops,
		.cwnd = initial_window(c),
		.ssthresh = UINT32_MAX,
		.cubic.epoch = USEC_NEVER,
	};
	hystart_init(c);
	ops->init(c);
}

void
cc_switch(struct conn *c, const struct cc_ops *ops)
{
	c->cc.ops = ops;
	c->cc.acked = 0;
	ops->init(c);
}

void
cc_rtt(struct conn *c, int64_t us)
{
	hystart_rtt(c, (uint32_t)RTE_MAX(1, RTE_MIN(us, (int64_t)UINT32_MAX - 1)));
}

void
cc_full(struct conn *c)
{
	c->cc.full_at = c->nxt;
}

void
cc_ack(struct conn *c, uint32_t acked)
{
	bool used = c->una - acked < c->cc.full_at;

	if (acked > 0 && used)
		c->cc.ops->ack(c, acked);
	hystart_ack(c);
}

/* After a timeout one ACK may cover much that arrived before: a segment for each (RFC 3465 2.3). */
static uint32_t
limit(const struct conn *c, uint32_t acked)
{
	if (c->rec.state == RECOVER_LOSS)
		return RTE_MIN(acked, (uint32_t)c->mss);
	return c->tuning.pace ? acked : RTE_MIN(acked, (uint32_t)L_BOUND * c->mss);
}

uint32_t
cc_slow_start(struct conn *c, uint32_t acked)
{
	uint32_t room = c->cc.ssthresh - c->cc.cwnd;
	uint32_t n = hystart_waits(c) ? 0 : limit(c, acked);

	if (n < room) {
		c->cc.cwnd += n;
		return 0;
	}
	c->cc.cwnd += room;
	return n - room;
}

static void
save(struct conn *c)
{
	c->cc.prior = (struct cc_prior){
		.cwnd = c->cc.cwnd,
		.ssthresh = c->cc.ssthresh,
		.cubic = c->cc.cubic,
	};
}

void
cc_reduce(struct conn *c, uint32_t flight)
{
	if (c->rec.state == RECOVER_OPEN)
		save(c);
	c->cc.ssthresh = c->cc.ops->ssthresh(c, flight);
	c->cc.acked = 0;
	ecn_reduced(c);
}

void
cc_timeout(struct conn *c, bool again)
{
	if (!again)
		cc_reduce(c, (uint32_t)(c->nxt - c->una));
	c->cc.cwnd = c->mss;
	c->cc.acked = 0;
	cc_full(c);
	if (c->cc.ops->timeout)
		c->cc.ops->timeout(c);
}

void
cc_mss_grew(struct conn *c)
{
	c->cc.cwnd = RTE_MAX(c->cc.cwnd, (uint32_t)c->mss);
	c->cc.ssthresh = RTE_MAX(c->cc.ssthresh, 2u * c->mss);	/* RFC 5681 (4) */
}

void
cc_undo(struct conn *c)
{
	const struct cc_prior *p = &c->cc.prior;

	if (p->cwnd == 0)
		return;
	c->cc.cwnd = RTE_MAX(c->cc.cwnd, p->cwnd);
	c->cc.ssthresh = RTE_MAX(c->cc.ssthresh, p->ssthresh);
	c->cc.cubic = p->cubic;
	c->cc.prior.cwnd = 0;
}

static uint32_t
milliseconds(const struct conn *c)
{
	return (uint32_t)(c->s->now.v / 1000);
}

void
cc_sent(struct conn *c)
{
	c->cc.sent_ms = milliseconds(c);
}

void
cc_restart(struct conn *c)
{
	uint32_t idle_ms, window;

	if (!c->tuning.idle_restart || c->una < c->nxt || c->nxt <= 0)
		return;
	idle_ms = milliseconds(c) - c->cc.sent_ms;
	window = RTE_MIN(initial_window(c), c->cc.cwnd);
	if (idle_ms * 1000ll <= rtt_rto(&c->rtt) || window == c->cc.cwnd)
		return;
	/* RFC 2861 3: what the path took once is where slow start ends. */
	c->cc.ssthresh = RTE_MAX(c->cc.ssthresh, c->cc.cwnd - c->cc.cwnd / 4);
	c->cc.cwnd = window;
	c->cc.acked = 0;
	c->cc.cubic.epoch = USEC_NEVER;
	c->s->stats.idle_restarts++;
}
