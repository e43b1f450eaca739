/*
 * cc.h - congestion control, one struct of functions an algorithm.
 *
 * Algorithms write only struct cc.  Bytes throughout (RFC 5681, 3465).
 */
#ifndef TCPTERM_CC_H
#define TCPTERM_CC_H

#include "tcpterm/tcb.h"

struct cc_ops {
	const char *name;
	void (*init)(struct conn *c);
	/* `acked` bytes were acknowledged outside recovery, and the window was the limit. */
	void (*ack)(struct conn *c, uint32_t acked);
	/* A loss: the new ssthresh.  cwnd is set by recover.c. */
	uint32_t (*ssthresh)(struct conn *c);
};

extern const struct cc_ops cc_reno, cc_cubic;

/* By name; NULL there is none. "" or NULL is the default, CUBIC. */
const struct cc_ops *cc_find(const char *name);

/* IW10 (RFC 6928). */
void cc_init(struct conn *c, const struct cc_ops *ops);

/* Slow start's increase, which every algorithm shares; returns what is left of `acked`. */
uint32_t cc_slow_start(struct conn *c, uint32_t acked);

#endif
