/*
 * passive.h - what tests of one passive flow do, with the stack and the ends of copies.h.
 *
 * One thread, one at a time.
 */
#ifndef LEAT_TESTS_UNIT_PASSIVE_H
#define LEAT_TESTS_UNIT_PASSIVE_H

#include "tests/unit/copies.h"

#define MS ((int64_t)1000)

/* Bytes of the client's stream, and the server's acknowledgement of what is below `off`. */
#define SEGMENT(off, len) copies_segment(0, TCP_ACK, off, 0, len)
#define ACKED(off) copies_segment(1, TCP_ACK, 0, off, 0)

/* A stack by default, and a connection whose handshake was seen. */
void passive_begin(void);

/* The same where windows are of `window` bytes, and not scaled. */
void passive_begin_narrow(uint16_t window);

/* Frees the stack: all that was delivered was right and in order, and every buffer came back. */
void passive_end(void);

/* Gap `i` of the client's stream. */
void passive_expect_gap(unsigned i, uint64_t off, uint64_t len, enum tcpterm_gap_reason why);

/* The test, with flows that stay awake and with ones that rest as soon as they may. */
void passive_awake_and_at_rest(void (*test)(void));

#endif
