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
#include "ctl/help.h"
#include "ctl/session.h"
#include "ctl/table.h"
#include "ctl/text.h"
#include "ctl/verbs.h"

enum { FILE_MAX = 64 << 20 };	/* bytes of a file that is sent */

static bool
list_has(const json_t *list, const char *name)
{
	size_t i;

	for (i = 0; i < json_array_size(list); i++)
		if (!strcmp(session_string(json_array_get(list, i), "command"), name))
			return true;
	return false;
}

/* --- commands that take a file -------------------------------------------------- */

/* The whole of `path`, or of standard input for "-", into `out`. */
static int
read_file(const char *path, struct text *out, struct err *e)
{
	bool is_stdin = !strcmp(path, "-");
	FILE *f = is_stdin ? stdin : fopen(path, "re");
	char buf[16384];
	size_t n;
	int rc = 0;

	if (!f)
		return err_set(e, -errno, "cannot read %s: %s", path, strerror(errno));
	while ((n = fread(buf, 1, sizeof buf, f)) > 0 && out->len <= FILE_MAX)
		text_put(out, buf, n);
	if (ferror(f))
		rc = err_set(e, -errno, "cannot read %s: %s", path, strerror(errno));
	else if (out->len > FILE_MAX)
		rc = err_set(e, -EFBIG, "%s is larger than %d MB", path, FILE_MAX >> 20);
	else if (out->failed)
		rc = err_set(e, -ENOMEM, "out of memory");
	else if (out->len && memchr(out->s, '\0', out->len))
		rc = err_set(e, -EINVAL, "%s is no text: it has a zero byte", path);
	if (!is_stdin)
		fclose(f);
	return rc;
}

/* Sends a file's name and text in place of its name. */
static int
ask_with_file(const struct options *o, const struct request *r)
{
	const char *path = r->argv[0];
	struct text text = TEXT_EMPTY;
	struct request sent = *r;
	const char *argv[2];
	struct err e;
	int status = EXIT_FAILED;

	if (read_file(path, &text, &e)) {
		complain("%s", e.msg);
	} else {
		argv[0] = strcmp(path, "-") ? path : "<stdin>";
		argv[1] = text.len ? text.s : "";
		sent.argc = 2;
		sent.argv = argv;
		status = session_ask(o, &sent);
	}
	text_fini(&text);
	return status;
}

/* Runs `leatd --check-policy FILE` in place of this program: the one beside it,
 * or in the sbin folder next to its own, or in PATH.  Returns if there is none. */
static void
exec_check(const char *file)
{
	static const char *const places[] = { "leatd", "../sbin/leatd" };
	char name[] = "leatd", option[] = "--check-policy";
	char *argv[] = { name, option, strdup(file), NULL };
	char self[2048], path[4096];
	ssize_t n = readlink("/proc/self/exe", self, sizeof self - 1);
	char *slash;
	size_t i;

	if (!argv[2])
		return;
	self[n > 0 ? n : 0] = '\0';
	slash = strrchr(self, '/');
	for (i = 0; slash && i < 2; i++) {
		snprintf(path, sizeof path, "%.*s/%s", (int)(slash - self), self, places[i]);
		execv(path, argv);
	}
	execvp(name, argv);
	free(argv[2]);
}

static int
run_verb(const struct options *o, const struct request *r, const struct verb *verb)
{
	char words[sizeof r->method];
	char *slash;

	if (!verb || verb->file == VERB_NO_FILE)
		return session_ask(o, r);
	if (r->argc != 1) {
		snprintf(words, sizeof words, "%s", verb->name);
		slash = strchr(words, '/');
		if (slash)
			*slash = ' ';
		complain("usage: leatctl %s %s", words, verb->usage);
		return EXIT_USAGE;
	}
	if (verb->file == VERB_CHECK_FILE)
		exec_check(r->argv[0]);
	return ask_with_file(o, r);
}

/* --- arguments ------------------------------------------------------------------ */

/* How many of the words are the command's name, when only the daemon can tell. */
static int
ask_for_name(const struct options *o, const char *const words[], const char *joined)
{
	struct err e;
	json_t *list = session_commands(o, o->timeout_ms, &e);
	int n = list && !list_has(list, joined) && list_has(list, words[0]) ? 1 : 2;

	json_decref(list);
	return n;
}

/* Which of the words are the command's name, and which its arguments.  Returns 0,
 * or EXIT_USAGE and has said why. */
static int
resolve(const struct options *o, int n_words, const char *const words[], struct request *r)
{
	struct text verbs_text = TEXT_EMPTY;
	char joined[sizeof r->method];
	int n_name = 1;

	if (strlen(words[0]) + (n_words > 1 ? strlen(words[1]) : 0) + 2 > sizeof joined) {
		complain("no command has a name as long as that");
		return EXIT_USAGE;
	}
	if (!strchr(words[0], '/') && !verb_find(words[0])) {
		bool has_verb = n_words > 1 && *words[1] != '-';

		if (!has_verb && verb_has_noun(words[0])) {
			verb_put_verbs(&verbs_text, words[0]);
			complain("\"%s\" needs a verb: %s", words[0],
				 verbs_text.s ? verbs_text.s : "");
			text_fini(&verbs_text);
			return EXIT_USAGE;
		}
		if (has_verb) {
			snprintf(joined, sizeof joined, "%s/%s", words[0], words[1]);
			n_name = verb_has_noun(words[0]) ? 2 : ask_for_name(o, words, joined);
		}
	}
	snprintf(r->method, sizeof r->method, "%s", n_name == 2 ? joined : words[0]);
	r->argc = n_words - n_name;
	r->argv = words + n_name;
	return 0;
}

/* `leatctl help NOUN VERB`: from the table, or else from the daemon. */
static int
help_on(const struct options *o, int n_words, const char *const words[])
{
	const char *const *argv;
	const char *name;
	struct request r;
	int status;

	status = resolve(o, n_words, words, &r);
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
	/* Kept free for several commands in one call. */
	for (i = 0; i < n; i++) {
		if (!strcmp(words[i], "--")) {
			complain("only one command a call: \"--\" can't be an argument");
			return EXIT_USAGE;
		}
	}
	if (!strcmp(words[0], "help"))
		return n == 1 ? help_print(&o) : help_on(&o, n - 1, words + 1);
	status = resolve(&o, n, words, &r);
	return status ? status : run_verb(&o, &r, verb_find(r.method));
}
