/*
 * truth.h - captures of which is known what was said, made from a seed.
 *
 * Two ends talk in flights of segments; the network loses some before the tap, so that they come
 * again; the tap loses some, shows some late, twice or cut into fragments, and all of them up to
 * 4 ms out of order; a forger adds versions of his own, some of them with timestamps of the past.
 * What a follower has to tell of it is
 * worked out from the list of what was shown alone, with no code of the product's.
 *
 * A struct truth owns its frames and flows.  One thread.
 */
#ifndef LEAT_TESTS_PROP_TRUTH_H
#define LEAT_TESTS_PROP_TRUTH_H

#include <stdio.h>

#include "tests/prop/lib/frames.h"

enum { TRUTH_FLOWS = 4, TRUTH_GAPS = 512 };

/* Which of two versions of a byte is delivered: families of policies. */
enum truth_overlap {
	TRUTH_FIRST,
	TRUTH_LAST,
	TRUTH_REJECT,
	TRUTH_BSD,
	TRUTH_LINUX,
	TRUTH_OLD_LINUX,
	TRUTH_SOLARIS,
};

/* A segment that was sent; those with `shown` are in the capture. */
struct shot {
	int64_t at;			/* us */
	unsigned d;
	uint8_t flags;
	int64_t off, ack;		/* of the streams */
	uint32_t len;
	uint32_t val, ecr;		/* timestamps, if the flow has them */
	uint8_t alter;			/* XORed into its bytes */
	uint32_t order;			/* among those of one time */
	bool shown, late, bad_cksum;
	bool noise;			/* no part of the stream, whatever it says */
	uint16_t fragment;		/* bytes of each; 0: whole */
};

struct truth_half {
	uint8_t *stream;		/* what was said, or would have been with more time */
	uint32_t n_stream;
	uint8_t *bytes;			/* what is to be delivered, gaps zero */
	uint64_t n_bytes;		/* with the gaps */
	unsigned n_gaps;
	struct {
		uint64_t off, len;
	} gap[TRUTH_GAPS];
	uint64_t late;			/* bytes that came after their gap */
	bool conflicts;
	unsigned refused;		/* segments that its receiver drops for their timestamp */
};

enum truth_start {
	TRUTH_WHOLE,
	TRUTH_NO_SYN,
	TRUTH_NO_SYNACK,
	TRUTH_SYNACK_FIRST,
	TRUTH_NO_ACK,
	TRUTH_MIDSTREAM,
	TRUTH_N_STARTS
};
enum truth_end { TRUTH_FIN, TRUTH_FIN_LOST, TRUTH_RST, TRUTH_OPEN, TRUTH_N_ENDS };

struct truth_flow {
	struct frame_path path;
	enum truth_start start;
	enum truth_end end;
	int alone;			/* the only direction shown; -1: both are */
	uint32_t isn[2];
	uint8_t shift[2];
	bool stamped;			/* the ends have timestamps (RFC 7323) */
	uint32_t clock[2];		/* theirs, at time 0 */
	int64_t base[2];		/* of what was said before the tap was there */
	struct shot *shot;
	unsigned n_shots, room;
	struct truth_half dir[2];
};

struct truth_frame {
	int64_t at;			/* us */
	uint32_t len;
	uint8_t *bytes;
};

struct truth {
	uint64_t seed;
	enum truth_overlap overlap;
	unsigned n_flows;
	struct truth_flow flow[TRUTH_FLOWS];
	struct truth_frame *frame;
	unsigned n_frames, room;
};

/* A capture and its truth. */
void truth_make(struct truth *t, uint64_t seed, enum truth_overlap overlap);
void truth_free(struct truth *t);

/*
 * Writes DIR/SEED.pcap, and of flow N what a sink writes of it: DIR/SEED-N.c2s and .s2c (gaps are
 * zeros), .gaps, a line each; and a line of each flow into DIR/SEED.flows: "N CLIENT SERVER VLANS".
 * 0, or -1 with errno.
 */
int truth_write(const struct truth *t, const char *dir);

/* --- between its parts --- */

/* Numbers below n, from the seed. */
uint32_t truth_draw(uint32_t n);
void truth_sow(uint64_t seed);

/* What the ends of a flow say and what of it is shown: its shots, not sorted. */
void truth_talk(struct truth_flow *f, int64_t from);

/* What is to be told of it; sorts the shots. */
void truth_expect(struct truth_flow *f, enum truth_overlap overlap);

#endif
