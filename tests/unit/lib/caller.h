/*
 * caller.h - who uses a connection of the stack's own (ends.h, `accept`): its client is side 0, and
 * here is what the stack told of it.
 */
#ifndef LEAT_TESTS_UNIT_CALLER_H
#define LEAT_TESTS_UNIT_CALLER_H

#include <tcpterm/conn.h>

#include "tests/unit/lib/ends.h"

struct caller {
	struct ends e;
	struct flow *f;		/* the connection; NULL once it is closed */
	unsigned n_established, n_readable, n_errors, n_advices, n_closed;
	enum tcpterm_end why;
	int error;		/* tcpterm_error() at the end */
};

/* A stack and one established connection. */
void caller_init(struct caller *k, const struct ends_conf *conf);
void caller_fini(struct caller *k);

/* `n` bytes are written, all of them taken, and what may leave leaves. */
void caller_write(struct caller *k, unsigned n);

/* The client acknowledges all up to `ack` and sends `len` bytes from `seq` on. */
void caller_hear(struct caller *k, int64_t seq, uint32_t len, int64_t ack);

/* What left for the client since output `from` and has any of these flags. */
unsigned caller_sent(const struct caller *k, unsigned from, uint16_t flags);

#endif
