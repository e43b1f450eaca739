/*
 * checker_inner.h - what the files of the checker share.  checker.c knows who speaks, checker_say.c
 * judges any TCP, checker_ecn.c its ECN, checker_box.c what only the box is held to,
 * checker_copy.c verbatim copies.
 */
#ifndef LEAT_SIM_CHECKER_INNER_H
#define LEAT_SIM_CHECKER_INNER_H

#include "tests/sim/lib/checker.h"
#include "tests/sim/lib/ranges.h"
#include "tests/sim/lib/see.h"

/* SYNs and SYN-ACKs that set up ECN, and that do not (RFC 3168 6.1.1). */
enum { HANDSHAKE_ECN = 1, HANDSHAKE_NO_ECN = 2 };

/* Frames received that may come out unchanged: a multiset of hashes. */
struct copies {
	struct copy {
		uint64_t hash;
		uint32_t n;
	} * slot;
	size_t room, used;
	uint64_t left;		/* frames in it */
};

/* One that speaks on a leg, and what it has heard there.  Offsets: 0 the SYN, 1 the first byte. */
struct voice {
	bool said_syn, said_ts, said_sack, said_fin;
	int said_wscale;	/* -1: none */
	uint64_t max;		/* the furthest end of what it sent */
	uint64_t acked;		/* its highest acknowledgment */
	uint64_t edge;		/* the furthest right edge it offered */
	uint8_t said_ecn, heard_ecn;	/* its SYNs', and the peer's: HANDSHAKE_* */
	bool has_tsval;
	uint32_t tsval;
	uint64_t n_syn_said;

	bool heard_syn, heard_rst;
	bool known;		/* its peer's manners are: a refused handshake takes them along */
	uint64_t n_syn_heard;
	uint8_t syn_ecn;	/* ECE and CWR of the SYNs heard: bit 0 neither, 1, 2, 3 both */
	struct seen syn;	/* the last SYN heard; its pointers are not valid */
	struct ranges heard;
	struct ranges fresh;	/* of these, what came first at ... */
	int64_t fresh_at;
	struct ranges heard_sacked;	/* of the own stream */
	uint64_t heard_ack, heard_edge, heard_fin;	/* heard_fin: offset, UINT64_MAX none */
	int64_t heard_fin_at;
	uint16_t heard_mss;
	struct ranges marks;	/* offsets behind urgent data, of the peer's stream */
	uint64_t mark_max;
	bool has_ts_base;
	uint32_t ts_base;
	struct ranges tsvals;	/* heard, relative to ts_base */
	uint8_t ttls[32], toses[32];	/* bit maps */
	bool dfs[2];
	struct ranges labels;
	uint64_t to_answer;	/* segments heard that a closed leg may answer */
	int64_t heard_last_at;
	enum { ECHO_NEVER, ECHO_MAYBE, ECHO_ALWAYS } echo;	/* of congestion marks, ... */
	int64_t echo_at;	/* ... since then ... */
	int64_t echo_end;	/* ... if what told it, which ends here, was taken */
	uint32_t ts_newest;
};

struct dialogue {		/* one flow */
	const struct checker_flow *cfg;
	bool has_isn[2];
	uint32_t isn[2];
	bool confirmed;		/* the client's valid ACK has come to the box */
	bool ended;		/* the box has reset it by itself */
	bool anew;		/* an end has begun another since */
	struct voice v[2][2];	/* leg, who */
};

struct checker {
	struct checker_config cfg;
	void (*breach)(void *ctx, const char *rule, const char *text);
	void *ctx;
	struct dialogue d[CHECKER_FLOWS];
	struct copies copies[2];	/* received by the box on each leg: may pass */
	struct copies corrupt[2];	/* of terminated flows: may not */
	uint64_t n;
};

/* A segment under judgment. */
struct said {
	struct checker *c;
	struct dialogue *d;
	struct voice *v, *peer;	/* who speaks, and the other on that leg */
	const struct seen *s;
	enum who who;
	int leg, dir;		/* dir: the stream its sequence numbers are of */
	int64_t from, end, ack;	/* offsets; end counts SYN and FIN */
	int64_t now;
};

void checker_fail(const struct said *x, const char *rule, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

/* Offset of a number in the stream of a direction whose ISN is known. */
int64_t checker_offset(const struct dialogue *d, int dir, uint32_t seq);

bool checker_scaled(const struct said *x);	/* both have agreed on window scale on this leg */

/* Everything that holds for any TCP; updates what the voice has said. */
void checker_say(struct said *x);

void checker_say_syn(struct voice *v, const struct seen *s);

/* ECN's marks; before checker_say has taken note of the segment, or hear() of one that came. */
void checker_say_ecn(const struct said *x);
uint8_t checker_handshake_ecn(const struct seen *s);
void checker_hear_ecn(const struct said *x);

/* What only the box is held to; called before checker_say. */
void checker_box(struct said *x);
void checker_box_rst(struct said *x);
bool checker_leg_closed(const struct dialogue *d, int leg, enum who who);	/* for `who` */

/* A flow that has ended, or a handshake that is not confirmed, holds nothing: is this one of
 * its segments passed on as it came?  Only those count that came after the end. */
bool checker_over(const struct dialogue *d);
bool checker_released(const struct said *x, const struct frame *f);

bool heard_tsval(const struct voice *v, uint32_t tsval);

void copies_add(struct copies *s, const struct frame *f);
bool copies_take(struct copies *s, const struct frame *f);	/* false: not in it */
void copies_fini(struct copies *s);

#endif
