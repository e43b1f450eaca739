/*
 * expected.c - what a syntax error says: what was found, and what could have stood there.
 *
 * Symbols go by their names in the grammar (parse.y).
 */
#include <stdio.h>
#include <string.h>

#include "vnf/nearest.h"
#include "vnf/policy/ast.h"
#include "vnf/policy/lex.h"

#define A_STRING "a quoted string"
#define AN_ADDRESS "an IPv4 address"	/* stands where an operand may */

/* Symbols that a message names together, where two of a group are possible. */
static const struct group {
	const char *phrase;		/* groups[0]'s comes last; NULL: operand_phrase() */
	const char *member[20];
} groups[] = {
	{ "the next statement (rule, set, steer, default, include)",
	  { "rule", "set", "steer", "default", "include", "the end of the file",
	    "a later version's statement", "the end of this file" } },
	{ "a condition (from, to, port, proto, vlan, untagged, on, domain, app, sni, host, "
	  "alpn)",
	  { "from", "to", "port", "proto", "vlan", "untagged", "on", "in", "domain", "app", "sni",
	    "host", "alpn" } },
	{ "an action (proxy, track, passive, pass, drop, reset)",
	  { "proxy", "track", "passive", "pass", "drop", "reset" } },
	{ "an attribute (log, timeout, overlap, close, sink, cc, pace, idle-restart, ecn, mss, "
	  "flood, signed, window, urgent)",
	  { "log", "timeout", "overlap", "close", "sink", "cc", "pace", "idle-restart", "ecn",
	    "mss", "flood", "signed", "window", "urgent" } },
	{ "a sink (count, files, stream, eve, pcapng)", { "count", "files", "a name" } },
	{ "a verdict (" SINK_VERDICTS ", app)", { "a name", "reset", "app" } },
	{ "a choice (cubic, reno, off, pass, cookie, drop, reset, strict, loose, inline, oob)",
	  { "a name", "pass", "drop", "reset" } },
	{ "an end (client, server, both)", { "client", "server", "both" } },
	{ NULL,
	  { AN_ADDRESS, "an IPv6 address", "a number", "a <set>", "any", "a name", A_STRING,
	    "untagged", "{", "!" } },
	{ "a name", { "a name", A_STRING, "mirror" } },
};

enum { N_GROUPS = sizeof groups / sizeof groups[0], N_EXPECTED = 64 };

/* What an operand is depends on the word before it. */
static const char *
operand_phrase(const char *before)
{
	static const struct {
		const char *word, *phrase;
	} of[] = {
		{ "from", "an address, a prefix, a <set>, { a list } or any" },
		{ "to", "an address, a prefix, a <set>, { a list } or any" },
		{ "port", "a port, a range (8000:8999), a <set>, { a list } or any" },
		{ "vlan", "a VLAN (100, 100.200, 100:199), untagged, { a list } or any" },
		{ "domain", "a domain, a range, { a list } or any" },
		{ "said", "a name, a <set>, { a list } or any" },
		{ "app", "a name, a <set>, { a list } or any" },
	};
	size_t i;

	for (i = 0; i < sizeof of / sizeof of[0]; i++)
		if (strcmp(of[i].word, before) == 0)
			return of[i].phrase;
	return "an address, a number or a <set>";
}

static bool
expects(const char *const *names, int n, const char *name)
{
	int i;

	for (i = 0; i < n; i++)
		if (strcmp(names[i], name) == 0)
			return true;
	return false;
}

static bool
is_member(const struct group *g, const char *name)
{
	int i;

	for (i = 0; g->member[i]; i++)
		if (strcmp(g->member[i], name) == 0)
			return true;
	return false;
}

/* Takes the group's members out of `names` where there are two or more of them. */
static bool
group_take(const struct group *g, const char **names, int *n)
{
	int i, k = 0, found = 0;

	for (i = 0; i < *n; i++)
		found += is_member(g, names[i]);
	if (found < 2)
		return false;
	for (i = 0; i < *n; i++)
		if (!is_member(g, names[i]))
			names[k++] = names[i];
	*n = k;
	return true;
}

static void
describe(const char **names, int n, const char *before, char *buf, size_t size)
{
	const char *what[N_GROUPS + N_EXPECTED];
	const bool statement = group_take(&groups[0], names, &n);
	const bool operand = expects(names, n, AN_ADDRESS);
	int i, n_what = 0;
	size_t len = 0;

	for (i = 1; i < (int)N_GROUPS; i++)
		if ((groups[i].phrase || operand) && group_take(&groups[i], names, &n))
			what[n_what++] = groups[i].phrase ? groups[i].phrase
							  : operand_phrase(before);
	for (i = 0; i < n; i++)
		if (strcmp(names[i], ",") != 0)
			what[n_what++] = names[i];
	if (statement)
		what[n_what++] = groups[0].phrase;
	buf[0] = '\0';
	for (i = 0; i < n_what; i++)
		len = phrase_add(buf, size, len, what[i], i == 0, i == n_what - 1);
}

/* The expected word that was probably meant; NULL if none is near. */
static const char *
word_meant(const char *const *names, int n, const struct loc *loc)
{
	char found[POLICY_NAME_MAX + 1];
	struct nearest near;
	int i;

	snprintf(found, sizeof found, "%.*s", (int)(loc->end - loc->off),
		 loc->src->text + loc->off);
	near = nearest_begin(found);
	for (i = 0; i < n; i++)
		if (lex_is_keyword(names[i]))
			nearest_look(&near, names[i]);
	return near.word;
}

void
unexpected_report(struct parser *ps, const struct unexpected *u, int n)
{
	const bool wants_name = expects(u->expected, n, "a name") &&
				expects(u->expected, n, A_STRING) &&
				!expects(u->expected, n, AN_ADDRESS);
	const bool is_ours = lex_is_keyword(u->found) || strcmp(u->found, "mirror") == 0 ||
			     strncmp(u->found, "a later", strlen("a later")) == 0;
	char quote[64], list[512];
	const char *meant;

	ps->skipping = true;
	if (u->is_bad)
		return;	/* the scanner has said it */
	if (u->is_later && !wants_name) {
		later_refuse(ps, u->loc);
		return;
	}
	source_quote(ps->p, u->loc, quote, sizeof quote);
	meant = u->is_word ? word_meant(u->expected, n, u->loc) : NULL;
	describe(u->expected, n, u->before, list, sizeof list);
	error_at(ps->p, ps->errs, u->loc, "expected %s, found %s%s%s%s%s", list, quote,
		 meant ? ": is \"" : "", meant ? meant : "", meant ? "\" meant?" : "",
		 wants_name && is_ours ? ", a word of the language: as a name it goes in quotes"
				       : "");
}
