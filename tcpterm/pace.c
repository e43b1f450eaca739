#include "tcpterm/pace.h"
#include "tcpterm/tcb.h"

/* Lateness that is made good: the wheel's tick and a worker's turn, not a sender's idle time. */
enum { LATE_NS = 4 * TIMER_TICK_US * 1000 };

/* As Linux: double the rate lets slow start double; near the end of it, and after, a fifth more
 * is enough to fill the window. */
static unsigned
percent(const struct conn *c)
{
	return c->cc.cwnd < c->cc.ssthresh / 2 ? 200 : 120;
}

/* The first window leaves at once: there is no round trip yet to spread it over that would not be
 * of the handshake alone (RFC 6928 3). */
static bool
first_window(const struct conn *c)
{
	return c->nxt < 10ll * c->mss;
}

bool
pace_ready(struct conn *c)
{
	if (!c->tuning.pace)
		return true;
	c->pace.waiting = c->s->now.v * 1000 < c->pace.next_ns;
	return !c->pace.waiting;
}

void
pace_sent(struct conn *c, uint32_t len)
{
	uint64_t rate;	/* percents of bytes a round trip */
	int64_t now_ns = c->s->now.v * 1000;

	if (!c->tuning.pace || c->rtt.srtt == 0 || first_window(c))
		return;
	rate = (uint64_t)RTE_MAX(c->cc.cwnd, (uint32_t)c->mss) * percent(c);
	c->pace.next_ns = RTE_MAX(c->pace.next_ns, now_ns - LATE_NS);
	c->pace.next_ns += (int64_t)((uint64_t)len * c->rtt.srtt * 100 * 1000 / rate);
}

usec_t
pace_at(const struct conn *c)
{
	return c->pace.waiting ? (usec_t){ c->pace.next_ns / 1000 + 1 } : USEC_NEVER;
}

void
pace_timer(struct conn *c)
{
	if (!c->pace.waiting || usec_before(c->s->now, pace_at(c)))
		return;
	c->pace.waiting = false;
	tcb_pend(c);
}
