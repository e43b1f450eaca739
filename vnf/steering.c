/*
 * steering.c - see steering.h.
 */
#include "vnf/steering.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "datapath/ovs/apply.h"
#include "datapath/ovs/ports.h"
#include "vnf/ports.h"

/* Of the switch's ports: room for the metadata tag and the user's own tags. */
enum { MTU_DEFAULT = 1500, TAGS_ROOM = 100 };

/* The selections of a policy as datapath/ovs wants them, and their lists. */
struct selections {
	struct ovs_selection *v;
	size_t n;
};

int
steering_init(struct steering *s, const struct options *o, struct err *err)
{
	int rc;

	*s = (struct steering){ .o = o, .keep = o->steer };
	rc = ovs_target_init(&s->target, o->ovs_db, err);
	if (rc != 0 || !o->ovs_rundir)
		return rc;
	if (strlen(o->ovs_rundir) >= sizeof s->target.rundir)
		return err_set(err, -ENAMETOOLONG, "--ovs-rundir %s: too long", o->ovs_rundir);
	strcpy(s->target.rundir, o->ovs_rundir);
	return 0;
}

static void
selections_free(struct selections *all)
{
	size_t i;

	for (i = 0; i < all->n; i++) {
		free((void *)(uintptr_t)all->v[i].pairs);
		free((void *)(uintptr_t)all->v[i].ports);
		free((void *)(uintptr_t)all->v[i].from);
		free((void *)(uintptr_t)all->v[i].to);
	}
	free(all->v);
	*all = (struct selections){ 0 };
}

static struct ovs_prefix *
prefixes(const struct policy_prefix *from, size_t n)
{
	struct ovs_prefix *p = calloc(n + 1, sizeof *p);
	size_t i;

	for (i = 0; p && i < n; i++) {
		p[i].v6 = from[i].v6;
		p[i].len = from[i].len;
		memcpy(p[i].addr, from[i].addr.b + (from[i].v6 ? 0 : 12), from[i].v6 ? 16 : 4);
	}
	return p;
}

static struct ovs_port_range *
ranges(const struct policy_ports *from, size_t n)
{
	struct ovs_port_range *r = calloc(n + 1, sizeof *r);
	size_t i;

	for (i = 0; r && i < n; i++)
		r[i] = (struct ovs_port_range){ from[i].lo, from[i].hi };
	return r;
}

/* The tap's attachment id: one for each (client, server, tap), in the order of the file. */
static uint16_t
tap_id(const struct selections *all, const struct policy_steer *st)
{
	uint16_t id = DOMAIN_TAPS;
	size_t i;

	for (i = 0; i < all->n; i++) {
		const struct ovs_selection *s = &all->v[i];

		if (s->kind != OVS_STEER_COPY)
			continue;
		if (strcmp(s->client, st->client) == 0 && strcmp(s->server, st->server) == 0 &&
		    strcmp(s->leat_tap, st->leat[0]) == 0)
			return s->tag_id;
		if (s->tag_id >= id)
			id = s->tag_id + 1;
	}
	return id;
}

static bool
add(struct selections *all, const struct policy_steer *st)
{
	bool copy = st->kind == POLICY_STEER_COPY;
	struct ovs_pair *pair = calloc(1, sizeof *pair);
	struct ovs_selection s = {
		.name = st->name,
		.bridge = st->bridge,
		.client = st->client,
		.server = st->server,
		.kind = copy ? OVS_STEER_COPY : OVS_STEER_INLINE,
		.pairs = pair,
		.n_pairs = copy ? 0 : 1,
		.leat_tap = copy ? st->leat[0] : NULL,
		.tag_id = copy ? tap_id(all, st) : 0,
		.ports = ranges(st->ports, st->n_ports),
		.n_ports = (unsigned)st->n_ports,
		.from = prefixes(st->from, st->n_from),
		.n_from = (unsigned)st->n_from,
		.to = prefixes(st->to, st->n_to),
		.n_to = (unsigned)st->n_to,
		.vlan = st->vlan,
		.next_table = st->next_table ? st->next_table : OVS_NEXT_NORMAL,
		.fail_closed = st->fail_closed,
	};

	if (pair && !copy)
		*pair = (struct ovs_pair){ st->leat[0], st->leat[1] };
	all->v[all->n++] = s;
	return s.pairs && s.ports && s.from && s.to;
}

static int
selections_of(const struct policy *p, struct selections *all, struct err *err)
{
	const struct policy_steer *st;
	size_t n, i;

	st = policy_steers(p, &n);
	*all = (struct selections){ .v = calloc(n + 1, sizeof *all->v) };
	for (i = 0; all->v && i < n; i++) {
		if (!add(all, &st[i]))
			break;
	}
	if (all->v && i == n)
		return 0;
	selections_free(all);
	return err_set(err, -ENOMEM, "no memory for %zu selections", n);
}

/* Is bridge i the first of its name? */
static bool
is_first(const struct selections *all, size_t i)
{
	size_t k;

	for (k = 0; k < i; k++)
		if (strcmp(all->v[k].bridge, all->v[i].bridge) == 0)
			return false;
	return true;
}

typedef int bridge_fn(struct steering *s, const char *bridge, const struct selections *all,
		      char **text, struct err *err);

/* Adds our port of this name, unless it is in the list, or is not a vhost-user port of ours. */
static void
add_port(const struct options *o, const char *name, struct ovs_leat_port *list, unsigned *n)
{
	static const char vhost[] = "vhost:";
	unsigned i;

	for (i = 0; name && i < *n; i++)
		if (strcmp(list[i].name, name) == 0)
			return;
	for (i = 0; name && i < o->n_ports && *n < OVS_LEAT_PORTS_MAX; i++) {
		const struct port_option *p = &o->port[i];

		if (strcmp(p->name, name) != 0 || strncmp(p->spec, vhost, sizeof vhost - 1) != 0)
			continue;
		list[(*n)++] = (struct ovs_leat_port){
			.name = name,
			.socket = p->spec + sizeof vhost - 1,
			.mtu = (p->mtu ? p->mtu : MTU_DEFAULT) + TAGS_ROOM,
			.is_tap = p->copy,
		};
	}
}

static int
ensure_ports(struct steering *s, const char *bridge, const struct selections *all, char **text,
	     struct err *err)
{
	struct ovs_leat_port list[OVS_LEAT_PORTS_MAX];
	unsigned n = 0;
	size_t i;

	*text = NULL;
	for (i = 0; i < all->n; i++) {
		const struct ovs_selection *v = &all->v[i];

		if (strcmp(v->bridge, bridge) != 0)
			continue;
		if (v->n_pairs) {
			add_port(s->o, v->pairs[0].a, list, &n);
			add_port(s->o, v->pairs[0].b, list, &n);
		}
		add_port(s->o, v->leat_tap, list, &n);
	}
	return n ? ovs_ports_ensure(&s->target, bridge, list, n, err) : 0;
}

static int
apply_one(struct steering *s, const char *bridge, const struct selections *all, char **text,
	  struct err *err)
{
	int rc = ensure_ports(s, bridge, all, text, err);

	if (rc != 0)
		return rc;
	return ovs_apply(&s->target, s->o->instance, bridge, all->v, (unsigned)all->n, false, text,
			 err);
}

static int
clear_one(struct steering *s, const char *bridge, const struct selections *all, char **text,
	  struct err *err)
{
	(void)all;
	return ovs_clear(&s->target, s->o->instance, bridge, false, text, err);
}

static int
show_one(struct steering *s, const char *bridge, const struct selections *all, char **text,
	 struct err *err)
{
	(void)all;
	return ovs_show(&s->target, s->o->instance, bridge, text, err);
}

/* Calls `fn` for every bridge, and joins the texts. */
static int
each_bridge(struct steering *s, const struct policy *p, bridge_fn *fn, bool titled, char **said,
	    struct err *err)
{
	struct selections all;
	char *joined = NULL;
	size_t size, i;
	FILE *f;
	int rc = selections_of(p, &all, err);

	if (said)
		*said = NULL;
	if (rc != 0)
		return rc;
	f = open_memstream(&joined, &size);
	for (i = 0; f && i < all.n && rc == 0; i++) {
		char *text = NULL;

		if (!is_first(&all, i))
			continue;
		rc = fn(s, all.v[i].bridge, &all, &text, err);
		if (titled && rc == 0)
			fprintf(f, "# bridge %s\n", all.v[i].bridge);
		if (text)
			fputs(text, f);
		free(text);
	}
	if (f)
		fclose(f);
	selections_free(&all);
	if (said && rc == 0)
		*said = joined;
	else
		free(joined);
	return rc;
}

int
steering_ensure_ports(struct steering *s, const struct policy *p, struct err *err)
{
	return each_bridge(s, p, ensure_ports, false, NULL, err);
}

int
steering_apply(struct steering *s, const struct policy *p, char **said, struct err *err)
{
	return each_bridge(s, p, apply_one, false, said, err);
}

int
steering_clear(struct steering *s, const struct policy *p, struct err *err)
{
	return each_bridge(s, p, clear_one, false, NULL, err);
}

int
steering_show(struct steering *s, const struct policy *p, char **text, struct err *err)
{
	return each_bridge(s, p, show_one, true, text, err);
}
