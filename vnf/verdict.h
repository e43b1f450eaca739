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

/*
 * What the policy in force in this turn says of a flow that it did not decide.  `settled`: what the
 * flow has not said yet it will not say.
 */
void verdict_anew(const struct worker *w, const struct flow *f, bool settled,
		  struct policy_verdict *v);

/* TCPTERM_INITIATOR, TCPTERM_RESPONDER or both. */
unsigned verdict_ends(enum policy_reset reset);

/* Notes what the rule says of where events and frames go. */
void verdict_sinks(const struct worker *w, struct note *n, const struct policy_attrs *a);

#endif
