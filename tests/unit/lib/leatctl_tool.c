/*
 * leatctl_tool.c - see leatctl_tool.h.
 */
#include "tests/unit/leatctl_tool.h"

#include <CUnit/CUnit.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "ctl/unixctl.h"

enum { N_ARGS = 16, BIG_TEXT = TOOL_BIG_TEXT };

/* A folder with a socket, a copy of leatctl, and who serves. */
char tool_folder[64], tool_socket_path[96], tool_program[96];
pid_t tool_server;

/* What a program said. */
char tool_out[TOOL_OUT_MAX], tool_err[TOOL_OUT_MAX];

/* --- the server --------------------------------------------------------------- */

static void
show_args(struct unixctl_conn *conn, int argc, const char *argv[], void *aux)
{
	struct text text = TEXT_EMPTY;
	int i;

	(void)aux;
	for (i = 0; i < argc; i++)
		text_printf(&text, "[%s]", argv[i]);
	unixctl_reply(conn, text.s);
	text_fini(&text);
}

static void
flows(struct unixctl_conn *conn, int argc, const char *argv[], void *aux)
{
	static const char *const names[] = { "flow", "bytes" };
	struct table *t = table_new(names, 2);

	(void)argc;
	(void)argv;
	(void)aux;
	table_row(t);
	table_str(t, "0.1");
	table_int(t, 42);
	table_row(t);
	table_str(t, "1,2");
	table_int(t, 5);
	unixctl_reply_table(conn, t);
	table_free(t);
}

static void
fail(struct unixctl_conn *conn, int argc, const char *argv[], void *aux)
{
	(void)aux;
	(void)argc;
	unixctl_reply_error(conn, !strcmp(argv[0], "steer/apply")
					  ? "the switch does not answer"
					  : "p:1:2: no such set\np:3:1: no such set\n");
}

static void
big(struct unixctl_conn *conn, int argc, const char *argv[], void *aux)
{
	struct text text = TEXT_EMPTY;

	(void)argc;
	(void)argv;
	(void)aux;
	text_fill(&text, 'x', BIG_TEXT);
	unixctl_reply(conn, text.s);
	text_fini(&text);
}

static void
hang(struct unixctl_conn *conn, int argc, const char *argv[], void *aux)
{
	(void)conn;
	(void)argc;
	(void)argv;
	(void)aux;
}

/* Serves until it is killed; a byte to `ready` says that it has begun. */
static void __attribute__((noreturn)) serve(int ready)
{
	struct pollfd fds[UNIXCTL_MAX_FDS];
	struct unixctl_server *srv;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (unixctl_server_create(tool_socket_path, 0600, &srv, NULL))
		_exit(1);
	unixctl_server_set_version(srv, "leatd (Leat) 9.9");
	unixctl_command_register(srv, "flow/list", "", "List.", 0, INT_MAX, flows, NULL);
	unixctl_command_register(srv, "flow/show", "FLOW", "Show.", 1, 9, show_args, NULL);
	unixctl_command_register(srv, "policy/load", "", "", 2, 2, show_args, NULL);
	unixctl_command_register(srv, "policy/check", "", "", 2, 2, show_args, NULL);
	unixctl_command_register(srv, "new/verb", "[X]", "Is new.", 0, 9, show_args, NULL);
	unixctl_command_register(srv, "newer", "[X]", "Is newer.", 0, 9, show_args, NULL);
	unixctl_command_register(srv, "steer/apply", "", "", 0, 0, fail, NULL);
	unixctl_command_register(srv, "steer/show", "", "", 0, 0, fail, NULL);
	unixctl_command_register(srv, "test/big", "", "", 0, 0, big, NULL);
	unixctl_command_register(srv, "test/hang", "", "", 0, 0, hang, NULL);
	if (write(ready, "", 1) != 1)
		_exit(1);
	for (;;) {
		poll(fds, (nfds_t)unixctl_server_fds(srv, fds, UNIXCTL_MAX_FDS), -1);
		unixctl_server_run(srv);
	}
}

static void
copy_file(const char *from, const char *to)
{
	int in = open(from, O_RDONLY), copy = open(to, O_WRONLY | O_CREAT | O_TRUNC, 0755);
	char buf[65536];
	ssize_t n;

	CU_ASSERT_TRUE_FATAL(in >= 0 && copy >= 0);
	while ((n = read(in, buf, sizeof buf)) > 0)
		CU_ASSERT_EQUAL(write(copy, buf, (size_t)n), n);
	close(in);
	close(copy);
}

static void
tool_start_server(void)
{
	int ready[2];
	char byte;

	CU_ASSERT_EQUAL_FATAL(pipe(ready), 0);
	fflush(stdout);
	tool_server = fork();
	if (!tool_server)
		serve(ready[1]);
	close(ready[1]);
	CU_ASSERT_EQUAL_FATAL(read(ready[0], &byte, 1), 1);
	close(ready[0]);
}

void
tool_stop_server(void)
{
	if (tool_server > 0) {
		kill(tool_server, SIGKILL);
		waitpid(tool_server, NULL, 0);
	}
	tool_server = 0;
}

/* leatctl is copied into the folder, so that no leatd is beside it. */
void
tool_set_up(void)
{
	const char *build = getenv("LEAT_BUILDDIR");
	char built[4096];

	snprintf(built, sizeof built, "%s/leatctl", build ? build : ".");
	strcpy(tool_folder, "/tmp/leat-leatctl-XXXXXX");
	CU_ASSERT_PTR_NOT_NULL_FATAL(mkdtemp(tool_folder));
	snprintf(tool_socket_path, sizeof tool_socket_path, "%s/leat.ctl", tool_folder);
	snprintf(tool_program, sizeof tool_program, "%s/leatctl", tool_folder);
	copy_file(built, tool_program);
	setenv("LEAT_RUNDIR", tool_folder, 1);
	tool_start_server();
}

void
tool_tear_down(void)
{
	static const char *const files[] = { "leat.ctl", "leatctl", "leatd", "policy" };
	char path[128];
	size_t i;

	tool_stop_server();
	for (i = 0; i < sizeof files / sizeof files[0]; i++) {
		snprintf(path, sizeof path, "%s/%s", tool_folder, files[i]);
		unlink(path);
	}
	CU_ASSERT_EQUAL(rmdir(tool_folder), 0);
}

/* --- running a program ---------------------------------------------------------- */

static void
read_back(int fd, char *buf)
{
	ssize_t n = pread(fd, buf, TOOL_OUT_MAX - 1, 0);

	buf[n > 0 ? n : 0] = '\0';
	close(fd);
}

/* Runs a program with these words and this standard input; what it writes is in
 * `out` and `err`.  Returns its exit status, 255 if it could not be run. */
int
tool_run(const char *path, const char *input, const char *const words[])
{
	int in_fd = memfd_create("in", 0), out_fd = memfd_create("out", 0);
	int err_fd = memfd_create("err", 0);
	char *argv[N_ARGS + 1] = { NULL };
	int status, i;
	pid_t pid;

	for (i = 0; words[i] && i < N_ARGS; i++)
		argv[i] = strdup(words[i]);
	if (input)
		CU_ASSERT_EQUAL(pwrite(in_fd, input, strlen(input), 0), (ssize_t)strlen(input));
	fflush(stdout);
	pid = fork();
	if (!pid) {
		dup2(in_fd, 0);
		dup2(out_fd, 1);
		dup2(err_fd, 2);
		/* No leatd in PATH either. */
		setenv("PATH", tool_folder, 1);
		execv(path, argv);
		_exit(255);
	}
	waitpid(pid, &status, 0);
	while (i--)
		free(argv[i]);
	close(in_fd);
	read_back(out_fd, tool_out);
	read_back(err_fd, tool_err);
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

void
tool_expect(int status, int expected_status, const char *expected_out, const char *expected_err)
{
	if (status != expected_status || strcmp(tool_out, expected_out) ||
	    strcmp(tool_err, expected_err))
		printf("# exit status %d\n# stdout: %.200s\n# stderr: %.200s\n", status, tool_out,
		       tool_err);
	CU_ASSERT_EQUAL(status, expected_status);
	CU_ASSERT_STRING_EQUAL(tool_out, expected_out);
	CU_ASSERT_STRING_EQUAL(tool_err, expected_err);
}

bool
tool_is_one_line(const char *s)
{
	const char *newline = strchr(s, '\n');

	return newline && !newline[1];
}
void
tool_write_file(const char *name, const char *text, size_t len, mode_t mode, char *path)
{
	int fd;

	snprintf(path, 128, "%s/%s", tool_folder, name);
	fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, mode);
	CU_ASSERT_EQUAL(write(fd, text, len), (ssize_t)len);
	close(fd);
}
