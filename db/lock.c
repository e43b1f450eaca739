/*
 * lock.c - one daemon a database.
 *
 * SQLite's own locks come and go with each transaction and must let readers in, so
 * a second daemon is kept out by a lock on a file beside the database.  It is an
 * open-file-description lock: unlike a POSIX record lock it is not lost when some
 * other part of the process opens and closes the same file.  The kernel drops it when the
 * process dies, so it is never stale; the file itself stays.
 */
#include "db/internal.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static int
held_by_other(int fd, const char *path, struct err *e)
{
	char text[32] = "";
	ssize_t n = pread(fd, text, sizeof text - 1, 0);
	long pid = n > 0 ? strtol(text, NULL, 10) : 0;

	if (pid > 0)
		return err_set(e, -EBUSY,
			       "%s is in use by another leatd (pid %ld): stop that one, "
			       "or give this one another --db",
			       path, pid);
	return err_set(e, -EBUSY,
		       "%s is in use by another leatd: stop that one, or give this one "
		       "another --db",
		       path);
}

static int
open_failed(int code, const char *name, struct err *e)
{
	const char *todo;

	switch (code) {
	case ENOENT:
		todo = "create its folder, or give another --db";
		break;
	case EACCES:
	case EPERM:
		todo = "give the user that runs leatd write permission on its folder";
		break;
	case EROFS:
		todo = "its file system is read-only; give another --db";
		break;
	case EISDIR:
		todo = "give the path of a file as --db";
		break;
	default:
		todo = "give another --db";
	}
	return err_set(e, -code, "cannot write %s: %s: %s", name, strerror(code), todo);
}

/*
 * SQLite says "unable to open database file" whatever the reason is.  Opening it
 * once before SQLite does gives the reason, and the file a mode that keeps what
 * users talk to from others.
 */
static int
probe(const char *path, struct err *e)
{
	int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0640);

	if (fd < 0)
		return open_failed(errno, path, e);
	close(fd);
	return 0;
}

int
store_lock(const char *path, bool *used_before, struct err *e)
{
	struct flock whole = { .l_type = F_WRLCK, .l_whence = SEEK_SET };
	char name[4096];
	struct stat sb;
	int code, fd;

	if ((size_t)snprintf(name, sizeof name, "%s.lock", path) >= sizeof name)
		return open_failed(ENAMETOOLONG, path, e);
	fd = open(name, O_RDWR | O_CREAT | O_CLOEXEC, 0640);
	if (fd < 0)
		return open_failed(errno, name, e);
	if (fcntl(fd, F_OFD_SETLK, &whole) < 0) {
		code = errno == EAGAIN || errno == EACCES
			       ? held_by_other(fd, path, e)
			       : err_set(e, -errno, "cannot lock %s: %s", name, strerror(errno));
		close(fd);
		return code;
	}
	*used_before = fstat(fd, &sb) == 0 && sb.st_size > 0;
	/* The number is for people; the lock does without it. */
	if (ftruncate(fd, 0) == 0)
		dprintf(fd, "%ld\n", (long)getpid());
	code = probe(path, e);
	if (code < 0) {
		close(fd);
		return code;
	}
	return fd;
}
