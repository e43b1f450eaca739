/*
 * pair_start.h - a passive pair's object, and how its halves get their numbering.
 *
 * Private to the files of pairs.
 */
#ifndef TCPTERM_PAIR_START_H
#define TCPTERM_PAIR_START_H

#include "tcpterm/half.h"

enum { PAIR_CANDIDATES = 4, SHIFT_NONE = 0xfe, SHIFT_UNKNOWN = 0xff };

/* What a SYN said besides its number and scale; nothing where it was not seen. */
enum {
	PAIR_SAID_SYN = 1,
	PAIR_SAID_SACK = 2,
	PAIR_SAID_TS = 4,
	PAIR_SAID_ECE = 8,
	PAIR_SAID_CWR = 16,
	PAIR_SAID_UNFIT = 32,	/* what we could not keep to, had we forwarded it */
};

struct takeover;

/* An initial number that a SYN or SYN-ACK named. */
struct pair_candidate {
	seq_t isn;
	uint32_t len;		/* bytes that the SYN carried (RFC 7413) */
	uint32_t m_off;
	struct rte_mbuf *m;	/* they wait here, or NULL */
	uint8_t shift;		/* window scale, SHIFT_NONE */
	uint8_t said;		/* PAIR_SAID_* */
	uint16_t mss;		/* 0: none was named */
};

/* What belongs to the end that sends direction d. */
struct pair_side {
	uint8_t shift;		/* of the windows it offers, SHIFT_* */
	uint8_t said;		/* PAIR_SAID_* of its SYN */
	uint8_t start;		/* enum tcpterm_start */
	uint8_t n_cand, next_cand;
	bool any;		/* a segment of it was seen */
	bool has_rack;
	bool stray;
	struct half h;
	struct pair_candidate cand[PAIR_CANDIDATES];
	uint16_t mss;
	seq_t rack;		/* the other end's latest ACK, while the numbering is unknown */
	uint64_t acked_bytes;	/* by ACKs since its first, while no segment was seen */
	int64_t stray_lo, stray_hi;	/* bytes that came beyond the window */
	int64_t stray_at;		/* us: the last of them */
	struct pieces parked;		/* of these, what there is room for */
	uint32_t n_strays;		/* that followed upon each other */
	uint64_t zero_windows;
	uint64_t outdated;	/* segments that its receiver refused for their timestamp */
	uint32_t ts_newest;	/* its latest TSval that was accepted, if `stamped` */
	uint32_t ts_recent;	/* its receiver's TS.Recent, if `echoed` */
	bool stamped, echoed;
} __rte_cache_aligned;

/* What a pair works with while it is awake (pair_rest.h). */
struct pair {
	struct flow *f;
	struct quiet quiet;	/* it may rest */
	uint32_t slot;		/* in the stack's slab of awake ones */
	uint8_t rst_why;	/* enum tcpterm_end */
	bool over;		/* nothing is delivered any more; its end is told soon */
	bool plain;		/* nothing but the straight path touched it since it was */
	struct pair_side end[2];
	int64_t idle_us;
	int64_t rst_at;		/* us: when a provisional RST counts */
	int64_t fin_at;		/* us: when a close counts whose last ACK is not seen */
	struct takeover *takeover;	/* it is to become a relay; or NULL */
};

/* After anything happened to it (pair.c): ends and declares what is due, arms the timer.  False: it
 * is over, and the flow is gone. */
bool pair_look(struct tcpterm *s, struct pair *x);

/* A SYN or SYN-ACK of side d; takes the mbuf. */
void pair_syn(struct tcpterm *s, struct pair *x, const struct pkt *p, unsigned d);

/* Do the numbers of a SYN or SYN-ACK of side d fit what was seen of the connection so far?  False,
 * too, where nothing was with which to compare them. */
bool pair_syn_fits(const struct pair *x, const struct pkt *p, unsigned d);

/* An ACK for side d: picks one of its candidates, or infers one from a SYN-ACK. */
void pair_pick_by_ack(struct tcpterm *s, struct pair *x, unsigned d, seq_t ack, bool syn);

/* A segment of side d while its numbering is unknown; takes the mbuf. */
void pair_collect(struct tcpterm *s, struct pair *x, const struct pkt *p, unsigned d);

/* Chooses a numbering when the first reordering allowance is over; returns when that is, us. */
int64_t pair_check_start(struct tcpterm *s, struct pair *x, unsigned d);

/* The side whose bytes are told first, where both were collected: a request before its answer. */
unsigned pair_first(const struct pair *x);

/* The candidate of which `number` is the first byte (or, after bytes in the SYN, the next). */
const struct pair_candidate *pair_candidate(const struct pair_side *e, seq_t number);
bool pair_is_candidate(const struct pair_side *e, seq_t number);

/* A fresh flow began with this SYN of side 0, which came before. */
void pair_asked(struct flow *f, const struct pair_candidate *syn);

/* The other side has asked by SYNs, and this segment acknowledges none of them (RFC 9293 3.10.7.3:
 * an end in SYN-SENT refuses it). */
bool pair_is_unasked(const struct pair *x, const struct pkt *p, unsigned d);

/* Does this SYN-ACK of side d answer a SYN other than the one the flow began with? */
bool pair_is_new_connection(const struct pair *x, const struct pkt *p, unsigned d);

/* Nothing more will come of side d: where nobody was there to acknowledge its SYN, the bytes in it
 * are its stream (RFC 7413). */
void pair_settle(struct tcpterm *s, struct pair *x, unsigned d);

/* Frees the candidates' bytes. */
void pair_forget(struct tcpterm *s, struct pair_side *e);

#endif
