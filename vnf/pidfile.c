/*
 * pidfile.c - see pidfile.h.
 */
#include "vnf/pidfile.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
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
	fchmod(fd, 0644);	/* for the switch's tools of any user, whatever the umask */
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

/* NAME.DIGITS.ctl */
static bool
is_link_of(const char *file, const char *name)
{
	size_t n = strlen(name), digits;

	if (strncmp(file, name, n) != 0 || file[n] != '.')
		return false;
	digits = strspn(file + n + 1, "0123456789");
	return digits > 0 && strcmp(file + n + 1 + digits, ".ctl") == 0;
}

void
pidfile_unlink(const char *run_dir, const char *name)
{
	DIR *dir = opendir(run_dir);
	const struct dirent *entry;

	while (dir && (entry = readdir(dir)) != NULL)
		if (is_link_of(entry->d_name, name) && entry->d_type != DT_SOCK)
			unlinkat(dirfd(dir), entry->d_name, 0);
	if (dir)
		closedir(dir);
}

int
pidfile_link(const char *run_dir, const char *name, struct err *err)
{
	char path[512], target[64];

	pidfile_unlink(run_dir, name);
	snprintf(path, sizeof path, "%s/%s.%d.ctl", run_dir, name, (int)getpid());
	snprintf(target, sizeof target, "%s.ctl", name);
	if (symlink(target, path) == 0)
		return 0;
	return err_set(err, -errno, "%s: %s", path, strerror(errno));
}
