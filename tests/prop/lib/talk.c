/*
 * talk.c - see talk.h.
 */
#include "tests/prop/lib/talk.h"

#include <stdlib.h>
#include <string.h>

void
talk_say(struct app *app, struct app_state *s, const struct talk *t, unsigned dir, size_t from,
	 size_t to)
{
	char *copy;

	if (from >= to)
		return;
	copy = malloc(to - from);
	if (!copy)
		abort();
	memcpy(copy, t->said[dir].p + from, to - from);
	app_feed(app, s, dir, copy, to - from);
	free(copy);
}

void
talk_chain(struct app *app, const struct talk *t, size_t piece, bool unsure, char chain[APP_LABEL])
{
	struct app_state s;
	unsigned k;

	app_begin(&s, unsure);
	for (k = 0; k < 2; k++) {
		const unsigned dir = k ^ t->first;
		const size_t n = t->said[dir].n;
		size_t at;

		for (at = 0; at < n; at += piece)
			talk_say(app, &s, t, dir, at, n - at < piece ? n : at + piece);
	}
	app_settle(app, &s);
	app_print(&s, chain);
	app_end(app, &s);
}
