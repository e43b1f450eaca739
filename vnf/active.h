/*
 * active.h - the policy in force: compiled, published, replaced.
 *
 * The control thread compiles and publishes; workers read the current snapshot
 * once a turn, and say when they are between two turns or asleep (rte_rcu_qsbr).
 * A snapshot that was replaced is freed once every worker has passed on; nobody waits for it.
 *
 * A generation is a text.  Loading makes a new one; a rollback makes an earlier one active again
 * under its own number, so a number in a flow's row always means the same rules.
 */
#ifndef LEAT_VNF_ACTIVE_H
#define LEAT_VNF_ACTIVE_H

#include <stdatomic.h>

#include <rte_rcu_qsbr.h>

#include "db/store.h"
#include "vnf/counters.h"
#include "vnf/policy/policy.h"
#include "vnf/ports.h"

struct snapshot {
	struct policy *policy;
	uint64_t generation;	/* in the store; 0: built in */
	char *name;		/* where its text came from */
	uint32_t *slot;		/* of each rule and of the default in the counters */
	struct snapshot *next;	/* replaced, not freed yet */
	uint64_t token;
};

struct active {
	_Atomic(struct snapshot *) now;
	struct rte_rcu_qsbr *qsbr;	/* reader k is worker k */
	struct snapshot *retired;
	struct store *store;		/* NULL: policies are not kept */
	const struct ports *ports;
	struct counters counters;
};

/* A change of the policy, asked for and answered. */
struct change {
	bool dry_run;		/* in: do all but change anything */
	uint64_t generation;	/* out: the one in force; 0 in a dry run of a load */
	uint64_t was;		/* out: the one in force before */
	uint32_t n_rules;	/* out */
	char *said;		/* by what changes with it, the switch; may be NULL */
	char *errors;		/* out: all errors in one text; NULL if there was none */
};

/* 0, or -ENOMEM with `err`.  Nothing is in force yet. */
int active_init(struct active *a, unsigned n_workers, struct store *store,
		const struct ports *ports, struct err *err);
void active_fini(struct active *a);

/*
 * Compiles `text`.  0 and *out (the caller's), or a negative errno and *errors: all
 * errors in one text, to be freed.  Does not change what is in force.
 */
int active_compile(struct active *a, const char *name, const char *text, size_t len,
		   struct policy **out, char **errors);

/*
 * Compiles, stores under a new generation and puts in force, or does none of it: 0, or a negative
 * errno with c->errors, which say which step failed.  change_fini() in every case.
 */
int active_load(struct active *a, const char *name, const char *text, size_t len, struct change *c);

/* The same with the text of an earlier generation, which becomes active again. */
int active_rollback(struct active *a, uint64_t generation, struct change *c);

void change_fini(struct change *c);

/*
 * At start: the text given, stored if it differs from the store's active one; with `text` NULL the
 * store's active policy; where there is none either, `default pass`.  *errors as
 * in active_compile().
 */
int active_start(struct active *a, const char *name, const char *text, char **errors);

/* Frees what nobody reads any more.  Never waits. */
void active_reclaim(struct active *a);

static inline const struct snapshot *
active_snapshot(const struct active *a)
{
	return atomic_load_explicit(&a->now, memory_order_acquire);
}

#endif
