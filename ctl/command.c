/*
 * command.c - see command.h.
 */
#include "ctl/command.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "ctl/conn.h"
#include "ctl/transaction.h"

/* Where `name` is or would be. */
static size_t
position(const struct commands *c, const char *name)
{
	size_t low = 0, high = c->n;

	while (low < high) {
		size_t mid = (low + high) / 2;

		if (strcmp(c->v[mid].name, name) < 0)
			low = mid + 1;
		else
			high = mid;
	}
	return low;
}

struct command *
commands_find(const struct commands *c, const char *name)
{
	size_t at = position(c, name);

	return at < c->n && !strcmp(c->v[at].name, name) ? &c->v[at] : NULL;
}

int
commands_add(struct commands *c, const struct command *command)
{
	struct command *old = commands_find(c, command->name);
	size_t at = position(c, command->name);

	if (old && !old->built_in)
		return -EEXIST;
	if (old) {
		*old = *command;
		return 0;
	}
	if (c->n == c->cap) {
		size_t cap = c->cap ? 2 * c->cap : 32;
		struct command *v = reallocarray(c->v, cap, sizeof *v);

		if (!v)
			return -ENOMEM;
		c->v = v;
		c->cap = cap;
	}
	memmove(c->v + at + 1, c->v + at, (c->n - at) * sizeof *c->v);
	c->v[at] = *command;
	c->n++;
	return 0;
}

const struct command *
commands_check(const struct commands *c, const struct unixctl_conn *conn, int argc,
	       const char *const argv[], struct err *e)
{
	const struct command *command = commands_find(c, argv[0]);
	int n = argc - 1;

	if (!conn_may(conn, true))
		err_set(e, 0, "you are in none of the groups that may ask");
	else if (!command)
		err_set(e, 0, "\"%.80s\" is not a command here: list-commands lists those that are",
			argv[0]);
	else if (!conn_may(conn, command->reads_only))
		err_set(e, 0,
			"\"%s\" changes something: you may only look, as a member of the "
			"readers' group",
			command->name);
	else if (n < command->min_args)
		err_set(e, 0, "\"%s\" needs at least %d argument%s: %s %s", command->name,
			command->min_args, command->min_args == 1 ? "" : "s", command->name,
			command->usage);
	else if (n > command->max_args && !command->max_args)
		err_set(e, 0, "\"%s\" takes no arguments", command->name);
	else if (n > command->max_args)
		err_set(e, 0, "\"%s\" takes at most %d argument%s: %s %s", command->name,
			command->max_args, command->max_args == 1 ? "" : "s", command->name,
			command->usage);
	else
		return command;
	return NULL;
}

void
commands_call(struct commands *c, struct unixctl_conn *conn)
{
	const char **argv = conn->req.argv;
	struct err e;
	const struct command *command = commands_check(c, conn, conn->req.argc, argv, &e);

	if (!command) {
		unixctl_reply_error(conn, e.msg);
	} else if (c->at_work && (!command->reads_only || command->cb == transaction_run)) {
		conn->next_waiting = c->waiting;
		c->waiting = conn;
	} else {
		command->cb(conn, conn->req.argc, argv, command->aux);
	}
}

/* The list of those that waited, the first first. */
static struct unixctl_conn *
take_waiting(struct commands *c)
{
	struct unixctl_conn *first = NULL, *conn;

	while ((conn = c->waiting) != NULL) {
		c->waiting = conn->next_waiting;
		conn->next_waiting = first;
		first = conn;
	}
	return first;
}

void
commands_go_on(struct commands *c)
{
	struct unixctl_conn *conn = take_waiting(c), *next;

	for (; conn; conn = next) {
		next = conn->next_waiting;
		if (unixctl_client_gone(conn))
			unixctl_reply_error(conn, "nobody waits for it");
		else
			commands_call(c, conn);
	}
}

void
commands_fini(struct commands *c)
{
	struct unixctl_conn *conn = take_waiting(c), *next;

	if (c->at_work)
		transaction_abandon(c->at_work);
	for (; conn; conn = next) {
		next = conn->next_waiting;
		unixctl_reply_error(conn, "the daemon is ending");
	}
	free(c->v);
	*c = (struct commands){ .v = NULL };
}

/* As OVS shows it where no other format is asked for: its users' scripts read it. */
static void
list_commands(struct unixctl_conn *conn, int argc, const char *argv[], void *aux)
{
	static const char *const names[] = { "command", "usage", "help" };
	const struct commands *c = aux;
	struct text text = TEXT_EMPTY;
	struct table *t;
	size_t i;

	(void)argc;
	(void)argv;
	if (conn->style.format == TABLE_TABLE && !conn->style.columns) {
		text_puts(&text, "The available commands are:\n");
		for (i = 0; i < c->n; i++)
			text_printf(&text, "  %-23s %s\n", c->v[i].name, c->v[i].usage);
		unixctl_reply(conn, text.s ? text.s : "");
		text_fini(&text);
		return;
	}
	t = table_new(names, 3);
	for (i = 0; t && i < c->n; i++) {
		table_row(t);
		table_str(t, c->v[i].name);
		table_str(t, c->v[i].usage);
		table_str(t, c->v[i].help);
	}
	if (t)
		unixctl_reply_table(conn, t);
	else
		unixctl_reply_error(conn, "out of memory");
	table_free(t);
}

static void
help(struct unixctl_conn *conn, int argc, const char *argv[], void *aux)
{
	const struct commands *c = aux;
	struct text text = TEXT_EMPTY;
	const struct command *one = argc > 1 ? commands_find(c, argv[1]) : NULL;
	size_t i;

	if (argc > 1 && !one) {
		unixctl_reply_errorf(conn,
				     "\"%.80s\" is not a command here: "
				     "list-commands lists those that are",
				     argv[1]);
		return;
	}
	for (i = 0; i < c->n; i++)
		if (!one || one == &c->v[i])
			text_printf(&text, "%s%s%s\n    %s\n", c->v[i].name,
				    *c->v[i].usage ? " " : "", c->v[i].usage, c->v[i].help);
	unixctl_reply(conn, text.s ? text.s : "");
	text_fini(&text);
}

/* Whether argv[*i] is the option `name`, as `--name VALUE` or `--name=VALUE`; then
 * `*value` is its value and `*i` the last parameter it takes. */
static bool
is_option(const char *name, int argc, const char *argv[], int *i, const char **value)
{
	size_t len = strlen(name);

	if (!strncmp(argv[*i], name, len) && argv[*i][len] == '=') {
		*value = argv[*i] + len + 1;
		return true;
	}
	if (strcmp(argv[*i], name) || *i + 1 >= argc)
		return false;
	*value = argv[++*i];
	return true;
}

static void
set_options(struct unixctl_conn *conn, int argc, const char *argv[], void *aux)
{
	struct table_style style = conn->style;
	const char *columns = NULL;
	const char *value;
	struct err e;
	int i;

	(void)aux;
	for (i = 1; i < argc; i++) {
		if (is_option("--format", argc, argv, &i, &value)) {
			if (table_format_parse(value, &style.format, &e)) {
				unixctl_reply_error(conn, e.msg);
				return;
			}
		} else if (is_option("--columns", argc, argv, &i, &value)) {
			columns = value;
		} else if (!strcmp(argv[i], "--no-headings")) {
			style.no_headings = true;
		} else {
			unixctl_reply_errorf(conn,
					     "set-options knows no option \"%.80s\", "
					     "or it has no value",
					     argv[i]);
			return;
		}
	}
	conn->style = style;
	if (columns && conn_set_columns(conn, columns))
		unixctl_reply_error(conn, "out of memory");
	else
		unixctl_reply(conn, "");
}

int
commands_add_built_in(struct commands *c)
{
	const struct command built_in[] = {
		{ "help", "[COMMAND]", "Say what one command, or every one, does.", 0, 1, help, c,
		  true, true },
		{ "list-commands", "", "List the commands that this daemon knows.", 0, 0,
		  list_commands, c, true, true },
		{ "transaction", "COMMAND [ARG]... [-- COMMAND [ARG]...]...",
		  "Run several commands as one.", 1, INT_MAX, transaction_run, c, true, true },
		{ "set-options", "[--format FORMAT] [--columns LIST] [--no-headings]",
		  "Set how tables are shown on this connection.", 0, INT_MAX, set_options, NULL,
		  true, true },
	};
	size_t i;
	int rc = 0;

	for (i = 0; !rc && i < sizeof built_in / sizeof built_in[0]; i++)
		rc = commands_add(c, &built_in[i]);
	return rc;
}
