/*
 * flow_row.h - a live flow as `flow list` and `flow show` print it.
 *
 * Control thread.
 */
#ifndef LEAT_VNF_FLOW_ROW_H
#define LEAT_VNF_FLOW_ROW_H

#include "ctl/table.h"
#include "vnf/flows.h"

/* A table with the columns of `flow list`. */
struct table *flow_row_table(void);

/* Adds the flow's row to such a table. */
void flow_row_put(struct table *t, const struct flow_view *v);

/* Adds all that is known of the flow to a table with the columns item and value. */
void flow_row_put_items(struct table *t, const struct flow_view *v);

#endif
