/*
 * match.h - the OpenFlow matches that catch a selection's packets at one of its ports, and the
 * priorities of the rules that have them.
 *
 * Pure functions, any thread.
 *
 * Of selections that overlap, the earlier in the list wins: a selection's rank is the number of
 * those before it that it has to stand back behind (overlap.h), and lowers the priority of its
 * rules.  Selections that do not overlap share ranks, so OVS_RANKS limits how many overlap one
 * another, not how many there are.
 *
 * Fragments and ICMP errors say nothing of ports, so a rule for them serves every selection of
 * these addresses.  One with a way through Leat goes before one without (a copy), and among the
 * former one that is fail-closed before one that is not; of equals the earlier.
 */
#ifndef LEAT_DATAPATH_OVS_MATCH_H
#define LEAT_DATAPATH_OVS_MATCH_H

#include "datapath/ovs/steer.h"

enum ovs_side { OVS_CLIENT, OVS_SERVER };

enum ovs_part {
	OVS_PART_FLOW,		/* TCP by its ports */
	OVS_PART_FRAGMENT,	/* of TCP */
	OVS_PART_ERROR,		/* ICMP unreachable and too big: only the destination is known */
};

/* All of Leat's rules are in table 0 with these priorities, from OVS_PRIORITY_FLOW to
 * OVS_PRIORITY_LAST; an operator's rules at other priorities never collide with them. */
enum {
	OVS_RANKS = 100,
	OVS_PRIORITY_FLOW = 100,	/* to 199: TCP, rank 0 has 199 */
	OVS_PRIORITY_PART = 200,	/* to 499: fragments and errors, 100 for each tier */
	OVS_PRIORITY_REST = 500,	/* what comes from Leat and belongs nowhere */
	OVS_PRIORITY_RETURN = 501,	/* what comes from Leat */
	OVS_PRIORITY_STEP_ELSE = 510,	/* a packet on its second or third pass through table 0 */
	OVS_PRIORITY_STEP = 511,
	OVS_PRIORITY_LAST = 519,
};

/* Takes one match; a return other than 0 ends the walk and is passed on. */
typedef int ovs_match_fn(void *ctx, enum ovs_part part, const char *match);

/*
 * Calls `fn` for each match of `sel` at the port numbered `in_port`, which is the `side`'s: TCP of
 * both families, their fragments, and the ICMP errors about them.
 * Returns 0, -EINVAL if the addresses leave nothing to match or a range is upside down, or what
 * `fn` returned.
 */
int ovs_match_each(const struct ovs_selection *sel, enum ovs_side side, uint32_t in_port,
		   ovs_match_fn *fn, void *ctx, struct err *e);

#endif
