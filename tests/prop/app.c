/*
 * Identification of every protocol in vnf/app/protocols.def, by examples of how its flows begin:
 * what a flow is does not depend on how its bytes were cut; what is said of a prefix stays true;
 * random bytes are nothing; and few rows are ever asked.  `app -l` lists the examples.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/unit/tap.h"
#include "vnf/app/app.h"

enum { CLIENT, SERVER };

enum { DRAWS = 1000000, CLAIMED_MAX = DRAWS / 10000, CANDIDATES_MAX = 4, CANDIDATES_FROM = 12 };

static const struct example {
	const char *chain;
	unsigned first;
	struct {
		const char *p;
		size_t n;
	} said[2];
} examples[] = {
#define EXAMPLE(chain, first, client, server)                                                      \
	{ chain, first, { { client, sizeof(client) - 1 }, { server, sizeof(server) - 1 } } },
#include "tests/prop/app_examples.def"
};

enum { N_EXAMPLES = sizeof examples / sizeof *examples };

static struct app *app;
static unsigned n_wrong;	/* of the test at work */
static uint64_t rng = 88172645463325252;

static uint64_t
rnd(void)
{
	rng ^= rng << 13;
	rng ^= rng >> 7;
	rng ^= rng << 17;
	return rng;
}

static void
set_up(void)
{
	const struct app_limits limits = { .n_holds = 4, .n_longs = 2, .n_names = 4 };

	n_wrong = 0;
	if (!app)
		app = app_new(&limits);
	if (!app)
		abort();
}

static void
want(const struct example *e, bool holds, const char *what, const char *is)
{
	if (!holds)
		printf("# %s, %.20s: %s: '%s'\n", e->chain, e->said[0].p, what, is);
	n_wrong += !holds;
}

/* Says `n` bytes, of which the first direction's come first, in pieces of `piece`. */
static void
say(struct app_state *s, const struct example *e, size_t n, size_t piece)
{
	unsigned k;

	for (k = 0; k < 2; k++) {
		unsigned dir = k ^ e->first;
		size_t at = 0, len = e->said[dir].n < n ? e->said[dir].n : n;

		for (n -= len; at < len; at += piece) {
			size_t take = len - at < piece ? len - at : piece;
			char *copy = malloc(take);	/* of exactly its size, for a sanitizer */

			memcpy(copy, e->said[dir].p + at, take);
			app_feed(app, s, dir, copy, take);
			free(copy);
		}
	}
}

static size_t
length(const struct example *e)
{
	return e->said[0].n + e->said[1].n;
}

static void
every_row_has_an_example_and_gets_its_label_from_it(void)
{
	unsigned had[APP_N] = { 0 }, i, id;
	struct app_state s;
	char chain[APP_LABEL];

	set_up();
	for (i = 0; i < N_EXAMPLES; i++) {
		const struct example *e = &examples[i];

		app_begin(&s, false);
		say(&s, e, length(e), length(e));
		app_settle(app, &s);
		want(e, strcmp(app_print(&s, chain), e->chain) == 0, "is taken for", chain);
		for (id = 1; id < APP_N; id++)
			had[id] += app_is(&s, app_label((enum app_id)id));
		app_end(app, &s);
	}
	CU_ASSERT_EQUAL(n_wrong, 0);
	for (id = 1; id < APP_N; id++) {
		if (!had[id])
			printf("# %s has no example\n", app_label((enum app_id)id));
		CU_ASSERT_TRUE(had[id] > 0);
		CU_ASSERT_TRUE(*app_reference((enum app_id)id));
	}
}

static void
the_label_is_the_same_in_pieces_of_any_size(void)
{
	unsigned i;

	set_up();
	for (i = 0; i < N_EXAMPLES; i++) {
		const struct example *e = &examples[i];
		size_t piece;

		for (piece = 1; piece < length(e); piece++) {
			struct app_state s;
			char chain[APP_LABEL];

			app_begin(&s, false);
			say(&s, e, length(e), piece);
			app_settle(app, &s);
			want(e, strcmp(app_print(&s, chain), e->chain) == 0, "in pieces", chain);
			app_end(app, &s);
		}
	}
	CU_ASSERT_EQUAL(n_wrong, 0);
}

/* A chain may still grow by what the upgrade brings. */
static bool
leads_to(const char *chain, const char *final)
{
	size_t n = strlen(chain);

	return strncmp(final, chain, n) == 0 && (final[n] == '\0' || final[n] == '+');
}

static void
every_prefix_is_unknown_or_has_the_final_label(void)
{
	unsigned i;

	set_up();
	for (i = 0; i < N_EXAMPLES; i++) {
		const struct example *e = &examples[i];
		size_t n;

		for (n = 0; n < length(e); n++) {
			struct app_state s;
			char chain[APP_LABEL];

			app_begin(&s, false);
			say(&s, e, n, n + 1);
			app_print(&s, chain);
			want(e, app_answer(&s) != APP_UNDEFINED, "a prefix is undefined", chain);
			want(e, app_answer(&s) == APP_UNKNOWN || leads_to(chain, e->chain),
			     "a prefix is taken for", chain);
			app_end(app, &s);
		}
	}
	CU_ASSERT_EQUAL(n_wrong, 0);
}

/* What `e` is in pieces of `piece`, with the roles unsure or not. */
static void
chain_of(const struct example *e, size_t piece, bool unsure, char chain[APP_LABEL])
{
	struct app_state s;

	app_begin(&s, unsure);
	say(&s, e, length(e), piece);
	app_settle(app, &s);
	app_print(&s, chain);
	app_end(app, &s);
}

static void
want_the_same_in_pieces(const struct example *e, bool unsure, const char *with)
{
	char whole[APP_LABEL], cut[APP_LABEL];

	chain_of(e, length(e), unsure, whole);
	chain_of(e, 1, unsure, cut);
	want(e, strcmp(whole, cut) == 0, with, cut);
	chain_of(e, 7, unsure, cut);
	want(e, strcmp(whole, cut) == 0, with, cut);
}

/* One protocol's request and another's answer, which several rows may fit. */
static void
an_odd_pair_is_the_same_however_it_is_cut(void)
{
	unsigned i, k, form;

	set_up();
	for (i = 0; i < N_EXAMPLES; i++)
		for (k = 0; k < N_EXAMPLES; k++)
			for (form = 0; form < 8; form++) {
				const struct example *a = &examples[i], *b = &examples[k];
				unsigned side = form & 4 ? SERVER : CLIENT;
				struct example e = { a->chain,
						     form & 1,
						     { a->said[0], b->said[side] } };

				want_the_same_in_pieces(&e, form & 2, b->chain);
			}
	CU_ASSERT_EQUAL(n_wrong, 0);
}

/* A request of Modbus is whole after 12 bytes, the same bytes are one of Kafka's after 15. */
static void
of_two_rows_that_fit_it_is_the_one_that_fewer_bytes_tell(void)
{
	static const char said[] = "\0\1\0\0\0\6\0\3\0\0\0\1\0\1a";
	const struct example e = { "", CLIENT, { { said, sizeof said - 1 }, { "", 0 } } };
	char chain[APP_LABEL];

	set_up();
	want_the_same_in_pieces(&e, false, "");
	want_the_same_in_pieces(&e, true, "");
	chain_of(&e, length(&e), false, chain);
	CU_ASSERT_STRING_EQUAL(chain, "modbus");
	CU_ASSERT_EQUAL(n_wrong, 0);
}

/* Where it is not known who is the client, and the first direction is the server's. */
static void
roles_that_are_unknown_are_found(void)
{
	unsigned i;

	set_up();
	for (i = 0; i < N_EXAMPLES; i++) {
		const struct example *e = &examples[i];
		struct example turned = { e->chain, !e->first, { e->said[1], e->said[0] } };
		struct app_state s;
		char chain[APP_LABEL];

		app_begin(&s, true);
		say(&s, &turned, length(e), length(e));
		app_settle(app, &s);
		want(e, strcmp(app_print(&s, chain), e->chain) == 0, "turned round", chain);
		app_end(app, &s);
	}
	CU_ASSERT_EQUAL(n_wrong, 0);
}

/* Who is the client, by these bytes of both ends, of which the first direction is the server's if
 * `turned`; is it said rightly, if at all? */
static bool
tells_client(const struct example *e, bool turned, size_t piece)
{
	const struct example turn = { e->chain, !e->first, { e->said[1], e->said[0] } };
	struct app_state s;
	int client;

	app_begin(&s, true);
	say(&s, turned ? &turn : e, length(e), piece);
	app_settle(app, &s);
	client = app_client(&s);
	want(e, client < 0 || client == turned, "the wrong end is taken for the client", "");
	if (client == 1)
		app_turn(&s);
	want(e, client < 0 || app_client(&s) == 0, "turned round, it is the same", "");
	app_end(app, &s);
	return client >= 0;
}

/* Both ends' bytes, or one's alone. */
static void
roles_are_never_told_wrong(void)
{
	unsigned i, form, n_told = 0;

	set_up();
	for (i = 0; i < N_EXAMPLES; i++)
		for (form = 0; form < 12; form++) {
			struct example e = examples[i];

			if (form % 3 > 0)
				e.said[form % 3 - 1].n = 0;
			if (length(&e) == 0)
				continue;
			n_told += tells_client(&e, form & 1, form < 6 ? length(&e) : 1) &&
				  form % 3 == 0;
		}
	CU_ASSERT_EQUAL(n_wrong, 0);
	printf("# the client of %u of %u\n", n_told / 4, (unsigned)N_EXAMPLES);
	CU_ASSERT_TRUE(n_told > 4 * N_EXAMPLES / 2);
}

static void
few_rows_remain_after_some_bytes(void)
{
	unsigned i, n;

	set_up();
	for (i = 0; i < N_EXAMPLES; i++) {
		const struct example *e = &examples[i];
		size_t up;

		for (up = CANDIDATES_FROM; up <= e->said[0].n; up++) {
			n = app_candidates(e->said[0].p, up, e->said[1].p, 0);
			want(e, n <= CANDIDATES_MAX, "too many rows are possible", "");
		}
	}
	CU_ASSERT_EQUAL(n_wrong, 0);
}

/* A server that says what the client says: in the protocol of the words, it would speak first. */
static void
an_echo_of_mail_is_no_mail(void)
{
	static const char said[] = "HELO x\r\nMAIL FROM:<a@b.example>\r\n";
	const struct example e = { "",
				   CLIENT,
				   { { said, sizeof said - 1 }, { said, sizeof said - 1 } } };
	char chain[APP_LABEL];

	set_up();
	want_the_same_in_pieces(&e, false, "");
	want_the_same_in_pieces(&e, true, "");
	chain_of(&e, length(&e), false, chain);
	CU_ASSERT_STRING_EQUAL(chain, "");
	CU_ASSERT_EQUAL(n_wrong, 0);
}

/* Of one that is told by both directions alone, the client's bytes were all seen before. */
static void
an_upgrade_within_the_first_bytes_is_found_late(void)
{
	static const char request[] = LDAP_STARTTLS HELLO_H2;
	static const char answer[] = "0\x0c\x02\x01\x01\x78\x07\x0a\x01\0\x04\0\x04\0";
	char client[2 * APP_LOOK] = { 0 }, chain[APP_LABEL];
	const struct example e = { "",
				   CLIENT,
				   { { client, sizeof client }, { answer, sizeof answer - 1 } } };

	set_up();
	memcpy(client, request, sizeof request);
	want_the_same_in_pieces(&e, false, "");
	want_the_same_in_pieces(&e, true, "");
	chain_of(&e, length(&e), false, chain);
	CU_ASSERT_STRING_EQUAL(chain, "ldap+tls");
	CU_ASSERT_EQUAL(n_wrong, 0);
}

static size_t
draw(uint8_t *bytes, size_t max)
{
	size_t n = 1 + rnd() % max, i;

	for (i = 0; i < n; i += 8) {
		uint64_t r = rnd();

		memcpy(bytes + i, &r, 8);
	}
	return n;
}

static void
random_payload_is_claimed_by_at_most_one_in_ten_thousand(void)
{
	uint8_t bytes[2][128 + 8];
	unsigned claimed = 0, most = 0, by[APP_N] = { 0 }, i;

	set_up();
	for (i = 0; i < DRAWS; i++) {
		size_t n[2] = { draw(bytes[0], 128), draw(bytes[1], 128) };
		unsigned dirs = 1 + i % 3, k;
		struct app_state s;

		app_begin(&s, i % 8 == 7);
		for (k = 0; k < 2; k++)
			if (dirs >> k & 1)
				app_feed(app, &s, k, bytes[k], n[k]);
		app_settle(app, &s);
		claimed += app_answer(&s) == APP_FOUND;
		by[s.id] += app_answer(&s) == APP_FOUND;
		app_end(app, &s);
		k = n[0] < CANDIDATES_FROM ? 0 : app_candidates(bytes[0], n[0], bytes[1], 0);
		most = k > most ? k : most;
	}
	printf("# %u of %u claimed; at most %u rows possible\n", claimed, DRAWS, most);
	for (i = 1; i < APP_N; i++)
		if (by[i])
			printf("# %s: %u\n", app_label((enum app_id)i), by[i]);
	CU_ASSERT_TRUE(claimed <= CLAIMED_MAX);
	CU_ASSERT_TRUE(most <= CANDIDATES_MAX);
}

/* --- for captures of them --- */

static void
print_hex(const char *p, size_t n)
{
	size_t i;

	for (i = 0; i < n; i++)
		printf("%02x", (uint8_t)p[i]);
}

/* A line an example: its chain, who speaks first, the client's bytes, the server's. */
static int
list_examples(void)
{
	unsigned i;

	for (i = 0; i < N_EXAMPLES; i++) {
		const struct example *e = &examples[i];

		printf("%s\t%s\t", e->chain, e->first == CLIENT ? "client" : "server");
		print_hex(e->said[0].p, e->said[0].n);
		printf("\t");
		print_hex(e->said[1].p, e->said[1].n);
		printf("\n");
	}
	return 0;
}

static const struct tap_test tests[] = {
	{ "I1 every row has an example and gets its label from it",
	  every_row_has_an_example_and_gets_its_label_from_it },
	{ "I2 the label is the same in pieces of any size",
	  the_label_is_the_same_in_pieces_of_any_size },
	{ "I2 an odd pair is the same however it is cut",
	  an_odd_pair_is_the_same_however_it_is_cut },
	{ "I2 of two rows that fit it is the one that fewer bytes tell",
	  of_two_rows_that_fit_it_is_the_one_that_fewer_bytes_tell },
	{ "I1 an echo of mail is no mail", an_echo_of_mail_is_no_mail },
	{ "an upgrade within the first bytes is found late",
	  an_upgrade_within_the_first_bytes_is_found_late },
	{ "I3 every strict prefix is unknown or has the final label",
	  every_prefix_is_unknown_or_has_the_final_label },
	{ "I3 random payload is claimed by at most one in ten thousand",
	  random_payload_is_claimed_by_at_most_one_in_ten_thousand },
	{ "roles are never told wrong", roles_are_never_told_wrong },
	{ "I6 roles that are unknown are found", roles_that_are_unknown_are_found },
	TAP_TEST(few_rows_remain_after_some_bytes),
};

int
main(int argc, char **argv)
{
	if (argc == 2 && strcmp(argv[1], "-l") == 0)
		return list_examples();
	return tap_run("app", tests, sizeof tests / sizeof tests[0], argc, argv);
}
