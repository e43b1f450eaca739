/*
 * ctl_server.c - see ctl_server.h.
 */
#include "tests/unit/ctl_server.h"

#include <CUnit/CUnit.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

static void
echo(struct unixctl_conn *conn, int argc, const char *argv[], void *aux)
{
	struct ctl_server *f = aux;

	f->n_called++;
	unixctl_reply(conn, argc > 1 ? argv[1] : "");
}

static void
later(struct unixctl_conn *conn, int argc, const char *argv[], void *aux)
{
	struct ctl_server *f = aux;

	(void)argc;
	(void)argv;
	f->deferred = conn;
}

static void
fail(struct unixctl_conn *conn, int argc, const char *argv[], void *aux)
{
	(void)argc;
	(void)argv;
	(void)aux;
	unixctl_reply_errorf(conn, "no flow \"%s\"", "1.7");
}

static void
big(struct unixctl_conn *conn, int argc, const char *argv[], void *aux)
{
	char *s = malloc(BIG_REPLY + 1);

	(void)argc;
	(void)argv;
	(void)aux;
	memset(s, 'x', BIG_REPLY);
	s[BIG_REPLY] = '\0';
	unixctl_reply(conn, s);
	free(s);
}

static void
rows(struct unixctl_conn *conn, int argc, const char *argv[], void *aux)
{
	static const char *const names[] = { "flow", "bytes" };
	struct table *t = table_new(names, 2);

	(void)argc;
	(void)argv;
	(void)aux;
	table_row(t);
	table_str(t, "0.1");
	table_int(t, 42);
	unixctl_reply_table(conn, t);
	table_free(t);
}

static void
whoami(struct unixctl_conn *conn, int argc, const char *argv[], void *aux)
{
	struct unixctl_peer peer = unixctl_peer(conn);
	char s[64];

	(void)argc;
	(void)argv;
	(void)aux;
	snprintf(s, sizeof s, "%ld %ld %ld", (long)peer.pid, (long)peer.uid, (long)peer.gid);
	unixctl_reply(conn, s);
}

void
set_up(struct ctl_server *f)
{
	struct err e = { "" };

	*f = (struct ctl_server){ .folder = "/tmp/leat-unixctl-XXXXXX" };
	CU_ASSERT_PTR_NOT_NULL_FATAL(mkdtemp(f->folder));
	snprintf(f->path, sizeof f->path, "%s/test.ctl", f->folder);
	CU_ASSERT_EQUAL_FATAL(unixctl_server_create(f->path, 0660, &f->srv, &e), 0);
	unixctl_command_register(f->srv, "test/echo", "[TEXT]", "Say it.", 0, 1, echo, f);
	unixctl_command_register(f->srv, "test/later", "", "Reply later.", 0, 0, later, f);
	unixctl_command_register(f->srv, "test/fail", "", "Fail.", 0, 0, fail, f);
	unixctl_command_register(f->srv, "test/big", "", "Say much.", 0, 0, big, f);
	unixctl_command_register(f->srv, "test/rows", "A B", "Show.", 0, INT_MAX, rows, f);
	unixctl_command_register(f->srv, "test/whoami", "", "Who?", 0, 0, whoami, f);
}

void
tear_down(struct ctl_server *f)
{
	unixctl_server_free(f->srv);
	unlink(f->path);
	CU_ASSERT_EQUAL(rmdir(f->folder), 0);
}

int
connect_raw(const char *path)
{
	struct sockaddr_un sun = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	strcpy(sun.sun_path, path);
	CU_ASSERT_EQUAL_FATAL(connect(fd, (struct sockaddr *)&sun, sizeof sun), 0);
	return fd;
}

void
turns(struct ctl_server *f, int n)
{
	while (n--)
		unixctl_server_run(f->srv);
}

void
put(int fd, const char *s)
{
	CU_ASSERT_EQUAL(send(fd, s, strlen(s), MSG_NOSIGNAL), (ssize_t)strlen(s));
}

ssize_t
get(int fd, char *buf, size_t size)
{
	ssize_t n, len = 0;

	while ((n = recv(fd, buf + len, size - 1 - (size_t)len, 0)) > 0)
		len += n;
	buf[len] = '\0';
	return len == 0 && (n == 0 || errno != EAGAIN) ? -1 : len;
}

bool
is_closed(int fd)
{
	char buf[4096];

	return get(fd, buf, sizeof buf) == -1;
}

void
expect(struct ctl_server *f, int fd, const char *request, const char *reply)
{
	char buf[8192];

	put(fd, request);
	turns(f, 3);
	get(fd, buf, sizeof buf);
	if (strcmp(buf, reply))
		printf("# expected %s\n# got      %s\n", reply, buf);
	CU_ASSERT_STRING_EQUAL(buf, reply);
}
