/*
 * transaction.h - several commands as one: all of them, or as little as can be.
 *
 * Every command is checked (its name, its parameters, who asks) before the first is called. They
 * run in their order, and no other client's command that changes something runs in between.
 * Where one fails the rest is not called, and those before it are undone, the last first, as
 * far as they said how (unixctl_set_undo); the error names what stays done.  Control
 * thread only.
 */
#ifndef LEAT_CTL_TRANSACTION_H
#define LEAT_CTL_TRANSACTION_H

#include "ctl/command.h"

enum {
	TRANSACTION_MAX = 64,			/* commands */
	TRANSACTION_OUT_MAX = 64 << 20,		/* bytes of all their replies */
};

struct transaction;

/* The command `transaction`; `aux` is the struct commands.  Its parameters are commands with `--`
 * between. */
unixctl_cb transaction_run;

/* The server goes: what awaits a reply ends with it. */
void transaction_abandon(struct transaction *t);

/* conn.c: the command of `part` has replied. */
void transaction_replied(struct transaction *t, struct unixctl_conn *part);

/* conn.c: whether nobody waits for the transaction any more. */
bool transaction_gone(const struct transaction *t);

#endif
