/*
 * table_render.c - tables as a person or a program reads them: see table.h.
 *
 * A column is set to the right when it holds nothing but numbers.  Rows that come in parts widen
 * the columns as they go; what is shown already stays as it is.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "ctl/table_cells.h"

/* What to show of a table, and how wide it gets. */
struct view {
	size_t *column;		/* the table's column for each one shown */
	size_t *width;
	bool *numbers, *others;	/* were seen in it */
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

/* The columns that the comma-separated `list` names, into v->column. */
static int
select_columns(const struct table *t, const char *list, struct view *v, struct err *e)
{
	for (;;) {
		size_t len = strcspn(list, ",");
		size_t c, i;

		c = table_find_column(t, list, len, e);
		if (c == t->n_columns)
			return -EINVAL;
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
	free(v->numbers);
	free(v->others);
}

static int
view_init(struct view *v, const struct table *t, const char *columns, struct err *e)
{
	size_t n = t->n_columns;
	int rc = 0;

	*v = (struct view){ .column = calloc(n, sizeof *v->column),
			    .width = calloc(n, sizeof *v->width),
			    .numbers = calloc(n, sizeof *v->numbers),
			    .others = calloc(n, sizeof *v->others) };
	if (!v->column || !v->width || !v->numbers || !v->others)
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

struct table_stream {
	const struct table_style *style;
	struct view v;
	size_t n_rows;		/* shown */
	bool begun;
	bool lines;		/* JSON: a document a line */
};

/* --- aligned columns --- */

/* One pass over the rows: how wide each column gets, and whether it is numbers. */
static void
measure(struct table_stream *st, const struct table *t)
{
	struct view *v = &st->v;
	struct text one = TEXT_EMPTY;
	size_t i, row;

	for (i = 0; i < v->n; i++) {
		const char *name = t->names[v->column[i]];
		size_t heading = st->style->no_headings ? 0 : text_width(name, strlen(name));

		if (heading > v->width[i])
			v->width[i] = heading;
		for (row = 0; row < t->n_rows; row++) {
			const struct cell *c = cell_at(t, row, v->column[i]);
			size_t width;

			one.len = 0;
			put_cell(t, c, &one);
			width = text_width(one.s, one.len);
			if (width > v->width[i])
				v->width[i] = width;
			v->numbers[i] |= c->type == CELL_INT || c->type == CELL_DOUBLE;
			v->others[i] |= c->type == CELL_STRING;
		}
	}
	text_fini(&one);
}

/* One cell of a line, padded; the last column of a line gets no blanks behind. */
static void
put_padded(const struct view *v, size_t i, const char *s, size_t len, struct text *out)
{
	bool right = v->numbers[i] && !v->others[i];
	size_t width = text_width(s, len);
	size_t pad = v->width[i] > width ? v->width[i] - width : 0;

	if (i)
		text_puts(out, "  ");
	if (right)
		text_fill(out, ' ', pad);
	text_put(out, s, len);
	if (i + 1 == v->n)
		text_puts(out, "\n");
	else if (!right)
		text_fill(out, ' ', pad);
}

static void
put_aligned(struct table_stream *st, const struct table *t, struct text *out)
{
	struct view *v = &st->v;
	struct text one = TEXT_EMPTY;
	size_t i, row;

	measure(st, t);
	for (i = 0; i < v->n && !st->begun && !st->style->no_headings; i++) {
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

/* --- list, JSON, CSV --- */

static void
put_list(struct table_stream *st, const struct table *t, struct text *out)
{
	const struct view *v = &st->v;
	size_t i, row, width = 0;

	for (i = 0; i < v->n; i++) {
		const char *name = t->names[v->column[i]];

		if (text_width(name, strlen(name)) > width)
			width = text_width(name, strlen(name));
	}
	for (row = 0; row < t->n_rows; row++) {
		if (st->n_rows + row)
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
put_object(const struct view *v, const struct table *t, size_t row, struct text *out)
{
	size_t i;

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

static void
put_json(struct table_stream *st, const struct table *t, struct text *out)
{
	size_t row;

	if (!st->begun && !st->lines)
		text_puts(out, "[");
	for (row = 0; row < t->n_rows; row++) {
		if (!st->lines)
			text_puts(out, st->n_rows + row ? ",\n " : "");
		put_object(&st->v, t, row, out);
		if (st->lines)
			text_puts(out, "\n");
	}
}

static void
put_csv(struct table_stream *st, const struct table *t, struct text *out)
{
	const struct view *v = &st->v;
	bool headings = !st->begun && !st->style->no_headings;
	size_t i, row;

	for (i = 0; i < v->n && headings; i++) {
		const char *name = t->names[v->column[i]];

		text_puts(out, i ? "," : "");
		text_put_csv(out, name, strlen(name));
	}
	text_puts(out, headings ? "\n" : "");
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

/* --- the whole --- */

int
table_stream_new(struct table_stream **stp, const struct table *t, const struct table_style *style,
		 bool lines, struct err *e)
{
	struct table_stream *st = calloc(1, sizeof *st);
	int rc;

	*stp = NULL;
	if (!st) {
		err_set(e, -ENOMEM, "out of memory");
		return -ENOMEM;
	}
	st->style = style;
	st->lines = lines;
	rc = view_init(&st->v, t, style->columns, e);
	if (rc)
		free(st);
	else
		*stp = st;
	return rc;
}

void
table_stream_rows(struct table_stream *st, const struct table *t, struct text *out)
{
	out->failed |= t->failed || t->strings.failed;
	switch (st->style->format) {
	case TABLE_TABLE:
		put_aligned(st, t, out);
		break;
	case TABLE_LIST:
		put_list(st, t, out);
		break;
	case TABLE_JSON:
		put_json(st, t, out);
		break;
	case TABLE_CSV:
		put_csv(st, t, out);
		break;
	}
	st->begun = true;
	st->n_rows += t->n_rows;
}

void
table_stream_end(struct table_stream *st, struct text *out)
{
	if (st->style->format == TABLE_JSON && !st->lines)
		text_puts(out, "]\n");
}

void
table_stream_free(struct table_stream *st)
{
	if (!st)
		return;
	view_fini(&st->v);
	free(st);
}

int
table_render(const struct table *t, const struct table_style *style, struct text *out,
	     struct err *e)
{
	struct table_stream *st;
	int rc = table_stream_new(&st, t, style, false, e);

	if (rc)
		return rc;
	table_stream_rows(st, t, out);
	table_stream_end(st, out);
	table_stream_free(st);
	return out->failed ? err_set(e, -ENOMEM, "out of memory") : 0;
}
