/*
 * mirror.h - the OVS Mirrors of an instance: found by external_ids:leat-instance, whatever their
 * names.
 *
 * A plan is read first and carried out later, so that what can be refused is refused before
 * anything changes.  Blocks as ovs-vsctl does; control thread only.
 */
#ifndef LEAT_DATAPATH_OVS_MIRROR_H
#define LEAT_DATAPATH_OVS_MIRROR_H

#include "datapath/ovs/steer.h"
#include "datapath/ovs/target.h"

enum { OVS_MIRRORS_MAX = 32 };	/* of an instance on a bridge */

struct mirror_plan {
	char *text;		/* a line for each change, "" for none */
	char *args;		/* of the one ovs-vsctl call: each ends with a NUL, then one more */
	size_t args_len;
};

/*
 * Plans what makes the bridge have exactly the mirrors among the selections (OVS_STEER_MIRROR), and
 * of this instance no others.  A tap that is a mirror's output loses its VLAN tag, by which the
 * switch would take the frames' outer tags off, and gets it back afterwards; the switch itself
 * floods nothing to such a port.
 * Returns 0, -EINVAL for selections that contradict each other, -E2BIG, or the tools' errors.
 */
int mirror_plan(const struct ovs_target *t, unsigned int instance, const char *bridge,
		const struct ovs_selection *sel, unsigned int n, struct mirror_plan *plan,
		struct err *e);

/* Carries it out in one transaction, and has the switch forget what it decided before. */
int mirror_apply(const struct ovs_target *t, const char *bridge, const struct mirror_plan *plan,
		 struct err *e);

void mirror_plan_fini(struct mirror_plan *plan);

/* Writes a line for each of the instance's mirrors on the bridge. */
int mirror_show(const struct ovs_target *t, unsigned int instance, const char *bridge, FILE *f,
		struct err *e);

#endif
