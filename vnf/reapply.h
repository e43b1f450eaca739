/*
 * reapply.h - live flows under the policy in force now, and not the one that decided them.
 *
 * A question of flows.h whose act decides each flow anew on its worker.  A flow takes the new rule
 * and generation with it as long as its mode stays or lies further down the ladder; one that would
 * have to go up keeps its rule and stays.  A flow whose bytes have not decided it yet is left to
 * them: it will be the new policy's in any case.
 */
#ifndef LEAT_VNF_REAPPLY_H
#define LEAT_VNF_REAPPLY_H

#include "vnf/worker.h"

enum reapply_outcome {
	REAPPLY_SAME,		/* the same rule takes it */
	REAPPLY_RULE,		/* another rule of the same mode */
	REAPPLY_MOVED,		/* into that rule's mode */
	REAPPLY_LATER,		/* it moves when it holds no bytes any more */
	REAPPLY_STAYS,		/* there is no way into that mode */
	REAPPLY_N,
};

enum { REAPPLY_MODES = POLICY_RESET + 1 };

/* Of one worker, which alone writes it until the question is done. */
struct reapply_tally {
	uint64_t n[REAPPLY_MODES][REAPPLY_MODES][REAPPLY_N];	/* from, to, outcome */
};

struct reapply {
	struct worker *const *worker;
	bool dry_run;
	struct reapply_tally tally[MAX_WORKERS];
};

/* A flow that waited for its rule gets the one that was found. */
enum reapply_outcome reapply_decided(struct worker *w, struct flow *f,
				     const struct policy_verdict *v);

/* A flows_act; `arg` is the struct reapply, which lives until every worker has answered. */
bool reapply_flow(uint64_t arg, unsigned worker, struct tcpterm *stack, struct flow *f, usec_t now);

#endif
