/*
 * table_cells.h - how a table keeps its rows.  Private to table.c, which fills them, and
 * table_render.c, which shows them.
 *
 * Cells are 16 bytes; strings lie one after the other in one text, each with a NUL behind it, and
 * a cell keeps where its own begins.
 */
#ifndef LEAT_CTL_TABLE_CELLS_H
#define LEAT_CTL_TABLE_CELLS_H

#include "ctl/table.h"

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

static inline const struct cell *
cell_at(const struct table *t, size_t row, size_t column)
{
	return &t->cells[row * t->n_columns + column];
}

static inline const char *
cell_string(const struct table *t, const struct cell *c)
{
	return t->strings.s + c->v.at;
}

/* The column of this name, of `len` bytes; t->n_columns: there is none, and `e` lists those there
 * are. */
size_t table_find_column(const struct table *t, const char *name, size_t len, struct err *e);

#endif
