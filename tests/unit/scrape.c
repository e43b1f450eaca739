/*
 * Metrics by HTTP: right requests are answered, and no other client is in their way.
 */
#include "vnf/scrape.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "tests/unit/tap.h"

#define BIG (4 << 20)

static struct scrape *s;
static struct err err;
static char path[64], where[80];
static usec_t now = { 1000000 };
static unsigned n_asked;
static bool big;

static char *
text(void *aux)
{
	char *t = malloc(BIG + 1);

	(void)aux;
	n_asked++;
	memset(t, 'x', BIG);
	t[BIG] = '\0';
	if (!big)
		strcpy(t, "leat_ready 1\n");
	return t;
}

static void
begin(void)
{
	n_asked = 0;
	big = false;
	snprintf(path, sizeof path, "/tmp/scrape-%d", (int)getpid());
	snprintf(where, sizeof where, "unix:%s", path);
	s = scrape_open(where, text, NULL, &err);
	CU_ASSERT_PTR_NOT_NULL_FATAL(s);
}

static void
end(void)
{
	scrape_close(s);
	CU_ASSERT_NOT_EQUAL(access(path, F_OK), 0);
}

static int
connected(void)
{
	struct sockaddr_un to = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0);

	snprintf(to.sun_path, sizeof to.sun_path, "%s", path);
	CU_ASSERT_EQUAL(connect(fd, (struct sockaddr *)&to, sizeof to), 0);
	scrape_run(s, now);
	return fd;
}

static void
say(int fd, const char *request)
{
	CU_ASSERT_EQUAL(send(fd, request, strlen(request), MSG_NOSIGNAL), (ssize_t)strlen(request));
	scrape_run(s, now);
}

static const char *
heard(int fd)
{
	static char reply[2048];
	ssize_t n = recv(fd, reply, sizeof reply - 1, 0);

	reply[n > 0 ? n : 0] = '\0';
	return reply;
}

static bool
is_closed(int fd)
{
	char c;

	return recv(fd, &c, 1, 0) == 0;
}

static void
get_is_answered_and_the_connection_closed(void)
{
	int fd;
	const char *reply;

	begin();
	fd = connected();
	say(fd, "GET /metrics HTTP/1.1\r\nHost: x\r\n");
	CU_ASSERT_EQUAL(n_asked, 0);
	say(fd, "\r\n");
	reply = heard(fd);
	CU_ASSERT_PTR_NOT_NULL(strstr(reply, "HTTP/1.1 200 OK\r\n"));
	CU_ASSERT_PTR_NOT_NULL(strstr(reply, "text/plain; version=0.0.4"));
	CU_ASSERT_PTR_NOT_NULL(strstr(reply, "Content-Length: 13\r\n"));
	CU_ASSERT_PTR_NOT_NULL(strstr(reply, "\r\n\r\nleat_ready 1\n"));
	CU_ASSERT_TRUE(is_closed(fd));
	close(fd);
	fd = connected();
	say(fd, "HEAD /metrics?x=1 HTTP/1.0\n\n");
	reply = heard(fd);
	CU_ASSERT_PTR_NOT_NULL(strstr(reply, " 200 OK"));
	CU_ASSERT_PTR_NULL(strstr(reply, "leat_ready"));
	close(fd);
	end();
}

static void
expect_reply(const char *request, const char *status)
{
	int fd = connected();

	say(fd, request);
	if (!strstr(heard(fd), status)) {
		printf("# %s: no %s\n", request, status);
		CU_FAIL("another status");
	}
	CU_ASSERT_TRUE(is_closed(fd));
	close(fd);
}

static void
wrong_requests_are_refused(void)
{
	begin();
	expect_reply("GET / HTTP/1.1\r\n\r\n", " 404 ");
	expect_reply("POST /metrics HTTP/1.1\r\n\r\n", " 405 ");
	expect_reply("GET /metrics\r\n\r\n", " 400 ");
	expect_reply("\r\n\r\n", " 400 ");
	expect_reply("\x16\x03\x01\x02 \r\n\r\n", " 400 ");
	CU_ASSERT_EQUAL(n_asked, 0);
	end();
}

static void
endless_request_is_cut(void)
{
	char line[1024];
	int fd, i;

	begin();
	fd = connected();
	memset(line, 'a', sizeof line);
	for (i = 0; i < 4; i++) {
		CU_ASSERT_EQUAL(send(fd, line, sizeof line, MSG_NOSIGNAL), (ssize_t)sizeof line);
		scrape_run(s, now);
	}
	CU_ASSERT_PTR_NOT_NULL(strstr(heard(fd), " 431 "));
	close(fd);
	end();
}

static void
silent_client_is_thrown_out_in_time(void)
{
	int silent;

	begin();
	silent = connected();
	now = usec_add(now, SCRAPE_PATIENCE_US - 1);
	scrape_run(s, now);
	CU_ASSERT_FALSE(is_closed(silent));
	now = usec_add(now, 2);
	scrape_run(s, now);
	CU_ASSERT_TRUE(is_closed(silent));
	close(silent);
	end();
}

/* Its answer does not fit into the socket, and it never reads. */
static void
client_that_does_not_read_holds_nobody_up(void)
{
	int slow, fd;

	begin();
	big = true;
	slow = connected();
	say(slow, "GET /metrics HTTP/1.1\r\n\r\n");
	big = false;
	fd = connected();
	say(fd, "GET /metrics HTTP/1.1\r\n\r\n");
	CU_ASSERT_PTR_NOT_NULL(strstr(heard(fd), "leat_ready 1"));
	now = usec_add(now, SCRAPE_PATIENCE_US + 1);
	scrape_run(s, now);
	CU_ASSERT_EQUAL(scrape_fds(s, (struct pollfd[SCRAPE_MAX_FDS]){ { 0 } }), 1);
	close(slow);
	close(fd);
	end();
}

static void
crowd_does_not_keep_a_scraper_out(void)
{
	int crowd[3 * SCRAPE_CLIENTS], fd, i;

	begin();
	for (i = 0; i < 3 * SCRAPE_CLIENTS; i++) {
		crowd[i] = connected();
		now = usec_add(now, 1000);
	}
	CU_ASSERT_EQUAL(scrape_fds(s, (struct pollfd[SCRAPE_MAX_FDS]){ { 0 } }), SCRAPE_MAX_FDS);
	fd = connected();
	say(fd, "GET /metrics HTTP/1.1\r\n\r\n");
	CU_ASSERT_PTR_NOT_NULL(strstr(heard(fd), "leat_ready 1"));
	for (i = 0; i < 3 * SCRAPE_CLIENTS; i++)
		close(crowd[i]);
	close(fd);
	scrape_run(s, now);
	end();
}

static void
addresses_are_read(void)
{
	static const char *const right[] = { "9090", "127.0.0.1:9090", "[::1]:9090", "0.0.0.0:1",
					     "unix:/run/x" };
	static const char *const wrong[] = {
		"",	    ":",	 "0",	       "65536",	 "localhost:9090",
		"::1:9090", "127.0.0.1", "127.0.0.1:", "unix:x", "9090x"
	};
	unsigned i;

	for (i = 0; i < sizeof right / sizeof right[0]; i++)
		CU_ASSERT_EQUAL(scrape_check(right[i], &err), 0);
	for (i = 0; i < sizeof wrong / sizeof wrong[0]; i++)
		CU_ASSERT_EQUAL(scrape_check(wrong[i], &err), -22);
}

static void
port_that_is_taken_is_told(void)
{
	struct sockaddr_in at = { .sin_family = AF_INET, .sin_addr = { htonl(INADDR_LOOPBACK) } };
	socklen_t len = sizeof at;
	int fd = socket(AF_INET, SOCK_STREAM, 0);
	char port[16];

	CU_ASSERT_EQUAL_FATAL(bind(fd, (struct sockaddr *)&at, sizeof at), 0);
	CU_ASSERT_EQUAL(listen(fd, 1), 0);
	getsockname(fd, (struct sockaddr *)&at, &len);
	snprintf(port, sizeof port, "%u", ntohs(at.sin_port));
	CU_ASSERT_PTR_NULL(scrape_open(port, text, NULL, &err));
	CU_ASSERT_PTR_NOT_NULL(strstr(err.msg, port));
	CU_ASSERT_PTR_NOT_NULL(strstr(err.msg, "in use"));
	close(fd);
}

TAP_MAIN(scrape, TAP_TEST(get_is_answered_and_the_connection_closed),
	 TAP_TEST(wrong_requests_are_refused), TAP_TEST(endless_request_is_cut),
	 TAP_TEST(silent_client_is_thrown_out_in_time),
	 TAP_TEST(client_that_does_not_read_holds_nobody_up),
	 TAP_TEST(crowd_does_not_keep_a_scraper_out), TAP_TEST(addresses_are_read),
	 TAP_TEST(port_that_is_taken_is_told))
