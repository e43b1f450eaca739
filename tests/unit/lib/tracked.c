/*
 * tracked.c - see tracked.h.
 */
#include "tests/unit/lib/tracked.h"

#include "tests/unit/tap.h"

void
tracked_begin(enum tcpterm_decision d)
{
	copies_begin(NULL);
	copies.decision = d;
}

void
tracked_end(void)
{
	copies.n_forwarded = 0;
	CU_ASSERT_TRUE(copies_end());
}

const struct tcpterm_leg_info *
tracked_info(unsigned d)
{
	tcpterm_flow_info(copies_flow(), copies.leg);
	return &copies.leg[d];
}

void
tracked_handshake(int64_t far, int64_t near)
{
	copies_syn(0);
	copies_wait(far);
	copies_synack(0);
	copies_wait(near);
	copies_segment(0, TCP_ACK, 0, 0, 0);
}
