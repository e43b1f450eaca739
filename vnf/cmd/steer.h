/*
 * steer.h - what the commands about steering share (vnf/cmd/steer*.c).
 *
 * Control thread only.
 */
#ifndef LEAT_VNF_CMD_STEER_H
#define LEAT_VNF_CMD_STEER_H

#include "vnf/leat.h"

/* A job of this kind; NULL where there is no memory, which has been answered. */
struct steer_job *cmd_steer_job(struct unixctl_conn *conn, enum steer_act act);

/* Gives it to the steering's thread: `done` gets the daemon in job->arg, `conn` in job->arg2.
 * Answers where it can't be taken. */
void cmd_steer_submit(struct leat *l, struct unixctl_conn *conn, struct steer_job *job,
		      steer_done_fn *done);

/*
 * steer_load.c: a policy's change, of daemon and switch together or not at all.
 */

/* Makes it the policy in force, the daemon's part alone: active_load() or active_rollback(). */
typedef int steer_load_fn(struct leat *l, int argc, const char *argv[], struct change *c);
/* Answers, and calls change_fini(). */
typedef void steer_reply_fn(struct unixctl_conn *conn, struct leat *l, struct change *c, int rc);

/* Does the switch have to follow if this policy comes into force? */
bool steer_load_wanted(const struct leat *l, const struct policy *p);

/*
 * Takes `p`, which is what `load` will bring into force; answers later, by `reply`.  `argv` is the
 * request's own.
 */
void steer_load(struct leat *l, struct unixctl_conn *conn, struct policy *p, bool dry_run, int argc,
		const char *argv[], steer_load_fn *load, steer_reply_fn *reply);

/* Puts an earlier generation in force again, in the switch too where leatd steers, and logs what
 * goes wrong; 0 is the built-in policy. */
void steer_load_back(struct leat *l, uint64_t was);

/* steer_trace.c */
unixctl_cb cmd_steer_trace;

#endif
