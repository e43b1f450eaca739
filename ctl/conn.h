/*
 * conn.h - one client of the control socket.
 *
 * Owned by the server until the client is gone, then by the command that has
 * not replied yet, if there is one.  Control thread only.  The public half of
 * what conn.c exports is in unixctl.h.
 */
#ifndef LEAT_CTL_CONN_H
#define LEAT_CTL_CONN_H

#include "ctl/jsonrpc.h"
#include "ctl/unixctl.h"

enum conn_state {
	CONN_IDLE,	/* waits for a request */
	CONN_BUSY,	/* a command is at work */
	CONN_REPLYING,	/* it has begun its reply */
};

struct transaction;

struct unixctl_conn {
	struct unixctl_server *srv;	/* NULL once the server does not know it */
	int fd;				/* -1 once the client is gone */
	enum conn_state state;
	bool read_ended;		/* the client will send no more */
	bool closing;			/* close when all is sent */
	struct unixctl_peer peer;
	bool may_look, may_change;
	struct jsonrpc_rx rx;
	struct jsonrpc_request req;	/* of the command at work */
	struct text out;
	size_t sent;			/* bytes of `out` */
	enum unixctl_kind kind;		/* of the reply that is begun */
	char last;			/* byte of it */
	uint64_t last_used;		/* the server's turn */
	struct table_style style;
	char *columns;			/* what style.columns points to */
	struct unixctl_conn *next_waiting;	/* for the end of a transaction */

	/* of a transaction's command only */
	struct transaction *of;
	bool failed;			/* `out` says why */
	unixctl_undo *undo;
	void *undo_aux;
	uint64_t undo_arg;
};

/* Called with each request while state is CONN_BUSY: command.c. */
typedef void conn_dispatch_cb(struct unixctl_server *srv, struct unixctl_conn *conn);

/*
 * Takes `fd` over, which is non-blocking; `access` NULL: all is allowed.  NULL if memory ran
 * out; `fd` is then closed.
 */
struct unixctl_conn *conn_new(struct unixctl_server *srv, int fd, size_t max_request,
			      const struct unixctl_access *access);

/* A client that is a part of `parent`'s transaction: its reply is kept in `out`.  NULL: no
 * memory. */
struct unixctl_conn *conn_new_part(struct unixctl_conn *parent, struct transaction *of);
void conn_free_part(struct unixctl_conn *part);

/* Whether the client is allowed a command. */
bool conn_may(const struct unixctl_conn *conn, bool reads_only);

/* What to wait for on conn->fd; 0: only its end. */
short conn_events(const struct unixctl_conn *conn);

/* Does what `revents` allows, in bounded steps, and calls `dispatch` for requests. */
void conn_run(struct unixctl_conn *conn, short revents, conn_dispatch_cb *dispatch);

/* Whether it may be closed to make place for another client. */
bool conn_is_idle(const struct unixctl_conn *conn);

/* Closes the client's end.  It is still to be released. */
void conn_close(struct unixctl_conn *conn);

/* The server gives it up: it is freed now, or when its command has replied. */
void conn_release(struct unixctl_conn *conn);

/* Answers with the style set by `set-options`.  Returns 0, or a negative errno. */
int conn_set_columns(struct unixctl_conn *conn, const char *columns);

#endif
