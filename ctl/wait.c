/*
 * wait.c - see wait.h.
 */
#include "ctl/wait.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "ctl/request.h"

enum { AGAIN_MS = 100, CONDITIONS_MAX = 16, VALUE_MAX = 256 };

enum relation { EQ, NE, LT, LE, GT, GE };

struct condition {
	char column[64];
	enum relation relation;
	char value[VALUE_MAX];
};

struct wait {
	struct condition c[CONDITIONS_MAX];
	size_t n;
};

/* --- conditions ------------------------------------------------------------------- */

/* Reads one condition of `len` bytes. */
static bool
read_condition(const char *s, size_t len, struct condition *c)
{
	static const struct {
		const char *sign;
		enum relation relation;
	} known[] = { { "!=", NE }, { "<=", LE }, { ">=", GE },
		      { "=", EQ },  { "<", LT },  { ">", GT } };
	size_t at = strcspn(s, "!<>="), i;

	for (i = 0; at < len && i < sizeof known / sizeof known[0]; i++) {
		size_t sign = strlen(known[i].sign), rest;

		if (strncmp(s + at, known[i].sign, sign))
			continue;
		rest = len - at - sign;
		if (!at || at >= sizeof c->column || rest >= sizeof c->value)
			return false;
		snprintf(c->column, sizeof c->column, "%.*s", (int)at, s);
		snprintf(c->value, sizeof c->value, "%.*s", (int)rest, s + at + sign);
		c->relation = known[i].relation;
		return true;
	}
	return false;
}

static bool
read_conditions(const char *word, struct wait *w)
{
	size_t len;

	for (;; word += len + 1) {
		len = strcspn(word, ",");
		if (w->n == CONDITIONS_MAX || !read_condition(word, len, &w->c[w->n++]))
			return false;
		if (!word[len])
			return true;
	}
}

/* As table cells are written; "" for what is not known. */
static const char *
cell_text(const json_t *cell, char buf[VALUE_MAX])
{
	if (json_is_string(cell))
		return json_string_value(cell);
	if (json_is_integer(cell))
		snprintf(buf, VALUE_MAX, "%lld", (long long)json_integer_value(cell));
	else if (json_is_real(cell))
		snprintf(buf, VALUE_MAX, "%.15g", json_real_value(cell));
	else
		snprintf(buf, VALUE_MAX, "%s", json_is_true(cell) ? "true" : "");
	return buf;
}

/* Numbers are compared as numbers, anything else as text. */
static bool
holds(const struct condition *c, const json_t *cell)
{
	char buf[VALUE_MAX], *end_a, *end_b;
	const char *text = cell_text(cell, buf);
	double a = strtod(text, &end_a), b = strtod(c->value, &end_b);
	bool numbers = *text && *c->value && !*end_a && !*end_b;
	int order = !numbers ? strcmp(text, c->value) : (a > b) - (a < b);

	switch (c->relation) {
	case EQ:
		return order == 0;
	case NE:
		return order != 0;
	case LT:
		return order < 0;
	case LE:
		return order <= 0;
	case GT:
		return order > 0;
	case GE:
		return order >= 0;
	}
	return false;
}

static bool
row_holds(const struct wait *w, const json_t *row)
{
	size_t i;

	for (i = 0; i < w->n; i++)
		if (!json_object_get(row, w->c[i].column) ||
		    !holds(&w->c[i], json_object_get(row, w->c[i].column)))
			return false;
	return true;
}

/* A table of items and values is one row of its items. */
static json_t *
one_row(const json_t *rows)
{
	json_t *row = json_object();
	size_t i;

	for (i = 0; i < json_array_size(rows); i++) {
		const json_t *r = json_array_get(rows, i);
		const char *item = json_string_value(json_object_get(r, "item"));

		if (item)
			json_object_set(row, item, json_object_get(r, "value"));
	}
	return row;
}

static bool
answer_holds(const struct wait *w, const json_t *answer)
{
	const json_t *first = json_array_get(answer, 0);
	json_t *row;
	bool is = false;
	size_t i;

	if (json_object_get(first, "item") && json_object_get(first, "value")) {
		row = one_row(answer);
		is = row_holds(w, row);
		json_decref(row);
		return is;
	}
	for (i = 0; i < json_array_size(answer) && !is; i++)
		is = row_holds(w, json_array_get(answer, i));
	return is;
}

/* --- time ------------------------------------------------------------------------- */

static long long
now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (long long)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

/* Asks once.  0: it holds; -EAGAIN: not yet, and `e` says what is in the way. */
static int
ask_once(const struct options *o, const struct wait *w, const struct request *r, struct err *e)
{
	json_t *answer;
	int rc = session_document(o, r, &answer, e);

	if (rc)
		return rc == -EINVAL ? rc : -EAGAIN;
	rc = answer_holds(w, answer) ? 0 : err_set(e, -EAGAIN, "it does not hold");
	json_decref(answer);
	return rc;
}

int
wait_until(const struct options *o, int n_words, const char *const words[])
{
	long long end = o->timeout_ms < 0 ? -1 : now_ms() + o->timeout_ms;
	struct options once = *o;
	struct wait w = { .n = 0 };
	struct request r;
	struct err e = { "" };
	int status;

	if (n_words < 2 || !read_conditions(words[0], &w)) {
		complain("usage: leatctl wait-until COLUMN=VALUE[,COLUMN>=VALUE]... NOUN VERB "
			 "[ARGUMENTS]");
		return EXIT_USAGE;
	}
	status = request_resolve(o, n_words - 1, words + 1, &r);
	if (status)
		return status;
	for (;;) {
		int rc;

		once.timeout_ms = end < 0 ? -1 : (int)(end - now_ms());
		if (end >= 0 && once.timeout_ms <= 0) {
			complain("%s: not within %g s: %s", words[0], o->timeout_ms / 1000.0,
				 e.msg);
			return EXIT_FAILED;
		}
		rc = ask_once(&once, &w, &r, &e);
		if (rc == 0)
			return EXIT_OK;
		if (rc == -EINVAL) {
			complain("%s", e.msg);
			return EXIT_FAILED;
		}
		poll(NULL, 0, AGAIN_MS);
	}
}
