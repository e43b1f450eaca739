/*
 * leatctl.c - the administrator's tool: asks a running leatd one thing and shows
 * what it answers.
 *
 * It knows little of what leatd can do: verbs.c has the words for its help and
 * the commands that take a file, all else is passed on.
 */
#include <errno.h>
#include <getopt.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "ctl/client.h"
#include "ctl/complete.h"
#include "ctl/help.h"
#include "ctl/join.h"
#include "ctl/offline.h"
#include "ctl/request.h"
#include "ctl/session.h"
#include "ctl/table.h"
#include "ctl/text.h"
#include "ctl/top.h"
#include "ctl/verbs.h"
#include "ctl/wait.h"

/* --- arguments ------------------------------------------------------------------ */

/* `leatctl help NOUN VERB`: from the table, or else from the daemon. */
static int
help_on(const struct options *o, int n_words, const char *const words[])
{
	const char *const *argv;
	const char *name;
	struct request r;
	int status;

	status = request_resolve(o, n_words, words, &r);
	if (status)
		return status;
	if (verb_find(r.method)) {
		const struct verb *verb = verb_find(r.method);

		help_command(verb->name, verb->usage, verb->help);
		return fflush(stdout) ? EXIT_FAILED : EXIT_OK;
	}
	name = r.method;
	argv = &name;
	return session_ask(o, &(struct request){ .method = "help", .argc = 1, .argv = argv });
}

static bool
parse_timeout(const char *s, int *ms)
{
	char *end;
	double v = strtod(s, &end);

	if (end == s || *end || !isfinite(v) || v <= 0 || v > 1e6)
		return false;
	*ms = v < 0.001 ? 1 : (int)(v * 1000);
	return true;
}

/* Returns -1 to go on, or the exit status. */
static int
parse_options(struct options *o, int argc, char **argv)
{
	enum { OPT_COLUMNS = 256, OPT_NO_HEADINGS };
	static const struct option known[] = {
		{ "socket", required_argument, NULL, 's' },
		{ "instance", required_argument, NULL, 'i' },
		{ "format", required_argument, NULL, 'f' },
		{ "columns", required_argument, NULL, OPT_COLUMNS },
		{ "no-headings", no_argument, NULL, OPT_NO_HEADINGS },
		{ "timeout", required_argument, NULL, 't' },
		{ "help", no_argument, NULL, 'h' },
		{ "version", no_argument, NULL, 'V' },
		{ NULL, 0, NULL, 0 },
	};
	const char *socket = NULL, *instance = NULL;
	enum table_format format;
	bool help = false;
	struct err e = { "" };
	int c;

	*o = (struct options){ .timeout_ms = -1 };
	while ((c = getopt_long(argc, argv, "+s:i:f:t:T:hV", known, NULL)) != -1) {
		switch (c) {
		case 's':
			socket = optarg;
			break;
		case 'i':
			instance = optarg;
			break;
		case 'f':
			o->format = optarg;
			if (table_format_parse(optarg, &format, &e))
				goto usage;
			break;
		case OPT_COLUMNS:
			o->columns = optarg;
			break;
		case OPT_NO_HEADINGS:
			o->no_headings = true;
			break;
		case 't':
		case 'T':
			if (!parse_timeout(optarg, &o->timeout_ms)) {
				err_set(&e, 0, "the timeout is a number of seconds, not \"%s\"",
					optarg);
				goto usage;
			}
			break;
		case 'h':
			help = true;
			break;
		case 'V':
			printf("leatctl (Leat) " LEAT_VERSION "\n");
			return fflush(stdout) ? EXIT_FAILED : EXIT_OK;
		default:
			return EXIT_USAGE;
		}
	}
	if (socket && instance)
		err_set(&e, 0, "a socket and an instance can't both be named");
	else if (socket && strlen(socket) >= sizeof o->socket)
		err_set(&e, 0, "the socket's path is too long");
	else if (socket)
		strcpy(o->socket, socket);
	else
		ctl_socket_path(instance ? instance : "leat", o->socket, sizeof o->socket, &e);
	if (!e.msg[0])
		return help ? help_print(o) : -1;
usage:
	complain("%s", e.msg);
	return EXIT_USAGE;
}

int
main(int argc, char **argv)
{
	const char *const *words;
	struct options o;
	struct request r;
	int status = parse_options(&o, argc, argv);
	int i, n;

	if (status >= 0)
		return status;
	n = argc - optind;
	words = (const char *const *)argv + optind;
	if (!n) {
		complain("what is to be done?  leatctl --help lists the commands");
		return EXIT_USAGE;
	}
	if (!strcmp(words[0], "help"))
		return n == 1 ? help_print(&o) : help_on(&o, n - 1, words + 1);
	if (!strcmp(words[0], "complete"))
		return complete(n - 1, words + 1);
	if (!strcmp(words[0], "replay"))
		return offline_replay(&o, n - 1, words + 1);
	if (!strcmp(words[0], "top"))
		return top(&o, n - 1, words + 1);
	if (!strcmp(words[0], "wait-until"))
		return wait_until(&o, n - 1, words + 1);
	for (i = 0; i < n; i++)
		if (!strcmp(words[i], "--"))
			return join_run(&o, n, words);
	status = request_resolve(&o, n, words, &r);
	return status ? status : request_run(&o, &r);
}
