/*
 * policy.c - policy/check, policy/load, policy/rollback, policy/show, policy/list.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "vnf/cmd/cmd.h"
#include "vnf/cmd/policy.h"
#include "vnf/cmd/steer.h"

enum { LIST_MAX = 64 };	/* generations that are listed, the newest */

static void
reply_errors(struct unixctl_conn *conn, const char *errors, int rc)
{
	unixctl_reply_error(conn, errors ? errors : strerror(-rc));
}

/* Takes "--dry-run" from the front of the arguments. */
static bool
take_dry_run(int *argc, const char **argv[])
{
	if (*argc < 2 || strcmp((*argv)[1], "--dry-run") != 0)
		return false;
	--*argc;
	++*argv;
	return true;
}

bool
cmd_generation(const char *text, uint64_t *generation)
{
	char *end;

	*generation = strtoull(text, &end, 10);
	return *text >= '0' && *text <= '9' && *end == '\0';
}

static void
cmd_check(struct unixctl_conn *conn, int argc, const char *argv[], void *aux)
{
	struct leat *l = aux;
	struct policy *p;
	char *errors;
	int rc = active_compile(&l->active, argv[1], argv[2], strlen(argv[2]), &p, &errors);

	(void)argc;
	if (rc != 0)
		reply_errors(conn, errors, rc);
	else
		unixctl_reply(conn, "");
	free(errors);
	policy_free(p);
}

/* A later command of the same transaction has failed. */
static void
undo_change(void *aux, uint64_t was)
{
	steer_load_back(aux, was);
}

static void
reply_change(struct unixctl_conn *conn, struct leat *l, struct change *c, int rc)
{
	char *text = NULL;
	size_t size;
	FILE *f;

	if (rc != 0) {
		reply_errors(conn, c->errors, rc);
		change_fini(c);
		return;
	}
	f = open_memstream(&text, &size);
	if (f) {
		if (c->dry_run)
			fprintf(f, "dry run: %u rules would be in force%s", c->n_rules,
				c->said && *c->said ? ", and the switch would be sent:\n" : "\n");
		else
			fprintf(f, "generation %ju is active%s", (uintmax_t)c->generation,
				c->said && *c->said ? ", the switch was sent:\n" : "\n");
		if (c->said)
			fputs(c->said, f);
		fclose(f);
	}
	if (!c->dry_run) {
		l->steering.checked.v = 0;
		unixctl_set_undo(conn, undo_change, l, c->was);
	}
	unixctl_reply(conn, text ? text : "");
	free(text);
	change_fini(c);
}

static int
load(struct leat *l, int argc, const char *argv[], struct change *c)
{
	(void)argc;
	return active_load(&l->active, argv[1], argv[2], strlen(argv[2]), c);
}

static int
rollback(struct leat *l, int argc, const char *argv[], struct change *c)
{
	uint64_t generation = 0;

	(void)argc;
	cmd_generation(argv[1], &generation);
	return active_rollback(&l->active, generation, c);
}

/* Takes `p`, the policy that `change` brings; where it is NULL, `change` says why. */
static void
change_policy(struct unixctl_conn *conn, struct leat *l, struct policy *p, bool dry_run, int argc,
	      const char *argv[], steer_load_fn *change)
{
	struct change c = { .dry_run = dry_run };

	if (p && steer_load_wanted(l, p)) {
		steer_load(l, conn, p, dry_run, argc, argv, change, reply_change);
		return;
	}
	policy_free(p);
	reply_change(conn, l, &c, change(l, argc, argv, &c));
}

static void
cmd_load(struct unixctl_conn *conn, int argc, const char *argv[], void *aux)
{
	const bool dry_run = take_dry_run(&argc, &argv);
	struct policy *p = NULL;
	struct leat *l = aux;
	char *errors = NULL;

	if (argc != 3) {
		unixctl_reply_error(conn, "policy/load: expected [--dry-run] FILE TEXT");
		return;
	}
	if (steering_steers(&l->steering))
		active_compile(&l->active, argv[1], argv[2], strlen(argv[2]), &p, &errors);
	free(errors);
	change_policy(conn, l, p, dry_run, argc, argv, load);
}

static void
cmd_rollback(struct unixctl_conn *conn, int argc, const char *argv[], void *aux)
{
	const bool dry_run = take_dry_run(&argc, &argv);
	struct policy *p = NULL;
	struct leat *l = aux;
	uint64_t generation;
	char *errors = NULL;

	if (argc != 2 || !cmd_generation(argv[1], &generation)) {
		unixctl_reply_error(conn, "expected a generation; `policy list` shows them");
		return;
	}
	if (steering_steers(&l->steering))
		cmd_policy_get(l, generation, &p, &errors);
	free(errors);
	change_policy(conn, l, p, dry_run, argc, argv, rollback);
}

/* --- show --- */

static void
reply_printed(struct unixctl_conn *conn, const struct policy *p)
{
	char *text = NULL;
	size_t size;
	FILE *f = open_memstream(&text, &size);
	int rc = -ENOMEM;

	if (f) {
		rc = policy_print(p, f);
		fclose(f);
	}
	if (rc == 0)
		unixctl_reply(conn, text);
	else
		unixctl_reply_error(conn, strerror(-rc));
	free(text);
}

int
cmd_policy_get(struct leat *l, uint64_t generation, struct policy **p, char **errors)
{
	struct store_policy stored;
	struct err err = { 0 };
	int rc = store_policy_get(l->store, generation, &stored, &err);

	*errors = NULL;
	*p = NULL;
	if (rc != 0) {
		*errors = strdup(err.msg);
		return rc;
	}
	rc = active_compile(&l->active, stored.name, stored.text, strlen(stored.text), p, errors);
	store_policy_fini(&stored);
	return rc;
}

/* The text as it was loaded. */
static void
reply_source(struct unixctl_conn *conn, struct leat *l, uint64_t generation)
{
	struct store_policy stored;
	struct err err = { 0 };

	if (store_policy_get(l->store, generation, &stored, &err) != 0) {
		unixctl_reply_error(conn, err.msg);
		return;
	}
	unixctl_reply(conn, stored.text);
	store_policy_fini(&stored);
}

static void
cmd_show(struct unixctl_conn *conn, int argc, const char *argv[], void *aux)
{
	const bool source = argc > 1 && strcmp(argv[1], "--source") == 0;
	const char *which = argv[1 + source];
	struct leat *l = aux;
	struct policy *p;
	char *errors;
	uint64_t generation = active_snapshot(&l->active)->generation;
	int rc;

	if (argc > 1 + source && !cmd_generation(which, &generation)) {
		unixctl_reply_errorf(conn, "%s: a generation is a number", which);
		return;
	}
	if (source) {
		reply_source(conn, l, generation);
		return;
	}
	if (argc == 1) {
		reply_printed(conn, active_snapshot(&l->active)->policy);
		return;
	}
	rc = cmd_policy_get(l, generation, &p, &errors);
	if (rc == 0)
		reply_printed(conn, p);
	else
		reply_errors(conn, errors, rc);
	free(errors);
	policy_free(p);
}

/* --- list --- */

struct listing {
	struct leat *l;
	uint64_t generation[LIST_MAX];
	unsigned n;
};

static int
list_one(void *arg, const struct store_policy *p)
{
	struct listing *g = arg;

	if (g->n < LIST_MAX)
		g->generation[g->n++] = p->generation;
	return 0;
}

static void
put_generation(struct table *t, struct leat *l, uint64_t generation)
{
	struct store_policy p;
	struct err err = { 0 };
	char when[32];
	int n;

	if (store_policy_get(l->store, generation, &p, &err) != 0)
		return;
	n = policy_count_rules(p.text, strlen(p.text));
	table_row(t);
	table_uint(t, p.generation);
	table_str(t, p.active ? "yes" : "no");
	table_str(t, cmd_when(p.loaded, when, sizeof when));
	if (n >= 0)
		table_uint(t, (uint64_t)n);
	else
		table_none(t);
	table_str(t, p.name);
	store_policy_fini(&p);
}

static void
cmd_list(struct unixctl_conn *conn, int argc, const char *argv[], void *aux)
{
	struct listing all = { .l = aux };
	struct err err = { 0 };
	struct table *t;
	unsigned i;

	(void)argc;
	(void)argv;
	if (store_policy_list(all.l->store, list_one, &all, &err) != 0) {
		unixctl_reply_error(conn, err.msg);
		return;
	}
	t = CMD_TABLE("generation", "active", "loaded", "rules", "name");
	for (i = 0; i < all.n; i++)
		put_generation(t, all.l, all.generation[i]);
	cmd_reply_table(conn, t);
}

void
cmd_policy_register(struct leat *l)
{
	verb_register(l->ctl, "policy/check", cmd_check, l);
	verb_register(l->ctl, "policy/list", cmd_list, l);
	verb_register(l->ctl, "policy/load", cmd_load, l);
	verb_register(l->ctl, "policy/rollback", cmd_rollback, l);
	verb_register(l->ctl, "policy/show", cmd_show, l);
	cmd_rule_register(l);
	cmd_reapply_register(l);
}
