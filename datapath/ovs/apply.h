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

/* Takes away all rules and groups of the instance. Parameters and errors as ovs_apply(). */
int ovs_clear(const struct ovs_target *t, unsigned int instance, const char *bridge, bool dry_run,
	      char **sent, struct err *e);

/* `*text` (to be freed): the instance's rules with their counters, and its groups, as the switch
 * has them now, with the names of ports. */
int ovs_show(const struct ovs_target *t, unsigned int instance, const char *bridge, char **text,
	     struct err *e);

#endif
