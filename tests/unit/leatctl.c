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

#include "tests/unit/leatctl_tool.h"
#include "tests/unit/tap.h"

enum { LARGE_FILE = 4000000 };
/* --- tests ------------------------------------------------------------------------ */

static void
noun_verb_and_noun_slash_verb_are_the_same(void)
{
	const char *table = "flow  bytes\n0.1      42\n1,2       5\n";

	tool_set_up();
	tool_expect(LEATCTL("flow", "list"), 0, table, "");
	tool_expect(LEATCTL("flow/list"), 0, table, "");
	tool_expect(LEATCTL("-s", tool_socket_path, "flow/list"), 0, table, "");
	tool_expect(LEATCTL("-i", "leat", "flow", "list"), 0, table, "");
	tool_tear_down();
}

static void
every_format_reaches_the_output(void)
{
	tool_set_up();
	tool_expect(LEATCTL("-f", "json", "flow", "list"), 0,
		    "[{\"flow\": \"0.1\", \"bytes\": 42},\n {\"flow\": \"1,2\", \"bytes\": 5}]\n",
		    "");
	tool_expect(LEATCTL("-f", "csv", "flow", "list"), 0, "flow,bytes\n0.1,42\n\"1,2\",5\n", "");
	tool_expect(LEATCTL("-f", "list", "flow", "list"), 0,
		    "flow  : 0.1\nbytes : 42\n\nflow  : 1,2\nbytes : 5\n", "");
	tool_expect(LEATCTL("--no-headings", "--columns=bytes", "-f", "table", "flow", "list"), 0,
		    "42\n 5\n", "");
	tool_expect(LEATCTL("-f", "json", "version"), 0,
		    "{\"reply-format\": \"plain\", \"reply\": \"leatd (Leat) 9.9\\n\"}\n", "");
	tool_tear_down();
}

static void
arguments_are_passed_on_as_they_are(void)
{
	tool_set_up();
	tool_expect(LEATCTL("flow", "show", "--all", "-f", "a b", "\"{\\"), 0,
		    "[flow/show][--all][-f][a b][\"{\\]\n", "");
	tool_tear_down();
}

static void
commands_the_client_never_heard_of_are_passed_on(void)
{
	tool_set_up();
	tool_expect(LEATCTL("new", "verb", "1"), 0, "[new/verb][1]\n", "");
	tool_expect(LEATCTL("new/verb", "1"), 0, "[new/verb][1]\n", "");
	tool_expect(LEATCTL("newer"), 0, "[newer]\n", "");
	tool_expect(LEATCTL("newer", "1", "2"), 0, "[newer][1][2]\n", "");
	tool_expect(LEATCTL("newer", "-x"), 0, "[newer][-x]\n", "");
	CU_ASSERT_EQUAL(LEATCTL("no", "such"), 1);
	CU_ASSERT_PTR_NOT_NULL(strstr(tool_err, "leatctl: \"no/such\" is not a command here"));
	CU_ASSERT_TRUE(tool_is_one_line(tool_err));
	tool_tear_down();
}

static void
what_is_not_understood_gives_status_2(void)
{
	tool_set_up();
	CU_ASSERT_EQUAL(tool_run(tool_program, NULL, (const char *const[]){ "leatctl", NULL }), 2);
	CU_ASSERT_TRUE(tool_is_one_line(tool_err));
	tool_expect(LEATCTL("flow"), 2, "",
		    "leatctl: \"flow\" needs a verb: conflicts, count, follow, kill, list, show\n");
	CU_ASSERT_EQUAL(LEATCTL("-f", "xml", "flow", "list"), 2);
	CU_ASSERT_EQUAL(LEATCTL("-t", "soon", "flow", "list"), 2);
	CU_ASSERT_EQUAL(LEATCTL("-t", "-1", "flow", "list"), 2);
	CU_ASSERT_EQUAL(LEATCTL("--nonsense", "flow", "list"), 2);
	CU_ASSERT_EQUAL(LEATCTL("-i", "../etc", "flow", "list"), 2);
	CU_ASSERT_EQUAL(LEATCTL("-i", "a", "-s", "b", "flow", "list"), 2);
	CU_ASSERT_EQUAL(LEATCTL("flow", "list", "--"), 2);
	CU_ASSERT_EQUAL(LEATCTL("wait-until", "flow", "list"), 2);
	CU_ASSERT_EQUAL(LEATCTL("wait-until", "=1", "flow", "list"), 2);
	CU_ASSERT_EQUAL(LEATCTL("policy", "load"), 2);
	CU_ASSERT_EQUAL(LEATCTL("policy", "load", "a", "b"), 2);
	CU_ASSERT_EQUAL(LEATCTL("flow", "follow", "0:1:1", "--raw"), 2);
	CU_ASSERT_EQUAL(LEATCTL("flow", "follow", "0:1:1", "--raw", "both"), 2);
	CU_ASSERT_EQUAL(LEATCTL("flow", "follow", "port=80", "--raw=up"), 2);
	CU_ASSERT_EQUAL(LEATCTL("flow", "follow", "0:1:1", "--raw", "up", "--hex"), 2);
	CU_ASSERT_TRUE(tool_is_one_line(tool_err));
	CU_ASSERT_STRING_EQUAL(tool_out, "");
	tool_tear_down();
}

static void
failed_command_gives_status_1_and_its_words(void)
{
	tool_set_up();
	tool_expect(LEATCTL("steer", "apply"), 1, "", "leatctl: the switch does not answer\n");
	tool_expect(LEATCTL("steer", "show"), 1, "", "p:1:2: no such set\np:3:1: no such set\n");
	tool_expect(LEATCTL("--columns", "x", "flow", "list"), 1, "",
		    "leatctl: no column \"x\" here: the columns are flow, bytes\n");
	tool_tear_down();
}

static void
no_daemon_is_said_in_one_line(void)
{
	char expected[512];

	tool_set_up();
	snprintf(expected, sizeof expected,
		 "leatctl: cannot connect to %s: no leatd is running there (Connection refused)\n",
		 tool_socket_path);
	tool_stop_server();
	tool_expect(LEATCTL("status"), 1, "", expected);
	snprintf(expected, sizeof expected,
		 "leatctl: cannot connect to %s/east.ctl: no leatd is running there "
		 "(No such file or directory)\n",
		 tool_folder);
	tool_expect(LEATCTL("-i", "east", "status"), 1, "", expected);
	tool_tear_down();
}

static void
daemon_that_hangs_is_given_up_in_time(void)
{
	char expected[512];

	tool_set_up();
	snprintf(expected, sizeof expected, "leatctl: no answer from %s within 0.1 s\n",
		 tool_socket_path);
	tool_expect(LEATCTL("-t", "0.1", "test", "hang"), 1, "", expected);
	tool_expect(LEATCTL("-T0.1", "test/hang"), 1, "", expected);
	/* One that is stopped does not even accept. */
	kill(tool_server, SIGSTOP);
	tool_expect(LEATCTL("--timeout=0.1", "status"), 1, "", expected);
	tool_tear_down();
}

static void
large_reply_arrives_whole(void)
{
	tool_set_up();
	CU_ASSERT_EQUAL(LEATCTL("-t", "60", "test/big"), 0);
	CU_ASSERT_EQUAL(strlen(tool_out), TOOL_OUT_MAX - 1);
	CU_ASSERT_EQUAL(tool_out[TOOL_OUT_MAX - 2], 'x');
	CU_ASSERT_STRING_EQUAL(tool_err, "");
	tool_tear_down();
}

static void
output_that_can_not_be_written_gives_status_1(void)
{
	const char *const words[] = { "/bin/sh", "-c", "\"$0\" flow list >/dev/full", tool_program,
				      NULL };

	tool_set_up();
	CU_ASSERT_EQUAL(tool_run("/bin/sh", NULL, words), 1);
	CU_ASSERT_PTR_NOT_NULL(strstr(tool_err, "No space left"));
	tool_tear_down();
}

static void
policy_load_sends_the_files_name_and_text(void)
{
	char path[128], expected[256];

	tool_set_up();
	tool_write_file("policy", "default pass\n", 13, 0644, path);
	snprintf(expected, sizeof expected, "[policy/load][%s][default pass\n]\n", path);
	tool_expect(LEATCTL("policy", "load", path), 0, expected, "");
	tool_expect(LEATCTL("policy/load", path), 0, expected, "");
	tool_expect(tool_run(tool_program, "default drop\n",
			     (const char *const[]){ "leatctl", "policy", "load", "-", NULL }),
		    0, "[policy/load][<stdin>][default drop\n]\n", "");
	tool_tear_down();
}

static void
file_that_can_not_be_sent_is_refused_with_its_name(void)
{
	char path[128], *large = malloc(LARGE_FILE);

	tool_set_up();
	CU_ASSERT_EQUAL(LEATCTL("policy", "load", "/nowhere"), 1);
	CU_ASSERT_STRING_EQUAL(tool_err,
			       "leatctl: cannot read /nowhere: No such file or directory\n");
	tool_write_file("policy", "a\0b", 3, 0644, path);
	CU_ASSERT_EQUAL(LEATCTL("policy", "load", path), 1);
	CU_ASSERT_PTR_NOT_NULL(strstr(tool_err, "zero byte"));
	tool_write_file("policy", "a\xff", 2, 0644, path);
	CU_ASSERT_EQUAL(LEATCTL("policy", "load", path), 1);
	CU_ASSERT_PTR_NOT_NULL(strstr(tool_err, "not UTF-8"));
	/* More than the server takes: it answers before it has read all. */
	memset(large, ' ', LARGE_FILE);
	tool_write_file("policy", large, LARGE_FILE, 0644, path);
	CU_ASSERT_EQUAL(LEATCTL("policy", "load", path), 1);
	CU_ASSERT_STRING_EQUAL(
		tool_err,
		"leatctl: the message is larger than the 65536 bytes that are accepted\n");
	free(large);
	tool_tear_down();
}

static void
policy_check_runs_the_leatd_beside_it_without_a_daemon(void)
{
	static const char script[] = "#!/bin/sh\necho \"[$1][$2]\"; exit 1\n";
	char path[128];

	tool_set_up();
	tool_stop_server();
	tool_write_file("leatd", script, sizeof script - 1, 0755, path);
	tool_expect(LEATCTL("policy", "check", "/etc/p"), 1, "[--check-policy][/etc/p]\n", "");
	tool_expect(LEATCTL("policy/check", "-"), 1, "[--check-policy][-]\n", "");
	tool_tear_down();
}

static void
policy_check_without_a_leatd_asks_the_daemon(void)
{
	char path[128], expected[256];

	tool_set_up();
	tool_write_file("policy", "default pass\n", 13, 0644, path);
	snprintf(expected, sizeof expected, "[policy/check][%s][default pass\n]\n", path);
	tool_expect(LEATCTL("policy", "check", path), 0, expected, "");
	tool_tear_down();
}

static void
help_names_the_daemons_own_commands_too(void)
{
	tool_set_up();
	CU_ASSERT_EQUAL(LEATCTL("--help"), 0);
	CU_ASSERT_PTR_NOT_NULL(strstr(tool_out, "  policy load [--dry-run] FILE "));
	CU_ASSERT_PTR_NOT_NULL(strstr(tool_out, "  new verb [X] "));
	CU_ASSERT_EQUAL(LEATCTL("help", "new", "verb"), 0);
	CU_ASSERT_STRING_EQUAL(tool_out, "new/verb [X]\n    Is new.\n");
	tool_stop_server();
	CU_ASSERT_EQUAL(LEATCTL("--help"), 0);
	CU_ASSERT_PTR_NOT_NULL(strstr(tool_out, "  policy load [--dry-run] FILE "));
	CU_ASSERT_PTR_NULL(strstr(tool_out, "new verb"));
	CU_ASSERT_STRING_EQUAL(tool_err, "");
	CU_ASSERT_EQUAL(LEATCTL("help", "flow", "list"), 0);
	CU_ASSERT_TRUE(tool_is_one_line(tool_out));
	CU_ASSERT_EQUAL(LEATCTL("--version"), 0);
	CU_ASSERT_EQUAL(strncmp(tool_out, "leatctl (Leat) ", 15), 0);
	tool_tear_down();
}

/* Answers one client with `answer`, whatever it asks, and closes. */
static void
answer_once(const char *answer)
{
	struct sockaddr_un sun = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);
	char buf[4096];
	int client;

	tool_stop_server();
	unlink(tool_socket_path);
	strcpy(sun.sun_path, tool_socket_path);
	CU_ASSERT_EQUAL_FATAL(bind(fd, (struct sockaddr *)&sun, sizeof sun), 0);
	CU_ASSERT_EQUAL_FATAL(listen(fd, 1), 0);
	tool_server = fork();
	if (!tool_server) {
		client = accept(fd, NULL, NULL);
		if (read(client, buf, sizeof buf) > 0)
			_exit(write(client, answer, strlen(answer)) < 0);
		_exit(1);
	}
	close(fd);
}

static void
commands_with_dashes_between_are_one_transaction(void)
{
	char path[128], expected[256];

	tool_set_up();
	tool_write_file("policy", "default pass\n", 13, 0644, path);
	snprintf(expected, sizeof expected,
		 "leatd (Leat) 9.9\n[flow/show][1]\n[policy/load][%s][default pass\n]\n", path);
	tool_expect(LEATCTL("version", "--", "flow", "show", "1", "--", "policy", "load", path), 0,
		    expected, "");
	CU_ASSERT_EQUAL(LEATCTL("version", "--", "steer", "apply", "--", "version"), 1);
	CU_ASSERT_STRING_EQUAL(tool_out, "");
	CU_ASSERT_PTR_NOT_NULL(
		strstr(tool_err, "\"steer/apply\" failed: the switch does not answer"));
	tool_tear_down();
}

static void
wait_until_compares_columns_and_gives_up_in_time(void)
{
	tool_set_up();
	CU_ASSERT_EQUAL(LEATCTL("wait-until", "flow=0.1,bytes>=42", "flow", "list"), 0);
	CU_ASSERT_EQUAL(LEATCTL("wait-until", "bytes<10,bytes!=6", "flow/list"), 0);
	CU_ASSERT_STRING_EQUAL(tool_out, "");
	CU_ASSERT_EQUAL(LEATCTL("-t", "0.3", "wait-until", "flow=0.1,bytes=5", "flow", "list"), 1);
	CU_ASSERT_PTR_NOT_NULL(strstr(tool_err, "not within 0.3 s"));
	CU_ASSERT_EQUAL(LEATCTL("-t", "5", "wait-until", "a=b", "steer", "show"), 1);
	CU_ASSERT_PTR_NOT_NULL(strstr(tool_err, "no such set"));
	tool_tear_down();
}

static void
complete_offers_what_may_stand_next(void)
{
	tool_set_up();
	CU_ASSERT_EQUAL(LEATCTL("complete", "po"), 0);
	CU_ASSERT_STRING_EQUAL(tool_out, "policy\nport\n");
	CU_ASSERT_EQUAL(LEATCTL("complete", "-t", "5", "policy", "che"), 0);
	CU_ASSERT_STRING_EQUAL(tool_out, "check\n");
	CU_ASSERT_EQUAL(LEATCTL("complete", "status", "--", "flow", "cou"), 0);
	CU_ASSERT_STRING_EQUAL(tool_out, "count\n");
	CU_ASSERT_EQUAL(LEATCTL("complete", "--no"), 0);
	CU_ASSERT_STRING_EQUAL(tool_out, "--no-headings\n");
	CU_ASSERT_EQUAL(LEATCTL("complete", "policy", "load", "x"), 0);
	CU_ASSERT_STRING_EQUAL(tool_out, "");
	tool_tear_down();
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

	tool_set_up();
	for (i = 0; i < sizeof answers / sizeof answers[0]; i++) {
		answer_once(answers[i]);
		CU_ASSERT_EQUAL(LEATCTL("status"), 1);
		CU_ASSERT_TRUE(tool_is_one_line(tool_err));
		/* of a reply that breaks off the part that came may be shown */
		CU_ASSERT_STRING_EQUAL(tool_out, strstr(answers[i], "cut") ? "cut" : "");
	}
	tool_tear_down();
}

static void
ovs_appctl_speaks_to_the_server_unmodified(void)
{
	static const char ovs[] = "/usr/bin/ovs-appctl";

	if (access(ovs, X_OK)) {
		tap_skip("no /usr/bin/ovs-appctl (openvswitch-common)");
		return;
	}
	tool_set_up();
#define OVS_APPCTL(...)                                                                            \
	tool_run(ovs, NULL, \
		 (const char *const[]){ "ovs-appctl", "-t", tool_socket_path, __VA_ARGS__, NULL })
	tool_expect(OVS_APPCTL("version"), 0, "leatd (Leat) 9.9\n", "");
	tool_expect(OVS_APPCTL("flow/list"), 0, "flow  bytes\n0.1      42\n1,2       5\n", "");
	tool_expect(OVS_APPCTL("flow/show", "a b", "\"\\{"), 0, "[flow/show][a b][\"\\{]\n", "");
	CU_ASSERT_EQUAL(OVS_APPCTL("list-commands"), 0);
	CU_ASSERT_PTR_NOT_NULL(strstr(tool_out, "The available commands are:\n"));
	CU_ASSERT_EQUAL(OVS_APPCTL("steer/apply"), 2);
	CU_ASSERT_EQUAL(strncmp(tool_err, "the switch does not answer\n", 27), 0);
	CU_ASSERT_EQUAL(OVS_APPCTL("-T", "60", "test/big"), 0);
	CU_ASSERT_EQUAL(strlen(tool_out), TOOL_OUT_MAX - 1);
	tool_tear_down();
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
	 TAP_TEST(commands_with_dashes_between_are_one_transaction),
	 TAP_TEST(wait_until_compares_columns_and_gives_up_in_time),
	 TAP_TEST(complete_offers_what_may_stand_next),
	 TAP_TEST(answer_that_is_no_reply_is_an_error),
	 TAP_TEST(ovs_appctl_speaks_to_the_server_unmodified))
