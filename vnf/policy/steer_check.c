/*
 * What is wrong with a selection, alone and beside those before it: what goes to
 * argv and flow text is checked here, and nothing else gets there.
 */
#include <string.h>
#include <strings.h>

#include "vnf/policy/ast.h"

/* Open vSwitch reads these, in any case, as something else than a port's name. */
static const char *const reserved[] = {
	"in_port", "table", "normal", "flood", "all", "controller", "local", "any", "none", "unset",
};

static bool
is_reserved(const char *s)
{
	size_t i;

	for (i = 0; i < sizeof reserved / sizeof reserved[0]; i++)
		if (strcasecmp(reserved[i], s) == 0)
			return true;
	return false;
}

static void
switch_name_check(struct parser *ps, const struct word *w)
{
	name_check(ps, w);
	if (w->s[0] != '\0' && w->s[strspn(w->s, "0123456789")] == '\0')
		error_at(ps->p, ps->errs, &w->loc,
			 "\"%s\" is a number to the switch: expected a name", w->s);
	else if (is_reserved(w->s))
		error_at(ps->p, ps->errs, &w->loc,
			 "\"%s\" has a meaning of its own to the switch: expected a name", w->s);
}

/* No two of the ports may be one. */
static void
ports_check(struct parser *ps, const struct steer *s)
{
	const struct word *w[2 * POLICY_PAIRS_MAX + 2] = { &s->client, &s->server };
	char place[PLACE_MAX];
	const struct pair *p;
	unsigned i, k, n = 2;

	switch_name_check(ps, &s->bridge);
	for (p = s->pairs; p && n < 2 * POLICY_PAIRS_MAX + 2; p = p->next) {
		w[n++] = &p->a;
		w[n++] = &p->b;
	}
	if (p)
		error_at(ps->p, ps->errs, &p->a.loc, "a selection has at most %d pairs of ports",
			 POLICY_PAIRS_MAX);
	if (s->tap.s)
		w[n++] = &s->tap;
	for (i = 0; i < n; i++) {
		switch_name_check(ps, w[i]);
		for (k = 0; k < i; k++) {
			if (strcmp(w[i]->s, w[k]->s) != 0)
				continue;
			error_at(ps->p, ps->errs, &w[i]->loc,
				 "port \"%s\" is named twice: first at %s", w[i]->s,
				 place_name(&w[i]->loc, &w[k]->loc, place));
			break;
		}
	}
}

/* What a rule can say and a selection can't. */
static void
conditions_check(struct parser *ps, const struct match *m)
{
	static const struct {
		enum match_field field;
		const char *message;
	} never[] = {
		{ SEEN_SPORT, "a selection goes by the server's port only" },
		{ SEEN_ON, "a selection names its ports by client and server" },
		{ SEEN_DOMAIN, "a selection has no domain" },
		{ SEEN_APP, "a selection can't know what a flow says: \"app\" is for rules" },
		{ SEEN_SNI, "a selection can't know what a flow says: \"sni\" is for rules" },
		{ SEEN_HOST, "a selection can't know what a flow says: \"host\" is for rules" },
		{ SEEN_ALPN, "a selection can't know what a flow says: \"alpn\" is for rules" },
	};
	const struct list *lists[] = { m->from, m->to, m->dport };
	size_t k;

	for (k = 0; k < sizeof never / sizeof never[0]; k++)
		if (m->seen[never[k].field].line)
			error_at(ps->p, ps->errs, &m->seen[never[k].field], "%s", never[k].message);
	for (k = 0; k < sizeof lists / sizeof lists[0]; k++)
		if (lists[k] && lists[k]->negated)
			error_at(ps->p, ps->errs, &lists[k]->loc, "\"!\" is for rules only");
	if (m->vlan &&
	    (m->vlan->n != 1 || m->vlan->first->kind != ITEM_STACK || m->vlan->first->n_vids > 1))
		error_at(ps->p, ps->errs, &m->vlan->loc,
			 "expected one VLAN, untagged or any in a selection");
	if (m->dport && !m->tcp)
		error_at(ps->p, ps->errs, &m->seen[SEEN_DPORT],
			 "expected \"proto tcp\" with \"port\" in a selection");
}

/* The switch mirrors a port, not a flow. */
static void
mirror_check(struct parser *ps, const struct match *m)
{
	size_t k;

	for (k = 0; k < SEEN_N; k++)
		if (m->seen[k].line)
			error_at(ps->p, ps->errs, &m->seen[k],
				 "a mirror copies all that crosses its client's port: expected no "
				 "condition, or \"copy to\"");
}

bool
steer_check(struct parser *ps, struct steer *s)
{
	name_check(ps, &s->name);
	ports_check(ps, s);
	if (!match_check(ps, s->match))
		return false;
	if (s->kind == POLICY_STEER_MIRROR)
		mirror_check(ps, s->match);
	else
		conditions_check(ps, s->match);
	return true;
}

/* Does one list hold all of the other?  False too where there is no memory. */
static bool
list_includes(struct parser *ps, const struct list *a, const struct list *b, enum list_kind kind)
{
	const struct spans *x, *y;

	if (a == NULL)
		return true;
	if (b == NULL)
		return false;
	x = list_spans(ps, a, kind);
	y = list_spans(ps, b, kind);
	return x && y && spans_include(x, y);
}

/* A mirror takes nothing from others, and nothing is taken from it. */
static void
shadow_check(struct parser *ps, const struct steer *s)
{
	char place[PLACE_MAX];
	const struct steer *by;

	for (by = ps->p->steer_list; by != s; by = by->next) {
		const struct match *a = by->match, *b = s->match;

		if (by->kind == POLICY_STEER_MIRROR || s->kind == POLICY_STEER_MIRROR ||
		    strcmp(by->bridge.s, s->bridge.s) != 0 ||
		    strcmp(by->client.s, s->client.s) != 0 ||
		    strcmp(by->server.s, s->server.s) != 0 || (a->tcp && !b->tcp) ||
		    !vlans_include(a->vlan, b->vlan) ||
		    !list_includes(ps, a->dport, b->dport, LIST_PORT) ||
		    !list_includes(ps, a->from, b->from, LIST_ADDR) ||
		    !list_includes(ps, a->to, b->to, LIST_ADDR))
			continue;
		error_at(ps->p, ps->errs, &s->name.loc,
			 "selection \"%s\" can never match: \"%s\" (%s) takes all of it", s->name.s,
			 by->name.s, place_name(&s->name.loc, &by->name.loc, place));
		return;
	}
}

static bool
same(const struct word *a, const struct word *b)
{
	return strcmp(a->s, b->s) == 0;
}

/* Says of `at` that `what` is the earlier selection's. */
static bool
taken(struct parser *ps, const struct loc *at, const struct steer *by, const char *what)
{
	char place[PLACE_MAX];

	error_at(ps->p, ps->errs, at, "%s by selection \"%s\" (%s)", what, by->name.s,
		 place_name(at, &by->name.loc, place));
	return false;
}

/*
 * Two selections through the same two ports of Leat: what leaves these goes back by one rule a
 * port, or one an attachment.
 */
static bool
shared_check(struct parser *ps, const struct steer *by, const struct steer *s)
{
	const struct loc *at = &s->path;

	if (!same(&by->bridge, &s->bridge))
		return taken(ps, at, by, "these ports are named on another bridge");
	if (same(&by->client, &s->client) && same(&by->server, &s->server)) {
		if (by->attachment != s->attachment)
			return taken(ps, at, by,
				     "the same ports, client and server have one attachment: "
				     "expected that given");
		return by->next_table == s->next_table ||
		       taken(ps, at, by,
			     "the same ports, client and server go on alike: expected the next "
			     "given");
	}
	if (by->attachment && s->attachment && by->attachment != s->attachment)
		return true;
	return taken(ps, at, by,
		     "these ports join another client and server already: expected an attachment "
		     "for each, as one is used");
}

static bool
pairs_check(struct parser *ps, const struct steer *by, const struct steer *s)
{
	const struct pair *p, *q;

	for (p = s->pairs; p; p = p->next)
		for (q = by->pairs; q; q = q->next) {
			if (same(&p->a, &q->a) && same(&p->b, &q->b)) {
				if (!shared_check(ps, by, s))
					return false;
			} else if (same(&p->a, &q->a) || same(&p->b, &q->b) || same(&p->a, &q->b) ||
				   same(&p->b, &q->a)) {
				return taken(ps, &p->a.loc, by,
					     "one of these ports is in another pair");
			} else if (s->attachment && s->attachment == by->attachment) {
				return taken(ps, &s->path, by, "this attachment is used");
			}
		}
	return true;
}

/* A copy carries the metadata tag, a mirrored frame does not; neither goes back. */
static bool
tap_check(struct parser *ps, const struct steer *by, const struct steer *s)
{
	const struct steer *tapped = s->tap.s ? s : by, *other = tapped == s ? by : s;
	const struct pair *p;

	if (!tapped->tap.s)
		return true;
	if (other->tap.s && same(&by->tap, &s->tap) && by->kind != s->kind)
		return taken(ps, &s->tap.loc, by,
			     "copies and mirrors can't go to one port: it is used");
	for (p = other->pairs; p; p = p->next)
		if (same(&p->a, &tapped->tap) || same(&p->b, &tapped->tap))
			return taken(ps, tapped == s ? &s->tap.loc : &p->a.loc, by,
				     "a port is a tap or one of a pair: it is used otherwise");
	return true;
}

void
steer_check_against(struct parser *ps, const struct steer *s)
{
	const struct steer *by;

	shadow_check(ps, s);
	for (by = ps->p->steer_list; by != s; by = by->next)
		if (!pairs_check(ps, by, s) || !tap_check(ps, by, s))
			return;
}
