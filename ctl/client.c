/*
 * client.c - see client.h.
 *
 * A daemon that refuses a request answers before it has read all of it, and
 * closes: so a write that fails is no error until the answer was looked for.
 */
#include "ctl/client.h"

#include <errno.h>
#include <poll.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "ctl/jsonrpc.h"
#include "ctl/text.h"

enum {
	CLIENT_MAX_REPLY = 1 << 30,	/* bytes */
	CONNECT_RETRY_MS = 20,		/* while the daemon's queue is full */
};

#ifndef LEAT_RUNDIR
#define LEAT_RUNDIR "/run/leat"
#endif

struct ctl_client {
	int fd;
	int timeout_ms;		/* as it was given, for what is said */
	int64_t deadline_ms;	/* CLOCK_MONOTONIC; -1: none */
	int next_id;
	struct jsonrpc_rx rx;
	char path[sizeof((struct sockaddr_un *)0)->sun_path];
};

int
ctl_socket_path(const char *instance, char *path, size_t size, struct err *e)
{
	const char *folder = getenv("LEAT_RUNDIR");
	size_t len = strlen(instance);
	int n;

	if (!len || len > 32 || *instance == '.' || *instance == '-' ||
	    strspn(instance, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.-") !=
		    len)
		return err_set(e, -EINVAL,
			       "\"%.40s\" is no instance name: it has 1 to 32 letters, "
			       "digits, \"_\", \".\" or \"-\"",
			       instance);
	n = snprintf(path, size, "%s/%s.ctl", folder && *folder ? folder : LEAT_RUNDIR, instance);
	if (n < 0 || (size_t)n >= size)
		return err_set(e, -ENAMETOOLONG, "the path of the run folder is too long");
	return 0;
}

static int64_t
now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

/* For poll(): -1 for ever. */
static int
remaining_ms(const struct ctl_client *client)
{
	int64_t left;

	if (client->deadline_ms < 0)
		return -1;
	left = client->deadline_ms - now_ms();
	return left > 0 ? (int)left : 0;
}

static int
timed_out(const struct ctl_client *client, struct err *e)
{
	return err_set(e, -ETIMEDOUT, "no answer from %s within %g s", client->path,
		       client->timeout_ms / 1000.0);
}

/* Waits for `events` on the socket. */
static int
wait_for(struct ctl_client *client, short events, struct err *e)
{
	struct pollfd fd = { .fd = client->fd, .events = events };
	int rc;

	do {
		int left = remaining_ms(client);

		rc = poll(&fd, 1, left);
		if (rc == 0 && left == 0)
			return timed_out(client, e);
	} while (rc == 0 || (rc < 0 && errno == EINTR));
	return rc < 0 ? err_set(e, -errno, "poll: %s", strerror(errno)) : 0;
}

static int
say_connect_failed(const char *path, int code, struct err *e)
{
	const char *why = "";

	if (code == ENOENT || code == ECONNREFUSED)
		why = "no leatd is running there ";
	else if (code == EACCES)
		why = "you need to be root or in the socket's group ";
	return err_set(e, -code, "cannot connect to %s: %s(%s)", path, why, strerror(code));
}

static int
connect_to(struct ctl_client *client, struct err *e)
{
	struct sockaddr_un sun = { .sun_family = AF_UNIX };

	strcpy(sun.sun_path, client->path);
	while (connect(client->fd, (struct sockaddr *)&sun, sizeof sun) < 0) {
		int left = remaining_ms(client);

		if (errno == EINTR)
			continue;
		if (errno != EAGAIN)
			return say_connect_failed(client->path, errno, e);
		if (!left)
			return timed_out(client, e);
		poll(NULL, 0, left > 0 && left < CONNECT_RETRY_MS ? left : CONNECT_RETRY_MS);
	}
	return 0;
}

int
ctl_client_open(const char *path, int timeout_ms, struct ctl_client **clientp, struct err *e)
{
	struct ctl_client *client;
	int rc;

	*clientp = NULL;
	if (!*path || strlen(path) >= sizeof client->path)
		return err_set(e, -ENAMETOOLONG, "a socket path has 1 to %zu bytes: %s",
			       sizeof client->path - 1, path);
	client = calloc(1, sizeof *client);
	if (!client)
		return err_set(e, -ENOMEM, "out of memory");
	strcpy(client->path, path);
	client->timeout_ms = timeout_ms;
	client->deadline_ms = timeout_ms < 0 ? -1 : now_ms() + timeout_ms;
	jsonrpc_rx_init(&client->rx, CLIENT_MAX_REPLY);
	client->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	rc = client->fd < 0 ? err_set(e, -errno, "cannot make a socket: %s", strerror(errno))
			    : connect_to(client, e);
	if (rc)
		ctl_client_close(client);
	else
		*clientp = client;
	return rc;
}

void
ctl_client_close(struct ctl_client *client)
{
	if (!client)
		return;
	if (client->fd >= 0)
		close(client->fd);
	jsonrpc_rx_fini(&client->rx);
	free(client);
}

/* Sends all, or as much as the daemon takes before it closes. */
static int
send_all(struct ctl_client *client, const char *s, size_t n, struct err *e)
{
	size_t sent = 0;

	while (sent < n) {
		ssize_t rc = send(client->fd, s + sent, n - sent, MSG_NOSIGNAL);

		if (rc >= 0) {
			sent += (size_t)rc;
		} else if (errno == EPIPE || errno == ECONNRESET) {
			return 0;
		} else if (errno == EAGAIN) {
			int wait_rc = wait_for(client, POLLOUT, e);

			if (wait_rc)
				return wait_rc;
		} else if (errno != EINTR) {
			return err_set(e, -errno, "cannot write to %s: %s", client->path,
				       strerror(errno));
		}
	}
	return 0;
}

/* Reads once, at most `room` bytes; 0 bytes: try again.  Negative: no more will come. */
static ssize_t
receive_some(struct ctl_client *client, char *to, size_t room, struct err *e)
{
	int rc = wait_for(client, POLLIN, e);
	ssize_t n;

	if (rc)
		return rc;
	n = recv(client->fd, to, room, 0);
	if (n > 0)
		return n;
	if (n == 0 || errno == ECONNRESET)
		return err_set(e, -EPIPE, "%s closed the connection without an answer",
			       client->path);
	if (errno == EAGAIN || errno == EINTR)
		return 0;
	return err_set(e, -errno, "cannot read from %s: %s", client->path, strerror(errno));
}

/* Reads once into the message that is arriving. */
static int
receive_more(struct ctl_client *client, struct err *e)
{
	size_t room;
	char *to = jsonrpc_rx_room(&client->rx, &room);
	ssize_t n;

	if (!to)
		return err_set(e, -ENOMEM, "out of memory");
	n = receive_some(client, to, room, e);
	if (n < 0)
		return (int)n;
	jsonrpc_rx_added(&client->rx, (size_t)n);
	return 0;
}

/* The next message that arrives. */
static int
receive(struct ctl_client *client, json_t **msg, struct err *e)
{
	struct err why;

	for (;;) {
		int rc = jsonrpc_rx_next(&client->rx, msg, &why);

		if (rc != -EAGAIN)
			return rc ? err_set(e, -EPROTO, "%s does not speak unixctl: %.200s",
					    client->path, why.msg)
				  : 0;
		rc = receive_more(client, e);
		if (rc)
			return rc;
	}
}

/* The reply to request `id` as it comes; st->state is OTHER if it has to be read whole. */
static int
receive_stream(struct ctl_client *client, int id, struct ctl_stream *st, struct err *e)
{
	char buf[16384];
	ssize_t n;

	while (st->state == STREAM_BEGIN) {
		const char *s = client->rx.buf ? client->rx.buf + client->rx.start : "";
		int rc;

		jsonrpc_rx_take(&client->rx,
				ctl_stream_begin(st, id, s, client->rx.len - client->rx.start));
		if (st->state == STREAM_BEGIN && (rc = receive_more(client, e)) != 0)
			return rc;
	}
	while (st->state < STREAM_DONE) {
		n = receive_some(client, buf, sizeof buf, e);
		if (n < 0)
			return (int)n;
		ctl_stream_add(st, buf, (size_t)n);
	}
	if (st->state == STREAM_BROKEN)
		return err_set(e, -EPROTO, "%s does not speak unixctl", client->path);
	if (st->state == STREAM_REFUSED)
		return err_set(e, -EIO, "cannot write the output: %s", strerror(errno));
	return 0;
}

/* A document as text: an array of objects has a line for each. */
static void
put_document(struct text *out, const json_t *doc)
{
	size_t flags = JSON_ENCODE_ANY | JSON_ENSURE_ASCII | JSON_PRESERVE_ORDER |
		       JSON_REAL_PRECISION(15);
	bool rows = json_is_array(doc) && json_array_size(doc) > 0;
	size_t i, n = rows ? json_array_size(doc) : 1;

	text_puts(out, rows ? "[" : "");
	for (i = 0; i < n; i++) {
		char *s = json_dumps(rows ? json_array_get(doc, i) : doc, flags);

		if (!s)
			out->failed = true;
		text_puts(out, i ? ",\n " : "");
		text_puts(out, s ? s : "");
		free(s);
	}
	text_puts(out, rows ? "]\n" : "\n");
}

static int
read_reply(struct ctl_reply *reply, json_t *msg, struct err *e)
{
	json_t *error = json_object_get(msg, "error");
	json_t *shown = json_object_get(msg, "result");
	struct text text = TEXT_EMPTY;

	*reply = (struct ctl_reply){ .failed = error && !json_is_null(error) };
	if (reply->failed)
		shown = error;
	if (!shown || (!reply->failed && json_is_null(shown)))
		return err_set(e, -EPROTO, "a reply with neither result nor error");
	if (json_is_string(shown))
		text_put(&text, json_string_value(shown), json_string_length(shown));
	else
		put_document(&text, shown);
	reply->len = text.len;
	reply->text = text_steal(&text);
	if (!reply->text)
		return err_set(e, -ENOMEM, "out of memory");
	reply->result = json_incref(shown);
	return 0;
}

static int
send_request(struct ctl_client *client, int id, const char *method, int argc,
	     const char *const argv[], struct err *e)
{
	struct text request = TEXT_EMPTY;
	int rc = jsonrpc_put_request(&request, id, method, argc, argv, e);

	if (!rc)
		rc = send_all(client, request.s, request.len, e);
	text_fini(&request);
	return rc;
}

static int
receive_reply(struct ctl_client *client, int id, struct ctl_reply *reply, struct err *e)
{
	json_t *msg = NULL;
	int rc = receive(client, &msg, e);

	if (!rc) {
		json_t *got = json_object_get(msg, "id");

		/* null: the daemon could not even read which request it was. */
		if (json_is_null(got) || json_integer_value(got) == id)
			rc = read_reply(reply, msg, e);
		else
			rc = err_set(e, -EPROTO, "%s answers another request", client->path);
	}
	json_decref(msg);
	return rc;
}

int
ctl_client_call(struct ctl_client *client, const char *method, int argc, const char *const argv[],
		struct ctl_reply *reply, struct err *e)
{
	int id = client->next_id++;
	int rc;

	*reply = (struct ctl_reply){ .text = NULL };
	rc = send_request(client, id, method, argc, argv, e);
	return rc ? rc : receive_reply(client, id, reply, e);
}

/* A command may fail when much of its result was shown: the error then stands behind it. */
static int
read_tail(struct ctl_reply *reply, struct ctl_stream *st, struct err *e)
{
	char *comma = memchr(st->tail, ',', st->n_tail);
	json_t *tail = NULL, *error;

	if (comma) {
		*comma = '{';
		tail = json_loadb(st->tail, st->n_tail, 0, NULL);
	}
	error = json_object_get(tail, "error");
	if (json_is_string(error)) {
		reply->failed = true;
		reply->len = json_string_length(error);
		reply->text = strdup(json_string_value(error));
	}
	json_decref(tail);
	if (reply->failed && !reply->text)
		return err_set(e, -ENOMEM, "out of memory");
	if (!error)
		return err_set(e, -EPROTO, "the answer's end can't be read");
	return 0;
}

int
ctl_client_stream(struct ctl_client *client, const char *method, int argc, const char *const argv[],
		  ctl_sink *sink, void *aux, struct ctl_reply *reply, struct err *e)
{
	int id = client->next_id++;
	struct ctl_stream st;
	int rc;

	*reply = (struct ctl_reply){ .text = NULL };
	ctl_stream_init(&st, sink, aux);
	rc = send_request(client, id, method, argc, argv, e);
	if (!rc)
		rc = receive_stream(client, id, &st, e);
	reply->streamed = !rc && st.state == STREAM_DONE;
	if (rc)
		return rc;
	return reply->streamed ? read_tail(reply, &st, e) : receive_reply(client, id, reply, e);
}

void
ctl_reply_fini(struct ctl_reply *reply)
{
	free(reply->text);
	json_decref(reply->result);
	*reply = (struct ctl_reply){ .text = NULL };
}
