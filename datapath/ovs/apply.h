/*
 * apply.h - brings a bridge to the rules that selections ask for, shows them, takes them away.
 *
 * Only rules with the instance's cookie and groups with its ids are ever changed; everyone
 * else's are read, to refuse what would overwrite them.  Keeps nothing between calls: what the
 * switch holds is the only state.  Blocks for as long as the switch's tools do; for the
 * control thread only.
 */
#ifndef LEAT_DATAPATH_OVS_APPLY_H
#define LEAT_DATAPATH_OVS_APPLY_H

#include "datapath/ovs/steer.h"
#include "datapath/ovs/target.h"

/*
 * Makes `bridge` hold exactly what the selections on it ask for (none: nothing), in one bundle that
 * the switch takes whole or not at all.  What it already holds is not sent again; when nothing is
 * missing nothing is sent.  With `dry_run` nothing is sent in any case.
 * `*sent` (may be NULL) becomes the bundle's text, "" if there was none; to be freed.
 * Returns 0; -EEXIST if someone else's rule has the same match and priority as one of ours, with
 * that rule's text in `e`; -EINVAL or -E2BIG from ovs_render(); -EIO, -ETIMEDOUT, -ENOENT from the
 * tools.
 */
int ovs_apply(const struct ovs_target *t, unsigned int instance, const char *bridge,
	      const struct ovs_selection *sel, unsigned int n, bool dry_run, char **sent,
	      struct err *e);

/*
 * Says how a bridge differs from what the selections ask for: `*differences` (to be freed) is a
 * line for each rule, group and mirror that is missing, other, or not wanted, "" if there is none.
 * A foreign rule in a place of ours is such a line, not an error.  Changes nothing.  Errors as
 * ovs_apply().
 */
int ovs_check(const struct ovs_target *t, unsigned int instance, const char *bridge,
	      const struct ovs_selection *sel, unsigned int n, char **differences, struct err *e);

/*
 * `*n_rules`: how many of the instance's rules the bridge has, at the price of one small question.
 * A switch that started again has none, and a rule goes with a group it names; so a watch compares
 * this with what it was after ovs_apply().
 */
int ovs_present(const struct ovs_target *t, unsigned int instance, const char *bridge,
		unsigned int *n_rules, struct err *e);

/*
 * Takes traffic off Leat without knowing what was asked for: deletes the instance's selecting rules
 * and mirrors, and leaves the rules for what is still inside Leat, and the groups.  ovs_apply()
 * puts them back, ovs_clear() takes away the rest.  `dry_run`, `sent` and errors as ovs_apply().
 */
int ovs_bypass(const struct ovs_target *t, unsigned int instance, const char *bridge, bool dry_run,
	       char **sent, struct err *e);

/* The bridges that hold a rule, group or mirror of the instance: `*names` (to be freed), one a
 * line, "" if there is none. */
int ovs_bridges(const struct ovs_target *t, unsigned int instance, char **names, struct err *e);

/* What the switch would do with a packet, as `ofproto/trace` tells it: `flow` is in the syntax of
 * ovs-ofctl and names the port it comes by; `*text` is to be freed. */
int ovs_trace(const struct ovs_target *t, const char *bridge, const char *flow, char **text,
	      struct err *e);

/* Takes away all rules and groups of the instance. Parameters and errors as ovs_apply(). */
int ovs_clear(const struct ovs_target *t, unsigned int instance, const char *bridge, bool dry_run,
	      char **sent, struct err *e);

/* `*text` (to be freed): the instance's rules with their counters, and its groups, as the switch
 * has them now, with the names of ports. */
int ovs_show(const struct ovs_target *t, unsigned int instance, const char *bridge, char **text,
	     struct err *e);

#endif
