/*
 * names.c - conditions on what a flow's bytes say: app, sni, host, alpn.
 *
 * A checked list is a sorted array of texts, in which "*.example" stands as ".example": a name is
 * held against it by one search for itself and one for each of its parents.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "vnf/app/app.h"
#include "vnf/nearest.h"
#include "vnf/pattern.h"
#include "vnf/policy/ast.h"

enum { TEXT_LEN_MAX = 255 };

/* --- lists --- */

static int
text_order(const void *a, const void *b)
{
	return strcasecmp(*(const char *const *)a, *(const char *const *)b);
}

const struct texts *
list_texts(struct parser *ps, const struct list *l)
{
	const struct item *i;
	struct texts *t;
	size_t n = 0, k;

	if (l->n == 1 && l->first->kind == ITEM_SET)
		return l->first->set->texts;
	for (i = l->first; i; i = i->next)
		n += i->kind == ITEM_SET ? i->set->texts->n : 1;
	t = arena_alloc(&ps->p->arena, sizeof *t + n * sizeof t->v[0]);
	if (t == NULL) {
		ps->nomem = true;
		return NULL;
	}
	for (i = l->first; i; i = i->next) {
		if (i->kind != ITEM_SET)
			t->v[t->n++] = i->name;
		for (k = 0; i->kind == ITEM_SET && k < i->set->texts->n; k++)
			t->v[t->n++] = i->set->texts->v[k];
	}
	qsort(t->v, t->n, sizeof t->v[0], text_order);
	return t;
}

/* Is this word, of `n` bytes, one of them? */
static bool
has(const struct texts *t, const char *word, size_t n)
{
	size_t lo = 0, left = t->n;

	while (left > 0) {
		const char *at = t->v[lo + left / 2];
		int order = strncasecmp(word, at, n);

		if (order == 0 && at[n] == '\0')
			return true;
		if (order > 0) {
			lo += left / 2 + 1;
			left -= left / 2 + 1;
		} else {
			left /= 2;
		}
	}
	return false;
}

static bool
has_name(const struct texts *t, const char *name, size_t n)
{
	size_t i;

	n -= n > 1 && name[n - 1] == '.';
	if (has(t, name, n))
		return true;
	for (i = 1; i < n; i++)
		if (name[i] == '.' && has(t, name + i, n - i))
			return true;
	return false;
}

static bool
has_word(const struct texts *t, const char *list, char separator)
{
	const char set[2] = { separator, '\0' };
	size_t n;

	for (;; list += n + 1) {
		n = strcspn(list, set);
		if (n > 0 && has(t, list, n))
			return true;
		if (list[n] == '\0')
			return false;
	}
}

static bool
says(const struct texts *t, enum match_field field, const char *fact)
{
	switch (field) {
	case SEEN_APP:
		return has(t, fact, strlen(fact)) || has_word(t, fact, '+');
	case SEEN_SNI:
		return has_name(t, fact, strlen(fact));
	case SEEN_HOST:
		return has_name(t, fact, strlen(fact)) ||
		       has_name(t, fact, pattern_host_length(fact));
	default:
		return has_word(t, fact, ';');
	}
}

/* --- what a flow is known to say --- */

const char *
fact_of(const struct policy_facts *f, enum match_field field)
{
	const char *fact = field == SEEN_APP	? f->app
			   : field == SEEN_SNI	? f->sni
			   : field == SEEN_HOST ? f->host
						: f->alpn;

	return fact == NULL && f->settled ? "" : fact;
}

static enum policy_truth
name_holds(const struct rule *r, enum match_field field, const struct policy_facts *f)
{
	const struct list *l = r->match->name[field - SEEN_APP];
	const char *fact = fact_of(f, field);
	bool in;

	if (l == NULL)
		return POLICY_TRUE;
	if (fact == NULL)
		return POLICY_UNKNOWN;
	in = *fact && says(r->texts[field - SEEN_APP], field, fact);
	if (!in && field == SEEN_APP && f->app_grows && !f->settled)
		return POLICY_UNKNOWN;
	return in != l->negated ? POLICY_TRUE : POLICY_FALSE;
}

enum policy_truth
names_hold(const struct rule *r, const struct policy_facts *f, enum match_field *which)
{
	enum policy_truth all = POLICY_TRUE;
	unsigned k;

	*which = SEEN_N;
	for (k = SEEN_APP; r->has_names && k <= SEEN_ALPN; k++) {
		const enum policy_truth one = name_holds(r, (enum match_field)k, f);

		if (one == POLICY_TRUE || (one == POLICY_UNKNOWN && all == POLICY_UNKNOWN))
			continue;
		*which = (enum match_field)k;
		all = one;
		if (one == POLICY_FALSE)
			break;
	}
	return all;
}

/* --- checks --- */

static bool
name_error(struct parser *ps, const struct item *i, const char *what)
{
	char quote[64];

	error_at(ps->p, ps->errs, &i->loc, "%s %s",
		 source_quote(ps->p, &i->loc, quote, sizeof quote), what);
	return false;
}

bool
item_name(struct parser *ps, struct item *i)
{
	const char *text = i->text;
	size_t n;

	if ((i->kind != ITEM_WORD && i->kind != ITEM_DOTTED) || i->len >= 0)
		return name_error(ps, i, "is no name: expected names, or a <set> of them");
	if (strncmp(text, "*.", 2) == 0)
		text++;
	n = strlen(text);
	if (n == 0 || strcmp(text, ".") == 0)
		return name_error(ps, i, "is no name");
	if (strlen(i->text) > TEXT_LEN_MAX)
		return name_error(ps, i, "is too long: a name has at most 255 characters");
	if (strpbrk(text, "* ;"))
		return name_error(ps, i,
				  "is no name: \"*\" may only stand first, as in *.example.com");
	i->name = text[n - 1] == '.' ? arena_strndup(&ps->p->arena, text, n - 1) : text;
	if (i->name == NULL) {
		ps->nomem = true;
		return false;
	}
	i->kind = ITEM_NAME;
	return true;
}

static bool
is_label(const char *s, size_t n)
{
	int id;

	for (id = APP_NONE + 1; id < APP_N; id++)
		if (strlen(app_label((enum app_id)id)) == n &&
		    memcmp(app_label((enum app_id)id), s, n) == 0)
			return true;
	return false;
}

/* Every link of a chain is an application that there is. */
static bool
chain_check(struct parser *ps, const struct loc *loc, const char *chain)
{
	struct nearest near = nearest_begin(chain);
	const char *at = chain;
	size_t n;
	int id;

	for (;; at += n + 1) {
		n = strcspn(at, "+");
		if (!is_label(at, n))
			break;
		if (at[n] == '\0')
			return true;
	}
	for (id = APP_NONE + 1; id < APP_N; id++)
		nearest_look(&near, app_label((enum app_id)id));
	error_at(ps->p, ps->errs, loc, "there is no application \"%s\"%s%s%s", chain,
		 near.word ? ": the nearest name is \"" : "", near.word ? near.word : "",
		 near.word ? "\"" : "");
	return false;
}

bool
labels_check(struct parser *ps, const struct list *l)
{
	const struct item *i;
	bool good = true;
	size_t k;

	for (i = l->first; i; i = i->next) {
		if (i->kind != ITEM_SET)
			good &= chain_check(ps, &i->loc, i->name);
		for (k = 0; i->kind == ITEM_SET && k < i->set->texts->n; k++)
			good &= chain_check(ps, &i->loc, i->set->texts->v[k]);
	}
	return good;
}

/* Does the list leave the application a chance that has such names? */
static bool
leaves(const struct rule *r, const char *const labels[])
{
	const struct texts *t = r->texts[0];
	size_t i, k;

	if (t == NULL || r->match->name[0]->negated)
		return true;
	for (i = 0; i < t->n; i++)
		for (k = 0; labels[k]; k++)
			if (pattern_is_link(labels[k], t->v[i]) ||
			    strcmp(t->v[i], "proxy-protocol") == 0)
				return true;
	return false;
}

/* A condition that holds only where there is such a name. */
static bool
needs(const struct rule *r, enum match_field field)
{
	const struct list *l = r->match->name[field - SEEN_APP];

	return l && !l->negated;
}

static bool
names_possible(struct parser *ps, const struct rule *r)
{
	static const char *const tls[] = { "tls",  "dot", "smtp", "ftp",	"imap", "pop3",
					   "nntp", "irc", "xmpp", "postgresql", NULL };
	static const char *const http[] = { "http", NULL };
	const enum match_field of_tls = needs(r, SEEN_SNI) ? SEEN_SNI : SEEN_ALPN;
	const bool needs_tls = needs(r, of_tls), needs_http = needs(r, SEEN_HOST);
	const struct loc *loc = &r->match->seen[needs_http ? SEEN_HOST : of_tls];

	if (needs_tls && needs_http)
		error_at(ps->p, ps->errs, loc,
			 "\"host\" is of HTTP/1 and \"%s\" of TLS: rule \"%s\" can never match",
			 of_tls == SEEN_SNI ? "sni" : "alpn", r->name.s);
	else if (needs_tls && !leaves(r, tls))
		error_at(ps->p, ps->errs, loc,
			 "\"%s\" is of TLS, which \"app\" leaves out: rule \"%s\" can never match",
			 of_tls == SEEN_SNI ? "sni" : "alpn", r->name.s);
	else if (needs_http && !leaves(r, http))
		error_at(ps->p, ps->errs, loc,
			 "\"host\" is of HTTP/1, which \"app\" leaves out: rule \"%s\" can never "
			 "match",
			 r->name.s);
	else
		return true;
	return false;
}

bool
names_compile(struct parser *ps, struct rule *r)
{
	unsigned k;

	for (k = 0; k < N_NAMES; k++) {
		const struct list *l = r->match->name[k];

		if (l == NULL)
			continue;
		r->has_names = true;
		if (SEEN_APP + k == SEEN_APP && !labels_check(ps, l))
			return false;
		if ((r->texts[k] = list_texts(ps, l)) == NULL)
			return false;
	}
	return names_possible(ps, r);
}

/* --- one rule against another --- */

static bool
texts_include(const struct texts *a, const struct texts *b, enum match_field field)
{
	size_t i;

	for (i = 0; i < b->n; i++)
		if (!says(a, field, b->v[i]))
			return false;
	return true;
}

bool
names_include(const struct rule *a, const struct rule *b)
{
	unsigned k;

	for (k = 0; k < N_NAMES; k++) {
		const struct list *x = a->match->name[k], *y = b->match->name[k];

		if (x == NULL)
			continue;
		if (y == NULL || x->negated != y->negated)
			return false;
		if (x->negated ? !texts_include(b->texts[k], a->texts[k], SEEN_APP + k)
			       : !texts_include(a->texts[k], b->texts[k], SEEN_APP + k))
			return false;
	}
	return true;
}
