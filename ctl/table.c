/*
 * table.c - see table.h: rows as they are filled and sorted.
 */
#include <assert.h>
#include <errno.h>
#include <math.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "ctl/table_cells.h"

struct table *
table_new(const char *const names[], size_t n)
{
	struct table *t = calloc(1, sizeof *t);
	size_t i;

	assert(n);
	if (!t)
		return NULL;
	t->names = calloc(n, sizeof *t->names);
	t->n_columns = t->names ? n : 0;
	for (i = 0; i < t->n_columns; i++) {
		t->names[i] = strdup(names[i]);
		if (!t->names[i])
			break;
	}
	if (i < n) {
		table_free(t);
		return NULL;
	}
	return t;
}

void
table_free(struct table *t)
{
	size_t i;

	if (!t)
		return;
	for (i = 0; i < t->n_columns; i++)
		free(t->names[i]);
	free(t->names);
	free(t->cells);
	text_fini(&t->strings);
	free(t);
}

size_t
table_n_rows(const struct table *t)
{
	return t->n_rows;
}

void
table_row(struct table *t)
{
	if (t->n_rows == t->cap_rows && !t->failed) {
		size_t cap = t->cap_rows ? 2 * t->cap_rows : 16;
		struct cell *cells = reallocarray(t->cells, cap, t->n_columns * sizeof *cells);

		if (cells) {
			t->cells = cells;
			t->cap_rows = cap;
		} else {
			t->failed = true;
		}
	}
	if (t->failed)
		return;
	memset(t->cells + t->n_rows * t->n_columns, 0, t->n_columns * sizeof *t->cells);
	t->n_rows++;
	t->at = 0;
}

static void
add_cell(struct table *t, struct cell c)
{
	if (t->failed)
		return;
	assert(t->n_rows && t->at < t->n_columns);
	t->cells[(t->n_rows - 1) * t->n_columns + t->at++] = c;
}

void
table_strn(struct table *t, const char *s, size_t n)
{
	struct cell c = { .type = CELL_STRING, .v.at = t->strings.len, .len = (uint32_t)n };

	if (n > UINT32_MAX) {
		t->failed = true;
		return;
	}
	text_put(&t->strings, s, n);
	text_put(&t->strings, "", 1);
	add_cell(t, c);
}

void
table_str(struct table *t, const char *s)
{
	if (s)
		table_strn(t, s, strlen(s));
	else
		table_none(t);
}

void
table_fmt(struct table *t, const char *fmt, ...)
{
	char buf[512], *big = NULL;
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vsnprintf(buf, sizeof buf, fmt, ap);
	va_end(ap);
	if (n >= (int)sizeof buf) {
		va_start(ap, fmt);
		n = vasprintf(&big, fmt, ap);
		va_end(ap);
	}
	if (n < 0) {
		t->failed = true;
		return;
	}
	table_strn(t, big ? big : buf, (size_t)n);
	free(big);
}

void
table_int(struct table *t, int64_t v)
{
	add_cell(t, (struct cell){ .type = CELL_INT, .v.i = v });
}

void
table_uint(struct table *t, uint64_t v)
{
	table_int(t, v > INT64_MAX ? INT64_MAX : (int64_t)v);
}

void
table_double(struct table *t, double v, unsigned decimals)
{
	if (!isfinite(v))
		table_none(t);
	else
		add_cell(t, (struct cell){ .type = CELL_DOUBLE,
					   .v.d = v,
					   .len = decimals > 9 ? 9 : decimals });
}

void
table_none(struct table *t)
{
	add_cell(t, (struct cell){ .type = CELL_NONE });
}

static void
unknown_column(const struct table *t, const char *name, size_t len, struct err *e)
{
	struct text known = TEXT_EMPTY;
	struct text asked = TEXT_EMPTY;
	size_t i;

	for (i = 0; i < t->n_columns; i++)
		text_printf(&known, "%s%s", i ? ", " : "", t->names[i]);
	text_put_terminal(&asked, name, len > 40 ? 40 : len);
	err_set(e, -EINVAL, "no column \"%s\" here: the columns are %s", asked.s ? asked.s : "",
		known.s ? known.s : "");
	text_fini(&known);
	text_fini(&asked);
}

size_t
table_find_column(const struct table *t, const char *name, size_t len, struct err *e)
{
	size_t c;

	for (c = 0; c < t->n_columns; c++)
		if (strlen(t->names[c]) == len && !memcmp(t->names[c], name, len))
			return c;
	unknown_column(t, name, len, e);
	return c;
}

/* --- order --- */

struct order {
	const struct table *t;
	size_t column;
	bool descending;
};

/* What is not known comes last, whichever way. */
static int
compare_cells(const struct table *t, const struct cell *a, const struct cell *b, bool descending)
{
	int rc = 0;

	if (a->type == CELL_NONE || b->type == CELL_NONE)
		return (a->type == CELL_NONE) - (b->type == CELL_NONE);
	if (a->type != b->type)
		rc = a->type < b->type ? -1 : 1;
	else if (a->type == CELL_STRING)
		rc = strverscmp(cell_string(t, a), cell_string(t, b));
	else if (a->type == CELL_INT)
		rc = (a->v.i > b->v.i) - (a->v.i < b->v.i);
	else
		rc = (a->v.d > b->v.d) - (a->v.d < b->v.d);
	return descending ? -rc : rc;
}

static int
compare_rows(const void *a, const void *b, void *aux)
{
	const struct order *o = aux;
	size_t x = *(const size_t *)a, y = *(const size_t *)b;
	int rc = compare_cells(o->t, cell_at(o->t, x, o->column), cell_at(o->t, y, o->column),
			       o->descending);

	/* equal rows stay as they came */
	return rc ? rc : (x > y) - (x < y);
}

/* Puts the rows that `row` names into the table's place, with their strings and no others. */
static void
take_rows(struct table *t, const size_t *row, size_t n)
{
	struct cell *cells = reallocarray(NULL, n ? n : 1, t->n_columns * sizeof *cells);
	struct text strings = TEXT_EMPTY;
	size_t i, k;

	if (!cells) {
		t->failed = true;
		return;
	}
	for (i = 0; i < n; i++)
		for (k = 0; k < t->n_columns; k++) {
			struct cell *c = &cells[i * t->n_columns + k];

			*c = *cell_at(t, row[i], k);
			if (c->type != CELL_STRING)
				continue;
			c->v.at = strings.len;
			text_put(&strings, cell_string(t, cell_at(t, row[i], k)), c->len + 1);
		}
	free(t->cells);
	text_fini(&t->strings);
	t->cells = cells;
	t->strings = strings;
	t->n_rows = t->cap_rows = n;
	t->at = t->n_columns;
}

int
table_sort(struct table *t, const char *column, bool descending, size_t n_max, struct err *e)
{
	struct order o = { .t = t, .descending = descending };
	size_t *row, i;

	o.column = table_find_column(t, column, strlen(column), e);
	if (o.column == t->n_columns)
		return -EINVAL;
	if (t->failed || t->strings.failed)
		return 0;
	row = reallocarray(NULL, t->n_rows ? t->n_rows : 1, sizeof *row);
	if (!row)
		return err_set(e, -ENOMEM, "out of memory");
	for (i = 0; i < t->n_rows; i++)
		row[i] = i;
	qsort_r(row, t->n_rows, sizeof *row, compare_rows, &o);
	take_rows(t, row, t->n_rows < n_max ? t->n_rows : n_max);
	free(row);
	return 0;
}

void
table_clear(struct table *t)
{
	t->n_rows = 0;
	t->strings.len = 0;
}
