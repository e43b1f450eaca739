/*
 * syns.h - SYNs of a flood, from addresses that are never the same, by a ring port.
 *
 * `forward` is a bare loop from rx to tx; `relay-pass`, `relay-drop` and `relay-cookie` are a
 * leatd's worker whose rule says so, and whose embryos leave no room; `listener-cookie` is a stack
 * of the library that listens itself, without a policy, by one listener, and `classes-cookie` by
 * one that is found after SYNS_FURTHER of other classes.  Time is virtual.  One thread.
 */
#ifndef LEAT_TESTS_BENCH_SYNS_H
#define LEAT_TESTS_BENCH_SYNS_H

#include "tests/bench/lib/bed.h"
#include "tests/bench/lib/row.h"

enum syns_mode {
	SYNS_FORWARD,
	SYNS_RELAY_PASS,
	SYNS_RELAY_DROP,
	SYNS_RELAY_COOKIE,
	SYNS_LISTENER_COOKIE,
	SYNS_CLASSES_COOKIE,
	SYNS_N_MODES
};

enum { SYNS_FURTHER = 8 };

struct syns {
	struct bed bed;
	struct tcpterm *listener[2];	/* stacks with no policy: of one class, of more */
	struct rte_mbuf *tx[PORT_BURST];	/* of theirs, until the turn ends or it is full */
	unsigned n_tx;
	struct drops drops;
	/* SYNs; frames to each side */
	uint64_t sent[SYNS_N_MODES], back[SYNS_N_MODES], on[SYNS_N_MODES];
	uint32_t n;			/* SYNs ever: what the next one's address is of */
	usec_t now;
};

/* Ports, worker and stacks beside what is there, out of its pools; the first SYNs take what room
 * they have.  0, or a negative errno and the reason in `err`. */
int syns_make(struct syns *b, const struct pools *pools, struct err *err);
void syns_end(struct syns *b);

/* `n` SYNs; the cycles of each. */
double syns_run(struct syns *b, enum syns_mode mode, uint64_t n);

/* Prints the row, and how many were answered and went on; false, and it was said, unless every SYN
 * met what the mode says.  `forward`: the cycles of that mode, 0: not measured. */
bool syns_print(const struct syns *b, enum syns_mode mode, const struct row *row, double forward);

#endif
