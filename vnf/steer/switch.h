/*
 * switch.h - what is done in the switch for one instance, bridge by bridge.
 *
 * Keeps nothing between calls and blocks for as long as the switch's tools do: for the
 * steering thread, and for `leatd --offline`.  Texts are written as they come, a line
 * "# bridge NAME" before each bridge's.
 */
#ifndef LEAT_VNF_STEER_SWITCH_H
#define LEAT_VNF_STEER_SWITCH_H

#include <stdio.h>

#include "datapath/ovs/target.h"
#include "vnf/cmdline.h"
#include "vnf/steer/plan.h"

struct steer_switch {
	struct ovs_target target;
	unsigned instance;
	unsigned bfd_ms;		/* of our ports; 0: no BFD */
	const struct options *o;	/* which ports are ours; NULL: none */
};

/* `db` and `rundir` may be NULL: this host's.  0, or a negative errno with `err`. */
int steer_switch_init(struct steer_switch *w, const char *db, const char *rundir, unsigned instance,
		      struct err *err);

/*
 * Makes the ports of a plan exist on their bridges, as far as they are called as ours and are
 * vhost-user ports; others are the operator's.
 */
int steer_switch_ports(const struct steer_switch *w, const struct steer_plan *plan,
		       struct err *err);

/*
 * Makes every bridge hold what the plan asks for, and bridges that it does not name nothing.
 * Writes what was sent, nothing if nothing was missing.  All bridges are asked first whether they
 * can take it, so a refusal leaves each as it was.
 */
int steer_switch_apply(const struct steer_switch *w, const struct steer_plan *plan, bool dry_run,
		       FILE *said, struct err *err);

/* As apply, but looks at the plan's bridges alone and asks no bridge first: for what was lost. */
int steer_switch_restore(const struct steer_switch *w, const struct steer_plan *plan, FILE *said,
			 struct err *err);

/* Writes a line for each difference. */
int steer_switch_check(const struct steer_switch *w, const struct steer_plan *plan, FILE *said,
		       struct err *err);

/* Need no plan: they go where anything of the instance is. */
int steer_switch_clear(const struct steer_switch *w, bool dry_run, FILE *said, struct err *err);
int steer_switch_bypass(const struct steer_switch *w, bool dry_run, FILE *said, struct err *err);
int steer_switch_show(const struct steer_switch *w, const struct steer_plan *plan, FILE *said,
		      struct err *err);

/*
 * *n: how many rules of the instance the plan's bridges hold in all; 0 if one that should have
 * some has none.
 */
int steer_switch_count(const struct steer_switch *w, const struct steer_plan *plan, unsigned *n,
		       struct err *err);

#endif
