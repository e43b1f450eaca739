/*
 * talk.h - what two hosts say to each other, written down, and what identification takes it for.
 *
 * A test's own; one thread.
 */
#ifndef LEAT_TESTS_PROP_LIB_TALK_H
#define LEAT_TESTS_PROP_LIB_TALK_H

#include <stdbool.h>
#include <stddef.h>

#include "vnf/app/app.h"

enum { CLIENT, SERVER };

struct said {
	const char *p;
	size_t n;
};

struct talk {
	const char *name;	/* the chain of an example */
	unsigned first;		/* whose bytes come first */
	struct said said[2];	/* the client's, the server's */
};

/* For the rows of app_examples.def and of app_strangers.def. */
#define SAID(literal)             \
	{                         \
		literal, sizeof(literal) - 1 \
	}
#define EXAMPLE(chain, first, client, server) { chain, first, { SAID(client), SAID(server) } },
#define STRANGER(name, client, server) { name, CLIENT, { SAID(client), SAID(server) } },

/* Feeds bytes `from` to `to` of `dir`, if there are any, in memory of exactly their size. */
void talk_say(struct app *app, struct app_state *s, const struct talk *t, unsigned dir, size_t from,
	      size_t to);

/* What all of it, in pieces of `piece`, is taken for; `unsure`: which is the client. */
void talk_chain(struct app *app, const struct talk *t, size_t piece, bool unsure,
		char chain[APP_LABEL]);

#endif
