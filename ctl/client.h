/*
 * client.h - the other end of the control socket: connect, call, read the reply.
 *
 * Blocking, with one deadline for all it does.  Owned by its caller, one thread.
 */
#ifndef LEAT_CTL_CLIENT_H
#define LEAT_CTL_CLIENT_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

#include "ctl/stream.h"
#include "datapath/err.h"

struct ctl_client;

struct ctl_reply {
	bool failed;		/* the daemon says the command failed */
	char *text;		/* what it says, to be shown; not escaped for a terminal */
	size_t len;
	json_t *result;		/* the same as it came: a string, or a document */
	bool streamed;		/* the sink had it: text and result are NULL */
};

/*
 * Where the daemon `instance` ("leat") listens: FOLDER/INSTANCE.ctl, with FOLDER
 * from $LEAT_RUNDIR or else as configured.  Both ends use it.  Returns 0, or
 * -EINVAL if `instance` is no name of 1 to 32 letters, digits, `_`, `.`, `-`;
 * -ENAMETOOLONG.
 */
int ctl_socket_path(const char *instance, char *path, size_t size, struct err *e);

/*
 * Connects to the socket at `path`.  `timeout_ms` from now all calls on this
 * client give up; -1: never.  Returns 0 and the client in `*client`; -ETIMEDOUT;
 * -ENOENT or -ECONNREFUSED if nobody listens there; another negative errno.
 */
int ctl_client_open(const char *path, int timeout_ms, struct ctl_client **client, struct err *e);
void ctl_client_close(struct ctl_client *client);

/*
 * Calls the command `method` with `argc` parameters and waits for its reply.
 * Returns 0 when there is one, also one that says `failed`; ctl_reply_fini()
 * frees it.  -EINVAL: a parameter is not UTF-8; -ETIMEDOUT; -EPIPE: the daemon
 * closed the connection; -EPROTO: what came is no reply.  After an error but
 * -EINVAL the client is of no more use.
 */
int ctl_client_call(struct ctl_client *client, const char *method, int argc,
		    const char *const argv[], struct ctl_reply *reply, struct err *e);

/*
 * As ctl_client_call(), but a result that can be read as it comes goes to `sink`, which may
 * see much more than fits into memory, and for as long as the command goes on.  -EIO: it refused.
 */
int ctl_client_stream(struct ctl_client *client, const char *method, int argc,
		      const char *const argv[], ctl_sink *sink, void *aux, struct ctl_reply *reply,
		      struct err *e);
void ctl_reply_fini(struct ctl_reply *reply);

#endif
