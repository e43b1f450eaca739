/*
 * How a flow's connections behave: the attributes that the TCP of a proxied flow's legs reads, and
 * what follows a tracked or a passive one, in one table of words.
 */
#include <string.h>

#include "vnf/policy/ast.h"

/* The least that every IPv4 path can carry is 68 bytes (RFC 791); what is left of it for data
 * would be nothing but headers on the wire. */
enum { MSS_MIN = 88, MSS_MAX = 65495 };

/* Every choice that a word makes; the first of an attribute is its default. */
static const struct choice {
	enum attr_field field;
	const char *name, *word;	/* word NULL: the name says it all */
	unsigned value;
} choices[] = {
	{ ATTR_CC, "cc", "cubic", POLICY_CC_CUBIC },
	{ ATTR_CC, "cc", "reno", POLICY_CC_RENO },
	{ ATTR_PACE, "pace", NULL, true },
	{ ATTR_IDLE_RESTART, "idle-restart", NULL, true },
	{ ATTR_ECN, "ecn", "off", true },
	{ ATTR_FLOOD, "flood", "pass", POLICY_FLOOD_PASS },
	{ ATTR_FLOOD, "flood", "cookie", POLICY_FLOOD_COOKIE },
	{ ATTR_FLOOD, "flood", "drop", POLICY_FLOOD_DROP },
	{ ATTR_SIGNED, "signed", "pass", false },
	{ ATTR_SIGNED, "signed", "reset", true },
	{ ATTR_WINDOW, "window", "loose", false },
	{ ATTR_WINDOW, "window", "strict", true },
	{ ATTR_URGENT, "urgent", "inline", POLICY_URGENT_INLINE },
	{ ATTR_URGENT, "urgent", "oob", POLICY_URGENT_OOB },
	{ ATTR_URGENT, "urgent", "drop", POLICY_URGENT_DROP },
};

enum { N_CHOICES = sizeof choices / sizeof choices[0] };

static void
value_set(struct policy_attrs *v, enum attr_field field, unsigned value)
{
	switch (field) {
	case ATTR_CC:
		v->cc = (enum policy_cc)value;
		break;
	case ATTR_PACE:
		v->pace = value;
		break;
	case ATTR_IDLE_RESTART:
		v->idle_restart = value;
		break;
	case ATTR_ECN:
		v->no_ecn = value;
		break;
	case ATTR_FLOOD:
		v->flood = (enum policy_flood)value;
		break;
	case ATTR_SIGNED:
		v->signed_reset = value;
		break;
	case ATTR_WINDOW:
		v->window_strict = value;
		break;
	case ATTR_URGENT:
		v->urgent = (enum policy_urgent)value;
		break;
	default:
		break;
	}
}

static unsigned
value_of(const struct policy_attrs *v, enum attr_field field)
{
	switch (field) {
	case ATTR_CC:
		return v->cc;
	case ATTR_PACE:
		return v->pace;
	case ATTR_IDLE_RESTART:
		return v->idle_restart;
	case ATTR_ECN:
		return v->no_ecn;
	case ATTR_FLOOD:
		return v->flood;
	case ATTR_SIGNED:
		return v->signed_reset;
	case ATTR_WINDOW:
		return v->window_strict;
	case ATTR_URGENT:
		return v->urgent;
	default:
		return 0;
	}
}

/* "cubic" or "reno": what a message says may stand there. */
static void
choice_refuse(struct parser *ps, enum attr_field field, const struct word *word)
{
	char expected[80] = "", quote[64];
	size_t i, len = 0;

	for (i = 0; i < N_CHOICES; i++)
		if (choices[i].field == field)
			len += (size_t)snprintf(expected + len, sizeof expected - len, "%s\"%s\"",
						len ? " or " : "", choices[i].word);
	error_at(ps->p, ps->errs, &word->loc, "expected %s, found %s", expected,
		 source_quote(ps->p, &word->loc, quote, sizeof quote));
}

void
tune_choose(struct parser *ps, enum attr_field field, const struct loc *loc,
	    const struct word *word)
{
	size_t i;

	attr_once(ps, field, loc);
	for (i = 0; i < N_CHOICES; i++)
		if (choices[i].field == field &&
		    (!word->s || strcmp(choices[i].word, word->s) == 0)) {
			value_set(&ps->attrs->v, field, choices[i].value);
			return;
		}
	choice_refuse(ps, field, word);
}

void
tune_mss(struct parser *ps, uint64_t bytes, const struct loc *loc)
{
	if (bytes < MSS_MIN || bytes > MSS_MAX)
		error_at(ps->p, ps->errs, loc, "expected a segment size from %d to %d bytes",
			 MSS_MIN, MSS_MAX);
	else
		ps->attrs->v.mss = (uint16_t)bytes;
}

static void
check_one(struct parser *ps, const struct rule *r, enum attr_field field, const char *name)
{
	const enum policy_mode mode = field == ATTR_WINDOW   ? POLICY_TRACK
				      : field == ATTR_URGENT ? POLICY_PASSIVE
							     : POLICY_PROXY;

	if (r->attrs->seen[field].line && r->mode != mode)
		error_at(ps->p, ps->errs, &r->attrs->seen[field],
			 "\"%s\" takes effect with %s only", name, policy_mode_name(mode));
}

void
tune_check(struct parser *ps, const struct rule *r)
{
	size_t i;

	for (i = 0; i < N_CHOICES; i++)
		if (i == 0 || choices[i].field != choices[i - 1].field)
			check_one(ps, r, choices[i].field, choices[i].name);
	check_one(ps, r, ATTR_MSS, "mss");
}

bool
tune_equal(const struct policy_attrs *a, const struct policy_attrs *b)
{
	size_t i;

	for (i = 0; i < N_CHOICES; i++)
		if (value_of(a, choices[i].field) != value_of(b, choices[i].field))
			return false;
	return a->mss == b->mss;
}

const char *
tune_print(const struct attr_list *a, const char *sep, FILE *f)
{
	size_t i;

	for (i = 0; i < N_CHOICES; i++) {
		const struct choice *c = &choices[i];

		if (!a->seen[c->field].line || value_of(&a->v, c->field) != c->value)
			continue;
		fprintf(f, "%s%s%s%s", sep, c->name, c->word ? " " : "", c->word ? c->word : "");
		sep = ", ";
	}
	if (a->v.mss) {
		fprintf(f, "%smss %u", sep, a->v.mss);
		sep = ", ";
	}
	return sep;
}
