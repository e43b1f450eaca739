/*
 * peer.h - who is at the other end of a UNIX socket, as the kernel knows it.
 *
 * Control thread.
 */
#ifndef LEAT_CTL_PEER_H
#define LEAT_CTL_PEER_H

#include "ctl/unixctl.h"

/* Fills `peer`: as it was when it connected; a user and group of -1 if that is not known. */
void peer_read(int fd, struct unixctl_peer *peer);

/* Is the peer in the group, as its first or one of the others?  Never in (gid_t)-1. */
bool peer_is_in(int fd, const struct unixctl_peer *peer, gid_t group);

/* Root, this process's own user, or a member of access->group. */
bool peer_may_change(int fd, const struct unixctl_peer *peer, const struct unixctl_access *access);

#endif
