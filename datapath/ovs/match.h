/*
 * match.h - the OpenFlow matches that catch a selection's packets at one of its ports.
 *
 * Pure functions, any thread.
 */
#ifndef LEAT_DATAPATH_OVS_MATCH_H
#define LEAT_DATAPATH_OVS_MATCH_H

#include "datapath/ovs/steer.h"

enum ovs_side { OVS_CLIENT, OVS_SERVER };

enum {
	OVS_PRIORITY_FLOW = 100,	/* TCP by its ports */
	OVS_PRIORITY_PART = 105,	/* fragments and ICMP errors: no ports to tell them apart */
	OVS_PRIORITY_RETURN = 400,	/* what leaves Leat */
};

/* Takes one match; a return other than 0 ends the walk and is passed on. */
typedef int ovs_match_fn(void *ctx, unsigned int priority, const char *match);

/*
 * Calls `fn` for each match of `sel` at the port numbered `in_port`, which is the `side`'s: TCP of
 * both families, their fragments, and the ICMP errors about them.
 * Returns 0, -EINVAL if the addresses leave nothing to match or a range is upside down, or what
 * `fn` returned.
 */
int ovs_match_each(const struct ovs_selection *sel, enum ovs_side side, uint32_t in_port,
		   ovs_match_fn *fn, void *ctx, struct err *e);

#endif
