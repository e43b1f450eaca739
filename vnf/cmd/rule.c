/*
 * rule.c - policy/explain, policy/counters: what single rules do.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "vnf/cmd/cmd.h"
#include "vnf/cmd/policy.h"
#include "vnf/events.h"
#define LOG_MODULE "policy"
#include "vnf/log.h"
#include "vnf/tuple.h"

/* --- explain --- */

struct explaining {
	struct table *t;
	const struct policy *p;
	const struct policy_facts *f;
	const char *const *ports;
	const struct policy_verdict *v;
};

static void
put_try(void *aux, const struct policy_try *t)
{
	const struct explaining *x = aux;
	const enum policy_mode mode = policy_rule_mode(x->p, t->rule, x->f->midstream);
	char *why = NULL;
	size_t size;
	FILE *f = open_memstream(&why, &size);

	if (f) {
		policy_explain_why(x->p, x->f, t, x->ports, f);
		if (t->takes && t->rule == policy_n_rules(x->p))
			fputs("no rule took it", f);
		if (t->takes && x->v->swapped)
			fputs("with the ends the other way round", f);
		if (t->takes && mode != policy_rule_mode(x->p, t->rule, false))
			fprintf(f, "%sproxy can't begin mid-stream", x->v->swapped ? "; " : "");
		if (t->takes && x->v->n_waiting)
			fprintf(f, "%sif what is unknown is not so; it begins as %s",
				ftell(f) > 0 ? "; " : "", policy_mode_name(x->v->mode));
		fclose(f);
	}
	table_row(x->t);
	table_str(x->t, policy_rule_name(x->p, t->rule));
	table_str(x->t, t->takes ? policy_mode_name(mode) : t->waits ? "unknown" : "no");
	table_str(x->t, why && *why ? why : NULL);
	free(why);
}

static void
cmd_explain(struct unixctl_conn *conn, int argc, const char *argv[], void *aux)
{
	const struct leat *l = aux;
	const char *names[MAX_PORTS];
	struct policy_verdict v;
	struct explaining x;
	struct tuple tuple;
	struct err err;
	unsigned i;

	if (tuple_parse(argc - 1, argv + 1, &tuple, &err) != 0 ||
	    tuple_bind(&tuple, l->ports, &err) != 0) {
		unixctl_reply_error(conn, err.msg);
		return;
	}
	for (i = 0; i < l->ports->n; i++)
		names[i] = port_config(l->ports->port[i])->name;
	x = (struct explaining){
		.t = CMD_TABLE("rule", "answer", "why"),
		.p = active_snapshot(&l->active)->policy,
		.f = &tuple.facts,
		.ports = names,
		.v = &v,
	};
	policy_decide(x.p, x.f, &v);
	policy_explain(x.p, x.f, put_try, &x);
	cmd_reply_table(conn, x.t);
}

/* --- diff --- */

/* The policy of one or two arguments: a generation, or a file's name and text.  *used of them. */
static int
one_policy(struct leat *l, int argc, const char *argv[], int *used, struct policy **p,
	   char **errors)
{
	uint64_t generation;

	*used = cmd_generation(argv[0], &generation) ? 1 : 2;
	if (*used == 1)
		return cmd_policy_get(l, generation, p, errors);
	if (argc < 2) {
		if (asprintf(errors, "%s: expected a generation or a file", argv[0]) < 0)
			*errors = NULL;
		return -EINVAL;
	}
	return active_compile(&l->active, argv[0], argv[1], strlen(argv[1]), p, errors);
}

static void
reply_diff(struct unixctl_conn *conn, const struct policy *a, const struct policy *b)
{
	char *text = NULL;
	size_t size;
	FILE *f = open_memstream(&text, &size);
	int rc = -ENOMEM;

	if (f) {
		rc = policy_diff(a, b, f);
		fclose(f);
	}
	if (rc == 0)
		unixctl_reply(conn, text);
	else
		unixctl_reply_error(conn, strerror(-rc));
	free(text);
}

static void
cmd_diff(struct unixctl_conn *conn, int argc, const char *argv[], void *aux)
{
	struct policy *p[2] = { NULL, NULL };
	const struct policy *now;
	struct leat *l = aux;
	char *errors = NULL;
	int at = 1, used, n = 0, rc = 0;

	now = active_snapshot(&l->active)->policy;
	while (rc == 0 && at < argc && n < 2) {
		rc = one_policy(l, argc - at, argv + at, &used, &p[n++], &errors);
		at += used;
	}
	if (rc == 0 && at < argc)
		unixctl_reply_error(conn, "expected one or two policies");
	else if (rc == 0)
		reply_diff(conn, n == 2 ? p[0] : now, n == 2 ? p[1] : p[0]);
	else
		unixctl_reply_error(conn, errors ? errors : strerror(-rc));
	free(errors);
	policy_free(p[0]);
	policy_free(p[1]);
}

/* --- counters --- */

struct counting {
	struct unixctl_conn *conn;
	struct leat *l;
};

/* Worker's thread: live flows count too. */
static bool
count_flow(uint64_t arg, unsigned worker, struct tcpterm *stack, struct flow *f, usec_t now)
{
	const struct leat *l = (const struct leat *)(uintptr_t)arg;

	(void)stack;
	(void)now;
	events_count(l->worker[worker], f);
	return false;
}

static void
put_counter(struct table *t, const struct active *a, uint32_t rule)
{
	const struct snapshot *s = active_snapshot(a);
	const struct rule_count r = counters_sum(&a->counters, s->slot[rule]);
	char when[32];

	table_row(t);
	table_str(t, policy_rule_name(s->policy, rule));
	if (s->slot[rule] == COUNTER_NONE)
		return;
	table_uint(t, r.flows);
	table_uint(t, r.packets);
	table_uint(t, r.bytes);
	table_str(t, cmd_when(r.hit, when, sizeof when));
}

static void
counted(void *aux, int rc)
{
	struct counting *c = aux;
	const struct policy *p = active_snapshot(&c->l->active)->policy;
	struct table *t;
	uint32_t i;

	if (rc != 0) {
		unixctl_reply_error(c->conn,
				    rc == -ETIMEDOUT ? "a worker does not answer" : strerror(-rc));
		free(c);
		return;
	}
	t = CMD_TABLE("rule", "flows", "packets", "bytes", "last_hit");
	for (i = 0; i <= policy_n_rules(p); i++)
		put_counter(t, &c->l->active, i);
	cmd_reply_table(c->conn, t);
	free(c);
}

static void
cmd_counters(struct unixctl_conn *conn, int argc, const char *argv[], void *aux)
{
	struct flows_question q = { .act = count_flow, .arg = (uintptr_t)aux, .done = counted };
	struct leat *l = aux;
	struct counting *c = malloc(sizeof *c);

	(void)argc;
	(void)argv;
	if (c)
		*c = (struct counting){ conn, l };
	q.aux = c;
	if (!c || flows_ask(l->flows, &q) != 0) {
		unixctl_reply_error(conn, strerror(ENOMEM));
		free(c);
	}
}

void
cmd_rule_register(struct leat *l)
{
	verb_register(l->ctl, "policy/counters", cmd_counters, l);
	verb_register(l->ctl, "policy/diff", cmd_diff, l);
	verb_register(l->ctl, "policy/explain", cmd_explain, l);
}
