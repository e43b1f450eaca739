/*
 * fragments.h - a worker's fragmented datagrams: put together, read, and sent on as they came.
 *
 * Fragments go first to the worker that their addresses and id name; the segment that they make
 * belongs to the worker that its flow names, and crosses to it with its fragments in one piece
 * (datapath/handoff.h).  Belongs to its worker's thread.
 */
#ifndef LEAT_VNF_FRAGMENTS_H
#define LEAT_VNF_FRAGMENTS_H

#include "datapath/handoff.h"

struct worker;

/* Takes the fragment and its mbuf, whose `port` says where it came in. */
void fragments_input(struct worker *w, const struct pkt *p);

/* A datagram that another worker handed over, and all its mbufs. */
void fragments_take_over(struct worker *w, struct crossing *d);

/* Lets go of datagrams that never completed. */
void fragments_expire(struct worker *w);

#endif
