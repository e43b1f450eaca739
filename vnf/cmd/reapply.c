/*
 * reapply.c - policy/reapply: live flows under the policy in force now.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "vnf/cmd/cmd.h"
#include "vnf/cmd/policy.h"
#define LOG_MODULE "policy"
#include "vnf/log.h"
#include "vnf/reapply.h"

struct reapplying {
	struct unixctl_conn *conn;
	struct reapply r;
	unsigned n_workers;
};

static const char *
outcome_text(enum reapply_outcome o, bool dry_run)
{
	switch (o) {
	case REAPPLY_SAME:
		return "the same rule";
	case REAPPLY_RULE:
		return dry_run ? "would change its rule" : "changed its rule";
	case REAPPLY_MOVED:
		return dry_run ? "would move" : "moved";
	case REAPPLY_LATER:
		return "moves when it holds nothing";
	case REAPPLY_STAYS:
	case REAPPLY_N:
		break;
	}
	return "stays: there is no way";
}

static uint64_t
put_rows(const struct reapplying *x, struct table *t)
{
	uint64_t changed = 0;
	unsigned from, to, o, k;

	for (from = 0; from < REAPPLY_MODES; from++) {
		for (to = 0; to < REAPPLY_MODES; to++) {
			for (o = 0; o < REAPPLY_N; o++) {
				uint64_t n = 0;

				for (k = 0; k < x->n_workers; k++)
					n += x->r.tally[k].n[from][to][o];
				if (n == 0)
					continue;
				changed += o == REAPPLY_SAME || o == REAPPLY_STAYS ? 0 : n;
				table_row(t);
				table_str(t, policy_mode_name(from));
				table_str(t, policy_mode_name(to));
				table_uint(t, n);
				table_str(t, outcome_text(o, x->r.dry_run));
			}
		}
	}
	return changed;
}

static void
reapplied(void *aux, int rc)
{
	struct reapplying *x = aux;
	struct table *t;
	uint64_t n;

	/* A worker that is late may still come to it: then it is left to that worker. */
	if (rc == -ETIMEDOUT) {
		unixctl_reply_error(x->conn, "a worker does not answer: some flows are as before");
		return;
	}
	if (rc != 0) {
		unixctl_reply_error(x->conn, strerror(-rc));
		free(x);
		return;
	}
	t = CMD_TABLE("from", "to", "flows", "outcome");
	n = put_rows(x, t);
	if (!x->r.dry_run)
		log_info("policy reapply: %ju flows changed", (uintmax_t)n);
	cmd_reply_table(x->conn, t);
	free(x);
}

static void
cmd_reapply(struct unixctl_conn *conn, int argc, const char *argv[], void *aux)
{
	struct flows_question q = { .act = reapply_flow, .done = reapplied };
	struct reapplying *x = calloc(1, sizeof *x);
	struct leat *l = aux;

	if (argc > 1 && strcmp(argv[1], "--dry-run") != 0) {
		unixctl_reply_errorf(conn, "%s: expected --dry-run, or nothing", argv[1]);
		free(x);
		return;
	}
	if (x) {
		x->conn = conn;
		x->n_workers = l->o->n_workers;
		x->r.worker = l->worker;
		x->r.dry_run = argc > 1;
	}
	q.aux = x;
	q.arg = x ? (uintptr_t)&x->r : 0;
	if (!x || flows_ask(l->flows, &q) != 0) {
		unixctl_reply_error(conn, strerror(ENOMEM));
		free(x);
	}
}

void
cmd_reapply_register(struct leat *l)
{
	verb_register(l->ctl, "policy/reapply", cmd_reapply, l);
}
