/*
 * rest.h - flows that have nothing to do, in a third of the bytes.
 *
 * A flow's object has two parts: a head that stays where it is (struct flow, what its caller
 * knows), and what TCP works with (struct endpoint, struct relay, struct pair), which it has while
 * it is awake.  What passive pairs keep is in pair_rest.h.  Of connections and relays: once all
 * that was sent is acknowledged and all that came is read and acknowledged, when no timer of TCP's
 * runs and nothing is being recovered, the second part is mostly constants: it may rest.  The
 * stack keeps n_ready connections awake that may rest, the latest to speak; the others' are
 * written down in their heads and freed.  What was agreed and set is the same for many
 * connections: such ways are kept once, counted (intern.h).  What few have to say has a slab of
 * its own.  Whoever asks for a flow by endpoint_of(), relay_of() or pair_of() wakes it.  So what
 * tcb.h has knows nothing of rest.  Lost is what lies below a millisecond in the times of the
 * latest segments, and what was counted towards the next growth of the receive buffer; a round of
 * HyStart++ ends.
 *
 * Only rest.c (for pairs, pair_rest.c) writes down and reads back.  In the stack's thread; sleep
 * comes in tcpterm_run() alone, after all output, so that no pointer to an awake part is held over
 * it.
 */
#ifndef TCPTERM_REST_H
#define TCPTERM_REST_H

#include "tcpterm/endpoint.h"
#include "tcpterm/relay.h"

struct pair;

/* Of a time what is kept where it is near in any case: the low word of its milliseconds. */
static inline uint32_t
rest_low_ms(usec_t t)
{
	return (uint32_t)(t.v / 1000);
}

/* --- what is kept of a connection --- */

/* What many connections have in common, and so is kept once for all of them. */
struct conn_ways {
	uint32_t limit;
	uint16_t mss, mss_offered, mss_most, seg_max, again_s;
	uint8_t ttl, tos, snd_shift, rcv_shift, cc, leg;
	bool reno, relayed, ts_on, sack_on, wscale_on, nodelay, df, own_clock, fixed, fin_ackable,
		ecn_on, pace, idle_restart, no_ecn;
};

/* What is its own.  Times and differences are low words. */
struct conn_rest {
	int64_t una, rcv_nxt;
	uint32_t iss, irs;
	uint32_t wnd, wnd_max;
	uint32_t adv_ahead;	/* of rcv_nxt */
	uint32_t ts_recent;
	uint32_t ts_other;	/* TSvals of a clock of its own are ahead by this; else ts_newest */
	uint32_t heard_ms;
	uint32_t srtt, rttvar, rtt_min;
	uint32_t cwnd;
	uint32_t rtt_round;	/* HyStart++: the least of the latest round */
	uint32_t more;		/* slot + 1 of struct conn_more; 0: there is none */
	uint32_t label : 20;	/* the flow label, or the ID of IPv4 */
	uint32_t ts_at : 12;	/* in units of 2^30 us */
	uint16_t short_by;
	uint8_t quick;
	bool rests;		/* of leg 0: the flow is at rest */
};

/* What only those have to say who lost something, or are in the middle of something. */
struct conn_more {
	uint32_t ssthresh, acked, limit, rto, rack_rtt, ts_newest;
	uint32_t stray_ms, sent_ms;
	uint32_t css_base;
	uint32_t w_max, w_est, w_est_rest, acked_ms, age_us;	/* CUBIC's */
	float k;
	uint16_t n_rexmit, n_ooo, n_dup, n_zero_wnd, n_dsacks;
	uint8_t css_rounds, reo_wnd_mult, reo_wnd_persist;
	bool epoch : 1, tlp_open : 1, tlp_rexmit : 1, cwr_here : 1, reordering : 1, early : 1;
};

/* May the connection rest?  Its flow's other parts have a say too. */
bool conn_may_rest(const struct conn *c);

/* Writes it down; reads it back into one that tcb_init() made, its streams and ts_val not set. */
void conn_ways(const struct conn *c, struct conn_ways *w);
void conn_rest(const struct conn *c, struct conn_rest *r);
void conn_wake(struct conn *c, const struct conn_rest *r, const struct conn_ways *w);

/* What was written is not wanted any more. */
void conn_forget(struct tcpterm *s, struct conn_rest *r);

/* --- the heads: what is where the flow is --- */

struct endpoint_ways {
	struct tcpterm *s;
	struct conn_ways c;
	uint32_t send_buffer, user_ms;
	uint16_t idle_s, interval_s, fin_wait_s;
	uint8_t n_probes, r1, r2, n_syn;
	bool keep_on, passive_open, was_established, no_read, linger0, no_reports, short_write;
};

struct endpoint_head {
	struct flow f;
	struct flow_carry carry[2];
	union {
		struct endpoint *awake;
		const struct endpoint_ways *ways;	/* at rest; counted */
	};
	struct conn_rest rest;
};

struct relay_ways {
	struct tcpterm *s;
	struct conn_ways leg[2];
	uint32_t idle_s;
	bool idles, keeps, close_local, translated;
};

struct relay_head {
	struct flow f;
	struct flow_carry carry[2];
	union {
		struct relay *awake;
		const struct relay_ways *ways;	/* at rest; counted */
	};
	struct conn_rest rest[2];	/* of the legs */
	uint32_t idle_at_ms, keep_at_ms[2], ask_at_ms[2];
	struct {
		uint32_t handshake_us : 27;	/* that it waited for this end; awake, too */
		uint32_t busy_us : 5;	/* of the leg, at rest: these and as many times 32 */
		uint32_t busy;
	} took[2];
};

/* --- who rests --- */

int rest_init(struct tcpterm *s);	/* 0, -ENOMEM */
void rest_fini(struct tcpterm *s);

/* A fresh flow's awake part, zero but for its flow: as many as there may be heads. */
struct endpoint *rest_endpoint_new(struct tcpterm *s, struct flow *f);
struct relay *rest_relay_new(struct tcpterm *s, struct flow *f);
struct pair *rest_pair_new(struct tcpterm *s, struct flow *f);

/* A pair's, which is written down or ends. */
void rest_pair_free(struct tcpterm *s, struct pair *x);

/* The flow's object is to be freed: nothing for other kinds. */
void rest_end(struct tcpterm *s, struct flow *f);

/* May it rest? */
bool rest_endpoint_may(const struct endpoint *e);
bool rest_relay_may(const struct relay *r);

/* After a flow's output and timers: it comes last among those that may rest, or is none of them.
 * `c`: its only connection, or leg 0. */
void rest_later(struct conn *c, bool may);
void rest_quiet(struct tcpterm *s, struct quiet *q, struct flow *f, bool may);

/* Lets those rest that were quiet for longest. */
void rest_run(struct tcpterm *s);

/* Is it awake?  Of a flow of kind CONN, RELAY or PASSIVE. */
bool rest_awake(const struct flow *f);

/* tcb_info() of what may be at rest, and stays so. */
void rest_endpoint_info(const struct flow *f, struct tcpterm_leg_info *leg);
void rest_relay_info(const struct flow *f, struct tcpterm_leg_info leg[2]);

#endif
