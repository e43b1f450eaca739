/*
 * transaction.c - see transaction.h.
 *
 * A part is a connection without a socket, which keeps its command's reply.  A command may
 * reply at once or later, so going on is a loop that stops where a reply is awaited.
 */
#include "ctl/transaction.h"

#include <stdlib.h>
#include <string.h>

#include "ctl/conn.h"

struct step {
	int argc;
	const char **argv;
	struct command command;		/* a copy: the server may go before the end */
	struct unixctl_conn *part;
};

struct transaction {
	struct commands *commands;	/* NULL: the server is gone */
	struct unixctl_conn *client;
	bool calling;		/* a command is being called right now */
	size_t n, at;		/* steps; the one at work */
	size_t out_len;
	struct step step[TRANSACTION_MAX];
};

bool
transaction_gone(const struct transaction *t)
{
	return unixctl_client_gone(t->client);
}

void
transaction_abandon(struct transaction *t)
{
	t->commands = NULL;
}

static void
transaction_free(struct transaction *t)
{
	size_t i;

	for (i = 0; i < t->n; i++)
		if (t->step[i].part)
			conn_free_part(t->step[i].part);
	free(t);
}

/* Parts `argv` at each `--`.  False, and the client was told, if that makes no commands. */
static bool
read_steps(struct transaction *t, int argc, const char *argv[])
{
	int i, from = 1;

	for (i = 1; i <= argc; i++) {
		if (i < argc && strcmp(argv[i], "--"))
			continue;
		if (i == from || t->n == TRANSACTION_MAX) {
			unixctl_reply_errorf(t->client,
					     i == from ? "a command is missing beside \"--\""
						       : "more than %d commands in a transaction",
					     TRANSACTION_MAX);
			return false;
		}
		t->step[t->n++] = (struct step){ .argc = i - from, .argv = &argv[from] };
		from = i + 1;
	}
	return true;
}

static bool
check_steps(struct transaction *t)
{
	struct err e;
	size_t i;

	for (i = 0; i < t->n; i++) {
		struct step *s = &t->step[i];

		const struct command *command =
			commands_check(t->commands, t->client, s->argc, s->argv, &e);

		if (command && command->cb == transaction_run) {
			err_set(&e, 0, "a transaction can't be part of one");
			command = NULL;
		}
		if (!command) {
			unixctl_reply_errorf(t->client, "nothing was done: %s", e.msg);
			return false;
		}
		s->command = *command;
	}
	return true;
}

/* A reply as a JSON document. */
static void
put_json(struct text *out, const struct unixctl_conn *part)
{
	bool is_text = part->kind == UNIXCTL_TEXT;

	text_puts(out, is_text ? "\"" : "");
	if (is_text)
		text_put_json(out, part->out.s ? part->out.s : "", part->out.len);
	else
		text_put(out, part->out.s ? part->out.s : "", part->out.len);
	text_puts(out, is_text ? "\"" : "");
}

static void
put_text(struct text *out, const struct unixctl_conn *part)
{
	const struct text *said = &part->out;

	if (!said->s || !said->len)
		return;
	text_put(out, said->s, said->len);
	if (said->s[said->len - 1] != '\n')
		text_puts(out, "\n");
}

static void
reply_all(struct transaction *t)
{
	bool json = t->client->style.format == TABLE_JSON;
	struct text out = TEXT_EMPTY;
	size_t i;

	text_puts(&out, json ? "[" : "");
	for (i = 0; i < t->n; i++) {
		if (!json) {
			put_text(&out, t->step[i].part);
			continue;
		}
		text_puts(&out, i ? ",\n" : "");
		put_json(&out, t->step[i].part);
	}
	text_puts(&out, json ? "]" : "");
	unixctl_reply_begin(t->client, json ? UNIXCTL_JSON : UNIXCTL_TEXT);
	unixctl_reply_part(t->client, out.s ? out.s : "", out.len);
	unixctl_reply_end(t->client);
	text_fini(&out);
}

/* Undoes what was done before the step that failed. */
static void
reply_failed(struct transaction *t, const char *why)
{
	struct text out = TEXT_EMPTY;
	size_t i = t->at;

	text_printf(&out, "\"%s\" failed: %s", t->step[i].command.name, why);
	if (out.s[out.len - 1] != '\n')
		text_puts(&out, "\n");
	while (i-- > 0) {
		const struct step *s = &t->step[i];

		if (s->part->undo)
			s->part->undo(s->part->undo_aux, s->part->undo_arg);
		if (!s->command.reads_only)
			text_printf(&out, "%s: \"%s\"\n", s->part->undo ? "undone" : "stays done",
				    s->command.name);
	}
	if (t->at + 1 < t->n)
		text_printf(&out, "not done: the %zu command%s after it\n", t->n - t->at - 1,
			    t->n - t->at == 2 ? "" : "s");
	unixctl_reply_error(t->client, out.s ? out.s : why);
	text_fini(&out);
}

static void
transaction_end(struct transaction *t)
{
	struct commands *c = t->commands;
	const struct unixctl_conn *last = t->at < t->n ? t->step[t->at].part : NULL;

	if (t->at == t->n)
		reply_all(t);
	else
		reply_failed(t, last && last->out.s ? last->out.s : "out of memory");
	transaction_free(t);
	if (c) {
		c->at_work = NULL;
		commands_go_on(c);
	}
}

/* True: all is done, or one has failed.  False: a reply is awaited. */
static bool
go_on(struct transaction *t)
{
	while (t->at < t->n) {
		struct step *s = &t->step[t->at];

		if (!s->part) {
			s->part = conn_new_part(t->client, t);
			if (!s->part)
				return true;
			t->calling = true;
			s->command.cb(s->part, s->argc, s->argv, s->command.aux);
			t->calling = false;
		}
		if (s->part->state != CONN_IDLE)
			return false;
		if (s->part->failed)
			return true;
		t->at++;
	}
	return true;
}

void
transaction_replied(struct transaction *t, struct unixctl_conn *part)
{
	t->out_len += part->out.len;
	if (t->out_len > TRANSACTION_OUT_MAX || part->out.failed || !t->commands) {
		part->failed = true;
		text_fini(&part->out);
		text_puts(&part->out, !t->commands ? "the daemon is ending"
						   : "too much output for a transaction");
	}
	if (!t->calling && go_on(t))
		transaction_end(t);
}

void
transaction_run(struct unixctl_conn *conn, int argc, const char *argv[], void *aux)
{
	struct transaction *t = calloc(1, sizeof *t);
	struct commands *c = aux;

	if (!t) {
		unixctl_reply_error(conn, "out of memory");
		return;
	}
	t->commands = c;
	t->client = conn;
	if (!read_steps(t, argc, argv) || !check_steps(t)) {
		free(t);
		return;
	}
	c->at_work = t;
	if (go_on(t))
		transaction_end(t);
}
