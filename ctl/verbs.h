/*
 * verbs.h - the one table of what leatctl can be asked, for its help and for the
 * reading of its arguments.
 *
 * Constant; any thread.  A command that is not here is passed to the daemon all
 * the same: the table says what a person may expect.
 */
#ifndef LEAT_CTL_VERBS_H
#define LEAT_CTL_VERBS_H

#include <stdbool.h>
#include <stddef.h>

#include "ctl/text.h"

enum verb_file {
	VERB_NO_FILE,
	VERB_SEND_FILE,		/* its one parameter is a file, sent as name and text */
	VERB_CHECK_FILE,	/* so too, but leatd is run on it here if there is one */
};

struct verb {
	const char *name;	/* "flow/list" */
	const char *usage;	/* of its parameters */
	const char *help;
	enum verb_file file;
};

extern const struct verb verbs[];
extern const size_t n_verbs;

/* NULL if there is none of this name. */
const struct verb *verb_find(const char *name);

/* Whether `noun` is the part before the slash of any. */
bool verb_has_noun(const char *noun);

/* Appends "list, show, count": the verbs of `noun`. */
void verb_put_verbs(struct text *out, const char *noun);

#endif
