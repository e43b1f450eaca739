/*
 * From the tree to the snapshot: lists become intervals, rules that can't take
 * effect are refused, the index is built.
 */
#include <errno.h>
#include <search.h>
#include <stdlib.h>
#include <string.h>

#include "vnf/policy/ast.h"
#include "vnf/policy/lex.h"

int policy_yyparse(struct parser *ps);

/* An IPv6 prefix that is wide enough holds the mapped IPv4 space, and doesn't mean it. */
static size_t
prefix_spans(const struct policy_prefix *x, struct span *out)
{
	const unsigned bits = x->v6 ? x->len : 96u + x->len;
	const u128 lo = span_key(&x->addr);
	const u128 hi = bits == 0 ? ~(u128)0 : lo | (((u128)1 << (128 - bits)) - 1);
	size_t n = 0;

	if (!x->v6 || lo > SPAN_V4_HI || hi < SPAN_V4_LO) {
		out[n++] = (struct span){ lo, hi };
		return n;
	}
	if (lo < SPAN_V4_LO)
		out[n++] = (struct span){ lo, SPAN_V4_LO - 1 };
	if (hi > SPAN_V4_HI)
		out[n++] = (struct span){ SPAN_V4_HI + 1, hi };
	return n;
}

/* Up to two spans, or the set's; `v` NULL only counts. */
static size_t
item_spans(const struct item *i, struct span *v)
{
	struct span two[2];
	size_t n = 1;

	switch (i->kind) {
	case ITEM_SET:
		if (v)
			memcpy(v, i->set->spans->v, i->set->spans->n * sizeof *v);
		return i->set->spans->n;
	case ITEM_PREFIX:
		n = prefix_spans(&i->prefix, two);
		break;
	case ITEM_STACK:
		two[0].lo = two[0].hi = i->n_vids ? i->vid[0] : 0;
		break;
	default:
		two[0] = (struct span){ i->lo, i->hi };
		break;
	}
	if (v)
		memcpy(v, two, n * sizeof *v);
	return n;
}

const struct spans *
list_spans(struct parser *ps, const struct list *l, enum list_kind kind)
{
	const u128 max = kind == LIST_ADDR ? ~(u128)0 : 0xffff;
	struct span *v, *out;
	const struct item *i;
	struct spans *s;
	size_t n = 0;

	if (l->n == 1 && !l->negated && l->first->kind == ITEM_SET)
		return l->first->set->spans;
	for (i = l->first; i; i = i->next)
		n += item_spans(i, NULL);
	v = malloc((2 * n + 1) * sizeof *v);
	if (v == NULL) {
		ps->nomem = true;
		return NULL;
	}
	for (n = 0, i = l->first; i; i = i->next)
		n += item_spans(i, v + n);
	n = span_normalize(v, n);
	out = v;
	if (l->negated) {
		out = v + n;
		n = span_complement(v, n, max, out);
	}
	s = arena_alloc(&ps->p->arena, sizeof *s + n * sizeof *v);
	if (s) {
		s->n = n;
		memcpy(s->v, out, n * sizeof *v);
	} else {
		ps->nomem = true;
	}
	free(v);
	return s;
}

static bool
has_v4(const struct spans *s)
{
	return s == NULL || spans_touch(s, SPAN_V4_LO, SPAN_V4_HI);
}

static bool
has_v6(const struct spans *s)
{
	return s == NULL || spans_touch(s, 0, SPAN_V4_LO - 1) ||
	       spans_touch(s, SPAN_V4_HI + 1, ~(u128)0);
}

/* False if no packet can meet the conditions; says so. */
static bool
rule_possible(struct parser *ps, const struct rule *r)
{
	const struct spans *src = r->dim[DIM_SRC], *dst = r->dim[DIM_DST];
	const struct list *lists[] = { r->match->from, r->match->to, r->match->sport,
				       r->match->dport, r->match->domain };
	static const enum dim_id dims[] = { DIM_SRC, DIM_DST, DIM_SPORT, DIM_DPORT, DIM_DOMAIN };
	size_t k;

	for (k = 0; k < sizeof dims / sizeof dims[0]; k++) {
		if (lists[k] && r->dim[dims[k]]->n == 0) {
			error_at(ps->p, ps->errs, &lists[k]->loc,
				 "nothing is left: rule \"%s\" can never match", r->name.s);
			return false;
		}
	}
	if ((has_v4(src) && has_v4(dst)) || (has_v6(src) && has_v6(dst)))
		return true;
	error_at(ps->p, ps->errs, &r->match->seen[SEEN_TO],
		 "\"from\" (line %d:%d) is %s and \"to\" is %s: rule \"%s\" can never match",
		 r->match->seen[SEEN_FROM].line, r->match->seen[SEEN_FROM].col,
		 has_v4(src) ? "IPv4" : "IPv6", has_v4(dst) ? "IPv4" : "IPv6", r->name.s);
	return false;
}

/* False if the rule is not to go on to the index. */
static bool
rule_compile(struct parser *ps, struct rule *r)
{
	const struct match *m = r->match;
	const struct {
		const struct list *list;
		enum list_kind kind;
	} from[DIM_N] = {
		[DIM_SRC] = { m->from, LIST_ADDR },	   [DIM_DST] = { m->to, LIST_ADDR },
		[DIM_SPORT] = { m->sport, LIST_PORT },	   [DIM_DPORT] = { m->dport, LIST_PORT },
		[DIM_DOMAIN] = { m->domain, LIST_DOMAIN }, [DIM_VID] = { m->vlan, LIST_VLAN },
	};
	unsigned d;

	for (d = 0; d < DIM_N; d++) {
		if (from[d].list == NULL)
			continue;
		r->dim[d] = list_spans(ps, from[d].list, from[d].kind);
		if (r->dim[d] == NULL)
			return false;
	}
	return rule_possible(ps, r) && names_compile(ps, r);
}

static bool
item_includes(const struct item *a, const struct item *b)
{
	if (b->kind == ITEM_RANGE)
		return a->kind == ITEM_RANGE && a->lo <= b->lo && a->hi >= b->hi;
	if (a->kind == ITEM_RANGE)
		return b->n_vids == 1 && a->lo <= b->vid[0] && a->hi >= b->vid[0];
	return a->n_vids == b->n_vids && memcmp(a->vid, b->vid, a->n_vids * sizeof a->vid[0]) == 0;
}

bool
vlans_include(const struct list *a, const struct list *b)
{
	const struct item *i, *k;

	if (a == NULL)
		return true;
	if (b == NULL)
		return false;
	for (i = b->first; i; i = i->next) {
		for (k = a->first; k && !item_includes(k, i); k = k->next)
			;
		if (k == NULL)
			return false;
	}
	return true;
}

static int
word_order(const void *a, const void *b)
{
	const struct word *x = a, *y = b;

	return strcmp(x->s, y->s);
}

static void
word_keep(void *word)
{
	(void)word;	/* is the arena's */
}

/* Says of a name that it was there before. */
static int
name_once(struct parser *ps, void **tree, const struct word *w, const char *what)
{
	const struct word *const *old = tsearch(w, tree, word_order);
	char place[PLACE_MAX];

	if (old == NULL)
		return -ENOMEM;
	if (*old != w)
		error_at(ps->p, ps->errs, &w->loc, "%s \"%s\" is named twice: first at %s", what,
			 w->s, place_name(&w->loc, &(*old)->loc, place));
	return 0;
}

static int
names_check(struct parser *ps)
{
	void *rules = NULL, *steers = NULL;
	const struct steer *s;
	const struct rule *r;
	int rc = 0;

	for (r = ps->p->rules; r && rc == 0; r = r->next)
		rc = name_once(ps, &rules, &r->name, "rule");
	for (s = ps->p->steer_list; s && rc == 0; s = s->next)
		rc = name_once(ps, &steers, &s->name, "selection");
	tdestroy(rules, word_keep);
	tdestroy(steers, word_keep);
	return rc;
}

static int
by_name_order(const void *a, const void *b, void *policy)
{
	const struct policy *p = policy;

	return strcmp(p->rule[*(const uint32_t *)a]->name.s, p->rule[*(const uint32_t *)b]->name.s);
}

static int
by_name_make(struct policy *p)
{
	uint32_t i;

	p->by_name = arena_alloc(&p->arena, (p->n_rules + 1) * sizeof *p->by_name);
	if (p->by_name == NULL)
		return -ENOMEM;
	for (i = 0; i < p->n_rules; i++)
		p->by_name[i] = i;
	qsort_r(p->by_name, p->n_rules, sizeof *p->by_name, by_name_order, p);
	return 0;
}

uint32_t
policy_find_rule(const struct policy *p, const char *name)
{
	uint32_t lo = 0, n = p->n_rules;

	while (n > 0) {
		const uint32_t at = p->by_name[lo + n / 2];
		const int order = strcmp(name, p->rule[at]->name.s);

		if (order == 0)
			return at;
		lo += order > 0 ? n / 2 + 1 : 0;
		n = order > 0 ? n - n / 2 - 1 : n / 2;
	}
	return p->n_rules;
}

/* Puts the rules that are right into p->rule. */
static int
rules_compile(struct parser *ps)
{
	struct policy *p = ps->p;
	struct rule *r;
	size_t n = 0;

	for (r = p->rules; r; r = r->next)
		n++;
	p->rule = arena_alloc(&p->arena, (n + 1) * sizeof *p->rule);
	if (p->rule == NULL)
		return -ENOMEM;
	for (r = p->rules; r; r = r->next) {
		if (p->n_rules == POLICY_RULES_MAX) {
			error_at(p, ps->errs, &r->name.loc, "a policy has at most %d rules",
				 POLICY_RULES_MAX);
			break;
		}
		if (rule_check(ps, r) && rule_compile(ps, r))
			p->rule[p->n_rules++] = r;
		if (ps->nomem)
			return -ENOMEM;
	}
	if (p->def)
		rule_check(ps, p->def);
	else if (!ps->default_seen)
		error_at(p, ps->errs, &ps->at, "expected \"default ACTION\": every policy has one");
	return 0;
}

int
policy_compile(struct parser *ps)
{
	struct policy *p = ps->p;
	int rc;

	if ((rc = rules_compile(ps)) != 0 || (rc = names_check(ps)) != 0 ||
	    (rc = by_name_make(p)) != 0 || (rc = steers_compile(ps)) != 0 ||
	    (rc = index_build(p)) != 0 || (rc = shadows_check(ps)) != 0)
		return rc;
	return ps->errs->n > 0 || ps->errs->n_more > 0 ? -EINVAL : 0;
}

static struct policy *
policy_new(const char *name, const char *text, size_t len)
{
	struct policy *p = calloc(1, sizeof *p);

	if (p == NULL)
		return NULL;
	p->inspect = (struct policy_inspect){ 3 * 1000 * 1000, POLICY_INSPECT_MAX };
	p->sets_tail = &p->sets;
	p->rules_tail = &p->rules;
	p->steer_tail = &p->steer_list;
	p->sources_tail = &p->sources;
	if (sources_take(p, name, text, len) == 0)
		return p;
	policy_free(p);
	return NULL;
}

int
policy_count_rules(const char *text, size_t len)
{
	struct policy_errors errs = { 0 };
	struct parser ps = { .errs = &errs, .only_files = true };
	int rc = -ENOMEM;

	ps.p = policy_new("", text, len);
	if (ps.p && (rc = lex_open(&ps)) == 0) {
		rc = lex_count_rules(&ps);
		lex_close(&ps);
	}
	policy_free(ps.p);
	policy_errors_free(&errs);
	return ps.nomem ? -ENOMEM : rc;
}

int
policy_expand(const char *name, const char *text, size_t len, policy_read *read, FILE *out,
	      struct policy_errors *errs)
{
	struct parser ps = { .errs = errs, .read = read, .only_files = true };
	int rc = -ENOMEM;

	memset(errs, 0, sizeof *errs);
	ps.p = policy_new(name, text, len);
	if (ps.p && (rc = lex_open(&ps)) == 0) {
		lex_count_rules(&ps);
		lex_close(&ps);
		rc = ps.nomem ? -ENOMEM : errs->n > 0 ? -EINVAL : sources_put(ps.p, out);
	}
	policy_free(ps.p);
	errors_sort(errs);
	return rc;
}

int
policy_parse(const char *name, const char *text, size_t len, struct policy **out,
	     struct policy_errors *errs)
{
	struct parser ps = { .errs = errs };
	int rc;

	*out = NULL;
	memset(errs, 0, sizeof *errs);
	if (len > POLICY_TEXT_MAX)
		return -EFBIG;
	ps.p = policy_new(name, text, len);
	if (ps.p == NULL)
		return -ENOMEM;
	rc = lex_open(&ps);
	if (rc == 0) {
		policy_yyparse(&ps);
		lex_close(&ps);
		rc = ps.nomem ? -ENOMEM : policy_compile(&ps);
	}
	if (rc == 0) {
		*out = ps.p;
		return 0;
	}
	policy_free(ps.p);
	if (rc != -EINVAL)
		policy_errors_free(errs);
	errors_sort(errs);
	return rc;
}

void
policy_free(struct policy *p)
{
	if (p == NULL)
		return;
	index_fini(p);
	tdestroy(p->set_tree, word_keep);
	arena_fini(&p->arena);
	free(p);
}
