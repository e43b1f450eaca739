/*
 * table.c - see table.h.
 *
 * Cells are 16 bytes; strings lie one after the other in one text and a cell
 * keeps where its own begins.  A column is set to the right when it holds
 * nothing but numbers.
 */
#include "ctl/table.h"

#include <assert.h>
#include <errno.h>
#include <math.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

enum cell_type { CELL_NONE, CELL_STRING, CELL_INT, CELL_DOUBLE };

struct cell {
	union {
		int64_t i;
		double d;
		uint64_t at;	/* offset of a string's first byte in `strings` */
	} v;
	uint32_t len;		/* of a string, bytes; of a double, decimals */
	enum cell_type type;
};

struct table {
	char **names;
	size_t n_columns;
	struct cell *cells;	/* row by row, n_columns each */
	size_t n_rows, cap_rows;
	size_t at;		/* cells that the last row has so far */
	struct text strings;
	bool failed;
};

/* What to show of a table, and how wide it gets. */
struct view {
	size_t *column;		/* the table's column for each one shown */
	size_t *width;
	bool *right;
	size_t n;
};

int
table_format_parse(const char *name, enum table_format *format, struct err *e)
{
	static const struct {
		const char *name;
		enum table_format format;
	} known[] = {
		{ "table", TABLE_TABLE }, { "text", TABLE_TABLE }, { "list", TABLE_LIST },
		{ "json", TABLE_JSON },	  { "csv", TABLE_CSV },
	};
	size_t i;

	for (i = 0; i < sizeof known / sizeof known[0]; i++) {
		if (!strcmp(name, known[i].name)) {
			*format = known[i].format;
			return 0;
		}
	}
	return err_set(e, -EINVAL, "unknown format \"%.40s\": it is table, list, json or csv",
		       name);
}

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

static const struct cell *
cell_at(const struct table *t, size_t row, size_t column)
{
	return &t->cells[row * t->n_columns + column];
}

static const char *
cell_string(const struct table *t, const struct cell *c)
{
	return c->len ? t->strings.s + c->v.at : "";
}

/* The cell as a person reads it. */
static void
put_cell(const struct table *t, const struct cell *c, struct text *out)
{
	switch (c->type) {
	case CELL_NONE:
		text_puts(out, "-");
		break;
	case CELL_STRING:
		text_put_terminal(out, cell_string(t, c), c->len);
		break;
	case CELL_INT:
		text_printf(out, "%lld", (long long)c->v.i);
		break;
	case CELL_DOUBLE:
		text_printf(out, "%.*f", (int)c->len, c->v.d);
		break;
	}
}

static int
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
	return -EINVAL;
}

/* The columns that the comma-separated `list` names, into v->column. */
static int
select_columns(const struct table *t, const char *list, struct view *v, struct err *e)
{
	for (;;) {
		size_t len = strcspn(list, ",");
		size_t c, i;

		for (c = 0; c < t->n_columns; c++)
			if (strlen(t->names[c]) == len && !memcmp(t->names[c], list, len))
				break;
		if (c == t->n_columns)
			return unknown_column(t, list, len, e);
		for (i = 0; i < v->n; i++)
			if (v->column[i] == c)
				return err_set(e, -EINVAL, "column \"%s\" is named twice",
					       t->names[c]);
		v->column[v->n++] = c;
		if (!list[len])
			return 0;
		list += len + 1;
	}
}

static void
view_fini(struct view *v)
{
	free(v->column);
	free(v->width);
	free(v->right);
}

static int
view_init(struct view *v, const struct table *t, const char *columns, struct err *e)
{
	size_t n = t->n_columns;
	int rc = 0;

	*v = (struct view){ .column = calloc(n, sizeof *v->column),
			    .width = calloc(n, sizeof *v->width),
			    .right = calloc(n, sizeof *v->right) };
	if (!v->column || !v->width || !v->right)
		rc = err_set(e, -ENOMEM, "out of memory");
	else if (columns)
		rc = select_columns(t, columns, v, e);
	else
		for (; v->n < n; v->n++)
			v->column[v->n] = v->n;
	if (rc)
		view_fini(v);
	return rc;
}

/* One pass over all rows: how wide each column is, and whether it is numbers. */
static void
measure(const struct table *t, const struct table_style *style, struct view *v)
{
	struct text one = TEXT_EMPTY;
	size_t i, row;

	for (i = 0; i < v->n; i++) {
		const char *name = t->names[v->column[i]];
		bool numbers = false, others = false;

		v->width[i] = style->no_headings ? 0 : text_width(name, strlen(name));
		for (row = 0; row < t->n_rows; row++) {
			const struct cell *c = cell_at(t, row, v->column[i]);
			size_t width;

			one.len = 0;
			put_cell(t, c, &one);
			width = text_width(one.s, one.len);
			if (width > v->width[i])
				v->width[i] = width;
			numbers |= c->type == CELL_INT || c->type == CELL_DOUBLE;
			others |= c->type == CELL_STRING;
		}
		v->right[i] = numbers && !others;
	}
	text_fini(&one);
}

/* One cell of a line, padded; the last column of a line gets no blanks behind. */
static void
put_padded(const struct view *v, size_t i, const char *s, size_t len, struct text *out)
{
	size_t width = text_width(s, len);
	size_t pad = v->width[i] > width ? v->width[i] - width : 0;

	if (i)
		text_puts(out, "  ");
	if (v->right[i])
		text_fill(out, ' ', pad);
	text_put(out, s, len);
	if (i + 1 == v->n)
		text_puts(out, "\n");
	else if (!v->right[i])
		text_fill(out, ' ', pad);
}

static void
render_table(const struct table *t, const struct table_style *style, struct view *v,
	     struct text *out)
{
	struct text one = TEXT_EMPTY;
	size_t i, row;

	measure(t, style, v);
	for (i = 0; i < v->n && !style->no_headings; i++) {
		const char *name = t->names[v->column[i]];

		put_padded(v, i, name, strlen(name), out);
	}
	for (row = 0; row < t->n_rows; row++) {
		for (i = 0; i < v->n; i++) {
			one.len = 0;
			put_cell(t, cell_at(t, row, v->column[i]), &one);
			put_padded(v, i, one.s ? one.s : "", one.len, out);
		}
	}
	out->failed |= one.failed;
	text_fini(&one);
}

static void
render_list(const struct table *t, const struct view *v, struct text *out)
{
	size_t i, row, width = 0;

	for (i = 0; i < v->n; i++) {
		const char *name = t->names[v->column[i]];

		if (text_width(name, strlen(name)) > width)
			width = text_width(name, strlen(name));
	}
	for (row = 0; row < t->n_rows; row++) {
		if (row)
			text_puts(out, "\n");
		for (i = 0; i < v->n; i++) {
			const char *name = t->names[v->column[i]];

			text_puts(out, name);
			text_fill(out, ' ', width - text_width(name, strlen(name)));
			text_puts(out, " : ");
			put_cell(t, cell_at(t, row, v->column[i]), out);
			text_puts(out, "\n");
		}
	}
}

static void
put_json_string(struct text *out, const char *s, size_t n)
{
	text_puts(out, "\"");
	text_put_json(out, s, n);
	text_puts(out, "\"");
}

static void
render_json(const struct table *t, const struct view *v, struct text *out)
{
	size_t i, row;

	text_puts(out, "[");
	for (row = 0; row < t->n_rows; row++) {
		text_puts(out, row ? ",\n " : "");
		for (i = 0; i < v->n; i++) {
			const char *name = t->names[v->column[i]];
			const struct cell *c = cell_at(t, row, v->column[i]);

			text_puts(out, i ? ", " : "{");
			put_json_string(out, name, strlen(name));
			text_puts(out, ": ");
			if (c->type == CELL_NONE)
				text_puts(out, "null");
			else if (c->type == CELL_STRING)
				put_json_string(out, cell_string(t, c), c->len);
			else
				put_cell(t, c, out);
		}
		text_puts(out, "}");
	}
	text_puts(out, "]\n");
}

static void
render_csv(const struct table *t, const struct table_style *style, const struct view *v,
	   struct text *out)
{
	size_t i, row;

	for (i = 0; i < v->n && !style->no_headings; i++) {
		const char *name = t->names[v->column[i]];

		text_puts(out, i ? "," : "");
		text_put_csv(out, name, strlen(name));
	}
	text_puts(out, style->no_headings ? "" : "\n");
	for (row = 0; row < t->n_rows; row++) {
		for (i = 0; i < v->n; i++) {
			const struct cell *c = cell_at(t, row, v->column[i]);

			text_puts(out, i ? "," : "");
			if (c->type == CELL_STRING)
				text_put_csv(out, cell_string(t, c), c->len);
			else if (c->type != CELL_NONE)
				put_cell(t, c, out);
		}
		text_puts(out, "\n");
	}
}

int
table_render(const struct table *t, const struct table_style *style, struct text *out,
	     struct err *e)
{
	struct view v;
	int rc;

	if (t->failed || t->strings.failed)
		return err_set(e, -ENOMEM, "out of memory");
	rc = view_init(&v, t, style->columns, e);
	if (rc)
		return rc;
	switch (style->format) {
	case TABLE_TABLE:
		render_table(t, style, &v, out);
		break;
	case TABLE_LIST:
		render_list(t, &v, out);
		break;
	case TABLE_JSON:
		render_json(t, &v, out);
		break;
	case TABLE_CSV:
		render_csv(t, style, &v, out);
		break;
	}
	view_fini(&v);
	return out->failed ? err_set(e, -ENOMEM, "out of memory") : 0;
}
