/*
 * runs.h - runs of the relay benchmark: hosts that send through a leatd's worker or a bare loop,
 * and what its turns took.
 *
 * Counted are the cycles of the TSC in turns that found something; a turn above LONG_TURN was
 * interrupted by the system and is left out with its segments.  Time is virtual.  One thread.
 */
#ifndef LEAT_TESTS_BENCH_RUNS_H
#define LEAT_TESTS_BENCH_RUNS_H

#include "tests/bench/lib/bed.h"
#include "tests/bench/lib/lives.h"
#include "tests/bench/lib/peers.h"

enum mode { FORWARD, TRACK, PROXY, PASSIVE, LIFE, COPY, SYN, N_MODES };

struct runs {
	struct bed bed;
	struct pools hosts;	/* of the hosts' frames: the bed's, where those cross by address */
	struct peers_port at[BED_N];
	struct lives lives;
	usec_t now;
};

/* What turns took, without those that were interrupted. */
struct took {
	uint64_t cycles, packets, segments;
};

/* A bed with room for so many flows of a kind, and hosts; `beside`: EAL and pools are its.  0, or a
 * negative errno with `err`. */
int runs_make(struct runs *r, const struct runs *beside, const char *policy, uint32_t n_flows,
	      struct err *err);
void runs_end(struct runs *r);

/* The peers' connections are opened, and every frame of their first segments is looked at. */
void runs_establish(struct runs *r, enum mode mode, struct peers *p);

/* Sends `n` segments through and waits until they are acknowledged. */
struct took runs_segments(struct runs *r, enum mode mode, struct peers *p, uint64_t n);

/* `n` connections from SYN to both FINs; a `segment` is one of them. */
struct took runs_lives(struct runs *r, uint64_t n);

/* Cycles of an rte_memcpy() of a full segment's payload that lies in no cache; 0: no memory. */
double runs_copies(uint64_t n);

#endif
