/*
 * handoff.h - rings by which workers give each other frames that arrived at the wrong one.
 *
 * A flow is the worker's that its hash names, and the device's choice of a queue is another.  A
 * fragment goes first to the worker that its addresses and id name (pkt_parse() puts that into its
 * hash), which puts the datagram together; the whole then goes to the worker of its flow, with the
 * fragments that it came in, in one piece (struct crossing).
 *
 * Between each two workers there is a ring each way, one producer and one consumer: `from` is the
 * calling thread's own number where something is given, `to` where it is taken.  Made before the
 * threads start, freed after they end.
 */
#ifndef LEAT_DATAPATH_HANDOFF_H
#define LEAT_DATAPATH_HANDOFF_H

#include "datapath/err.h"
#include "datapath/frag.h"

enum {
	HANDOFF_WORKERS = 8,
	HANDOFF_DEPTH = 1024,	/* frames that wait between two workers, each way */
	HANDOFF_BURST = 32,
	HANDOFF_LOST = 64,
};

struct handoff;

/* A segment that came in fragments, on its way from one worker to another. */
struct crossing {
	struct rte_mbuf *whole;
	struct rte_mbuf *original[FRAG_MAX + 1];
	uint8_t side[FRAG_MAX + 1];
	unsigned n;
};

/* For at most HANDOFF_WORKERS; `datagrams`: they cross, too.  NULL, and `err`: no memory. */
struct handoff *handoff_new(unsigned n_workers, bool datagrams, struct err *err);

/* Frees what nobody took, too. */
void handoff_free(struct handoff *h);

/* Gives frames; returns how many there was room for: the others stay the caller's. */
unsigned handoff_frames(struct handoff *h, unsigned from, unsigned to, struct rte_mbuf **m,
			unsigned n);

/* Gives a datagram that frag_input() has completed.  False: there is no room, and it is still the
 * caller's. */
bool handoff_datagram(struct handoff *h, unsigned from, unsigned to, const struct frag_result *r);

/* Says of a segment for `to` that it was dropped, because there was no room for it.  HANDOFF_LOST
 * of them are remembered until they are taken. */
void handoff_lost(struct handoff *h, unsigned from, unsigned to, const struct pkt *p);

/* The next of these; its mbuf is gone. */
bool handoff_lost_take(struct handoff *h, unsigned from, unsigned to, struct pkt *p);

/* What was taken of one worker's, a burst at most, each kind in its order. */
struct handed {
	unsigned n_frames, n_datagrams;
	struct rte_mbuf *frame[HANDOFF_BURST];
	struct crossing *datagram[HANDOFF_BURST];	/* handoff_done() when it is read */
};

/* Returns how many of both there are. */
unsigned handoff_take(struct handoff *h, unsigned from, unsigned to, struct handed *out);

/* The datagram is read; its mbufs are somebody's. */
void handoff_done(struct handoff *h, struct crossing *d);

/* How many wait in that ring; any thread. */
unsigned handoff_waiting(const struct handoff *h, unsigned from, unsigned to);

#endif
