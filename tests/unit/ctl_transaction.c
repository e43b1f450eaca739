/*
 * ctl_transaction.c - several commands as one on the control socket.
 */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tests/unit/ctl_server.h"
#include "tests/unit/tap.h"

static char trail[256];

static void
undo(void *aux, uint64_t arg)
{
	snprintf(trail + strlen(trail), sizeof trail - strlen(trail), "undo%ju", (uintmax_t)arg);
	(void)aux;
}

/* Leaves its parameter in the trail, and knows how to undo it. */
static void
mark(struct unixctl_conn *conn, int argc, const char *argv[], void *aux)
{
	(void)argc;
	strncat(trail, argv[1], sizeof trail - strlen(trail) - 1);
	unixctl_set_undo(conn, undo, aux, strtoull(argv[1], NULL, 10));
	unixctl_reply(conn, argv[1]);
}

static void
serve(struct ctl_server *f)
{
	trail[0] = '\0';
	set_up(f);
	unixctl_command_register(f->srv, "test/mark", "N", "Leave a mark.", 1, 1, mark, f);
}

#define MARK(n) "\"test/mark\",\"" n "\""
#define AND ",\"--\","
#define ASK(params) "{\"id\":1,\"method\":\"transaction\",\"params\":[" params "]}"
#define SAYS(text) "{\"id\":1,\"result\":\"" text "\",\"error\":null}"
#define FAILS(text) "{\"id\":1,\"result\":null,\"error\":\"" text "\"}"

static void
replies_come_together_in_their_order(void)
{
	struct ctl_server f;
	int fd;

	serve(&f);
	fd = connect_raw(f.path);
	expect(&f, fd, ASK(MARK("1") AND "\"test/echo\",\"b\"" AND MARK("2")),
	       SAYS("1\\nb\\n2\\n"));
	CU_ASSERT_STRING_EQUAL(trail, "12");
	close(fd);
	tear_down(&f);
}

static void
nothing_runs_if_one_is_wrong(void)
{
	struct ctl_server f;
	int fd;

	serve(&f);
	fd = connect_raw(f.path);
	expect(&f, fd, ASK("\"test/mark\",\"1\",\"--\",\"test/none\""),
	       FAILS("nothing was done: \\\"test/none\\\" is not a command here: list-commands "
		     "lists those that are\\n"));
	expect(&f, fd, ASK("\"test/mark\",\"1\",\"--\",\"test/mark\""),
	       FAILS("nothing was done: \\\"test/mark\\\" needs at least 1 argument: "
		     "test/mark N\\n"));
	expect(&f, fd, ASK("\"test/mark\",\"1\",\"--\""),
	       FAILS("a command is missing beside \\\"--\\\"\\n"));
	CU_ASSERT_STRING_EQUAL(trail, "");
	close(fd);
	tear_down(&f);
}

static void
what_was_done_is_undone_backwards_when_a_later_one_fails(void)
{
	struct ctl_server f;
	int fd;

	serve(&f);
	fd = connect_raw(f.path);
	expect(&f, fd,
	       ASK("\"test/mark\",\"1\",\"--\",\"test/echo\",\"--\",\"test/mark\",\"2\",\"--\","
		   "\"test/fail\",\"--\",\"test/mark\",\"3\""),
	       FAILS("\\\"test/fail\\\" failed: no flow \\\"1.7\\\"\\nundone: \\\"test/mark\\\"\\n"
		     "stays done: \\\"test/echo\\\"\\nundone: \\\"test/mark\\\"\\n"
		     "not done: the 1 command after it\\n"));
	CU_ASSERT_STRING_EQUAL(trail, "12undo2undo1");
	close(fd);
	tear_down(&f);
}

static void
others_change_nothing_before_it_is_over(void)
{
	struct ctl_server f;
	char buf[256];
	int fd, other;

	serve(&f);
	unixctl_command_reads_only(f.srv, "test/whoami");
	fd = connect_raw(f.path);
	other = connect_raw(f.path);
	put(fd, ASK("\"test/later\",\"--\",\"test/mark\",\"2\""));
	turns(&f, 3);
	put(other, "{\"id\":1,\"method\":\"test/mark\",\"params\":[\"9\"]}");
	turns(&f, 3);
	CU_ASSERT_EQUAL(get(other, buf, sizeof buf), 0);
	CU_ASSERT_STRING_EQUAL(trail, "");
	unixctl_reply(f.deferred, "later");
	turns(&f, 3);
	CU_ASSERT_STRING_EQUAL(trail, "29");
	get(fd, buf, sizeof buf);
	CU_ASSERT_STRING_EQUAL(buf, SAYS("later\\n2\\n"));
	get(other, buf, sizeof buf);
	CU_ASSERT_STRING_EQUAL(buf, SAYS("9\\n"));
	close(fd);
	close(other);
	tear_down(&f);
}

static void
client_and_server_that_leave_in_the_middle_hurt_nobody(void)
{
	struct ctl_server f;
	int fd, other;

	serve(&f);
	fd = connect_raw(f.path);
	other = connect_raw(f.path);
	put(fd, ASK("\"test/later\",\"--\",\"test/mark\",\"2\""));
	turns(&f, 3);
	put(other, "{\"id\":1,\"method\":\"test/mark\",\"params\":[\"9\"]}");
	turns(&f, 3);
	close(other);
	close(fd);
	turns(&f, 2);
	CU_ASSERT_TRUE(unixctl_client_gone(f.deferred));
	unixctl_reply(f.deferred, "x");
	CU_ASSERT_STRING_EQUAL(trail, "2");
	fd = connect_raw(f.path);
	other = connect_raw(f.path);
	put(fd, ASK("\"test/later\",\"--\",\"test/mark\",\"3\""));
	turns(&f, 3);
	put(other, "{\"id\":1,\"method\":\"test/mark\",\"params\":[\"9\"]}");
	turns(&f, 3);
	tear_down(&f);
	unixctl_reply(f.deferred, "x");
	CU_ASSERT_STRING_EQUAL(trail, "2");
	close(fd);
	close(other);
}

static void
documents_become_an_array(void)
{
	struct ctl_server f;
	int fd;

	serve(&f);
	fd = connect_raw(f.path);
	expect(&f, fd, "{\"id\":1,\"method\":\"set-options\",\"params\":[\"--format\",\"json\"]}",
	       "{\"id\":1,\"result\":{\"reply-format\":\"plain\",\"reply\":\"\"},\"error\":null}");
	expect(&f, fd, ASK("\"test/mark\",\"1\",\"--\",\"test/rows\",\"a\",\"b\""),
	       "{\"id\":1,\"result\":[\"1\",\n[{\"flow\": \"0.1\", \"bytes\": 42}]\n],"
	       "\"error\":null}");
	close(fd);
	tear_down(&f);
}

TAP_MAIN(ctl_transaction, TAP_TEST(replies_come_together_in_their_order),
	 TAP_TEST(nothing_runs_if_one_is_wrong),
	 TAP_TEST(what_was_done_is_undone_backwards_when_a_later_one_fails),
	 TAP_TEST(others_change_nothing_before_it_is_over),
	 TAP_TEST(client_and_server_that_leave_in_the_middle_hurt_nobody),
	 TAP_TEST(documents_become_an_array))
