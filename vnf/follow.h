/*
 * follow.h - flows that begin and end, told while they do.
 *
 * A follower has a ring from each worker, into which that copies the flows which the follower's
 * filter chooses.  A full ring costs the event, counted.  Without followers a worker looks at one
 * byte at a flow's begin and end.
 */
#ifndef LEAT_VNF_FOLLOW_H
#define LEAT_VNF_FOLLOW_H

#include "datapath/err.h"
#include "db/record.h"
#include "vnf/board.h"
#include "vnf/flow_filter.h"

enum { FOLLOWERS_MAX = BOARD_PLACES };

struct followers;
struct follower;
struct worker;

struct follow_event {
	bool begins;		/* else it has ended */
	struct flow_record row;
};

/* --- the control thread --- */

/* `qsbr` is the workers'.  NULL: no memory. */
struct followers *followers_new(unsigned n_workers, struct rte_rcu_qsbr *qsbr);

/* No worker runs any more. */
void followers_free(struct followers *fs);

/* NULL fills `err`: there are FOLLOWERS_MAX, or no memory. */
struct follower *follow_begin(struct followers *fs, const struct flow_filter *filter,
			      struct err *err);

/* The follower is not the caller's any more. */
void follow_end(struct followers *fs, struct follower *f);

/* The next event, in each worker's order; false: there is none now. */
bool follow_next(struct follower *f, struct follow_event *e);

/* How many events found no room so far. */
uint64_t follow_lost(const struct follower *f);

/* Frees followers that ended when no worker can know them; every 50 ms or so. */
void followers_run(struct followers *fs);

/* --- a worker --- */

bool followers_any(const struct followers *fs);

/* A flow begins, or ends; its note is still there. */
void follow_flow(struct worker *w, struct flow *f, bool begins);

#endif
