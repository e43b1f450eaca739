/*
 * plan.h - a policy's `steer` statements as datapath/ovs/ wants them.
 *
 * A plan has copies of all it names, so it outlives the policy it was made of: the
 * steering thread works on it while the policy may be replaced.  Made by the control thread;
 * whoever has it frees it.
 */
#ifndef LEAT_VNF_STEER_PLAN_H
#define LEAT_VNF_STEER_PLAN_H

#include "datapath/ovs/steer.h"
#include "vnf/cmdline.h"
#include "vnf/policy/policy.h"

struct steer_plan {
	struct ovs_selection *sel;	/* in the order of the file */
	unsigned n;
	void **kept;			/* what the selections point to */
	size_t n_kept, room_kept;
};

/*
 * 0 and *out; -ENOMEM; -EINVAL with `err` where a selection does not go with how a port of ours was
 * given (`o`): tagged frames need `meta`, mirrored ones have no tag.
 */
int steer_plan_new(const struct policy *p, const struct options *o, struct steer_plan **out,
		   struct err *err);

/* NULL does nothing. */
void steer_plan_free(struct steer_plan *plan);

/* Is selection `i` the first on its bridge? */
bool steer_plan_is_first(const struct steer_plan *plan, unsigned i);

/* Does any selection lie on `bridge`? */
bool steer_plan_has(const struct steer_plan *plan, const char *bridge);

#endif
