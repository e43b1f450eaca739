/*
 * flow_row.h - a live flow as `flow list`, `flow follow` and `flow show` print it.
 *
 * Control thread.
 */
#ifndef LEAT_VNF_FLOW_ROW_H
#define LEAT_VNF_FLOW_ROW_H

#include "ctl/table.h"
#include "vnf/flows.h"

/* Those of its columns that fit a person's table, as --columns has them. */
extern const char flow_row_table_columns[];

/* A table with the columns of `flow list`. */
struct table *flow_row_table(void);

/* Adds the flow's row to such a table. */
void flow_row_put(struct table *t, const struct flow_view *v);

/* A table with the columns of `flow follow`, and its rows: a flow that began or ended, and that `n`
 * of these were lost. */
struct table *flow_row_event_table(void);
void flow_row_put_event(struct table *t, bool begins, const struct flow_record *r);
void flow_row_put_lost(struct table *t, uint64_t n);

/* Adds all that is known of the flow to a table with the columns item and value. */
void flow_row_put_items(struct table *t, const struct flow_view *v);

#endif
