/*
 * tracked.h - what tests of one tracked flow do, with the stack and the ends of copies.h.
 *
 * One thread, one at a time.
 */
#ifndef LEAT_TESTS_UNIT_TRACKED_H
#define LEAT_TESTS_UNIT_TRACKED_H

#include "tests/unit/copies.h"

/* A stack by default, whose policy says `d` of every flow. */
void tracked_begin(enum tcpterm_decision d);

/* Frees the stack: every buffer came back, and nothing was made. */
void tracked_end(void);

/* What is known of end `d` of the flow; good until the next call. */
const struct tcpterm_leg_info *tracked_info(unsigned d);

/* A handshake where the server is `far` us away from us, the client `near`. */
void tracked_handshake(int64_t far, int64_t near);

#endif
