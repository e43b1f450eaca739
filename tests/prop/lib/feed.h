/*
 * feed.h - a passive stack that is fed frames, and what it told of each flow.
 *
 * Time is the frames'.  Fragments are put together as leatd does.  One thread, one at a time.
 */
#ifndef LEAT_TESTS_PROP_FEED_H
#define LEAT_TESTS_PROP_FEED_H

#include <tcpterm/stack.h>

enum { FEED_FLOWS = 4096, FEED_GAPS = 512 };

struct fed_half {
	uint8_t *bytes;			/* as they came; gaps are zeros */
	uint64_t n_bytes, room;
	unsigned n_gaps;		/* FEED_GAPS of them are kept */
	struct {
		uint64_t off, len;
		enum tcpterm_gap_reason reason;
	} gap[FEED_GAPS];
	unsigned n_conflicts, n_ends;
	uint64_t disorder;		/* calls that did not go on where the last one ended */
};

struct fed_flow {
	struct flow_key key;
	unsigned n_vids;
	uint16_t vid[PKT_MAX_TAGS];
	struct fed_half dir[2];
	struct tcpterm_leg_info leg[2];
	enum tcpterm_start start;
	enum tcpterm_end end;
	bool over;
	uint64_t packets[2];
};

struct feed {
	struct tcpterm *s;
	struct tcpterm_ops ops;
	struct frag_table *frags;
	struct parse_conf parse;
	struct tcpterm_verdict verdict;
	usec_t now;
	bool no_bytes;			/* only counted */
	/* What somebody knows of who is the client: its direction, or -1.  Asked now and then,
	 * and when the flow ends; NULL: nobody does. */
	int (*client)(const struct flow *f);
	uint32_t n_asked;
	unsigned n_flows, n_lost;	/* those without a place */
	struct fed_flow *flow;
	uint64_t n_tx, n_refused;
};

extern struct feed feed;

/* `conf`, NULL: defaults.  Fields of `feed` may be changed before the first frame. */
void feed_begin(const struct tcpterm_passive_conf *conf);

/* A frame that came at `us`; a copy is made. */
void feed_frame(int64_t us, const uint8_t *bytes, uint32_t len, uint32_t wire_len);

/* Time passes. */
void feed_wait(int64_t us);

/* Every flow ends, feed.flow stays.  False: a buffer is missing, or something was sent. */
bool feed_end(void);

/* Frees what feed_end() left. */
void feed_clear(void);

#endif
