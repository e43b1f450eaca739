/*
 * Identification of every example, cut at every place of both directions at once: nothing is ever
 * said that is not true in the end, and in the end it is the same.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/prop/lib/talk.h"
#include "tests/unit/tap.h"

static const struct talk examples[] = {
#include "tests/prop/app_examples.def"
};

enum { N_EXAMPLES = sizeof examples / sizeof *examples };

static struct app *app;
static unsigned n_flows, n_wrong;

static void
set_up(void)
{
	const struct app_limits limits = { .n_holds = 4, .n_longs = 2, .n_names = 4 };

	n_flows = n_wrong = 0;
	if (!app)
		app = app_new(&limits);
	if (!app)
		abort();
}

/* An answer before the end: none, or what the final one begins with. */
static bool
may_become(const struct app_state *s, const char *final)
{
	char chain[APP_LABEL];
	const size_t n = strlen(app_print(s, chain));

	if (app_answer(s) != APP_FOUND)
		return app_answer(s) == APP_UNKNOWN;
	return strncmp(final, chain, n) == 0 && (final[n] == '\0' || final[n] == '+');
}

/* Both say their first part, then both their second, of which `order` comes first. */
static void
want_its_label(const struct talk *t, const size_t cut[2], unsigned order, bool unsure)
{
	struct app_state s;
	char chain[APP_LABEL];
	bool holds = true;
	unsigned k;

	app_begin(&s, unsure);
	for (k = 0; k < 4; k++) {
		const unsigned dir = (k & 1) ^ order, part = k >> 1;

		talk_say(app, &s, t, dir, part ? cut[dir] : 0, part ? t->said[dir].n : cut[dir]);
		holds &= may_become(&s, t->name);
	}
	app_settle(app, &s);
	holds &= strcmp(app_print(&s, chain), t->name) == 0;
	if (!holds && n_wrong++ < 100)
		printf("# %s, cut at %zu and %zu, %s first%s: '%s'\n", t->name, cut[0], cut[1],
		       order == CLIENT ? "client" : "server", unsure ? ", unsure" : "", chain);
	n_flows++;
	app_end(app, &s);
}

/*
 * What is around or inside is in the client's first message, which no server answers before it has
 * come: whoever sees an answer first says "tls" or "http", and that stays.
 */
static bool
is_told_too_late(const struct talk *t, const size_t cut[2], unsigned order)
{
	if (strcmp(t->name, "dot") != 0 && strncmp(t->name, "proxy-", 6) != 0)
		return false;
	return order == SERVER || (cut[SERVER] > 0 && cut[CLIENT] < t->said[CLIENT].n);
}

static void
want_it_however_it_is_split(bool unsure)
{
	unsigned i, order;
	size_t cut[2];

	set_up();
	for (i = 0; i < N_EXAMPLES; i++)
		for (cut[0] = 0; cut[0] <= examples[i].said[0].n; cut[0]++)
			for (cut[1] = 0; cut[1] <= examples[i].said[1].n; cut[1]++)
				for (order = 0; order < 2; order++)
					if (!is_told_too_late(&examples[i], cut, order))
						want_its_label(&examples[i], cut, order, unsure);
	printf("# %u flows of %d examples\n", n_flows, N_EXAMPLES);
	CU_ASSERT_EQUAL(n_wrong, 0);
}

static void
no_split_changes_what_is_said(void)
{
	want_it_however_it_is_split(false);
}

static void
no_split_changes_it_where_the_roles_are_unsure(void)
{
	want_it_however_it_is_split(true);
}

static const struct tap_test tests[] = {
	{ "I3 no split of both directions changes what is said", no_split_changes_what_is_said },
	{ "I3 no split changes it where the roles are unsure",
	  no_split_changes_it_where_the_roles_are_unsure },
};

int
main(int argc, char **argv)
{
	return tap_run("app_splits", tests, sizeof tests / sizeof tests[0], argc, argv);
}
