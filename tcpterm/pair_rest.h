/*
 * pair_rest.h - what is kept of a passive pair that has nothing to do.
 *
 * As rest.h says of connections: a pair's object is a head that stays where it is, and a part
 * (struct pair) that it has while it is awake.  Where both halves hold nothing, compare nothing,
 * wait for nothing and know their numbers (or one SYN's), the rest fits into the head.  Nothing is
 * lost by it but what lies below a millisecond in the time of the latest ACK; what would be (a
 * second gap, of which late bytes may still come; bytes beyond the window; an end that is not told
 * yet) keeps a pair awake.
 *
 * A pair rests when it was quiet for a while; what is left of one that is over is in timewait.h.
 * In the stack's thread.
 */
#ifndef TCPTERM_PAIR_REST_H
#define TCPTERM_PAIR_REST_H

#include "tcpterm/pair_start.h"

/* A half and its side at rest; what lies near `next` is kept by its distance. */
struct half_rest {
	int64_t next;
	uint32_t isn;			/* or that of the only candidate */
	uint32_t sent_ahead;
	int32_t acked_behind, edge_ahead;
	uint32_t window_max;
	uint32_t acked_ms;		/* low word */
	uint16_t mss;
	uint8_t shift, said;
	uint8_t start : 4;
	uint8_t fin_behind : 2;		/* 0: none; else `next` less FIN, and 1 */
	uint8_t fin_assumed : 1, ended : 1;
	uint8_t synced : 1, any : 1, has_edge : 1, has_rack : 1, candidate : 1, closing : 1;
	uint8_t untold : 1;		/* the only gap, lost in the tap */
	uint8_t acked_one : 1;
	uint8_t stamped : 1, echoed : 1;
	uint32_t ts_newest, ts_recent;
};

/* What only those have to say that lost something, met something twice or were not seen whole. */
struct half_more {
	uint64_t outdated;		/* no padding: it is compared with nothing */
	uint64_t gap_bytes;		/* or acked_bytes, of a half that has no numbers */
	uint32_t suspect_ahead;		/* of `sent`; 0: none */
	uint32_t rack;
	uint32_t gap_behind, gap_len;	/* the only gap, or 0 */
	uint32_t n_gaps, late_bytes, duplicates, out_of_order, conflicts, zero_windows;
};

struct pair_more {
	struct half_more half[2];
};

struct pair_head {
	struct flow f;
	struct flow_carry carry[2];
	union {
		struct pair *awake;
		struct tcpterm *s;	/* at rest */
	};
	bool rests;
	uint8_t overlap;		/* enum tcpterm_overlap */
	uint8_t urgent;			/* enum tcpterm_urgent */
	uint32_t idle_s;
	struct half_rest half[2];
	uint32_t more;			/* slot + 1 of struct pair_more; 0: there is none */
};

/* Bytes of the awake part. */
size_t pair_part_size(void);

/* The awake part; wakes it. */
struct pair *pair_of(const struct flow *f);

/* The same for who only looks: `room` is filled where it is at rest, and it stays so. */
const struct pair *pair_look_at(const struct flow *f, struct pair *room);

/* May it rest?  After all that happened to it. */
bool pair_may_rest(const struct pair *x);

/* Writes it down and frees its awake part. */
void pair_rests(struct tcpterm *s, struct pair *x);

/* It is awake, at the end of those that are, and looked at after them; or it is not, or is over. */
void pair_queue(struct tcpterm *s, struct pair *x);
void pair_unqueue(struct tcpterm *s, struct pair *x);

/* At the end of a turn: of who was quiet for a while, some rest. */
void pair_rest_run(struct tcpterm *s);

/* What was written is not wanted any more. */
void pair_forget_rest(struct tcpterm *s, struct pair_head *h);

#endif
