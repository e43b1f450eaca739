/*
 * way.c - ways through Leat: groups that are live while Leat is, and the way back.
 *
 * One pair: four fast-failover groups, two a side, because the watches of one bucket are an OR:
 * the outer group is live while Leat's near port is, the inner while the far one is, and either
 * one lost leads to the second bucket, which is the way without Leat.
 *
 * Several pairs: bundle_load chooses among the a ports that are live, and, by the same hash and
 * order, among the b ports that are live.  Both name the same pair unless one of its ports is down.
 *  So step one tries the first choice if its b port is live too, step two the second if its a port
 * is; what is left goes without Leat.  Which of a pair's ports is down makes no difference to the
 * direction a packet goes in, so both directions of a connection choose alike.
 *
 * The attachment's tag is pushed in the bucket that leads to Leat, so that what goes without Leat
 * is never touched.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "datapath/ovs/render.h"

enum {
	GROUPS_A_PAIR = 4,
	ACTIONS_TEXT = 160,
	MATCH_TEXT = 100,
	CHOSEN_TEXT = 60,
	NONE_LIVE = 0xffff
};

/* What a packet does that does not go through Leat; "" if it is dropped. */
static const char *
without_leat(const struct way *w, char text[ACTIONS_TEXT])
{
	char next[RENDER_NEXT];

	if (w->fail_closed)
		text[0] = '\0';
	else
		snprintf(text, ACTIONS_TEXT, "%s%s", w->tagged || w->n > 1 ? OVS_CLEAR : "",
			 render_next(w->next_table, next));
	return text;
}

static const char *
output(const struct way *w, uint32_t port, char text[ACTIONS_TEXT])
{
	snprintf(text, ACTIONS_TEXT, "%soutput:%" PRIu32,
		 w->tagged ? "push_vlan:0x8100,move:NXM_NX_REG15[0..11]->OXM_OF_VLAN_VID[]," : "",
		 port);
	return text;
}

/* `id`'s first bucket leads to `through` while `watched` is live, its second to `otherwise`, if
 * that is anything. */
static int
add_group(struct render *r, uint32_t id, uint32_t watched, const char *through,
	  const char *otherwise)
{
	char second[ACTIONS_TEXT + 80] = "", *text;

	if (otherwise[0] != '\0')
		snprintf(second, sizeof(second),
			 ",bucket=bucket_id:2,watch_group:%" PRIu32 ",actions=%s", render_always(r),
			 otherwise);
	if (asprintf(&text,
		     "group_id=%" PRIu32 ",type=ff,bucket=bucket_id:1,watch_port:%" PRIu32
		     ",actions=%s%s",
		     id, watched, through, second) < 0)
		text = NULL;
	return render_group(r, id, text);
}

/* The inner group first: the outer one names it. */
static int
single_side(struct render *r, const struct way *w, uint32_t outer, uint32_t near, uint32_t far)
{
	char through[ACTIONS_TEXT], otherwise[ACTIONS_TEXT];
	int err;

	without_leat(w, otherwise);
	err = add_group(r, outer + 1, far, output(w, near, through), otherwise);
	if (err != 0)
		return err;
	snprintf(through, sizeof(through), "group:%" PRIu32, outer + 1);
	return add_group(r, outer, near, through, otherwise);
}

static int
step(struct render *r, uint32_t key, const char chosen[CHOSEN_TEXT], uint32_t group)
{
	char match[MATCH_TEXT], actions[ACTIONS_TEXT];

	snprintf(match, sizeof(match), "reg12=0x%" PRIx32 "%.*s", key, CHOSEN_TEXT, chosen);
	snprintf(actions, sizeof(actions), "group:%" PRIu32, group);
	return render_rule(r, RULE_STEP, OVS_PRIORITY_STEP, match, actions);
}

/* Pair `i` as seen from one side, whose port of Leat is `near`. */
static int
choice_side(struct render *r, const struct way *w, unsigned int i, enum ovs_side side)
{
	uint32_t id = w->group + GROUPS_A_PAIR * i + 2 * side, near = side ? w->b[i] : w->a[i];
	char through[ACTIONS_TEXT], otherwise[ACTIONS_TEXT], chosen[CHOSEN_TEXT];
	int err;

	output(w, near, through);
	err = add_group(r, id, w->b[i], through, "set_field:0->reg13,resubmit(,0)");
	if (err != 0)
		return err;
	err = add_group(r, id + 1, w->a[i], through, without_leat(w, otherwise));
	if (err != 0)
		return err;
	snprintf(chosen, sizeof(chosen), ",reg13=0x%" PRIx32, w->a[i]);
	err = step(r, w->key[side], chosen, id);
	if (err != 0)
		return err;
	snprintf(chosen, sizeof(chosen), ",reg13=0,reg14=0x%" PRIx32, w->b[i]);
	return step(r, w->key[side], chosen, id + 1);
}

static int
add_choice(struct render *r, const struct way *w)
{
	char match[MATCH_TEXT], actions[ACTIONS_TEXT];
	unsigned int i;
	int side, err;

	without_leat(w, actions);
	for (side = OVS_CLIENT; side <= OVS_SERVER; side++) {
		for (i = 0; i < w->n; i++)
			if ((err = choice_side(r, w, i, side)) != 0)
				return err;
		snprintf(match, sizeof(match), "reg12=0x%" PRIx32, w->key[side]);
		err = render_rule(r, RULE_STEP, OVS_PRIORITY_STEP_ELSE, match,
				  actions[0] != '\0' ? actions : "drop");
		if (err != 0)
			return err;
	}
	return 0;
}

static bool
same_way(const struct way *x, const struct way *y)
{
	return x->n == y->n && memcmp(x->a, y->a, sizeof(x->a)) == 0 &&
	       memcmp(x->b, y->b, sizeof(x->b)) == 0 && x->next_table == y->next_table &&
	       x->fail_closed == y->fail_closed && x->tagged == y->tagged;
}

static int
add_way(struct render *r, struct way *w)
{
	unsigned int used = 0, i;
	struct way *ways;
	int err;

	for (i = 0; i < r->n_ways; i++)
		used += r->ways[i].n * GROUPS_A_PAIR;
	if (used + w->n * GROUPS_A_PAIR > RENDER_GROUPS)
		return err_set(r->e, -E2BIG,
			       "steer %s: more than %d pairs in different ways through Leat on "
			       "bridge %s",
			       r->at->name, RENDER_GROUPS / GROUPS_A_PAIR, r->bridge);
	ways = render_grown(r->ways, r->n_ways, &r->room_ways, sizeof(*ways));
	if (ways == NULL)
		return err_set(r->e, -ENOMEM, "steer %s: out of memory", r->at->name);
	r->ways = ways;
	w->group = render_always(r) + 1 + used;
	if (w->n > 1) {
		w->key[OVS_CLIENT] = render_key(r);
		w->key[OVS_SERVER] = render_key(r);
	}
	r->ways[r->n_ways++] = *w;
	if (w->n > 1)
		return add_choice(r, w);
	err = single_side(r, w, w->group, w->a[0], w->b[0]);
	return err != 0 ? err : single_side(r, w, w->group + 2, w->b[0], w->a[0]);
}

/* What leaves Leat goes on as if it had come by the real port, so that MACs are learned there. */
static int
add_return(struct render *r, const struct ovs_selection *sel, uint32_t from, uint32_t as_if)
{
	char match[MATCH_TEXT], actions[ACTIONS_TEXT], next[RENDER_NEXT];
	int err;

	render_next(sel->next_table, next);
	if (sel->tag_id == 0) {
		snprintf(match, sizeof(match), "in_port=%" PRIu32, from);
		snprintf(actions, sizeof(actions), "set_field:%" PRIu32 "->in_port,%s", as_if,
			 next);
		return render_rule(r, RULE_RETURN, OVS_PRIORITY_RETURN, match, actions);
	}
	snprintf(match, sizeof(match), "in_port=%" PRIu32 ",dl_vlan=%u", from, sel->tag_id);
	snprintf(actions, sizeof(actions), "pop_vlan,set_field:%" PRIu32 "->in_port,%s", as_if,
		 next);
	err = render_rule(r, RULE_RETURN, OVS_PRIORITY_RETURN, match, actions);
	if (err != 0)
		return err;
	/* No tag, or one of no attachment: nowhere, rather than wrong. */
	snprintf(match, sizeof(match), "in_port=%" PRIu32, from);
	return render_rule(r, RULE_RETURN, OVS_PRIORITY_REST, match, "drop");
}

/* Ports that carry tags carry nothing else: else what comes without one would have two meanings. */
static int
refuse_mixture(struct render *r, const struct way *w)
{
	unsigned int i, j, k;

	for (i = 0; i < r->n_ways; i++)
		for (j = 0; j < r->ways[i].n && r->ways[i].tagged != w->tagged; j++)
			for (k = 0; k < w->n; k++)
				if (r->ways[i].a[j] == w->a[k] || r->ways[i].b[j] == w->b[k])
					return err_set(r->e, -EINVAL,
						       "steer %s: a pair of Leat's ports serves "
						       "attachments, or traffic without, not both",
						       r->at->name);
	return 0;
}

static int
resolve_pairs(struct render *r, const struct ovs_selection *sel, struct way *w)
{
	unsigned int i, j;
	int err;

	for (i = 0; i < sel->n_pairs; i++) {
		if ((err = render_port(r, sel->pairs[i].a, &w->a[i])) != 0 ||
		    (err = render_port(r, sel->pairs[i].b, &w->b[i])) != 0)
			return err;
		if (w->a[i] == w->b[i])
			return err_set(r->e, -EINVAL, "steer %s: a pair is two ports, not %s twice",
				       sel->name, sel->pairs[i].a);
		for (j = 0; j < i; j++)
			if (w->a[j] == w->a[i] || w->b[j] == w->b[i] || w->a[j] == w->b[i] ||
			    w->b[j] == w->a[i])
				return err_set(r->e, -EINVAL,
					       "steer %s: a port of Leat stands in two pairs",
					       sel->name);
	}
	return 0;
}

int
way_get(struct render *r, const struct ovs_selection *sel, unsigned int *index)
{
	struct way w = { .n = sel->n_pairs,
			 .next_table = sel->next_table,
			 .fail_closed = sel->fail_closed,
			 .tagged = sel->tag_id != 0 };
	uint32_t client, server;
	unsigned int i;
	int err;

	if (sel->n_pairs == 0 || sel->n_pairs > OVS_PAIRS_MAX)
		return err_set(r->e, -EINVAL, "steer %s: 1 to %d pairs of Leat's ports are needed",
			       sel->name, OVS_PAIRS_MAX);
	if ((err = render_port(r, sel->client, &client)) != 0 ||
	    (err = render_port(r, sel->server, &server)) != 0 ||
	    (err = resolve_pairs(r, sel, &w)) != 0 || (err = refuse_mixture(r, &w)) != 0)
		return err;
	for (i = 0; i < r->n_ways && !same_way(&r->ways[i], &w); i++)
		;
	*index = i;
	if (i == r->n_ways && (err = add_way(r, &w)) != 0)
		return err;
	for (i = 0; i < w.n; i++)
		if ((err = add_return(r, sel, w.a[i], server)) != 0 ||
		    (err = add_return(r, sel, w.b[i], client)) != 0)
			return err;
	return 0;
}

static void
choose(FILE *f, const char *fields, const char *reg, const uint32_t port[], unsigned int n)
{
	unsigned int i;

	fprintf(f, "bundle_load(%s,%d,hrw,ofport,%s,members:", fields, RENDER_BASIS_BALANCE, reg);
	for (i = 0; i < n; i++)
		fprintf(f, "%s%" PRIu32, i == 0 ? "" : ",", port[i]);
	fprintf(f, "),");
}

/* What leads on to the pair, when the attachment's tag is in its register. */
static void
lead(const struct way *w, enum ovs_side side, enum way_fields fields, FILE *f)
{
	const char *by = fields == BY_L3L4 ? "symmetric_l3l4" : "symmetric_l3";

	if (w->n == 1) {
		fprintf(f, "group:%" PRIu32, w->group + 2 * side);
		return;
	}
	fprintf(f, "set_field:0x%" PRIx32 "->reg12,", w->key[side]);
	choose(f, by, "NXM_NX_REG13[0..15]", w->a, w->n);
	choose(f, by, "NXM_NX_REG14[0..15]", w->b, w->n);
	fprintf(f, "resubmit(,0)");
}

/* The key of the steps that lead on what has room for a tag, for all attachments of the way. */
static int
probed_key(struct render *r, struct way *w, enum ovs_side side, enum way_fields fields,
	   uint32_t *key)
{
	char otherwise[ACTIONS_TEXT], *actions = NULL;
	size_t len;
	FILE *f;
	int err;

	if (w->n == 1)
		fields = BY_L3;
	*key = w->probed[side][fields];
	if (*key != 0)
		return 0;
	f = open_memstream(&actions, &len);
	if (f == NULL)
		return err_set(r->e, -ENOMEM, "steer %s: out of memory", r->at->name);
	lead(w, side, fields, f);
	fclose(f);
	*key = w->probed[side][fields] = render_key(r);
	err = tags_guard(r, *key, actions, without_leat(w, otherwise));
	free(actions);
	return err;
}

int
way_actions(struct render *r, unsigned int index, const struct ovs_selection *sel,
	    enum ovs_side side, enum way_fields fields, FILE *f)
{
	struct way *w = &r->ways[index];
	uint32_t key;
	int err;

	if (sel->tag_id != 0)
		fprintf(f, "set_field:0x%x->reg15,", sel->tag_id);
	if (sel->tag_id == 0 || sel->vlan == OVS_VLAN_NONE) {
		lead(w, side, fields, f);
		return 0;
	}
	err = probed_key(r, w, side, fields, &key);
	if (err == 0)
		fprintf(f, "set_field:0x%" PRIx32 "->reg12,resubmit(,0)", key);
	return err;
}

int
way_tap(struct render *r, uint32_t tap)
{
	char match[MATCH_TEXT];

	snprintf(match, sizeof(match), "in_port=%" PRIu32, tap);
	return render_rule(r, RULE_RETURN, OVS_PRIORITY_RETURN, match, "drop");
}
