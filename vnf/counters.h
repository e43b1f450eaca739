/*
 * counters.h - what each rule of the policy took: flows, packets, bytes, and when.
 *
 * A rule has a slot, and every worker a counter in it, which that worker alone writes and any
 * thread reads.  The control thread gives slots to rules when a policy comes into force: a rule
 * that is printed as before keeps its slot.  A slot goes to another rule only when no snapshot
 * names it and no flow counts by it any more.
 */
#ifndef LEAT_VNF_COUNTERS_H
#define LEAT_VNF_COUNTERS_H

#include <stdbool.h>
#include <stdint.h>

#include "datapath/clock.h"
#include "datapath/err.h"
#include "vnf/cmdline.h"

enum {
	COUNTER_NONE = 0,	/* the slot of rules for which there was none: not shown */
	COUNTER_SLOTS = 1 << 17,
};

struct rule_count {
	uint64_t flows;		/* that the rule took */
	uint64_t packets, bytes;	/* of them; payload bytes */
	int64_t hit;		/* us since 1970: it took a flow; 0: never */
	uint64_t begun, ended;	/* flows that count here, and those that do no more */
};

struct counters {
	unsigned n_workers;
	struct rule_count *of[MAX_WORKERS];	/* by slot; of[k] is worker k's */
	/* The control thread's: */
	uint32_t *n_holders;	/* by slot: snapshots */
	uint32_t *free, n_free, n_touched;
	uint32_t *leaving, n_leaving;	/* held by no snapshot, by flows perhaps */
};

/* 0, or -ENOMEM with `err`.  Memory is used as slots are. */
int counters_init(struct counters *c, unsigned n_workers, struct err *err);
void counters_fini(struct counters *c);

/* A slot for a rule, held once; COUNTER_NONE: none is left. */
uint32_t counters_take(struct counters *c);
void counters_hold(struct counters *c, uint32_t slot);
void counters_drop(struct counters *c, uint32_t slot);

/* Finds slots that no flow counts by any more.  Never waits. */
void counters_reclaim(struct counters *c);

/* The sum over all workers. */
struct rule_count counters_sum(const struct counters *c, uint32_t slot);

/* --- worker `w`'s side --- */

static inline struct rule_count *
counters_at(const struct counters *c, unsigned w, uint32_t slot)
{
	return &c->of[w][slot];
}

static inline void
counters_begin(struct rule_count *r)
{
	r->begun++;
}

/* The last that this flow does with the slot. */
static inline void
counters_end(struct rule_count *r)
{
	__atomic_store_n(&r->ended, r->ended + 1, __ATOMIC_RELEASE);
}

#endif
