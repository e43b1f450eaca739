/*
 * vhost_owner.h - owner and mode of the vhost ports' sockets, so that a switch that does not run
 * as root may connect.
 *
 * DPDK makes a socket inside of its probe, which returns only once the switch has connected;
 * so the control thread looks for sockets that are not as they should be.  Until then they are
 * closed to all others.
 */
#ifndef LEAT_VNF_VHOST_OWNER_H
#define LEAT_VNF_VHOST_OWNER_H

#include <sys/types.h>

#include "vnf/cmdline.h"

struct vhost_owner {
	const struct options *o;
	bool wanted;
	uid_t uid;	/* (uid_t)-1: as it is */
	gid_t gid;
	mode_t mode;	/* 0: as it is */
	bool complained;
};

/* `o` outlives it.  0, or -EINVAL with `err`: there is no such user or group. */
int vhost_owner_init(struct vhost_owner *v, const struct options *o, struct err *err);

/* Control thread, in every turn.  What can't be done is logged once. */
void vhost_owner_run(struct vhost_owner *v);

#endif
