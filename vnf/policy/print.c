/*
 * The policy as text, in one way of writing: what is printed here parses to the same policy.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "vnf/policy/ast.h"
#include "vnf/policy/lex.h"

enum { LINE_ITEMS = 8 };	/* of a long list */

static void
prefix_print(const struct policy_prefix *x, FILE *f)
{
	char text[INET6_ADDRSTRLEN];

	inet_ntop(x->v6 ? AF_INET6 : AF_INET, x->v6 ? x->addr.b : &x->addr.b[12], text,
		  sizeof text);
	fputs(text, f);
	if (x->len < (x->v6 ? 128 : 32))
		fprintf(f, "/%u", x->len);
}

/* A name in a list, plain where it would be read as one word. */
static void
text_print(const char *s, FILE *f)
{
	static const char later[] =
		"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz_0123456789.-";
	const bool star = strncmp(s, "*.", 2) == 0;
	const char *from = star ? s + 2 : s;
	bool plain = *from && from[strspn(from, later)] == '\0';

	plain &= star || (!strchr("0123456789.-", *s) && !lex_is_keyword(s));
	plain &= strcmp(s, "mirror") != 0;
	fprintf(f, plain ? "%s" : "\"%s\"", s);
}

static void
item_print(const struct item *i, FILE *f)
{
	unsigned k;

	switch (i->kind) {
	case ITEM_PREFIX:
		prefix_print(&i->prefix, f);
		break;
	case ITEM_STACK:
		if (i->n_vids == 0)
			fputs("untagged", f);
		for (k = 0; k < i->n_vids; k++)
			fprintf(f, "%s%u", k ? "." : "", i->vid[k]);
		break;
	case ITEM_SET:
		fprintf(f, "<%s>", i->text);
		break;
	case ITEM_NAME:
		text_print(i->text, f);
		break;
	default:
		fprintf(f, "%" PRIu64, i->lo);
		if (i->hi != i->lo)
			fprintf(f, ":%" PRIu64, i->hi);
		break;
	}
}

static void
items_print(const struct list *l, FILE *f)
{
	const bool wrap = l->n > LINE_ITEMS;
	const struct item *i;
	size_t k = 0;

	fputc('{', f);
	for (i = l->first; i; i = i->next, k++) {
		fputs(wrap && k % LINE_ITEMS == 0 ? "\n\t" : " ", f);
		item_print(i, f);
	}
	fputs(wrap ? "\n}" : " }", f);
}

/* " word operand"; nothing where there is no condition. */
static void
list_print(const char *word, const struct list *l, FILE *f)
{
	if (l == NULL)
		return;
	fprintf(f, " %s%s ", word, l->negated ? " !" : "");
	if (l->n == 1)
		item_print(l->first, f);
	else
		items_print(l, f);
}

/* Words of the language, and what would not be read as a word, go in quotes. */
static void
name_print(const char *s, FILE *f)
{
	const size_t digits = strspn(s, "0123456789");
	const struct lex_unit *u = lex_units;
	bool quoted = lex_is_keyword(s) || strchr(s, ':') != NULL ||
		      s[strspn(s, "0123456789.")] == '\0';

	for (; u->suffix && digits > 0; u++)
		quoted |= strcmp(s + digits, u->suffix) == 0;
	fprintf(f, quoted ? "\"%s\"" : "%s", s);
}

/* A port's condition needs the addresses before it. */
static void
port_print(const char *end, const struct list *addr, const struct list *port, FILE *f)
{
	if (port && !addr)
		fprintf(f, " %s any", end);
	list_print("port", port, f);
}

static void
vlan_print(const struct list *v, FILE *f)
{
	if (v && v->n == 1 && v->first->kind == ITEM_STACK && v->first->n_vids == 0)
		fputs(" untagged", f);
	else
		list_print("vlan", v, f);
}

void
condition_print(const struct match *m, enum match_field field, FILE *f)
{
	switch (field) {
	case SEEN_FROM:
		list_print("from", m->from, f);
		break;
	case SEEN_TO:
		list_print("to", m->to, f);
		break;
	case SEEN_SPORT:
		port_print("from", m->from, m->sport, f);
		break;
	case SEEN_DPORT:
		port_print("to", m->to, m->dport, f);
		break;
	case SEEN_PROTO:
		fputs(m->tcp ? " proto tcp" : "", f);
		break;
	case SEEN_VLAN:
		vlan_print(m->vlan, f);
		break;
	case SEEN_ON:
		fputs(m->on.s ? " on " : "", f);
		if (m->on.s)
			name_print(m->on.s, f);
		break;
	case SEEN_DOMAIN:
		list_print("domain", m->domain, f);
		break;
	case SEEN_APP:
		list_print("app", m->name[0], f);
		break;
	case SEEN_SNI:
		list_print("sni", m->name[1], f);
		break;
	case SEEN_HOST:
		list_print("host", m->name[2], f);
		break;
	case SEEN_ALPN:
		list_print("alpn", m->name[3], f);
		break;
	case SEEN_N:
		break;
	}
}

static void
match_print(const struct match *m, FILE *f)
{
	static const enum match_field order[] = { SEEN_ON,   SEEN_DOMAIN, SEEN_VLAN, SEEN_PROTO,
						  SEEN_FROM, SEEN_SPORT,  SEEN_TO,   SEEN_DPORT,
						  SEEN_APP,  SEEN_SNI,	  SEEN_HOST, SEEN_ALPN };
	size_t i;

	for (i = 0; i < sizeof order / sizeof order[0]; i++)
		condition_print(m, order[i], f);
}

static void
duration_print(int64_t us, FILE *f)
{
	const struct lex_unit *u = lex_units;

	while (us % u->us != 0)
		u++;
	fprintf(f, "%" PRId64 "%s", us / u->us, u->suffix);
}

static void
attrs_print(const struct attr_list *a, FILE *f)
{
	const char *sep = " { ";

	if (a->v.log) {
		fprintf(f, "%slog", sep);
		sep = ", ";
	}
	if (a->v.timeout_us) {
		fprintf(f, "%stimeout ", sep);
		duration_print(a->v.timeout_us, f);
		sep = ", ";
	}
	if (a->seen[ATTR_OVERLAP].line) {
		fprintf(f, "%soverlap %s", sep, overlap_word(a->v.overlap));
		sep = ", ";
	}
	if (a->v.close_local) {
		fprintf(f, "%sclose local", sep);
		sep = ", ";
	}
	sep = sinks_print(a, sep, f);
	sep = tune_print(a, sep, f);
	if (sep[0] == ',')
		fputs(" }", f);
}

static void
action_print(const struct rule *r, FILE *f)
{
	fputs(policy_mode_name(r->mode), f);
	if (r->mode == POLICY_RESET && r->reset != POLICY_RESET_BOTH)
		fputs(r->reset == POLICY_RESET_CLIENT ? " client" : " server", f);
}

void
policy_print_rule(const struct policy *p, uint32_t i, FILE *f)
{
	const struct rule *r = i < p->n_rules ? p->rule[i] : p->def;

	if (r == p->def) {
		fputs("default ", f);
	} else {
		fputs("rule ", f);
		name_print(r->name.s, f);
		fputs(": ", f);
	}
	action_print(r, f);
	match_print(r->match, f);
	attrs_print(r->attrs, f);
}

static void
pair_print(const struct pair *p, FILE *f)
{
	name_print(p->a.s, f);
	fputc(' ', f);
	name_print(p->b.s, f);
}

static void
via_print(const struct steer *s, FILE *f)
{
	const struct pair *p;

	fputs(" via ", f);
	if (!s->balanced) {
		pair_print(s->pairs, f);
		if (s->attachment)
			fprintf(f, " attachment %u", s->attachment);
		return;
	}
	fprintf(f, "balance %s { ", s->balance == POLICY_BALANCE_L3 ? "l3" : "l3l4");
	for (p = s->pairs; p; p = p->next) {
		pair_print(p, f);
		fputs(p->next ? ", " : " }", f);
	}
}

static void
tap_print(const struct steer *s, FILE *f)
{
	fputs(s->kind == POLICY_STEER_COPY ? " copy to " : " mirror to ", f);
	name_print(s->tap.s, f);
	if (s->sample > 1)
		fprintf(f, " sample 1/%u", s->sample);
}

static void
steer_print(const struct steer *s, FILE *f)
{
	fputs("steer ", f);
	name_print(s->name.s, f);
	fputs(": bridge ", f);
	name_print(s->bridge.s, f);
	fputs(" client ", f);
	name_print(s->client.s, f);
	fputs(" server ", f);
	name_print(s->server.s, f);
	match_print(s->match, f);
	if (s->kind == POLICY_STEER_INLINE)
		via_print(s, f);
	else
		tap_print(s, f);
	if (s->kind == POLICY_STEER_MIRROR) {
		fputc('\n', f);
		return;
	}
	if (s->next_table)
		fprintf(f, " next resubmit %d", s->next_table);
	else
		fputs(" next normal", f);
	if (s->kind == POLICY_STEER_INLINE)
		fprintf(f, " fail %s", s->fail_closed ? "closed" : "open");
	fputc('\n', f);
}

void
policy_print_steer(const struct policy *p, size_t i, FILE *f)
{
	const struct steer *s = p->steer_list;

	while (s && i-- > 0)
		s = s->next;
	if (s)
		steer_print(s, f);
}

int
policy_print(const struct policy *p, FILE *f)
{
	const struct steer *s;
	const struct set *t;
	uint32_t i;

	if (p->inspect_seen.line) {
		fputs("set inspect ", f);
		duration_print(p->inspect.us, f);
		fprintf(f, " %uB\n", p->inspect.bytes);
	}
	for (t = p->sets; t; t = t->next) {
		fprintf(f, "set <%s> ", t->name);
		items_print(t->list, f);
		fputc('\n', f);
	}
	for (s = p->steer_list; s; s = s->next)
		steer_print(s, f);
	for (i = 0; i <= p->n_rules; i++) {
		policy_print_rule(p, i, f);
		fputc('\n', f);
	}
	return ferror(f) ? -EIO : 0;
}
