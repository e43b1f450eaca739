/*
 * listen.h - a UNIX stream socket at a path, taken over only from the dead.
 *
 * Called once at the start and once at the end, from the thread that starts the
 * program.
 */
#ifndef LEAT_CTL_LISTEN_H
#define LEAT_CTL_LISTEN_H

#include <sys/types.h>
#include <sys/un.h>

#include "datapath/err.h"

/* A listening socket, and which file it is: another's is never removed. */
struct ctl_listener {
	int fd;
	char path[sizeof((struct sockaddr_un *)0)->sun_path];
	dev_t dev;
	ino_t ino;
};

/*
 * Listens at `path` with the file mode `mode`, whatever the umask is.  A socket
 * file that nobody listens on is replaced.  Returns 0; -EADDRINUSE if somebody
 * listens there (`e` says who) or the file is no socket; -ENAMETOOLONG; another
 * negative errno.
 */
int ctl_listener_open(struct ctl_listener *l, const char *path, mode_t mode, struct err *e);

/* Closes it and removes its file, unless that has become another's. */
void ctl_listener_close(struct ctl_listener *l);

#endif
