/*
 * frag.h - IP fragments of TCP, followed and forwarded.
 *
 * A small table a worker, keyed by domain, VLANs, addresses, protocol and id.  Reassembly
 * is by reference: the datagram is a chain of indirect mbufs, for state and
 * streams; the originals are handed back in arrival order, for forwarding.
 * 16 fragments a datagram.  An overlap gives the datagram up, with what is yet to
 * come of it (RFC 5722); an exact duplicate is handed back at once, and changes
 * nothing.  Single-threaded.
 */
#ifndef LEAT_DATAPATH_FRAG_H
#define LEAT_DATAPATH_FRAG_H

#include "datapath/clock.h"
#include "datapath/drops.h"
#include "datapath/parse.h"

enum { FRAG_MAX = 16 };

struct frag_table;

struct frag_result {
	/* The whole datagram as a frame of its own that pkt_parse() reads (headers of
	 * the first fragment, fragmentation cleared), or NULL.  The caller's. */
	struct rte_mbuf *whole;
	/* Fragments that the caller now owns, in arrival order: all of a completed
	 * datagram, or those refused (then `refusal` says why): all of one given up,
	 * or the newest alone. */
	struct rte_mbuf *original[FRAG_MAX + 1];
	uint8_t side[FRAG_MAX + 1];
	unsigned n_original;
	enum drop refusal;	/* no_mbuf: complete, but no memory for `whole` */
};

/* `n_max` datagrams at most, each `timeout_us` long; headers come from `pool`.  NULL: no memory. */
struct frag_table *frag_table_new(unsigned n_max, int64_t timeout_us, struct rte_mempool *pool);
void frag_table_free(struct frag_table *t);

/* Takes the fragment `p` (PKT_FRAGMENT) and its mbuf; fills `r`. */
void frag_input(struct frag_table *t, const struct pkt *p, usec_t now, struct frag_result *r);

/* One datagram whose time is over: fills `r`, true.  False when there is none. */
bool frag_expire(struct frag_table *t, usec_t now, struct frag_result *r);

/* When frag_expire() has something to do, or USEC_NEVER. */
usec_t frag_next(const struct frag_table *t);

/* The datagrams that are not all here: how many now, at the same time so far, and at most.  Any
 * thread may ask. */
struct frag_room {
	unsigned n, n_peak, n_max;
};
void frag_room(const struct frag_table *t, struct frag_room *r);

/* Fragments held, which count as held mbufs. */
unsigned frag_n_held(const struct frag_table *t);

#endif
