/*
 * names_model.c - see names_model.h.
 */
#include "tests/prop/lib/names_model.h"

#include <ctype.h>
#include <string.h>

#include "tests/prop/lib/policy_model.h"

enum { APP, SNI, HOST, ALPN };

static const char *const keys[N_SAID] = { "app", "sni", "host", "alpn" };

static const char *const labels[] = { "tls", "http", "smtp", "smtp+tls", "ssh", "proxy-protocol" };
static const char *const names[] = { "a.example",   "b.a.example", "*.example",
				     "*.A.example", "example.",	   "B.example" };
static const char *const hosts[] = { "a.example", "a.example:80", "*.example", "b.example:8080" };
static const char *const protocols[] = { "h2", "http/1.1", "dot", "h2c" };

#define ONE_OF(a) (a)[draw(sizeof(a) / sizeof *(a))]

/* --- random ones --- */

struct ref_words
draw_name_set(void)
{
	struct ref_words w = { .n = 1 + draw(MAX_WORDS) };
	unsigned i;

	for (i = 0; i < w.n; i++)
		w.word[i] = ONE_OF(names);
	return w;
}

struct ref_names
draw_names(void)
{
	struct ref_names n = { 0 };
	unsigned k, i;

	for (k = 0; k < N_SAID; k++) {
		struct ref_words *w = &n.said[k];

		if (draw(6) != 0)
			continue;
		w->n = 1 + draw(MAX_WORDS);
		w->not = draw(4) == 0;
		w->set = (k == SNI || k == HOST) && draw(3) == 0 ? 1 + draw(N_NAME_SETS) : 0;
		for (i = 0; i < w->n; i++)
			w->word[i] = k == APP	 ? ONE_OF(labels)
				     : k == SNI	 ? ONE_OF(names)
				     : k == HOST ? ONE_OF(hosts)
						 : ONE_OF(protocols);
	}
	return n;
}

/* What is said of TLS is not said of HTTP/1. */
void
draw_said(struct policy_facts *f)
{
	static const char *const snis[] = { "",		 "a.example", "B.a.example.", "example",
					    "x.example", "aexample",  "b.example" };
	static const char *const said_hosts[] = { "", "A.example", "a.example:80", "b.example:80" };
	static const char *const alpns[] = { "", "h2", "h2;http/1.1", "h3;dot" };

	f->settled = draw(4) == 0;
	f->app = f->sni = f->host = f->alpn = "";
	switch (draw(6)) {
	case 0:
		f->app = f->sni = f->host = f->alpn = NULL;
		break;
	case 1:
		f->app = draw(3) ? "tls" : "smtp+tls";
		f->sni = draw(4) ? ONE_OF(snis) : NULL;
		f->alpn = f->sni ? ONE_OF(alpns) : NULL;
		break;
	case 2:
		f->app = draw(3) ? "http" : "proxy-protocol+http";
		f->host = draw(4) ? ONE_OF(said_hosts) : NULL;
		break;
	case 3:
		f->app = "smtp";
		f->app_grows = true;
		f->sni = f->alpn = NULL;
		break;
	case 4:
		f->app = "ssh";
		break;
	default:
		break;
	}
}

/* --- as text --- */

void
write_words(FILE *f, const struct ref_words *w)
{
	static const char plain[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ.*+-";
	unsigned i;

	for (i = 0; i < w->n; i++) {
		const bool quoted = w->word[i][strspn(w->word[i], plain)] || draw(2);

		fprintf(f, quoted ? "%s\"%s\"" : "%s%s", i ? " " : "", w->word[i]);
	}
}

void
write_names(FILE *f, const struct ref_names *n)
{
	unsigned k;

	for (k = 0; k < N_SAID; k++) {
		const struct ref_words *w = &n->said[k];

		if (w->n == 0)
			continue;
		fprintf(f, " %s %s", keys[k], w->not ? "! " : "");
		if (w->set) {
			fprintf(f, "<n%u>", w->set - 1);
			continue;
		}
		fputs("{ ", f);
		write_words(f, w);
		fputs(" }", f);
	}
}

/* --- the interpreter --- */

/* In small letters, without a dot at its end. */
static void
plainly(char to[64], const char *from)
{
	size_t n = strlen(from), i;

	n -= n > 0 && from[n - 1] == '.';
	for (i = 0; i < n; i++)
		to[i] = (char)tolower((unsigned char)from[i]);
	to[n] = '\0';
}

static bool
is_name(const char *pattern, const char *name)
{
	char p[64], n[64];

	plainly(p, pattern);
	plainly(n, name);
	if (p[0] == '*')
		return strlen(n) > strlen(p + 1) &&
		       strcmp(n + strlen(n) - strlen(p + 1), p + 1) == 0;
	return strcmp(p, n) == 0;
}

static bool
has_part(const char *word, const char *whole, const char *separator)
{
	char copy[64], *at, *rest = NULL;

	snprintf(copy, sizeof copy, "%s", whole);
	for (at = strtok_r(copy, separator, &rest); at; at = strtok_r(NULL, separator, &rest))
		if (strcmp(at, word) == 0)
			return true;
	return false;
}

static bool
says_word(unsigned k, const char *word, const char *fact)
{
	char host[64];

	switch (k) {
	case APP:
		return strcmp(word, fact) == 0 || has_part(word, fact, "+");
	case ALPN:
		return has_part(word, fact, ";");
	case HOST:
		snprintf(host, sizeof host, "%.*s", (int)strcspn(fact, ":"), fact);
		return is_name(word, fact) || is_name(word, host);
	default:
		return is_name(word, fact);
	}
}

static enum policy_truth
said(const struct ref_words sets[], const struct ref_names *n, const struct policy_facts *f,
     unsigned k)
{
	const char *const facts[N_SAID] = { f->app, f->sni, f->host, f->alpn };
	const struct ref_words *w = &n->said[k], *words = w->set ? &sets[w->set - 1] : w;
	bool in = false;
	unsigned i;

	if (w->n == 0)
		return POLICY_TRUE;
	if (!facts[k] && !f->settled)
		return POLICY_UNKNOWN;
	for (i = 0; i < words->n && facts[k] && *facts[k]; i++)
		in |= says_word(k, words->word[i], facts[k]);
	if (!in && k == APP && f->app_grows && !f->settled)
		return POLICY_UNKNOWN;
	return in != w->not ? POLICY_TRUE : POLICY_FALSE;
}

enum policy_truth
ref_said(const struct ref_words sets[], const struct ref_names *n, const struct policy_facts *f,
	 const char *name)
{
	unsigned k;

	for (k = 0; k < N_SAID; k++)
		if (strcmp(name, keys[k]) == 0)
			return said(sets, n, f, k);
	return POLICY_TRUE;
}

enum policy_truth
ref_truth(const struct ref_words sets[], const struct ref_names *n, const struct policy_facts *f)
{
	enum policy_truth all = POLICY_TRUE;
	unsigned k;

	for (k = 0; k < N_SAID; k++) {
		const enum policy_truth one = said(sets, n, f, k);

		if (one == POLICY_FALSE)
			return POLICY_FALSE;
		if (one == POLICY_UNKNOWN)
			all = one;
	}
	return all;
}
