/*
 * tcb.h - one end of a TCP connection (RFC 9293 3.3.1): the transmission control block.
 *
 * A relay has two, a connection of the library one.  Everything counts in 64-bit
 * stream offsets: 0 is the byte after the SYN, the SYN itself is -1, a FIN
 * takes the offset after the last byte.  Each part's fields are written by its own file only:
 * receive.c, ooo.c, ack.c, sent.c, recover.c, rtt.c, the cc_ files, send.c; any may read them.
 */
#ifndef TCPTERM_TCB_H
#define TCPTERM_TCB_H

#include <stddef.h>

#include "tcpterm/cc.h"
#include "tcpterm/ecn.h"
#include "tcpterm/ooo.h"
#include "tcpterm/pace.h"
#include "tcpterm/pmtu.h"
#include "tcpterm/prr.h"
#include "tcpterm/rack.h"
#include "tcpterm/sent.h"
#include "tcpterm/seq.h"
#include "tcpterm/stream.h"
#include "tcpterm/undo.h"

enum {
	TCB_MSS_DEFAULT_V4 = 536,	/* RFC 9293 3.7.1 */
	TCB_MSS_DEFAULT_V6 = 1220,
	TCB_MSS_LEAST = 36,		/* who says less gets segments that carry something */
	TCB_WSCALE_MAX = 14,		/* RFC 7323 2.3 */
	TCB_CHALLENGE_US = 500 * 1000,	/* between challenge ACKs of a connection, RFC 5961 7 */
};

/* RFC 6298 (rtt.c); microseconds. */
struct rtt {
	uint32_t srtt, rttvar, min;
	uint32_t rto;
	uint8_t backoff;	/* retransmissions of the head in a row */
	bool early;		/* a timeout was spurious, and nothing newer was measured yet */
};

/* Loss recovery (recover.c). */
struct recover {
	enum recover_state {
		RECOVER_OPEN,
		RECOVER_CWR,	/* the window is being reduced, nothing is lost */
		RECOVER_FAST,
		RECOVER_LOSS,	/* after a timeout */
	} state;
	int64_t point;		/* snd_nxt when it began */
	uint8_t dup_acks;
	bool at_once;		/* the next lost segment leaves whatever the pipe holds */
	int64_t cwr_point;	/* snd_nxt when the window was last reduced */
	bool new_first;		/* F-RTO: new data leave before what may not be lost */
};

/* What is expected and what is advertised (receive.c). */
struct receive {
	int64_t nxt;			/* rcv.nxt, a FIN not counted */
	int64_t adv;			/* right edge advertised: never moves left */
	int64_t fin;			/* the FIN's offset, -1 unknown */
	int64_t last_ack;		/* Last.ACK.sent, RFC 7323 4.3 */
	usec_t delack_at;
	uint32_t ts_recent;		/* RFC 7323 4.3 */
	uint32_t ts_newest;		/* of all acceptable segments: the other leg's TSval */
	usec_t ts_at;
	uint32_t behind;		/* of `unacked`, or sent late: since one was due */
	uint16_t short_by;		/* what the latest field named ends so far before `adv` */
	uint16_t seg_max;		/* the largest segment, at first what any may carry */
	uint32_t unacked;		/* bytes received since the last ACK was sent */
	uint32_t limit;			/* bytes this end may hold; changes by use */
	uint8_t n_unacked;		/* segments of `unacked`, as far as that counts */
	uint8_t quick;			/* data segments still to be acknowledged at once */
	bool ack_now;
	bool fin_ackable;		/* it may be acknowledged */
	bool fixed;			/* the limit does not change */
	bool filled;			/* since it was looked at the peer had used all of it */
	uint32_t idle_bytes;		/* that no window let out meanwhile, the least there were */
	uint64_t drained;		/* bytes that left meanwhile */
	usec_t since;			/* when that was */
};

/*
 * What a field is after a rest, conn_rest.c says.  In the order of use: what each segment of a
 * transfer asks for comes first, line by line; what only handshakes, losses and silence do, last.
 */
struct conn {
	struct flow *f;
	struct tcpterm *s;
	struct stream *rx, *tx;
	LIST_ENTRY(conn) pending;
	bool is_pending;
	uint8_t leg;		/* the peer's address is flow_addr(f, leg) */
	uint8_t state;		/* enum tcpterm_state; tcb_set_state() writes it */
	bool relayed;
	uint8_t snd_shift, rcv_shift;
	uint16_t mss;		/* payload bytes of a full segment, options taken off */
	seq_t iss, irs;

	/* send sequence space */
	int64_t una, nxt;
	int64_t wnd_edge;	/* right edge that the peer offers */
	int64_t wl2;
	seq_t wl1;		/* sequence number of the last window update */
	uint32_t wnd_max;	/* largest window ever offered */
	usec_t rto_at;
	usec_t heard_at;	/* the latest acceptable ACK */
	bool ts_on, sack_on;
	bool fin_sent, nodelay;
	bool probe_now;
	bool corrupt;		/* what is to leave again came wrong: nothing leaves any more */
	uint8_t n_probes;	/* zero-window probes unanswered */
	uint8_t n_keepalives;	/* keepalive probes unanswered */

	struct receive rcv;

	/* the IP header that this end writes: of the impersonated end's latest segment */
	uint8_t ttl, tos;
	bool df;
	bool own_clock;		/* TSval is our own milliseconds */
	uint16_t ip_id;
	uint32_t flow_label;
	const uint32_t *ts_val;	/* relayed: newest TSval of the impersonated end */

	struct sent sent;
	struct rack rack;
	struct recover rec;
	struct rtt rtt;
	struct ecn ecn;
	bool override;		/* a silly window did not grow: use it (RFC 9293 3.8.6.2.1) */
	int64_t small_end;	/* where the latest new segment below mss ended */
	usec_t persist_at;
	struct pmtu pmtu;
	struct ooo ooo;
	struct cc cc;
	struct prr prr;
	struct undo undo;
	struct pace pace;
	struct tcpterm_tuning tuning;
	struct quiet quiet;	/* of leg 0: it may rest */
	uint32_t slot;			/* of the object that it is part of, awake */
	bool wscale_on;		/* agreed in the handshake, as ts_on and sack_on are */
	uint16_t mss_offered;	/* what our SYN said (library connections) */
	uint32_t ts_offset;
	usec_t challenge_at;	/* the next challenge ACK not before */
	usec_t stray_at;	/* nor the next answer to an empty segment outside the window */

	uint64_t n_rexmit, n_ooo, n_dup, n_zero_wnd;
};

_Static_assert(offsetof(struct conn, rcv) <= 2 * RTE_CACHE_LINE_SIZE,
	       "who it is and its send sequence space fill two cache lines");
_Static_assert(offsetof(struct conn, rtt) <= 7 * RTE_CACHE_LINE_SIZE,
	       "what a segment in order asks for comes before what trouble does");

/* Why tcb_input() says that the connection is over. */
enum tcb_event {
	TCB_NONE,
	TCB_RESET,	/* an acceptable RST */
};

/* --- tcb.c: life, state, timers --- */

void tcb_init(struct conn *c, struct tcpterm *s, struct flow *f, uint8_t leg);

/* Releases all that the connection holds but for its streams. */
void tcb_fini(struct conn *c);

/* The one place where the state is written; asserts that the move is in RFC 9293's figure 5. */
void tcb_set_state(struct conn *c, enum tcpterm_state to);

/* Puts the connection among those whose output is due when the burst ends. */
void tcb_pend(struct conn *c);

/* When something of this connection is due. */
usec_t tcb_next(const struct conn *c);

/* Acts on what is due; false: given up, the peer does not answer (RFC 9293 3.8.3). */
bool tcb_timer(struct conn *c);

/* Brings the state up to what was sent, acknowledged and received. */
void tcb_progress(struct conn *c);

/* Has the peer all that was sent, the FIN too? */
bool tcb_fin_acked(const struct conn *c);

/* The payload of a full segment in an IP packet of `mtu` bytes, timestamps taken off. */
uint16_t tcb_mss_for(const struct conn *c, uint16_t mtu);

/* The largest IP packet that leaves by the port `side`, its frame's tags taken off (DESIGN 3). */
uint16_t tcb_port_mtu(const struct conn *c, uint8_t side);

/* What was agreed: the peer's options and ours; sets shifts, ts_on, sack_on, mss. */
void tcb_agree(struct conn *c, const struct tcpterm_options *peer,
	       const struct tcpterm_options *ours);

/* A refused or dead connection sends and receives nothing any more. */
void tcb_kill(struct conn *c);

void tcb_info(const struct conn *c, struct tcpterm_leg_info *i);

/* --- input.c: RFC 9293 3.10.7.4, a synchronized state's segment; takes p->m --- */
enum tcb_event tcb_input(struct conn *c, struct pkt *p);

/* Are its number and its acknowledgement such that it comes from the peer?  Only then do its
 * headers say anything of the peer. */
bool tcb_believes(const struct conn *c, const struct pkt *p);

/* --- receive.c --- */

/* Takes the segment's payload and FIN; p->m is held or freed. */
void receive_segment(struct conn *c, struct pkt *p, int64_t off);
/* A segment left of the window: all of it came before. */
void receive_old(struct conn *c, const struct pkt *p, int64_t off);
/* Bytes in order, a part of `m`; takes `m`. */
void receive_deliver(struct conn *c, struct rte_mbuf *m, struct part part);
/* Is any of [off, off + len) inside the receive window (RFC 9293 table 6)? */
bool receive_acceptable(const struct conn *c, int64_t off, uint32_t len);
/* TS.Recent (RFC 7323 4.3) and PAWS (5.3): false, the segment is old. */
bool receive_paws(struct conn *c, const struct tcpterm_options *o, const struct pkt *p,
		  int64_t off);
void receive_timestamp(struct conn *c, const struct tcpterm_options *o, int64_t off, uint32_t len);
/* The window field for the next segment; moves rcv.adv. */
uint16_t receive_window(struct conn *c, bool syn);
/* Bytes left the receive stream: the window may change or open.  `to`: the connection that they
 * went to; NULL, it was a program. */
void receive_drained(struct conn *c, uint64_t bytes, const struct conn *to);
/* As many segments as that are acknowledged at once, then late ones. */
void receive_quick(struct conn *c, uint8_t n);
/* The buffer is of that many bytes from now on. */
void receive_fix(struct conn *c, uint32_t bytes);
/* The offset that an ACK acknowledges. */
int64_t receive_ack(const struct conn *c);
void receive_ack_sent(struct conn *c);

/* --- ack.c --- */

/* What one acknowledgement said. */
struct ackinfo {
	uint32_t acked;		/* bytes newly acknowledged cumulatively */
	uint32_t sacked;	/* bytes newly SACKed */
	uint32_t delivered;	/* bytes newly known to have arrived (RFC 9937 6.2) */
	uint32_t early;		/* bytes sent again that came by what was sent before */
	bool duplicate;		/* RFC 5681 2 */
	bool fin;		/* our FIN is acknowledged by it */
	bool again;		/* something that it covers was sent more than once */
	bool original;		/* something came that was held lost and not sent again */
	bool has_sack, has_tsecr, has_rtt;
	bool marked;		/* it echoes a congestion mark (ecn.c) */
	bool dsack;		/* [dsack_left, dsack_right) came twice (RFC 2883) */
	uint32_t tsecr;
	int64_t dsack_left, dsack_right;
	usec_t sent_at;		/* of the newest segment acknowledged and never sent again */
};
/* RFC 9293 3.10.7.4, fifth, ESTABLISHED. False: the ACK is not acceptable (RFC 5961 5.2). */
bool ack_process(struct conn *c, const struct pkt *p, const struct tcpterm_options *o,
		 struct ackinfo *a);

/* --- recover.c: RFC 5681, 6582, 8985, 9937 --- */
void recover_ack(struct conn *c, const struct ackinfo *a);
void recover_timeout(struct conn *c);
/* The reordering timer (RFC 8985 6.2 step 5): what has not come is lost. */
void recover_reordered(struct conn *c);
/* A congestion mark, no loss (RFC 3168 6.1.2): one reduction a window in flight, by PRR. False:
 * that one is being answered already. */
bool recover_cwr(struct conn *c, const struct ackinfo *a);
/* `len` bytes of new data left. */
void recover_sent(struct conn *c, uint32_t len);
/* `len` bytes left again, with this TSval. */
void recover_resent(struct conn *c, uint32_t len, uint32_t tsval);

/* --- rtt.c: RFC 6298 --- */
void rtt_init(struct rtt *r);
/* The timeout, microseconds, by the estimates that there are. */
uint32_t rtt_timeout(const struct rtt *r);
void rtt_sample(struct rtt *r, int64_t us);
/* A timeout turned out to be spurious (RFC 4015 3.2). */
void rtt_was_early(struct rtt *r);
/* A sample of data that was first sent after the latest timeout. */
void rtt_sample_newer(struct rtt *r, int64_t us);
void rtt_backoff(struct rtt *r);
void rtt_progress(struct rtt *r);
/* The handshake gave no sample: its SYN had to be sent again. */
void rtt_syn_lost(struct rtt *r);
int64_t rtt_rto(const struct rtt *r);

/* --- send.c --- */

/* Our own timestamp clock: milliseconds (RFC 7323 5.4). */
uint32_t send_clock(const struct tcpterm *s);

/* Sends what may be sent: lost, new, FIN, probe, or an acknowledgement alone. */
void send_output(struct conn *c);
/* One segment without payload; SEQ is snd.nxt, or una - 1 for a probe. */
void send_ack(struct conn *c);
void send_probe(struct conn *c);
void send_syn(struct conn *c);		/* SYN or SYN-ACK, by state */
/* RST at snd.nxt, or at snd.una if what is queued is abandoned. */
void send_reset(struct conn *c);
/* RFC 5961 7, 10: at most one per 500 ms a connection. */
void send_challenge(struct conn *c);

/* --- isn.c: RFC 6528 --- */
seq_t isn_make(const struct tcpterm *s, const struct flow_key *k);

#endif
