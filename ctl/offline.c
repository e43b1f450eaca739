/*
 * offline.c - see offline.h.
 */
#include "ctl/offline.h"

#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "ctl/client.h"
#include "ctl/daemon.h"

enum {
	ANSWERS_MS = 2000,	/* a daemon that lives says its version at once */
	ARGS_MAX = 16,
};

/* Does anybody listen, and speak?  Else `e` says why not. */
static bool
answers(const struct options *o, struct err *e)
{
	int timeout_ms = o->timeout_ms >= 0 && o->timeout_ms < ANSWERS_MS ? o->timeout_ms
									  : ANSWERS_MS;
	struct ctl_client *client;
	struct ctl_reply reply;
	int rc = ctl_client_open(o->socket, timeout_ms, &client, e);

	if (rc != 0)
		return rc == -EACCES || rc == -EPERM;	/* somebody who does not want us */
	rc = ctl_client_call(client, "version", 0, NULL, &reply, e);
	ctl_reply_fini(&reply);
	ctl_client_close(client);
	return rc != -ETIMEDOUT && rc != -EPIPE;
}

/* DIR and NAME of DIR/NAME.ctl. */
static bool
split_socket(char *path, char **dir, char **name)
{
	char *slash = strrchr(path, '/');
	size_t len;

	*dir = slash ? path : NULL;
	*name = slash ? slash + 1 : path;
	len = strlen(*name);
	if (slash)
		*slash = '\0';
	if (len <= 4 || strcmp(*name + len - 4, ".ctl") != 0)
		return false;
	(*name)[len - 4] = '\0';
	return true;
}

/* `leatd --name NAME --run-dir DIR --offline VERB [ARGS...]`; returns only if there is no leatd. */
static void
exec_offline(const struct options *o, const struct request *r)
{
	char here[] = ".", program[] = "leatd", name_option[] = "--name",
	     dir_option[] = "--run-dir", offline_option[] = "--offline";
	char *path = strdup(o->socket), *verb = strdup(strchr(r->method, '/') + 1), *dir, *name;
	char *argv[ARGS_MAX] = { program };
	int i, n = 1;

	if (path && verb && r->argc < ARGS_MAX - 8 && split_socket(path, &dir, &name)) {
		argv[n++] = name_option;
		argv[n++] = name;
		argv[n++] = dir_option;
		argv[n++] = dir ? dir : here;
		argv[n++] = offline_option;
		argv[n++] = verb;
		for (i = 0; i < r->argc; i++)
			argv[n++] = (char *)(uintptr_t)r->argv[i];
		daemon_run(argv);
	}
	free(path);
	free(verb);
}

int
offline_ask(const struct options *o, const struct request *r)
{
	struct err e;

	if (answers(o, &e))
		return session_ask(o, r);
	fprintf(stderr, "leatctl: %s: asking the switch without leatd\n", e.msg);
	exec_offline(o, r);
	complain("there is no leatd to run for it");
	return EXIT_FAILED;
}

int
offline_replay(const struct options *o, int n_words, const char *const words[])
{
	char program[] = "leatd", read_option[] = "--read", format_option[] = "--format";
	char *argv[ARGS_MAX + 8] = { program, read_option };
	int i, n = 2;

	if (n_words < 1 || n_words > ARGS_MAX || *words[0] == '\0') {
		complain("usage: leatctl replay FILE [OPTION]..., as of leatd -r");
		return EXIT_USAGE;
	}
	if (o->columns || o->no_headings) {
		complain(
			"replay shows its own columns: --columns and --no-headings are not for it");
		return EXIT_USAGE;
	}
	argv[n++] = (char *)(uintptr_t)words[0];
	if (o->format) {
		argv[n++] = format_option;
		argv[n++] = (char *)(uintptr_t)o->format;
	}
	for (i = 1; i < n_words; i++)
		argv[n++] = (char *)(uintptr_t)words[i];
	daemon_run(argv);
	complain("there is no leatd to read it");
	return EXIT_FAILED;
}
