/*
 * switch.c - see switch.h.
 */
#include "vnf/steer/switch.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "datapath/ovs/apply.h"
#include "datapath/ovs/ports.h"

/* Of the switch's ports: room for the metadata tag and the user's own tags. */
enum { MTU_DEFAULT = 1500, TAGS_ROOM = 100 };

int
steer_switch_init(struct steer_switch *w, const char *db, const char *rundir, unsigned instance,
		  struct err *err)
{
	int rc;

	*w = (struct steer_switch){ .instance = instance };
	rc = ovs_target_init(&w->target, db, err);
	if (rc != 0 || !rundir || !*rundir)
		return rc;
	if (strlen(rundir) >= sizeof w->target.rundir)
		return err_set(err, -ENAMETOOLONG, "--ovs-rundir %s: too long", rundir);
	strcpy(w->target.rundir, rundir);
	return 0;
}

/* --- ports --- */

struct port_list {
	struct ovs_leat_port v[OVS_LEAT_PORTS_MAX];
	unsigned n;
};

/* Adds our port of this name, unless it is in the list, or is not a vhost-user port of ours. */
static int
add_port(const struct steer_switch *w, const char *name, struct port_list *list, struct err *err)
{
	static const char vhost[] = "vhost:";
	const struct options *o = w->o;
	unsigned i;

	for (i = 0; i < list->n; i++)
		if (strcmp(list->v[i].name, name) == 0)
			return 0;
	for (i = 0; o && i < o->n_ports; i++) {
		const struct port_option *p = &o->port[i];

		if (strcmp(p->name, name) != 0 || strncmp(p->spec, vhost, sizeof vhost - 1) != 0)
			continue;
		if (list->n == OVS_LEAT_PORTS_MAX)
			return err_set(err, -E2BIG, "more than %d ports of Leat on one bridge",
				       OVS_LEAT_PORTS_MAX);
		list->v[list->n++] = (struct ovs_leat_port){
			.name = name,
			.socket = p->spec + sizeof vhost - 1,
			.mtu = (p->mtu ? p->mtu : MTU_DEFAULT) + TAGS_ROOM,
			.is_tap = p->copy,
			.bfd_ms = p->copy ? 0 : w->bfd_ms,
		};
	}
	return 0;
}

static int
ports_of(const struct steer_switch *w, const struct ovs_selection *s, struct port_list *list,
	 struct err *err)
{
	unsigned i;
	int rc = s->leat_tap ? add_port(w, s->leat_tap, list, err) : 0;

	for (i = 0; i < s->n_pairs && rc == 0; i++) {
		rc = add_port(w, s->pairs[i].a, list, err);
		if (rc == 0)
			rc = add_port(w, s->pairs[i].b, list, err);
	}
	return rc;
}

static int
bridge_ports(const struct steer_switch *w, const struct steer_plan *plan, const char *bridge,
	     struct err *err)
{
	struct port_list list = { .n = 0 };
	unsigned i;
	int rc = 0;

	for (i = 0; i < plan->n && rc == 0; i++)
		if (strcmp(plan->sel[i].bridge, bridge) == 0)
			rc = ports_of(w, &plan->sel[i], &list, err);
	if (rc != 0 || list.n == 0)
		return rc;
	return ovs_ports_ensure(&w->target, bridge, list.v, list.n, err);
}

int
steer_switch_ports(const struct steer_switch *w, const struct steer_plan *plan, struct err *err)
{
	unsigned i;
	int rc = 0;

	for (i = 0; i < plan->n && rc == 0; i++)
		if (steer_plan_is_first(plan, i))
			rc = bridge_ports(w, plan, plan->sel[i].bridge, err);
	return rc;
}

/* --- bridge by bridge --- */

/* What is done with one; writes *text, to be freed. */
typedef int bridge_fn(const struct steer_switch *w, const struct steer_plan *plan,
		      const char *bridge, bool dry_run, char **text, struct err *err);

static int
one_bridge(const struct steer_switch *w, const struct steer_plan *plan, const char *bridge,
	   bridge_fn *fn, bool dry_run, FILE *said, struct err *err)
{
	char *text = NULL;
	int rc = fn(w, plan, bridge, dry_run, &text, err);

	if (rc == 0 && said && text && *text)
		fprintf(said, "# bridge %s\n%s", bridge, text);
	free(text);
	return rc;
}

/* The plan's bridges first, then others that hold something of ours; `plan` may be NULL. */
static int
each_bridge(const struct steer_switch *w, const struct steer_plan *plan, bridge_fn *fn,
	    bool dry_run, FILE *said, struct err *err)
{
	char *names = NULL, *name, *save;
	unsigned i;
	int rc = ovs_bridges(&w->target, w->instance, &names, err);

	for (i = 0; plan && i < plan->n && rc == 0; i++)
		if (steer_plan_is_first(plan, i))
			rc = one_bridge(w, plan, plan->sel[i].bridge, fn, dry_run, said, err);
	if (rc == 0)
		for (name = strtok_r(names, "\n", &save); name && rc == 0;
		     name = strtok_r(NULL, "\n", &save))
			if (!plan || !steer_plan_has(plan, name))
				rc = one_bridge(w, plan, name, fn, dry_run, said, err);
	free(names);
	return rc;
}

static int
do_apply(const struct steer_switch *w, const struct steer_plan *plan, const char *bridge,
	 bool dry_run, char **text, struct err *err)
{
	return ovs_apply(&w->target, w->instance, bridge, plan->sel, plan->n, dry_run, text, err);
}

static int
do_check(const struct steer_switch *w, const struct steer_plan *plan, const char *bridge,
	 bool dry_run, char **text, struct err *err)
{
	(void)dry_run;
	return ovs_check(&w->target, w->instance, bridge, plan->sel, plan->n, text, err);
}

static int
do_clear(const struct steer_switch *w, const struct steer_plan *plan, const char *bridge,
	 bool dry_run, char **text, struct err *err)
{
	(void)plan;
	return ovs_clear(&w->target, w->instance, bridge, dry_run, text, err);
}

static int
do_bypass(const struct steer_switch *w, const struct steer_plan *plan, const char *bridge,
	  bool dry_run, char **text, struct err *err)
{
	(void)plan;
	return ovs_bypass(&w->target, w->instance, bridge, dry_run, text, err);
}

static int
do_show(const struct steer_switch *w, const struct steer_plan *plan, const char *bridge,
	bool dry_run, char **text, struct err *err)
{
	(void)plan;
	(void)dry_run;
	return ovs_show(&w->target, w->instance, bridge, text, err);
}

/* --- all --- */

static bool
several_bridges(const struct steer_plan *plan)
{
	unsigned i;

	for (i = 1; i < plan->n; i++)
		if (steer_plan_is_first(plan, i))
			return true;
	return false;
}

int
steer_switch_apply(const struct steer_switch *w, const struct steer_plan *plan, bool dry_run,
		   FILE *said, struct err *err)
{
	int rc = dry_run ? 0 : steer_switch_ports(w, plan, err);

	/* One bridge takes all or nothing by itself. */
	if (rc == 0 && !dry_run && several_bridges(plan))
		rc = each_bridge(w, plan, do_apply, true, NULL, err);
	return rc == 0 ? each_bridge(w, plan, do_apply, dry_run, said, err) : rc;
}

int
steer_switch_restore(const struct steer_switch *w, const struct steer_plan *plan, FILE *said,
		     struct err *err)
{
	unsigned i;
	int rc = steer_switch_ports(w, plan, err);

	for (i = 0; i < plan->n && rc == 0; i++)
		if (steer_plan_is_first(plan, i))
			rc = one_bridge(w, plan, plan->sel[i].bridge, do_apply, false, said, err);
	return rc;
}

int
steer_switch_check(const struct steer_switch *w, const struct steer_plan *plan, FILE *said,
		   struct err *err)
{
	return each_bridge(w, plan, do_check, true, said, err);
}

int
steer_switch_clear(const struct steer_switch *w, bool dry_run, FILE *said, struct err *err)
{
	return each_bridge(w, NULL, do_clear, dry_run, said, err);
}

int
steer_switch_bypass(const struct steer_switch *w, bool dry_run, FILE *said, struct err *err)
{
	return each_bridge(w, NULL, do_bypass, dry_run, said, err);
}

int
steer_switch_show(const struct steer_switch *w, const struct steer_plan *plan, FILE *said,
		  struct err *err)
{
	return each_bridge(w, plan, do_show, true, said, err);
}

/* Mirrors are in the switch's database, which it keeps. */
static bool
wants_rules(const struct steer_plan *plan, const char *bridge)
{
	unsigned i;

	for (i = 0; i < plan->n; i++)
		if (plan->sel[i].kind != OVS_STEER_MIRROR &&
		    strcmp(plan->sel[i].bridge, bridge) == 0)
			return true;
	return false;
}

int
steer_switch_count(const struct steer_switch *w, const struct steer_plan *plan, unsigned *n,
		   struct err *err)
{
	unsigned i, has, sum = 0;
	int rc;

	*n = 0;
	for (i = 0; i < plan->n; i++) {
		if (!steer_plan_is_first(plan, i) || !wants_rules(plan, plan->sel[i].bridge))
			continue;
		rc = ovs_present(&w->target, w->instance, plan->sel[i].bridge, &has, err);
		if (rc != 0 || has == 0)
			return rc;
		sum += has;
	}
	*n = sum;
	return 0;
}
