/*
 * pending.h - gaps and conflicts of flows that have not ended, by the flow's id.
 *
 * One thread.  Where memory runs out, what comes is left out and counted by nobody: the flow's
 * own row has the numbers.
 */
#ifndef LEAT_VNF_REPLAY_PENDING_H
#define LEAT_VNF_REPLAY_PENDING_H

#include <stdbool.h>

#include "db/record.h"

struct pending_item {
	struct pending_item *next;
	bool is_conflict;
	union {
		struct gap_record gap;
		struct conflict_record conflict;
	};
};

struct pending_flow {
	struct pending_flow *next;
	struct pending_item *first, *last;	/* in the order they came */
	char id[RECORD_ID];
};

struct pending;

struct pending *pending_new(void);
void pending_free(struct pending *p);

void pending_gap(struct pending *p, const struct gap_record *g);
void pending_conflict(struct pending *p, const struct conflict_record *c);

/* What is known of the flow is of the other direction each. */
void pending_turn(struct pending *p, const struct turn_record *t);

/* NULL: nothing is known of it. */
struct pending_flow *pending_find(struct pending *p, const char *id);

/* Forgets the flow; NULL does nothing. */
void pending_drop(struct pending *p, struct pending_flow *f);

#endif
