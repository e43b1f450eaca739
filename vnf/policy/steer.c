/*
 * The selections as the switch's side wants them: names, prefixes, port ranges.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "vnf/policy/ast.h"

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
pairs_fill(struct parser *ps, const struct pair *list, struct policy_steer *o)
{
	const struct pair *p;
	struct policy_pair *v;
	size_t n = 0;

	for (p = list; p; p = p->next)
		n++;
	o->n_pairs = n;
	if (n == 0)
		return 0;
	o->pairs = v = arena_alloc(&ps->p->arena, n * sizeof *v);
	if (v == NULL)
		return -ENOMEM;
	for (p = list; p; p = p->next)
		*v++ = (struct policy_pair){ p->a.s, p->b.s };
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
	o->tap = s->tap.s;
	o->attachment = s->attachment;
	o->balance = s->balance;
	o->sample = s->sample;
	o->next_table = s->next_table;
	o->fail_closed = s->fail_closed;
	o->order = (unsigned)(o - ps->p->steers);
	o->vlan = POLICY_STEER_VLAN_ANY;
	if (vlan)
		o->vlan = vlan->first->n_vids ? vlan->first->vid[0] : POLICY_STEER_VLAN_NONE;
	if (pairs_fill(ps, s->pairs, o) != 0 ||
	    prefixes_fill(ps, s->match->from, &o->from, &o->n_from) != 0 ||
	    prefixes_fill(ps, s->match->to, &o->to, &o->n_to) != 0)
		return -ENOMEM;
	return ports_fill(ps, s->match->dport, o);
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
		steer_check_against(ps, s);
		if (ps->nomem)
			return -ENOMEM;
	}
	return 0;
}
