/*
 * What becomes of a flow.  Worker threads come here: no lock, no allocation,
 * no clock.
 */
#include <errno.h>
#include <netinet/in.h>
#include <string.h>

#include "vnf/nearest.h"
#include "vnf/policy/ast.h"

static bool
vlan_matches(const struct list *l, const struct way *w)
{
	const struct item *i;

	for (i = l->first; i; i = i->next) {
		if (i->kind == ITEM_RANGE) {
			if (w->n_vids == 1 && w->vid[0] >= i->lo && w->vid[0] <= i->hi)
				return true;
		} else if (w->n_vids == i->n_vids &&
			   memcmp(w->vid, i->vid, w->n_vids * sizeof w->vid[0]) == 0) {
			return true;
		}
	}
	return false;
}

enum match_field
rest_fails(const struct rule *r, const struct way *w)
{
	if (r->match->tcp && w->proto != IPPROTO_TCP)
		return SEEN_PROTO;
	if (r->match->on.s && (w->port >= POLICY_PORTS_MAX || !(r->ports >> w->port & 1)))
		return SEEN_ON;
	return r->match->vlan && !vlan_matches(r->match->vlan, w) ? SEEN_VLAN : SEEN_N;
}

void
way_look(const struct policy *p, const struct policy_facts *f, bool swap, struct way *w)
{
	const u128 src = span_key(&f->src), dst = span_key(&f->dst);
	unsigned k;

	w->n_vids = 0;
	for (k = 0; k < f->n_tags && k < POLICY_TAGS_MAX; k++)
		if (f->vid[k] != 0)
			w->vid[w->n_vids++] = f->vid[k];
	w->proto = f->proto;
	w->port = swap ? f->peer : f->port;
	const u128 key[DIM_N] = {
		[DIM_SRC] = swap ? dst : src,
		[DIM_DST] = swap ? src : dst,
		[DIM_SPORT] = swap ? f->dport : f->sport,
		[DIM_DPORT] = swap ? f->sport : f->dport,
		[DIM_DOMAIN] = f->domain,
		[DIM_VID] = w->n_vids ? w->vid[0] : 0,
	};
	index_rows(p, key, &w->rows);
}

/* The first rule below `limit` that takes the flow this way round. */
static uint32_t
first_match(const struct policy *p, const struct way *w, uint32_t limit)
{
	uint32_t i;

	for (i = 0; (i = index_next(p, &w->rows, i, limit)) < limit; i++)
		if (rest_fails(p->rule[i], w) == SEEN_N)
			break;
	return i;
}

void
policy_decide(const struct policy *p, const struct policy_facts *f, struct policy_verdict *v)
{
	const struct rule *r;
	uint32_t i, other;
	struct way w;

	way_look(p, f, false, &w);
	i = first_match(p, &w, p->n_rules);
	v->swapped = false;
	if (f->midstream) {
		way_look(p, f, true, &w);
		if ((other = first_match(p, &w, i)) < i) {
			i = other;
			v->swapped = true;
		}
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
	struct nearest near;
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
		near = nearest_begin(r->match->on.s);
		for (k = 0; k < n_ports; k++) {
			if (strcmp(ports[k], r->match->on.s) == 0)
				r->ports |= 1ull << k;
			nearest_look(&near, ports[k]);
		}
		if (r->ports)
			continue;
		error_at(p, errs, &r->match->on.loc, "there is no port \"%s\"%s%s%s",
			 r->match->on.s, near.word ? ": the nearest name is \"" : "",
			 near.word ? near.word : "", near.word ? "\"" : "");
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

const char *
policy_rule_place(const struct policy *p, uint32_t i, int *line)
{
	*line = rule_at(p, i)->name.loc.line;
	return rule_at(p, i)->name.loc.src->name;
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
