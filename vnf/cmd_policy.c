/*
 * cmd_policy.c - policy/check, policy/load, policy/show.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "vnf/cmd.h"

static void
reply_errors(struct unixctl_conn *conn, char *errors, int rc)
{
	unixctl_reply_error(conn, errors ? errors : strerror(-rc));
	free(errors);
}

static void
cmd_check(struct unixctl_conn *conn, int argc, const char *argv[], void *aux)
{
	struct leat *l = aux;
	struct policy *p;
	char *errors;
	int rc = active_compile(&l->active, argv[1], argv[2], strlen(argv[2]), &p, &errors);

	(void)argc;
	if (rc != 0) {
		reply_errors(conn, errors, rc);
		return;
	}
	policy_free(p);
	unixctl_reply(conn, "");
}

static void
cmd_load(struct unixctl_conn *conn, int argc, const char *argv[], void *aux)
{
	struct leat *l = aux;
	char *errors, text[64];
	int rc = active_load(&l->active, argv[1], argv[2], strlen(argv[2]), &errors);

	(void)argc;
	if (rc != 0) {
		reply_errors(conn, errors, rc);
		return;
	}
	l->steering.checked.v = 0;
	snprintf(text, sizeof text, "generation %ju is active",
		 (uintmax_t)active_snapshot(&l->active)->generation);
	unixctl_reply(conn, text);
}

static void
show_active(struct unixctl_conn *conn, const struct leat *l)
{
	char *text = NULL;
	size_t size;
	FILE *f = open_memstream(&text, &size);
	int rc = -ENOMEM;

	if (f) {
		rc = policy_print(active_snapshot(&l->active)->policy, f);
		fclose(f);
	}
	if (rc == 0)
		unixctl_reply(conn, text);
	else
		unixctl_reply_error(conn, strerror(-rc));
	free(text);
}

static void
cmd_show(struct unixctl_conn *conn, int argc, const char *argv[], void *aux)
{
	struct store_policy stored;
	struct leat *l = aux;
	struct err err = { 0 };
	char *end;
	uint64_t generation;

	if (argc == 1) {
		show_active(conn, l);
		return;
	}
	generation = strtoull(argv[1], &end, 10);
	if (*end != '\0' || end == argv[1]) {
		unixctl_reply_errorf(conn, "%s: a generation is a number", argv[1]);
		return;
	}
	if (store_policy_get(l->store, generation, &stored, &err) != 0) {
		unixctl_reply_error(conn, err.msg);
		return;
	}
	unixctl_reply(conn, stored.text);
	store_policy_fini(&stored);
}

void
cmd_policy_register(struct leat *l)
{
	verb_register(l->ctl, "policy/check", cmd_check, l);
	verb_register(l->ctl, "policy/load", cmd_load, l);
	verb_register(l->ctl, "policy/show", cmd_show, l);
}
