/*
 * jsonrpc.h - the messages of unixctl: JSON-RPC 1.0, unframed, on a byte stream.
 *
 * Both ends use it: struct jsonrpc_rx finds where a message ends in what has
 * arrived so far, the rest reads and writes the three kinds of messages.  Owned
 * by one connection; no thread but its owner's may touch it.
 *
 *	{"id":0,"method":"flow/show","params":["--all"]}
 *	{"id":0,"result":"text\n","error":null}
 *	{"id":0,"result":null,"error":"text\n"}
 */
#ifndef LEAT_CTL_JSONRPC_H
#define LEAT_CTL_JSONRPC_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

#include "ctl/text.h"
#include "datapath/err.h"

/* Bytes that have arrived, and how far they were looked at.  Each byte is looked
 * at once, however it is split: a peer that sends single bytes costs no more. */
struct jsonrpc_rx {
	char *buf;
	size_t cap, max;	/* allocated; the largest message accepted */
	size_t start, len;	/* the first byte not consumed; the end */
	size_t scanned;		/* start <= scanned <= len */
	size_t depth;		/* of brackets open at `scanned` */
	bool in_string, escaped;
	bool dry;		/* nothing new since jsonrpc_rx_next said -EAGAIN */
};

/* `max`: the largest message in bytes, all memory that will ever be used. */
void jsonrpc_rx_init(struct jsonrpc_rx *rx, size_t max);
void jsonrpc_rx_fini(struct jsonrpc_rx *rx);

/*
 * Where to read to: returns the place and sets `*room` to its size, at least 1.
 * NULL if a message of `max` bytes is there and not finished (jsonrpc_rx_next
 * says so), or if memory ran out.  jsonrpc_rx_added() tells what was written.
 */
char *jsonrpc_rx_room(struct jsonrpc_rx *rx, size_t *room);
void jsonrpc_rx_added(struct jsonrpc_rx *rx, size_t n);

/* Takes `n` bytes that jsonrpc_rx_next() has not looked at, for a reader of its own. */
void jsonrpc_rx_take(struct jsonrpc_rx *rx, size_t n);

/*
 * Takes the next message.  Returns 0 and a reference in `*msg`; -EAGAIN if it is
 * not complete yet; -EMSGSIZE if it is larger than `max`; -EBADMSG if it is no
 * JSON object.  After the last two the stream can't be read on.
 */
int jsonrpc_rx_next(struct jsonrpc_rx *rx, json_t **msg, struct err *e);

struct jsonrpc_request {
	json_t *msg;		/* owns all below */
	json_t *id;		/* borrowed; NULL if there is none to answer to */
	int argc;		/* at least 1 */
	const char **argv;	/* the method, then the parameters; NULL at the end */
};

/*
 * Reads `msg`, whose reference it takes.  Returns 0, or -EBADMSG if it is no
 * request; `req->id` is then what an error should be sent to.  In either case
 * jsonrpc_request_fini() gives all back.
 */
int jsonrpc_request_parse(struct jsonrpc_request *req, json_t *msg, struct err *e);
void jsonrpc_request_fini(struct jsonrpc_request *req);

/*
 * Appends a request.  Returns 0, or -EINVAL and says which of `argv` is not
 * UTF-8, -ENOMEM.
 */
int jsonrpc_put_request(struct text *out, int id, const char *method, int argc,
			const char *const argv[], struct err *e);

/* Appends `{"id":ID,` with null for a NULL `id`: the begin of every reply. */
void jsonrpc_put_id(struct text *out, const json_t *id);

/* Appends an error reply.  A new line is put at the text's end if it has none. */
void jsonrpc_put_error(struct text *out, const json_t *id, const char *error);

#endif
