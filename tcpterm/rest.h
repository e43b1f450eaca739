/*
 * rest.h - connections and relays that have nothing to do, in a third of the bytes.
 *
 * A flow's object has two parts: a head that stays where it is (struct flow, what its caller
 * knows), and what TCP works with (struct endpoint, struct relay), which it has while it is awake.
 * Once all that was sent is acknowledged and all that came is read and acknowledged, when no
 * timer of TCP's runs and nothing is being recovered, the second part is mostly constants: it
 * may rest.  The stack keeps n_ready such flows awake, the latest to speak; the others' are
 * written down in their heads and freed.  Whoever asks for one by endpoint_of() or relay_of()
 * wakes it.  So what tcb.h has knows nothing of rest.  Lost is only what lies below a millisecond
 * in the times of the latest segments.
 *
 * Only rest.c frees, writes down and reads back.  In the stack's thread; sleep comes in
 * tcpterm_run() alone, after all output, so that no pointer to an awake part is held over it.
 */
#ifndef TCPTERM_REST_H
#define TCPTERM_REST_H

#include "tcpterm/endpoint.h"
#include "tcpterm/relay.h"

/* --- what is kept of a connection --- */

struct conn_rest {
	int64_t una, rcv_nxt;
	uint32_t iss, irs, wl1;
	uint32_t wnd, wnd_max;
	uint32_t adv_ahead;			/* of rcv_nxt */
	uint32_t limit, drained;
	uint32_t ts_recent, ts_newest, ts_offset;
	uint32_t ts_at_s, heard_ms, stray_ms;
	uint32_t srtt, rttvar, rtt_min, rto, rack_rtt;
	uint32_t cwnd, ssthresh, acked, sent_ms;
	union {		/* in the first slow start HyStart++ has something to say, later CUBIC */
		struct {
			int32_t round_ahead;	/* of una */
			uint32_t last_min, round_min, css_base;
			uint8_t n_samples, css_rounds;
		} hystart;
		struct {
			uint32_t w_max, w_est, w_est_rest, acked_ms, age_us;
			float k;
		} cubic;
	};
	uint32_t flow_label : 20, snd_shift : 4, rcv_shift : 4, cc : 2;
	uint32_t epoch : 1;	/* CUBIC's has begun */
	uint32_t reno : 1;
	uint16_t n_rexmit, n_ooo, n_dup, n_zero_wnd, n_dsacks;
	uint16_t short_by, seg_max, ip_id, mss, mss_offered, mss_most, again_s;
	uint8_t ttl, tos, quick, reo_wnd_mult, reo_wnd_persist;
	bool leg : 1, relayed : 1, ts_on : 1, sack_on : 1, wscale_on : 1, nodelay : 1, df : 1,
		own_clock : 1;
	bool fixed : 1, fin_ackable : 1, ecn_on : 1, tlp_open : 1, tlp_rexmit : 1, cwr_here : 1,
		reordering : 1, pace : 1;
	bool idle_restart : 1, no_ecn : 1, early : 1;
};

/* May the connection rest?  Its flow's other parts have a say too. */
bool conn_may_rest(const struct conn *c);

/* Writes it down; reads it back into one that tcb_init() made, its streams and ts_val not set. */
struct conn_rest conn_rest(const struct conn *c);
void conn_wake(struct conn *c, const struct conn_rest *r);

/* --- the heads: what is where the flow is --- */

struct endpoint_head {
	struct flow f;
	union {
		struct endpoint *awake;
		struct tcpterm *s;	/* at rest */
	};
	struct endpoint_rest {
		struct conn_rest c;
		uint32_t send_buffer, user_ms;
		uint32_t probed_ms;
		uint16_t idle_s, interval_s, fin_wait_s;
		uint8_t n_probes, r1, r2, n_syn;
		bool rests : 1;
		bool keep_on : 1, probed : 1, passive_open : 1, was_established : 1, no_read : 1,
			linger0 : 1, no_reports : 1;
		bool short_write : 1;
	} rest;
};

struct relay_head {
	struct flow f;
	union {
		struct relay *awake;
		struct tcpterm *s;	/* at rest */
	};
	struct relay_rest {
		struct conn_rest leg[2];
		uint32_t idle_s;
		uint32_t idle_at_ms, keep_at_ms[2], ask_at_ms[2];	/* low words */
		bool rests : 1;
		bool idles : 1, keeps : 1, close_local : 1, translated : 1;
	} rest;
};

/* --- who rests --- */

int rest_init(struct tcpterm *s);	/* 0, -ENOMEM */
void rest_fini(struct tcpterm *s);

/* A fresh flow's awake part, zero but for its flow: as many as there may be heads. */
struct endpoint *rest_endpoint_new(struct tcpterm *s, struct flow *f);
struct relay *rest_relay_new(struct tcpterm *s, struct flow *f);

/* The flow's object is to be freed: nothing for other kinds. */
void rest_end(struct tcpterm *s, struct flow *f);

/* May it rest? */
bool rest_endpoint_may(const struct endpoint *e);
bool rest_relay_may(const struct relay *r);

/* After a flow's output and timers: it comes last among those that may rest, or is none of them.
 * `c`: its only connection, or leg 0. */
void rest_later(struct conn *c, bool may);

/* Lets those rest that were quiet for longest. */
void rest_run(struct tcpterm *s);

/* Is it awake?  Of a flow of kind CONN or RELAY. */
bool rest_awake(const struct flow *f);

/* tcb_info() of what may be at rest, and stays so. */
void rest_endpoint_info(const struct flow *f, struct tcpterm_leg_info *leg);
void rest_relay_info(const struct flow *f, struct tcpterm_leg_info leg[2]);

#endif
