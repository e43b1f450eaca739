/*
 * flow_follow.c - flow/follow: a line for each flow that begins or ends, as long as the client
 * stays.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "vnf/cmd/cmd.h"
#include "vnf/cmd/stay.h"
#include "vnf/flow_row.h"

enum { EVENTS_A_TURN = 1024 };

/* A client that follows. */
struct following {
	struct stay stay;
	struct follower *follower;
	struct table *table;
	struct table_stream *stream;
	uint64_t n, n_max;	/* events; 0: no limit */
	uint64_t lost;		/* as the client was told */
};

static void
following_free(struct leat *l, struct following *g)
{
	if (g->follower)
		follow_end(l->followers, g->follower);
	table_stream_free(g->stream);
	table_free(g->table);
	free(g);
}

/* Sends the rows in hand. */
static void
send_rows(struct following *g)
{
	struct text text = TEXT_EMPTY;

	table_stream_rows(g->stream, g->table, &text);
	unixctl_reply_part(g->stay.conn, text.s ? text.s : "", text.len);
	text_fini(&text);
	table_clear(g->table);
}

static void
take_events(struct following *g)
{
	struct follow_event e;
	uint64_t lost = follow_lost(g->follower);
	unsigned i;

	if (unixctl_reply_room(g->stay.conn) == 0)
		return;
	if (lost != g->lost)
		flow_row_put_lost(g->table, lost - g->lost);
	g->lost = lost;
	for (i = 0; i < EVENTS_A_TURN && (g->n_max == 0 || g->n < g->n_max); i++) {
		if (!follow_next(g->follower, &e))
			break;
		flow_row_put_event(g->table, e.begins, &e.row);
		g->n++;
	}
	if (table_n_rows(g->table))
		send_rows(g);
}

static bool
turn(struct stay *s, bool over)
{
	struct following *g = (struct following *)s;

	take_events(g);
	return over || (g->n_max && g->n >= g->n_max);
}

static void
end(struct leat *l, struct stay *s)
{
	struct following *g = (struct following *)s;
	struct text text = TEXT_EMPTY;

	table_stream_end(g->stream, &text);
	unixctl_reply_part(s->conn, text.s ? text.s : "", text.len);
	text_fini(&text);
	unixctl_reply_end(s->conn);
	following_free(l, g);
}

static const struct stay_ops ops = { turn, end };

void
cmd_flow_follow_run(struct leat *l, usec_t now)
{
	stays_run(l, &l->following, &ops, now);
	followers_run(l->followers);
}

void
cmd_flow_follow_end(struct leat *l)
{
	stays_end(l, &l->following, &ops);
}

static int
take_words(struct following *g, struct flow_filter *ff, int argc, const char *argv[],
	   struct err *err)
{
	const char *word[FLOW_FILTER_WORDS + 1], *value;
	uint64_t seconds = 0;
	int i, n = 0, rc = 0;

	for (i = 1; i < argc && rc == 0; i++) {
		if (cmd_option("--for", argc, argv, &i, &value))
			rc = cmd_number("--for", value, 1, 1000000, &seconds, err);
		else if (cmd_option("--count", argc, argv, &i, &value))
			rc = cmd_number("--count", value, 1, INT64_MAX, &g->n_max, err);
		else if (n <= FLOW_FILTER_WORDS)
			word[n++] = argv[i];
	}
	g->stay.for_us = (int64_t)seconds * 1000000;
	return rc == 0 ? flow_filter_parse(ff, n, word, err) : rc;
}

static int
begin(struct leat *l, struct following *g, int argc, const char *argv[], struct err *err)
{
	const struct table_style *style = unixctl_style(g->stay.conn);
	struct flow_filter ff;
	int rc;

	g->table = flow_row_event_table();
	g->stay.began = clock_now();
	rc = take_words(g, &ff, argc, argv, err);
	if (rc == 0)
		rc = table_stream_new(&g->stream, g->table, style, true, err);
	if (rc != 0)
		return rc;
	g->follower = follow_begin(l->followers, &ff, err);
	return g->follower ? 0 : -EBUSY;
}

static void
cmd_follow(struct unixctl_conn *conn, int argc, const char *argv[], void *aux)
{
	struct leat *l = aux;
	struct following *g;
	struct err err;

	if (cmd_flow_watch(l, conn, argc, argv))
		return;
	g = calloc(1, sizeof *g);
	if (!g) {
		unixctl_reply_error(conn, strerror(ENOMEM));
		return;
	}
	g->stay.conn = conn;
	if (begin(l, g, argc, argv, &err) != 0) {
		unixctl_reply_error(conn, err.msg);
		following_free(l, g);
		return;
	}
	unixctl_reply_begin(conn, unixctl_style(conn)->format == TABLE_JSON ? UNIXCTL_LINES
									    : UNIXCTL_TEXT);
	send_rows(g);
	g->stay.next = l->following;
	l->following = &g->stay;
}

void
cmd_flow_follow_register(struct leat *l)
{
	verb_register(l->ctl, "flow/follow", cmd_follow, l);
}
