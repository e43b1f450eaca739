/*
 * verbs.c - leatctl's table of commands against its manual page.
 */
#include "ctl/verbs.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/unit/tap.h"

/* The manual page, without what marks hyphens.  The caller frees it. */
static char *
read_manual(void)
{
	const char *src = getenv("LEAT_SRCDIR");
	struct text text = TEXT_EMPTY;
	char path[4096];
	FILE *f;
	int c;

	snprintf(path, sizeof path, "%s/doc/leatctl.8", src ? src : ".");
	f = fopen(path, "r");
	CU_ASSERT_PTR_NOT_NULL_FATAL(f);
	while ((c = getc(f)) != EOF)
		if (c != '\\')
			text_put(&text, &(char){ (char)c }, 1);
	fclose(f);
	return text_steal(&text);
}

static void
manual_describes_every_command(void)
{
	char *manual = read_manual();
	size_t i;

	for (i = 0; i < n_verbs; i++) {
		char words[64];
		bool found;

		snprintf(words, sizeof words, "%s", verbs[i].name);
		if (strchr(words, '/'))
			*strchr(words, '/') = ' ';
		found = strstr(manual, words);
		if (!found)
			printf("# the manual lacks %s\n", words);
		CU_ASSERT_TRUE(found);
	}
	free(manual);
}

static void
every_command_is_found_by_its_name_and_noun(void)
{
	struct text text = TEXT_EMPTY;
	size_t i;

	for (i = 0; i < n_verbs; i++) {
		CU_ASSERT_PTR_EQUAL(verb_find(verbs[i].name), &verbs[i]);
		CU_ASSERT_TRUE(*verbs[i].help != '\0');
		CU_ASSERT_TRUE(!i || strcmp(verbs[i - 1].name, verbs[i].name) < 0);
	}
	CU_ASSERT_TRUE(verb_has_noun("flow"));
	CU_ASSERT_FALSE(verb_has_noun("flo"));
	CU_ASSERT_FALSE(verb_has_noun("flow/list"));
	CU_ASSERT_FALSE(verb_has_noun(""));
	CU_ASSERT_PTR_NULL(verb_find("flow"));
	verb_put_verbs(&text, "policy");
	CU_ASSERT_STRING_EQUAL(text.s, "check, counters, diff, explain, list, load, reapply, "
				       "rollback, show");
	text_fini(&text);
}

TAP_MAIN(verbs, TAP_TEST(manual_describes_every_command),
	 TAP_TEST(every_command_is_found_by_its_name_and_noun))
