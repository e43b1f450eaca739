/*
 * leatctl.c - the program leatctl, and OVS's own ovs-appctl, against a server of
 * this test's that runs in a process of its own.
 */
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
#include "tests/unit/tap.h"

enum { N_ARGS = 16, OUT_MAX = 8192, BIG_TEXT = 3000000, LARGE_FILE = 4000000 };

/* A folder with a socket, a copy of leatctl, and who serves. */
static char folder[64], socket_path[96], program[96];
static pid_t server;

/* What a program said. */
static char out[OUT_MAX], err[OUT_MAX];

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
	if (unixctl_server_create(socket_path, 0600, &srv, NULL))
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
start_server(void)
{
	int ready[2];
	char byte;

	CU_ASSERT_EQUAL_FATAL(pipe(ready), 0);
	fflush(stdout);
	server = fork();
	if (!server)
		serve(ready[1]);
	close(ready[1]);
	CU_ASSERT_EQUAL_FATAL(read(ready[0], &byte, 1), 1);
	close(ready[0]);
}

static void
stop_server(void)
{
	if (server > 0) {
		kill(server, SIGKILL);
		waitpid(server, NULL, 0);
	}
	server = 0;
}

/* leatctl is copied into the folder, so that no leatd is beside it. */
static void
set_up(void)
{
	const char *build = getenv("LEAT_BUILDDIR");
	char built[4096];

	snprintf(built, sizeof built, "%s/leatctl", build ? build : ".");
	strcpy(folder, "/tmp/leat-leatctl-XXXXXX");
	CU_ASSERT_PTR_NOT_NULL_FATAL(mkdtemp(folder));
	snprintf(socket_path, sizeof socket_path, "%s/leat.ctl", folder);
	snprintf(program, sizeof program, "%s/leatctl", folder);
	copy_file(built, program);
	setenv("LEAT_RUNDIR", folder, 1);
	start_server();
}

static void
tear_down(void)
{
	static const char *const files[] = { "leat.ctl", "leatctl", "leatd", "policy" };
	char path[128];
	size_t i;

	stop_server();
	for (i = 0; i < sizeof files / sizeof files[0]; i++) {
		snprintf(path, sizeof path, "%s/%s", folder, files[i]);
		unlink(path);
	}
	CU_ASSERT_EQUAL(rmdir(folder), 0);
}

/* --- running a program ---------------------------------------------------------- */

static void
read_back(int fd, char *buf)
{
	ssize_t n = pread(fd, buf, OUT_MAX - 1, 0);

	buf[n > 0 ? n : 0] = '\0';
	close(fd);
}

/* Runs a program with these words and this standard input; what it writes is in
 * `out` and `err`.  Returns its exit status, 255 if it could not be run. */
static int
run(const char *path, const char *input, const char *const words[])
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
		setenv("PATH", folder, 1);
		execv(path, argv);
		_exit(255);
	}
	waitpid(pid, &status, 0);
	while (i--)
		free(argv[i]);
	close(in_fd);
	read_back(out_fd, out);
	read_back(err_fd, err);
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

#define LEATCTL(...) run(program, NULL, (const char *const[]){ "leatctl", __VA_ARGS__, NULL })

static void
expect(int status, int expected_status, const char *expected_out, const char *expected_err)
{
	if (status != expected_status || strcmp(out, expected_out) || strcmp(err, expected_err))
		printf("# exit status %d\n# stdout: %.200s\n# stderr: %.200s\n", status, out, err);
	CU_ASSERT_EQUAL(status, expected_status);
	CU_ASSERT_STRING_EQUAL(out, expected_out);
	CU_ASSERT_STRING_EQUAL(err, expected_err);
}

static bool
is_one_line(const char *s)
{
	const char *newline = strchr(s, '\n');

	return newline && !newline[1];
}

/* --- tests ------------------------------------------------------------------------ */

static void
noun_verb_and_noun_slash_verb_are_the_same(void)
{
	const char *table = "flow  bytes\n0.1      42\n1,2       5\n";

	set_up();
	expect(LEATCTL("flow", "list"), 0, table, "");
	expect(LEATCTL("flow/list"), 0, table, "");
	expect(LEATCTL("-s", socket_path, "flow/list"), 0, table, "");
	expect(LEATCTL("-i", "leat", "flow", "list"), 0, table, "");
	tear_down();
}

static void
every_format_reaches_the_output(void)
{
	set_up();
	expect(LEATCTL("-f", "json", "flow", "list"), 0,
	       "[{\"flow\": \"0.1\", \"bytes\": 42},\n {\"flow\": \"1,2\", \"bytes\": 5}]\n", "");
	expect(LEATCTL("-f", "csv", "flow", "list"), 0, "flow,bytes\n0.1,42\n\"1,2\",5\n", "");
	expect(LEATCTL("-f", "list", "flow", "list"), 0,
	       "flow  : 0.1\nbytes : 42\n\nflow  : 1,2\nbytes : 5\n", "");
	expect(LEATCTL("--no-headings", "--columns=bytes", "-f", "table", "flow", "list"), 0,
	       "42\n 5\n", "");
	expect(LEATCTL("-f", "json", "version"), 0,
	       "{\"reply-format\": \"plain\", \"reply\": \"leatd (Leat) 9.9\\n\"}\n", "");
	tear_down();
}

static void
arguments_are_passed_on_as_they_are(void)
{
	set_up();
	expect(LEATCTL("flow", "show", "--all", "-f", "a b", "\"{\\"), 0,
	       "[flow/show][--all][-f][a b][\"{\\]\n", "");
	tear_down();
}

static void
commands_the_client_never_heard_of_are_passed_on(void)
{
	set_up();
	expect(LEATCTL("new", "verb", "1"), 0, "[new/verb][1]\n", "");
	expect(LEATCTL("new/verb", "1"), 0, "[new/verb][1]\n", "");
	expect(LEATCTL("newer"), 0, "[newer]\n", "");
	expect(LEATCTL("newer", "1", "2"), 0, "[newer][1][2]\n", "");
	expect(LEATCTL("newer", "-x"), 0, "[newer][-x]\n", "");
	CU_ASSERT_EQUAL(LEATCTL("no", "such"), 1);
	CU_ASSERT_PTR_NOT_NULL(strstr(err, "leatctl: \"no/such\" is not a command here"));
	CU_ASSERT_TRUE(is_one_line(err));
	tear_down();
}

static void
what_is_not_understood_gives_status_2(void)
{
	set_up();
	CU_ASSERT_EQUAL(run(program, NULL, (const char *const[]){ "leatctl", NULL }), 2);
	CU_ASSERT_TRUE(is_one_line(err));
	expect(LEATCTL("flow"), 2, "", "leatctl: \"flow\" needs a verb: count, list, show\n");
	CU_ASSERT_EQUAL(LEATCTL("-f", "xml", "flow", "list"), 2);
	CU_ASSERT_EQUAL(LEATCTL("-t", "soon", "flow", "list"), 2);
	CU_ASSERT_EQUAL(LEATCTL("-t", "-1", "flow", "list"), 2);
	CU_ASSERT_EQUAL(LEATCTL("--nonsense", "flow", "list"), 2);
	CU_ASSERT_EQUAL(LEATCTL("-i", "../etc", "flow", "list"), 2);
	CU_ASSERT_EQUAL(LEATCTL("-i", "a", "-s", "b", "flow", "list"), 2);
	CU_ASSERT_EQUAL(LEATCTL("flow", "list", "--", "version"), 2);
	CU_ASSERT_EQUAL(LEATCTL("policy", "load"), 2);
	CU_ASSERT_EQUAL(LEATCTL("policy", "load", "a", "b"), 2);
	CU_ASSERT_TRUE(is_one_line(err));
	CU_ASSERT_STRING_EQUAL(out, "");
	tear_down();
}

static void
failed_command_gives_status_1_and_its_words(void)
{
	set_up();
	expect(LEATCTL("steer", "apply"), 1, "", "leatctl: the switch does not answer\n");
	expect(LEATCTL("steer", "show"), 1, "", "p:1:2: no such set\np:3:1: no such set\n");
	expect(LEATCTL("--columns", "x", "flow", "list"), 1, "",
	       "leatctl: no column \"x\" here: the columns are flow, bytes\n");
	tear_down();
}

static void
no_daemon_is_said_in_one_line(void)
{
	char expected[512];

	set_up();
	snprintf(expected, sizeof expected,
		 "leatctl: cannot connect to %s: no leatd is running there (Connection refused)\n",
		 socket_path);
	stop_server();
	expect(LEATCTL("status"), 1, "", expected);
	snprintf(expected, sizeof expected,
		 "leatctl: cannot connect to %s/east.ctl: no leatd is running there "
		 "(No such file or directory)\n",
		 folder);
	expect(LEATCTL("-i", "east", "status"), 1, "", expected);
	tear_down();
}

static void
daemon_that_hangs_is_given_up_in_time(void)
{
	char expected[512];

	set_up();
	snprintf(expected, sizeof expected, "leatctl: no answer from %s within 0.1 s\n",
		 socket_path);
	expect(LEATCTL("-t", "0.1", "test", "hang"), 1, "", expected);
	expect(LEATCTL("-T0.1", "test/hang"), 1, "", expected);
	/* One that is stopped does not even accept. */
	kill(server, SIGSTOP);
	expect(LEATCTL("--timeout=0.1", "status"), 1, "", expected);
	tear_down();
}

static void
large_reply_arrives_whole(void)
{
	set_up();
	CU_ASSERT_EQUAL(LEATCTL("-t", "60", "test/big"), 0);
	CU_ASSERT_EQUAL(strlen(out), OUT_MAX - 1);
	CU_ASSERT_EQUAL(out[OUT_MAX - 2], 'x');
	CU_ASSERT_STRING_EQUAL(err, "");
	tear_down();
}

static void
output_that_can_not_be_written_gives_status_1(void)
{
	const char *const words[] = { "/bin/sh", "-c", "\"$0\" flow list >/dev/full", program,
				      NULL };

	set_up();
	CU_ASSERT_EQUAL(run("/bin/sh", NULL, words), 1);
	CU_ASSERT_PTR_NOT_NULL(strstr(err, "No space left"));
	tear_down();
}

static void
write_file(const char *name, const char *text, size_t len, mode_t mode, char *path)
{
	int fd;

	snprintf(path, 128, "%s/%s", folder, name);
	fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, mode);
	CU_ASSERT_EQUAL(write(fd, text, len), (ssize_t)len);
	close(fd);
}

static void
policy_load_sends_the_files_name_and_text(void)
{
	char path[128], expected[256];

	set_up();
	write_file("policy", "default pass\n", 13, 0644, path);
	snprintf(expected, sizeof expected, "[policy/load][%s][default pass\n]\n", path);
	expect(LEATCTL("policy", "load", path), 0, expected, "");
	expect(LEATCTL("policy/load", path), 0, expected, "");
	expect(run(program, "default drop\n",
		   (const char *const[]){ "leatctl", "policy", "load", "-", NULL }),
	       0, "[policy/load][<stdin>][default drop\n]\n", "");
	tear_down();
}

static void
file_that_can_not_be_sent_is_refused_with_its_name(void)
{
	char path[128], *large = malloc(LARGE_FILE);

	set_up();
	CU_ASSERT_EQUAL(LEATCTL("policy", "load", "/nowhere"), 1);
	CU_ASSERT_STRING_EQUAL(err, "leatctl: cannot read /nowhere: No such file or directory\n");
	write_file("policy", "a\0b", 3, 0644, path);
	CU_ASSERT_EQUAL(LEATCTL("policy", "load", path), 1);
	CU_ASSERT_PTR_NOT_NULL(strstr(err, "zero byte"));
	write_file("policy", "a\xff", 2, 0644, path);
	CU_ASSERT_EQUAL(LEATCTL("policy", "load", path), 1);
	CU_ASSERT_PTR_NOT_NULL(strstr(err, "not UTF-8"));
	/* More than the server takes: it answers before it has read all. */
	memset(large, ' ', LARGE_FILE);
	write_file("policy", large, LARGE_FILE, 0644, path);
	CU_ASSERT_EQUAL(LEATCTL("policy", "load", path), 1);
	CU_ASSERT_STRING_EQUAL(
		err, "leatctl: the message is larger than the 65536 bytes that are accepted\n");
	free(large);
	tear_down();
}

static void
policy_check_runs_the_leatd_beside_it_without_a_daemon(void)
{
	static const char script[] = "#!/bin/sh\necho \"[$1][$2]\"; exit 1\n";
	char path[128];

	set_up();
	stop_server();
	write_file("leatd", script, sizeof script - 1, 0755, path);
	expect(LEATCTL("policy", "check", "/etc/p"), 1, "[--check-policy][/etc/p]\n", "");
	expect(LEATCTL("policy/check", "-"), 1, "[--check-policy][-]\n", "");
	tear_down();
}

static void
policy_check_without_a_leatd_asks_the_daemon(void)
{
	char path[128], expected[256];

	set_up();
	write_file("policy", "default pass\n", 13, 0644, path);
	snprintf(expected, sizeof expected, "[policy/check][%s][default pass\n]\n", path);
	expect(LEATCTL("policy", "check", path), 0, expected, "");
	tear_down();
}

static void
help_names_the_daemons_own_commands_too(void)
{
	set_up();
	CU_ASSERT_EQUAL(LEATCTL("--help"), 0);
	CU_ASSERT_PTR_NOT_NULL(strstr(out, "  policy load FILE "));
	CU_ASSERT_PTR_NOT_NULL(strstr(out, "  new verb [X] "));
	CU_ASSERT_EQUAL(LEATCTL("help", "new", "verb"), 0);
	CU_ASSERT_STRING_EQUAL(out, "new/verb [X]\n    Is new.\n");
	stop_server();
	CU_ASSERT_EQUAL(LEATCTL("--help"), 0);
	CU_ASSERT_PTR_NOT_NULL(strstr(out, "  policy load FILE "));
	CU_ASSERT_PTR_NULL(strstr(out, "new verb"));
	CU_ASSERT_STRING_EQUAL(err, "");
	CU_ASSERT_EQUAL(LEATCTL("help", "flow", "list"), 0);
	CU_ASSERT_TRUE(is_one_line(out));
	CU_ASSERT_EQUAL(LEATCTL("--version"), 0);
	CU_ASSERT_EQUAL(strncmp(out, "leatctl (Leat) ", 15), 0);
	tear_down();
}

/* Answers one client with `answer`, whatever it asks, and closes. */
static void
answer_once(const char *answer)
{
	struct sockaddr_un sun = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);
	char buf[4096];
	int client;

	stop_server();
	unlink(socket_path);
	strcpy(sun.sun_path, socket_path);
	CU_ASSERT_EQUAL_FATAL(bind(fd, (struct sockaddr *)&sun, sizeof sun), 0);
	CU_ASSERT_EQUAL_FATAL(listen(fd, 1), 0);
	server = fork();
	if (!server) {
		client = accept(fd, NULL, NULL);
		if (read(client, buf, sizeof buf) > 0)
			_exit(write(client, answer, strlen(answer)) < 0);
		_exit(1);
	}
	close(fd);
}

static void
answer_that_is_no_reply_is_an_error(void)
{
	static const char *const answers[] = { "",
					       "HTTP/1.1 400 Bad Request\r\n\r\n",
					       "{\"id\":0,\"result\":\"cut",
					       "{\"id\":0}",
					       "{\"id\":0,\"result\":null,\"error\":null}",
					       "{\"id\":77,\"result\":\"x\",\"error\":null}",
					       "{\"id\":0,]" };
	size_t i;

	set_up();
	for (i = 0; i < sizeof answers / sizeof answers[0]; i++) {
		answer_once(answers[i]);
		CU_ASSERT_EQUAL(LEATCTL("status"), 1);
		CU_ASSERT_TRUE(is_one_line(err));
		/* of a reply that breaks off the part that came may be shown */
		CU_ASSERT_STRING_EQUAL(out, strstr(answers[i], "cut") ? "cut" : "");
	}
	tear_down();
}

static void
ovs_appctl_speaks_to_the_server_unmodified(void)
{
	static const char ovs[] = "/usr/bin/ovs-appctl";

	if (access(ovs, X_OK)) {
		tap_skip("no /usr/bin/ovs-appctl (openvswitch-common)");
		return;
	}
	set_up();
#define OVS_APPCTL(...)                                                                            \
	run(ovs, NULL, (const char *const[]){ "ovs-appctl", "-t", socket_path, __VA_ARGS__, NULL })
	expect(OVS_APPCTL("version"), 0, "leatd (Leat) 9.9\n", "");
	expect(OVS_APPCTL("flow/list"), 0, "flow  bytes\n0.1      42\n1,2       5\n", "");
	expect(OVS_APPCTL("flow/show", "a b", "\"\\{"), 0, "[flow/show][a b][\"\\{]\n", "");
	CU_ASSERT_EQUAL(OVS_APPCTL("list-commands"), 0);
	CU_ASSERT_PTR_NOT_NULL(strstr(out, "The available commands are:\n"));
	CU_ASSERT_EQUAL(OVS_APPCTL("steer/apply"), 2);
	CU_ASSERT_EQUAL(strncmp(err, "the switch does not answer\n", 27), 0);
	CU_ASSERT_EQUAL(OVS_APPCTL("-T", "60", "test/big"), 0);
	CU_ASSERT_EQUAL(strlen(out), OUT_MAX - 1);
	tear_down();
}

TAP_MAIN(leatctl, TAP_TEST(noun_verb_and_noun_slash_verb_are_the_same),
	 TAP_TEST(every_format_reaches_the_output), TAP_TEST(arguments_are_passed_on_as_they_are),
	 TAP_TEST(commands_the_client_never_heard_of_are_passed_on),
	 TAP_TEST(what_is_not_understood_gives_status_2),
	 TAP_TEST(failed_command_gives_status_1_and_its_words),
	 TAP_TEST(no_daemon_is_said_in_one_line), TAP_TEST(daemon_that_hangs_is_given_up_in_time),
	 TAP_TEST(large_reply_arrives_whole),
	 TAP_TEST(output_that_can_not_be_written_gives_status_1),
	 TAP_TEST(policy_load_sends_the_files_name_and_text),
	 TAP_TEST(file_that_can_not_be_sent_is_refused_with_its_name),
	 TAP_TEST(policy_check_runs_the_leatd_beside_it_without_a_daemon),
	 TAP_TEST(policy_check_without_a_leatd_asks_the_daemon),
	 TAP_TEST(help_names_the_daemons_own_commands_too),
	 TAP_TEST(answer_that_is_no_reply_is_an_error),
	 TAP_TEST(ovs_appctl_speaks_to_the_server_unmodified))
