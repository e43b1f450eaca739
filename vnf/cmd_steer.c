/*
 * cmd_steer.c - steer/show, steer/apply, steer/clear.
 */
#include <stdlib.h>

#include "vnf/cmd.h"

static const struct policy *
policy_now(const struct leat *l)
{
	return active_snapshot(&l->active)->policy;
}

static void
reply(struct unixctl_conn *conn, int rc, char *text, const struct err *err)
{
	if (rc == 0)
		unixctl_reply(conn, text ? text : "");
	else
		unixctl_reply_error(conn, err->msg);
	free(text);
}

static void
cmd_show(struct unixctl_conn *conn, int argc, const char *argv[], void *aux)
{
	struct leat *l = aux;
	struct err err = { 0 };
	char *text = NULL;
	int rc = steering_show(&l->steering, policy_now(l), &text, &err);

	(void)argc;
	(void)argv;
	reply(conn, rc, text, &err);
}

static void
cmd_apply(struct unixctl_conn *conn, int argc, const char *argv[], void *aux)
{
	struct leat *l = aux;
	struct err err = { 0 };
	char *text = NULL;
	int rc = steering_apply(&l->steering, policy_now(l), &text, &err);

	(void)argc;
	(void)argv;
	reply(conn, rc, text, &err);
}

static void
cmd_clear(struct unixctl_conn *conn, int argc, const char *argv[], void *aux)
{
	struct leat *l = aux;
	struct err err = { 0 };
	int rc = steering_clear(&l->steering, policy_now(l), &err);

	(void)argc;
	(void)argv;
	/* What was taken away on request is not put back by the daemon itself. */
	if (rc == 0)
		l->steering.keep = false;
	reply(conn, rc, NULL, &err);
}

void
cmd_steer_register(struct leat *l)
{
	verb_register(l->ctl, "steer/show", cmd_show, l);
	verb_register(l->ctl, "steer/apply", cmd_apply, l);
	verb_register(l->ctl, "steer/clear", cmd_clear, l);
}
