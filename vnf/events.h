/*
 * events.h - what a worker's stack has to tell: frames to send, flows that begin
 * and end, bytes of passive streams.  Called on the worker's thread, `ctx` is the worker.
 */
#ifndef LEAT_VNF_EVENTS_H
#define LEAT_VNF_EVENTS_H

#include <tcpterm/stack.h>

struct worker;

extern const struct tcpterm_ops events_ops;

/* Brings the counter of the flow's rule up to what the flow has carried. */
void events_count(const struct worker *w, const struct flow *f);

#endif
