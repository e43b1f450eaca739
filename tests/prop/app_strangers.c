/*
 * Identification of what vnf/app/protocols.def has no row for: the first bytes of hundreds of
 * protocols and kinds of files are none of the table's, whichever end speaks first, however they
 * are cut, with the roles known, unsure or wrong, and where one direction alone was seen.
 */
#include <stdio.h>
#include <stdlib.h>

#include "tests/prop/lib/talk.h"
#include "tests/unit/tap.h"

/* Of flows that begin anywhere within them, one in so many may be claimed: some quote others. */
enum { MIDDLES_A_CLAIM = 2000 };

static const struct talk strangers[] = {
#include "tests/prop/app_strangers.def"
};

enum { N_STRANGERS = sizeof strangers / sizeof *strangers };

static struct app *app;
static unsigned n_flows, n_claimed;

static void
set_up(void)
{
	const struct app_limits limits = { .n_holds = 4, .n_longs = 2, .n_names = 4 };

	n_flows = n_claimed = 0;
	if (!app)
		app = app_new(&limits);
	if (!app)
		abort();
}

/* Is it none, in pieces of `piece`, and whoever the client is? */
static void
want_none(const struct talk *t, size_t piece, const char *what)
{
	unsigned unsure;

	for (unsure = 0; unsure < 2; unsure++) {
		char chain[APP_LABEL];

		talk_chain(app, t, piece, unsure, chain);
		n_flows++;
		if (!*chain)
			continue;
		n_claimed++;
		printf("# %s, %s%s: is taken for %s\n", t->name, what, unsure ? ", unsure" : "",
		       chain);
	}
}

static struct talk
turned(const struct talk *t)
{
	return (struct talk){ t->name, !t->first, { t->said[1], t->said[0] } };
}

static void
want_none_either_way(const struct talk *t, size_t piece)
{
	const struct talk other = turned(t);
	unsigned first;

	for (first = 0; first < 2; first++) {
		struct talk a = *t, b = other;

		a.first = b.first = first;
		want_none(&a, piece, "both");
		want_none(&b, piece, "turned round");
	}
}

static void
what_no_row_is_for_is_taken_for_none(void)
{
	static const size_t pieces[] = { 1, 7, 4096 };
	size_t i, k;

	set_up();
	for (i = 0; i < N_STRANGERS; i++)
		for (k = 0; k < 3; k++)
			want_none_either_way(&strangers[i], pieces[k]);
	printf("# %d strangers, %u flows\n", N_STRANGERS, n_flows);
	CU_ASSERT_EQUAL(n_claimed, 0);
}

static void
one_direction_of_it_is_taken_for_none(void)
{
	size_t i, k;

	set_up();
	for (i = 0; i < N_STRANGERS; i++)
		for (k = 0; k < 2; k++) {
			struct talk half = strangers[i], other;

			half.said[k].n = 0;
			other = turned(&half);
			want_none(&half, 4096, "half of it");
			want_none(&other, 4096, "half of it by the other end");
		}
	CU_ASSERT_EQUAL(n_claimed, 0);
}

/* From each byte on of one direction, with the other's from its beginning, or none of it. */
static void
the_middle_of_it_is_hardly_ever_claimed(void)
{
	size_t i, k, from;

	set_up();
	for (i = 0; i < N_STRANGERS; i++)
		for (k = 0; k < 2; k++)
			for (from = 1; from < strangers[i].said[k].n; from++) {
				struct talk t = strangers[i];

				t.said[k].p += from;
				t.said[k].n -= from;
				want_none(&t, 4096, "its middle");
				t.said[!k].n = 0;
				want_none(&t, 4096, "its middle alone");
			}
	printf("# %u of %u claimed\n", n_claimed, n_flows);
	CU_ASSERT_TRUE(n_claimed <= n_flows / MIDDLES_A_CLAIM);
}

static const struct tap_test tests[] = {
	{ "I1 what no row is for is taken for none", what_no_row_is_for_is_taken_for_none },
	{ "I1 one direction of what no row is for is taken for none",
	  one_direction_of_it_is_taken_for_none },
	{ "I1 the middle of what no row is for is hardly ever claimed",
	  the_middle_of_it_is_hardly_ever_claimed },
};

int
main(int argc, char **argv)
{
	return tap_run("app_strangers", tests, sizeof tests / sizeof tests[0], argc, argv);
}
