/*
 * frame.h - frames of the benchmarks' hosts: TCP over IPv4, timestamps, checksums that are right.
 *
 * Cheap to make: payload is written once, into every mbuf of the pool, and only its first
 * FRAME_STAMP bytes change, so its sum is known.  A flow is a number that lies in the client's
 * address and port.  One thread.
 */
#ifndef LEAT_TESTS_BENCH_FRAME_H
#define LEAT_TESTS_BENCH_FRAME_H

#include "datapath/pool.h"

enum {
	FRAME_ISN = 1000,	/* clients' */
	FRAME_ISN_SERVER = 2000,
	FRAME_SHIFT = 7,	/* window scale of both ends */
	FRAME_STAMP = 8,
	FRAME_L4 = 14 + 20,
	FRAME_PAYLOAD_MAX = 1448,
};

struct frame {
	uint8_t net;		/* a byte of both addresses */
	uint32_t flow;		/* below 1 << 24 */
	uint16_t dport;		/* the server's */
	bool to_server;
	uint8_t flags;
	uint32_t seq, ack;
	uint32_t clock;		/* of both ends' timestamps */
};

/* Writes the payload into the frames' mbufs, none of which holds any: before all else, and after
 * somebody else wrote into them. */
void frame_prepare(const struct pools *pools);

/* With `len` bytes of payload, at least FRAME_STAMP of them or none; those begin with `stamp`, and
 * it is of the pool of frames.  A SYN has an MSS, a scale and SACK permitted.  NULL: no mbuf. */
struct rte_mbuf *frame_make(struct rte_mempool *mp, const struct frame *f, unsigned len,
			    uint64_t stamp);

/* Whose frame it is that came to the server, or to the client; UINT32_MAX: not of those. */
uint32_t frame_flow(const struct rte_mbuf *m, uint8_t net, uint16_t dport, bool at_server);

#endif
