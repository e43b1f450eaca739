/*
 * table.h - rows of typed cells, shown as a table, a list, JSON or CSV.
 *
 * A command fills a table and does not care how it will be read: the same rows
 * become aligned columns for a person and exact values for a program.  Owned by
 * whoever made it; no thread but its owner's may touch it.
 *
 * Strings may come from the network: in every format but JSON, which is exact,
 * they are escaped so that they can do no harm on a terminal.
 */
#ifndef LEAT_CTL_TABLE_H
#define LEAT_CTL_TABLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "ctl/text.h"
#include "datapath/err.h"

enum table_format {
	TABLE_TABLE,	/* aligned columns */
	TABLE_LIST,	/* a line a cell, an empty line between rows */
	TABLE_JSON,	/* an array of objects, a line a row */
	TABLE_CSV,	/* RFC 4180, with LF as the line's end */
};

struct table_style {
	enum table_format format;
	bool no_headings;	/* table and csv: without the line of names */
	const char *columns;	/* "a,b": these, in this order; NULL: all */
};

/*
 * The format called `name`: table (or text, as OVS says), list, json, csv.
 * Returns 0, or -EINVAL and says in `e` what is known.
 */
int table_format_parse(const char *name, enum table_format *format, struct err *e);

/*
 * A table of `n` >= 1 columns.  The names are copied; they are unique, not
 * empty, and hold no comma.  NULL if memory ran out.
 */
struct table *table_new(const char *const names[], size_t n);
void table_free(struct table *t);

/* The number of rows begun. */
size_t table_n_rows(const struct table *t);

/*
 * Begins a row.  Its cells are then added in the columns' order; a row that is
 * left short is as if filled with table_none().  A cell too many, or before the
 * first row, is a mistake of the caller's and is asserted.
 *
 * Memory that runs out is remembered and told by table_render().
 */
void table_row(struct table *t);

void table_str(struct table *t, const char *s);			/* NULL: as table_none */
void table_strn(struct table *t, const char *s, size_t n);	/* any bytes */
void table_fmt(struct table *t, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
void table_int(struct table *t, int64_t v);
void table_uint(struct table *t, uint64_t v);			/* at most INT64_MAX is shown */
void table_double(struct table *t, double v, unsigned decimals);	/* 0 to 9 decimals */
void table_none(struct table *t);	/* not known: "-", null in JSON, empty in CSV */

/*
 * Puts the rows in the order of `column`'s values, numbers by size and strings with the numbers in
 * them so; what is not known comes last.  Only the first `n_max` are kept.  Returns 0; -EINVAL if
 * there is no such column (`e` lists those there are); -ENOMEM.
 */
int table_sort(struct table *t, const char *column, bool descending, size_t n_max, struct err *e);

/* Takes all rows out. */
void table_clear(struct table *t);

/*
 * Appends the table to `out` as `style` says.  Returns 0; -EINVAL if the style
 * names a column that the table has not (`e` lists those it has); -ENOMEM.
 */
int table_render(const struct table *t, const struct table_style *style, struct text *out,
		 struct err *e);

/*
 * A table too long to be kept: begin, any number of rows, end; between, the table is cleared and
 * filled again.  Columns that the later rows need wider become so from there on.  With `lines`
 * JSON is a document a line instead of one array.
 *
 * table_stream_new() returns as table_render() does.  `style` is borrowed.  Memory that runs out
 * is told by out->failed.
 */
struct table_stream;

int table_stream_new(struct table_stream **st, const struct table *t,
		     const struct table_style *style, bool lines, struct err *e);
void table_stream_free(struct table_stream *st);

/* Appends the rows of `t`, the first call also what stands above them: it is made for none, too. */
void table_stream_rows(struct table_stream *st, const struct table *t, struct text *out);
void table_stream_end(struct table_stream *st, struct text *out);

#endif
