/*
 * flow_kill.c - flow/kill: both ends of the chosen flows get a RST, and the flows end.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "vnf/cmd/cmd.h"
#define LOG_MODULE "flow"
#include "vnf/log.h"

struct killing {
	struct unixctl_conn *conn;
	struct flow_filter filter;
	bool dry_run, one;
	uint64_t n;
};

/* Worker's thread. */
static bool
kill_flow(uint64_t arg, unsigned worker, struct tcpterm *stack, struct flow *f, usec_t now)
{
	(void)arg;
	(void)worker;
	(void)now;
	tcpterm_kill(stack, f, TCPTERM_END_ABORTED);
	return true;
}

static void
count_more(void *aux, uint64_t n)
{
	((struct killing *)aux)->n += n;
}

static void
killed(void *aux, int rc)
{
	struct killing *k = aux;
	char text[96];

	snprintf(text, sizeof text, "%ju flow%s %s", (uintmax_t)k->n, k->n == 1 ? "" : "s",
		 k->dry_run ? "would be killed" : "killed");
	if (!k->dry_run && k->n)
		log_info("flow kill: %s", text);
	if (rc == -ETIMEDOUT)
		unixctl_reply_errorf(k->conn, "a worker does not answer; %s so far", text);
	else if (rc != 0)
		unixctl_reply_error(k->conn, strerror(-rc));
	else if (k->one && k->n == 0)
		unixctl_reply_error(k->conn, "there is no such flow any more");
	else
		unixctl_reply(k->conn, text);
	free(k);
}

/* FLOW stands for id=FLOW. */
static int
take_words(struct killing *k, int argc, const char *argv[], struct err *err)
{
	const char *words[FLOW_FILTER_WORDS + 1];
	char id[RECORD_ID + 8];
	bool all = false;
	int i, n = 0;

	for (i = 1; i < argc; i++) {
		if (strcmp(argv[i], "--dry-run") == 0)
			k->dry_run = true;
		else if (strcmp(argv[i], "--all") == 0)
			all = true;
		else if (n <= FLOW_FILTER_WORDS)
			words[n++] = argv[i];
	}
	if (n == 1 && !strchr(words[0], '=')) {
		snprintf(id, sizeof id, "id=%s", words[0]);
		words[0] = id;
	}
	if (n == 0 && !all)
		return err_set(
			err, -EINVAL,
			"which flows?  Give an id or KEY=VALUE words, or --all for every one");
	if (n > 0 && all)
		return err_set(err, -EINVAL, "--all is every flow: it takes no other words");
	return flow_filter_parse(&k->filter, n, words, err);
}

static void
ask(struct leat *l, struct killing *k, struct flows_question *q)
{
	q->aux = k;
	if (flows_ask(l->flows, q) != 0)
		killed(k, -ENOMEM);
}

static void
cmd_kill(struct unixctl_conn *conn, int argc, const char *argv[], void *aux)
{
	struct flows_question q = { .counted = count_more, .done = killed };
	struct killing *k = calloc(1, sizeof *k);
	struct leat *l = aux;
	struct err err;

	if (!k) {
		unixctl_reply_error(conn, strerror(ENOMEM));
		return;
	}
	k->conn = conn;
	if (take_words(k, argc, argv, &err) != 0) {
		unixctl_reply_error(conn, err.msg);
		free(k);
		return;
	}
	q.filter = &k->filter;
	q.act = k->dry_run ? NULL : kill_flow;
	k->one = q.one = flow_filter_is_id(&k->filter, &q.worker, &q.ref, &q.generation);
	ask(l, k, &q);
}

void
cmd_flow_kill_register(struct leat *l)
{
	verb_register(l->ctl, "flow/kill", cmd_kill, l);
}
