/*
 * target.h - which Open vSwitch is meant, and how its tools are called.
 *
 * Filled once by the caller and read only from then on, so any thread that may
 * block (exec.h) can use it.
 */
#ifndef LEAT_DATAPATH_OVS_TARGET_H
#define LEAT_DATAPATH_OVS_TARGET_H

#include "datapath/err.h"

enum {
	OVS_PATH_MAX = 200,
	OVS_TOOL_TIMEOUT = 10,		/* s: what the tools are told */
	OVS_EXEC_TIMEOUT = 15 * 1000,	/* ms: when they are killed all the same */
};

struct ovs_target {
	char db[OVS_PATH_MAX];		/* of the tools' --db; empty: the tools' default */
	char rundir[OVS_PATH_MAX];	/* where BRIDGE.mgmt is; empty: the tools' default */
};

/*
 * Means the switch whose database listens on `socket` ("unix:PATH" or PATH); its bridges'
 * sockets are looked for beside it, as OVS puts them.  NULL or "" means this host's own switch.
 * Returns 0, -EINVAL (not a UNIX socket) or -ENAMETOOLONG.
 */
int ovs_target_init(struct ovs_target *t, const char *socket, struct err *e);

/*
 * Runs `ovs-vsctl ARGS...`; the arguments end with NULL.  `*out` (may be NULL) is what it printed,
 * to be freed.  Errors as exec_ok().
 */
int ovs_vsctl(const struct ovs_target *t, const char *doing, char **out, struct err *e,
	      const char *const args[]);

enum {
	OVS_NAMES = 1,		/* print names of ports, for people; else numbers */
	OVS_DIFFERS_OK = 2,	/* exit status 2 is no error: diff-flows says so "they differ" */
};

/*
 * Runs `ovs-ofctl -O OpenFlow15 COMMAND BRIDGE [ARG]` with `in` (may be NULL) as its standard
 * input; `flags` as above.  `*out` (may be NULL) and errors as for ovs_vsctl().
 */
int ovs_ofctl(const struct ovs_target *t, const char *doing, const char *command,
	      const char *bridge, const char *arg, const char *in, unsigned int flags, char **out,
	      struct err *e);

/*
 * Runs `ovs-appctl ARGS...` against the switch's daemon: the one whose pidfile is in the run
 * folder, else the one whose control socket there has "vswitchd" in its name. As ovs_vsctl()
 * otherwise; -ENOENT if there is no such socket.
 */
int ovs_appctl(const struct ovs_target *t, const char *doing, char **out, struct err *e,
	       const char *const args[]);

#endif
