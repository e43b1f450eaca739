/*
 * overlap.h - which selections ask for the same packets, and which of them gets them.
 *
 * Pure functions, any thread.
 */
#ifndef LEAT_DATAPATH_OVS_OVERLAP_H
#define LEAT_DATAPATH_OVS_OVERLAP_H

#include "datapath/ovs/match.h"

/* Where a selection stands among those it overlaps: 0 before 1. */
struct ovs_rank {
	unsigned int flow, part;
};

/* Whether a packet's part exists that both would take: `x` at its side `xs`, `y` at its side `ys`,
 * if these are the same port. */
bool ovs_overlap(const struct ovs_selection *x, enum ovs_side xs, const struct ovs_selection *y,
		 enum ovs_side ys, enum ovs_part part);

/* The port of a side. */
const char *ovs_side_port(const struct ovs_selection *sel, enum ovs_side side);

/* Where fragments and errors of the selection go before those of others: the higher, the sooner.
 * A way that must not be missed, a way, none. */
enum ovs_tier { OVS_TIER_NONE, OVS_TIER_OPEN, OVS_TIER_CLOSED, OVS_TIERS };
enum ovs_tier ovs_tier(const struct ovs_selection *sel);

/*
 * Ranks those of the `n` selections that are on `bridge` (mirrors have no rules and stay 0).
 * Returns 0; -E2BIG if more than OVS_RANKS overlap one another; -EINVAL if one takes what comes by
 * one port of another but not what comes by its other port, so that Leat would see half of each
 * connection.
 */
int ovs_rank(const char *bridge, const struct ovs_selection *sel, unsigned int n,
	     struct ovs_rank *rank, struct err *e);

#endif
