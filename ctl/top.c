/*
 * top.c - see top.h.
 */
#include "ctl/top.h"

#include <curses.h>
#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "ctl/top_view.h"

enum {
	FLOWS_MAX = 1000,	/* that are asked for: those with the most bytes */
	ARGS_MAX = 64,
	WIDE = 200,		/* columns where there is no terminal */
};

struct top {
	const struct options *o;
	double every_s;
	long n_looks;		/* 0: for ever */
	const char *argv[ARGS_MAX];	/* of flow/list */
	int argc;
	struct top_look now, before;
	enum top_order order;
};

static double
now_s(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (double)ts.tv_sec + (double)ts.tv_nsec / 1e9;
}

/* Asks anew; the look before becomes the older one. */
static int
look(struct top *t, struct err *e)
{
	const struct request flows = { .method = "flow/list", .argc = t->argc, .argv = t->argv };
	struct top_look l = { .at_s = now_s() };
	int rc = session_document(t->o, &(struct request){ .method = "status" }, &l.status, e);

	if (!rc)
		rc = session_document(t->o, &(struct request){ .method = "worker/show" },
				      &l.workers, e);
	if (!rc)
		rc = session_document(t->o, &flows, &l.flows, e);
	if (rc) {
		top_look_fini(&l);
		return rc;
	}
	top_look_fini(&t->before);
	t->before = t->now;
	t->now = l;
	return 0;
}

/* --- without a terminal ------------------------------------------------------------- */

static int
print_looks(struct top *t)
{
	struct err e;
	long i;

	for (i = 0; t->n_looks == 0 || i < t->n_looks; i++) {
		struct text out = TEXT_EMPTY;

		if (i)
			poll(NULL, 0, (int)(t->every_s * 1000));
		if (look(t, &e)) {
			complain("%s", e.msg);
			return EXIT_FAILED;
		}
		top_view(&out, &t->now, &t->before, t->order, FLOWS_MAX, WIDE);
		fwrite(out.s, 1, out.len, stdout);
		text_fini(&out);
		if (fflush(stdout)) {
			complain("cannot write the output: %s", strerror(errno));
			return EXIT_FAILED;
		}
	}
	return EXIT_OK;
}

/* --- on a terminal ---------------------------------------------------------------- */

static void
draw(struct top *t)
{
	struct text out = TEXT_EMPTY;
	char *line, *at;
	int y = 0;

	top_view(&out, &t->now, &t->before, t->order, LINES > 1 ? (unsigned)LINES - 1 : 1,
		 (unsigned)COLS);
	erase();
	for (at = out.s; at && (line = strsep(&at, "\n")) != NULL && y < LINES - 1; y++)
		mvaddstr(y, 0, line);
	attron(A_REVERSE);
	mvaddnstr(LINES - 1, 0, "q: end   s: sort by the next   + -: faster, slower", COLS);
	attroff(A_REVERSE);
	refresh();
	text_fini(&out);
}

/* False: the user has enough. */
static bool
take_key(struct top *t, int key)
{
	switch (key) {
	case 'q':
	case 'Q':
		return false;
	case 's':
		t->order = (t->order + 1) % TOP_ORDERS;
		break;
	case '+':
		t->every_s = t->every_s > 0.4 ? t->every_s / 2 : t->every_s;
		break;
	case '-':
		t->every_s = t->every_s < 60 ? t->every_s * 2 : t->every_s;
		break;
	}
	return true;
}

/* Draws and listens until the next look is due.  False: the user has enough. */
static bool
attend(struct top *t)
{
	double due = t->now.at_s + t->every_s, left;

	do {
		int key;

		draw(t);
		left = due - now_s();
		timeout(left > 0 ? (int)(left * 1000) : 0);
		key = getch();
		if (key != ERR && !take_key(t, key))
			return false;
		due = t->now.at_s + t->every_s;
	} while (now_s() < due);
	return true;
}

static int
show_screen(struct top *t)
{
	struct err e = { "" };
	bool more = true;
	long i;
	int rc = look(t, &e);

	if (!rc) {
		initscr();
		cbreak();
		noecho();
		curs_set(0);
		for (i = 1; more && !rc && (t->n_looks == 0 || i <= t->n_looks); i++) {
			more = attend(t);
			if (more)
				rc = look(t, &e);
		}
		endwin();
	}
	if (rc)
		complain("%s", e.msg);
	return rc ? EXIT_FAILED : EXIT_OK;
}

/* --- words ------------------------------------------------------------------------ */

static bool
read_words(struct top *t, int n, const char *const words[])
{
	char *end;
	int i;

	for (i = 0; i < n; i++) {
		bool has_value = i + 1 < n;

		if (!strcmp(words[i], "-d") && has_value) {
			t->every_s = strtod(words[++i], &end);
			if (*end || !(t->every_s >= 0.1 && t->every_s <= 3600))
				return false;
		} else if (!strcmp(words[i], "-n") && has_value) {
			t->n_looks = strtol(words[++i], &end, 10);
			if (*end || t->n_looks < 1)
				return false;
		} else if (*words[i] == '-' || t->argc == ARGS_MAX) {
			return false;
		} else {
			t->argv[t->argc++] = words[i];
		}
	}
	return true;
}

int
top(const struct options *o, int n_words, const char *const words[])
{
	bool screen = isatty(STDOUT_FILENO) && isatty(STDIN_FILENO);
	struct top t = { .o = o,
			 .every_s = 2,
			 .n_looks = screen ? 0 : 1,
			 .argv = { "--sort", "bytes:desc", "--limit", "1000" },
			 .argc = 4 };
	int status;

	if (!read_words(&t, n_words, words)) {
		complain("usage: leatctl top [-d SECONDS] [-n N] [KEY=VALUE]...");
		return EXIT_USAGE;
	}
	status = screen ? show_screen(&t) : print_looks(&t);
	top_look_fini(&t.now);
	top_look_fini(&t.before);
	return status;
}
