/*
 * unixctl.c - see unixctl.h.
 *
 * The server: its socket, its clients, its turn.
 */
#include "ctl/unixctl.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "ctl/command.h"
#include "ctl/conn.h"
#include "ctl/listen.h"

enum { ACCEPTS_MAX = 16 };	/* a turn */

struct unixctl_server {
	struct ctl_listener listener;
	struct commands commands;
	char *version;
	size_t max_request;
	struct unixctl_access access;
	bool has_access;
	uint64_t turn;
	bool accept_failed;	/* for want of descriptors or memory: not again this turn */
	bool running;
	size_t n_conns;
	struct unixctl_conn *conns[UNIXCTL_MAX_CLIENTS];
};

static void
show_version(struct unixctl_conn *conn, int argc, const char *argv[], void *aux)
{
	const struct unixctl_server *srv = aux;

	(void)argc;
	(void)argv;
	unixctl_reply(conn, srv->version ? srv->version : "unknown");
}

int
unixctl_server_create(const char *path, mode_t mode, struct unixctl_server **srvp, struct err *e)
{
	struct unixctl_server *srv = calloc(1, sizeof *srv);
	const struct command version = {
		.name = "version",
		.usage = "",
		.help = "Say the program's version.",
		.cb = show_version,
		.aux = srv,
		.built_in = true,
		.reads_only = true,
	};
	int rc;

	*srvp = NULL;
	if (!srv)
		return err_set(e, -ENOMEM, "out of memory");
	srv->listener.fd = -1;
	srv->max_request = UNIXCTL_MAX_REQUEST;
	rc = commands_add_built_in(&srv->commands);
	if (!rc)
		rc = commands_add(&srv->commands, &version);
	if (rc)
		err_set(e, rc, "out of memory");
	else
		rc = ctl_listener_open(&srv->listener, path, mode, e);
	if (rc) {
		unixctl_server_free(srv);
		return rc;
	}
	*srvp = srv;
	return 0;
}

void
unixctl_server_free(struct unixctl_server *srv)
{
	if (!srv)
		return;
	assert(!srv->running);
	while (srv->n_conns)
		conn_release(srv->conns[--srv->n_conns]);
	ctl_listener_close(&srv->listener);
	commands_fini(&srv->commands);
	free(srv->version);
	free(srv);
}

int
unixctl_server_set_version(struct unixctl_server *srv, const char *version)
{
	char *copy = strdup(version);

	if (!copy)
		return -ENOMEM;
	free(srv->version);
	srv->version = copy;
	return 0;
}

void
unixctl_server_set_max_request(struct unixctl_server *srv, size_t max)
{
	srv->max_request = max;
}

int
unixctl_server_set_access(struct unixctl_server *srv, const struct unixctl_access *access,
			  struct err *e)
{
	const char *path = srv->listener.path;

	if (chown(path, (uid_t)-1, access->group) < 0)
		return err_set(e, -errno, "cannot give %s to group %ld: %s", path,
			       (long)access->group, strerror(errno));
	/* Readers are told apart from strangers by who they are, not by the file's mode. */
	if (access->readers != (gid_t)-1 && chmod(path, 0666) < 0)
		return err_set(e, -errno, "cannot open %s to its readers: %s", path,
			       strerror(errno));
	srv->access = *access;
	srv->has_access = true;
	return 0;
}

void
unixctl_command_reads_only(struct unixctl_server *srv, const char *name)
{
	struct command *command = commands_find(&srv->commands, name);

	assert(command);
	command->reads_only = true;
}

int
unixctl_command_register(struct unixctl_server *srv, const char *name, const char *usage,
			 const char *help, int min_args, int max_args, unixctl_cb *cb, void *aux)
{
	const struct command command = { .name = name,
					 .usage = usage,
					 .help = help,
					 .min_args = min_args,
					 .max_args = max_args,
					 .cb = cb,
					 .aux = aux };

	return commands_add(&srv->commands, &command);
}

/* The one that has been quiet the longest, among those that can be let go. */
static struct unixctl_conn *
quietest(const struct unixctl_server *srv)
{
	struct unixctl_conn *found = NULL;
	size_t i;

	for (i = 0; i < srv->n_conns; i++) {
		struct unixctl_conn *conn = srv->conns[i];

		if (conn_is_idle(conn) && (!found || conn->last_used < found->last_used))
			found = conn;
	}
	return found;
}

size_t
unixctl_server_fds(const struct unixctl_server *srv, struct pollfd *fds, size_t n)
{
	bool accepts = !srv->accept_failed && (srv->n_conns < UNIXCTL_MAX_CLIENTS || quietest(srv));
	size_t i;

	if (!n)
		return 0;
	fds[0] = (struct pollfd){ .fd = srv->listener.fd, .events = accepts ? POLLIN : 0 };
	for (i = 0; i < srv->n_conns && i + 1 < n; i++)
		fds[i + 1] = (struct pollfd){ .fd = srv->conns[i]->fd,
					      .events = conn_events(srv->conns[i]) };
	return i + 1;
}

static void
dispatch(struct unixctl_server *srv, struct unixctl_conn *conn)
{
	commands_call(&srv->commands, conn);
}

/* Gives up the connections that are closed. */
static void
reap(struct unixctl_server *srv)
{
	size_t i, kept = 0;

	for (i = 0; i < srv->n_conns; i++) {
		if (srv->conns[i]->fd < 0)
			conn_release(srv->conns[i]);
		else
			srv->conns[kept++] = srv->conns[i];
	}
	srv->n_conns = kept;
}

static void
accept_some(struct unixctl_server *srv)
{
	int n;

	for (n = 0; n < ACCEPTS_MAX; n++) {
		struct unixctl_conn *conn;
		int fd;

		if (srv->n_conns == UNIXCTL_MAX_CLIENTS && !quietest(srv))
			return;
		fd = accept4(srv->listener.fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
		if (fd < 0) {
			srv->accept_failed = errno != EAGAIN && errno != EINTR &&
					     errno != ECONNABORTED;
			return;
		}
		if (srv->n_conns == UNIXCTL_MAX_CLIENTS) {
			conn_close(quietest(srv));
			reap(srv);
		}
		conn = conn_new(srv, fd, srv->max_request, srv->has_access ? &srv->access : NULL);
		if (!conn)
			return;
		conn->last_used = srv->turn;
		srv->conns[srv->n_conns++] = conn;
	}
}

void
unixctl_server_run(struct unixctl_server *srv)
{
	struct pollfd fds[UNIXCTL_MAX_FDS];
	size_t i, n;

	assert(!srv->running);
	srv->running = true;
	srv->turn++;
	srv->accept_failed = false;
	reap(srv);
	n = unixctl_server_fds(srv, fds, UNIXCTL_MAX_FDS);
	if (poll(fds, (nfds_t)n, 0) > 0) {
		for (i = 1; i < n; i++) {
			if (!fds[i].revents)
				continue;
			srv->conns[i - 1]->last_used = srv->turn;
			conn_run(srv->conns[i - 1], fds[i].revents, dispatch);
		}
		if (fds[0].revents)
			accept_some(srv);
	}
	reap(srv);
	srv->running = false;
}
