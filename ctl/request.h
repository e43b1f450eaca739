/*
 * request.h - from the words of leatctl's command line to what the daemon is asked.
 *
 * leatctl's own, one thread.
 */
#ifndef LEAT_CTL_REQUEST_H
#define LEAT_CTL_REQUEST_H

#include "ctl/session.h"
#include "ctl/text.h"

enum { REQUEST_ARGS_MAX = 64 };

/* A request as it is sent: a file's name has become its name and text. */
struct sent {
	struct text text;
	const char *argv[REQUEST_ARGS_MAX];
};

/* Which of the words are the command's name, and which its arguments.  Returns 0,
 * or EXIT_USAGE and has said why. */
int request_resolve(const struct options *o, int n_words, const char *const words[],
		    struct request *r);

/*
 * Replaces a file that is among the arguments of `r` as the table of verbs says; `r` then points
 * into `sent`, which text_fini(&sent->text) frees in every case.  Returns 0, or an exit
 * status and has said why.
 */
int request_read_file(struct request *r, struct sent *sent);

/* Asks, and shows the answer; what needs no daemon is done here.  An exit status. */
int request_run(const struct options *o, struct request *r);

#endif
