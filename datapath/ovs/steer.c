/*
 * steer.c - the rules of the switch that steer selections through Leat, or copy them to it.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "datapath/ovs/render.h"

enum { CHAINS = 4096, MATCH_TEXT = 100, ACTIONS_TEXT = 120 };

/* The actions of one selection's rules at one of its ports. */
struct draft {
	struct render *r;
	const struct ovs_rank *rank;
	enum ovs_tier tier;
	char *actions[3];	/* by enum ovs_part */
};

uint64_t
ovs_cookie(unsigned int instance)
{
	return OVS_COOKIE_LEAT + ((uint64_t)instance << 20);
}

const char *
render_next(int table, char text[RENDER_NEXT])
{
	if (table == OVS_NEXT_NORMAL)
		snprintf(text, RENDER_NEXT, "NORMAL");
	else
		snprintf(text, RENDER_NEXT, "resubmit(,%d)", table);
	return text;
}

void *
render_grown(void *array, unsigned int n, unsigned int *room, size_t size)
{
	if (n < *room)
		return array;
	*room = *room == 0 ? 32 : *room * 2;
	return reallocarray(array, *room, size);
}

static int
no_memory(const struct render *r)
{
	return err_set(r->e, -ENOMEM, "steering bridge %s: out of memory", r->bridge);
}

static unsigned int
chain_of(enum rule_class class, const char *match)
{
	uint32_t h = 2166136261u + class;

	for (; *match != '\0'; match++)
		h = (h ^ (uint8_t)*match) * 16777619u;
	return h % CHAINS;
}

static struct ovs_rule *
find_rule(struct ovs_program *p, enum rule_class class, unsigned int priority, const char *match)
{
	unsigned int i = p->chain[chain_of(class, match)];

	for (; i != 0; i = p->rules[i - 1].next)
		if (p->rules[i - 1].class == class &&
		    (class == RULE_PART || p->rules[i - 1].priority == priority) &&
		    strcmp(p->rules[i - 1].match, match) == 0)
			return &p->rules[i - 1];
	return NULL;
}

static int
contradiction(const struct render *r, const struct ovs_rule *rule, const char *actions)
{
	return err_set(r->e, -EINVAL,
		       "steer %s: '%s' already has '%s', and would need '%s': one port of Leat, or "
		       "one attachment of it, joins one pair of ports",
		       r->at->name, rule->match, rule->actions, actions);
}

int
render_rule(struct render *r, enum rule_class class, unsigned int priority, const char *match,
	    const char *actions)
{
	struct ovs_program *p = r->p;
	struct ovs_rule *rule = find_rule(p, class, priority, match), *rules;
	unsigned int *chain = &p->chain[chain_of(class, match)];

	if (rule != NULL && class == RULE_RETURN && strcmp(rule->actions, actions) != 0)
		return contradiction(r, rule, actions);
	if (rule != NULL)
		return 0;
	if (p->n_rules == OVS_RULES_MAX)
		return err_set(r->e, -E2BIG,
			       "steer %s: more than %d rules: leave the long lists to the policy "
			       "and steer by ports alone",
			       r->at->name, OVS_RULES_MAX);
	rules = render_grown(p->rules, p->n_rules, &p->room_rules, sizeof(*rules));
	if (rules == NULL)
		return no_memory(r);
	p->rules = rules;
	rule = &p->rules[p->n_rules++];
	*rule = (struct ovs_rule){
		.cookie = r->cookie + (class == RULE_RETURN ? OVS_COOKIE_RETURN : 0),
		.priority = priority,
		.class = class,
		.next = *chain,
		.match = strdup(match),
		.actions = strdup(actions),
	};
	*chain = p->n_rules;
	return rule->match == NULL || rule->actions == NULL ? no_memory(r) : 0;
}

int
render_group(struct render *r, uint32_t id, char *text)
{
	struct ovs_program *p = r->p;
	struct ovs_group *groups;

	groups = render_grown(p->groups, p->n_groups, &p->room_groups, sizeof(*groups));
	if (groups == NULL || text == NULL) {
		free(text);
		return no_memory(r);
	}
	p->groups = groups;
	groups[p->n_groups++] = (struct ovs_group){ .id = id, .text = text };
	return 0;
}

uint32_t
render_always(const struct render *r)
{
	return OVS_GROUP_BASE + (r->p->instance << 8);
}

uint32_t
render_contain(const struct render *r)
{
	return render_always(r) + RENDER_GROUPS + 1;
}

uint32_t
render_key(struct render *r)
{
	return (r->p->instance << 16) | ++r->n_keys;
}

int
render_port(struct render *r, const char *name, uint32_t *number)
{
	struct known_port *ports;
	unsigned int i;
	int err;

	for (i = 0; i < r->n_ports; i++)
		if (strcmp(r->ports[i].name, name) == 0) {
			*number = r->ports[i].number;
			return 0;
		}
	err = r->resolve(r->ctx, r->bridge, name, number, r->e);
	if (err != 0)
		return err;
	ports = render_grown(r->ports, r->n_ports, &r->room_ports, sizeof(*ports));
	if (ports == NULL)
		return no_memory(r);
	r->ports = ports;
	ports[r->n_ports++] = (struct known_port){ name, *number };
	return 0;
}

/* The steps of a copy, rendered once for all the rules that make it. */
static int
copy_key(struct render *r, uint32_t vid, uint32_t tap, uint32_t *key)
{
	struct known_copy *copies;
	char actions[ACTIONS_TEXT];
	unsigned int i;

	for (i = 0; i < r->n_copies; i++)
		if (r->copies[i].vid == vid && r->copies[i].tap == tap) {
			*key = r->copies[i].key;
			return 0;
		}
	copies = render_grown(r->copies, r->n_copies, &r->room_copies, sizeof(*copies));
	if (copies == NULL)
		return no_memory(r);
	r->copies = copies;
	*key = render_key(r);
	copies[r->n_copies++] = (struct known_copy){ vid, tap, *key };
	snprintf(actions, sizeof(actions),
		 "push_vlan:0x8100,set_field:%" PRIu32 "->vlan_vid,output:%" PRIu32, vid, tap);
	return tags_contain(r, *key, actions);
}

/* The copies' tag says which attachment and, by OVS_TAP_SERVER, which side a frame came from;
 * 0x1000 says that there is a tag. */
static int
print_copy(struct render *r, const struct ovs_selection *sel, enum ovs_side side, FILE *f)
{
	uint32_t vid = 0x1000u | sel->tag_id | (side == OVS_SERVER ? OVS_TAP_SERVER : 0);
	uint32_t tap = 0, key = 0;
	int err = render_port(r, sel->leat_tap, &tap);

	if (err == 0 && sel->vlan == OVS_VLAN_NONE)
		fprintf(f,
			"clone(push_vlan:0x8100,set_field:%" PRIu32 "->vlan_vid,output:%" PRIu32
			"),",
			vid, tap);
	else if (err == 0 && (err = copy_key(r, vid, tap, &key)) == 0)
		tags_run(r, key, f);
	return err;
}

/* Whether `y` wants a copy of such a packet of `sel` as one of the port's `s` side. */
static bool
wants_copy(const struct render *r, const struct ovs_selection *sel, enum ovs_side side,
	   enum ovs_part part, const struct ovs_selection *y, enum ovs_side s)
{
	return y->kind == OVS_STEER_COPY && strcmp(y->bridge, r->bridge) == 0 &&
	       strcmp(ovs_side_port(y, s), ovs_side_port(sel, side)) == 0 &&
	       ovs_overlap(sel, side, y, s, part);
}

static bool
same_copy(const struct ovs_selection *x, const struct ovs_selection *y)
{
	return x->tag_id == y->tag_id && strcmp(x->leat_tap, y->leat_tap) == 0;
}

/* All the copies that a fragment or an error of `sel` at `side` may be wanted for. */
static int
print_copies(struct render *r, const struct ovs_selection *sel, enum ovs_side side,
	     enum ovs_part part, FILE *f)
{
	unsigned int i, j;
	int s, err = 0;

	for (i = 0; i < r->n && err == 0; i++)
		for (s = OVS_CLIENT; s <= OVS_SERVER && err == 0; s++) {
			if (!wants_copy(r, sel, side, part, &r->sel[i], s))
				continue;
			for (j = 0; j < i; j++)
				if (wants_copy(r, sel, side, part, &r->sel[j], s) &&
				    same_copy(&r->sel[i], &r->sel[j]))
					break;
			if (j == i)
				err = print_copy(r, &r->sel[i], s, f);
		}
	return err;
}

/* What becomes of a packet of `sel` from `side`, its copies aside. */
static int
print_last(struct render *r, const struct ovs_selection *sel, enum ovs_side side,
	   enum ovs_part part, FILE *f)
{
	bool by_ports = part == OVS_PART_FLOW && sel->balance == OVS_BALANCE_L3L4;
	char next[RENDER_NEXT];

	if (sel->kind == OVS_STEER_INLINE)
		return way_actions(r, r->way_of[sel - r->sel], sel, side,
				   by_ports ? BY_L3L4 : BY_L3, f);
	fputs(render_next(sel->next_table, next), f);
	return 0;
}

static int
print_actions(struct render *r, const struct ovs_selection *sel, enum ovs_side side,
	      enum ovs_part part, char **text)
{
	size_t len;
	FILE *f = open_memstream(text, &len);
	int err = 0;

	if (f == NULL)
		return no_memory(r);
	if (part != OVS_PART_FLOW)
		err = print_copies(r, sel, side, part, f);
	else if (sel->kind == OVS_STEER_COPY)
		err = print_copy(r, sel, side, f);
	if (err == 0)
		err = print_last(r, sel, side, part, f);
	return fclose(f) != 0 && err == 0 ? no_memory(r) : err;
}

/* One of `sample` connections does what `*actions` says, the others go on. The residue of a hash
 * that is the same in both directions decides, in a step of its own. */
static int
sampled(struct render *r, const struct ovs_selection *sel, char **actions)
{
	char match[MATCH_TEXT], next[RENDER_NEXT], *cleared, *other;
	uint32_t key = render_key(r);
	int err;

	if (asprintf(&cleared, "%s%s", OVS_CLEAR, *actions) < 0)
		return no_memory(r);
	snprintf(match, sizeof(match), "reg12=0x%" PRIx32 ",reg13=0", key);
	err = render_rule(r, RULE_STEP, OVS_PRIORITY_STEP, match, cleared);
	free(cleared);
	if (err != 0)
		return err;
	if (asprintf(&other, "%s%s", OVS_CLEAR, render_next(sel->next_table, next)) < 0)
		return no_memory(r);
	snprintf(match, sizeof(match), "reg12=0x%" PRIx32, key);
	err = render_rule(r, RULE_STEP, OVS_PRIORITY_STEP_ELSE, match, other);
	free(other);
	if (err != 0)
		return err;
	if (asprintf(&other,
		     "set_field:0x%" PRIx32 "->reg12,multipath(symmetric_l3l4,%d,modulo_n,%u,0,"
		     "NXM_NX_REG13[0..15]),resubmit(,0)",
		     key, RENDER_BASIS_SAMPLE, sel->sample) < 0)
		return no_memory(r);
	free(*actions);
	*actions = other;
	return 0;
}

static int
add_match(void *ctx, enum ovs_part part, const char *match)
{
	struct draft *d = ctx;
	unsigned int priority = OVS_PRIORITY_FLOW + OVS_RANKS - 1 - d->rank->flow;

	if (d->actions[part] == NULL)
		return 0;
	if (part == OVS_PART_FLOW)
		return render_rule(d->r, RULE_FLOW, priority, match, d->actions[part]);
	priority = OVS_PRIORITY_PART + OVS_RANKS * d->tier + OVS_RANKS - 1 - d->rank->part;
	return render_rule(d->r, RULE_PART, priority, match, d->actions[part]);
}

/* The rules of the parts from `first` to `last` at one side. */
static int
render_side(struct render *r, const struct ovs_selection *sel, enum ovs_side side,
	    enum ovs_part first, enum ovs_part last)
{
	unsigned int i = (unsigned int)(sel - r->sel);
	struct draft d = { .r = r, .rank = &r->rank[i], .tier = ovs_tier(sel) };
	uint32_t in_port;
	int part, err;

	err = render_port(r, ovs_side_port(sel, side), &in_port);
	for (part = (int)first; part <= (int)last && err == 0; part++)
		err = print_actions(r, sel, side, part, &d.actions[part]);
	if (err == 0 && d.actions[OVS_PART_FLOW] != NULL && sel->sample > 1)
		err = sampled(r, sel, &d.actions[OVS_PART_FLOW]);
	if (err == 0)
		err = ovs_match_each(sel, side, in_port, add_match, &d, r->e);
	for (part = OVS_PART_FLOW; part <= OVS_PART_ERROR; part++)
		free(d.actions[part]);
	return err;
}

static int
render_copy_ports(struct render *r, const struct ovs_selection *sel)
{
	uint32_t tap;
	int err;

	if (sel->tag_id == 0)
		return err_set(r->e, -EINVAL, "steer %s: a copy's id is 1 to %d", sel->name,
			       OVS_TAG_ID_MAX);
	err = render_port(r, sel->leat_tap, &tap);
	return err != 0 ? err : way_tap(r, tap);
}

static int
render_flows(struct render *r, const struct ovs_selection *sel)
{
	int err;

	if (sel->tag_id > OVS_TAG_ID_MAX)
		return err_set(r->e, -EINVAL, "steer %s: an attachment's id is 1 to %d", sel->name,
			       OVS_TAG_ID_MAX);
	if (sel->sample > OVS_SAMPLE_MAX)
		return err_set(r->e, -EINVAL, "steer %s: a sample is 1 of %d at most", sel->name,
			       OVS_SAMPLE_MAX);
	if (sel->kind == OVS_STEER_INLINE)
		err = way_get(r, sel, &r->way_of[sel - r->sel]);
	else
		err = render_copy_ports(r, sel);
	if (err == 0)
		err = render_side(r, sel, OVS_CLIENT, OVS_PART_FLOW, OVS_PART_FLOW);
	return err != 0 ? err : render_side(r, sel, OVS_SERVER, OVS_PART_FLOW, OVS_PART_FLOW);
}

static int
render_parts(struct render *r, const struct ovs_selection *sel)
{
	int err = render_side(r, sel, OVS_CLIENT, OVS_PART_FRAGMENT, OVS_PART_ERROR);

	return err != 0 ? err : render_side(r, sel, OVS_SERVER, OVS_PART_FRAGMENT, OVS_PART_ERROR);
}

/* Fragments and errors of the highest tier first, so that of equal matches the right one stays. */
static int
render_all(struct render *r)
{
	unsigned int i, pass;
	int err = 0;

	for (pass = 0; pass <= OVS_TIERS; pass++)
		for (i = 0; i < r->n && err == 0; i++) {
			if (r->sel[i].kind == OVS_STEER_MIRROR ||
			    strcmp(r->sel[i].bridge, r->bridge) != 0)
				continue;
			r->at = &r->sel[i];
			r->cookie = ovs_cookie(r->p->instance) + i + 1;
			if (pass == 0)
				err = render_flows(r, r->at);
			else if (ovs_tier(r->at) == OVS_TIERS - pass)
				err = render_parts(r, r->at);
		}
	return err;
}

/* What the last bucket of a group watches has to be live, whatever port is down. */
static int
add_always(struct render *r)
{
	char *text;

	if (asprintf(&text, "group_id=%" PRIu32 ",type=indirect,bucket=bucket_id:1,actions=drop",
		     render_always(r)) < 0)
		text = NULL;
	return render_group(r, render_always(r), text);
}

int
ovs_render(struct ovs_program *p, unsigned int instance, const char *bridge,
	   const struct ovs_selection *sel, unsigned int n, ovs_resolve_fn *resolve, void *ctx,
	   struct err *e)
{
	struct render r = {
		.p = p, .bridge = bridge, .sel = sel, .n = n, .resolve = resolve, .ctx = ctx, .e = e
	};
	int err;

	memset(p, 0, sizeof(*p));
	p->instance = instance;
	if (instance > OVS_INSTANCE_MAX)
		return err_set(e, -EINVAL, "instance %u: the highest is %d", instance,
			       OVS_INSTANCE_MAX);
	r.rank = calloc(n + 1, sizeof(*r.rank));
	r.way_of = calloc(n + 1, sizeof(*r.way_of));
	p->chain = calloc(CHAINS, sizeof(*p->chain));
	if (r.rank == NULL || r.way_of == NULL || p->chain == NULL)
		err = no_memory(&r);
	else
		err = ovs_rank(bridge, sel, n, r.rank, e);
	if (err == 0)
		err = add_always(&r);
	if (err == 0)
		err = render_all(&r);
	if (p->n_groups == 1) {	/* nothing watches it */
		free(p->groups[0].text);
		p->n_groups = 0;
	}
	free(r.rank);
	free(r.way_of);
	free(r.ways);
	free(r.copies);
	free(r.ports);
	return err;
}

void
ovs_program_fini(struct ovs_program *p)
{
	unsigned int i;

	for (i = 0; i < p->n_rules; i++) {
		free(p->rules[i].match);
		free(p->rules[i].actions);
	}
	for (i = 0; i < p->n_groups; i++)
		free(p->groups[i].text);
	free(p->rules);
	free(p->groups);
	free(p->chain);
	memset(p, 0, sizeof(*p));
}

void
ovs_rule_print(const struct ovs_rule *r, FILE *f)
{
	fprintf(f, "cookie=0x%" PRIx64 ",table=0,priority=%u,%s,actions=%s", r->cookie, r->priority,
		r->match, r->actions);
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
