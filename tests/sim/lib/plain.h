/*
 * plain.h - the inside of the plain TCP: a small, complete, go-back-N TCP of its own (RFC 9293,
 * 7323, 6298, 5961), the end against which the stack is tried.
 *
 * Positions are 64-bit offsets: 0 is the SYN, 1 the first byte, the FIN follows the last.
 * plain.c has the calls of the application, plain_in.c what arrives, plain_out.c what leaves.
 * Single thread.
 */
#ifndef LEAT_SIM_PLAIN_H
#define LEAT_SIM_PLAIN_H

#include "tests/sim/lib/endpoint.h"
#include "tests/sim/lib/plain_codec.h"
#include "tests/sim/lib/ranges.h"

enum plain_state {
	PL_CLOSED,
	PL_LISTEN,
	PL_SYN_SENT,
	PL_SYN_RCVD,
	PL_ESTABLISHED,
	PL_FIN_WAIT_1,
	PL_FIN_WAIT_2,
	PL_CLOSE_WAIT,
	PL_CLOSING,
	PL_LAST_ACK,
	PL_TIME_WAIT
};

struct plain {
	struct endpoint_config cfg;
	void (*emit)(void *ctx, struct frame *f);
	void *ctx;
	enum plain_state state;
	enum endpoint_state end;	/* how it ended, once PL_CLOSED */

	/* sending */
	uint32_t iss;
	uint64_t una, nxt, max;		/* max: the furthest ever sent */
	uint64_t data_end;		/* offset behind the last byte written */
	bool fin_queued;
	unsigned n_writes;
	uint64_t urgent;		/* offset behind the last urgent byte, 0: none was */
	uint64_t edge;			/* the peer's right edge */
	uint64_t wl1, wl2;		/* segment that set it (RFC 9293 §3.10.7.4) */
	uint8_t *sndbuf;
	uint32_t peer_mss;
	int snd_shift, rcv_shift;	/* 0 without agreement */
	uint32_t cwnd, ssthresh;	/* bytes */
	unsigned dupacks;
	uint64_t recover;		/* no fast retransmit again below this */
	uint64_t retransmits;

	/* receiving */
	uint32_t irs;
	uint64_t rcv_nxt, read_at;	/* next byte expected, next byte for the application */
	uint64_t rcv_edge;		/* right edge offered: never moves left */
	uint64_t rcv_fin;		/* offset of the peer's FIN, UINT64_MAX unknown */
	bool fin_taken;			/* the FIN is below rcv_nxt */
	struct ranges out_of_order;
	uint8_t *rcvbuf;
	uint32_t rcv_room;		/* bytes of rcvbuf: more than what is offered */
	unsigned unacked_segments;
	bool ack_now;

	bool ts_on, sack_on;
	bool ecn_on;			/* RFC 3168 */
	bool ece;			/* a mark came, and no CWR since */
	bool cwr_due;			/* the window was halved, the peer is still to be told */
	uint64_t ecn_recover;		/* not halved again for marks below this */
	uint32_t ts_recent;
	uint64_t last_ack_sent;

	int64_t srtt, rttvar, rto;	/* us; srtt 0: no sample yet */
	unsigned backoff;
	uint64_t timed;			/* offset whose acknowledgment is timed, 0 none */
	int64_t timed_at;

	int64_t rto_at, persist_at, delack_at, timewait_at, keepalive_at;	/* INT64_MAX: off */
};

/* plain_out.c */
void plain_output(struct plain *p, int64_t now);	/* what window and buffer allow */
void plain_ack(struct plain *p, int64_t now);		/* a bare acknowledgment */
void plain_send_syn(struct plain *p, int64_t now);
void plain_rst(struct plain *p);			/* of an aborted connection */
void plain_refuse(struct plain *p, const struct plain_segment *in);	/* RFC 9293 §3.10.7.1 */
void plain_timers(struct plain *p, int64_t now);
bool plain_window_opened(const struct plain *p);	/* by enough to say so unasked */

/* plain_in.c */
void plain_input(struct plain *p, const struct plain_segment *s, int64_t now);

/* plain.c */
void plain_finish(struct plain *p, enum endpoint_state how);
bool plain_synchronized(const struct plain *p);

#endif
