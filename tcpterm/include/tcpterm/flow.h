/*
 * flow.h - the common head of every object in a stack's table.
 *
 * A flow belongs to one stack and so to one thread.  Direction 0 is from the
 * initiator to the responder, 1 the reverse; address 0 is the initiator's.
 * Fields are read by anyone on that thread; only libtcpterm writes them, but
 * for `cookie`, `caller` and `inspected`, which are the caller's.
 */
#ifndef TCPTERM_FLOW_H
#define TCPTERM_FLOW_H

#include <tcpterm/types.h>

/* One entry of the stack's timer wheel. */
struct timer {
	uint32_t next, prev;	/* prev is 0 while not armed */
	uint32_t due;
};

/* An Ethernet header learned from one direction's frames. */
struct l2_template {
	uint32_t place : 26;	/* of the stack's that it is, but for the key's VIDs; 0: none */
	uint32_t n_tags : 5;
	uint32_t side : 1;	/* port of the pair that these frames came by */
};

/* What came in a direction, the low words: flow_packets() and flow_bytes() know the others. */
struct flow_count {
	uint32_t bytes, packets;
};

/* The high ones, which few flows need: kept by each kind where it has room.  As much as a month at
 * 10 Gb/s, and at 6 million packets a second. */
struct flow_carry {
	uint32_t bytes : 20, packets : 12;
};

struct flow {
	struct short_key key;		/* flow_addr() and flow_key_of() read it */
	uint32_t ref;			/* slab and index */
	uint32_t generation;		/* of the slot; worker, ref, generation: the id */
	uint8_t kind;			/* enum tcpterm_kind */
	uint8_t start : 4;		/* enum tcpterm_start */
	uint8_t end : 4;		/* enum tcpterm_end; NONE while alive */
	uint8_t seen : 2;		/* bit d: direction d was seen */
	uint8_t roles : 2;		/* enum tcpterm_roles; roles.c writes it */
	bool is_copy : 1;		/* passive: its frames are copies, none is forwarded */
	bool announced : 1;		/* flow_new was called for it */
	bool inspected : 1;		/* the caller's: ops->bytes is told of its payload */
	/* Of those that are only forwarded, for track.c: */
	bool over : 1;			/* flow_end was called; only lingers */
	bool strict : 1;		/* what is outside the window is dropped */
	uint8_t refuse : 2;		/* over, by a reset: these ends are answered by it */
	bool wscale_clamped : 1;	/* a SYN's was above 14 (RFC 7323 2.3); passive, too */
	uint32_t idle;			/* in 10 ms */
	struct timer timer;
	struct l2_template l2[2];	/* learned from that direction's frames */
	uint64_t cookie;		/* the filter's, or the caller's */
	void *caller;
	usec_t started, last;		/* last: of the latest segment */
	struct flow_count count[2];	/* received of a direction */
};

_Static_assert(sizeof(struct flow) == 104, "a flow is small");

/* Frames of a direction, and their payload's bytes. */
uint64_t flow_packets(const struct flow *f, unsigned dir);
uint64_t flow_bytes(const struct flow *f, unsigned dir);

/* Before a flow of IPv6 lie its addresses. */
enum { FLOW_V6_LEAD = 2 * sizeof(struct ip_addr) };

static inline const struct ip_addr *
flow_v6(const struct flow *f)
{
	return (const struct ip_addr *)((const char *)f - FLOW_V6_LEAD);
}

/* The address of end `d`: 0 the initiator, 1 the responder. */
static inline struct ip_addr
flow_addr(const struct flow *f, unsigned d)
{
	return f->key.v6 ? flow_v6(f)[d] : ip_addr_v4(&f->key.v4[d]);
}

static inline struct flow_key
flow_key_of(const struct flow *f)
{
	return flow_key_long(&f->key, flow_v6(f));
}

/* What a person, the database or a test wants to know of one leg or half. */
struct tcpterm_leg_info {
	enum tcpterm_state state;
	uint32_t srtt_us, min_rtt_us, rto_us;	/* 0: not measured */
	uint32_t cwnd, ssthresh;		/* bytes */
	uint32_t mss;
	uint32_t snd_wnd, rcv_wnd;		/* bytes */
	uint64_t in_flight, queued;		/* bytes unacknowledged; held for this leg */
	uint32_t handshake_us;			/* the wait for this end; 0: not seen */
	uint64_t busy_us;			/* with bytes of it in flight; 0: not measured */
	uint64_t retransmits;			/* by us to it; by it, where we only follow */
	uint64_t retransmitted_bytes;		/* by it, where we only follow */
	uint64_t out_of_window;			/* tracked: segments that nobody let it send */
	uint64_t outdated;			/* passive: segments refused for their timestamp */
	uint64_t out_of_order;
	uint64_t zero_windows;
	uint64_t duplicates;
	uint64_t gaps, gap_bytes;		/* passive */
	uint64_t late_bytes;			/* passive: after their gap, before the start */
	uint64_t conflicts;			/* passive: versions of bytes that differed */
	uint8_t start;				/* enum tcpterm_start of this direction */
	uint8_t overlap;			/* passive: enum tcpterm_overlap */
	uint64_t stream_bytes;			/* delivered */
};

/*
 * Fills `leg`[d] for the end that sends direction d: of a relay, leg 0 faces the
 * initiator; of a passive or tracked flow, half d.  A connection fills leg 0.
 */
void tcpterm_flow_info(const struct flow *f, struct tcpterm_leg_info leg[2]);

#endif
