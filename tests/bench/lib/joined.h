/*
 * joined.h - two stacks of the library, joined by two queues, and many connections between them.
 *
 * Each stack listens for all of them; the one opens, the other accepts.  Every connection carries a
 * payload of its own in both directions, verified at both ends: what the client says the server
 * answers.  Cycles are those of the TSC around both stacks' input and run; time is virtual.  One
 * thread, one of them at a time.
 */
#ifndef LEAT_TESTS_BENCH_JOINED_H
#define LEAT_TESTS_BENCH_JOINED_H

#include <tcpterm/conn.h>

#include "datapath/pool.h"
#include "tests/bench/lib/places.h"

enum { JOINED_QUEUE = 8192, JOINED_BURST = 32 };

enum joined_end { CLIENT, SERVER };

struct joined_stack {
	struct tcpterm *s;
	struct rte_mbuf *queue[JOINED_QUEUE];	/* frames on their way to it */
	uint32_t head, tail;
	struct flow **flow;		/* by the connection's number */
	tcpterm_listener_id *listener;
};

struct joined {
	const struct pools *pools;
	uint32_t n;			/* connections */
	enum spread spread;
	bool v6;
	struct joined_stack end[2];
	usec_t now;
	int64_t turn_us;		/* what a turn takes; 0: 100 us */
	/* Frames of the client's on a long way, where `far` is set: it has room for n_far_max. */
	struct rte_mbuf **far;
	uint32_t n_far, n_far_max;
	uint64_t n_good[2], n_bad, n_refused;	/* payloads; calls that failed */
	uint64_t cycles, packets;	/* since somebody set them to 0 */
	uint32_t n_closed;
};

/* Lists for j->n connections; false: no memory. */
bool joined_init(struct joined *j);

/* New stacks and counters.  False, and it was said. */
bool joined_new(struct joined *j);
void joined_free(struct joined *j);

/* At both ends, a listener for each connection. */
void joined_listen(struct joined *j);
void joined_open(struct joined *j);

/* The client says its payload once more, if the connection is there. */
void joined_say(struct joined *j, uint32_t i);
void joined_close(struct joined *j);

/* The timers, and what is to be sent. */
void joined_run(struct joined *j, enum joined_end k);

/* Takes a burst in; how many frames. */
unsigned joined_take(struct joined *j, enum joined_end k);

/* Until nothing is on its way any more. */
void joined_settle(struct joined *j);

/* What was on the long way arrives. */
void joined_arrive(struct joined *j);

/* Everything that the pools of both stacks still hold, once listeners are gone and TIME-WAIT is
 * over. */
uint64_t joined_left(struct joined *j);

/* What the pools of a stack still hold. */
uint64_t stack_left(struct tcpterm *s);

#endif
