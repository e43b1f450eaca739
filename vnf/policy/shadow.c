/*
 * Rules that can never match, because rules before them take all of what they would take.
 *
 * One rule that covers another holds any one point of it, so those that hold its least point are
 * all that need a look.  Several cover it together if one that holds the least point is taken
 * away from it, and what is left is covered in the same way.  A point that nobody holds ends the
 * search, so a rule in its own right costs a look or two; where many rules overlap the search
 * ends at a bound, and the rule is let through.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "vnf/policy/ast.h"

enum {
	STEPS_MAX = 256,		/* of one rule */
	WORK_MAX = 20 * 1000 * 1000,	/* intervals looked at for all of them */
	USED_MAX = 64,
	NAMED_MAX = 3,
};

/* A part of a rule: in each dimension some intervals, of one family, and VLANs of one shape. */
struct box {
	const struct spans *dim[DIM_N];
	const struct item *stack;	/* these VLANs, and the VID's dimension is not used */
	bool any_vlan;			/* every VLAN there is */
};

struct search {
	const struct policy *p;
	const struct rule *r;
	uint32_t at;			/* its index: rules below it count */
	struct arena scratch;
	unsigned steps;
	size_t *work;
	bool nomem;
	uint32_t used[USED_MAX];
	unsigned n_used;
};

static const struct {
	size_t n;
	struct span v[1];
} all_of_it = { 1, { { 0, ~(u128)0 } } };

#define ALL ((const struct spans *)(const void *)&all_of_it)

/* --- one rule --- */

/* Does `a` take every flow that `b` takes? */
static bool
rule_covers(const struct rule *a, const struct rule *b)
{
	unsigned d;

	if (a->match->tcp && !b->match->tcp)
		return false;
	if (a->match->on.s && (!b->match->on.s || strcmp(a->match->on.s, b->match->on.s) != 0))
		return false;
	if (!vlans_include(a->match->vlan, b->match->vlan) || !names_include(a, b))
		return false;
	/* The small dimensions first: they are the quick ones. */
	for (d = DIM_N; d-- > 0;)
		if (!spans_include(a->dim[d], b->dim[d]))
			return false;
	return true;
}

/* The rule that covers rule `at` alone; `at`: there is none. */
static uint32_t
covered_by_one(const struct policy *p, uint32_t at)
{
	const struct rule *r = p->rule[at];
	struct index_rows rows;
	u128 key[DIM_N] = { 0 };
	uint32_t i;
	unsigned d;

	for (d = 0; d < DIM_N; d++)
		if (r->dim[d])
			key[d] = r->dim[d]->v[0].lo;
	index_rows(p, key, &rows);
	for (i = 0; (i = index_next(p, &rows, i, at)) < at; i++)
		if (rule_covers(p->rule[i], r))
			break;
	return i;
}

/* --- several --- */

static struct spans *
spans_new(struct search *s, size_t room)
{
	struct spans *out = arena_alloc(&s->scratch, sizeof *out + room * sizeof out->v[0]);

	*s->work += room;
	s->nomem |= out == NULL;
	return out;
}

static const struct spans *
minus(struct search *s, const struct spans *a, const struct spans *b)
{
	struct spans *out = spans_new(s, a->n + b->n);

	if (out)
		out->n = span_minus(a, b, out->v);
	return out;
}

static const struct spans *
both(struct search *s, const struct spans *a, const struct spans *b)
{
	struct spans *out;

	if (b == NULL || a == b)
		return a;
	if (a == ALL)
		return b;
	out = spans_new(s, a->n + b->n);
	if (out)
		out->n = span_both(a, b, out->v);
	return out;
}

/* The one-tag VIDs of a rule's VLANs; NULL: no memory. */
static const struct spans *
single_vids(struct search *s, const struct list *vlan)
{
	struct spans *out = spans_new(s, vlan->n);
	const struct item *i;

	if (out == NULL)
		return NULL;
	for (i = vlan->first; i; i = i->next)
		if (i->kind == ITEM_RANGE)
			out->v[out->n++] = (struct span){ i->lo, i->hi };
		else if (i->n_vids == 1)
			out->v[out->n++] = (struct span){ i->vid[0], i->vid[0] };
	out->n = span_normalize(out->v, out->n);
	return out;
}

static bool
has_stack(const struct list *vlan, const struct item *stack)
{
	const struct item *i;

	for (i = vlan->first; i; i = i->next)
		if (i->kind == ITEM_STACK && i->n_vids == stack->n_vids &&
		    memcmp(i->vid, stack->vid, i->n_vids * sizeof i->vid[0]) == 0)
			return true;
	return false;
}

/* Can `by` take of the box what its intervals hold?  *vids is what it holds of VIDs, NULL all. */
static bool
may_take(struct search *s, const struct box *b, const struct rule *by, const struct spans **vids)
{
	const struct match *m = by->match;

	*vids = NULL;
	if (m->tcp && !s->r->match->tcp)
		return false;
	if (m->on.s && (!s->r->match->on.s || strcmp(m->on.s, s->r->match->on.s) != 0))
		return false;
	if (!names_include(by, s->r))
		return false;
	if (m->vlan == NULL)
		return true;
	if (b->any_vlan)
		return false;
	if (b->stack)
		return has_stack(m->vlan, b->stack);
	*vids = single_vids(s, m->vlan);
	return *vids && spans_hold(*vids, b->dim[DIM_VID]->v[0].lo);
}

/* A rule that holds this point of the box, and its VIDs; s->at: there is none. */
static uint32_t
holder(struct search *s, const struct box *b, u128 key[DIM_N], const struct spans **vids)
{
	struct index_rows rows;
	uint32_t i;

	if (b->stack)
		key[DIM_VID] = b->stack->n_vids ? b->stack->vid[0] : 0;
	index_rows(s->p, key, &rows);
	for (i = 0; (i = index_next(s->p, &rows, i, s->at)) < s->at; i++)
		if (may_take(s, b, s->p->rule[i], vids))
			break;
	return i;
}

static void
use(struct search *s, uint32_t rule)
{
	unsigned i;

	for (i = 0; i < s->n_used; i++)
		if (s->used[i] == rule)
			return;
	if (s->n_used < USED_MAX)
		s->used[s->n_used++] = rule;
}

static bool
box_covered(struct search *s, struct box b)
{
	const struct spans *vids = NULL, *mine, *rest;
	u128 key[DIM_N];
	uint32_t i;
	unsigned d;

	if (++s->steps > STEPS_MAX || *s->work > WORK_MAX)
		return false;
	for (d = 0; d < DIM_N; d++)
		key[d] = b.dim[d]->v[0].lo;
	i = holder(s, &b, key, &vids);
	if (i == s->at)
		return false;
	use(s, i);
	for (d = 0; d < DIM_N; d++) {
		struct box left = b;

		mine = d == DIM_VID ? vids : s->p->rule[i]->dim[d];
		if (mine == NULL)
			continue;
		rest = minus(s, b.dim[d], mine);
		b.dim[d] = both(s, b.dim[d], mine);
		if (s->nomem)
			return false;
		left.dim[d] = rest;
		if (rest->n > 0 && !box_covered(s, left))
			return false;
	}
	return true;
}

static const struct {
	size_t n;
	struct span v[2];
} families[] = {
	{ 1, { { SPAN_V4_LO, SPAN_V4_HI } } },
	{ 2, { { 0, SPAN_V4_LO - 1 }, { SPAN_V4_HI + 1, ~(u128)0 } } },
};

/* The least address of one family; false if there is none. */
static bool
least(const struct spans *s, const struct spans *family, u128 *key)
{
	size_t i;

	for (i = 0; i < family->n; i++)
		if (spans_least(s, family->v[i].lo, family->v[i].hi, key))
			return true;
	return false;
}

/* One point first: lists may be long, and most boxes are not covered. */
static bool
family_covered(struct search *s, struct box b, const struct spans *family)
{
	const struct spans *vids;
	u128 key[DIM_N];
	unsigned d;

	for (d = 0; d < DIM_N; d++)
		key[d] = b.dim[d]->v[0].lo;
	if (!least(b.dim[DIM_SRC], family, &key[DIM_SRC]) ||
	    !least(b.dim[DIM_DST], family, &key[DIM_DST]))
		return true;
	if (holder(s, &b, key, &vids) == s->at)
		return false;
	b.dim[DIM_SRC] = both(s, family, b.dim[DIM_SRC]);
	b.dim[DIM_DST] = both(s, family, b.dim[DIM_DST]);
	return !s->nomem && box_covered(s, b);
}

/* Each family apart: no flow is of both. */
static bool
families_covered(struct search *s, struct box b)
{
	unsigned i;

	for (i = 0; i < sizeof families / sizeof families[0]; i++)
		if (!family_covered(s, b, (const struct spans *)(const void *)&families[i]))
			return false;
	return true;
}

/* Each of the rule's VLAN items apart. */
static bool
rule_covered(struct search *s)
{
	const struct list *vlan = s->r->match->vlan;
	const struct item *i;
	struct spans *ports;
	struct box b;
	unsigned d;

	if ((ports = spans_new(s, 1)) == NULL)
		return false;
	ports->n = 1;
	ports->v[0] = (struct span){ 0, 0xffff };
	for (d = 0; d < DIM_N; d++)
		b.dim[d] = s->r->dim[d] ? s->r->dim[d] : d <= DIM_DST ? ALL : ports;
	b.stack = NULL;
	b.any_vlan = vlan == NULL;
	if (vlan == NULL)
		return families_covered(s, b);
	for (i = vlan->first; i; i = i->next) {
		struct spans *vids = spans_new(s, 1);

		if (vids == NULL)
			return false;
		b.stack = i->kind == ITEM_STACK && i->n_vids != 1 ? i : NULL;
		vids->n = 1;
		vids->v[0].lo = i->kind == ITEM_RANGE ? i->lo : i->vid[0];
		vids->v[0].hi = i->kind == ITEM_RANGE ? i->hi : i->vid[0];
		b.dim[DIM_VID] = vids;
		if (!families_covered(s, b))
			return false;
	}
	return true;
}

/* --- messages --- */

static int
used_order(const void *a, const void *b)
{
	const uint32_t *x = a, *y = b;

	return *x < *y ? -1 : *x > *y;
}

static void
say_covered(struct parser *ps, const struct rule *r, uint32_t *used, unsigned n)
{
	const unsigned shown = n > NAMED_MAX ? NAMED_MAX : n;
	char names[3 * (POLICY_NAME_MAX + PLACE_MAX + 16)] = "", place[PLACE_MAX];
	size_t len = 0;
	unsigned i;

	qsort(used, n, sizeof *used, used_order);
	for (i = 0; i < shown; i++) {
		const struct rule *by = ps->p->rule[used[i]];
		const char *sep = i == 0 ? "" : i + 1 < n ? ", " : " and ";

		len += (size_t)snprintf(names + len, sizeof names - len, "%s\"%s\" (%s)", sep,
					by->name.s, place_name(&r->name.loc, &by->name.loc, place));
	}
	if (n == 1)
		error_at(ps->p, ps->errs, &r->name.loc,
			 "rule \"%s\" can never match: rule %s takes all of it", r->name.s, names);
	else if (n <= NAMED_MAX)
		error_at(ps->p, ps->errs, &r->name.loc,
			 "rule \"%s\" can never match: rules %s together take all of it", r->name.s,
			 names);
	else
		error_at(
			ps->p, ps->errs, &r->name.loc,
			"rule \"%s\" can never match: rules %s and %u more together take all of it",
			r->name.s, names, n - NAMED_MAX);
}

int
shadows_check(struct parser *ps)
{
	struct search s = { .p = ps->p };
	size_t work = 0;
	uint32_t by;

	for (s.at = 1; s.at < ps->p->n_rules; s.at++) {
		by = covered_by_one(ps->p, s.at);
		if (by < s.at) {
			say_covered(ps, ps->p->rule[s.at], &by, 1);
			continue;
		}
		s.r = ps->p->rule[s.at];
		s.n_used = s.steps = 0;
		s.work = &work;
		s.scratch = (struct arena){ NULL };
		if (work <= WORK_MAX && rule_covered(&s))
			say_covered(ps, s.r, s.used, s.n_used);
		arena_fini(&s.scratch);
		if (s.nomem)
			return -ENOMEM;
	}
	return 0;
}
