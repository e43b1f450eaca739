/*
 * peer.c - see peer.h.
 */
#include "ctl/peer.h"

#include <sys/socket.h>
#include <unistd.h>

enum { GROUPS_MAX = 1024 };	/* of one process; of more the first are looked at */

#ifndef SO_PEERGROUPS
#define SO_PEERGROUPS 59
#endif

void
peer_read(int fd, struct unixctl_peer *peer)
{
	struct ucred cred = { .pid = 0, .uid = (uid_t)-1, .gid = (gid_t)-1 };
	socklen_t len = sizeof cred;

	getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &cred, &len);
	*peer = (struct unixctl_peer){ .pid = cred.pid, .uid = cred.uid, .gid = cred.gid };
}

bool
peer_is_in(int fd, const struct unixctl_peer *peer, gid_t group)
{
	gid_t groups[GROUPS_MAX];
	socklen_t len = sizeof groups;
	size_t i;

	if (group == (gid_t)-1)
		return false;
	if (peer->gid == group)
		return true;
	if (getsockopt(fd, SOL_SOCKET, SO_PEERGROUPS, groups, &len) < 0)
		return false;
	for (i = 0; i < len / sizeof groups[0]; i++)
		if (groups[i] == group)
			return true;
	return false;
}

bool
peer_may_change(int fd, const struct unixctl_peer *peer, const struct unixctl_access *access)
{
	return peer->uid == 0 || peer->uid == geteuid() || peer_is_in(fd, peer, access->group);
}
