/*
 * verbs.h - the one table of what leatctl can be asked: for its help, the reading of its
 * arguments, and for what the daemon checks before it calls a command.
 *
 * Constant; any thread.  leatctl passes a command that is not here to the daemon all
 * the same: that may be a newer one.
 */
#ifndef LEAT_CTL_VERBS_H
#define LEAT_CTL_VERBS_H

#include <stdbool.h>
#include <stddef.h>

#include "ctl/text.h"
#include "ctl/unixctl.h"

enum verb_file {
	VERB_NO_FILE,
	VERB_SEND_FILE,		/* what follows its flags is a file, sent as name and text */
	VERB_COMPARE,		/* so too, unless a number; status 1 if the answer is not empty */
	VERB_CHECK_FILE,	/* so too, but leatd is run on it here if there is one */
	VERB_OFFLINE,		/* no file; leatd --offline does it where no daemon answers */
};

struct verb {
	const char *name;	/* "flow/list" */
	const char *usage;	/* of its parameters */
	const char *help;
	int min, max;		/* parameters as the daemon gets them; max -1: any number */
	bool reads_only;	/* changes nothing: open to the group that may only look */
	enum verb_file file;
};

extern const struct verb verbs[];
extern const size_t n_verbs;

/* NULL if there is none of this name. */
const struct verb *verb_find(const char *name);

/*
 * Registers the verb's command with the daemon's server: usage, help and number of parameters
 * are the table's, where it has to be.  Control thread.
 */
void verb_register(struct unixctl_server *srv, const char *name, unixctl_cb *cb, void *aux);

/* Whether `noun` is the part before the slash of any. */
bool verb_has_noun(const char *noun);

/* Appends "list, show, count": the verbs of `noun`. */
void verb_put_verbs(struct text *out, const char *noun);

#endif
