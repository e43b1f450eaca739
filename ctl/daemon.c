/*
 * daemon.c - see daemon.h.
 */
#include "ctl/daemon.h"

#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

enum { EXIT_NONE = 127 };	/* of a child that found no leatd, as of a shell's */

void
daemon_run(char *const argv[])
{
	static const char *const places[] = { "leatd", "../sbin/leatd" };
	char self[2048], path[4096];
	ssize_t n = readlink("/proc/self/exe", self, sizeof self - 1);
	char *slash;
	size_t i;

	self[n > 0 ? n : 0] = '\0';
	slash = strrchr(self, '/');
	for (i = 0; slash && i < 2; i++) {
		snprintf(path, sizeof path, "%.*s/%s", (int)(slash - self), self, places[i]);
		execv(path, argv);
	}
	execvp(argv[0], argv);
}

void
daemon_exec(const char *option, const char *file)
{
	/* execv() writes to none of them. */
	char *argv[] = { (char *)(uintptr_t) "leatd", (char *)(uintptr_t)option,
			 (char *)(uintptr_t)file, NULL };

	daemon_run(argv);
}

static void
read_all(int fd, struct text *out)
{
	char buf[16384];
	ssize_t n;

	while ((n = read(fd, buf, sizeof buf)) > 0 || (n < 0 && errno == EINTR))
		if (n > 0)
			text_put(out, buf, (size_t)n);
}

int
daemon_read(const char *option, const char *file, struct text *out)
{
	int fd[2], status;
	pid_t pid;

	if (pipe2(fd, 0) != 0)
		return -1;
	pid = fork();
	if (pid == 0) {
		dup2(fd[1], STDOUT_FILENO);
		close(fd[0]);
		close(fd[1]);
		daemon_exec(option, file);
		_exit(EXIT_NONE);
	}
	close(fd[1]);
	if (pid > 0)
		read_all(fd[0], out);
	close(fd[0]);
	if (pid < 0 || waitpid(pid, &status, 0) != pid)
		return -1;
	if (!WIFEXITED(status))
		return 1;
	return WEXITSTATUS(status) == EXIT_NONE ? -1 : WEXITSTATUS(status);
}
