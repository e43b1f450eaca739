/*
 * ctl_server.h - a control socket with test commands, and raw clients of it.
 *
 * Server and clients are in one thread: a client writes, the server has its turn,
 * the client reads.  Nothing waits, so no test depends on time.
 */
#ifndef LEAT_TESTS_UNIT_CTL_SERVER_H
#define LEAT_TESTS_UNIT_CTL_SERVER_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "ctl/unixctl.h"

enum { BIG_REPLY = 4 * 1024 * 1024 };

struct ctl_server {
	char folder[64], path[96];
	struct unixctl_server *srv;
	struct unixctl_conn *deferred; /* of the last test/later */
	int n_called;		       /* how often test/echo was */
};

/*
 * Serves in a folder of its own: test/echo [TEXT], test/later (replied to by the
 * test), test/fail, test/big (BIG_REPLY bytes), test/rows (a table), test/whoami.
 */
void set_up(struct ctl_server *f);
void tear_down(struct ctl_server *f);

/* Gives the server `n` turns; a client is accepted, read and answered in 3. */
void turns(struct ctl_server *f, int n);

/* A socket connected to `path`, non-blocking. */
int connect_raw(const char *path);

/* Writes `s` at once. */
void put(int fd, const char *s);

/* Reads what is there.  Returns the bytes' number, with a NUL behind; -1 if the
 * server has closed and nothing is left. */
ssize_t get(int fd, char *buf, size_t size);

bool is_closed(int fd);

/* Sends a request, gives the server turns, and expects this and only this. */
void expect(struct ctl_server *f, int fd, const char *request, const char *reply);

#endif
