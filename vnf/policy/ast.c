/*
 * What the grammar's actions build.
 */
#include <errno.h>
#include <search.h>
#include <stdlib.h>
#include <string.h>

#include "vnf/policy/ast.h"
#include "vnf/policy/lex.h"

enum {
	BLOCK = 64 * 1024,
	TIMEOUT_MIN_S = 1,
	TIMEOUT_MAX_S = 365 * 86400,
	TABLE_MAX = 254,	/* OpenFlow: 255 means all tables */
	INSPECT_MIN_US = 10 * 1000,
	INSPECT_MAX_US = 60 * 1000 * 1000,
};

struct arena_block {
	struct arena_block *next;
	size_t used, size;
	_Alignas(16) char bytes[];
};

void *
arena_alloc(struct arena *a, size_t n)
{
	struct arena_block *b = a->head;
	void *at;

	n = (n + 15) & ~(size_t)15;
	if (b == NULL || b->size - b->used < n) {
		const size_t size = n > BLOCK ? n : BLOCK;

		b = calloc(1, sizeof *b + size);
		if (b == NULL)
			return NULL;
		b->size = size;
		b->next = a->head;
		a->head = b;
	}
	at = b->bytes + b->used;
	b->used += n;
	return at;
}

char *
arena_strndup(struct arena *a, const char *s, size_t n)
{
	char *copy = arena_alloc(a, n + 1);

	if (copy)
		memcpy(copy, s, n);
	return copy;
}

void
arena_fini(struct arena *a)
{
	struct arena_block *b;

	while ((b = a->head) != NULL) {
		a->head = b->next;
		free(b);
	}
}

struct item *
item_new(struct parser *ps, enum item_kind kind, struct loc loc)
{
	struct item *i = arena_alloc(&ps->p->arena, sizeof *i);

	if (i) {
		i->kind = kind;
		i->loc = loc;
		i->len = -1;
	}
	return i;
}

struct item *
item_text(struct parser *ps, enum item_kind kind, const char *text, struct loc loc)
{
	struct item *i = item_new(ps, kind, loc);

	if (i)
		i->text = text;
	return i;
}

struct item *
item_prefix(struct parser *ps, enum item_kind kind, const char *text, uint64_t len, struct loc loc)
{
	struct item *i = item_text(ps, kind, text, loc);

	if (i)
		i->len = (int64_t)len;
	return i;
}

struct item *
item_range(struct parser *ps, uint64_t lo, uint64_t hi, struct loc loc)
{
	struct item *i = item_new(ps, ITEM_RANGE, loc);

	if (i) {
		i->lo = lo;
		i->hi = hi;
	}
	return i;
}

struct list *
list_new(struct parser *ps, struct loc loc)
{
	struct list *l = arena_alloc(&ps->p->arena, sizeof *l);

	if (l) {
		l->tail = &l->first;
		l->loc = loc;
	}
	return l;
}

void
list_add(struct list *l, struct item *i)
{
	*l->tail = i;
	l->tail = &i->next;
	l->n++;
}

void
list_negate(struct parser *ps, struct list *l, const struct loc *loc)
{
	if (l->any)
		error_at(ps->p, ps->errs, loc, "\"! any\" matches nothing");
	l->negated = true;
}

static int
set_order(const void *a, const void *b)
{
	const struct set *x = a, *y = b;

	return strcmp(x->name, y->name);
}

struct set *
set_find(const struct policy *p, const char *name)
{
	const struct set key = { .name = name };
	void *at = tfind(&key, &p->set_tree, set_order);

	return at ? *(struct set **)at : NULL;
}

/* A set of a name that is taken is read and checked, and then found by nobody. */
struct set *
set_declare(struct parser *ps, const char *name, struct loc loc)
{
	struct policy *p = ps->p;
	struct set *s = arena_alloc(&p->arena, sizeof *s);
	const struct set *old;
	char place[PLACE_MAX];

	if (s == NULL)
		return NULL;
	s->name = name;
	s->loc = loc;
	if (strlen(name) > POLICY_NAME_MAX)
		error_at(p, ps->errs, &loc, "a name has at most %d characters", POLICY_NAME_MAX);
	old = set_find(p, name);
	if (old)
		error_at(p, ps->errs, &loc, "set <%s> is defined twice: first at %s", name,
			 place_name(&loc, &old->loc, place));
	else if (tsearch(s, &p->set_tree, set_order) == NULL)
		return NULL;
	*p->sets_tail = s;
	p->sets_tail = &s->next;
	return s;
}

static bool
seen_twice(struct parser *ps, struct loc *seen, const struct loc *loc)
{
	char quote[64], place[PLACE_MAX];

	if (seen->line == 0) {
		*seen = *loc;
		return false;
	}
	error_at(ps->p, ps->errs, loc, "%s is given twice: first at %s",
		 source_quote(ps->p, loc, quote, sizeof quote), place_name(loc, seen, place));
	return true;
}

void
match_list(struct parser *ps, enum match_field field, struct list *l, const struct loc *loc)
{
	struct match *m = ps->match;

	if (seen_twice(ps, &m->seen[field], loc))
		return;
	switch (field) {
	case SEEN_FROM:
		m->from = l;
		break;
	case SEEN_TO:
		m->to = l;
		break;
	case SEEN_SPORT:
		m->sport = l;
		break;
	case SEEN_DPORT:
		m->dport = l;
		break;
	case SEEN_VLAN:
		m->vlan = l;
		break;
	case SEEN_DOMAIN:
		m->domain = l;
		break;
	case SEEN_APP:
	case SEEN_SNI:
	case SEEN_HOST:
	case SEEN_ALPN:
		m->name[field - SEEN_APP] = l;
		break;
	default:
		break;
	}
}

void
match_tcp(struct parser *ps, const struct loc *loc)
{
	if (!seen_twice(ps, &ps->match->seen[SEEN_PROTO], loc))
		ps->match->tcp = true;
}

void
match_on(struct parser *ps, const struct word *port, const struct loc *loc)
{
	if (!seen_twice(ps, &ps->match->seen[SEEN_ON], loc))
		ps->match->on = *port;
}

void
proto_refuse(struct parser *ps, const struct loc *loc)
{
	char quote[64];

	error_at(ps->p, ps->errs, loc,
		 "expected \"tcp\", found %s: other protocols are not available in this version",
		 source_quote(ps->p, loc, quote, sizeof quote));
}

void
attr_once(struct parser *ps, enum attr_field field, const struct loc *loc)
{
	seen_twice(ps, &ps->attrs->seen[field], loc);
}

void
attr_timeout(struct parser *ps, uint64_t us, const struct loc *loc)
{
	const uint64_t sec = 1000 * 1000;

	if (us < TIMEOUT_MIN_S * sec || us > TIMEOUT_MAX_S * sec) {
		error_at(ps->p, ps->errs, loc, "expected a timeout from %ds to %dd", TIMEOUT_MIN_S,
			 TIMEOUT_MAX_S / 86400);
		return;
	}
	ps->attrs->v.timeout_us = (int64_t)us;
}

int
statement_begins(struct parser *ps)
{
	ps->skipping = false;
	ps->match = arena_alloc(&ps->p->arena, sizeof *ps->match);
	ps->attrs = arena_alloc(&ps->p->arena, sizeof *ps->attrs);
	return ps->match && ps->attrs ? 0 : -ENOMEM;
}

/* And the rest of its statement is skipped. */
void
later_refuse(struct parser *ps, const struct loc *loc)
{
	char quote[64];

	ps->skipping = true;
	error_at(ps->p, ps->errs, loc, "%s is not available in this version",
		 source_quote(ps->p, loc, quote, sizeof quote));
}

int
table_check(struct parser *ps, uint64_t table, const struct loc *loc)
{
	/* Table 0 holds the selections: the packet would come back to them. */
	if (table >= 1 && table <= TABLE_MAX)
		return (int)table;
	error_at(ps->p, ps->errs, loc, "expected a table from 1 to %d", TABLE_MAX);
	return 0;
}

/* "512B"; 0: it is none. */
static unsigned long
size_of(const char *text)
{
	char *end;
	unsigned long n = strtoul(text, &end, 10);

	return text[0] >= '0' && text[0] <= '9' && strcmp(end, "B") == 0 ? n : 0;
}

void
inspect_set(struct parser *ps, uint64_t us, const struct loc *us_loc, const char *bytes,
	    const struct loc *bytes_loc)
{
	const unsigned long n = size_of(bytes);

	if (seen_twice(ps, &ps->p->inspect_seen, us_loc))
		return;
	if (us < INSPECT_MIN_US || us > INSPECT_MAX_US)
		error_at(ps->p, ps->errs, us_loc, "expected a time from 10ms to 60s");
	else if (n < POLICY_INSPECT_MIN || n > POLICY_INSPECT_MAX)
		error_at(ps->p, ps->errs, bytes_loc, "expected a size from %dB to %dB",
			 POLICY_INSPECT_MIN, POLICY_INSPECT_MAX);
	else
		ps->p->inspect = (struct policy_inspect){ (int64_t)us, (uint32_t)n };
}

struct rule *
rule_new(struct parser *ps, enum policy_mode mode)
{
	struct rule *r = arena_alloc(&ps->p->arena, sizeof *r);

	if (r)
		r->mode = mode;
	return r;
}

void
rule_add(struct parser *ps, struct rule *r)
{
	r->match = ps->match;
	r->attrs = ps->attrs;
	*ps->p->rules_tail = r;
	ps->p->rules_tail = &r->next;
}

void
default_add(struct parser *ps, struct rule *r)
{
	const struct rule *old = ps->p->def;
	char place[PLACE_MAX];

	r->match = ps->match;
	r->attrs = ps->attrs;
	if (old)
		error_at(ps->p, ps->errs, &r->name.loc, "a second default: first at %s",
			 place_name(&r->name.loc, &old->name.loc, place));
	else
		ps->p->def = r;
}

struct steer *
steer_new(struct parser *ps, enum policy_steer_kind kind, int next_table)
{
	struct steer *s = arena_alloc(&ps->p->arena, sizeof *s);

	if (s) {
		s->kind = kind;
		s->next_table = next_table;
	}
	return s;
}

struct pair *
pair_new(struct parser *ps, const struct word *a, const struct word *b)
{
	struct pair *p = arena_alloc(&ps->p->arena, sizeof *p);

	if (p)
		*p = (struct pair){ .last = p, .a = *a, .b = *b };
	return p;
}

struct pair *
pair_append(struct pair *list, struct pair *one)
{
	list->last->next = one;
	list->last = one;
	return list;
}

int
attachment_check(struct parser *ps, uint64_t id, const struct loc *loc)
{
	if (id >= POLICY_ATTACHMENT_MIN && id <= POLICY_ATTACHMENT_MAX)
		return (int)id;
	error_at(ps->p, ps->errs, loc, "expected an attachment from %d to %d",
		 POLICY_ATTACHMENT_MIN, POLICY_ATTACHMENT_MAX);
	return 0;
}

int
sample_check(struct parser *ps, uint64_t one, const struct loc *one_loc, uint64_t of,
	     const struct loc *of_loc)
{
	if (one != 1)
		error_at(ps->p, ps->errs, one_loc, "expected 1: one of N connections is copied");
	if (of >= 1 && of <= POLICY_SAMPLE_MAX)
		return (int)of;
	error_at(ps->p, ps->errs, of_loc, "expected a number of connections from 1 to %d",
		 POLICY_SAMPLE_MAX);
	return 1;
}

void
steer_add(struct parser *ps, struct steer *s)
{
	s->match = ps->match;
	*ps->p->steer_tail = s;
	ps->p->steer_tail = &s->next;
}
