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
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "ctl/client.h"
#include "ctl/table.h"
#include "ctl/text.h"
#include "ctl/verbs.h"

#ifndef LEAT_VERSION
#define LEAT_VERSION "unknown"
#endif

enum {
	EXIT_OK = 0,
	EXIT_FAILED = 1,	/* the command failed, or could not be sent */
	EXIT_USAGE = 2,
};

enum {
	HELP_TIMEOUT_MS = 500,		/* help does not wait for a daemon that hangs */
	FILE_MAX = 64 << 20,		/* bytes of a file that is sent */
	N_SET_OPTIONS = 5,		/* parameters of set-options at most */
};

struct options {
	char socket[4096];
	const char *format;	/* NULL: not asked for */
	const char *columns;
	bool no_headings;
	int timeout_ms;		/* -1: for ever */
};

/* What to ask: a method and its parameters, which are the program's arguments. */
struct request {
	char method[256];
	int argc;
	const char *const *argv;
};

static void __attribute__((format(printf, 1, 2))) complain(const char *fmt, ...)
{
	va_list ap;

	fputs("leatctl: ", stderr);
	va_start(ap, fmt);
	vfprintf(stderr, fmt, ap);
	va_end(ap);
	fputs("\n", stderr);
}

/* --- talking to the daemon ---------------------------------------------------- */

/* Connects, and says how tables are to be shown if `format` or the others differ
 * from what a connection begins with. */
static int
connect_daemon(const struct options *o, const char *format, int timeout_ms,
	       struct ctl_client **client, struct err *e)
{
	const char *argv[N_SET_OPTIONS];
	struct ctl_reply reply;
	int argc = 0;
	int rc;

	if (format) {
		argv[argc++] = "--format";
		argv[argc++] = format;
	}
	if (o->columns) {
		argv[argc++] = "--columns";
		argv[argc++] = o->columns;
	}
	if (o->no_headings)
		argv[argc++] = "--no-headings";
	rc = ctl_client_open(o->socket, timeout_ms, client, e);
	if (rc || !argc)
		return rc;
	rc = ctl_client_call(*client, "set-options", argc, argv, &reply, e);
	if (!rc && reply.failed) {
		reply.text[strcspn(reply.text, "\n")] = '\0';
		rc = err_set(e, -EINVAL, "%s", reply.text);
	}
	ctl_reply_fini(&reply);
	if (rc) {
		ctl_client_close(*client);
		*client = NULL;
	}
	return rc;
}

/* Shows text; on a terminal without what could harm it.  Returns whether it got
 * out. */
static bool
show(FILE *to, const char *s, size_t len)
{
	struct text safe = TEXT_EMPTY;
	bool done;

	if (isatty(fileno(to)))
		text_put_screen(&safe, s, len);
	else
		text_put(&safe, s, len);
	done = !safe.failed && fwrite(safe.s, 1, safe.len, to) == safe.len && fflush(to) == 0;
	text_fini(&safe);
	return done;
}

/* An error of the daemon's: of one line, or a list that speaks for itself. */
static void
show_error(const struct ctl_reply *reply)
{
	const char *newline = memchr(reply->text, '\n', reply->len);

	if (!newline || newline == reply->text + reply->len - 1)
		fputs("leatctl: ", stderr);
	show(stderr, reply->text, reply->len);
	if (!newline)
		fputs("\n", stderr);
}

/* Asks and shows the answer.  Returns the exit status. */
static int
ask(const struct options *o, const struct request *r)
{
	struct ctl_client *client;
	struct ctl_reply reply;
	struct err e;
	int status = EXIT_OK;

	if (connect_daemon(o, o->format, o->timeout_ms, &client, &e)) {
		complain("%s", e.msg);
		return EXIT_FAILED;
	}
	if (ctl_client_call(client, r->method, r->argc, r->argv, &reply, &e)) {
		complain("%s", e.msg);
		status = EXIT_FAILED;
	} else if (reply.failed) {
		show_error(&reply);
		status = EXIT_FAILED;
	} else if (!show(stdout, reply.text, reply.len)) {
		complain("cannot write the output: %s", strerror(errno));
		status = EXIT_FAILED;
	}
	ctl_reply_fini(&reply);
	ctl_client_close(client);
	return status;
}

/* The daemon's own list: an array of {command, usage, help}.  NULL if it can't be
 * had. */
static json_t *
daemon_commands(const struct options *o, int timeout_ms, struct err *e)
{
	struct options plain = *o;
	struct ctl_client *client;
	struct ctl_reply reply;
	json_t *list = NULL;

	plain.columns = NULL;
	if (connect_daemon(&plain, "json", timeout_ms, &client, e))
		return NULL;
	if (!ctl_client_call(client, "list-commands", 0, NULL, &reply, e) && !reply.failed &&
	    json_is_array(reply.result))
		list = json_incref(reply.result);
	else if (reply.failed)
		err_set(e, -EPROTO, "%.200s", reply.text);
	ctl_reply_fini(&reply);
	ctl_client_close(client);
	return list;
}

static const char *
string_of(const json_t *command, const char *key)
{
	const char *s = json_string_value(json_object_get(command, key));

	return s ? s : "";
}

static bool
list_has(const json_t *list, const char *name)
{
	size_t i;

	for (i = 0; i < json_array_size(list); i++)
		if (!strcmp(string_of(json_array_get(list, i), "command"), name))
			return true;
	return false;
}

/* --- help --------------------------------------------------------------------- */

static void
print_command(const char *name, const char *usage, const char *help)
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
	json_t *list = daemon_commands(o, HELP_TIMEOUT_MS, &e);
	bool any = false;
	size_t i;

	for (i = 0; i < json_array_size(list); i++) {
		const json_t *c = json_array_get(list, i);
		const char *name = string_of(c, "command");

		if (verb_find(name))
			continue;
		if (!any)
			printf("\nThe daemon at %s knows besides:\n", o->socket);
		any = true;
		print_command(name, string_of(c, "usage"), string_of(c, "help"));
	}
	json_decref(list);
}

static int
print_help(const struct options *o)
{
	size_t i;

	printf("leatctl: ask a running leatd\n"
	       "usage: leatctl [OPTIONS] NOUN VERB [ARGUMENTS]\n"
	       "       leatctl [OPTIONS] NOUN/VERB [ARGUMENTS]\n"
	       "\nCommands:\n");
	for (i = 0; i < n_verbs; i++)
		print_command(verbs[i].name, verbs[i].usage, verbs[i].help);
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
		status = ask(o, &sent);
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
		return ask(o, r);
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
	json_t *list = daemon_commands(o, o->timeout_ms, &e);
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

		print_command(verb->name, verb->usage, verb->help);
		return fflush(stdout) ? EXIT_FAILED : EXIT_OK;
	}
	name = r.method;
	argv = &name;
	return ask(o, &(struct request){ .method = "help", .argc = 1, .argv = argv });
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
		return help ? print_help(o) : -1;
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
		return n == 1 ? print_help(&o) : help_on(&o, n - 1, words + 1);
	status = resolve(&o, n, words, &r);
	return status ? status : run_verb(&o, &r, verb_find(r.method));
}
