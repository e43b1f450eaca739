/*
 * session.h - leatctl's side of a call: options, one request, what is shown of its answer.
 *
 * leatctl's own, one thread.  It says on standard error what goes wrong.
 */
#ifndef LEAT_CTL_SESSION_H
#define LEAT_CTL_SESSION_H

#include <jansson.h>
#include <stdbool.h>

#include "ctl/stream.h"
#include "datapath/err.h"

#ifndef LEAT_VERSION
#define LEAT_VERSION "unknown"
#endif

enum {
	EXIT_OK = 0,
	EXIT_FAILED = 1,	/* the command failed, or could not be sent */
	EXIT_USAGE = 2,
	EXIT_GAPS = 3,		/* flow follow --raw: bytes were missing */
};

struct options {
	char socket[4096];
	const char *format;	/* NULL: not asked for */
	const char *columns;
	bool no_headings;
	int timeout_ms;		/* -1: for ever */
};

/* What to ask: a method and its parameters, which are the program's arguments. */
struct request {
	char method[256];
	int argc;
	const char *const *argv;
	bool *said;		/* out, may be NULL: the answer was not empty */
};

/* "leatctl: ..." on standard error. */
void complain(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

/* Asks in `format` (NULL: text); the answer goes to `sink`.  Returns the exit status. */
int session_stream(const struct options *o, const char *format, const struct request *r,
		   ctl_sink *sink, void *aux);

/* Asks and shows the answer.  Returns the exit status. */
int session_ask(const struct options *o, const struct request *r);

/* The daemon's own list: {command, usage, help} each.  NULL, with `e`, if it can't be had. */
json_t *session_commands(const struct options *o, int timeout_ms, struct err *e);

/*
 * Asks for JSON.  0 and *answer, a document whose reference is the caller's; -EINVAL if the daemon
 * refuses the command, else that it can't be had.
 */
int session_document(const struct options *o, const struct request *r, json_t **answer,
		     struct err *e);

/* A string of one of these; "" where there is none. */
const char *session_string(const json_t *command, const char *key);

#endif
