/*
 * help.c - see help.h.
 */
#include "ctl/help.h"

#include <stdio.h>
#include <string.h>

#include "ctl/verbs.h"

enum { HELP_TIMEOUT_MS = 500 };	/* help does not wait for a daemon that hangs */

void
help_command(const char *name, const char *usage, const char *help)
{
	char words[256];
	char *slash;

	snprintf(words, sizeof words, "%s%s%s", name, *usage ? " " : "", usage);
	slash = strchr(words, '/');
	if (slash && slash < words + strlen(name))
		*slash = ' ';
	printf("  %-28s %s\n", words, help);
}

/* What the daemon knows beyond verbs.c, if there is one that answers soon. */
static void
print_daemons_own(const struct options *o)
{
	struct err e;
	json_t *list = session_commands(o, HELP_TIMEOUT_MS, &e);
	bool any = false;
	size_t i;

	for (i = 0; i < json_array_size(list); i++) {
		const json_t *c = json_array_get(list, i);
		const char *name = session_string(c, "command");

		if (verb_find(name))
			continue;
		if (!any)
			printf("\nThe daemon at %s knows besides:\n", o->socket);
		any = true;
		help_command(name, session_string(c, "usage"), session_string(c, "help"));
	}
	json_decref(list);
}

int
help_print(const struct options *o)
{
	size_t i;

	printf("leatctl: ask a running leatd\n"
	       "usage: leatctl [OPTIONS] NOUN VERB [ARGUMENTS]\n"
	       "       leatctl [OPTIONS] NOUN/VERB [ARGUMENTS]\n"
	       "       leatctl [OPTIONS] COMMAND -- COMMAND [-- COMMAND]...\n"
	       "\nCommands:\n");
	for (i = 0; i < n_verbs; i++)
		help_command(verbs[i].name, verbs[i].usage, verbs[i].help);
	print_daemons_own(o);
	printf("\nOptions:\n"
	       "  -s, --socket=PATH     the daemon's control socket\n"
	       "  -i, --instance=NAME   the daemon of this name instead of leat\n"
	       "  -f, --format=FORMAT   table (default), list, json or csv\n"
	       "      --columns=A,B     show these columns, in this order\n"
	       "      --no-headings     show no line of column names\n"
	       "  -t, -T, --timeout=S   give up after S seconds\n"
	       "  -h, --help            say this\n"
	       "  -V, --version         say leatctl's version\n"
	       "\nThe socket is %s unless another is named.  A FILE of - is the standard input.\n"
	       "The exit status is 0, 1 if the command failed, 2 if it is not understood.\n",
	       o->socket);
	return fflush(stdout) ? EXIT_FAILED : EXIT_OK;
}
