/*
 * track.h - a connection that is forwarded unchanged and followed.
 *
 * State of both ends, windows, RTT of both halves, retransmissions, from the
 * segments alone.  Also the light kinds that are only counted: pass and drop.
 */
#ifndef TCPTERM_TRACK_H
#define TCPTERM_TRACK_H

#include "tcpterm/reset.h"
#include "tcpterm/seq.h"
#include "tcpterm/tcb.h"
#include "tcpterm/watch.h"

/* What one end was seen to send; offsets count from the byte after its SYN. */
struct track_half {
	bool known;		/* isn is set */
	bool syn, syn_acked;
	bool acks;		/* rcv_nxt is set */
	bool zero_window;
	bool scaled;		/* its SYN had a window scale */
	bool strays;		/* stray_nxt and stray_ack are set */
	bool again;		/* a SYN with another number came: again_isn */
	seq_t isn, again_isn;
	seq_t rcv_nxt;		/* what it expects next of the other end, by its latest ACK */
	seq_t stray_nxt, stray_ack;	/* of the latest segment that did not fit */
	int64_t nxt;		/* beyond the highest byte, a FIN included */
	int64_t acked;		/* highest offset that the other end acknowledged */
	int64_t fin;		/* offset of the FIN; -1 not seen */
	uint8_t wscale;
	uint16_t mss;
	uint32_t window;	/* last offered, scaled where the scale is known */
	uint32_t window_max;	/* the largest ever */
	int64_t timed;		/* the offset whose acknowledgement gives an RTT; -1 none */
	usec_t timed_at;
	struct rtt rtt;		/* from us to this end and back */
	struct manners own;
	uint64_t n_rexmit, n_ooo, n_zero_wnd;
};

struct track {
	struct flow f;
	struct track_half half[2];
	int64_t idle_us;
	bool over;		/* flow_end was called; only lingers */
	uint8_t refuse;		/* over, by a reset: ends whose segments are answered by it */
	struct watch *watch;	/* it was terminated by a stack that is gone; or NULL */
};

/* Starts following with this segment as the first (SYN, SYN-ACK or mid-stream); the
 * flow is fresh from flow_create(). Does not take the mbuf. */
void track_start(struct tcpterm *s, struct flow *f, const struct pkt *p,
		 const struct tcpterm_verdict *v);

/* Takes p->m: follows, then forwards it. `dir` by flow_match. */
void track_input(struct tcpterm *s, struct flow *f, struct pkt *p, unsigned dir);

/* The flow has become of a kind that forwards, or DROP: `half` is what is known of it (NULL:
 * nothing). */
void track_take_over(struct tcpterm *s, struct flow *f, const struct track_half half[2],
		     int64_t idle_us);

/* A RST to each of `ends`, as far as their numbers are known; the flow is as it was. */
void track_reset(struct tcpterm *s, const struct track *t, unsigned ends);

/* The flow was reset, and has become of kind DROP: refuses what its ends still send.  Of `half`
 * only the SYNs' numbers and the ends' manners matter. */
void track_refuse(struct tcpterm *s, struct flow *f, unsigned ends,
		  const struct track_half half[2]);

int64_t track_idle(const struct flow *f);

void track_timer(struct tcpterm *s, struct flow *f);
void track_info(const struct flow *f, struct tcpterm_leg_info leg[2]);

/* Lets go of what belongs to this kind; the flow is to become another's, or to end. */
void track_release(struct tcpterm *s, struct flow *f);

/* Leaves the table; `why` is what flow_end says. */
void track_end(struct tcpterm *s, struct flow *f, enum tcpterm_end why);

#endif
