/*
 * passive.h - what a passive pair tells its owner.
 *
 * Two linked halves; each delivers its bytes once, in order, addressed by a
 * 64-bit stream offset whose 0 is the byte after the SYN (or the first byte
 * seen).  Called on the stack's thread, from tcpterm_input() and tcpterm_run().
 * A passive flow never transmits.
 */
#ifndef TCPTERM_PASSIVE_H
#define TCPTERM_PASSIVE_H

#include <tcpterm/flow.h>

struct tcpterm_passive_ops {
	/* `len` bytes of direction `dir` from `offset`: those of the chain `m` from
	 * byte `m_off` on.  Valid during the call; take a reference to keep them. */
	void (*data)(void *ctx, struct flow *f, unsigned dir, uint64_t offset,
		     const struct rte_mbuf *m, uint32_t m_off, uint32_t len);
	/* Bytes [offset, offset + len) are missing for good.  Told when a byte behind them is, or
	 * the end: until then more may turn out to be missing. */
	void (*gap)(void *ctx, struct flow *f, unsigned dir, uint64_t offset, uint64_t len,
		    enum tcpterm_gap_reason reason);
	/* Bytes [offset, offset + len) came twice and differ: `was` was there, `came` came later;
	 * the flow's overlap policy says which is delivered (at most 256 bytes of each version
	 * are shown, `shown` says how many). */
	void (*conflict)(void *ctx, struct flow *f, unsigned dir, uint64_t offset, uint32_t len,
			 const uint8_t *was, const uint8_t *came, uint32_t shown);
	/* Direction `dir` is complete: nothing will follow `offset`. */
	void (*end)(void *ctx, struct flow *f, unsigned dir, uint64_t offset);
	/* TCPTERM_URGENT_OOB: this byte was sent before the one at `offset`, out of band.  Of what
	 * is told the offsets do not count it. */
	void (*urgent)(void *ctx, struct flow *f, unsigned dir, uint64_t offset, uint8_t byte);
};

/* Settings; zero fields take the defaults: 10 ms, 2 s, 1 MB, 200 ms. */
struct tcpterm_passive_conf {
	int64_t reorder_us;		/* reordering allowance, capture time */
	int64_t deadline_us;		/* a hole without evidence becomes a gap */
	uint32_t beyond_bytes;		/* sender's progress that is evidence where the other */
	int64_t beyond_us;		/*   direction is not seen */
	uint32_t budget_bytes;		/* held out of order, a half; 0: 1 MB */
	uint32_t n_segments;		/* held out of order, a half; 0: 1024 */
	uint32_t compare_bytes;		/* delivered and kept to be compared, a half; 0: 128 KB; as
					 * many segments as if each were 2 KB */
	int64_t compare_us;		/* for so long; 0: 2 s */
	/* While there is no room: one in so many new flows begins, and another ends for it; which,
	 * their keys say.  0, 1: each does. */
	uint32_t sample;
};

#endif
