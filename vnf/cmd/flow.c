/*
 * flow.c - flow/list, flow/show, flow/count: answered when the workers have.
 *
 * A list is shown as it comes, some rows at a time, and workers are asked for more only while the
 * client takes them.  A sorted one has to be kept, of which the control thread bounds the rows.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "vnf/cmd/cmd.h"
#include "vnf/flow_row.h"
#include "vnf/row.h"

enum {
	ROWS_AT_ONCE = 128,
	SORTED_MAX = 100000,	/* rows that are kept at most, where no limit is given */
	ENOUGH = -ENODATA,	/* what a question is given up with when its limit is reached */
};

/* A question of a client, until it is answered. */
struct asked {
	struct unixctl_conn *conn;
	struct flow_filter filter;
	struct table *table;
	struct table_style style;
	struct table_stream *stream;
	char *sort;		/* the column; NULL: rows are shown as they come */
	bool descending, begun;
	bool is_limited;
	uint64_t limit, n;	/* rows to show; rows that came */
};

static void
asked_free(struct asked *a)
{
	table_stream_free(a->stream);
	table_free(a->table);
	free(a->sort);
	free(a);
}

static struct asked *
asked_new(struct unixctl_conn *conn)
{
	struct asked *a = calloc(1, sizeof *a);

	if (!a)
		abort();
	a->conn = conn;
	a->limit = UINT64_MAX;
	return a;
}

static void
refuse(struct asked *a, const char *why)
{
	unixctl_reply_error(a->conn, why);
	asked_free(a);
}

static const char *
reason(int rc)
{
	return rc == -ETIMEDOUT ? "a worker does not answer" : strerror(-rc);
}

static void
ask(struct leat *l, struct asked *a, struct flows_question *q)
{
	q->aux = a;
	if (flows_ask(l->flows, q) != 0)
		q->done(a, -ENOMEM);
}

/* --- list --- */

/* Sends the rows in hand, and with `last` what stands below them. */
static void
show_rows(struct asked *a, bool last)
{
	bool json = unixctl_style(a->conn)->format == TABLE_JSON;
	struct text text = TEXT_EMPTY;

	table_stream_rows(a->stream, a->table, &text);
	if (last)
		table_stream_end(a->stream, &text);
	if (!a->begun)
		unixctl_reply_begin(a->conn, json ? UNIXCTL_JSON : UNIXCTL_TEXT);
	a->begun = true;
	unixctl_reply_part(a->conn, text.s ? text.s : "", text.len);
	text_fini(&text);
	table_clear(a->table);
}

static int
list_ready(void *aux)
{
	const struct asked *a = aux;

	if (unixctl_client_gone(a->conn))
		return -ECANCELED;
	if (a->sort)
		return 1;
	return a->n >= a->limit ? ENOUGH : unixctl_reply_room(a->conn) > 0;
}

static void
list_row(void *aux, const struct flow_view *v)
{
	struct asked *a = aux;
	struct err err;

	if (!a->sort && a->n >= a->limit)
		return;
	a->n++;
	if (a->sort && !a->is_limited && a->n > a->limit)
		return;
	flow_row_put(a->table, v);
	if (!a->sort && table_n_rows(a->table) == ROWS_AT_ONCE)
		show_rows(a, false);
	else if (a->sort && table_n_rows(a->table) >= 2 * a->limit + ROWS_AT_ONCE)
		table_sort(a->table, a->sort, a->descending, a->limit, &err);
}

/* The whole is in hand: puts it in order. */
static int
sort_rows(struct asked *a, struct err *err)
{
	if (!a->is_limited && a->n > a->limit)
		return err_set(err, -E2BIG, "%ju flows are too many to be sorted: give --limit",
			       (uintmax_t)a->n);
	return table_sort(a->table, a->sort, a->descending, a->limit, err);
}

static void
list_done(void *aux, int rc)
{
	struct asked *a = aux;
	struct err err;

	if (rc == ENOUGH)
		rc = 0;
	else if (rc != 0)
		err_set(&err, rc, "%s", reason(rc));
	else if (a->sort)
		rc = sort_rows(a, &err);
	if (rc != 0 && !a->begun) {
		refuse(a, err.msg);
		return;
	}
	show_rows(a, true);
	if (rc == 0)
		unixctl_reply_end(a->conn);
	else
		unixctl_reply_fail(a->conn, err.msg);
	asked_free(a);
}

/* COLUMN[:asc|:desc] */
static int
take_sort(struct asked *a, const char *text, struct err *err)
{
	char *colon;

	free(a->sort);
	a->sort = strdup(text);
	if (!a->sort)
		return err_set(err, -ENOMEM, "%s", strerror(ENOMEM));
	colon = strchr(a->sort, ':');
	if (colon)
		*colon++ = '\0';
	a->descending = colon && strcmp(colon, "desc") == 0;
	if (colon && !a->descending && strcmp(colon, "asc") != 0)
		return err_set(err, -EINVAL,
			       "--sort %s: COLUMN, COLUMN:asc or COLUMN:desc is needed", text);
	return table_sort(a->table, a->sort, a->descending, 0, err);
}

/* Takes the options out; the rest are the filter's words. */
static int
take_options(struct asked *a, int argc, const char *argv[], struct err *err)
{
	const char *words[FLOW_FILTER_WORDS + 1], *value;
	int i, n = 0, rc = 0;

	for (i = 1; i < argc && rc == 0; i++) {
		if (cmd_option("--sort", argc, argv, &i, &value))
			rc = take_sort(a, value, err);
		else if (cmd_option("--limit", argc, argv, &i, &value))
			rc = cmd_number("--limit", value, 1, INT32_MAX, &a->limit, err);
		else if (n <= FLOW_FILTER_WORDS)
			words[n++] = argv[i];
	}
	if (rc == 0)
		rc = flow_filter_parse(&a->filter, n, words, err);
	a->is_limited = a->limit <= SORTED_MAX;
	if (a->sort && !a->is_limited)
		a->limit = SORTED_MAX;
	return rc;
}

static void
cmd_list(struct unixctl_conn *conn, int argc, const char *argv[], void *aux)
{
	struct flows_question q = { .ready = list_ready, .row = list_row, .done = list_done };
	struct asked *a = asked_new(conn);
	struct err err;

	a->table = flow_row_table();
	a->style = *unixctl_style(conn);
	if (a->style.format == TABLE_TABLE && !a->style.columns)
		a->style.columns = flow_row_table_columns;
	if (take_options(a, argc, argv, &err) != 0 ||
	    table_stream_new(&a->stream, a->table, &a->style, false, &err) != 0) {
		refuse(a, err.msg);
		return;
	}
	q.filter = &a->filter;
	q.one = flow_filter_is_id(&a->filter, &q.worker, &q.ref, &q.generation);
	ask(aux, a, &q);
}

/* --- count --- */

static void
count_more(void *aux, uint64_t n)
{
	((struct asked *)aux)->n += n;
}

static void
count_done(void *aux, int rc)
{
	struct asked *a = aux;
	char text[32];

	if (rc != 0) {
		refuse(a, reason(rc));
		return;
	}
	snprintf(text, sizeof text, "%ju", (uintmax_t)a->n);
	unixctl_reply(a->conn, text);
	asked_free(a);
}

static void
cmd_count(struct unixctl_conn *conn, int argc, const char *argv[], void *aux)
{
	struct flows_question q = { .counted = count_more, .done = count_done };
	struct asked *a = asked_new(conn);
	struct err err;

	if (flow_filter_parse(&a->filter, argc - 1, argv + 1, &err) != 0) {
		refuse(a, err.msg);
		return;
	}
	q.filter = &a->filter;
	ask(aux, a, &q);
}

/* --- show --- */

static void
show_row(void *aux, const struct flow_view *v)
{
	struct asked *a = aux;

	a->n++;
	flow_row_put_items(a->table, v);
}

static void
show_done(void *aux, int rc)
{
	struct asked *a = aux;

	if (rc != 0 || a->n == 0) {
		refuse(a, rc ? reason(rc) : "there is no such flow any more");
		return;
	}
	unixctl_reply_table(a->conn, a->table);
	asked_free(a);
}

static void
cmd_show(struct unixctl_conn *conn, int argc, const char *argv[], void *aux)
{
	struct flows_question q = { .one = true, .row = show_row, .done = show_done };
	struct leat *l = aux;
	struct asked *a;

	(void)argc;
	if (!row_id_parse(argv[1], &q.worker, &q.ref, &q.generation) ||
	    q.worker >= l->o->n_workers) {
		unixctl_reply_errorf(conn, "%s: no flow's id; `flow list` shows them", argv[1]);
		return;
	}
	a = asked_new(conn);
	a->table = CMD_TABLE("item", "value");
	ask(l, a, &q);
}

void
cmd_flow_register(struct leat *l)
{
	verb_register(l->ctl, "flow/list", cmd_list, l);
	verb_register(l->ctl, "flow/count", cmd_count, l);
	verb_register(l->ctl, "flow/show", cmd_show, l);
	cmd_flow_conflicts_register(l);
	cmd_flow_follow_register(l);
	cmd_flow_kill_register(l);
}
