/*
 * half.h - one direction of a passive pair: its bytes, once, in order, with gaps.
 *
 * Offsets are of the stream: 0 is the byte after the SYN, or the first byte where that was not
 * seen.  Until pair.c knows the numbering a half only collects, with offsets relative to a
 * number of its own choice.  Bytes wait here by reference; with every overlap policy but `first`
 * also those in order, until the other end has acknowledged them.  Those delivered are kept a
 * while (bounded), to be compared with what comes again.  Belongs to its pair.
 */
#ifndef TCPTERM_HALF_H
#define TCPTERM_HALF_H

#include "tcpterm/core.h"
#include "tcpterm/seq.h"

enum {
	HALF_RECENT_GAPS = 16,	/* late bytes are told from duplicates for so many gaps */
	HALF_URGENT = 4,	/* urgent bytes that are known and have not come */
	HALF_KEPT_ACKED = 4,	/* segments, acknowledged too: a forger may have been faster */

	/* Where tcpterm_passive_conf has zeros. */
	HALF_REORDER_US = 10 * 1000,
	HALF_DEADLINE_US = 2 * 1000 * 1000,
	HALF_BEYOND_BYTES = 1024 * 1024,
	HALF_BEYOND_US = 200 * 1000,
	HALF_BUDGET_BYTES = 1024 * 1024,
	HALF_SEGMENTS = 1024,
	HALF_COMPARE_BYTES = 128 * 1024,	/* delivered, not acknowledged: compared at most */
	HALF_COMPARE_US = 2 * 1000 * 1000,
	HALF_COMPARE_SEGMENT = 2048,	/* a segment counts as so many of them */
};

/* Bytes of one segment: [off, off + len) are those of `m` from m_off on.  Without `m` they are
 * known to be missing here, and why. */
struct piece {
	struct piece *next, *prev;
	struct rte_mbuf *m;
	int64_t off;
	int64_t came;		/* us */
	uint32_t len, m_off;
	uint32_t index;		/* in the stack's slab of pieces */
	uint32_t generation;	/* the slab's */
	bool clone;		/* `m` is a reference of ours to a received frame */
	bool doubted;		/* parked: its receiver has refused it, as it seems */
	uint8_t why;		/* enum tcpterm_gap_reason, without `m` */
	int64_t since;		/* us: when the hole before it became known */
	int64_t evidence;	/* us: when that hole was known to be lost; INT64_MAX: not yet */
	int64_t seg_off;	/* the segment it came in */
	uint32_t seg_len;
} __rte_cache_aligned;

struct pieces {
	struct piece *first, *last;
	uint32_t n, bytes;
	uint32_t n_absent;	/* of them, without an mbuf */
};

struct half_gap {
	int64_t off, end;
};

/* In a pair's side the first two lines of the cache are what a segment on the straight path needs,
 * the third what says whether it is one. */
struct half {
	int64_t next;		/* delivered, or declared missing, up to here */
	int64_t told;		/* less than `next`: from here on a gap that is not told yet */
	int64_t sent;		/* the sender's furthest byte, FIN included */
	int64_t acked;		/* the other end's furthest credible ACK */
	int64_t acked_at;	/* us: when it came */
	int64_t edge;		/* furthest right edge that the other end offered; -1 none */
	int64_t window_max;	/* the largest window it offered */
	seq_t isn;
	uint8_t dir;
	uint8_t n_urgent;
	bool acked_one;		/* the furthest ACK is one number beyond the one before it */
	bool ended;
	struct pieces kept;	/* delivered, to be compared with what comes again */
	int64_t last_sent;	/* us: when new bytes came last */
	int64_t removed;	/* urgent bytes taken out: no offset that is told counts them */
	uint64_t stream_bytes;

	struct pieces held;	/* sorted, disjoint, beyond `next` */
	int64_t fin;		/* offset of the FIN; -1: not seen */
	int64_t suspect;	/* an ACK beyond `sent`; -1 none */
	uint8_t overlap;	/* enum tcpterm_overlap */
	uint8_t urgent;		/* enum tcpterm_urgent */
	bool collecting;	/* the numbering is not known yet */
	bool synced;		/* it is known, or was chosen */
	bool alone;		/* the other direction is not seen */
	bool unseen;		/* this one is not: no gaps, its bytes are estimated by ACKs */
	bool closing;		/* the other direction's FIN was seen */
	bool ordered;
	bool fin_assumed;	/* `fin` was never seen: acknowledged, and the other side closed */
	bool finishing;		/* nothing is waited for any more */

	uint8_t gap_why;	/* of the latest: enum tcpterm_gap_reason */
	uint32_t n_gap;
	struct half_gap gap[HALF_RECENT_GAPS];
	struct piece *marked;	/* the furthest held piece whose hole has evidence */
	TAILQ_ENTRY(half) order;	/* while it holds something: among those that do */
	struct flow *owner;		/* then: whose it is */
	int64_t taken;		/* seen before an ACK beyond all that was: its receiver has it */
	int64_t suspect_since;	/* us */
	int64_t tail_since;	/* us: when bytes beyond `next`, nothing behind, were first ACKed */
	int64_t fin_since, fin_evidence;	/* us */
	int64_t collect_since;	/* us: first segment while collecting */
	int64_t urgent_at[HALF_URGENT];	/* urgent bytes to be taken out, sorted */
	uint64_t n_gaps, gap_bytes, late_bytes, duplicates, out_of_order, conflicts;
};

void half_init(struct half *h, unsigned dir, enum tcpterm_overlap overlap);

/* Chooses a number of its own for a half that has none: `first` gets offset 0 until half_sync(). */
void half_collect(struct half *h, seq_t first);

/* The numbering is known: delivers what was collected. */
void half_sync(struct tcpterm *s, struct flow *f, struct half *h, seq_t isn);

/* The same where no SYN tells: the lowest byte collected gets offset 0. */
void half_sync_lowest(struct tcpterm *s, struct flow *f, struct half *h);

/* The offset of a sequence number, near where the half stands. */
int64_t half_offset(const struct half *h, seq_t number);

/* Takes `m`, whose `len` bytes from m_off belong at `off`. */
void half_bytes(struct tcpterm *s, struct flow *f, struct half *h, int64_t off, struct rte_mbuf *m,
		uint32_t m_off, uint32_t len);

/* The byte at `off` is urgent; the first of these is done with. */
void half_urgent(struct half *h, int64_t off);
void half_urgent_done(struct half *h);

/* More than that one half may not hold: segments, bytes. */
static inline uint32_t
half_segments_max(const struct tcpterm *s)
{
	return s->conf.passive.n_segments ? s->conf.passive.n_segments : HALF_SEGMENTS;
}

static inline uint32_t
half_bytes_max(const struct tcpterm *s)
{
	return s->conf.passive.budget_bytes ? s->conf.passive.budget_bytes : HALF_BUDGET_BYTES;
}

/*
 * The straight path.  Is all of it here that was sent, its FIN too if that was, delivered as it
 * came, and does nothing wait?  Then half_next() takes the next `len` bytes, of one mbuf, which
 * goes on elsewhere if `shared`; half_ack_next() an ACK between `acked` and `sent`.  They do what
 * the others do of the same.
 */
static inline bool
half_is_plain(const struct half *h)
{
	return h->next + (h->fin >= 0) == h->sent && (h->fin < 0 || h->fin == h->next) &&
	       !h->held.first && h->synced && h->suspect < 0 &&
	       h->overlap == TCPTERM_OVERLAP_FIRST && !(h->alone | h->unseen | h->fin_assumed) &&
	       !h->n_urgent;
}

void half_next(struct tcpterm *s, struct flow *f, struct half *h, struct rte_mbuf *m,
	       uint32_t m_off, uint32_t len, bool shared);
void half_ack_next(struct tcpterm *s, struct half *h, int64_t off, int64_t window);

/* How long what is incomplete waits, us. */
static inline int64_t
half_deadline(const struct tcpterm *s)
{
	return s->conf.passive.deadline_us ? s->conf.passive.deadline_us : HALF_DEADLINE_US;
}

/* How late the tap may show what came before, us. */
static inline int64_t
half_allowance(const struct tcpterm *s)
{
	return s->conf.passive.reorder_us ? s->conf.passive.reorder_us : HALF_REORDER_US;
}

/* When its FIN, of which nothing before is missing, is believed without an ACK, us: until then the
 * sender may go on beyond it, and it was forged. */
static inline int64_t
half_fin_due(const struct tcpterm *s, const struct half *h)
{
	return h->alone || h->acked > h->fin ? s->now.v : h->fin_since + half_deadline(s);
}

/* Has it a FIN, and all before that? */
static inline bool
half_has_fin(const struct half *h)
{
	return !h->collecting && !h->ended && h->fin >= 0 && !h->fin_assumed && h->next >= h->fin;
}

/* Nothing waits and nothing is to be told: half_check() would only let go of what is kept. */
static inline bool
half_is_settled(const struct half *h)
{
	if (h->held.first || h->ordered)
		return false;
	if (h->fin >= 0)
		return h->ended;
	return h->collecting || h->unseen || RTE_MAX(h->acked, h->suspect) <= h->next;
}

/* When what was delivered is to be let go, us. */
static inline int64_t
half_kept_due(const struct tcpterm *s, const struct half *h)
{
	const struct piece *k = h->kept.first;

	return k ? k->came + s->conf.passive.compare_us : INT64_MAX;
}

/* Up to where the other end has the bytes, as it says, even where they were not seen.  One number
 * beyond them may be a FIN's. */
static inline int64_t
half_known(const struct half *h)
{
	int64_t known = RTE_MAX(h->acked, h->suspect);

	if (h->fin >= 0)
		return RTE_MIN(known, h->fin);
	return known - (known == h->sent + 1);
}

/* Is any byte of [off, end) not here, or was it told as missing? */
bool half_lacks(const struct half *h, int64_t off, int64_t end);

/* `len` bytes at `off` were sent, and are not here, because of `why`: nothing is waited for. */
void half_absent(struct tcpterm *s, struct flow *f, struct half *h, int64_t off, uint32_t len,
		 enum tcpterm_gap_reason why);

/* The sender's FIN is at `off`. */
void half_fin(struct tcpterm *s, struct flow *f, struct half *h, int64_t off);

/* The other direction's FIN was seen. */
static inline void
half_closing(struct tcpterm *s, struct half *h)
{
	if (!h->closing)
		h->tail_since = s->now.v;	/* its FIN, if that was no byte, may come yet */
	h->closing = true;
}

/* The sender has gone on to `off` (which it sent up to). */
void half_sent(struct tcpterm *s, struct half *h, int64_t off);

/* The other end acknowledges up to `off` and offers `window` bytes from there (-1: unknown). */
void half_ack(struct tcpterm *s, struct flow *f, struct half *h, int64_t off, int64_t window);

/* Declares what is due, delivers what is ready; returns when it wants to be called again, us. */
int64_t half_check(struct tcpterm *s, struct flow *f, struct half *h);

/* The last of it: what is held is delivered, holes between are declared. */
void half_finish(struct tcpterm *s, struct flow *f, struct half *h);

/* Frees what it holds. */
void half_clear(struct tcpterm *s, struct half *h);

/* Lets `m` go and counts it. */
void half_drop(struct tcpterm *s, struct rte_mbuf *m);

#endif
