/*
 * What two hosts say, in pieces: identification never reads beyond a piece, says the same of the
 * same bytes in pieces of one, never takes back what it said, and gives its memory back; names are
 * texts that harm nothing.
 *
 * Input: pieces, each a byte (bit 0: direction, bits 1-5: what is done, bits 6-7: longer by so many
 * times 64), a byte of length, and so many bytes.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "vnf/app/app.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

enum { GAP = 29, EARLY = 30 };	/* and 31: bytes that came before */

static struct app *app;

static void
must(int holds, const char *what)
{
	if (!holds) {
		fprintf(stderr, "app: %s\n", what);
		abort();
	}
}

/* --- names --- */

static void
look_at(void *aux, const char *key, const char *text)
{
	const char *c;

	(void)aux;
	must(*key && *text, "an empty name is told");
	must(strlen(text) < APP_NAME, "a name is too long");
	for (c = text; *c; c++)
		must(*c >= 0x20 && *c < 0x7f, "a name is not printable");
}

static void
look_at_names(const struct app_state *s)
{
	struct app_known known;
	char list[APP_LIST];

	app_tell(s, look_at, NULL);
	app_list(s, list, sizeof list);
	must(strlen(list) == 0 || list[strlen(list) - 1] == '\n', "half a name is listed");
	app_known(s, &known);
	must((known.app == NULL) == (app_answer(s) == APP_UNKNOWN), "known and unknown");
}

/* --- one piece --- */

struct piece {
	unsigned dir, what;
	const uint8_t *p;
	size_t n;
};

static int
next(const uint8_t **at, const uint8_t *end, struct piece *piece)
{
	if (end - *at < 2)
		return 0;
	piece->dir = **at & 1;
	piece->what = **at >> 1 & 31;
	piece->n = (size_t)(**at >> 6) * 256 + (*at)[1];
	*at += 2;
	if (piece->n > (size_t)(end - *at))
		piece->n = (size_t)(end - *at);
	piece->p = *at;
	*at += piece->n;
	return 1;
}

static void
feed(struct app_state *s, unsigned dir, const uint8_t *p, size_t n, size_t step)
{
	for (size_t at = 0; at < n; at += step) {
		size_t take = n - at < step ? n - at : step;
		uint8_t *copy = malloc(take);	/* of exactly its size */

		memcpy(copy, p + at, take);
		app_feed(app, s, dir, copy, take);
		free(copy);
	}
}

/* At an offset: what is early, or comes twice, changes no byte that counts. */
static void
feed_at(struct app_state *s, const struct piece *piece, uint64_t off)
{
	uint8_t *copy = malloc(piece->n + 1);

	memcpy(copy, piece->p, piece->n);
	app_feed_at(app, s, piece->dir, off, copy, piece->n);
	free(copy);
}

/* The chain in pieces of at most `step`; `strange`: offsets and gaps as well. */
static void
hear(const uint8_t *bytes, size_t size, size_t step, int strange, char chain[APP_LABEL])
{
	const uint8_t *at = bytes, *end = bytes + size;
	char was[APP_LABEL] = "", now[APP_LABEL];
	struct app_status status;
	struct app_state s;
	struct piece piece;

	app_begin(&s, size > 0 && bytes[0] & 64);
	while (next(&at, end, &piece)) {
		uint64_t seen = s.seen[piece.dir];

		if (!strange || piece.what < GAP)
			feed(&s, piece.dir, piece.p, piece.n, step);
		else if (piece.what == GAP)
			app_gap(app, &s, piece.dir);
		else
			feed_at(&s, &piece, piece.what == EARLY ? seen + piece.n % 7 : seen / 2);
		app_print(&s, now);
		must(strncmp(was, now, strlen(was)) == 0, "what was said is taken back");
		memcpy(was, now, sizeof was);
		look_at_names(&s);
	}
	app_settle(app, &s);
	app_print(&s, chain);
	look_at_names(&s);
	app_end(app, &s);
	app_status(app, &status);
	must(status.holds + status.longs + status.names + status.parks == 0, "memory is not back");
}

int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
	const struct app_limits limits = { 2, 2, 2, 2 };
	char whole[APP_LABEL], bytewise[APP_LABEL], strange[APP_LABEL];

	if (!app)
		app = app_new(&limits);
	must(app != NULL, "no memory");
	hear(bytes, size, size + 1, 0, whole);
	hear(bytes, size, 1, 0, bytewise);
	must(strcmp(whole, bytewise) == 0, "it depends on how the bytes are cut");
	hear(bytes, size, size + 1, 1, strange);
	return 0;
}
