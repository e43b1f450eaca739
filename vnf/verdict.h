/*
 * verdict.h - from a first packet and the policy to what the stack is to do.
 *
 * Worker's thread only.  What was decided waits in w->pending until the stack tells of
 * the new flow, in the same call.
 */
#ifndef LEAT_VNF_VERDICT_H
#define LEAT_VNF_VERDICT_H

#include "vnf/worker.h"

/* The SYN filter of every stack; `ctx` is the worker. */
struct tcpterm_verdict verdict_syn(void *ctx, const struct tcpterm_syn *syn);

/* The stack's ops->unknown: segments of flows that it did not see begin. */
struct tcpterm_verdict verdict_unknown(void *ctx, const struct pkt *p);

#endif
