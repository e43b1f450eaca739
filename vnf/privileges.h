/*
 * privileges.h - leatd as another user than root, with the few capabilities that it needs.
 *
 * As root it makes its folders and gives the files that it will write to that user; then
 * it becomes the user, before it reads a policy, opens a port or starts a thread.  Kept are
 * only the capabilities that the options ask for:
 *
 *	an afpacket: port	CAP_NET_RAW, CAP_NET_ADMIN (its socket, promiscuous mode)
 *	vhost-owner		CAP_CHOWN (a socket may be given to another user)
 *
 * The programs that it starts (ovs-vsctl, ovs-ofctl) get none: they reach the switch's
 * sockets by the user's groups.
 *
 * Main thread, at start.
 */
#ifndef LEAT_VNF_PRIVILEGES_H
#define LEAT_VNF_PRIVILEGES_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "vnf/cmdline.h"

struct privileges {
	char user[64];		/* "": nothing is to be changed */
	uid_t uid;
	gid_t gid;
	uint64_t keep;		/* capabilities, a bit each */
};

/*
 * What --user and the ports ask for.  0, or -EINVAL with `err`: there is no such user or group,
 * or the process is neither root nor that user.
 */
int privileges_find(const struct options *o, struct privileges *p, struct err *err);

/* "USER[:GROUP]" or ":GROUP", names or numbers; what is not named is left as it is.  0, -EINVAL. */
int privileges_group(const char *name, gid_t *gid, struct err *err);
int privileges_owner(const char *text, uid_t *uid, gid_t *gid, struct err *err);

/* Makes the folder if it is missing, as the user's.  0, or a negative errno with `err`. */
int privileges_own_folder(const struct privileges *p, const char *path, struct err *err);

/* Gives a regular file that exists to the user; a link or what is no file is left alone. */
void privileges_own_file(const struct privileges *p, const char *path);

/* Becomes the user.  There is no way back.  0, or a negative errno with `err`. */
int privileges_drop(const struct privileges *p, struct err *err);

/* The names of the capabilities in effect, "none" if there are none. */
void privileges_text(char *text, size_t size);

#endif
