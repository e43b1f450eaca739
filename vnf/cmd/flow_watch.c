/*
 * flow_watch.c - flow/follow FLOW: the bytes of one flow as they come, until it ends or the client
 * goes.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "vnf/cmd/cmd.h"
#include "vnf/cmd/stay.h"
#include "vnf/row.h"
#include "vnf/watch_text.h"

enum { PIECES_A_TURN = 256 };

/* A client that watches. */
struct watching {
	struct stay stay;
	struct watch *watch;
	struct watch_view view;
	bool begun;		/* the reply */
	bool over;		/* the flow is */
};

static void
watching_free(struct leat *l, struct watching *g)
{
	if (g->watch)
		watch_end(l->watches, g->watch);
	free(g);
}

static void
send_text(struct watching *g, struct text *t)
{
	if (t->len)
		unixctl_reply_part(g->stay.conn, t->s, t->len);
	text_fini(t);
}

static void
take_pieces(struct watching *g)
{
	struct text text = TEXT_EMPTY;
	struct watch_piece p;
	unsigned i;

	for (i = 0; i < PIECES_A_TURN && !g->over; i++) {
		if ((g->begun && unixctl_reply_room(g->stay.conn) <= text.len) ||
		    !watch_next(g->watch, &p))
			break;
		if (!g->begun)
			unixctl_reply_begin(g->stay.conn, g->view.style == WATCH_JSON
								  ? UNIXCTL_LINES
								  : UNIXCTL_TEXT);
		g->begun = true;
		watch_show(&g->view, &text, &p);
		g->over = p.kind == WATCH_END;
	}
	/* a line that is not whole is shown, and may go on */
	send_text(g, &text);
}

/* What came before it was over is there. */
static bool
turn(struct stay *s, bool over)
{
	struct watching *g = (struct watching *)s;

	over |= g->over || watch_is_nothing(g->watch);
	take_pieces(g);
	return over;
}

static void
end(struct leat *l, struct stay *s)
{
	struct watching *g = (struct watching *)s;
	struct text text = TEXT_EMPTY;

	if (!g->begun && watch_is_nothing(g->watch)) {
		unixctl_reply_error(s->conn, "there is no such flow, or none that can be followed");
	} else {
		if (!g->begun)
			unixctl_reply_begin(s->conn, UNIXCTL_TEXT);
		watch_show_end(&g->view, &text);
		send_text(g, &text);
		unixctl_reply_end(s->conn);
	}
	watching_free(l, g);
}

static const struct stay_ops ops = { turn, end };

void
cmd_flow_watch_run(struct leat *l, usec_t now)
{
	stays_run(l, &l->watching, &ops, now);
	watches_run(l->watches);
}

void
cmd_flow_watch_end(struct leat *l)
{
	stays_end(l, &l->watching, &ops);
}

static int
take_words(struct watching *g, int argc, const char *argv[], struct err *err)
{
	uint64_t seconds = 0;
	const char *value;
	int i, rc = 0;

	for (i = 2; i < argc && rc == 0; i++) {
		if (cmd_option("--for", argc, argv, &i, &value))
			rc = cmd_number("--for", value, 1, 1000000, &seconds, err);
		else if (strcmp(argv[i], "--hex") == 0)
			g->view.style = WATCH_HEX;
		else
			rc = err_set(err, -EINVAL, "\"%.60s\": of a flow, --hex and --for SECONDS",
				     argv[i]);
	}
	g->stay.for_us = (int64_t)seconds * 1000000;
	return rc;
}

bool
cmd_flow_watch(struct leat *l, struct unixctl_conn *conn, int argc, const char *argv[])
{
	uint32_t ref, generation;
	struct err err = { 0 };
	struct watching *g;
	unsigned worker;
	int rc = 0;

	if (argc < 2 || !row_id_parse(argv[1], &worker, &ref, &generation))
		return false;
	g = calloc(1, sizeof *g);
	if (!g) {
		unixctl_reply_error(conn, strerror(ENOMEM));
		return true;
	}
	g->stay.conn = conn;
	if (!unixctl_may_change(conn))
		rc = err_set(&err, -EPERM, "who may only ask may not read what flows carry");
	g->stay.began = clock_now();
	if (rc == 0 && take_words(g, argc, argv, &err) == 0)
		g->watch = watch_begin(l->watches, worker, ref, generation, &err);
	if (!g->watch) {
		unixctl_reply_error(conn, err.msg);
		free(g);
		return true;
	}
	if (unixctl_style(conn)->format == TABLE_JSON)
		g->view.style = WATCH_JSON;
	g->stay.next = l->watching;
	l->watching = &g->stay;
	return true;
}
