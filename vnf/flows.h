/*
 * flows.h - reading the flows of running workers.
 *
 * A question goes to the workers by ring; each walks its table by cursor, at most FLOWS_STEP
 * entries a turn, and puts copies of the flows that the question's filter chooses into a reply
 * ring, from which the control thread hands them to whoever asked.  A worker never waits: where
 * the reply ring is full it goes on in a later turn.
 *
 * A question is asked in pieces, each from where the last one ended, and open questions take turns
 * by pieces: one whose asker can't take rows for now keeps neither a worker nor the others waiting.
 */
#ifndef LEAT_VNF_FLOWS_H
#define LEAT_VNF_FLOWS_H

#include <stdbool.h>

#include <tcpterm/stack.h>

#include "db/record.h"
#include "vnf/flow_filter.h"

enum { FLOWS_STEP = 64 };

/* One flow as it was when its worker looked. */
struct flow_view {
	struct flow_record row;
	struct tcpterm_leg_info leg[2];
	int64_t idle_us;	/* since its latest segment */
	uint8_t kind;		/* enum tcpterm_kind */
	uint8_t roles;		/* enum tcpterm_roles */
	bool is_copy, wscale_clamped;
};

/*
 * Worker's thread, for each flow that is chosen, once it was looked at: may change or end it;
 * false keeps it from the answer.  `arg` goes by value: a worker too late for `done` may still
 * come to it.
 */
typedef bool flows_act(uint64_t arg, unsigned worker, struct tcpterm *stack, struct flow *f,
		       usec_t now);

struct flows_question {
	bool one;		/* one flow by its id, else all */
	unsigned worker;
	uint32_t ref, generation;
	const struct flow_filter *filter;	/* copied; NULL: every flow */
	flows_act *act;		/* NULL: flows are only read */
	uint64_t arg;
	/*
	 * Control thread.  `ready`, asked before each piece, NULL: always: 1; 0 if rows can't be
	 * taken for now; a negative errno gives the question up.  `row`: each flow of the
	 * answer; NULL: none is copied.  `counted`, may be NULL: n more are in the answer.
	 * `done`: the end of it, the last call: 0, what `ready` said, or -ETIMEDOUT if a worker
	 * does not answer.
	 */
	int (*ready)(void *aux);
	void (*row)(void *aux, const struct flow_view *v);
	void (*counted)(void *aux, uint64_t n);
	void (*done)(void *aux, int rc);
	void *aux;
};

struct flows;

/* NULL fills `err`. */
struct flows *flows_new(unsigned n_workers, struct err *err);
void flows_free(struct flows *f);

/* Control thread: asks.  0, or -ENOMEM; then `done` is not called. */
int flows_ask(struct flows *f, const struct flows_question *q);

/* Control thread: hands on what has come; true while a question is open. */
bool flows_run(struct flows *f, usec_t now);

/* Did the latest flows_run() find something?  Then another may soon. */
bool flows_busy(const struct flows *f);

/* Worker: a step of the question at work; how many flows it looked at. */
unsigned flows_serve(struct flows *f, unsigned worker, struct tcpterm *stack, usec_t now);

#endif
