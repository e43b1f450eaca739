/*
 * state.h - RUN/NAME.switch: what is to be known of an instance's steering without its leatd.
 *
 * A few lines `key value`, replaced as a whole.  leatd writes it at start and when its rules are
 * taken away or put back; `leatd --offline` reads it where leatd is dead or hangs, and leaves in
 * it that it took the rules away.  It stays when leatd ends, for the rules do.
 */
#ifndef LEAT_VNF_STEER_STATE_H
#define LEAT_VNF_STEER_STATE_H

#include "datapath/err.h"
#include "datapath/ovs/target.h"

/* Who took the rules away, so that leatd does not put them back by itself. */
enum steer_held {
	STEER_HELD_NOT,
	STEER_HELD_BYPASS,
	STEER_HELD_CLEAR,
};

struct steer_state {
	unsigned instance;
	char ovs_db[OVS_PATH_MAX];	/* empty: the tools' default */
	char ovs_rundir[OVS_PATH_MAX];
	enum steer_held held;
};

/* 0; -ENOENT: there is no such file; -EINVAL: it says something else; or another errno. */
int steer_state_read(const char *path, struct steer_state *s, struct err *err);

/* Replaces the file: readers see the old or the new one.  0, or a negative errno with `err`. */
int steer_state_write(const char *path, const struct steer_state *s, struct err *err);

/* "no", "bypass", "clear" */
const char *steer_held_name(enum steer_held held);

#endif
