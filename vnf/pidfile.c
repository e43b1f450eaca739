/*
 * pidfile.c - see pidfile.h.
 */
#include "vnf/pidfile.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static int
refuse(const char *path, int fd, struct err *err)
{
	struct flock lock = { .l_type = F_WRLCK, .l_whence = SEEK_SET };
	int rc = errno;

	if ((rc == EAGAIN || rc == EACCES) && fcntl(fd, F_GETLK, &lock) == 0) {
		close(fd);
		return err_set(err, -EBUSY,
			       "a leatd of this name runs already, as process %d (%s): stop it, or "
			       "choose another --name",
			       (int)lock.l_pid, path);
	}
	close(fd);
	return err_set(err, -rc, "%s: %s", path, strerror(rc));
}

int
pidfile_open(const char *path, struct err *err)
{
	struct flock lock = { .l_type = F_WRLCK, .l_whence = SEEK_SET };
	int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0644);
	char text[16];
	int n;

	if (fd < 0)
		return err_set(err, -errno,
			       "%s: %s: choose a folder that can be written to by "
			       "--run-dir",
			       path, strerror(errno));
	if (fcntl(fd, F_SETLK, &lock) != 0)
		return refuse(path, fd, err);
	n = snprintf(text, sizeof text, "%d\n", (int)getpid());
	if (ftruncate(fd, 0) != 0 || write(fd, text, (size_t)n) != n) {
		n = errno;
		close(fd);
		return err_set(err, -n, "%s: %s", path, strerror(n));
	}
	return fd;
}

void
pidfile_close(const char *path, int fd)
{
	if (fd < 0)
		return;
	unlink(path);
	close(fd);
}
