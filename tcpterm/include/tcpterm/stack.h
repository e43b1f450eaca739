/*
 * stack.h - a TCP stack: frames and time in, frames and events out.
 *
 * Sans-IO: it never calls a device, a clock, or a log.  One thread owns a stack
 * and calls everything here; stacks share nothing.
 */
#ifndef TCPTERM_STACK_H
#define TCPTERM_STACK_H

#include <rte_mempool.h>

#include "datapath/drops.h"
#include "datapath/err.h"

#include <tcpterm/flow.h>
#include <tcpterm/listener.h>
#include <tcpterm/passive.h>

struct tcpterm_ops {
	/* A frame that the stack made; the callee takes it.  `side` is the port of
	 * the domain's pair by which it leaves. */
	void (*tx)(void *ctx, uint16_t domain, uint8_t side, struct rte_mbuf *m);
	/* A frame that is not ours to hold: goes out unchanged by the other port.  The
	 * callee takes p->m; where that has more than one reference, a passive flow has
	 * another, and neither the mbuf nor its bytes may be changed. */
	void (*forward)(void *ctx, const struct pkt *p);
	/* A segment of a flow the table does not know and that opens none (mid-stream, or
	 * no listener matched): what now?  NULL: PASS without state.  ACCEPT and RELAY
	 * are no answers. */
	struct tcpterm_verdict (*unknown)(void *ctx, const struct pkt *p);
	/* A flow entered the table, changed its kind, or left (f->end says why; its last
	 * words: counters and info may be read).  Any may be NULL. */
	void (*flow_new)(void *ctx, struct flow *f);
	void (*flow_end)(void *ctx, struct flow *f);
	/*
	 * Who is the initiator of a flow was a guess, and is known now: f->roles says whether it
	 * was right (KNOWN), or has been mended (CORRECTED): then all that is told of the flow from
	 * here on has the other direction 0, address 0 and leg 0.  May be NULL.
	 */
	void (*roles)(void *ctx, struct flow *f);
	/*
	 * Payload of a relayed or tracked flow that is `inspected`: `len` bytes of direction `dir`
	 * from offset `off`, 0 being the byte after the SYN.  Of a relay in order and once, before
	 * they leave; of a tracked flow as they cross, what its receiver could take.  `p` is read
	 * during the call only.  The flow is not to be ended or moved by the callee.
	 */
	void (*bytes)(void *ctx, struct flow *f, unsigned dir, uint64_t off, const void *p,
		      uint32_t len);
	/* The passive halves' events. */
	const struct tcpterm_passive_ops *passive;
};

/* ECN of connections that end here (RFC 3168); a relay's ends agree on it themselves. */
enum tcpterm_ecn {
	TCPTERM_ECN_ANSWER,	/* agreed on when the peer asks for it, as Linux's tcp_ecn=2 */
	TCPTERM_ECN_OFFER,	/* our SYNs ask for it too, tcp_ecn=1 */
	TCPTERM_ECN_OFF,
};

struct tcpterm_conf {
	const struct tcpterm_ops *ops;
	void *ctx;
	struct rte_mempool *payload_pool;	/* data written by the caller, compacted data */
	struct rte_mempool *header_pool;	/* headers, bare ACKs, references: small mbufs */
	uint32_t n_held_max;	/* received mbufs held at most; 0: half of payload_pool */
	uint32_t n_flows;	/* of each kind; 0: 65,536 */
	uint32_t n_embryos;	/* handshakes at most, forwarded or answered; 0: 16,384 */
	uint32_t n_deferred;	/* SYNs held for a decision at most; 0: n_embryos */
	uint32_t n_timewaits;	/* in TIME-WAIT at most; 0: n_flows */
	bool cookies_always;	/* every SYN meets what SYNs meet when handshakes leave no room */
	uint32_t n_listeners;	/* 0: 1,024 */
	uint32_t n_segments;	/* in flight, of all connections; 0: 1,048,576 */
	uint32_t n_ready;	/* quiet flows that keep their whole state: the others take a
				 * third of it, and a little longer; 0: 1,024 */
	uint16_t mtu[2];	/* port MTU of side 0 and 1, link header excluded; 0: 1,500 */
	uint32_t rcv_wnd_min, rcv_wnd_max;	/* bytes a connection; 0: 16 KB, 4 MB */
	int64_t idle_us;	/* tracked, passive, pass, drop: idle time; 0: 3,600 s */
	int64_t keepalive_us;	/* 0: off */
	const char *cc;		/* "cubic" (default), "reno" */
	enum tcpterm_ecn ecn;
	bool soft_errors_end_opens;	/* any ICMP error ends a connection that is being opened, as
					 * Linux has it (RFC 5461 4.1); else hard ones only */
	bool take_whole;	/* an in-order segment that begins in the window is taken whole, as
				 * Linux does, where RFC 9293 3.10.7.4 cuts it */
	struct tcpterm_passive_conf passive;
	uint64_t secret[2];	/* for ISNs (RFC 6528); random bytes, or fixed for a replay */
	/* Where stacks share their frames, tcpterm_owner() says whose a frame is: which of how
	 * many this is.  0: it gets all. */
	uint16_t stack, n_stacks;
};

struct tcpterm;

struct tcpterm *tcpterm_new(const struct tcpterm_conf *conf, usec_t now, struct err *err);

/* Ends every flow as `aborted` without a frame, returns every mbuf. */
void tcpterm_free(struct tcpterm *s);

/*
 * Which of `n_stacks` (conf.n_stacks) gets a frame, from 0: of TCP and ICMP errors the one that has
 * their flow, whichever way they go; of a fragment the one that is to put its datagram together,
 * after which the whole is asked about again; of all else the first.
 */
static inline unsigned
tcpterm_owner(const struct pkt *p, unsigned n_stacks)
{
	return n_stacks > 1 ? p->hash % n_stacks : 0;
}

/*
 * Takes `n` parsed frames with their mbufs: TCP and ICMP errors about it, and what asks for
 * addresses of the stack's own (<tcpterm/address.h>); all others are forwarded.
 * Acknowledgements are sent by the tcpterm_run() that ends the burst.
 */
void tcpterm_input(struct tcpterm *s, struct pkt *p, unsigned n, usec_t now);

/*
 * A segment put together from `n` fragments: `p` is the whole, `original` are the
 * fragments in the order they came (PKT_FRAGMENT).  All mbufs are taken: the flow reads
 * the whole; if it is to be forwarded, the originals are.
 */
void tcpterm_input_whole(struct tcpterm *s, struct pkt *p, const struct pkt *original, unsigned n,
			 usec_t now);

/*
 * A segment that was received for this stack and dropped before it came here, for want of room: a
 * passive flow tells its bytes as a gap, with the reason own-drop.  p->m is not looked at.
 */
void tcpterm_missed(struct tcpterm *s, const struct pkt *p, usec_t now);

/* Fires the timers due and sends what is pending.  Once a burst, and at tcpterm_next(). */
void tcpterm_run(struct tcpterm *s, usec_t now);

/*
 * One other thread's, every 50 ms or so, while the stack is in use: has the system give the memory
 * that new flows come to next, of which the stack's own thread would wait for each huge page
 * 250 us.  Takes at most 4 MB more of each kind that there are many of.
 */
void tcpterm_commit(struct tcpterm *s);

/* When tcpterm_run() has something to do next; USEC_NEVER if nothing is armed. */
usec_t tcpterm_next(const struct tcpterm *s);

/* The flow that owns a tuple, either orientation; NULL. */
struct flow *tcpterm_find(struct tcpterm *s, const struct flow_key *k);

/* The flow that owns a parsed segment, or of which an ICMP error speaks; NULL. */
struct flow *tcpterm_find_pkt(struct tcpterm *s, const struct pkt *p);

/* The VIDs of the flow's key, outermost first, any depth; returns how many. */
unsigned tcpterm_flow_vids(const struct tcpterm *s, const struct flow *f,
			   uint16_t vid[PKT_MAX_TAGS]);

/* The MAC from which the latest frame of direction `dir` came; NULL: none did. */
const uint8_t *tcpterm_flow_mac(const struct tcpterm *s, const struct flow *f, unsigned dir);

/* By id; NULL if it is stale. */
struct flow *tcpterm_flow(struct tcpterm *s, uint32_t ref, uint32_t generation);

/*
 * Walks flows: starts with *cursor = 0, visits at most `n_max` flows, returns how many
 * were put in `out`; *cursor is 0 again at the end.  Flows that live throughout are seen
 * once.
 */
unsigned tcpterm_walk(struct tcpterm *s, uint64_t *cursor, struct flow **out, unsigned n_max);

/*
 * Resets a connection: a RST that they will believe (RFC 9293 3.5.2, RFC 5961 3.2) goes to `ends`,
 * as from each other, and the flow ends as `why`.  For embryos, relays, tracked flows and
 * connections of the library, whose `closed` is called.  As far as what they received is not known
 * exactly, the object stays a while and answers what still comes from them, so that each end that
 * goes on sending learns of it; what comes from an end that is not among `ends` is swallowed.
 * 0, and `f` is gone; -EOPNOTSUPP: this kind has no numbers; -ENOTCONN: it is over already.
 */
int tcpterm_reset_ends(struct tcpterm *s, struct flow *f, unsigned ends, enum tcpterm_end why);

/* The same for both ends, as `aborted`. */
int tcpterm_reset(struct tcpterm *s, struct flow *f);

/*
 * Evidence that direction `dir` of the flow, as it is now, is the initiator's; nothing where that
 * is no guess any more.  May be called in any callback but `roles`.  Where the guess was wrong the
 * flow is mended before its flow_end, by tcpterm_mend() or tcpterm_run(), and is as it was until
 * then.  A SYN or SYN-ACK that comes late the stack notices itself.
 */
void tcpterm_initiator_is(struct tcpterm *s, struct flow *f, unsigned dir);

/* Mends now whose roles are known to be wrong; in no callback but `flow_end`. */
void tcpterm_mend(struct tcpterm *s);

/* Ends a flow of any kind now: with a reset of both ends where tcpterm_reset_ends() can, else it
 * only leaves the table. */
void tcpterm_kill(struct tcpterm *s, struct flow *f, enum tcpterm_end why);

/*
 * Moves a flow down the ladder, and never up: a handshake or a relay to TRACK, PASS or DROP; a
 * tracked flow to PASS or DROP; a passive one, its streams ended, to TRACK, PASS or DROP; a passed
 * one to DROP, which swallows what comes until the flow is idle.  0: the flow has another object,
 * and `f` is gone.  -EAGAIN: a relay still holds bytes, and moves as soon as it does not.
 * -EINVAL: upwards, or no such way.  -ENOTCONN: it is over already.  -ENOMEM: it is as it was.
 */
int tcpterm_demote(struct tcpterm *s, struct flow *f, enum tcpterm_decision to);

/*
 * What a tracked flow does from now on with segments outside the window that their receiver
 * offered: strict drops them, else they are forwarded; they are counted, and teach nothing, either
 * way.  0; -EINVAL: no tracked flow.
 */
int tcpterm_set_window(struct flow *f, bool strict);

/*
 * Moves a passive flow on the path up the ladder: it is to be terminated from mid-stream, as a
 * relay with the numbers, options and clocks that its ends agreed on.  Its handshake has to have
 * been seen whole, without options that a relay could not keep to, and no byte may be missing.  It
 * happens at the first segment after which each end has spoken since this call and all that was
 * forwarded is acknowledged in both directions; until then it stays passive, however long a sender
 * always has something in flight, and for good where a gap, a FIN or a RST comes first.  When it
 * happens its streams end, and it is another object: by tcpterm_find().  0; -EINVAL: no passive
 * flow, or its frames are copies; -ENOTCONN: it ends; -EOPNOTSUPP: it can't be taken over; -ENOMEM.
 */
int tcpterm_take_over(struct tcpterm *s, struct flow *f);

struct tcpterm_stats {
#define STAT(name, text) uint64_t name;
#include <tcpterm/stats.def>
	uint32_t n_flows[TCPTERM_N_KINDS];
	uint32_t n_pairs_over;	/* of n_flows[TCPTERM_KIND_TIMEWAIT]: left of passive flows */
	uint32_t n_held;	/* received mbufs held now */
	uint32_t n_deferred;	/* SYNs held now */
	uint32_t n_deferred_peak;	/* the most so far */
	uint32_t n_listeners;
	/* the most that one direction of a passive flow held out of order so far */
	uint32_t half_bytes_peak, half_segments_peak;
};

const struct tcpterm_stats *tcpterm_stats(struct tcpterm *s);

/* The room for flows of one kind: how many at most, how many at the same time so far, and the bytes
 * of one.  Any thread may ask. */
struct tcpterm_room {
	uint32_t n_max, n_peak;
	uint32_t size;
};
void tcpterm_room(const struct tcpterm *s, enum tcpterm_kind kind, struct tcpterm_room *r);

/* What a stack holds at most, as its settings say or by default.  Any thread may ask. */
struct tcpterm_bounds {
	uint32_t n_held;		/* received mbufs */
	uint32_t n_deferred;		/* SYNs */
	uint32_t half_bytes, half_segments;	/* out of order, a direction of a passive flow */
	uint32_t compare_bytes;		/* of it, delivered and kept to be compared */
	int64_t compare_us, reorder_us, deadline_us;	/* passive.h */
	uint32_t sample;
};
void tcpterm_bounds(const struct tcpterm *s, struct tcpterm_bounds *b);

const struct drops *tcpterm_drops(struct tcpterm *s);

#endif
