/*
 * cc.h - congestion control, one struct of functions an algorithm.
 *
 * Algorithms write only struct cc, by bytes throughout (RFC 5681, RFC 3465).  recover.c says what
 * happened (an ACK, a loss, a timeout, a mark) and sets cwnd during recovery; cc.c knows when the
 * window may grow, and remembers what to go back to.
 */
#ifndef TCPTERM_CC_H
#define TCPTERM_CC_H

#include <stdbool.h>
#include <stdint.h>

#include "datapath/clock.h"

struct conn;
struct tcpterm;

struct cc_ops {
	const char *name;
	void (*init)(struct conn *c);
	/* `acked` bytes were acknowledged outside fast recovery, and the window was the limit. */
	void (*ack)(struct conn *c, uint32_t acked);
	/* A loss or a mark, found with `flight` bytes in flight: the new ssthresh. */
	uint32_t (*ssthresh)(struct conn *c, uint32_t flight);
	/* A timeout, after ssthresh(); may be NULL. */
	void (*timeout)(struct conn *c);
};

/* HyStart++ (RFC 9406 4.2; cc_hystart.c).  RTTs in microseconds, UINT32_MAX: none yet. */
struct hystart {
	int64_t round_end;	/* windowEnd, an offset of the send stream */
	uint32_t last_min, round_min;
	uint32_t css_base;	/* below it CSS was for jitter; UINT32_MAX: not in CSS */
	uint8_t n_samples;	/* of this round, up to N_RTT_SAMPLE */
	uint8_t css_rounds;
};

/* CUBIC's variables (RFC 9438 4.1.2); windows in bytes. */
struct cubic {
	usec_t epoch;		/* when congestion avoidance began; NEVER: it has not */
	uint32_t w_max, w_est;
	uint32_t w_est_rest;	/* of w_est, in parts of cwnd */
	float k;		/* seconds */
};

/* What a reduction that turns out to be spurious goes back to. */
struct cc_prior {
	uint32_t cwnd, ssthresh;	/* cwnd 0: there is nothing to undo */
	struct cubic cubic;
};

struct cc {
	const struct cc_ops *ops;
	uint32_t cwnd, ssthresh;	/* bytes; ssthresh UINT32_MAX: nothing was ever lost */
	uint32_t acked;			/* towards the next increase; the algorithm's own unit */
	uint32_t sent_ms;		/* when data was sent last; wraps */
	int64_t full_at;		/* snd.nxt when the window was last the limit */
	usec_t acked_at;		/* CUBIC: the last ACK that could move the curve */
	struct cubic cubic;
	struct hystart hystart;
	struct cc_prior prior;
};

extern const struct cc_ops cc_reno, cc_cubic;

/* --- cc.c --- */

/* By name; NULL there is none. "" or NULL is the default, CUBIC. */
const struct cc_ops *cc_find(const char *name);

/* The connection's own choice (tuning.cc), else the stack's. */
const struct cc_ops *cc_choice(const struct conn *c);

/* The initial window (RFC 6928 2); the connection's mss is known. */
void cc_init(struct conn *c, const struct cc_ops *ops);

/* Another algorithm goes on with the window that there is. */
void cc_switch(struct conn *c, const struct cc_ops *ops);

/* A round-trip time was measured, in microseconds; before the ACK that gave it is counted. */
void cc_rtt(struct conn *c, int64_t us);

/* `acked` bytes were acknowledged, not in fast recovery: the window grows if it was the limit for
 * what was acknowledged (RFC 7661 3: an unused window says nothing). */
void cc_ack(struct conn *c, uint32_t acked);

/* Less than `cwnd` more may leave, and something waits: the window is the limit now. */
void cc_full(struct conn *c);

/*
 * A loss, or a congestion mark: ssthresh is lowered (RFC 5681 (4), RFC 9438 4.6), the peer is told
 * by CWR where ECN is on (RFC 3168 6.1.2).  `flight`, bytes, is what was not acknowledged when it
 * was found: what the ACK that told it takes out counts.  The first reduction
 * while rec.state is RECOVER_OPEN remembers what was before it.  cwnd is the caller's to set.
 */
void cc_reduce(struct conn *c, uint32_t flight);

/* The retransmission timer fired (RFC 5681 3.1, RFC 9438 4.8): cwnd is one segment. ssthresh is
 * lowered unless `again`: the same loss timed out before. */
void cc_timeout(struct conn *c, bool again);

/* The reduction was for nothing (RFC 9438 4.9, RFC 4015 3.2, RFC 5682): cwnd, ssthresh and the
 * curve are as before it. Does nothing when there is nothing to undo. */
void cc_undo(struct conn *c);

/* Segments may be larger from now on: a window is of one at least (RFC 5681 3.1). */
void cc_mss_grew(struct conn *c);

/* `c` sent new data or old. */
void cc_sent(struct conn *c);

/* Data is about to leave. After an idle timeout the window begins anew (RFC 5681 4.1), if
 * tuning.idle_restart asks for it. */
void cc_restart(struct conn *c);

/* Slow start's increase, which every algorithm shares (RFC 9406 4.3: at most L segments an ACK);
 * returns what is left of `acked` for congestion avoidance. */
uint32_t cc_slow_start(struct conn *c, uint32_t acked);

/* --- cc_hystart.c: RFC 9406 --- */

void hystart_init(struct conn *c);
/* One RTT sample in slow start. */
void hystart_rtt(struct conn *c, uint32_t us);
/* An ACK came: rounds end here, and the fifth of CSS ends slow start. */
void hystart_ack(struct conn *c);
/* In conservative slow start: the window stands. */
bool hystart_waits(const struct conn *c);

#endif
