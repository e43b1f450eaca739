/*
 * lone.h - a stack, given frames one by one, every frame that leaves it looked at.
 *
 * It may be several that share their frames (team.h): each frame then arrives at a wrong one, and
 * `stack` is the one that the latest belongs to.  The listener takes every SYN and asks a filter
 * that says what the test says.  Virtual time; one at a time, one thread.
 */
#ifndef LEAT_TESTS_UNIT_LONE_H
#define LEAT_TESTS_UNIT_LONE_H

#include <tcpterm/conn.h>

#include "datapath/pool.h"
#include "tests/unit/lib/team.h"

enum { LONE_MAX_OUT = 512, LONE_SECOND = 1000000 };

struct lone {
	struct team team;
	struct tcpterm *stack;
	struct pools pools;
	usec_t now;
	tcpterm_listener_id listener;

	/* what the filter says; `judge`, if set, says it instead */
	struct tcpterm_verdict verdict;
	struct tcpterm_verdict (*judge)(const struct tcpterm_syn *syn);
	/* what it was asked last */
	struct tcpterm_syn syn;
	struct pkt pkt;
	struct tcpterm_l2 l2;
	unsigned n_asked;

	/* what left, parsed; `side` is the port it left by.  Their mbufs are kept, or, where `seen`
	 * is set, shown to it and freed. */
	struct pkt out[LONE_MAX_OUT];
	unsigned n_out, n_tx, n_forwarded;
	void (*seen)(const struct pkt *p);

	unsigned n_established, n_ended;
	void (*established)(struct flow *f);
	enum tcpterm_end ended;
};

extern struct lone lone;

struct lone_tags {
	unsigned n;
	struct vlan_tag tag[4];
};

extern const struct lone_tags lone_untagged, lone_qinq;	/* the latter: 10 (0x88a8, PCP 3), 20 */

/* 192.0.2.7:40000 -> 198.51.100.9:8443, TTL 63, a SYN with MSS 1400, where nothing else is said. */
struct lone_segment {
	const struct lone_tags *tags;	/* NULL: none */
	uint16_t flags;
	uint32_t seq, ack;
	bool reverse;			/* from the server, by side 1 */
	uint8_t src[4], dst[4];		/* all zero: those above */
	uint16_t sport, dport;		/* 0: those above */
	const char *text;		/* payload */
	uint8_t mac;			/* the last byte of the sender's MAC; 0: 1, reverse 2 */
};

/* A stack whose filter says `decision`, with the cookie 77. */
void lone_begin(enum tcpterm_decision decision);

/* The same with settings (their callbacks and pools are set here), and so many mbufs. */
void lone_begin_with(const struct tcpterm_conf *given, unsigned n_frames,
		     enum tcpterm_decision decision);

/* Frees the stack and what was kept: every mbuf came back. */
void lone_end(void);

/* The frame, for who wants to change it; lone_put() hands it to the stack, and lets it run. */
struct rte_mbuf *lone_frame(const struct lone_segment *g);
void lone_put(struct rte_mbuf *m, uint8_t side);

/* Both. */
void lone_feed(const struct lone_segment *g);

/* A SYN of the client's, number 1000. */
void lone_syn(const struct lone_tags *tags);

/* Lets time pass, event by event. */
void lone_wait(int64_t us);

/* The first flow of the table; NULL. */
struct flow *lone_flow(void);

/* Of all stacks: what they count, how many flows of a kind they have. */
struct tcpterm_stats lone_stats(void);
uint64_t lone_drops(enum drop why);

/* At the stack that the identity's port leads to, or, where it has none, at the one that had the
 * latest frame; `stack` is that one then. */
int lone_connect(const struct tcpterm_identity *id, uint64_t cookie, struct flow **f);

#endif
