/*
 * vlog.c - vlog/set, vlog/list, vlog/reopen.
 */
#include <stdlib.h>
#include <string.h>

#include "vnf/cmd/cmd.h"
#include "vnf/log.h"

static void
cmd_vlog_set(struct unixctl_conn *conn, int argc, const char *argv[], void *aux)
{
	struct err err = { 0 };
	int i;

	(void)aux;
	if (argc == 1)
		log_set("dbg", &err);
	for (i = 1; i < argc; i++) {
		if (log_set(argv[i], &err) != 0) {
			unixctl_reply_error(conn, err.msg);
			return;
		}
	}
	unixctl_reply(conn, "");
}

static void
cmd_vlog_list(struct unixctl_conn *conn, int argc, const char *argv[], void *aux)
{
	char *text = log_list();

	(void)argc;
	(void)argv;
	(void)aux;
	if (text)
		unixctl_reply(conn, text);
	else
		unixctl_reply_error(conn, "no memory");
	free(text);
}

static void
cmd_vlog_reopen(struct unixctl_conn *conn, int argc, const char *argv[], void *aux)
{
	const struct leat *l = aux;
	struct err err = { 0 };

	(void)argc;
	(void)argv;
	sinks_reopen(l->sinks);
	if (log_reopen(&err) == 0)
		unixctl_reply(conn, "");
	else
		unixctl_reply_error(conn, err.msg);
}

void
cmd_vlog_register(struct leat *l)
{
	verb_register(l->ctl, "vlog/set", cmd_vlog_set, l);
	verb_register(l->ctl, "vlog/list", cmd_vlog_list, l);
	verb_register(l->ctl, "vlog/reopen", cmd_vlog_reopen, l);
}
