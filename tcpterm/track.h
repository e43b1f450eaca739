/*
 * track.h - a connection that is forwarded unchanged and followed.
 *
 * State of both ends, windows (window.h), RTT of both halves and what went wrong (measure.h), from
 * the segments alone.  Also the light kinds that are only counted: pass and drop.
 *
 * A flow that is idle should cost little, so its halves are packed, and what most connections
 * never need (counters of trouble, strays, what a counter has no bits for) is in an object of its
 * own.  How its ends write their headers is kept with the link headers (l2.h).
 */
#ifndef TCPTERM_TRACK_H
#define TCPTERM_TRACK_H

#include "tcpterm/reset.h"
#include "tcpterm/seq.h"
#include "tcpterm/watch.h"

enum { TRACK_NO_WSCALE = 15 };	/* its SYN had no window scale */

/*
 * What one end was seen to send and to accept.  window.c writes what is of numbers and windows,
 * measure.c the rest.  Of what has a share in struct track_more, only they know how to read it.
 */
struct track_half {
	seq_t isn;		/* of its SYN; mid-stream, of the byte before the first seen */
	union {
		struct {
			seq_t nxt;	/* beyond the highest number that it sent, a FIN included */
			seq_t rcv_nxt;	/* what it expects of the other, by its latest ACK */
			seq_t edge;	/* the furthest right edge that it offered */
		};
		struct manners manners;	/* of a flow that was reset, and only refuses */
	};
	uint32_t srtt : 24;	/* us, from us to this end and back; 0: not measured */
	uint32_t wscale : 4;
	uint32_t window_log : 4;	/* no window that it offered was above 2^16 << this */
	uint32_t min_rtt : 24;
	uint32_t known : 1;	/* isn and nxt are set */
	uint32_t syn : 1;	/* its SYN was seen */
	uint32_t syn_acked : 1;	/* the other end acknowledged something of it */
	uint32_t acks : 1;	/* rcv_nxt and edge are set */
	uint32_t fin : 1;	/* nxt is beyond its FIN */
	uint32_t zero_window : 1;
	uint32_t timing : 1;
	uint64_t mss : 16;
	uint64_t handshake : 20;	/* us, the wait for it; 0: not seen; all ones: in `more` */
	uint64_t busy : 26;	/* with bytes of it in flight, in 32 us */
	uint64_t laps : 2;	/* of rcv_nxt past the other's isn; others: in `more` */
};

_Static_assert(sizeof(struct track_half) == 32, "half of a tracked flow is small");

/*
 * The numbers whose acknowledgement will give an RTT, of a flow with segments in flight.  They are
 * not in the flow, but where its ref says: of two that meet there the one that comes last has the
 * place, and the other gets no sample.
 */
struct track_timing {
	uint32_t ref;
	seq_t number[2];
	uint32_t at[2];		/* us, low word */
};

enum { TRACK_TIMINGS = 1 << 16 };

/* What went wrong with what one end sent. */
struct track_trouble {
	uint64_t rexmit_bytes;
	uint32_t rexmits, out_of_order, duplicates, zero_windows, outside;
};

/* What most connections never need. */
struct track_more {
	uint64_t taken[2];		/* to be added to what end d acknowledged by its numbers */
	uint64_t busy[2];		/* to be added to the half's */
	uint32_t handshake[2];		/* longer ones */
	struct flow_carry carry[2];
	struct track_trouble trouble[2];
	struct track_stray {
		bool is_set;
		seq_t nxt, ack, edge;	/* by the end's latest segment that did not fit */
	} stray[2];
	struct track_hole {
		bool is_open;
		seq_t from, to;		/* the latest numbers that were passed over */
		usec_t at;
	} hole[2];
	bool again[2];			/* the end sent a SYN with another number: again_isn */
	seq_t again_isn[2];
	struct watch *watch;		/* it was terminated by a stack that is gone; or NULL */
	uint32_t index;			/* in the stack's slab */
};

struct track {
	struct flow f;
	struct track_half half[2];
	struct track_more *more;	/* NULL: there is nothing yet */
};

_Static_assert(sizeof(struct track) == 176, "a tracked flow is small");

/* Is the flow of a kind whose object this is? */
static inline bool
track_is(const struct flow *f)
{
	return f->kind == TCPTERM_KIND_TRACK || f->kind == TCPTERM_KIND_PASS ||
	       f->kind == TCPTERM_KIND_DROP;
}

/* Starts following with this segment as the first (SYN, SYN-ACK or mid-stream); the
 * flow is fresh from flow_create(). Does not take the mbuf. */
void track_start(struct tcpterm *s, struct flow *f, const struct pkt *p,
		 const struct tcpterm_verdict *v);

/* Takes p->m: follows, then forwards it. `dir` by flow_match. */
void track_input(struct tcpterm *s, struct flow *f, struct pkt *p, unsigned dir);

/* What is known of a flow that another kind followed: window_of_...(), measure_of_...(). */
struct track_past {
	struct track_half half[2];
	uint64_t taken[2];		/* bytes of the other that it acknowledged, FIN counted */
	uint64_t busy_us[2];
	uint32_t handshake_us[2];	/* 0: not seen */
	struct track_trouble trouble[2];
};

/* The flow has become of a kind that forwards, or DROP: `past` is what is known of it (NULL:
 * nothing). */
void track_take_over(struct tcpterm *s, struct flow *f, const struct track_past *past,
		     int64_t idle_us);

/* A RST to each of `ends`, as far as their numbers are known; the flow is as it was. */
void track_reset(struct tcpterm *s, const struct track *t, unsigned ends);

/* The flow was reset, and has become of kind DROP: refuses what its ends still send.  `half` has
 * the SYNs' numbers and the ends' manners. */
void track_refuse(struct tcpterm *s, struct flow *f, unsigned ends,
		  const struct track_half half[2]);

/* How the end writes its headers. */
struct manners track_manners(const struct tcpterm *s, const struct flow *f, unsigned d);

int64_t track_idle(const struct flow *f);

/* The part that is made when there is a first use for it; NULL: no room. */
struct track_more *track_more(struct tcpterm *s, struct track *t);

void track_timer(struct tcpterm *s, struct flow *f);
void track_info(const struct flow *f, struct tcpterm_leg_info leg[2]);

/* The flow, of any kind, is to be freed: lets go of what belongs to these. */
void track_free(struct tcpterm *s, struct flow *f);

/* Leaves the table; `why` is what flow_end says. */
void track_end(struct tcpterm *s, struct flow *f, enum tcpterm_end why);

#endif
