/*
 * complete.c - see complete.h.
 */
#include "ctl/complete.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "ctl/session.h"
#include "ctl/verbs.h"

static const char *const options[] = {
	"--socket=",	 "--instance=", "--format=", "--columns=",
	"--no-headings", "--timeout=",	"--help",    "--version",
};

static const char *const formats[] = { "table", "list", "json", "csv" };

static void
offer(const char *typed, const char *word)
{
	if (!strncmp(word, typed, strlen(typed)))
		puts(word);
}

static void
offer_all(const char *typed, const char *const words[], size_t n)
{
	size_t i;

	for (i = 0; i < n; i++)
		offer(typed, words[i]);
}

/* Nouns, each once, and commands without one. */
static void
offer_nouns(const char *typed)
{
	char noun[64], last[64] = "";
	size_t i;

	for (i = 0; i < n_verbs; i++) {
		snprintf(noun, sizeof noun, "%.*s", (int)strcspn(verbs[i].name, "/"),
			 verbs[i].name);
		if (strcmp(noun, last))
			offer(typed, noun);
		strcpy(last, noun);
	}
	offer(typed, "help");
}

static void
offer_verbs(const char *noun, const char *typed)
{
	size_t i, len = strlen(noun);

	for (i = 0; i < n_verbs; i++)
		if (!strncmp(verbs[i].name, noun, len) && verbs[i].name[len] == '/')
			offer(typed, verbs[i].name + len + 1);
}

/* Options that take the next word as their value. */
static bool
takes_value(const char *option)
{
	static const char *const with[] = { "-s",	 "-i",	     "-f",	   "-t",
					    "-T",	 "--socket", "--instance", "--format",
					    "--columns", "--timeout" };
	size_t i;

	for (i = 0; i < sizeof with / sizeof with[0]; i++)
		if (!strcmp(option, with[i]))
			return true;
	return false;
}

int
complete(int n_words, const char *const words[])
{
	const char *typed = n_words ? words[n_words - 1] : "";
	const char *before = n_words > 1 ? words[n_words - 2] : "";
	int i, at = 0, first = 0;

	/* Where the command at the end begins. */
	for (i = 0; i < n_words - 1; i++) {
		if (!strcmp(words[i], "--") || !strcmp(words[i], "help")) {
			first = i + 1;
			at = 0;
		} else if (at == 0 && *words[i] == '-') {
			i += takes_value(words[i]);
			first = i + 1;
		} else {
			at++;
		}
	}
	if (!strcmp(before, "-f") || !strcmp(before, "--format"))
		offer_all(typed, formats, sizeof formats / sizeof formats[0]);
	else if (first > n_words - 1)
		return EXIT_OK;
	else if (at == 0 && *typed == '-')
		offer_all(typed, options, sizeof options / sizeof options[0]);
	else if (at == 0)
		offer_nouns(typed);
	else if (at == 1)
		offer_verbs(words[first], typed);
	return EXIT_OK;
}
