/*
 * Reno's growth (RFC 5681 3.1), and what all algorithms share.
 */
#include "tcpterm/cc.h"

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

void
cc_init(struct conn *c, const struct cc_ops *ops)
{
	/* RFC 6928 2: min(10 * MSS, max(2 * MSS, 14600)) */
	uint32_t iw = RTE_MIN(10u * c->mss, RTE_MAX(2u * c->mss, 14600u));

	c->cc = (struct cc){ .ops = ops, .cwnd = iw, .ssthresh = UINT32_MAX };
	ops->init(c);
}

uint32_t
cc_slow_start(struct conn *c, uint32_t acked)
{
	uint32_t room = c->cc.ssthresh - c->cc.cwnd;
	uint32_t n = RTE_MIN(acked, room);

	c->cc.cwnd += n;
	return acked - n;
}

static void
reno_init(struct conn *c)
{
	c->cc.acked = 0;
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
reno_ssthresh(struct conn *c)
{
	/* RFC 5681 (4) */
	return RTE_MAX((uint32_t)(c->nxt - c->una) / 2, 2u * c->mss);
}

const struct cc_ops cc_reno = { "reno", reno_init, reno_ack, reno_ssthresh };
