/*
 * fragments.h - a worker's fragmented datagrams: put together, read, and sent on as they came.
 *
 * Fragments go first to the worker that their addresses and id name; the segment that they make
 * belongs to the worker that its flow names, and crosses to it with its fragments in one piece
 * (struct datagram).  Belongs to its worker's thread.
 */
#ifndef LEAT_VNF_FRAGMENTS_H
#define LEAT_VNF_FRAGMENTS_H

#include "datapath/frag.h"

struct worker;

/* A whole segment and the fragments it came in, from one worker to another. */
struct datagram {
	struct rte_mbuf *whole;
	struct rte_mbuf *original[FRAG_MAX + 1];
	uint8_t side[FRAG_MAX + 1];
	unsigned n;
};

/* The pool of all workers' datagrams on their way.  NULL: no memory. */
struct rte_mempool *fragments_pool_new(void);

/* Takes the fragment and its mbuf, whose `port` says where it came in. */
void fragments_input(struct worker *w, const struct pkt *p);

/* A datagram that another worker handed over, and all its mbufs; `d` goes back to its pool. */
void fragments_take_over(struct worker *w, struct datagram *d);

/* Lets go of datagrams that never completed. */
void fragments_expire(struct worker *w);

/* Frees a datagram that nobody will read. */
void fragments_discard(struct datagram *d);

#endif
