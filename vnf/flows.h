/*
 * flows.h - reading the flows of running workers.
 *
 * A question goes to the workers by ring; each walks its table by cursor, at most
 * FLOWS_STEP entries a turn, and puts copies into a reply ring, from which the control
 * thread hands them to whoever asked.  One question is at work at a time, the others
 * wait their turn.  A worker never waits: where the reply ring is full it goes on
 * in a later turn.
 */
#ifndef LEAT_VNF_FLOWS_H
#define LEAT_VNF_FLOWS_H

#include <stdbool.h>

#include <tcpterm/stack.h>

#include "db/record.h"

enum { FLOWS_STEP = 64 };

/* One flow as it was when its worker looked. */
struct flow_view {
	struct flow_record row;
	struct tcpterm_leg_info leg[2];
	int64_t idle_us;	/* since its latest segment */
	uint8_t kind;		/* enum tcpterm_kind */
	bool roles_guessed, is_copy;
};

/*
 * Worker's thread, for each flow, once it was looked at: may change or end it; false keeps it
 * from the answer.  `arg` goes by value: a worker too late for `done` may still come to it.
 */
typedef bool flows_act(uint64_t arg, unsigned worker, struct tcpterm *stack, struct flow *f,
		       usec_t now);

struct flows_question {
	bool one;		/* one flow by its id, else all */
	unsigned worker;
	uint32_t ref, generation;
	flows_act *act;		/* NULL: flows are only read */
	uint64_t arg;
	/* Control thread: each flow, and the end of it: 0, or -ETIMEDOUT if a worker does
	 * not answer.  `row` may be called no more after `done`. */
	void (*row)(void *aux, const struct flow_view *v);
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

/* Worker: a step of the question at work; how many flows it looked at. */
unsigned flows_serve(struct flows *f, unsigned worker, struct tcpterm *stack, usec_t now);

#endif
