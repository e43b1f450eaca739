/*
 * request.c - see request.h.
 */
#include "ctl/request.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "ctl/daemon.h"
#include "ctl/offline.h"
#include "ctl/raw.h"
#include "ctl/verbs.h"

enum { FILE_MAX = 64 << 20 };	/* bytes of a file that is sent */

/* --- the command's name ----------------------------------------------------------- */

static bool
list_has(const json_t *list, const char *name)
{
	size_t i;

	for (i = 0; i < json_array_size(list); i++)
		if (!strcmp(session_string(json_array_get(list, i), "command"), name))
			return true;
	return false;
}

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

int
request_resolve(const struct options *o, int n_words, const char *const words[], struct request *r)
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
	r->said = NULL;
	return 0;
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

/*
 * The text to send.  leatd itself puts the files into it that a policy names: they are read here,
 * as this user, and not by the daemon.  Where there is no leatd the text goes as it is.
 */
static int
read_policy(const char *path, struct text *out)
{
	int status = daemon_read("--expand-policy", path, out);
	struct err e;

	if (status == 0 && out->failed) {
		complain("out of memory");
		return EXIT_FAILED;
	}
	if (status >= 0)
		return status ? EXIT_FAILED : 0;
	if (read_file(path, out, &e) == 0)
		return 0;
	complain("%s", e.msg);
	return EXIT_FAILED;
}

/* How a command is written, for who wrote it otherwise. */
static int
say_usage(const struct verb *verb)
{
	char words[256];
	char *slash;

	snprintf(words, sizeof words, "%s", verb->name);
	slash = strchr(words, '/');
	if (slash)
		*slash = ' ';
	complain("usage: leatctl %s %s", words, verb->usage);
	return EXIT_USAGE;
}

static bool
is_number(const char *s)
{
	return *s && s[strspn(s, "0123456789")] == '\0';
}

int
request_read_file(struct request *r, struct sent *sent)
{
	const struct verb *verb = verb_find(r->method);
	const char *path;
	int i, n = r->argc - 1;

	sent->text = TEXT_EMPTY;
	if (!verb || verb->file == VERB_NO_FILE || verb->file == VERB_OFFLINE)
		return 0;
	if (n < 0 || n + 2 > verb->max || n + 2 > REQUEST_ARGS_MAX)
		return say_usage(verb);
	for (i = 0; i < n; i++)
		if (verb->file == VERB_COMPARE ? !is_number(r->argv[i]) : r->argv[i][0] != '-')
			return say_usage(verb);
	if (verb->file == VERB_COMPARE && is_number(r->argv[n]))
		return 0;
	path = r->argv[n];
	if (read_policy(path, &sent->text))
		return EXIT_FAILED;
	for (i = 0; i < n; i++)
		sent->argv[i] = r->argv[i];
	sent->argv[n] = strcmp(path, "-") ? path : "<stdin>";
	sent->argv[n + 1] = sent->text.len ? sent->text.s : "";
	r->argc = n + 2;
	r->argv = sent->argv;
	return 0;
}

int
request_run(const struct options *o, struct request *r)
{
	const struct verb *verb = verb_find(r->method);
	struct sent sent;
	bool said = false;
	int status;

	if (verb && verb->file == VERB_CHECK_FILE && r->argc == 1)
		daemon_exec("--check-policy", r->argv[0]);
	if (verb && verb->file == VERB_OFFLINE)
		return offline_ask(o, r);
	if (raw_is_asked(r))
		return raw_follow(o, r);
	r->said = &said;
	status = request_read_file(r, &sent);
	if (!status)
		status = session_ask(o, r);
	text_fini(&sent.text);
	return !status && said && verb && verb->file == VERB_COMPARE ? EXIT_FAILED : status;
}
