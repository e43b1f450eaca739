/*
 * tape.h - where <tcpterm/capture.h> meets the stack: frames in, frames out, flows that change.
 *
 * A stack without captures has no tapes: callers look at that pointer first.  The stack's thread.
 */
#ifndef TCPTERM_TAPE_H
#define TCPTERM_TAPE_H

#include <tcpterm/capture.h>

#include "tcpterm/core.h"

struct tapes;

void tapes_free(struct tapes *t);

/* A frame that came in, of flow `f` (NULL: of none yet), until tape_in_done(): a capture that is
 * begun meanwhile has it. */
void tape_in(struct tcpterm *s, const struct pkt *p, const struct flow *f);
void tape_in_done(struct tcpterm *s);

/* A frame that the stack made for flow `f` leaves by `side`. */
void tape_out(struct tcpterm *s, const struct flow *f, uint8_t side, const struct rte_mbuf *m);

/* The flow's object has become another; or it is gone, and its capture waits for its end. */
void tape_follow(struct tcpterm *s, uint32_t from_ref, uint32_t to_ref);
void tape_flow_gone(struct tcpterm *s, const struct flow *f);

#endif
