/*
 * conn.c - see conn.h and unixctl.h.
 *
 * One command at a time: the next request is not looked at before the reply is
 * finished and most of it is sent, so a client can make us keep one request and
 * one reply, no more.  A reply is composed straight into the output, because the
 * text of 100,000 flows should not exist twice.
 */
#include "ctl/conn.h"
#include "ctl/peer.h"
#include "ctl/transaction.h"

#include <assert.h>
#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum {
	CONN_READ_MAX = 16 * 1024,	/* bytes a turn */
	CONN_WRITE_MAX = 256 * 1024,	/* bytes a turn */
	CONN_REQUESTS_MAX = 16,		/* a turn */
};

struct unixctl_conn *
conn_new(struct unixctl_server *srv, int fd, size_t max_request,
	 const struct unixctl_access *access)
{
	struct unixctl_conn *conn = calloc(1, sizeof *conn);

	if (!conn) {
		close(fd);
		return NULL;
	}
	conn->srv = srv;
	conn->fd = fd;
	peer_read(fd, &conn->peer);
	conn->may_look = conn->may_change = true;
	if (access) {
		conn->may_change = peer_may_change(fd, &conn->peer, access);
		conn->may_look = conn->may_change || peer_is_in(fd, &conn->peer, access->readers);
	}
	jsonrpc_rx_init(&conn->rx, max_request);
	return conn;
}

struct unixctl_conn *
conn_new_part(struct unixctl_conn *parent, struct transaction *of)
{
	struct unixctl_conn *part = calloc(1, sizeof *part);

	if (!part)
		return NULL;
	part->of = of;
	part->srv = parent->srv;
	part->fd = -1;
	part->state = CONN_BUSY;
	part->peer = parent->peer;
	part->style = parent->style;
	part->may_look = parent->may_look;
	part->may_change = parent->may_change;
	return part;
}

void
conn_free_part(struct unixctl_conn *part)
{
	text_fini(&part->out);
	free(part);
}

void
unixctl_set_undo(struct unixctl_conn *conn, unixctl_undo *undo, void *aux, uint64_t arg)
{
	conn->undo = undo;
	conn->undo_aux = aux;
	conn->undo_arg = arg;
}

bool
conn_may(const struct unixctl_conn *conn, bool reads_only)
{
	return reads_only ? conn->may_look : conn->may_change;
}

bool
unixctl_may_change(const struct unixctl_conn *conn)
{
	return conn_may(conn, false);
}

static size_t
unsent(const struct unixctl_conn *conn)
{
	return conn->out.len - conn->sent;
}

static bool
wants_requests(const struct unixctl_conn *conn)
{
	return conn->fd >= 0 && conn->state == CONN_IDLE && !conn->closing &&
	       unsent(conn) < UNIXCTL_OUT_HIGH;
}

short
conn_events(const struct unixctl_conn *conn)
{
	short events = 0;

	if (wants_requests(conn) && !conn->read_ended)
		events |= POLLIN;
	/* A request that has arrived but not had its turn: the socket is writable,
	 * so poll comes back at once. */
	if (unsent(conn) || (wants_requests(conn) && !conn->rx.dry))
		events |= POLLOUT;
	return events;
}

bool
conn_is_idle(const struct unixctl_conn *conn)
{
	return conn->state == CONN_IDLE;
}

void
conn_close(struct unixctl_conn *conn)
{
	if (conn->fd >= 0)
		close(conn->fd);
	conn->fd = -1;
	text_fini(&conn->out);
	conn->sent = 0;
	jsonrpc_rx_fini(&conn->rx);
}

static void
conn_free(struct unixctl_conn *conn)
{
	conn_close(conn);
	jsonrpc_request_fini(&conn->req);
	free(conn->columns);
	free(conn);
}

void
conn_release(struct unixctl_conn *conn)
{
	conn_close(conn);
	conn->srv = NULL;
	if (conn->state == CONN_IDLE)
		conn_free(conn);
}

int
conn_set_columns(struct unixctl_conn *conn, const char *columns)
{
	char *copy = strdup(columns);

	if (!copy)
		return -ENOMEM;
	free(conn->columns);
	conn->columns = copy;
	conn->style.columns = copy;
	return 0;
}

static void
conn_write(struct unixctl_conn *conn)
{
	size_t n = unsent(conn);
	ssize_t rc;

	if (conn->fd < 0)
		return;
	if (conn->out.failed) {
		/* Half a reply is no reply. */
		conn_close(conn);
		return;
	}
	if (n) {
		rc = send(conn->fd, conn->out.s + conn->sent,
			  n < CONN_WRITE_MAX ? n : CONN_WRITE_MAX, MSG_DONTWAIT | MSG_NOSIGNAL);
		if (rc > 0)
			conn->sent += (size_t)rc;
		else if (rc < 0 && errno != EAGAIN && errno != EINTR)
			conn_close(conn);
	}
	if (!unsent(conn)) {
		text_fini(&conn->out);
		conn->sent = 0;
	} else if (conn->sent >= conn->out.len / 2) {
		memmove(conn->out.s, conn->out.s + conn->sent, unsent(conn));
		conn->out.len -= conn->sent;
		conn->sent = 0;
	}
}

/* Reads once.  What does not fit is left to the kernel. */
static void
conn_read(struct unixctl_conn *conn)
{
	size_t room;
	char *to = jsonrpc_rx_room(&conn->rx, &room);
	ssize_t rc;

	if (!to) {
		/* Full of requests that have not had their turn, or no memory. */
		if (conn->rx.len < conn->rx.max)
			conn_close(conn);
		return;
	}
	rc = recv(conn->fd, to, room < CONN_READ_MAX ? room : CONN_READ_MAX, MSG_DONTWAIT);
	if (rc > 0)
		jsonrpc_rx_added(&conn->rx, (size_t)rc);
	else if (rc == 0)
		conn->read_ended = true;
	else if (errno != EAGAIN && errno != EINTR)
		conn_close(conn);
}

/* Takes the next request and calls its command.  False: there is nothing to do. */
static bool
conn_request(struct unixctl_conn *conn, conn_dispatch_cb *dispatch)
{
	struct err e;
	json_t *msg;
	int rc = jsonrpc_rx_next(&conn->rx, &msg, &e);

	if (rc == -EAGAIN)
		return false;
	if (rc) {
		/* The stream can't be followed any further. */
		jsonrpc_put_error(&conn->out, NULL, e.msg);
		conn->closing = true;
		return false;
	}
	if (jsonrpc_request_parse(&conn->req, msg, &e)) {
		jsonrpc_put_error(&conn->out, conn->req.id, e.msg);
		jsonrpc_request_fini(&conn->req);
		return true;
	}
	conn->state = CONN_BUSY;
	dispatch(conn->srv, conn);
	return true;
}

void
conn_run(struct unixctl_conn *conn, short revents, conn_dispatch_cb *dispatch)
{
	int n;

	assert(conn->srv);
	if (revents & POLLOUT)
		conn_write(conn);
	if (revents & POLLIN && wants_requests(conn))
		conn_read(conn);
	for (n = 0; n < CONN_REQUESTS_MAX && wants_requests(conn); n++)
		if (!conn_request(conn, dispatch))
			break;
	conn_write(conn);
	if (conn->fd < 0)
		return;
	/* Both directions are shut: nobody waits for what is being done. */
	if (revents & (POLLHUP | POLLERR | POLLNVAL) && conn->state != CONN_IDLE)
		conn_close(conn);
	else if (conn->state == CONN_IDLE && !unsent(conn) &&
		 (conn->closing || (conn->read_ended && conn->rx.dry)))
		conn_close(conn);
}

bool
unixctl_client_gone(const struct unixctl_conn *conn)
{
	return conn->of ? transaction_gone(conn->of) : conn->fd < 0;
}

struct unixctl_peer
unixctl_peer(const struct unixctl_conn *conn)
{
	return conn->peer;
}

const struct table_style *
unixctl_style(const struct unixctl_conn *conn)
{
	return &conn->style;
}

size_t
unixctl_reply_room(const struct unixctl_conn *conn)
{
	if (conn->of && !transaction_gone(conn->of))
		return UNIXCTL_OUT_HIGH;
	if (conn->fd < 0)
		return SIZE_MAX;
	return unsent(conn) < UNIXCTL_OUT_HIGH ? UNIXCTL_OUT_HIGH - unsent(conn) : 0;
}

/* The command is done: the connection is the server's again, or nobody's. */
static void
finish(struct unixctl_conn *conn)
{
	conn->state = CONN_IDLE;
	if (conn->of) {
		transaction_replied(conn->of, conn);
		return;
	}
	jsonrpc_request_fini(&conn->req);
	if (!conn->srv)
		conn_free(conn);
	else
		conn_write(conn);
}

/* OVS's newer clients wrap text so that -f json always gives a document. */
static bool
is_wrapped(const struct unixctl_conn *conn)
{
	return conn->kind == UNIXCTL_TEXT && conn->style.format == TABLE_JSON;
}

void
unixctl_reply_begin(struct unixctl_conn *conn, enum unixctl_kind kind)
{
	assert(conn->state == CONN_BUSY);
	conn->state = CONN_REPLYING;
	conn->kind = kind;
	conn->last = '\0';
	if (conn->fd < 0)
		return;
	jsonrpc_put_id(&conn->out, conn->req.id);
	text_puts(&conn->out, "\"result\":");
	if (is_wrapped(conn))
		text_puts(&conn->out, "{\"reply-format\":\"plain\",\"reply\":");
	if (kind != UNIXCTL_JSON)
		text_puts(&conn->out, "\"");
}

void
unixctl_reply_part(struct unixctl_conn *conn, const char *s, size_t n)
{
	assert(conn->state == CONN_REPLYING);
	if ((conn->fd < 0 && !conn->of) || !n)
		return;
	conn->last = s[n - 1];
	if (conn->kind == UNIXCTL_JSON || conn->of)
		text_put(&conn->out, s, n);
	else
		text_put_json(&conn->out, s, n);
}

/* Closes what unixctl_reply_begin() opened. */
static void
end_result(struct unixctl_conn *conn)
{
	if (conn->kind != UNIXCTL_JSON)
		text_puts(&conn->out, conn->last && conn->last != '\n' ? "\\n\"" : "\"");
	if (is_wrapped(conn))
		text_puts(&conn->out, "}");
}

void
unixctl_reply_end(struct unixctl_conn *conn)
{
	assert(conn->state == CONN_REPLYING);
	if (conn->fd >= 0) {
		end_result(conn);
		text_puts(&conn->out, ",\"error\":null}");
	}
	finish(conn);
}

void
unixctl_reply_fail(struct unixctl_conn *conn, const char *text)
{
	assert(conn->state == CONN_REPLYING);
	conn->failed = true;
	if (conn->of) {
		conn->out.len = 0;
		text_puts(&conn->out, text);
	} else if (conn->fd >= 0) {
		end_result(conn);
		text_puts(&conn->out, ",\"error\":\"");
		text_put_json(&conn->out, text, strlen(text));
		text_puts(&conn->out, "\\n\"}");
	}
	finish(conn);
}

void
unixctl_reply(struct unixctl_conn *conn, const char *text)
{
	unixctl_reply_begin(conn, UNIXCTL_TEXT);
	unixctl_reply_part(conn, text, strlen(text));
	unixctl_reply_end(conn);
}

void
unixctl_reply_error(struct unixctl_conn *conn, const char *text)
{
	assert(conn->state == CONN_BUSY);
	conn->failed = true;
	if (conn->of)
		text_puts(&conn->out, text);
	else if (conn->fd >= 0)
		jsonrpc_put_error(&conn->out, conn->req.id, text);
	finish(conn);
}

void
unixctl_reply_errorf(struct unixctl_conn *conn, const char *fmt, ...)
{
	char *text;
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vasprintf(&text, fmt, ap);
	va_end(ap);
	unixctl_reply_error(conn, n < 0 ? "out of memory" : text);
	if (n >= 0)
		free(text);
}

void
unixctl_reply_table(struct unixctl_conn *conn, const struct table *t)
{
	struct text text = TEXT_EMPTY;
	struct err e;

	if (table_render(t, &conn->style, &text, &e)) {
		unixctl_reply_error(conn, e.msg);
	} else {
		unixctl_reply_begin(conn,
				    conn->style.format == TABLE_JSON ? UNIXCTL_JSON : UNIXCTL_TEXT);
		unixctl_reply_part(conn, text.s ? text.s : "", text.len);
		unixctl_reply_end(conn);
	}
	text_fini(&text);
}
