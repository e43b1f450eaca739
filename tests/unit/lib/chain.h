/*
 * chain.h - client - relay - server: three stacks in one process, joined by
 * wires in virtual time.
 *
 * Each of the three may be several that share their frames (team.h): then each frame arrives at a
 * wrong one, and `stack` is the one that has the connection.
 *
 * Each wire delivers after DELAY_US; a test may drop frames by a predicate.  The client and the
 * server verify a byte pattern by offset.  One thread; one chain at a time.
 */
#ifndef LEAT_TESTS_UNIT_CHAIN_H
#define LEAT_TESTS_UNIT_CHAIN_H

#include <tcpterm/conn.h>

#include "datapath/pool.h"
#include "tests/unit/lib/late.h"
#include "tests/unit/lib/team.h"

enum chain_node { CHAIN_CLIENT, CHAIN_RELAY, CHAIN_SERVER, CHAIN_N };

/* One end's application. */
struct chain_app {
	struct flow *f;		/* NULL before and after */
	uint64_t to_send, sent, received;
	bool close_after;	/* shutdown when all is sent */
	bool shut, established, eof, closed, hold;	/* hold: does not read */
	enum tcpterm_end why;
	uint64_t wrong;		/* bytes that were not the pattern's */
	uint8_t key;		/* of the pattern sent; the other verifies it */
};

struct chain {
	struct team team[CHAIN_N];
	struct tcpterm *stack[CHAIN_N];
	struct pools pools;
	usec_t now;
	struct chain_app app[CHAIN_N];
	/* true: the frame, parsed, on its way from `from`, is lost */
	bool (*lose)(struct chain *c, enum chain_node from, const struct pkt *p);
	void *lose_ctx;
	/* what the relay's filter says; RELAY by default */
	struct tcpterm_verdict verdict;
	struct tcpterm_verdict unknown;	/* of a relay that was replaced: of other segments */
	bool replaced;
	bool server_refuses;	/* the server answers SYNs by a RST */
	/* a connection of an end's, before its SYN or SYN-ACK leaves */
	void (*opened)(struct chain *c, enum chain_node id, struct flow *f);
	uint64_t n_ended;
	enum tcpterm_end ended;		/* of the relay's latest flow */
	uint64_t frames[CHAIN_N];	/* sent by each */
	const void *payload_in, *payload_out;	/* latest full segment's address at the relay */
	struct late *late;	/* the device that the relay sends by; NULL: the wire takes it */
	struct chain_frame *queue;
	unsigned n_queued;
};

/* Stacks with default settings but for those given (NULL: none); the server listens. */
void chain_init(struct chain *c, const struct tcpterm_conf *conf);

/* The same, where only the relay has the settings. */
void chain_init_relay(struct chain *c, const struct tcpterm_conf *conf);

/* The same with `n_frames` mbufs for all payload of the three stacks. */
void chain_init_pool(struct chain *c, const struct tcpterm_conf *conf, unsigned n_frames);

/* Checks that every mbuf came back, too. */
void chain_fini(struct chain *c);

/* The client's SYN. */
void chain_connect(struct chain *c);

/* Runs until done() says so or `us` have passed; true: it was done. */
bool chain_run(struct chain *c, int64_t us, bool (*done)(const struct chain *));

/* What one may wait for: nothing, both established, both closed. */
bool chain_never(const struct chain *c);
bool chain_connected(const struct chain *c);
bool chain_closed(const struct chain *c);

/* Each end has received all that the other was to send. */
void chain_check_received(const struct chain *c);

/* A whole connection, of so many bytes each way, within so many seconds. */
void chain_transfer(struct chain *c, uint64_t up, uint64_t down, int64_t seconds);

/* A flow of the relay's; NULL: it has none. */
struct flow *chain_flow(struct chain *c);

/* Puts a new stack in the relay's place, which knows of no flow, and says this of what it meets;
 * what is under way on the wires arrives. */
void chain_replace_relay(struct chain *c, const struct tcpterm_verdict *unknown);

/* Hands a frame to the relay as if it came by `side`; takes it. */
void chain_inject(struct chain *c, uint8_t side, struct rte_mbuf *m);

#endif
