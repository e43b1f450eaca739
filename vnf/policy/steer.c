/*
 * The selections: what goes to argv and flow text is checked here, and nothing
 * else gets there.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "vnf/policy/ast.h"

/* Open vSwitch reads these, in any case, as something else than a port's name. */
static const char *const reserved[] = {
	"in_port", "table", "normal", "flood", "all", "controller", "local", "any", "none", "unset",
};

static bool
is_reserved(const char *s)
{
	size_t i;

	for (i = 0; i < sizeof reserved / sizeof reserved[0]; i++)
		if (strcasecmp(reserved[i], s) == 0)
			return true;
	return false;
}

static void
switch_name_check(struct parser *ps, const struct word *w)
{
	name_check(ps, w);
	if (w->s[0] != '\0' && w->s[strspn(w->s, "0123456789")] == '\0')
		error_at(ps->p, ps->errs, &w->loc,
			 "\"%s\" is a number to the switch: expected a name", w->s);
	else if (is_reserved(w->s))
		error_at(ps->p, ps->errs, &w->loc,
			 "\"%s\" has a meaning of its own to the switch: expected a name", w->s);
}

/* No two of the ports may be one. */
static void
ports_check(struct parser *ps, const struct steer *s)
{
	char place[PLACE_MAX];
	const struct word *w[4] = { &s->client, &s->server, &s->leat[0], &s->leat[1] };
	const unsigned n = s->kind == POLICY_STEER_INLINE ? 4 : 3;
	unsigned i, k;

	switch_name_check(ps, &s->bridge);
	for (i = 0; i < n; i++) {
		switch_name_check(ps, w[i]);
		for (k = 0; k < i; k++) {
			if (strcmp(w[i]->s, w[k]->s) != 0)
				continue;
			error_at(ps->p, ps->errs, &w[i]->loc,
				 "port \"%s\" is named twice: first at %s", w[i]->s,
				 place_name(&w[i]->loc, &w[k]->loc, place));
			break;
		}
	}
}

/* What a rule can say and a selection can't. */
static void
conditions_check(struct parser *ps, const struct match *m)
{
	static const struct {
		enum match_field field;
		const char *message;
	} never[] = {
		{ SEEN_SPORT, "a selection goes by the server's port only" },
		{ SEEN_ON, "a selection names its ports by client and server" },
		{ SEEN_DOMAIN, "a selection has no domain" },
	};
	const struct list *lists[] = { m->from, m->to, m->dport };
	size_t k;

	for (k = 0; k < sizeof never / sizeof never[0]; k++)
		if (m->seen[never[k].field].line)
			error_at(ps->p, ps->errs, &m->seen[never[k].field], "%s", never[k].message);
	for (k = 0; k < sizeof lists / sizeof lists[0]; k++)
		if (lists[k] && lists[k]->negated)
			error_at(ps->p, ps->errs, &lists[k]->loc, "\"!\" is for rules only");
	if (m->vlan &&
	    (m->vlan->n != 1 || m->vlan->first->kind != ITEM_STACK || m->vlan->first->n_vids > 1))
		error_at(ps->p, ps->errs, &m->vlan->loc,
			 "expected one VLAN, untagged or any in a selection");
	if (m->dport && !m->tcp)
		error_at(ps->p, ps->errs, &m->seen[SEEN_DPORT],
			 "expected \"proto tcp\" with \"port\" in a selection");
}

static bool
steer_check(struct parser *ps, struct steer *s)
{
	name_check(ps, &s->name);
	ports_check(ps, s);
	if (!match_check(ps, s->match))
		return false;
	conditions_check(ps, s->match);
	return true;
}

/* The fewest prefixes that are lo..hi; `out` NULL only counts. */
static size_t
span_prefixes(u128 lo, u128 hi, bool v6, struct policy_prefix *out)
{
	size_t n = 0;

	for (;;) {
		const unsigned max = v6 ? 128 : 32;
		unsigned bits = 0;
		u128 size = 1;

		while (bits < max && !(lo & size) && lo + (size - 1) + size <= hi &&
		       lo + (size - 1) + size > lo) {
			size <<= 1;
			bits++;
		}
		if (out) {
			out[n].addr.q[0] = htobe64((uint64_t)(lo >> 64));
			out[n].addr.q[1] = htobe64((uint64_t)lo);
			out[n].len = (uint8_t)(max - bits);
			out[n].v6 = v6;
		}
		n++;
		if (hi - lo == size - 1 || size == 0)
			return n;
		lo += size;
	}
}

/*
 * IPv4 first, then IPv6.  To the switch the families are apart: where IPv6 is
 * selected on both sides of the hole in which IPv4 is mapped, the hole is too.
 */
static size_t
spans_prefixes(const struct spans *s, struct policy_prefix *out)
{
	const u128 below = SPAN_V4_LO - 1, above = SPAN_V4_HI + 1;
	const bool across = spans_cover(s, below, below) && spans_cover(s, above, above);
	u128 lo, hi, from = 0;
	size_t i, n = 0;

	for (i = 0; i < s->n; i++) {
		lo = s->v[i].lo < SPAN_V4_LO ? SPAN_V4_LO : s->v[i].lo;
		hi = s->v[i].hi > SPAN_V4_HI ? SPAN_V4_HI : s->v[i].hi;
		if (lo <= hi)
			n += span_prefixes(lo, hi, false, out ? out + n : NULL);
	}
	for (i = 0; i < s->n; i++) {
		lo = s->v[i].lo;
		hi = s->v[i].hi;
		if (lo <= below) {
			from = lo;
			if (hi >= below && across)
				hi = hi > SPAN_V4_HI ? hi : below;
			else if (hi > below)
				hi = below;
			if (hi != below || !across)
				n += span_prefixes(lo, hi, true, out ? out + n : NULL);
			continue;
		}
		if (hi < above)
			continue;
		if (lo <= above)
			lo = across ? from : above;
		n += span_prefixes(lo, hi, true, out ? out + n : NULL);
	}
	return n;
}

static int
prefixes_fill(struct parser *ps, const struct list *l, const struct policy_prefix **out, size_t *n)
{
	const struct spans *s;
	struct policy_prefix *v;

	if (l == NULL)
		return 0;
	if ((s = list_spans(ps, l, LIST_ADDR)) == NULL)
		return -ENOMEM;
	*n = spans_prefixes(s, NULL);
	*out = v = arena_alloc(&ps->p->arena, *n * sizeof *v);
	if (v == NULL)
		return -ENOMEM;
	spans_prefixes(s, v);
	return 0;
}

static int
ports_fill(struct parser *ps, const struct list *l, struct policy_steer *o)
{
	const struct spans *s;
	struct policy_ports *v;
	size_t i;

	if (l == NULL)
		return 0;
	if ((s = list_spans(ps, l, LIST_PORT)) == NULL)
		return -ENOMEM;
	o->n_ports = s->n;
	o->ports = v = arena_alloc(&ps->p->arena, s->n * sizeof *v);
	if (v == NULL)
		return -ENOMEM;
	for (i = 0; i < s->n; i++)
		v[i] = (struct policy_ports){ (uint16_t)s->v[i].lo, (uint16_t)s->v[i].hi };
	return 0;
}

static int
steer_fill(struct parser *ps, const struct steer *s, struct policy_steer *o)
{
	const struct list *vlan = s->match->vlan;

	o->name = s->name.s;
	o->bridge = s->bridge.s;
	o->client = s->client.s;
	o->server = s->server.s;
	o->kind = s->kind;
	o->leat[0] = s->leat[0].s;
	o->leat[1] = s->leat[1].s;
	o->next_table = s->next_table;
	o->fail_closed = s->fail_closed;
	o->order = (unsigned)(o - ps->p->steers);
	o->vlan = POLICY_STEER_VLAN_ANY;
	if (vlan)
		o->vlan = vlan->first->n_vids ? vlan->first->vid[0] : POLICY_STEER_VLAN_NONE;
	if (prefixes_fill(ps, s->match->from, &o->from, &o->n_from) != 0 ||
	    prefixes_fill(ps, s->match->to, &o->to, &o->n_to) != 0)
		return -ENOMEM;
	return ports_fill(ps, s->match->dport, o);
}

/* Does one list hold all of the other?  False too where there is no memory. */
static bool
list_includes(struct parser *ps, const struct list *a, const struct list *b, enum list_kind kind)
{
	const struct spans *x, *y;

	if (a == NULL)
		return true;
	if (b == NULL)
		return false;
	x = list_spans(ps, a, kind);
	y = list_spans(ps, b, kind);
	return x && y && spans_include(x, y);
}

static void
shadow_check(struct parser *ps, const struct steer *s)
{
	char place[PLACE_MAX];
	const struct steer *by;

	for (by = ps->p->steer_list; by != s; by = by->next) {
		const struct match *a = by->match, *b = s->match;

		if (strcmp(by->bridge.s, s->bridge.s) != 0 ||
		    strcmp(by->client.s, s->client.s) != 0 ||
		    strcmp(by->server.s, s->server.s) != 0 || (a->tcp && !b->tcp) ||
		    !vlans_include(a->vlan, b->vlan) ||
		    !list_includes(ps, a->dport, b->dport, LIST_PORT) ||
		    !list_includes(ps, a->from, b->from, LIST_ADDR) ||
		    !list_includes(ps, a->to, b->to, LIST_ADDR))
			continue;
		error_at(ps->p, ps->errs, &s->name.loc,
			 "selection \"%s\" can never match: \"%s\" (%s) takes all of it", s->name.s,
			 by->name.s, place_name(&s->name.loc, &by->name.loc, place));
		return;
	}
}

int
steers_compile(struct parser *ps)
{
	struct policy *p = ps->p;
	struct policy_steer *o;
	struct steer *s;
	bool good = true;
	size_t n = 0;

	for (s = p->steer_list; s; s = s->next, n++)
		good &= steer_check(ps, s);
	/* A set that is broken breaks them without another error. */
	if (!good || n == 0)
		return 0;
	if ((p->steers = arena_alloc(&p->arena, n * sizeof *p->steers)) == NULL)
		return -ENOMEM;
	p->n_steers = n;
	for (o = p->steers, s = p->steer_list; s; s = s->next, o++) {
		if (steer_fill(ps, s, o) != 0)
			return -ENOMEM;
		shadow_check(ps, s);
		if (ps->nomem)
			return -ENOMEM;
	}
	return 0;
}
