/*
 * unixctl.h - the control socket of a daemon: OVS's unixctl protocol, served.
 *
 * JSON-RPC 1.0 on a UNIX stream socket; `ovs-appctl -t PATH COMMAND` speaks to
 * it as leatctl does.  The server is owned by the program's control thread, and
 * every function here is called by that thread.  Nothing blocks: the thread
 * polls the server's descriptors among its own and calls unixctl_server_run().
 *
 *	n = unixctl_server_fds(srv, fds, UNIXCTL_MAX_FDS);
 *	poll(fds, n, timeout);
 *	unixctl_server_run(srv);
 *
 * A client has one command at work at a time; what it sends behind it waits.  A
 * client that is slow, silent, half through a request or gone costs the others
 * nothing: at most UNIXCTL_MAX_CLIENTS are served, and when more come the one
 * that has been quiet the longest is let go.
 *
 * Every server has the commands list-commands, help, version and set-options.
 * The last sets how tables are shown on this connection: --format
 * text|table|list|json|csv, --columns a,b, --no-headings.  `transaction` runs several as one
 * (transaction.h).
 */
#ifndef LEAT_CTL_UNIXCTL_H
#define LEAT_CTL_UNIXCTL_H

#include <poll.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "ctl/table.h"
#include "datapath/err.h"

enum {
	UNIXCTL_MAX_CLIENTS = 64,
	UNIXCTL_MAX_FDS = UNIXCTL_MAX_CLIENTS + 1,
	UNIXCTL_MAX_REQUEST = 64 * 1024,	/* bytes, unless set otherwise */
	UNIXCTL_OUT_HIGH = 256 * 1024,		/* bytes not yet sent: see unixctl_reply_room */
};

struct unixctl_server;
struct unixctl_conn;

/* Who is at the other end (SO_PEERCRED, as it was at connect). */
struct unixctl_peer {
	pid_t pid;
	uid_t uid;
	gid_t gid;
};

/*
 * Who may ask for what, by what the kernel says of the peer at connect (SO_PEERCRED,
 * SO_PEERGROUPS).  Root and the daemon's own user may all; (gid_t)-1: there is no such group.
 */
struct unixctl_access {
	gid_t group;		/* may all */
	gid_t readers;		/* may what only reads */
};

/*
 * A command.  argv[0] is its name, argv[1..argc-1] its parameters, all UTF-8;
 * they live until the reply is finished.  The callback replies, now or later:
 * every call is answered exactly once, by one of the unixctl_reply functions.
 * Until then `conn` is valid, even if its client leaves or the server is freed;
 * afterwards it is not the command's any more.
 */
typedef void unixctl_cb(struct unixctl_conn *conn, int argc, const char *argv[], void *aux);

/*
 * Listens at `path`, with the file mode `mode` whatever the umask is.  A stale
 * socket is replaced.  Returns 0 and the server in `*srv`; -EADDRINUSE if a
 * living process listens there or the file is no socket; another negative errno.
 */
int unixctl_server_create(const char *path, mode_t mode, struct unixctl_server **srv,
			  struct err *e);

/*
 * Sends what can be sent at once (the reply to `exit`), closes all connections
 * and removes the socket.  Commands that have not replied yet still have to.
 * Not from within a command.
 */
void unixctl_server_free(struct unixctl_server *srv);

/* What `version` answers, copied: "leatd (Leat) 0.1.0".  Returns 0 or -ENOMEM. */
int unixctl_server_set_version(struct unixctl_server *srv, const char *version);

/*
 * Gives the socket to access->group, and opens it to everyone where there are readers, and
 * checks the peers of connections that come from now on.  Without this call whoever the
 * socket's mode lets in may all.  Returns 0, or a negative errno of chown or chmod.
 */
int unixctl_server_set_access(struct unixctl_server *srv, const struct unixctl_access *access,
			      struct err *e);

/* The largest request in bytes, for connections that come from now on. */
void unixctl_server_set_max_request(struct unixctl_server *srv, size_t max);

/*
 * Fills at most `n` of `fds`, with what to wait for, and returns how many it
 * filled; `n` = UNIXCTL_MAX_FDS is always enough.
 */
size_t unixctl_server_fds(const struct unixctl_server *srv, struct pollfd *fds, size_t n);

/*
 * Does what can be done now, in bounded steps: accepts, reads, calls commands,
 * sends.  It asks the kernel itself what is ready, so it may be called at any time.
 */
void unixctl_server_run(struct unixctl_server *srv);

/*
 * Adds a command, `flow/list` by its name.  `usage` describes its parameters
 * ("[FILTER]"), `help` says in one line what it does; the three strings are
 * borrowed for the server's life.  It is called with `min_args` to `max_args`
 * parameters, INT_MAX for any number.  Returns 0; -EEXIST if there is one of
 * this name (a built-in one is replaced); -ENOMEM.
 */
int unixctl_command_register(struct unixctl_server *srv, const char *name, const char *usage,
			     const char *help, int min_args, int max_args, unixctl_cb *cb,
			     void *aux);

/* Says that the command `name` changes nothing: readers may ask for it. */
void unixctl_command_reads_only(struct unixctl_server *srv, const char *name);

/* Finishes the command with `text`; a new line is put at its end if it has none. */
void unixctl_reply(struct unixctl_conn *conn, const char *text);

/* Finishes the command as failed, `text` says why. */
void unixctl_reply_error(struct unixctl_conn *conn, const char *text);
void unixctl_reply_errorf(struct unixctl_conn *conn, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));

/* Finishes the command with `t`, shown as the client has asked for, or with an
 * error if it has asked for columns that `t` has not.  `t` stays the caller's. */
void unixctl_reply_table(struct unixctl_conn *conn, const struct table *t);

/*
 * A reply in parts: begin, any number of parts, end.  What is begun as
 * UNIXCTL_JSON is one JSON document in all; a part of UNIXCTL_TEXT ends where a
 * UTF-8 character ends.
 *
 * Parts are kept until the client takes them.  unixctl_reply_room() says how
 * many bytes are left up to UNIXCTL_OUT_HIGH: a producer stops at 0 and goes on
 * after a later unixctl_server_run().  It is SIZE_MAX once the client is gone:
 * parts then cost nothing, and the sooner the end comes the better.
 */
enum unixctl_kind {
	UNIXCTL_TEXT,
	UNIXCTL_JSON,
	UNIXCTL_LINES,	/* text that is JSON by lines: left as it is where JSON is asked for */
};

void unixctl_reply_begin(struct unixctl_conn *conn, enum unixctl_kind kind);
void unixctl_reply_part(struct unixctl_conn *conn, const char *s, size_t n);
size_t unixctl_reply_room(const struct unixctl_conn *conn);
void unixctl_reply_end(struct unixctl_conn *conn);

/* Ends a reply that was begun as failed: what there is of it is not all.  `text` says why. */
void unixctl_reply_fail(struct unixctl_conn *conn, const char *text);

/*
 * How a command is undone that was part of a transaction of which a later part failed.  Said
 * before the command replies; ignored where there is no transaction.  `aux` outlives the
 * server.
 */
typedef void unixctl_undo(void *aux, uint64_t arg);
void unixctl_set_undo(struct unixctl_conn *conn, unixctl_undo *undo, void *aux, uint64_t arg);

/* Whether nobody will read the reply any more. */
bool unixctl_client_gone(const struct unixctl_conn *conn);

/* Is it one that may change things, and not only ask? */
bool unixctl_may_change(const struct unixctl_conn *conn);

struct unixctl_peer unixctl_peer(const struct unixctl_conn *conn);

/* How this client wants tables; valid as long as `conn`. */
const struct table_style *unixctl_style(const struct unixctl_conn *conn);

#endif
