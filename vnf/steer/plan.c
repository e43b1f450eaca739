/*
 * plan.c - see plan.h.
 */
#include "vnf/steer/plan.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "vnf/ports.h"

/* --- copies --- */

/* Zeroed memory that goes with the plan; NULL where there is none. */
static void *
keep(struct steer_plan *plan, size_t n, size_t size)
{
	void **more, *v;

	if (plan->n_kept == plan->room_kept) {
		size_t room = plan->room_kept ? 2 * plan->room_kept : 64;

		more = reallocarray(plan->kept, room, sizeof *more);
		if (!more)
			return NULL;
		plan->kept = more;
		plan->room_kept = room;
	}
	v = calloc(n + 1, size);
	if (v)
		plan->kept[plan->n_kept++] = v;
	return v;
}

static const char *
keep_name(struct steer_plan *plan, const char *name)
{
	size_t len = strlen(name);
	char *copy = keep(plan, len, 1);

	return copy ? memcpy(copy, name, len) : NULL;
}

static bool
copy_prefixes(struct steer_plan *plan, const struct policy_prefix *from, size_t n,
	      const struct ovs_prefix **to, unsigned *n_to)
{
	struct ovs_prefix *p = keep(plan, n, sizeof *p);
	size_t i;

	for (i = 0; p && i < n; i++) {
		p[i].v6 = from[i].v6;
		p[i].len = from[i].len;
		memcpy(p[i].addr, from[i].addr.b + (from[i].v6 ? 0 : 12), from[i].v6 ? 16 : 4);
	}
	*to = p;
	*n_to = (unsigned)n;
	return p != NULL;
}

static bool
copy_ranges(struct steer_plan *plan, const struct policy_steer *st, struct ovs_selection *s)
{
	struct ovs_port_range *r = keep(plan, st->n_ports, sizeof *r);
	size_t i;

	for (i = 0; r && i < st->n_ports; i++)
		r[i] = (struct ovs_port_range){ st->ports[i].lo, st->ports[i].hi };
	s->ports = r;
	s->n_ports = (unsigned)st->n_ports;
	return r != NULL;
}

static bool
copy_pairs(struct steer_plan *plan, const struct policy_steer *st, struct ovs_selection *s)
{
	struct ovs_pair *p = keep(plan, st->n_pairs, sizeof *p);
	size_t i;

	for (i = 0; p && i < st->n_pairs; i++) {
		p[i].a = keep_name(plan, st->pairs[i].a);
		p[i].b = keep_name(plan, st->pairs[i].b);
		if (!p[i].a || !p[i].b)
			return false;
	}
	s->pairs = p;
	s->n_pairs = (unsigned)st->n_pairs;
	return p != NULL;
}

/* --- ids of taps --- */

static bool
id_is_attachment(const struct policy_steer *st, size_t n, uint16_t id)
{
	size_t i;

	for (i = 0; i < n; i++)
		if (st[i].attachment == id)
			return true;
	return false;
}

/* The domain of what a tap copies: one for each (client, server, tap), in the order of the file. */
static uint16_t
tap_id(const struct steer_plan *plan, const struct policy_steer *all, size_t n_all,
       const struct policy_steer *st)
{
	uint16_t id = DOMAIN_TAPS;
	unsigned i;

	for (i = 0; i < plan->n; i++) {
		const struct ovs_selection *s = &plan->sel[i];

		if (s->kind != OVS_STEER_COPY)
			continue;
		if (strcmp(s->bridge, st->bridge) == 0 && strcmp(s->client, st->client) == 0 &&
		    strcmp(s->server, st->server) == 0 && strcmp(s->leat_tap, st->tap) == 0)
			return s->tag_id;
		if (s->tag_id >= id)
			id = s->tag_id + 1;
	}
	while (id_is_attachment(all, n_all, id))
		id++;
	return id;
}

/* --- our own ports --- */

static const struct port_option *
own_port(const struct options *o, const char *name)
{
	unsigned i;

	for (i = 0; i < o->n_ports; i++)
		if (strcmp(o->port[i].name, name) == 0)
			return &o->port[i];
	return NULL;
}

/* Ports that are called otherwise are the operator's affair. */
static int
check_pair_port(const struct options *o, const struct policy_steer *st, const char *name,
		struct err *err)
{
	const struct port_option *p = own_port(o, name);

	if (!p)
		return 0;
	if (p->copy)
		return err_set(err, -EINVAL,
			       "selection %s leads through port %s, which was given as a tap: give "
			       "it without \"copy\" and \"mirror\"",
			       st->name, name);
	if (st->attachment && !p->meta)
		return err_set(err, -EINVAL,
			       "selection %s has attachment %u, and port %s does not read the "
			       "tag: give it as --port %s=...,meta",
			       st->name, st->attachment, name, name);
	if (!st->attachment && p->meta)
		return err_set(err, -EINVAL,
			       "selection %s has no attachment, and port %s wants the tag of one: "
			       "say \"attachment N\", or give the port without \"meta\"",
			       st->name, name);
	return 0;
}

static int
check_tap_port(const struct options *o, const struct policy_steer *st, struct err *err)
{
	const struct port_option *p = own_port(o, st->tap);
	bool mirror = st->kind == POLICY_STEER_MIRROR;

	if (!p || (p->copy && p->meta == !mirror))
		return 0;
	return err_set(err, -EINVAL, "selection %s %s to port %s: give it as --port %s=...,%s",
		       st->name, mirror ? "mirrors" : "copies", st->tap, st->tap,
		       mirror ? "mirror" : "copy");
}

static int
check_ports(const struct options *o, const struct policy_steer *st, struct err *err)
{
	size_t i;
	int rc = st->tap ? check_tap_port(o, st, err) : 0;

	for (i = 0; i < st->n_pairs && rc == 0; i++) {
		rc = check_pair_port(o, st, st->pairs[i].a, err);
		if (rc == 0)
			rc = check_pair_port(o, st, st->pairs[i].b, err);
	}
	return rc;
}

/* --- all --- */

static bool
add(struct steer_plan *plan, const struct policy_steer *all, size_t n_all,
    const struct policy_steer *st)
{
	static const enum ovs_steer_kind kinds[] = {
		[POLICY_STEER_INLINE] = OVS_STEER_INLINE,
		[POLICY_STEER_COPY] = OVS_STEER_COPY,
		[POLICY_STEER_MIRROR] = OVS_STEER_MIRROR,
	};
	bool copy = st->kind == POLICY_STEER_COPY;
	struct ovs_selection *s = &plan->sel[plan->n];

	*s = (struct ovs_selection){
		.name = keep_name(plan, st->name),
		.bridge = keep_name(plan, st->bridge),
		.client = keep_name(plan, st->client),
		.server = keep_name(plan, st->server),
		.kind = kinds[st->kind],
		.leat_tap = st->tap ? keep_name(plan, st->tap) : NULL,
		.tag_id = copy ? tap_id(plan, all, n_all, st) : st->attachment,
		.balance = st->balance == POLICY_BALANCE_L3 ? OVS_BALANCE_L3 : OVS_BALANCE_L3L4,
		.sample = st->sample,
		.vlan = st->vlan,
		.next_table = st->next_table ? st->next_table : OVS_NEXT_NORMAL,
		.fail_closed = st->fail_closed,
	};
	if (!s->name || !s->bridge || !s->client || !s->server || (st->tap && !s->leat_tap))
		return false;
	plan->n++;
	return copy_pairs(plan, st, s) && copy_ranges(plan, st, s) &&
	       copy_prefixes(plan, st->from, st->n_from, &s->from, &s->n_from) &&
	       copy_prefixes(plan, st->to, st->n_to, &s->to, &s->n_to);
}

int
steer_plan_new(const struct policy *p, const struct options *o, struct steer_plan **out,
	       struct err *err)
{
	struct steer_plan *plan = calloc(1, sizeof *plan);
	const struct policy_steer *st;
	size_t n, i;
	int rc = 0;

	*out = NULL;
	st = policy_steers(p, &n);
	if (plan)
		plan->sel = calloc(n + 1, sizeof *plan->sel);
	if (!plan || !plan->sel)
		rc = -ENOMEM;
	for (i = 0; i < n && rc == 0; i++) {
		rc = check_ports(o, &st[i], err);
		if (rc == 0 && !add(plan, st, n, &st[i]))
			rc = -ENOMEM;
	}
	if (rc == 0) {
		*out = plan;
		return 0;
	}
	steer_plan_free(plan);
	return rc == -ENOMEM ? err_set(err, rc, "no memory for %zu selections", n) : rc;
}

void
steer_plan_free(struct steer_plan *plan)
{
	size_t i;

	if (!plan)
		return;
	for (i = 0; i < plan->n_kept; i++)
		free(plan->kept[i]);
	free(plan->kept);
	free(plan->sel);
	free(plan);
}

bool
steer_plan_is_first(const struct steer_plan *plan, unsigned i)
{
	unsigned k;

	for (k = 0; k < i; k++)
		if (strcmp(plan->sel[k].bridge, plan->sel[i].bridge) == 0)
			return false;
	return true;
}

bool
steer_plan_has(const struct steer_plan *plan, const char *bridge)
{
	unsigned i;

	for (i = 0; i < plan->n; i++)
		if (strcmp(plan->sel[i].bridge, bridge) == 0)
			return true;
	return false;
}
