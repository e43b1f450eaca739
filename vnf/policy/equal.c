/*
 * Do two policies say the same?  They do if they print the same; this compares the trees.
 */
#include <string.h>

#include "vnf/policy/ast.h"

static bool
string_equal(const char *a, const char *b)
{
	return a == b || (a && b && strcmp(a, b) == 0);
}

static bool
item_equal(const struct item *a, const struct item *b)
{
	if (a->kind != b->kind)
		return false;
	switch (a->kind) {
	case ITEM_PREFIX:
		return a->prefix.v6 == b->prefix.v6 && a->prefix.len == b->prefix.len &&
		       ip_addr_eq(&a->prefix.addr, &b->prefix.addr);
	case ITEM_STACK:
		return a->n_vids == b->n_vids &&
		       memcmp(a->vid, b->vid, a->n_vids * sizeof a->vid[0]) == 0;
	case ITEM_SET:
	case ITEM_NAME:
		return string_equal(a->text, b->text);
	default:
		return a->lo == b->lo && a->hi == b->hi;
	}
}

static bool
list_equal(const struct list *a, const struct list *b)
{
	const struct item *i, *k;

	if (a == NULL || b == NULL)
		return a == b;
	if (a->n != b->n || a->negated != b->negated)
		return false;
	for (i = a->first, k = b->first; i; i = i->next, k = k->next)
		if (!item_equal(i, k))
			return false;
	return true;
}

static bool
match_equal(const struct match *a, const struct match *b)
{
	unsigned k;

	for (k = 0; k < N_NAMES; k++)
		if (!list_equal(a->name[k], b->name[k]))
			return false;
	return a->tcp == b->tcp && string_equal(a->on.s, b->on.s) && list_equal(a->from, b->from) &&
	       list_equal(a->to, b->to) && list_equal(a->sport, b->sport) &&
	       list_equal(a->dport, b->dport) && list_equal(a->vlan, b->vlan) &&
	       list_equal(a->domain, b->domain);
}

static bool
attrs_equal(const struct policy_attrs *a, const struct policy_attrs *b)
{
	return a->log == b->log && a->close_local == b->close_local && a->overlap == b->overlap &&
	       a->timeout_us == b->timeout_us && sinks_equal(a, b) && tune_equal(a, b);
}

static bool
rule_equal(const struct rule *a, const struct rule *b)
{
	return string_equal(a->name.s, b->name.s) && a->mode == b->mode && a->reset == b->reset &&
	       match_equal(a->match, b->match) && attrs_equal(&a->attrs->v, &b->attrs->v);
}

static bool
pairs_equal(const struct pair *a, const struct pair *b)
{
	for (; a && b; a = a->next, b = b->next)
		if (!string_equal(a->a.s, b->a.s) || !string_equal(a->b.s, b->b.s))
			return false;
	return a == b;
}

static bool
steer_equal(const struct steer *a, const struct steer *b)
{
	return string_equal(a->name.s, b->name.s) && string_equal(a->bridge.s, b->bridge.s) &&
	       string_equal(a->client.s, b->client.s) && string_equal(a->server.s, b->server.s) &&
	       a->kind == b->kind && pairs_equal(a->pairs, b->pairs) &&
	       string_equal(a->tap.s, b->tap.s) && a->attachment == b->attachment &&
	       a->balanced == b->balanced && a->balance == b->balance && a->sample == b->sample &&
	       a->next_table == b->next_table && a->fail_closed == b->fail_closed &&
	       match_equal(a->match, b->match);
}

bool
policy_equal(const struct policy *a, const struct policy *b)
{
	const struct set *s = a->sets, *t = b->sets;
	const struct steer *x = a->steer_list, *y = b->steer_list;
	uint32_t i;

	if (a->inspect.us != b->inspect.us || a->inspect.bytes != b->inspect.bytes)
		return false;
	for (; s && t; s = s->next, t = t->next)
		if (!string_equal(s->name, t->name) || !list_equal(s->list, t->list))
			return false;
	for (; x && y; x = x->next, y = y->next)
		if (!steer_equal(x, y))
			return false;
	if (s || t || x || y || a->n_rules != b->n_rules)
		return false;
	for (i = 0; i < a->n_rules; i++)
		if (!rule_equal(a->rule[i], b->rule[i]))
			return false;
	return rule_equal(a->def, b->def);
}

bool
policy_rule_equal(const struct policy *a, uint32_t i, const struct policy *b, uint32_t k)
{
	const bool defaults = i == a->n_rules && k == b->n_rules;

	if (i == a->n_rules || k == b->n_rules)
		return defaults && rule_equal(a->def, b->def);
	return rule_equal(a->rule[i], b->rule[k]);
}
