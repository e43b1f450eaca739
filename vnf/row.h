/*
 * row.h - a flow as the database and leatctl see it.
 *
 * Worker's thread only; the record is a copy.
 */
#ifndef LEAT_VNF_ROW_H
#define LEAT_VNF_ROW_H

#include <tcpterm/stack.h>

#include "db/record.h"

/* "worker:ref:generation", in hexadecimal. */
void row_id(unsigned worker, const struct flow *f, char id[RECORD_ID]);

/* The reverse.  False if the text is no id. */
bool row_id_parse(const char *text, unsigned *worker, uint32_t *ref, uint32_t *generation);

/* The mode in which the flow is now: it may have moved down from its rule's. */
const char *row_mode(const struct flow *f);

/* Fills `r` and `leg` for a flow of `stack`.  `now` becomes `ended`. */
void row_fill(const struct tcpterm *stack, unsigned worker, const struct flow *f, usec_t now,
	      struct flow_record *r, struct tcpterm_leg_info leg[2]);

/* The same, but the counts of its directions and legs alone; all else is zero. */
void row_count(const struct flow *f, struct flow_record *r, struct tcpterm_leg_info leg[2]);

/* Makes the client the server, and the server the client. */
void row_turn(struct flow_record *r);

#endif
