/*
 * show.h - the flows of a capture as `leatd -r` prints them: a table, CSV, or JSON, an object a
 * flow and line.
 *
 * It reads the journal (journal_read_by()): gaps and conflicts of a flow come before the flow and
 * are kept until then.  The thread that drains the journal.
 */
#ifndef LEAT_VNF_REPLAY_SHOW_H
#define LEAT_VNF_REPLAY_SHOW_H

#include <stdio.h>

#include "datapath/err.h"
#include "vnf/journal.h"

enum show_format {
	SHOW_TABLE,	/* aligned columns, once all are known */
	SHOW_LIST,	/* likewise, a line a value */
	SHOW_JSON,	/* leatd(8) says what is in an object */
	SHOW_CSV,
	SHOW_NONE,	/* flows are counted only */
};

/* 0, or -EINVAL with what is known. */
int show_format_parse(const char *name, enum show_format *format, struct err *err);

struct show;

/* Prints to `to`, which stays the caller's.  NULL: no memory. */
struct show *show_new(enum show_format format, FILE *to);
void show_free(struct show *s);

/* What the journal is to tell. */
struct journal_reader show_reader(struct show *s);

/* There are no more flows: prints what is left.  0, or a negative errno: it can't be printed. */
int show_end(struct show *s);

struct show_totals {
	uint64_t flows, packets, bytes, gaps, gap_bytes, conflicts;
};
const struct show_totals *show_totals(const struct show *s);

#endif
