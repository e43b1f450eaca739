/*
 * state.h - a script being played: what its events share.
 *
 * play.c runs it, packets.c brings and compares segments, calls.c makes the calls.
 * One script at a time, one thread.
 */
#ifndef LEAT_TESTS_PKT_STATE_H
#define LEAT_TESTS_PKT_STATE_H

#include <tcpterm/conn.h>

#include "tests/pkt/lib/script.h"

enum { PLAY_QUEUE = 256 };

/* The peer's numbers wrap early. */
static const uint32_t PLAY_REMOTE_ISN = 0xffffff00;

/* A segment that the stack sent. */
struct sent {
	int64_t at;
	struct script_seg seg;	/* wire numbers */
	bool intact;		/* its payload is what was written */
};

/* What setsockopt() chose, for the connection there is or for the next one. */
struct play_settings {
	bool nodelay, linger0, keepalive, has_quickack, quickack, no_df;
	struct tcpterm_keepalive keep;
	uint32_t user_ms, receive, send;
	uint16_t fin_wait_s;
	uint8_t tos, ttl, n_syn, r1, r2;
};

struct play {
	const struct script *script;
	const struct script_event *event;
	struct tcpterm *stack;
	usec_t now;
	int64_t start, reference;	/* us; what relative times are relative to */
	struct sent sent[PLAY_QUEUE];
	unsigned n_sent, n_checked;
	bool failed;

	struct flow *flow;
	bool established, closed;
	int error;			/* errno of its end */
	unsigned n_advices;
	struct play_settings set;
	uint32_t written, read;		/* bytes */
	char fd[8];			/* the connection's */

	uint32_t local_isn, ts_base;	/* the stack's numbers, where the script says 0 */
	bool has_local, has_ts;
};

/* --- play.c --- */

/* A `# FILE:LINE: ...` line, and the script has failed. */
void play_complain(struct play *p, const char *what);

/* Virtual time goes on, timer by timer, to `t` (us). */
void play_run_until(struct play *p, int64_t t);

/* The event's time `t`, absolute in us. */
int64_t play_time_of(const struct play *p, int64_t t);

/* --- packets.c --- */

/* The peer's segment, or a router's ICMP error, of the event. */
void packets_in(struct play *p);

/* Waits for the segment of the event, and compares. */
void packets_out(struct play *p);

/* A frame that the stack sent is kept to be compared; the frame stays the caller's. */
void packets_take(struct play *p, const struct rte_mbuf *m);

/* The first segment that was sent and not yet compared, as text; NULL: none. */
const char *packets_unexpected(struct play *p, char *buf, size_t len);

/* --- calls.c --- */

/* Gives the connection the settings that were chosen. */
void calls_apply(struct play *p);

/* Makes the event's call and compares what it returns. */
void calls_make(struct play *p);

#endif
