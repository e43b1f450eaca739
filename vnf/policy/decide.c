/*
 * What becomes of a flow.  Worker threads come here: no lock, no allocation,
 * no clock.
 */
#include <errno.h>
#include <netinet/in.h>
#include <string.h>

#include "vnf/policy/ast.h"

/* The VLAN stack without priority tags. */
struct tags {
	unsigned n;
	uint16_t vid[POLICY_TAGS_MAX];
};

static bool
vlan_matches(const struct list *l, const struct tags *t)
{
	const struct item *i;

	for (i = l->first; i; i = i->next) {
		if (i->kind == ITEM_RANGE) {
			if (t->n == 1 && t->vid[0] >= i->lo && t->vid[0] <= i->hi)
				return true;
		} else if (t->n == i->n_vids &&
			   memcmp(t->vid, i->vid, t->n * sizeof t->vid[0]) == 0) {
			return true;
		}
	}
	return false;
}

/* What the index leaves open. */
static bool
rest_matches(const struct rule *r, uint8_t proto, uint8_t port, const struct tags *t)
{
	if (r->match->tcp && proto != IPPROTO_TCP)
		return false;
	if (r->match->on.s && (port >= POLICY_PORTS_MAX || !(r->ports >> port & 1)))
		return false;
	return r->match->vlan == NULL || vlan_matches(r->match->vlan, t);
}

/* The first rule below `limit` that takes these facts, the other way round if `swap`. */
static uint32_t
first_match(const struct policy *p, const struct policy_facts *f, const struct tags *t, bool swap,
	    uint32_t limit)
{
	const u128 src = span_key(&f->src), dst = span_key(&f->dst);
	const uint8_t port = swap ? f->peer : f->port;
	const u128 key[DIM_N] = {
		[DIM_SRC] = swap ? dst : src,
		[DIM_DST] = swap ? src : dst,
		[DIM_SPORT] = swap ? f->dport : f->sport,
		[DIM_DPORT] = swap ? f->sport : f->dport,
		[DIM_DOMAIN] = f->domain,
		[DIM_VID] = t->n ? t->vid[0] : 0,
	};
	struct index_rows rows;
	uint32_t i;

	index_rows(p, key, &rows);
	for (i = 0; (i = index_next(p, &rows, i, limit)) < limit; i++)
		if (rest_matches(p->rule[i], f->proto, port, t))
			break;
	return i;
}

void
policy_decide(const struct policy *p, const struct policy_facts *f, struct policy_verdict *v)
{
	struct tags t = { 0 };
	const struct rule *r;
	uint32_t i, other;
	unsigned k;

	for (k = 0; k < f->n_tags && k < POLICY_TAGS_MAX; k++)
		if (f->vid[k] != 0)
			t.vid[t.n++] = f->vid[k];
	i = first_match(p, f, &t, false, p->n_rules);
	v->swapped = false;
	if (f->midstream && (other = first_match(p, f, &t, true, i)) < i) {
		i = other;
		v->swapped = true;
	}
	r = i < p->n_rules ? p->rule[i] : p->def;
	v->rule = i;
	v->name = r->name.s;
	v->reset = r->reset;
	v->attrs = r->attrs->v;
	v->demoted = f->midstream && r->mode == POLICY_PROXY;
	v->mode = v->demoted ? POLICY_TRACK : r->mode;
}

int
policy_bind(struct policy *p, const char *const *ports, unsigned n_ports,
	    struct policy_errors *errs)
{
	struct rule *r;
	uint32_t i;
	unsigned k;

	memset(errs, 0, sizeof *errs);
	if (n_ports > POLICY_PORTS_MAX)
		return -E2BIG;
	for (i = 0; i < p->n_rules; i++) {
		r = p->rule[i];
		if (r->match->on.s == NULL)
			continue;
		r->ports = 0;
		for (k = 0; k < n_ports; k++)
			if (strcmp(ports[k], r->match->on.s) == 0)
				r->ports |= 1ull << k;
		if (r->ports == 0)
			error_at(p, errs, &r->match->on.loc, "there is no port \"%s\"",
				 r->match->on.s);
	}
	return errs->n > 0 ? -EINVAL : 0;
}

uint32_t
policy_n_rules(const struct policy *p)
{
	return p->n_rules;
}

static const struct rule *
rule_at(const struct policy *p, uint32_t i)
{
	return i < p->n_rules ? p->rule[i] : p->def;
}

const char *
policy_rule_name(const struct policy *p, uint32_t i)
{
	return rule_at(p, i)->name.s;
}

bool
policy_uses(const struct policy *p, enum policy_mode mode)
{
	uint32_t i;

	for (i = 0; i <= p->n_rules; i++)
		if (rule_at(p, i)->mode == mode)
			return true;
	return false;
}

const struct policy_steer *
policy_steers(const struct policy *p, size_t *n)
{
	*n = p->n_steers;
	return p->steers;
}

const char *
policy_mode_name(enum policy_mode m)
{
	static const char *const names[] = {
		[POLICY_PROXY] = "proxy", [POLICY_TRACK] = "track", [POLICY_PASSIVE] = "passive",
		[POLICY_PASS] = "pass",	  [POLICY_DROP] = "drop",   [POLICY_RESET] = "reset",
	};

	return names[m];
}
