/*
 * listen.c - see listen.h.
 *
 * Two programs that start at once must not both find the same stale socket: the
 * second would remove the file that the first has just made.  So looking and
 * binding happen under a lock on the folder.
 */
#include "ctl/listen.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <string.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

enum { BACKLOG = 64 };

/* Locks the folder that `path` is in, until the returned descriptor is closed. */
static int
lock_folder(const char *path, struct err *e)
{
	char folder[sizeof((struct ctl_listener *)0)->path];
	char *slash;
	int fd, rc;

	strcpy(folder, path);
	slash = strrchr(folder, '/');
	if (!slash)
		strcpy(folder, ".");
	else
		slash[slash == folder] = '\0';
	fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd >= 0 && flock(fd, LOCK_EX) == 0)
		return fd;
	rc = -errno;
	if (fd >= 0)
		close(fd);
	return err_set(e, rc, "cannot open the folder %s: %s", folder, strerror(-rc));
}

/* 0 if nobody listens at `sun`, -EADDRINUSE if somebody does. */
static int
check_nobody_listens(const struct sockaddr_un *sun, struct err *e)
{
	struct ucred peer = { .pid = 0 };
	socklen_t len = sizeof peer;
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	bool alive;

	if (fd < 0)
		return err_set(e, -errno, "cannot make a socket: %s", strerror(errno));
	/* EAGAIN: somebody listens, and has a full queue. */
	alive = connect(fd, (const struct sockaddr *)sun, sizeof *sun) == 0 || errno == EAGAIN;
	if (alive)
		getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &len);
	close(fd);
	if (!alive)
		return 0;
	if (peer.pid > 0)
		return err_set(e, -EADDRINUSE,
			       "cannot listen on %s: process %ld listens there already",
			       sun->sun_path, (long)peer.pid);
	return err_set(e, -EADDRINUSE, "cannot listen on %s: another process listens there already",
		       sun->sun_path);
}

/* Removes a socket file that nobody listens on. */
static int
remove_stale(const struct sockaddr_un *sun, struct err *e)
{
	struct stat st;
	int rc;

	if (lstat(sun->sun_path, &st) < 0)
		return errno == ENOENT ? 0
				       : err_set(e, -errno, "cannot look at %s: %s", sun->sun_path,
						 strerror(errno));
	if (!S_ISSOCK(st.st_mode))
		return err_set(e, -EADDRINUSE,
			       "cannot listen on %s: a file that is no socket is there",
			       sun->sun_path);
	rc = check_nobody_listens(sun, e);
	if (rc)
		return rc;
	if (unlink(sun->sun_path) < 0 && errno != ENOENT)
		return err_set(e, -errno, "cannot remove the stale socket %s: %s", sun->sun_path,
			       strerror(errno));
	return 0;
}

static int
bind_and_listen(struct ctl_listener *l, const struct sockaddr_un *sun, mode_t mode, struct err *e)
{
	struct stat st;

	/* The file is born with the socket's mode: nobody gets in before chmod, which
	 * then only undoes what the umask took away. */
	if (fchmod(l->fd, mode) < 0 || bind(l->fd, (const struct sockaddr *)sun, sizeof *sun) < 0)
		return err_set(e, -errno, "cannot make the socket %s: %s", l->path,
			       strerror(errno));
	if (chmod(l->path, mode) < 0 || lstat(l->path, &st) < 0 || listen(l->fd, BACKLOG) < 0) {
		int rc = -errno;

		unlink(l->path);
		return err_set(e, rc, "cannot listen on %s: %s", l->path, strerror(-rc));
	}
	l->dev = st.st_dev;
	l->ino = st.st_ino;
	return 0;
}

int
ctl_listener_open(struct ctl_listener *l, const char *path, mode_t mode, struct err *e)
{
	struct sockaddr_un sun = { .sun_family = AF_UNIX };
	int lock, rc;

	if (!*path || strlen(path) >= sizeof sun.sun_path)
		return err_set(
			e, -ENAMETOOLONG,
			"the socket path has to be 1 to %zu bytes long, this one has %zu: %s",
			sizeof sun.sun_path - 1, strlen(path), path);
	*l = (struct ctl_listener){ .fd = -1 };
	strcpy(l->path, path);
	strcpy(sun.sun_path, path);
	lock = lock_folder(path, e);
	if (lock < 0)
		return lock;
	rc = remove_stale(&sun, e);
	if (!rc) {
		l->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
		rc = l->fd < 0 ? err_set(e, -errno, "cannot make a socket: %s", strerror(errno))
			       : bind_and_listen(l, &sun, mode, e);
	}
	if (rc && l->fd >= 0) {
		close(l->fd);
		l->fd = -1;
	}
	close(lock);
	return rc;
}

void
ctl_listener_close(struct ctl_listener *l)
{
	struct stat st;

	if (l->fd < 0)
		return;
	if (lstat(l->path, &st) == 0 && st.st_dev == l->dev && st.st_ino == l->ino)
		unlink(l->path);
	close(l->fd);
	l->fd = -1;
}
