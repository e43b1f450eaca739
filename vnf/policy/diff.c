/*
 * What differs between two policies, statement by statement.
 *
 * Both are printed, in the one way of writing that there is, and taken apart again: a statement
 * is known by its word and name.  Rules and selections take effect in their order: those
 * that are in both and not in the longest run that kept its order have moved.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "vnf/policy/policy.h"

struct statement {
	char *key;			/* "rule web"; ends where the text goes on */
	char *text;			/* the whole of it, without the last newline */
	struct statement *other;	/* of the same key, in the other policy */
	size_t at;			/* in its own */
	bool ordered, moved;
};

struct statements {
	char *text, *keys;
	struct statement *v, **by_key;
	size_t n;
};

static void
statements_free(struct statements *s)
{
	free(s->text);
	free(s->keys);
	free(s->v);
	free(s->by_key);
}

/* How long the word and the name are: `rule "a b": ...`, `set <x> {`, `default ...`. */
static size_t
key_len(const char *s)
{
	const size_t word = strcspn(s, " \n");
	const char *name = s + word + 1;

	if (strncmp(s, "default", word) == 0)
		return word;
	if (strncmp(s, "set inspect ", 12) == 0)
		return 11;
	if (*name == '"')
		return word + 1 + strcspn(name + 1, "\"") + 2;
	return word + 1 + strcspn(name, *name == '<' ? " " : ":");
}

/* Items and the closing brace of a long set stand on lines of their own. */
static bool
begins(char c)
{
	return c >= 'a' && c <= 'z';
}

static int
key_order(const void *a, const void *b)
{
	const struct statement *const *x = a, *const *y = b;

	return strcmp((*x)->key, (*y)->key);
}

static int
statements_print(const struct policy *p, struct statements *s, size_t *len)
{
	FILE *f = open_memstream(&s->text, len);
	int rc;

	if (f == NULL)
		return -ENOMEM;
	rc = policy_print(p, f);
	return fclose(f) == 0 ? rc : -ENOMEM;
}

static int
statements_make(const struct policy *p, struct statements *s)
{
	char *at, *eol, *key;
	size_t len, n = 0, k;
	int rc;

	*s = (struct statements){ 0 };
	if ((rc = statements_print(p, s, &len)) != 0)
		return rc;
	for (at = s->text; *at; at = eol + 1) {
		eol = strchr(at, '\n');
		n += begins(*at);
	}
	s->v = calloc(n + 1, sizeof *s->v);
	s->by_key = calloc(n + 1, sizeof(struct statement *));
	s->keys = key = calloc(1, len + 1);
	if (s->v == NULL || s->by_key == NULL || s->keys == NULL)
		return -ENOMEM;
	for (at = s->text; *at; at = eol + 1) {
		eol = strchr(at, '\n');
		if (!begins(*at))
			continue;
		if (at > s->text)
			at[-1] = '\0';
		k = key_len(at);
		memcpy(key, at, k);
		s->v[s->n] = (struct statement){
			.key = key,
			.text = at,
			.at = s->n,
			.ordered = strncmp(at, "rule ", 5) == 0 || strncmp(at, "steer ", 6) == 0,
		};
		s->by_key[s->n] = &s->v[s->n];
		s->n++;
		key += k + 1;
	}
	s->text[len - 1] = '\0';
	qsort(s->by_key, s->n, sizeof s->by_key[0], key_order);
	return 0;
}

static void
pair_up(struct statements *a, struct statements *b)
{
	size_t i = 0, k = 0;
	int order;

	while (i < a->n && k < b->n) {
		order = strcmp(a->by_key[i]->key, b->by_key[k]->key);
		if (order == 0) {
			a->by_key[i]->other = b->by_key[k];
			b->by_key[k]->other = a->by_key[i];
		}
		i += order <= 0;
		k += order >= 0;
	}
}

/* Marks as moved what is not in a longest increasing run of old places (patience sorting). */
static int
find_moved(struct statements *b, const char *word)
{
	struct statement **last = calloc(b->n + 1, sizeof *last);
	size_t *before = calloc(b->n + 1, sizeof *before), i, lo, hi, n = 0;

	if (last == NULL || before == NULL) {
		free(last);
		free(before);
		return -ENOMEM;
	}
	for (i = 0; i < b->n; i++) {
		struct statement *s = &b->v[i];

		if (!s->ordered || s->other == NULL || strncmp(s->text, word, strlen(word)) != 0)
			continue;
		for (lo = 0, hi = n; lo < hi;) {
			if (last[(lo + hi) / 2]->other->at < s->other->at)
				lo = (lo + hi) / 2 + 1;
			else
				hi = (lo + hi) / 2;
		}
		before[i] = lo > 0 ? last[lo - 1]->at + 1 : 0;
		last[lo] = s;
		n = lo == n ? n + 1 : n;
		s->moved = true;
	}
	for (i = n > 0 ? last[n - 1]->at + 1 : 0; i > 0; i = before[i - 1])
		b->v[i - 1].moved = false;
	free(last);
	free(before);
	return 0;
}

/* The place of a statement among those of its word, from 1. */
static size_t
rank(const struct statements *s, const struct statement *of)
{
	const size_t word = strcspn(of->text, " ") + 1;
	size_t i, n = 1;

	for (i = 0; i < of->at; i++)
		n += strncmp(s->v[i].text, of->text, word) == 0;
	return n;
}

/* --- sets --- */

struct items {
	char **v;
	size_t n;
};

static int
item_order(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

/* The words between the braces, in order; the text is taken apart. */
static int
items_make(char *text, struct items *out)
{
	char *word, *rest = NULL;

	out->n = 0;
	out->v = calloc(strlen(text) / 2 + 1, sizeof *out->v);
	if (out->v == NULL)
		return -ENOMEM;
	for (word = strtok_r(strchr(text, '{') + 1, " \t\n", &rest); word;
	     word = strtok_r(NULL, " \t\n", &rest))
		if (*word != '}')
			out->v[out->n++] = word;
	qsort(out->v, out->n, sizeof out->v[0], item_order);
	return 0;
}

static int
set_diff(const struct statement *a, const struct statement *b, FILE *f)
{
	struct items x, y;
	size_t i = 0, k = 0;
	int rc = items_make(a->text, &x), order;

	if (rc == 0 && (rc = items_make(b->text, &y)) != 0)
		free(x.v);
	if (rc != 0)
		return rc;
	while (i < x.n || k < y.n) {
		order = i == x.n ? 1 : k == y.n ? -1 : strcmp(x.v[i], y.v[k]);
		if (order != 0)
			fprintf(f, "%c %s: %s\n", order < 0 ? '-' : '+', b->key,
				order < 0 ? x.v[i] : y.v[k]);
		i += order <= 0;
		k += order >= 0;
	}
	free(x.v);
	free(y.v);
	return 0;
}

/* --- all --- */

static int
put(const struct statements *a, const struct statements *b, FILE *f)
{
	size_t i;
	int rc = 0;

	for (i = 0; i < a->n; i++)
		if (a->v[i].other == NULL)
			fprintf(f, "- %s\n", a->v[i].text);
	for (i = 0; i < b->n && rc == 0; i++) {
		const struct statement *s = &b->v[i], *was = s->other;

		if (was == NULL) {
			fprintf(f, "+ %s\n", s->text);
			continue;
		}
		if (s->moved)
			fprintf(f, "> %s: was number %zu, is number %zu\n", s->key, rank(a, was),
				rank(b, s));
		if (strcmp(s->text, was->text) == 0)
			continue;
		if (strncmp(s->text, "set <", 5) == 0)
			rc = set_diff(was, s, f);
		else
			fprintf(f, "- %s\n+ %s\n", was->text, s->text);
	}
	return rc;
}

int
policy_diff(const struct policy *a, const struct policy *b, FILE *f)
{
	struct statements x, y = { 0 };
	int rc = statements_make(a, &x);

	if (rc == 0)
		rc = statements_make(b, &y);
	if (rc == 0) {
		pair_up(&x, &y);
		if ((rc = find_moved(&y, "rule ")) == 0 && (rc = find_moved(&y, "steer ")) == 0)
			rc = put(&x, &y, f);
	}
	statements_free(&x);
	statements_free(&y);
	return rc == 0 && ferror(f) ? -EIO : rc;
}
