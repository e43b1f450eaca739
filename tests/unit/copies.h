/*
 * copies.h - a stack that is shown copies of two ends' segments, for tests of passive flows.
 *
 * It may be several that share their frames (team.h); `s` is the one that has the latest's flow.
 *
 * The bytes of both streams are known by their offset, so the sink checks each as it comes.
 * Time is virtual: copies.now, moved by copies_wait().  One thread, one at a time.
 */
#ifndef LEAT_TESTS_UNIT_COPIES_H
#define LEAT_TESTS_UNIT_COPIES_H

#include <tcpterm/stack.h>

#include "tests/unit/lib/team.h"

enum { COPIES_GAPS = 4096, COPIES_CONFLICTS = 64, COPIES_HEAD = 4096, COPIES_URGENT = 16 };

struct copies {
	struct team team;
	struct tcpterm *s;
	struct tcpterm_conf conf;
	struct tcpterm_ops ops;
	enum tcpterm_decision decision;
	uint8_t overlap;		/* enum tcpterm_overlap */
	uint8_t urgent;			/* enum tcpterm_urgent */
	uint16_t urgent_ptr;		/* that every segment has */
	bool strict;			/* windows of tracked flows */
	int64_t idle_us;		/* 0: the default */
	usec_t now;
	uint32_t isn[2];		/* of the ends: 0 the client */
	uint16_t window;		/* that every segment offers */
	uint8_t shift;			/* window scale that the SYNs carry; 0xff none */
	bool stamped;			/* every segment has timestamps: */
	uint32_t stamp[2], echo[2];	/*   TSval and TSecr of end d */
	uint16_t client_port;
	uint32_t client;		/* added to its address */
	uint8_t client_mac;		/* its last byte */
	bool gather;			/* frames wait for copies_wait(), in one burst */
	bool missed;			/* frames find no room: the stack is told of them */
	uint32_t snap;			/* bytes of a frame that the capture keeps; 0: all */
	uint32_t cut;			/* frames are chains, cut here and again; 0: they are not */
	struct {
		uint64_t next;		/* bytes and gaps up to here */
		uint64_t bytes, wrong;	/* delivered; those that differ from what was sent */
		uint64_t disorder;	/* calls that did not continue at `next` */
		unsigned n_gaps, n_ends;
		uint64_t end;
		struct {
			uint64_t off, len;
			enum tcpterm_gap_reason reason;
			int64_t at;	/* us */
		} gap[COPIES_GAPS];
		unsigned n_urgent;
		uint8_t urgent[COPIES_URGENT];
		uint8_t head[COPIES_HEAD];	/* the first bytes as they came */
	} dir[2];
	unsigned n_conflicts;
	struct {
		unsigned dir;
		uint64_t off;
		uint32_t len, shown;
		uint8_t was, came;	/* the first byte of each */
	} conflict[COPIES_CONFLICTS];
	unsigned n_new, n_ended;
	enum tcpterm_end why;
	int64_t ended_at;
	uint64_t packets;		/* of both directions, at the end */
	enum tcpterm_start start;
	uint8_t leg_start[2];
	struct tcpterm_leg_info leg[2];	/* at the end */
	uint64_t n_tx, n_forwarded;
};

extern struct copies copies;

/* Quiet flows that the next stack keeps awake (tcpterm_conf.n_ready); 0: the default. */
extern uint32_t copies_n_ready;

/* Flows, and mbufs held, that the next stack allows; 0: 1,024, and half the pool. */
extern uint32_t copies_n_flows, copies_n_held;

/* A stack with these settings (NULL: defaults); everything else zero. */
void copies_begin(const struct tcpterm_passive_conf *conf);

/* Frees the stack; true when every buffer came back and nothing was ever sent or forwarded. */
bool copies_end(void);

/* A segment of end d: bytes [off, off + len) of its stream, acknowledging `ack` of the other. */
void copies_segment(unsigned d, uint16_t flags, int64_t off, int64_t ack, uint32_t len);

/* The same with bytes that differ from the stream's by XOR with `x`, or with a wrong checksum. */
void copies_altered(unsigned d, uint16_t flags, int64_t off, int64_t ack, uint32_t len, uint8_t x,
		    bool bad_cksum);

/* SYN of end 0; SYN-ACK of end 1 (`len` bytes with it); a whole handshake. */
void copies_syn(uint32_t len);
void copies_synack(int64_t ack);
void copies_handshake(void);

/* Both FINs at these offsets, all acknowledged. */
void copies_close(int64_t off0, int64_t off1);

/* Moves time, firing what is due on the way. */
void copies_wait(int64_t us);

/* The byte of stream d at an offset. */
uint8_t copies_byte(unsigned d, uint64_t off);

/* The flow of the test, NULL if there is none. */
struct flow *copies_flow(void);

const struct tcpterm_stats *copies_stats(void);

#endif
