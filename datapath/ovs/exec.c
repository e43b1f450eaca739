/*
 * exec.c - runs one of the switch's tools and waits for it.
 *
 * The three standard streams are memory files: the input is complete before the
 * program starts and the output is read when it has ended, so nothing can
 * deadlock on a full pipe and the only thing to wait for is the process itself.
 */
#include <assert.h>
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/pidfd.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "datapath/ovs/exec.h"

extern char **environ;

/* Room for the lines of a tool's complaint in an err's message. */
enum { SAID_MAX = 700 };

struct streams {
	int fd[3];
};

static void
streams_close(struct streams *s)
{
	int i;

	for (i = 0; i < 3; i++)
		if (s->fd[i] >= 0)
			close(s->fd[i]);
}

static int
write_all(int fd, const char *text)
{
	size_t left = strlen(text);
	ssize_t n;

	for (; left > 0; text += n, left -= (size_t)n) {
		n = write(fd, text, left);
		if (n < 0 && errno == EINTR)
			n = 0;
		else if (n < 0)
			return -errno;
	}
	return lseek(fd, 0, SEEK_SET) < 0 ? -errno : 0;
}

static int
streams_open(struct streams *s, const char *in)
{
	static const char *const name[3] = { "exec-in", "exec-out", "exec-err" };
	int i, err = 0;

	*s = (struct streams){ { -1, -1, -1 } };
	for (i = 0; i < 3 && err == 0; i++) {
		s->fd[i] = memfd_create(name[i], MFD_CLOEXEC);
		if (s->fd[i] < 0)
			err = -errno;
	}
	if (err == 0 && in != NULL)
		err = write_all(s->fd[0], in);
	if (err != 0)
		streams_close(s);
	return err;
}

static char *
read_all(int fd)
{
	off_t len = lseek(fd, 0, SEEK_END);
	char *text = len < 0 ? NULL : malloc((size_t)len + 1);
	ssize_t n;

	if (text == NULL)
		return NULL;
	n = pread(fd, text, (size_t)len, 0);
	text[n < 0 ? 0 : n] = '\0';
	return text;
}

/* The program gets default signals and a group of its own, so that a Ctrl-C at
 * the daemon's terminal does not cut a bundle in the middle. */
static int
start(char *const argv[], const struct streams *s, pid_t *pid)
{
	posix_spawn_file_actions_t actions;
	posix_spawnattr_t attr;
	sigset_t none, all;
	int i, err;

	sigemptyset(&none);
	sigfillset(&all);
	posix_spawn_file_actions_init(&actions);
	posix_spawnattr_init(&attr);
	for (i = 0; i < 3; i++)
		posix_spawn_file_actions_adddup2(&actions, s->fd[i], i);
	posix_spawnattr_setsigmask(&attr, &none);
	posix_spawnattr_setsigdefault(&attr, &all);
	posix_spawnattr_setpgroup(&attr, 0);
	posix_spawnattr_setflags(&attr, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF |
						POSIX_SPAWN_SETPGROUP);
	err = posix_spawnp(pid, argv[0], &actions, &attr, argv, environ);
	posix_spawnattr_destroy(&attr);
	posix_spawn_file_actions_destroy(&actions);
	return -err;
}

static int64_t
monotonic_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

/* Returns 1 when the process has ended, 0 when the time has, or a negative errno. */
static int
await_end(pid_t pid, int timeout_ms)
{
	int64_t end = monotonic_ms() + timeout_ms, left;
	struct pollfd p = { .fd = pidfd_open(pid, 0), .events = POLLIN };
	int n, err;

	if (p.fd < 0)
		return -errno;
	do {
		left = end - monotonic_ms();
		n = poll(&p, 1, left > 0 ? (int)left : 0);
		err = errno;
	} while (n < 0 && err == EINTR);
	close(p.fd);
	return n < 0 ? -err : n;
}

static int
reap(pid_t pid)
{
	int status;

	while (waitpid(pid, &status, 0) < 0)
		if (errno != EINTR)
			return -errno;
	return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
}

static int
run(const char *doing, char *const argv[], int timeout_ms, const struct streams *s,
    struct exec_result *r, struct err *e)
{
	pid_t pid;
	int err, ended;

	err = start(argv, s, &pid);
	if (err != 0)
		return err_set(e, err, "%s: cannot run %s: %s", doing, argv[0], strerror(-err));
	ended = await_end(pid, timeout_ms);
	if (ended <= 0)
		kill(-pid, SIGKILL);
	r->status = reap(pid);
	if (ended < 0)
		return err_set(e, ended, "%s: waiting for %s: %s", doing, argv[0],
			       strerror(-ended));
	if (ended == 0)
		return err_set(e, -ETIMEDOUT, "%s: %s did not end within %d ms and was killed",
			       doing, argv[0], timeout_ms);
	r->out = read_all(s->fd[1]);
	r->err = read_all(s->fd[2]);
	if (r->status < 0 || r->out == NULL || r->err == NULL) {
		exec_result_fini(r);
		return err_set(e, -ENOMEM, "%s: the result of %s is lost", doing, argv[0]);
	}
	return 0;
}

int
exec_run(const char *doing, char *const argv[], const char *in, int timeout_ms,
	 struct exec_result *r, struct err *e)
{
	struct streams s;
	int err;

	*r = (struct exec_result){ 0 };
	err = streams_open(&s, in);
	if (err != 0)
		return err_set(e, err, "%s: no memory file for %s: %s", doing, argv[0],
			       strerror(-err));
	err = run(doing, argv, timeout_ms, &s, r, e);
	streams_close(&s);
	return err;
}

int
exec_ok(const char *doing, char *const argv[], const char *in, int timeout_ms, char **out,
	struct err *e)
{
	struct exec_result r;
	const char *said;
	size_t len;
	int err;

	err = exec_run(doing, argv, in, timeout_ms, &r, e);
	if (err != 0)
		return err;
	assert(r.out != NULL && r.err != NULL);
	if (r.status != 0) {
		said = r.err[0] != '\0' ? r.err : r.out;
		for (len = strlen(said); len > 0 && said[len - 1] == '\n';)
			len--;
		err = err_set(e, -EIO, "%s: %s failed (status %d): %.*s", doing, argv[0], r.status,
			      (int)(len < SAID_MAX ? len : SAID_MAX), said);
	} else if (out != NULL) {
		*out = r.out;
		r.out = NULL;
	}
	exec_result_fini(&r);
	return err;
}

void
exec_result_fini(struct exec_result *r)
{
	free(r->out);
	free(r->err);
	*r = (struct exec_result){ 0 };
}
