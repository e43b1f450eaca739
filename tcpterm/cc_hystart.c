/*
 * HyStart++ (RFC 9406): the first slow start ends when the round-trip time grows.
 *
 * A round lasts until what was sent at its beginning is acknowledged.  When a round's least
 * RTT is above that of the round before by a threshold, conservative slow start (CSS) waits for
 * five rounds; falls the RTT again meanwhile, it was jitter.  Only the first slow start, for later
 * ones have an ssthresh of the path (4.3).
 *
 * In CSS the window stands, where RFC 9406 4.2 lets it grow by a quarter of slow start's increase:
 * five such rounds triple it.  Linux's HyStart leaves slow start at the same sign at once, and
 * a flow of ours beside one of Linux's would fill the queue while that one waits, lose a
 * burst, and keep its share for minutes.  A window that stands sees the RTT stand, too: jitter
 * it was when a round is back below what began CSS, not below the round that happened to begin it.
 *
 * Samples come from our own send times (rtt.c), so timestamps that are not ours do not
 * matter.
 */
#include "tcpterm/cc.h"
#include "tcpterm/tcb.h"

/* 4.3 */
enum {
	MIN_RTT_THRESH = 4 * 1000,	/* us */
	MAX_RTT_THRESH = 16 * 1000,
	MIN_RTT_DIVISOR = 8,
	N_RTT_SAMPLE = 8,
	CSS_ROUNDS = 5,
};
#define NO_RTT UINT32_MAX

void
hystart_init(struct conn *c)
{
	c->cc.hystart = (struct hystart){
		.round_end = c->nxt + c->cc.cwnd,	/* what will be sent first */
		.last_min = NO_RTT,
		.round_min = NO_RTT,
		.css_base = NO_RTT,
	};
}

static bool
active(const struct conn *c)
{
	return c->cc.ssthresh == UINT32_MAX;
}

static uint32_t
threshold(const struct hystart *h)
{
	return RTE_MAX((uint32_t)MIN_RTT_THRESH,
		       RTE_MIN(h->last_min / MIN_RTT_DIVISOR, (uint32_t)MAX_RTT_THRESH));
}

/* 4.2, at each ACK's sample: into CSS, or back to slow start. */
void
hystart_rtt(struct conn *c, uint32_t us)
{
	struct hystart *h = &c->cc.hystart;

	if (!active(c))
		return;
	h->round_min = RTE_MIN(h->round_min, us);
	if (h->n_samples < N_RTT_SAMPLE)
		h->n_samples++;
	if (h->n_samples < N_RTT_SAMPLE)
		return;
	if (h->css_base != NO_RTT) {
		if (h->round_min < h->css_base) {
			h->css_base = NO_RTT;
			c->s->stats.hystart_resumed++;
		}
	} else if (h->last_min != NO_RTT && h->round_min >= h->last_min + threshold(h)) {
		h->css_base = h->last_min + threshold(h);
		h->css_rounds = 0;
		c->s->stats.hystart_css++;
	}
}

void
hystart_ack(struct conn *c)
{
	struct hystart *h = &c->cc.hystart;

	if (!active(c) || c->una < h->round_end)
		return;
	h->round_end = c->nxt;
	h->last_min = h->round_min;
	h->round_min = NO_RTT;
	h->n_samples = 0;
	/* The part of a round in which CSS began counts (4.2). */
	if (h->css_base != NO_RTT && ++h->css_rounds >= CSS_ROUNDS) {
		c->cc.ssthresh = c->cc.cwnd;
		c->s->stats.hystart_ended++;
	}
}

bool
hystart_waits(const struct conn *c)
{
	return active(c) && c->cc.hystart.css_base != NO_RTT;
}
