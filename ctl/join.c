/*
 * join.c - see join.h.
 */
#include "ctl/join.h"

#include <stdlib.h>
#include <string.h>

#include "ctl/request.h"

enum { COMMANDS_MAX = 64, WORDS_MAX = 4096 };

/* What is sent: the commands' words, and what was read for them. */
struct joined {
	struct request r[COMMANDS_MAX];
	struct sent sent[COMMANDS_MAX];
	int n;
	const char *argv[WORDS_MAX];
	int argc;
};

static bool
put(struct joined *j, const char *word)
{
	if (j->argc == WORDS_MAX)
		return false;
	j->argv[j->argc++] = word;
	return true;
}

/* One command's words; 0 or an exit status. */
static int
add(const struct options *o, struct joined *j, int n_words, const char *const words[])
{
	struct request *r = &j->r[j->n];
	bool room;
	int i, status;

	if (n_words == 0 || j->n == COMMANDS_MAX) {
		complain(n_words ? "more than %d commands" : "a command is missing beside \"--\"",
			 COMMANDS_MAX);
		return EXIT_USAGE;
	}
	status = request_resolve(o, n_words, words, r);
	if (status)
		return status;
	status = request_read_file(r, &j->sent[j->n++]);
	if (status)
		return status;
	room = (j->n == 1 || put(j, "--")) && put(j, r->method);
	for (i = 0; i < r->argc; i++)
		room = room && put(j, r->argv[i]);
	if (!room)
		complain("too many words in one call");
	return room ? 0 : EXIT_USAGE;
}

int
join_run(const struct options *o, int n_words, const char *const words[])
{
	struct joined *j = calloc(1, sizeof *j);
	int i, from = 0, status = 0;

	if (!j) {
		complain("out of memory");
		return EXIT_FAILED;
	}
	for (i = 0; i <= n_words && !status; i++) {
		if (i < n_words && strcmp(words[i], "--"))
			continue;
		status = add(o, j, i - from, words + from);
		from = i + 1;
	}
	if (!status)
		status = session_ask(o, &(struct request){ .method = "transaction",
							   .argc = j->argc,
							   .argv = j->argv });
	for (i = 0; i < j->n; i++)
		text_fini(&j->sent[i].text);
	free(j);
	return status;
}
