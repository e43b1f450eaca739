/*
 * steering.h - the policy's `steer` statements, put into the switch and kept there.
 *
 * The switch's tools may take seconds, so they are run by a thread of the steering's own, one job
 * at a time; a second one waits, a third is refused.  Everything here is the control thread's: it
 * gives jobs, and gets them back in steering_run().  The switch holds the state: here is
 * only whether its rules are to be kept in place, and how many there were.
 */
#ifndef LEAT_VNF_STEER_STEERING_H
#define LEAT_VNF_STEER_STEERING_H

#include <pthread.h>
#include <stdbool.h>

#include "datapath/clock.h"
#include "vnf/cmdline.h"
#include "vnf/policy/policy.h"
#include "vnf/steer/flow.h"
#include "vnf/steer/state.h"
#include "vnf/steer/switch.h"

struct active;

enum steer_act {
	STEER_SHOW,
	STEER_APPLY,
	STEER_CHECK,
	STEER_CLEAR,
	STEER_BYPASS,
	STEER_TRACE,
	STEER_WATCH,	/* are the rules there?  else put them back, our ports first */
	STEER_PREPARE,	/* make our ports, and ask whether the bridges can take a plan */
};

enum { STEER_FLOW_TEXT = 300, STEER_TRACES_MAX = 8 };

/* One question to ofproto/trace. */
struct steer_trace {
	char bridge[POLICY_NAME_MAX + 1], flow[STEER_FLOW_TEXT];
	char *text;		/* the answer, to be freed; NULL: not asked, or failed */
};

struct steer_job;
typedef void steer_done_fn(struct steer_job *job);

/*
 * Something to do in the switch.  The caller fills the first part and gives it away; `done` is
 * called exactly once, on the control thread, and the job is freed after it.
 */
struct steer_job {
	enum steer_act act;
	bool dry_run;
	bool of_change;			/* begins while a policy is on its way, others wait */
	struct steer_plan *plan;	/* of the policy in force when it starts, if NULL */
	struct steer_trace *trace;	/* STEER_TRACE: n_traces of them, freed with the job */
	unsigned n_traces;
	struct steer_flow flow;		/* the trace's */
	int selection;			/* of the plan, that takes it; -1: none */
	steer_done_fn *done;
	void *arg, *arg2;

	int rc;			/* 0, or a negative errno with `err` */
	char *text;		/* what was sent, or read; NULL only without memory */
	unsigned n_rules;	/* that the switch had (STEER_WATCH), or has now */
	struct err err;
	struct steering *s;
};

struct steering {
	struct steer_switch sw;
	const struct options *o;	/* our ports, the instance's number */
	const struct active *active;	/* the policy in force */
	char state_path[256];		/* RUN/NAME.switch */
	bool keep;		/* rules belong in the switch: --steer, or steer/apply */
	enum steer_held held;	/* and were taken away all the same */
	void *change;		/* a policy on its way into switch and daemon; NULL: none */
	bool complained;	/* of the present trouble, once */
	unsigned n_rules;	/* of the latest look; 0: not known */
	usec_t checked;

	pthread_t thread;
	bool has_thread;
	pthread_mutex_t lock;	/* of what follows */
	pthread_cond_t wake;
	struct steer_job *job;	/* in work, or done */
	bool job_done, stop;
	struct steer_job *waiting;	/* the control thread's alone */
	usec_t job_began;
};

/* `o` outlives it; `run_dir` is where the state is written down.  0, or a negative errno. */
int steering_init(struct steering *s, const struct options *o, const char *run_dir,
		  struct err *err);

/* Starts the thread.  `active` outlives it.  0, or a negative errno with `err`. */
int steering_start(struct steering *s, const struct active *active, struct err *err);

/* Of a job that was not given away. */
void steer_job_free(struct steer_job *job);

/*
 * Takes `job`, which is malloc'ed.  0, or -EBUSY with `err` where one is in work and another waits:
 * then the job was freed and `done` is not called.
 */
int steering_submit(struct steering *s, struct steer_job *job, struct err *err);

/*
 * Finishes what is done, begins what waits, and looks every second whether the rules are
 * there.  Never waits.  The rules do not wait for our ports: until these answer, they lead past
 * Leat, or stop the traffic where a selection says so.
 */
void steering_run(struct steering *s, usec_t now);

/* Writes down that the rules were taken away, or are wanted again. */
void steering_hold(struct steering *s, enum steer_held held);

/* Are the rules to be in the switch now? */
bool steering_steers(const struct steering *s);

/*
 * Ends the thread: the jobs that are left are finished as failed.  With `clear`, takes the rules
 * out of the switch.  False if a tool is at work still after `wait_ms`: then nothing that the
 * thread uses can be freed, and the program ends by _exit().
 */
bool steering_stop(struct steering *s, bool clear, int wait_ms);

#endif
