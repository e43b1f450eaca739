/*
 * unixctl_clients.c - the control socket among clients that are slow, silent or
 * gone, and its file among other processes.
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
deferred_reply_after_the_client_left_hurts_nobody(void)
{
	struct pollfd fds[UNIXCTL_MAX_FDS];
	struct ctl_server f;
	int fd, other;
	size_t n;

	set_up(&f);
	fd = connect_raw(f.path);
	put(fd, "{\"id\":1,\"method\":\"test/later\",\"params\":[]}");
	turns(&f, 3);
	CU_ASSERT_PTR_NOT_NULL_FATAL(f.deferred);
	CU_ASSERT_FALSE(unixctl_client_gone(f.deferred));
	close(fd);
	turns(&f, 1);
	CU_ASSERT_TRUE(unixctl_client_gone(f.deferred));
	CU_ASSERT_EQUAL(unixctl_reply_room(f.deferred), SIZE_MAX);
	n = unixctl_server_fds(f.srv, fds, UNIXCTL_MAX_FDS);
	CU_ASSERT_EQUAL(poll(fds, n, 0), 0);
	unixctl_reply(f.deferred, "nobody reads this");
	other = connect_raw(f.path);
	expect(&f, other, "{\"id\":1,\"method\":\"test/echo\",\"params\":[\"x\"]}",
	       "{\"id\":1,\"result\":\"x\\n\",\"error\":null}");
	close(other);
	tear_down(&f);
}

static void
deferred_reply_after_the_server_is_freed_hurts_nobody(void)
{
	struct ctl_server f;
	int fd;

	set_up(&f);
	fd = connect_raw(f.path);
	put(fd, "{\"id\":1,\"method\":\"test/later\",\"params\":[]}");
	turns(&f, 3);
	tear_down(&f);
	CU_ASSERT_TRUE(is_closed(fd));
	CU_ASSERT_TRUE(unixctl_client_gone(f.deferred));
	unixctl_reply_error(f.deferred, "too late");
	close(fd);
}

static void
reply_just_before_the_server_is_freed_arrives(void)
{
	struct ctl_server f;
	char buf[256];
	int fd;

	set_up(&f);
	fd = connect_raw(f.path);
	put(fd, "{\"id\":1,\"method\":\"test/later\",\"params\":[]}");
	turns(&f, 3);
	unixctl_reply(f.deferred, "bye");
	tear_down(&f);
	get(fd, buf, sizeof buf);
	CU_ASSERT_STRING_EQUAL(buf, "{\"id\":1,\"result\":\"bye\\n\",\"error\":null}");
	close(fd);
}

static void
half_closed_client_still_gets_its_replies(void)
{
	struct ctl_server f;
	char buf[256];
	int fd;

	set_up(&f);
	fd = connect_raw(f.path);
	put(fd, "{\"id\":1,\"method\":\"test/later\"}{\"id\":2,\"method\":\"test/echo\"}");
	shutdown(fd, SHUT_WR);
	turns(&f, 4);
	CU_ASSERT_FALSE(unixctl_client_gone(f.deferred));
	unixctl_reply(f.deferred, "a");
	turns(&f, 4);
	get(fd, buf, sizeof buf);
	CU_ASSERT_STRING_EQUAL(buf, "{\"id\":1,\"result\":\"a\\n\",\"error\":null}"
				    "{\"id\":2,\"result\":\"\",\"error\":null}");
	CU_ASSERT_TRUE(is_closed(fd));
	close(fd);
	tear_down(&f);
}

static void
request_of_a_client_that_did_not_wait_is_done(void)
{
	struct ctl_server f;
	int fd;

	set_up(&f);
	fd = connect_raw(f.path);
	put(fd, "{\"id\":1,\"method\":\"test/echo\",\"params\":[]}");
	close(fd);
	turns(&f, 3);
	CU_ASSERT_EQUAL(f.n_called, 1);
	tear_down(&f);
}

static void
half_sent_request_delays_no_other_client(void)
{
	struct ctl_server f;
	int half, fd, i;

	set_up(&f);
	half = connect_raw(f.path);
	put(half, "{\"id\":1,\"method\":\"test/ec");
	turns(&f, 2);
	for (i = 0; i < 10; i++) {
		fd = connect_raw(f.path);
		expect(&f, fd, "{\"id\":2,\"method\":\"test/echo\",\"params\":[\"x\"]}",
		       "{\"id\":2,\"result\":\"x\\n\",\"error\":null}");
		close(fd);
	}
	expect(&f, half, "ho\",\"params\":[\"y\"]}",
	       "{\"id\":1,\"result\":\"y\\n\",\"error\":null}");
	close(half);
	tear_down(&f);
}

static void
client_that_does_not_read_delays_no_other(void)
{
	struct pollfd fds[UNIXCTL_MAX_FDS];
	char *buf = malloc(BIG_REPLY + 100);
	struct ctl_server f;
	int slow, fd, i;
	size_t n, len = 0;

	set_up(&f);
	slow = connect_raw(f.path);
	put(slow, "{\"id\":1,\"method\":\"test/big\"}{\"id\":2,\"method\":\"test/echo\"}");
	turns(&f, 5);
	/* Its socket is full: nothing is to be done, and no second command begins. */
	n = unixctl_server_fds(f.srv, fds, UNIXCTL_MAX_FDS);
	CU_ASSERT_EQUAL(poll(fds, n, 0), 0);
	CU_ASSERT_EQUAL(f.n_called, 0);
	fd = connect_raw(f.path);
	expect(&f, fd, "{\"id\":3,\"method\":\"test/echo\",\"params\":[\"x\"]}",
	       "{\"id\":3,\"result\":\"x\\n\",\"error\":null}");
	for (i = 0; i < 1000; i++) {
		ssize_t got = recv(slow, buf + len, BIG_REPLY + 100 - len, 0);

		len += got > 0 ? (size_t)got : 0;
		turns(&f, 1);
	}
	/* The reply is whole, and the next one follows. */
	CU_ASSERT_EQUAL(len, strlen("{\"id\":1,\"result\":\"\",\"error\":null}") + BIG_REPLY + 2 +
				     strlen("{\"id\":2,\"result\":\"\",\"error\":null}"));
	CU_ASSERT_EQUAL(f.n_called, 2);
	close(slow);
	close(fd);
	free(buf);
	tear_down(&f);
}

static void
client_that_leaves_amid_a_large_reply_is_forgotten(void)
{
	struct pollfd fds[UNIXCTL_MAX_FDS];
	struct ctl_server f;
	int fd;

	set_up(&f);
	fd = connect_raw(f.path);
	put(fd, "{\"id\":1,\"method\":\"test/big\"}");
	turns(&f, 3);
	CU_ASSERT_EQUAL(unixctl_server_fds(f.srv, fds, UNIXCTL_MAX_FDS), 2);
	close(fd);
	turns(&f, 3);
	CU_ASSERT_EQUAL(unixctl_server_fds(f.srv, fds, UNIXCTL_MAX_FDS), 1);
	tear_down(&f);
}

static void
reply_in_parts_is_one_string_and_stops_at_high_water(void)
{
	char *buf = malloc(4 * UNIXCTL_OUT_HIGH), *part = malloc(1000);
	size_t n_put = 0, len = 0;
	struct ctl_server f;
	json_t *reply;
	int fd, i;

	set_up(&f);
	memset(part, 'p', 999);
	part[999] = '\n';
	fd = connect_raw(f.path);
	put(fd, "{\"id\":1,\"method\":\"test/later\"}");
	turns(&f, 3);
	unixctl_reply_begin(f.deferred, UNIXCTL_TEXT);
	while (unixctl_reply_room(f.deferred) && n_put < 10000) {
		unixctl_reply_part(f.deferred, part, 1000);
		n_put++;
	}
	CU_ASSERT_TRUE(n_put >= UNIXCTL_OUT_HIGH / 1002 && n_put <= UNIXCTL_OUT_HIGH / 1000 + 1);
	for (i = 0; i < 100; i++) {
		ssize_t got = recv(fd, buf + len, 4 * UNIXCTL_OUT_HIGH - len, 0);

		len += got > 0 ? (size_t)got : 0;
		turns(&f, 1);
	}
	CU_ASSERT_EQUAL(unixctl_reply_room(f.deferred), UNIXCTL_OUT_HIGH);
	unixctl_reply_part(f.deferred, "end", 3);
	unixctl_reply_end(f.deferred);
	turns(&f, 2);
	len += (size_t)recv(fd, buf + len, 4 * UNIXCTL_OUT_HIGH - len, 0);
	reply = json_loadb(buf, len, 0, NULL);
	CU_ASSERT_EQUAL(json_string_length(json_object_get(reply, "result")), n_put * 1000 + 4);
	json_decref(reply);
	close(fd);
	free(buf);
	free(part);
	tear_down(&f);
}

static void
client_with_a_deferred_command_is_not_let_go_when_many_come(void)
{
	int fds[3 * UNIXCTL_MAX_CLIENTS], busy, first, i;
	struct ctl_server f;
	char buf[256];

	set_up(&f);
	busy = connect_raw(f.path);
	put(busy, "{\"id\":1,\"method\":\"test/later\"}");
	turns(&f, 2);
	first = connect_raw(f.path);
	put(first, "{\"half");
	turns(&f, 2);
	for (i = 0; i < 3 * UNIXCTL_MAX_CLIENTS; i++) {
		fds[i] = connect_raw(f.path);
		expect(&f, fds[i], "{\"id\":2,\"method\":\"test/echo\",\"params\":[\"x\"]}",
		       "{\"id\":2,\"result\":\"x\\n\",\"error\":null}");
	}
	CU_ASSERT_TRUE(is_closed(first));
	CU_ASSERT_TRUE(is_closed(fds[0]));
	CU_ASSERT_FALSE(is_closed(fds[i - 1]));
	unixctl_reply(f.deferred, "done");
	turns(&f, 1);
	get(busy, buf, sizeof buf);
	CU_ASSERT_STRING_EQUAL(buf, "{\"id\":1,\"result\":\"done\\n\",\"error\":null}");
	while (i--)
		close(fds[i]);
	close(first);
	close(busy);
	tear_down(&f);
}

static void
stale_socket_is_replaced(void)
{
	struct sockaddr_un sun = { .sun_family = AF_UNIX };
	struct ctl_server f;
	struct err e;
	int dead, fd;

	set_up(&f);
	unixctl_server_free(f.srv);
	/* What kill -9 leaves: a socket file that nobody listens on. */
	dead = socket(AF_UNIX, SOCK_STREAM, 0);
	strcpy(sun.sun_path, f.path);
	CU_ASSERT_EQUAL(bind(dead, (struct sockaddr *)&sun, sizeof sun), 0);
	close(dead);
	CU_ASSERT_EQUAL_FATAL(unixctl_server_create(f.path, 0660, &f.srv, &e), 0);
	fd = connect_raw(f.path);
	expect(&f, fd, "{\"id\":1,\"method\":\"version\"}",
	       "{\"id\":1,\"result\":\"unknown\\n\",\"error\":null}");
	close(fd);
	tear_down(&f);
}

static void
live_socket_is_refused_and_says_who_listens(void)
{
	struct unixctl_server *second = NULL;
	struct ctl_server f;
	struct err e = { "" };
	char pid[32];
	int fd;

	set_up(&f);
	CU_ASSERT_EQUAL(unixctl_server_create(f.path, 0660, &second, &e), -EADDRINUSE);
	CU_ASSERT_PTR_NULL(second);
	snprintf(pid, sizeof pid, "process %ld ", (long)getpid());
	CU_ASSERT_PTR_NOT_NULL(strstr(e.msg, pid));
	CU_ASSERT_PTR_NOT_NULL(strstr(e.msg, f.path));
	fd = connect_raw(f.path);
	expect(&f, fd, "{\"id\":1,\"method\":\"test/echo\",\"params\":[\"x\"]}",
	       "{\"id\":1,\"result\":\"x\\n\",\"error\":null}");
	close(fd);
	tear_down(&f);
}

static void
file_that_is_no_socket_is_left_alone(void)
{
	struct unixctl_server *srv = NULL;
	char path[128];
	struct ctl_server f;
	struct err e = { "" };
	FILE *file;

	set_up(&f);
	snprintf(path, sizeof path, "%s/precious", f.folder);
	file = fopen(path, "w");
	fclose(file);
	CU_ASSERT_EQUAL(unixctl_server_create(path, 0660, &srv, &e), -EADDRINUSE);
	CU_ASSERT_PTR_NOT_NULL(strstr(e.msg, "no socket"));
	CU_ASSERT_EQUAL(unlink(path), 0);
	tear_down(&f);
}

static void
socket_of_a_successor_is_not_removed(void)
{
	struct unixctl_server *second;
	struct ctl_server f;
	struct stat st;
	struct err e;

	set_up(&f);
	unlink(f.path);
	CU_ASSERT_EQUAL_FATAL(unixctl_server_create(f.path, 0660, &second, &e), 0);
	unixctl_server_free(f.srv);
	CU_ASSERT_EQUAL(lstat(f.path, &st), 0);
	f.srv = second;
	tear_down(&f);
	CU_ASSERT_EQUAL(lstat(f.path, &st), -1);
}

static void
file_mode_is_the_one_asked_for_whatever_the_umask(void)
{
	struct unixctl_server *srv;
	mode_t old = umask(077);
	struct ctl_server f;
	struct stat st;
	struct err e;

	set_up(&f);
	CU_ASSERT_EQUAL(lstat(f.path, &st), 0);
	CU_ASSERT_EQUAL(st.st_mode & 07777, 0660);
	unixctl_server_free(f.srv);
	umask(0);
	CU_ASSERT_EQUAL_FATAL(unixctl_server_create(f.path, 0600, &srv, &e), 0);
	CU_ASSERT_EQUAL(lstat(f.path, &st), 0);
	CU_ASSERT_EQUAL(st.st_mode & 07777, 0600);
	umask(old);
	f.srv = srv;
	tear_down(&f);
}

static void
unusable_paths_are_refused_with_a_reason(void)
{
	struct unixctl_server *srv = NULL;
	char path[300];
	struct err e = { "" };

	memset(path, 'a', sizeof path - 1);
	path[sizeof path - 1] = '\0';
	CU_ASSERT_EQUAL(unixctl_server_create(path, 0660, &srv, &e), -ENAMETOOLONG);
	CU_ASSERT_PTR_NOT_NULL(strstr(e.msg, "107"));
	CU_ASSERT_EQUAL(unixctl_server_create("", 0660, &srv, &e), -ENAMETOOLONG);
	CU_ASSERT_EQUAL(unixctl_server_create("/nowhere/at/all.ctl", 0660, &srv, &e), -ENOENT);
	CU_ASSERT_PTR_NOT_NULL(strstr(e.msg, "/nowhere/at"));
	CU_ASSERT_PTR_NULL(srv);
}

static void
peer_credentials_are_those_of_the_client(void)
{
	struct ctl_server f;
	char expected[128];
	int fd;

	set_up(&f);
	fd = connect_raw(f.path);
	snprintf(expected, sizeof expected,
		 "{\"id\":1,\"result\":\"%ld %ld %ld\\n\",\"error\":null}", (long)getpid(),
		 (long)getuid(), (long)getgid());
	expect(&f, fd, "{\"id\":1,\"method\":\"test/whoami\"}", expected);
	close(fd);
	tear_down(&f);
}

TAP_MAIN(unixctl_clients, TAP_TEST(deferred_reply_after_the_client_left_hurts_nobody),
	 TAP_TEST(deferred_reply_after_the_server_is_freed_hurts_nobody),
	 TAP_TEST(reply_just_before_the_server_is_freed_arrives),
	 TAP_TEST(half_closed_client_still_gets_its_replies),
	 TAP_TEST(request_of_a_client_that_did_not_wait_is_done),
	 TAP_TEST(half_sent_request_delays_no_other_client),
	 TAP_TEST(client_that_does_not_read_delays_no_other),
	 TAP_TEST(client_that_leaves_amid_a_large_reply_is_forgotten),
	 TAP_TEST(reply_in_parts_is_one_string_and_stops_at_high_water),
	 TAP_TEST(client_with_a_deferred_command_is_not_let_go_when_many_come),
	 TAP_TEST(stale_socket_is_replaced), TAP_TEST(live_socket_is_refused_and_says_who_listens),
	 TAP_TEST(file_that_is_no_socket_is_left_alone),
	 TAP_TEST(socket_of_a_successor_is_not_removed),
	 TAP_TEST(file_mode_is_the_one_asked_for_whatever_the_umask),
	 TAP_TEST(unusable_paths_are_refused_with_a_reason),
	 TAP_TEST(peer_credentials_are_those_of_the_client))
