/*
 * Reads the items of lists as their place wants them, and says what is wrong
 * with them one by one; then what a rule as a whole can't mean.
 */
#include <arpa/inet.h>
#include <inttypes.h>
#include <string.h>

#include "vnf/nearest.h"
#include "vnf/policy/ast.h"

enum { VID_MAX = 4094, U16_MAX = 65535, LEN_MAX_V4 = 32, LEN_MAX_V6 = 128 };

static const struct {
	const char *wanted;
	uint64_t min, max;	/* of its numbers */
	const char *number;
} kinds[] = {
	[LIST_ADDR] = { "an address, a prefix or a <set> of addresses", 0, 0, "" },
	[LIST_PORT] = { "a port, a range (8000:8999) or a <set> of ports", 0, U16_MAX, "port" },
	[LIST_DOMAIN] = { "a domain or a range", 0, U16_MAX, "domain" },
	[LIST_VLAN] = { "a VLAN, a stack, a range or untagged", 1, VID_MAX, "VLAN" },
	[LIST_NAME] = { "a name or a <set> of names", 0, 0, "" },
};

static bool
item_error(struct parser *ps, const struct item *i, const char *what)
{
	char quote[64];

	error_at(ps->p, ps->errs, &i->loc, "%s %s",
		 source_quote(ps->p, &i->loc, quote, sizeof quote), what);
	return false;
}

static bool
set_undefined(struct parser *ps, const struct item *i)
{
	struct nearest near = nearest_begin(i->text);
	const struct set *s;

	for (s = ps->p->sets; s && ps->errs->n < POLICY_ERRORS_MAX; s = s->next)
		nearest_look(&near, s->name);
	if (near.word)
		error_at(ps->p, ps->errs, &i->loc, "there is no set <%s>: the nearest name is <%s>",
			 i->text, near.word);
	else
		error_at(ps->p, ps->errs, &i->loc, "there is no set <%s>", i->text);
	return false;
}

static bool
item_set(struct parser *ps, struct item *i, enum list_kind kind)
{
	struct set *s = set_find(ps->p, i->text);

	if (kind == LIST_DOMAIN || kind == LIST_VLAN)
		return item_error(ps, i, "is a set: expected numbers here");
	if (s == NULL)
		return set_undefined(ps, i);
	if (!s->ready && s->list == NULL)
		return false;	/* its definition was complained of */
	if (!s->ready) {
		error_at(ps->p, ps->errs, &i->loc, "set <%s> can't hold itself", i->text);
		return false;
	}
	if (s->kind != kind) {
		error_at(ps->p, ps->errs, &i->loc, "set <%s> holds %s: expected %s", i->text,
			 s->kind == LIST_ADDR	? "addresses"
			 : s->kind == LIST_PORT ? "ports"
						: "names",
			 kinds[kind].wanted);
		return false;
	}
	i->set = s;
	return s->spans != NULL || s->texts != NULL;
}

/* Clears the bits beyond `len`; false if one was set. */
static bool
mask_off(struct ip_addr *a, unsigned len)
{
	bool clean = true;
	unsigned b;

	for (b = len; b < 128; b++) {
		const uint8_t bit = (uint8_t)(0x80 >> (b % 8));

		clean &= !(a->b[b / 8] & bit);
		a->b[b / 8] &= (uint8_t)~bit;
	}
	return clean;
}

static bool
prefix_len(struct parser *ps, struct item *i, unsigned max)
{
	char text[INET6_ADDRSTRLEN];
	struct ip_addr *a = &i->prefix.addr;

	if (i->len > (int64_t)max) {
		error_at(ps->p, ps->errs, &i->loc, "expected a prefix length from 0 to %u", max);
		return false;
	}
	i->prefix.len = (uint8_t)(i->len < 0 ? max : i->len);
	if (mask_off(a, LEN_MAX_V6 - max + i->prefix.len))
		return true;
	inet_ntop(i->prefix.v6 ? AF_INET6 : AF_INET, i->prefix.v6 ? a->b : &a->b[12], text,
		  sizeof text);
	error_at(ps->p, ps->errs, &i->loc, "bits are set beyond the prefix length: expected %s/%u",
		 text, i->prefix.len);
	return false;
}

static bool
item_v4(struct parser *ps, struct item *i)
{
	uint8_t b[4];

	if (inet_pton(AF_INET, i->text, b) != 1)
		return item_error(ps, i, "is not an IPv4 address");
	i->kind = ITEM_PREFIX;
	i->prefix.addr = ip_addr_v4(b);
	i->prefix.v6 = false;
	return prefix_len(ps, i, LEN_MAX_V4);
}

static bool
item_v6(struct parser *ps, struct item *i)
{
	uint8_t b[16];

	if (inet_pton(AF_INET6, i->text, b) != 1)
		return item_error(ps, i, "is not an IPv6 address");
	i->kind = ITEM_PREFIX;
	i->prefix.addr = ip_addr_v6(b);
	i->prefix.v6 = true;
	if (ip_addr_is_v4(&i->prefix.addr))
		return item_error(ps, i, "is mapped IPv4: expected it as a.b.c.d");
	return prefix_len(ps, i, LEN_MAX_V6);
}

static bool
item_addr(struct parser *ps, struct item *i)
{
	char what[160];

	switch (i->kind) {
	case ITEM_DOTTED:
		return item_v4(ps, i);
	case ITEM_ADDR6:
		return item_v6(ps, i);
	case ITEM_SET:
		return item_set(ps, i, LIST_ADDR);
	case ITEM_WORD:
		if (set_find(ps->p, i->text)) {
			snprintf(what, sizeof what, "is no address: expected the set as <%.*s>",
				 POLICY_NAME_MAX, i->text);
			return item_error(ps, i, what);
		}
		/* fall through */
	default:
		snprintf(what, sizeof what, "is no address: expected %s", kinds[LIST_ADDR].wanted);
		return item_error(ps, i, what);
	}
}

static bool
item_number(struct parser *ps, struct item *i, enum list_kind kind)
{
	const uint64_t min = kinds[kind].min, max = kinds[kind].max;

	if (i->lo < min || i->lo > max || i->hi < min || i->hi > max) {
		error_at(ps->p, ps->errs, &i->loc, "expected a %s from %" PRIu64 " to %" PRIu64,
			 kinds[kind].number, min, max);
		return false;
	}
	if (i->lo > i->hi) {
		error_at(ps->p, ps->errs, &i->loc,
			 "the range is reversed: expected %" PRIu64 ":%" PRIu64, i->hi, i->lo);
		return false;
	}
	return true;
}

/* "100.200.300" */
static bool
item_stack(struct parser *ps, struct item *i)
{
	const char *s = i->text;
	unsigned vid = 0, n = 0;
	uint16_t vids[POLICY_TAGS_MAX];

	for (;; s++) {
		if (*s >= '0' && *s <= '9') {
			vid = vid > VID_MAX ? vid : vid * 10 + (unsigned)(*s - '0');
			continue;
		}
		if (n == POLICY_TAGS_MAX)
			return item_error(ps, i, "is too deep: expected at most 16 VLANs");
		if (vid < 1 || vid > VID_MAX)
			return item_error(ps, i, "is no VLAN stack: expected VLANs from 1 to 4094");
		vids[n++] = (uint16_t)vid;
		vid = 0;
		if (*s == '\0')
			break;
	}
	i->kind = ITEM_STACK;
	i->n_vids = (uint8_t)n;
	memcpy(i->vid, vids, n * sizeof vids[0]);
	return true;
}

static bool
item_vlan(struct parser *ps, struct item *i)
{
	const uint16_t vid = (uint16_t)i->lo;

	switch (i->kind) {
	case ITEM_UNTAGGED:
		i->kind = ITEM_STACK;
		i->n_vids = 0;
		return true;
	case ITEM_RANGE:
		if (!item_number(ps, i, LIST_VLAN))
			return false;
		if (i->lo == i->hi) {
			i->kind = ITEM_STACK;
			i->n_vids = 1;
			i->vid[0] = vid;
		}
		return true;
	case ITEM_DOTTED:
		if (i->len < 0)
			return item_stack(ps, i);
		/* fall through */
	default:
		return item_error(ps, i, "is no VLAN: expected 100, 100.200, 100:199 or untagged");
	}
}

static bool
item_check(struct parser *ps, struct item *i, enum list_kind kind)
{
	char what[128];

	switch (kind) {
	case LIST_ADDR:
		return item_addr(ps, i);
	case LIST_VLAN:
		return item_vlan(ps, i);
	case LIST_NAME:
		return i->kind == ITEM_SET ? item_set(ps, i, kind) : item_name(ps, i);
	default:
		if (i->kind == ITEM_RANGE)
			return item_number(ps, i, kind);
		if (i->kind == ITEM_SET)
			return item_set(ps, i, kind);
		snprintf(what, sizeof what, "is no %s: expected %s", kinds[kind].number,
			 kinds[kind].wanted);
		return item_error(ps, i, what);
	}
}

bool
list_check(struct parser *ps, struct list *l, enum list_kind kind)
{
	struct item *i;
	bool good = true;

	if (!l->any && l->n == 0) {
		error_at(ps->p, ps->errs, &l->loc, "the list is empty: expected %s",
			 kinds[kind].wanted);
		return false;
	}
	for (i = l->first; i; i = i->next)
		good &= item_check(ps, i, kind);
	if (l->negated && kind == LIST_VLAN) {
		error_at(ps->p, ps->errs, &l->loc, "\"!\" can't be said of VLANs");
		return false;
	}
	return good;
}

/* A set is of ports if it begins with a number, of names if with a word, else as its first set. */
void
set_check(struct parser *ps, struct set *s)
{
	const struct item *i = s->list->first;
	const struct set *inner;

	s->kind = LIST_ADDR;
	if (i && i->kind == ITEM_RANGE)
		s->kind = LIST_PORT;
	if (i && i->kind == ITEM_WORD)
		s->kind = LIST_NAME;
	if (i && i->kind == ITEM_SET && (inner = set_find(ps->p, i->text)) != NULL)
		s->kind = inner->kind;
	if (s->list->n == 0)
		s->list->loc = s->loc;
	if (list_check(ps, s->list, s->kind)) {
		if (s->kind == LIST_NAME)
			s->texts = list_texts(ps, s->list);
		else
			s->spans = list_spans(ps, s->list, s->kind);
	}
	s->ready = true;
}

/* Checks one list, and forgets it where it says any. */
static bool
field_check(struct parser *ps, struct list **l, enum list_kind kind)
{
	bool good;

	if (*l == NULL)
		return true;
	good = list_check(ps, *l, kind);
	if ((*l)->any)
		*l = NULL;
	return good;
}

bool
match_check(struct parser *ps, struct match *m)
{
	bool good = true;
	unsigned k;

	good &= field_check(ps, &m->from, LIST_ADDR);
	good &= field_check(ps, &m->sport, LIST_PORT);
	good &= field_check(ps, &m->to, LIST_ADDR);
	good &= field_check(ps, &m->dport, LIST_PORT);
	good &= field_check(ps, &m->vlan, LIST_VLAN);
	good &= field_check(ps, &m->domain, LIST_DOMAIN);
	for (k = 0; k < N_NAMES; k++)
		good &= field_check(ps, &m->name[k], LIST_NAME);
	return good;
}

void
name_check(struct parser *ps, const struct word *w)
{
	static const char sane[] =
		"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_.:-";

	if (w->s[0] == '\0' || w->s[strspn(w->s, sane)] != '\0')
		error_at(ps->p, ps->errs, &w->loc,
			 "expected a name of letters, digits and \"_\", \".\", \":\", \"-\"");
	else if (w->s[0] == '-' || w->s[0] == '.')
		error_at(ps->p, ps->errs, &w->loc, "a name does not begin with \"%c\"", w->s[0]);
	else if (strlen(w->s) > POLICY_NAME_MAX)
		error_at(ps->p, ps->errs, &w->loc, "a name has at most %d characters",
			 POLICY_NAME_MAX);
}

/* Attributes that the rule's mode has no use for would take no effect. */
static void
attrs_check(struct parser *ps, const struct rule *r)
{
	static const struct {
		enum attr_field field;
		unsigned modes;
		const char *message;
	} only[] = {
		{ ATTR_TIMEOUT, 1u << POLICY_PROXY | 1u << POLICY_TRACK | 1u << POLICY_PASSIVE,
		  "\"timeout\" takes effect with proxy, track and passive only" },
		{ ATTR_OVERLAP, 1u << POLICY_PASSIVE,
		  "\"overlap\" takes effect with passive only" },
		{ ATTR_CLOSE, 1u << POLICY_PROXY, "\"close local\" takes effect with proxy only" },
	};
	size_t k;

	for (k = 0; k < sizeof only / sizeof only[0]; k++)
		if (r->attrs->seen[only[k].field].line && !(only[k].modes & 1u << r->mode))
			error_at(ps->p, ps->errs, &r->attrs->seen[only[k].field], "%s",
				 only[k].message);
	sinks_check(ps, r);
	tune_check(ps, r);
}

bool
rule_check(struct parser *ps, struct rule *r)
{
	name_check(ps, &r->name);
	if (r != ps->p->def && strcmp(r->name.s, "default") == 0)
		error_at(ps->p, ps->errs, &r->name.loc, "\"default\" is the default's own name");
	if (r->match->on.s)
		name_check(ps, &r->match->on);
	attrs_check(ps, r);
	return match_check(ps, r->match);
}
