/*
 * unixctl.c - the control socket's protocol: requests, replies, options, commands.
 */
#include <errno.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "tests/unit/ctl_server.h"
#include "tests/unit/tap.h"

static void
reply_carries_the_requests_id(void)
{
	struct ctl_server f;
	int fd;

	set_up(&f);
	fd = connect_raw(f.path);
	expect(&f, fd, "{\"id\":7,\"method\":\"test/echo\",\"params\":[\"hi\"]}",
	       "{\"id\":7,\"result\":\"hi\\n\",\"error\":null}");
	expect(&f, fd, "{\"id\":\"x\",\"method\":\"test/echo\"}",
	       "{\"id\":\"x\",\"result\":\"\",\"error\":null}");
	expect(&f, fd, "{\"id\":8,\"method\":\"test/fail\",\"params\":[]}",
	       "{\"id\":8,\"result\":null,\"error\":\"no flow \\\"1.7\\\"\\n\"}");
	close(fd);
	tear_down(&f);
}

static void
request_split_into_single_bytes_is_understood(void)
{
	const char *s = " \n{\"id\":0,\"method\":\"test/echo\",\"params\":[\"}]{\\\"\\\\\"]}";
	struct ctl_server f;
	char buf[256];
	int fd;

	set_up(&f);
	fd = connect_raw(f.path);
	turns(&f, 1);
	for (; *s; s++) {
		CU_ASSERT_EQUAL(f.n_called, 0);
		CU_ASSERT_EQUAL(send(fd, s, 1, MSG_NOSIGNAL), 1);
		turns(&f, 1);
	}
	CU_ASSERT_EQUAL(f.n_called, 1);
	get(fd, buf, sizeof buf);
	CU_ASSERT_STRING_EQUAL(buf, "{\"id\":0,\"result\":\"}]{\\\"\\\\\\n\",\"error\":null}");
	close(fd);
	tear_down(&f);
}

static void
pipelined_requests_are_answered_in_order(void)
{
	char all[8192] = "", expected[8192] = "", buf[8192] = "";
	struct ctl_server f;
	size_t len = 0;
	int fd, i;

	set_up(&f);
	fd = connect_raw(f.path);
	for (i = 0; i < 100; i++) {
		sprintf(all + strlen(all),
			"{\"id\":%d,\"method\":\"test/echo\",\"params\":[\"%d\"]}%s", i, i,
			i % 2 ? "" : "\n");
		sprintf(expected + strlen(expected),
			"{\"id\":%d,\"result\":\"%d\\n\",\"error\":null}", i, i);
	}
	put(fd, all);
	for (i = 0; i < 20; i++) {
		ssize_t n;

		turns(&f, 1);
		n = get(fd, buf + len, sizeof buf - len);
		len += n > 0 ? (size_t)n : 0;
	}
	CU_ASSERT_EQUAL(f.n_called, 100);
	CU_ASSERT_STRING_EQUAL(buf, expected);
	close(fd);
	tear_down(&f);
}

static void
requests_behind_a_deferred_one_wait_for_its_reply(void)
{
	struct ctl_server f;
	char buf[256];
	int fd;

	set_up(&f);
	fd = connect_raw(f.path);
	expect(&f, fd,
	       "{\"id\":1,\"method\":\"test/later\",\"params\":[]}"
	       "{\"id\":2,\"method\":\"test/echo\",\"params\":[\"b\"]}",
	       "");
	CU_ASSERT_EQUAL(f.n_called, 0);
	unixctl_reply(f.deferred, "a");
	turns(&f, 2);
	get(fd, buf, sizeof buf);
	CU_ASSERT_STRING_EQUAL(buf, "{\"id\":1,\"result\":\"a\\n\",\"error\":null}"
				    "{\"id\":2,\"result\":\"b\\n\",\"error\":null}");
	close(fd);
	tear_down(&f);
}

/* The poll loop must be woken for a request that is already in the buffer. */
static void
buffered_request_makes_poll_return(void)
{
	struct pollfd fds[UNIXCTL_MAX_FDS];
	struct ctl_server f;
	size_t n;
	int fd;

	set_up(&f);
	fd = connect_raw(f.path);
	put(fd, "{\"id\":1,\"method\":\"test/later\"}{\"id\":2,\"method\":\"test/echo\"}");
	turns(&f, 3);
	n = unixctl_server_fds(f.srv, fds, UNIXCTL_MAX_FDS);
	CU_ASSERT_EQUAL(n, 2);
	CU_ASSERT_EQUAL(poll(fds, n, 0), 0);
	unixctl_reply(f.deferred, "a");
	n = unixctl_server_fds(f.srv, fds, UNIXCTL_MAX_FDS);
	CU_ASSERT_EQUAL(poll(fds, n, 0), 1);
	turns(&f, 1);
	CU_ASSERT_EQUAL(f.n_called, 1);
	n = unixctl_server_fds(f.srv, fds, UNIXCTL_MAX_FDS);
	CU_ASSERT_EQUAL(poll(fds, n, 0), 0);
	close(fd);
	tear_down(&f);
}

static void
garbage_gets_an_error_and_the_connection_is_closed(void)
{
	static const char *const garbage[] = {
		"GET / HTTP/1.1\r\n\r\n",
		"[]",
		"\"x\"",
		"{\"id\":1,]",
		"{id:1}",
		"{\"id\":1,\"method\":\"\xff\xfe\"}",
		"\x16\x03\x01",
		"{\"id\":1,\"method\":\"a\\u0000b\",\"params\":[]}"
	};
	struct ctl_server f;
	char buf[512];
	size_t i;
	int fd;

	set_up(&f);
	for (i = 0; i < sizeof garbage / sizeof garbage[0]; i++) {
		json_t *reply;

		fd = connect_raw(f.path);
		put(fd, garbage[i]);
		turns(&f, 3);
		CU_ASSERT_TRUE(get(fd, buf, sizeof buf) > 0);
		reply = json_loads(buf, 0, NULL);
		CU_ASSERT_TRUE(json_is_null(json_object_get(reply, "id")));
		CU_ASSERT_TRUE(json_is_string(json_object_get(reply, "error")));
		json_decref(reply);
		CU_ASSERT_TRUE(is_closed(fd));
		close(fd);
	}
	CU_ASSERT_EQUAL(f.n_called, 0);
	tear_down(&f);
}

static void
wrong_shape_gets_an_error_and_the_connection_goes_on(void)
{
	static const char *const wrong[] = {
		"{}",
		"{\"id\":1}",
		"{\"method\":\"test/echo\"}",
		"{\"id\":null,\"method\":\"test/echo\",\"params\":[]}",
		"{\"id\":1,\"method\":[],\"params\":[]}",
		"{\"id\":1,\"method\":\"test/echo\",\"params\":{}}",
		"{\"id\":1,\"method\":\"test/echo\",\"params\":[1]}",
		"{\"id\":1,\"method\":\"test/echo\",\"params\":[\"a\",null]}",
		"{\"id\":1,\"method\":\"test/none\",\"params\":[]}",
		"{\"id\":1,\"method\":\"test/later\",\"params\":[\"x\"]}",
		"{\"id\":1,\"method\":\"test/echo\",\"params\":[\"x\",\"y\"]}"
	};
	struct ctl_server f;
	char buf[512];
	size_t i;
	int fd;

	set_up(&f);
	fd = connect_raw(f.path);
	for (i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
		put(fd, wrong[i]);
		turns(&f, 3);
		get(fd, buf, sizeof buf);
		CU_ASSERT_PTR_NOT_NULL(strstr(buf, "\"result\":null,\"error\":\""));
	}
	CU_ASSERT_EQUAL(f.n_called, 0);
	CU_ASSERT_PTR_NULL(f.deferred);
	expect(&f, fd, "{\"id\":9,\"method\":\"test/echo\",\"params\":[\"ok\"]}",
	       "{\"id\":9,\"result\":\"ok\\n\",\"error\":null}");
	close(fd);
	tear_down(&f);
}

/* Sends a request whose text has `n` bytes in all, as fast as the server reads. */
static void
send_request_of(struct ctl_server *f, int fd, size_t n)
{
	const char *head = "{\"id\":1,\"method\":\"test/echo\",\"params\":[\"";
	char *s = malloc(n);
	size_t sent = 0;

	memset(s, 'y', n);
	memcpy(s, head, strlen(head));
	memcpy(s + n - 3, "\"]}", 3);
	while (sent < n) {
		ssize_t rc = send(fd, s + sent, n - sent, MSG_NOSIGNAL);

		if (rc < 0 && errno != EAGAIN)
			break;
		sent += rc > 0 ? (size_t)rc : 0;
		turns(f, 1);
	}
	free(s);
}

static void
largest_request_is_taken_and_one_byte_more_refused(void)
{
	struct ctl_server f;
	char *buf = malloc(2 * UNIXCTL_MAX_REQUEST);
	int fd;

	set_up(&f);
	fd = connect_raw(f.path);
	send_request_of(&f, fd, UNIXCTL_MAX_REQUEST);
	turns(&f, 10);
	CU_ASSERT_EQUAL(f.n_called, 1);
	CU_ASSERT_TRUE(get(fd, buf, 2 * UNIXCTL_MAX_REQUEST) > UNIXCTL_MAX_REQUEST - 60);
	send_request_of(&f, fd, UNIXCTL_MAX_REQUEST + 1);
	turns(&f, 10);
	CU_ASSERT_EQUAL(f.n_called, 1);
	CU_ASSERT_TRUE(get(fd, buf, 2 * UNIXCTL_MAX_REQUEST) > 0);
	CU_ASSERT_PTR_NOT_NULL(strstr(buf, "larger than the 65536 bytes"));
	CU_ASSERT_TRUE(is_closed(fd));
	close(fd);
	unixctl_server_set_max_request(f.srv, 4 * UNIXCTL_MAX_REQUEST);
	fd = connect_raw(f.path);
	send_request_of(&f, fd, 2 * UNIXCTL_MAX_REQUEST - 100);
	turns(&f, 20);
	CU_ASSERT_EQUAL(f.n_called, 2);
	close(fd);
	free(buf);
	tear_down(&f);
}

static void
options_hold_for_their_connection_only(void)
{
	const char *ask = "{\"id\":1,\"method\":\"test/rows\",\"params\":[]}";
	const char *as_table =
		"{\"id\":1,\"result\":\"flow  bytes\\n0.1      42\\n\",\"error\":null}";
	struct ctl_server f;
	int a, b;

	set_up(&f);
	a = connect_raw(f.path);
	b = connect_raw(f.path);
	expect(&f, a, ask, as_table);
	expect(&f, a,
	       "{\"id\":0,\"method\":\"set-options\",\"params\":[\"--format=csv\","
	       "\"--columns\",\"bytes,flow\"]}",
	       "{\"id\":0,\"result\":\"\",\"error\":null}");
	expect(&f, a, ask, "{\"id\":1,\"result\":\"bytes,flow\\n42,0.1\\n\",\"error\":null}");
	expect(&f, a, "{\"id\":0,\"method\":\"set-options\",\"params\":[\"--no-headings\"]}",
	       "{\"id\":0,\"result\":\"\",\"error\":null}");
	expect(&f, a, ask, "{\"id\":1,\"result\":\"42,0.1\\n\",\"error\":null}");
	expect(&f, a, "{\"id\":0,\"method\":\"set-options\",\"params\":[\"--columns\",\"nope\"]}",
	       "{\"id\":0,\"result\":\"\",\"error\":null}");
	expect(&f, a, ask,
	       "{\"id\":1,\"result\":null,\"error\":"
	       "\"no column \\\"nope\\\" here: the columns are flow, bytes\\n\"}");
	expect(&f, b, ask, as_table);
	close(a);
	close(b);
	tear_down(&f);
}

static void
json_format_gives_documents_as_newer_ovs_clients_expect(void)
{
	struct ctl_server f;
	int fd;

	set_up(&f);
	fd = connect_raw(f.path);
	expect(&f, fd, "{\"id\":0,\"method\":\"set-options\",\"params\":[\"--format\",\"json\"]}",
	       "{\"id\":0,\"result\":{\"reply-format\":\"plain\",\"reply\":\"\"},\"error\":null}");
	expect(&f, fd, "{\"id\":1,\"method\":\"test/rows\",\"params\":[]}",
	       "{\"id\":1,\"result\":[{\"flow\": \"0.1\", \"bytes\": 42}]\n,\"error\":null}");
	expect(&f, fd, "{\"id\":2,\"method\":\"test/echo\",\"params\":[\"hi\"]}",
	       "{\"id\":2,\"result\":{\"reply-format\":\"plain\",\"reply\":\"hi\\n\"},"
	       "\"error\":null}");
	expect(&f, fd, "{\"id\":3,\"method\":\"test/fail\",\"params\":[]}",
	       "{\"id\":3,\"result\":null,\"error\":\"no flow \\\"1.7\\\"\\n\"}");
	close(fd);
	tear_down(&f);
}

static void
bad_options_are_refused_and_change_nothing(void)
{
	struct ctl_server f;
	char buf[512];
	int fd;

	set_up(&f);
	fd = connect_raw(f.path);
	put(fd, "{\"id\":0,\"method\":\"set-options\",\"params\":[\"--no-headings\",\"--bold\"]}"
		"{\"id\":0,\"method\":\"set-options\",\"params\":[\"--format\",\"xml\"]}"
		"{\"id\":0,\"method\":\"set-options\",\"params\":[\"--format\"]}");
	turns(&f, 4);
	get(fd, buf, sizeof buf);
	CU_ASSERT_PTR_NULL(strstr(buf, "\"error\":null"));
	expect(&f, fd, "{\"id\":1,\"method\":\"test/rows\",\"params\":[]}",
	       "{\"id\":1,\"result\":\"flow  bytes\\n0.1      42\\n\",\"error\":null}");
	close(fd);
	tear_down(&f);
}

static void
mine(struct unixctl_conn *conn, int argc, const char *argv[], void *aux)
{
	(void)argc;
	(void)argv;
	(void)aux;
	unixctl_reply(conn, "mine");
}

static void
commands_are_listed_sorted_and_names_are_unique(void)
{
	struct ctl_server f;
	char buf[4096];
	int fd;

	set_up(&f);
	CU_ASSERT_EQUAL(unixctl_command_register(f.srv, "test/echo", "", "", 0, 0, mine, &f),
			-EEXIST);
	CU_ASSERT_EQUAL(unixctl_command_register(f.srv, "version", "", "Mine.", 0, 0, mine, &f), 0);
	CU_ASSERT_EQUAL(unixctl_command_register(f.srv, "version", "", "", 0, 0, mine, &f),
			-EEXIST);
	fd = connect_raw(f.path);
	put(fd, "{\"id\":1,\"method\":\"list-commands\",\"params\":[]}");
	turns(&f, 3);
	get(fd, buf, sizeof buf);
	CU_ASSERT_PTR_NOT_NULL(strstr(buf, "The available commands are:\\n  help "));
	CU_ASSERT_TRUE(strstr(buf, "set-options") < strstr(buf, "test/big"));
	CU_ASSERT_TRUE(strstr(buf, "test/big") < strstr(buf, "test/echo"));
	expect(&f, fd, "{\"id\":2,\"method\":\"help\",\"params\":[\"test/echo\"]}",
	       "{\"id\":2,\"result\":\"test/echo [TEXT]\\n    Say it.\\n\",\"error\":null}");
	expect(&f, fd, "{\"id\":3,\"method\":\"version\",\"params\":[]}",
	       "{\"id\":3,\"result\":\"mine\\n\",\"error\":null}");
	close(fd);
	tear_down(&f);
}

TAP_MAIN(unixctl, TAP_TEST(reply_carries_the_requests_id),
	 TAP_TEST(request_split_into_single_bytes_is_understood),
	 TAP_TEST(pipelined_requests_are_answered_in_order),
	 TAP_TEST(requests_behind_a_deferred_one_wait_for_its_reply),
	 TAP_TEST(buffered_request_makes_poll_return),
	 TAP_TEST(garbage_gets_an_error_and_the_connection_is_closed),
	 TAP_TEST(wrong_shape_gets_an_error_and_the_connection_goes_on),
	 TAP_TEST(largest_request_is_taken_and_one_byte_more_refused),
	 TAP_TEST(options_hold_for_their_connection_only),
	 TAP_TEST(json_format_gives_documents_as_newer_ovs_clients_expect),
	 TAP_TEST(bad_options_are_refused_and_change_nothing),
	 TAP_TEST(commands_are_listed_sorted_and_names_are_unique))
