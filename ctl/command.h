/*
 * command.h - the commands a control socket knows, by name.
 *
 * Owned by the server; control thread only.
 */
#ifndef LEAT_CTL_COMMAND_H
#define LEAT_CTL_COMMAND_H

#include "ctl/unixctl.h"

struct command {
	const char *name, *usage, *help;
	int min_args, max_args;
	unixctl_cb *cb;
	void *aux;
	bool built_in;
	bool reads_only;	/* changes nothing */
};

struct commands {
	struct command *v;	/* sorted by name */
	size_t n, cap;
	struct transaction *at_work;
	struct unixctl_conn *waiting;	/* clients whose commands wait for its end */
};

/* Returns 0, -EEXIST or -ENOMEM; a built-in command of that name is replaced. */
int commands_add(struct commands *c, const struct command *command);

/* Adds the commands of every server, with `c` as their aux (list-commands and
 * help read it) but for `version`, which is the server's own. */
int commands_add_built_in(struct commands *c);

/* NULL if there is none of this name. */
struct command *commands_find(const struct commands *c, const char *name);

/*
 * The command that argv[0] names, if `conn`'s client may have it with these parameters; else NULL
 * and `e` says why not.
 */
const struct command *commands_check(const struct commands *c, const struct unixctl_conn *conn,
				     int argc, const char *const argv[], struct err *e);

/* The transaction at work is over: those that waited for it have their turn. */
void commands_go_on(struct commands *c);

/* Calls the command that conn's request names, or replies that there is none. */
void commands_call(struct commands *c, struct unixctl_conn *conn);

void commands_fini(struct commands *c);

#endif
