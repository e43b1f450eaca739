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

/* The first rule in [from, limit) whose addresses take the flow this way round. */
static uint32_t
next_match(const struct policy *p, const struct way *w, uint32_t from, uint32_t limit)
{
	uint32_t i;

	for (i = from; (i = index_next(p, &w->rows, i, limit)) < limit; i++)
		if (rest_fails(p->rule[i], w) == SEEN_N)
			break;
	return i;
}

void
walk_begin(struct walk *w, const struct policy *p, const struct policy_facts *f)
{
	w->p = p;
	w->f = f;
	w->n_ways = f->midstream ? 2 : 1;
	way_look(p, f, false, &w->way[0]);
	if (f->midstream)
		way_look(p, f, true, &w->way[1]);
}

uint32_t
walk_next(const struct walk *w, uint32_t from, bool *swapped, enum policy_truth *truth)
{
	const struct policy *p = w->p;
	enum match_field which;
	uint32_t i, other;

	for (;; from = i + 1) {
		*swapped = false;
		*truth = POLICY_TRUE;
		i = next_match(p, &w->way[0], from, p->n_rules);
		if (w->n_ways > 1 && (other = next_match(p, &w->way[1], from, i)) < i) {
			i = other;
			*swapped = true;
		}
		if (i == p->n_rules)
			return i;
		*truth = names_hold(p->rule[i], w->f, &which);
		if (*truth != POLICY_FALSE)
			return i;
	}
}

/* How much of a flow a mode needs from its beginning on. */
static unsigned
rank(enum policy_mode m)
{
	return m == POLICY_PROXY ? 2 : m == POLICY_PASSIVE;
}

/* The rule may be the flow's: it begins so that it can be. */
static void
begin_for(struct policy_verdict *v, const struct rule *r, bool first, bool midstream)
{
	static const enum policy_mode by_rank[] = { POLICY_TRACK, POLICY_PASSIVE, POLICY_PROXY };
	const bool demoted = midstream && r->mode == POLICY_PROXY;
	const enum policy_mode mode = by_rank[demoted ? 0 : rank(r->mode)];

	v->may |= 1u << (demoted ? POLICY_TRACK : r->mode);
	if (!first && rank(mode) <= rank(v->mode))
		return;
	v->mode = mode;
	v->attrs = r->attrs->v;
	v->reset = r->reset;
	v->demoted = demoted;
}

void
policy_decide(const struct policy *p, const struct policy_facts *f, struct policy_verdict *v)
{
	enum policy_truth truth;
	const struct rule *r;
	struct walk w;
	uint32_t i;

	walk_begin(&w, p, f);
	v->n_waiting = v->may = 0;
	for (i = 0; (i = walk_next(&w, i, &v->swapped, &truth)), truth == POLICY_UNKNOWN; i++)
		begin_for(v, p->rule[i], v->n_waiting++ == 0, f->midstream);
	r = i < p->n_rules ? p->rule[i] : p->def;
	v->rule = i;
	v->name = r->name.s;
	if (v->n_waiting > 0) {
		begin_for(v, r, false, f->midstream);
		return;
	}
	v->reset = r->reset;
	v->attrs = r->attrs->v;
	v->demoted = f->midstream && r->mode == POLICY_PROXY;
	v->mode = v->demoted ? POLICY_TRACK : r->mode;
	v->may = 1u << v->mode;
}

struct policy_inspect
policy_inspect(const struct policy *p)
{
	return p->inspect;
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

enum policy_mode
policy_rule_mode(const struct policy *p, uint32_t i, bool midstream)
{
	const enum policy_mode mode = rule_at(p, i)->mode;

	return midstream && mode == POLICY_PROXY ? POLICY_TRACK : mode;
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
