/*
 * control.c - any bytes to the control socket's server, in pieces.
 *
 * The first byte of an input says how large the pieces are (0: all at once), the
 * rest is what a client sends.  Whatever it is, all that comes back are JSON-RPC
 * replies, and another client is served meanwhile.
 */
#include <jansson.h>
#include <limits.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "ctl/unixctl.h"

enum {
	MAX_REQUEST = 512, /* small, so that inputs reach it */
	OUT_MAX = 1 << 20,
};

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

static struct unixctl_server *srv;
static struct unixctl_conn *deferred[64];
static size_t n_deferred;
static char folder[] = "/tmp/leat-fuzz-XXXXXX";
static char path[64];
static char out[OUT_MAX];

static void
echo(struct unixctl_conn *conn, int argc, const char *argv[], void *aux)
{
	int i;

	(void)aux;
	unixctl_reply_begin(conn, UNIXCTL_TEXT);
	for (i = 1; i < argc; i++)
		unixctl_reply_part(conn, argv[i], strlen(argv[i]));
	unixctl_reply_end(conn);
}

static void
rows(struct unixctl_conn *conn, int argc, const char *argv[], void *aux)
{
	static const char *const names[] = { "a", "b" };
	struct table *t = table_new(names, 2);
	int i;

	(void)aux;
	for (i = 1; i < argc; i++) {
		table_row(t);
		table_str(t, argv[i]);
		table_int(t, i);
	}
	unixctl_reply_table(conn, t);
	table_free(t);
}

static void
later(struct unixctl_conn *conn, int argc, const char *argv[], void *aux)
{
	(void)argc;
	(void)argv;
	(void)aux;
	if (n_deferred < sizeof deferred / sizeof deferred[0])
		deferred[n_deferred++] = conn;
	else
		unixctl_reply_error(conn, "too many");
}

static void
clean_up(void)
{
	unixctl_server_free(srv);
	rmdir(folder);
}

static void
start(void)
{
	struct err e;

	if (!mkdtemp(folder))
		abort();
	snprintf(path, sizeof path, "%s/ctl", folder);
	if (unixctl_server_create(path, 0600, &srv, &e))
		abort();
	unixctl_server_set_max_request(srv, MAX_REQUEST);
	unixctl_command_register(srv, "e", "", "", 0, INT_MAX, echo, NULL);
	unixctl_command_register(srv, "r", "", "", 0, INT_MAX, rows, NULL);
	unixctl_command_register(srv, "l", "", "", 0, 1, later, NULL);
	atexit(clean_up);
}

static int
dial(void)
{
	struct sockaddr_un sun = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0);

	strcpy(sun.sun_path, path);
	if (connect(fd, (struct sockaddr *)&sun, sizeof sun))
		abort();
	return fd;
}

static size_t
drain(int fd, size_t len)
{
	ssize_t n;

	while (len < OUT_MAX && (n = recv(fd, out + len, OUT_MAX - len, 0)) > 0)
		len += (size_t)n;
	return len;
}

/* What came back is a sequence of replies, each with its three members. */
static void
check_replies(size_t len)
{
	size_t at = 0;

	while (at < len) {
		json_error_t e;
		json_t *reply = json_loadb(out + at, len - at, JSON_DISABLE_EOF_CHECK, &e);

		if (!json_object_get(reply, "id") || !json_object_get(reply, "result") ||
		    !json_object_get(reply, "error"))
			abort();
		if (json_is_null(json_object_get(reply, "result")) ==
		    json_is_null(json_object_get(reply, "error")))
			abort();
		json_decref(reply);
		at += (size_t)e.position;
	}
}

/* Another client gets its answer whatever the first one does. */
static void
check_other_client(void)
{
	static const char ask[] = "{\"id\":1,\"method\":\"e\",\"params\":[\"x\"]}";
	static const char answer[] = "{\"id\":1,\"result\":\"x\\n\",\"error\":null}";
	char buf[128];
	int fd = dial();

	if (send(fd, ask, sizeof ask - 1, 0) < 0)
		abort();
	unixctl_server_run(srv);
	unixctl_server_run(srv);
	if (recv(fd, buf, sizeof buf, 0) != sizeof answer - 1 ||
	    memcmp(buf, answer, sizeof answer - 1))
		abort();
	close(fd);
}

int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
	size_t at, piece, len = 0;
	int fd;

	if (!size)
		return 0;
	if (!srv)
		start();
	piece = bytes[0] ? bytes[0] : size;
	fd = dial();
	unixctl_server_run(srv);
	for (at = 1; at < size; at += piece) {
		size_t n = size - at < piece ? size - at : piece;

		if (send(fd, bytes + at, n, MSG_NOSIGNAL) < 0)
			break;
		unixctl_server_run(srv);
		len = drain(fd, len);
	}
	check_other_client();
	if (n_deferred)
		unixctl_reply(deferred[--n_deferred], "late");
	unixctl_server_run(srv);
	len = drain(fd, len);
	check_replies(len);
	close(fd);
	unixctl_server_run(srv);
	while (n_deferred)
		unixctl_reply_error(deferred[--n_deferred], "gone");
	unixctl_server_run(srv);
	return 0;
}
