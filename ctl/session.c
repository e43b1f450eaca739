/*
 * session.c - see session.h.
 */
#include "ctl/session.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "ctl/client.h"
#include "ctl/text.h"

enum { N_SET_OPTIONS = 5 };	/* parameters of set-options at most */

void
complain(const char *fmt, ...)
{
	va_list ap;

	fputs("leatctl: ", stderr);
	va_start(ap, fmt);
	vfprintf(stderr, fmt, ap);
	va_end(ap);
	fputs("\n", stderr);
}

/* Connects, and says how tables are to be shown if `format` or the others differ
 * from what a connection begins with. */
static int
connect_daemon(const struct options *o, const char *format, int timeout_ms,
	       struct ctl_client **client, struct err *e)
{
	const char *argv[N_SET_OPTIONS];
	struct ctl_reply reply;
	int argc = 0;
	int rc;

	if (format) {
		argv[argc++] = "--format";
		argv[argc++] = format;
	}
	if (o->columns) {
		argv[argc++] = "--columns";
		argv[argc++] = o->columns;
	}
	if (o->no_headings)
		argv[argc++] = "--no-headings";
	rc = ctl_client_open(o->socket, timeout_ms, client, e);
	if (rc || !argc)
		return rc;
	rc = ctl_client_call(*client, "set-options", argc, argv, &reply, e);
	if (!rc && reply.failed) {
		reply.text[strcspn(reply.text, "\n")] = '\0';
		rc = err_set(e, -EINVAL, "%s", reply.text);
	}
	ctl_reply_fini(&reply);
	if (rc) {
		ctl_client_close(*client);
		*client = NULL;
	}
	return rc;
}

/* Shows text; on a terminal without what could harm it.  Returns whether it got
 * out. */
static bool
show(FILE *to, const char *s, size_t len)
{
	struct text safe = TEXT_EMPTY;
	bool done;

	if (isatty(fileno(to)))
		text_put_screen(&safe, s, len);
	else
		text_put(&safe, s, len);
	done = !safe.failed && fwrite(safe.s, 1, safe.len, to) == safe.len && fflush(to) == 0;
	text_fini(&safe);
	return done;
}

/* An error of the daemon's: of one line, or a list that speaks for itself. */
static void
show_error(const struct ctl_reply *reply)
{
	const char *newline = memchr(reply->text, '\n', reply->len);

	if (!newline || newline == reply->text + reply->len - 1)
		fputs("leatctl: ", stderr);
	show(stderr, reply->text, reply->len);
	if (!newline)
		fputs("\n", stderr);
}

static bool
show_part(void *aux, const char *s, size_t n)
{
	*(bool *)aux |= n > 0;
	return show(stdout, s, n);
}

/* A text may come as a document, too. */
static bool
says_something(const struct ctl_reply *reply)
{
	const char *s = json_string_value(json_object_get(reply->result, "reply"));

	return s ? *s != '\0' : reply->len > 0;
}

/* Asks; sets *said, if it is not NULL, where the answer was whole: there was something in it. */
static int
ask(const struct options *o, const char *format, const struct request *r, ctl_sink *sink, void *aux,
    bool *said)
{
	struct ctl_client *client;
	struct ctl_reply reply;
	struct err e;
	int status = EXIT_OK;

	if (connect_daemon(o, format, o->timeout_ms, &client, &e)) {
		complain("%s", e.msg);
		return EXIT_FAILED;
	}
	if (ctl_client_stream(client, r->method, r->argc, r->argv, sink, aux, &reply, &e)) {
		complain("%s", e.msg);
		status = EXIT_FAILED;
	} else if (reply.failed) {
		show_error(&reply);
		status = EXIT_FAILED;
	} else if (!reply.streamed && !sink(aux, reply.text, reply.len)) {
		complain("cannot write the output: %s", strerror(errno));
		status = EXIT_FAILED;
	}
	if (said && !reply.streamed)
		*said = says_something(&reply);
	ctl_reply_fini(&reply);
	ctl_client_close(client);
	return status;
}

int
session_stream(const struct options *o, const char *format, const struct request *r, ctl_sink *sink,
	       void *aux)
{
	return ask(o, format, r, sink, aux, NULL);
}

int
session_ask(const struct options *o, const struct request *r)
{
	bool said = false;
	int status = ask(o, o->format, r, show_part, &said, &said);

	if (r->said)
		*r->said = said;
	return status;
}

int
session_document(const struct options *o, const struct request *r, json_t **answer, struct err *e)
{
	struct options plain = *o;
	struct ctl_client *client;
	struct ctl_reply reply;
	int rc;

	*answer = NULL;
	plain.columns = NULL;
	rc = connect_daemon(&plain, "json", o->timeout_ms, &client, e);
	if (rc)
		return rc;
	rc = ctl_client_call(client, r->method, r->argc, r->argv, &reply, e);
	if (!rc && reply.failed)
		rc = err_set(e, -EINVAL, "%.900s", reply.text);
	else if (!rc)
		*answer = json_incref(reply.result);
	ctl_reply_fini(&reply);
	ctl_client_close(client);
	return rc;
}

json_t *
session_commands(const struct options *o, int timeout_ms, struct err *e)
{
	struct options soon = *o;
	json_t *list;

	soon.timeout_ms = timeout_ms;
	if (session_document(&soon, &(struct request){ .method = "list-commands" }, &list, e))
		return NULL;
	if (json_is_array(list))
		return list;
	json_decref(list);
	err_set(e, -EPROTO, "%s: no list of commands", o->socket);
	return NULL;
}

const char *
session_string(const json_t *command, const char *key)
{
	const char *s = json_string_value(json_object_get(command, key));

	return s ? s : "";
}
