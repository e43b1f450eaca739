/*
 * raw.c - see raw.h.
 */
#include "ctl/raw.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "ctl/text.h"

enum { WORDS_MAX = 16 };

struct raw {
	const char *direction;	/* as the daemon calls it */
	struct text line;	/* that is not whole yet */
	bool begun;
	uint64_t next;		/* the offset behind what was written */
	bool gaps, failed;
};

bool
raw_is_asked(const struct request *r)
{
	int i;

	if (strcmp(r->method, "flow/follow") != 0)
		return false;
	for (i = 0; i < r->argc; i++)
		if (strcmp(r->argv[i], "--raw") == 0 || strncmp(r->argv[i], "--raw=", 6) == 0)
			return true;
	return false;
}

/* --- what the daemon tells --- */

static uint64_t
number(const json_t *event, const char *key)
{
	return (uint64_t)json_integer_value(json_object_get(event, key));
}

static void
say_gap(struct raw *w, uint64_t offset, uint64_t len, const char *reason)
{
	complain("%ju bytes at %ju are missing: %s", (uintmax_t)len, (uintmax_t)offset, reason);
	w->gaps = true;
}

static int
digit(char c)
{
	return c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* Hexadecimal from the `skip`-th byte on. */
static bool
write_bytes(const char *hex, uint64_t skip)
{
	size_t n = strlen(hex) / 2, i;
	uint8_t b[4096];

	if (n > sizeof b)
		return false;
	for (i = 0; i < n; i++) {
		int high = digit(hex[2 * i]), low = digit(hex[2 * i + 1]);

		if (high < 0 || low < 0)
			return false;
		b[i] = (uint8_t)(high << 4 | low);
	}
	return fwrite(b + skip, 1, n - skip, stdout) == n - skip;
}

/* What came before is not written again; what was not, is missing. */
static void
take_data(struct raw *w, const json_t *event)
{
	const char *hex = json_string_value(json_object_get(event, "bytes"));
	uint64_t offset = number(event, "offset"), end = offset + number(event, "length");

	if (!hex || strlen(hex) != 2 * (end - offset)) {
		complain("the daemon's answer is not understood");
		w->failed = true;
		return;
	}
	if (!w->begun && offset > 0)
		complain("from byte %ju on", (uintmax_t)offset);
	else if (w->begun && offset > w->next)
		say_gap(w, w->next, offset - w->next, "not seen in order");
	if (!w->begun || end > w->next) {
		w->failed = !write_bytes(hex, w->begun && offset < w->next ? w->next - offset : 0);
		w->next = end;
	}
	w->begun = true;
}

/* What is written stays one end's bytes, whatever that is called now. */
static void
take_roles(struct raw *w)
{
	if (!w->begun)
		return;
	w->direction = strcmp(w->direction, "up") == 0 ? "down" : "up";
	complain("the client had been guessed wrong: this is what the %s sends",
		 strcmp(w->direction, "up") == 0 ? "client" : "server");
}

static void
take_event(struct raw *w, const json_t *event)
{
	const char *what = session_string(event, "event");

	if (strcmp(what, "roles") == 0)
		take_roles(w);
	if (strcmp(session_string(event, "direction"), w->direction) != 0)
		return;
	if (strcmp(what, "data") == 0) {
		take_data(w, event);
	} else if (strcmp(what, "gap") == 0) {
		say_gap(w, number(event, "offset"), number(event, "length"),
			session_string(event, "reason"));
		w->next = number(event, "offset") + number(event, "length");
		w->begun = true;
	}
}

static void
take_line(struct raw *w, const char *s, size_t n)
{
	json_t *event = json_loadb(s, n, 0, NULL);

	if (event)
		take_event(w, event);
	json_decref(event);
}

/* A ctl_sink: any pieces of lines. */
static bool
take(void *aux, const char *s, size_t n)
{
	struct raw *w = aux;
	const char *nl;

	while (n > 0 && (nl = memchr(s, '\n', n)) != NULL) {
		text_put(&w->line, s, (size_t)(nl - s));
		take_line(w, w->line.s ? w->line.s : "", w->line.len);
		w->line.len = 0;
		n -= (size_t)(nl + 1 - s);
		s = nl + 1;
	}
	text_put(&w->line, s, n);
	w->failed |= fflush(stdout) != 0 || w->line.failed;
	return !w->failed;
}

/* --- the command --- */

/* Takes our words out of the command's; 0, or why not. */
static const char *
take_words(struct raw *w, const struct request *r, const char *words[WORDS_MAX], int *n)
{
	const char *which = "";
	bool force = false;
	int i;

	*n = 0;
	for (i = 0; i < r->argc; i++) {
		const char *word = r->argv[i];

		if (strcmp(word, "--force") == 0)
			force = true;
		else if (strncmp(word, "--raw=", 6) == 0)
			which = word + 6;
		else if (strcmp(word, "--raw") == 0)
			which = i + 1 < r->argc ? r->argv[++i] : "";
		else if (strcmp(word, "--hex") == 0 || *n == WORDS_MAX)
			return "--raw shows bytes as they are: without --hex";
		else
			words[(*n)++] = word;
	}
	if (strcmp(which, "up") != 0 && strcmp(which, "down") != 0)
		return "--raw up is what the client sends, --raw down what the server does";
	w->direction = which;
	if (*n == 0 || strchr(words[0], '='))
		return "--raw takes the id of one flow; `flow list` shows them";
	if (!force && isatty(STDOUT_FILENO))
		return "a flow's bytes as they are may do harm on a terminal: use a pipe or a "
		       "file, or --force";
	return NULL;
}

int
raw_follow(const struct options *o, const struct request *r)
{
	struct raw w = { .line = TEXT_EMPTY };
	const char *words[WORDS_MAX], *why;
	struct request asked = { .argv = words };
	int status;

	why = take_words(&w, r, words, &asked.argc);
	if (why) {
		complain("%s", why);
		return EXIT_USAGE;
	}
	snprintf(asked.method, sizeof asked.method, "%s", r->method);
	status = session_stream(o, "json", &asked, take, &w);
	text_fini(&w.line);
	return status == EXIT_OK && w.gaps ? EXIT_GAPS : status;
}
