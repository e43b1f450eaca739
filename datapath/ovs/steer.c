/*
 * steer.c - the rules of the switch that steer selections through Leat.
 *
 * A way through Leat is four fast-failover groups, two a side, because the watches of one bucket
 * are an OR: the outer group is live while Leat's near port is, the inner while the far one is, and
 * either one lost leads to the second bucket, which is the way without Leat.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "datapath/ovs/match.h"
#include "datapath/ovs/steer.h"

enum { GROUPS_A_WAY = 4, GROUPS_MAX = 255, ACTION_TEXT = 120, NEXT_TEXT = 32 };

/* Port numbers and NEXT of a selection: what a way through Leat is made of. */
struct way {
	uint32_t client, server, a, b;
	int next_table;
	bool fail_closed;
};

struct render {
	struct ovs_program *p;
	const char *bridge;
	ovs_resolve_fn *resolve;
	void *ctx;
	struct err *e;
	struct way ways[GROUPS_MAX / GROUPS_A_WAY];
	unsigned int n_ways;
};

/* One rule on its way into the program. */
struct draft {
	struct render *r;
	const struct ovs_selection *sel;
	uint64_t cookie;
	const char *copy, *last;
};

uint64_t
ovs_cookie(unsigned int instance)
{
	return OVS_COOKIE_LEAT + ((uint64_t)instance << 20);
}

static const char *
next_text(int table, char text[NEXT_TEXT])
{
	if (table == OVS_NEXT_NORMAL)
		snprintf(text, NEXT_TEXT, "NORMAL");
	else
		snprintf(text, NEXT_TEXT, "resubmit(,%d)", table);
	return text;
}

static void *
grown(void *array, unsigned int n, unsigned int *room, size_t size)
{
	if (n < *room)
		return array;
	*room = *room == 0 ? 32 : *room * 2;
	return reallocarray(array, *room, size);
}

static struct ovs_rule *
find_rule(struct ovs_program *p, unsigned int priority, const char *match)
{
	unsigned int i;

	for (i = 0; i < p->n_rules; i++)
		if (p->rules[i].priority == priority && strcmp(p->rules[i].match, match) == 0)
			return &p->rules[i];
	return NULL;
}

static int
add_copy(struct ovs_rule *rule, const char *copy)
{
	char *both;

	if (copy[0] == '\0' || strstr(rule->copies, copy) != NULL)
		return 0;
	if (asprintf(&both, "%s%s", rule->copies, copy) < 0)
		return -ENOMEM;
	free(rule->copies);
	rule->copies = both;
	return 0;
}

/* Two selections have the same match: see ovs_render(). A way through Leat is a group. */
static int
merge(struct draft *d, struct ovs_rule *rule)
{
	bool is_way = strncmp(d->last, "group:", 6) == 0;
	bool was_way = strncmp(rule->last, "group:", 6) == 0;
	char *last;

	if (add_copy(rule, d->copy) != 0)
		return err_set(d->r->e, -ENOMEM, "steer %s: out of memory", d->sel->name);
	if (strcmp(d->last, rule->last) == 0)
		return 0;
	if (rule->is_return)
		return err_set(d->r->e, -EINVAL,
			       "steer %s: '%s' already has '%s', and would need "
			       "'%s': one port of Leat joins one pair of ports",
			       d->sel->name, rule->match, rule->last, d->last);
	if (!is_way || (was_way && !(d->sel->fail_closed && !rule->fail_closed)))
		return 0;
	last = strdup(d->last);
	if (last == NULL)
		return err_set(d->r->e, -ENOMEM, "steer %s: out of memory", d->sel->name);
	free(rule->last);
	rule->last = last;
	rule->fail_closed = d->sel->fail_closed;
	return 0;
}

static int
add_rule(void *ctx, unsigned int priority, const char *match)
{
	struct draft *d = ctx;
	struct ovs_program *p = d->r->p;
	struct ovs_rule *rule = find_rule(p, priority, match), *rules;

	if (rule != NULL)
		return merge(d, rule);
	if (p->n_rules == OVS_RULES_MAX)
		return err_set(d->r->e, -E2BIG,
			       "steer %s: more than %d rules: leave the long lists "
			       "to the policy and steer by ports alone",
			       d->sel->name, OVS_RULES_MAX);
	rules = grown(p->rules, p->n_rules, &p->room_rules, sizeof(*rules));
	if (rules == NULL)
		return err_set(d->r->e, -ENOMEM, "steer %s: out of memory", d->sel->name);
	p->rules = rules;
	rule = &p->rules[p->n_rules++];
	*rule = (struct ovs_rule){
		.cookie = d->cookie + (priority == OVS_PRIORITY_RETURN ? OVS_COOKIE_RETURN : 0),
		.priority = priority,
		.is_return = priority == OVS_PRIORITY_RETURN,
		.fail_closed = d->sel->fail_closed,
		.match = strdup(match),
		.copies = strdup(d->copy),
		.last = strdup(d->last),
	};
	if (rule->match == NULL || rule->copies == NULL || rule->last == NULL)
		return err_set(d->r->e, -ENOMEM, "steer %s: out of memory", d->sel->name);
	return 0;
}

/* `id`'s first bucket leads to `through` while `watched` is live, its second to NEXT. */
static int
add_group(struct render *r, const struct way *way, uint32_t id, uint32_t watched,
	  const char *through, uint32_t entry)
{
	char next[NEXT_TEXT], bypass[ACTION_TEXT] = "";
	struct ovs_program *p = r->p;
	struct ovs_group *groups;

	groups = grown(p->groups, p->n_groups, &p->room_groups, sizeof(*groups));
	if (groups == NULL)
		return err_set(r->e, -ENOMEM, "steering bridge %s: out of memory", r->bridge);
	p->groups = groups;
	/* The port a packet came by is up, or it would not have come: always live. */
	if (!way->fail_closed)
		snprintf(bypass, sizeof(bypass), ",bucket=bucket_id:2,watch_port:%u,actions=%s",
			 entry, next_text(way->next_table, next));
	groups[p->n_groups].id = id;
	if (asprintf(&groups[p->n_groups].text,
		     "group_id=%u,type=ff,bucket=bucket_id:1,watch_port:%u,actions=%s%s", id,
		     watched, through, bypass) < 0)
		return err_set(r->e, -ENOMEM, "steering bridge %s: out of memory", r->bridge);
	p->n_groups++;
	return 0;
}

/* The inner group first: the outer one names it. */
static int
add_side(struct render *r, const struct way *w, uint32_t outer, uint32_t near, uint32_t far,
	 uint32_t entry)
{
	char through[ACTION_TEXT];
	int err;

	snprintf(through, sizeof(through), "output:%u", near);
	err = add_group(r, w, outer + 1, far, through, entry);
	if (err != 0)
		return err;
	snprintf(through, sizeof(through), "group:%u", outer + 1);
	return add_group(r, w, outer, near, through, entry);
}

/* The id of the way's first group; ways that are alike share theirs. */
static int
way_groups(struct render *r, const struct way *way, uint32_t *id)
{
	uint32_t base = OVS_GROUP_BASE + (r->p->instance << 8) + 1;
	unsigned int i;
	int err;

	for (i = 0; i < r->n_ways; i++) {
		*id = base + i * GROUPS_A_WAY;
		if (r->ways[i].client == way->client && r->ways[i].server == way->server &&
		    r->ways[i].a == way->a && r->ways[i].b == way->b &&
		    r->ways[i].next_table == way->next_table &&
		    r->ways[i].fail_closed == way->fail_closed)
			return 0;
	}
	if (r->n_ways == GROUPS_MAX / GROUPS_A_WAY)
		return err_set(r->e, -E2BIG,
			       "steering bridge %s: more than %d different ways through "
			       "Leat",
			       r->bridge, GROUPS_MAX / GROUPS_A_WAY);
	*id = base + r->n_ways * GROUPS_A_WAY;
	err = add_side(r, way, *id, way->a, way->b, way->client);
	if (err == 0)
		err = add_side(r, way, *id + 2, way->b, way->a, way->server);
	r->ways[r->n_ways++] = *way;
	return err;
}

/* What leaves Leat goes on as if it had come by the real port, so that MACs are learned there. */
static int
add_return(const struct draft *d, uint32_t from, uint32_t as_if, int next_table)
{
	char match[32], last[ACTION_TEXT], next[NEXT_TEXT];
	struct draft back = *d;

	snprintf(match, sizeof(match), "in_port=%u", from);
	snprintf(last, sizeof(last), "set_field:%u->in_port,%s", as_if,
		 next_text(next_table, next));
	back.copy = "";
	back.last = last;
	return add_rule(&back, OVS_PRIORITY_RETURN, match);
}

static int
resolve(struct render *r, const char *port, uint32_t *number)
{
	return r->resolve(r->ctx, r->bridge, port, number, r->e);
}

static int
render_inline(const struct draft *d)
{
	const struct ovs_selection *sel = d->sel;
	struct way w = { .next_table = sel->next_table, .fail_closed = sel->fail_closed };
	struct render *r = d->r;
	struct draft there = *d;
	char last[ACTION_TEXT];
	uint32_t id;
	int err;

	if (sel->n_pairs != 1)
		return err_set(r->e, -EINVAL, "steer %s: one pair of Leat's ports is needed",
			       sel->name);
	if ((err = resolve(r, sel->client, &w.client)) != 0 ||
	    (err = resolve(r, sel->server, &w.server)) != 0 ||
	    (err = resolve(r, sel->pairs[0].a, &w.a)) != 0 ||
	    (err = resolve(r, sel->pairs[0].b, &w.b)) != 0 || (err = way_groups(r, &w, &id)) != 0 ||
	    (err = add_return(d, w.a, w.server, w.next_table)) != 0 ||
	    (err = add_return(d, w.b, w.client, w.next_table)) != 0)
		return err;
	there.copy = "";
	there.last = last;
	snprintf(last, sizeof(last), "group:%u", id);
	err = ovs_match_each(sel, OVS_CLIENT, w.client, add_rule, &there, r->e);
	if (err != 0)
		return err;
	snprintf(last, sizeof(last), "group:%u", id + 2);
	return ovs_match_each(sel, OVS_SERVER, w.server, add_rule, &there, r->e);
}

static int
render_copy(const struct draft *d)
{
	static const char clone[] = "clone(push_vlan:0x8100,set_field:%u->vlan_vid,output:%u),";
	const struct ovs_selection *sel = d->sel;
	char match[32], copy[ACTION_TEXT], next[NEXT_TEXT];
	uint32_t client, server, tap;
	struct render *r = d->r;
	struct draft there = *d;
	int err;

	if (sel->tag_id == 0 || sel->tag_id > OVS_TAG_ID_MAX)
		return err_set(r->e, -EINVAL, "steer %s: a copy's id is 1 to %d", sel->name,
			       OVS_TAG_ID_MAX);
	if ((err = resolve(r, sel->client, &client)) != 0 ||
	    (err = resolve(r, sel->server, &server)) != 0 ||
	    (err = resolve(r, sel->leat_tap, &tap)) != 0)
		return err;
	/* Nothing comes from the tap; if it did, it would go no further. */
	snprintf(match, sizeof(match), "in_port=%u", tap);
	there.copy = "";
	there.last = "drop";
	if ((err = add_rule(&there, OVS_PRIORITY_RETURN, match)) != 0)
		return err;
	there.copy = copy;
	there.last = next_text(sel->next_table, next);
	/* 0x1000 says that there is a tag. */
	snprintf(copy, sizeof(copy), clone, 0x1000u | sel->tag_id, tap);
	if ((err = ovs_match_each(sel, OVS_CLIENT, client, add_rule, &there, r->e)) != 0)
		return err;
	snprintf(copy, sizeof(copy), clone, 0x1000u | OVS_TAP_SERVER | sel->tag_id, tap);
	return ovs_match_each(sel, OVS_SERVER, server, add_rule, &there, r->e);
}

int
ovs_render(struct ovs_program *p, unsigned int instance, const char *bridge,
	   const struct ovs_selection *sel, unsigned int n, ovs_resolve_fn *resolve_fn, void *ctx,
	   struct err *e)
{
	struct render r = { .p = p, .bridge = bridge, .resolve = resolve_fn, .ctx = ctx, .e = e };
	struct draft d = { .r = &r };
	unsigned int i;
	int err = 0;

	memset(p, 0, sizeof(*p));
	p->instance = instance;
	if (instance > OVS_INSTANCE_MAX)
		return err_set(e, -EINVAL, "instance %u: the highest is %d", instance,
			       OVS_INSTANCE_MAX);
	for (i = 0; i < n && err == 0; i++) {
		if (strcmp(sel[i].bridge, bridge) != 0)
			continue;
		d.sel = &sel[i];
		d.cookie = ovs_cookie(instance) + i + 1;
		if (sel[i].kind == OVS_STEER_MIRROR || sel[i].n_pairs > 1 || sel[i].sample > 1 ||
		    (sel[i].kind == OVS_STEER_INLINE && sel[i].tag_id != 0))
			return err_set(e, -ENOTSUP, "steer %s: this is not supported yet",
				       sel[i].name);
		err = sel[i].kind == OVS_STEER_COPY ? render_copy(&d) : render_inline(&d);
	}
	return err;
}

void
ovs_program_fini(struct ovs_program *p)
{
	unsigned int i;

	for (i = 0; i < p->n_rules; i++) {
		free(p->rules[i].match);
		free(p->rules[i].copies);
		free(p->rules[i].last);
	}
	for (i = 0; i < p->n_groups; i++)
		free(p->groups[i].text);
	free(p->rules);
	free(p->groups);
	memset(p, 0, sizeof(*p));
}

void
ovs_rule_print(const struct ovs_rule *r, FILE *f)
{
	fprintf(f, "cookie=0x%" PRIx64 ",table=0,priority=%u,%s,actions=%s%s", r->cookie,
		r->priority, r->match, r->copies, r->last);
}

void
ovs_program_print(const struct ovs_program *p, FILE *f)
{
	unsigned int i;

	for (i = 0; i < p->n_groups; i++)
		fprintf(f, "group add_or_mod %s\n", p->groups[i].text);
	for (i = 0; i < p->n_rules; i++) {
		fprintf(f, "flow add ");
		ovs_rule_print(&p->rules[i], f);
		fputc('\n', f);
	}
}
