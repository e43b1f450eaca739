/*
 * offline.h - the steering verbs where the daemon is dead or hangs: leatd's program does them.
 *
 * leatctl knows no switch.  leatctl's own, one thread.
 */
#ifndef LEAT_CTL_OFFLINE_H
#define LEAT_CTL_OFFLINE_H

#include "ctl/session.h"

/*
 * Asks the daemon; where nobody listens, or nothing is answered within 2 s (or the -t that was
 * given, if it is less), `leatd --offline` does it.  Returns the exit status.
 */
int offline_ask(const struct options *o, const struct request *r);

/* `replay FILE ...`: runs `leatd -r FILE ...`, which knows the arguments.  Returns if there is no
 * leatd. */
int offline_replay(const struct options *o, int n_words, const char *const words[]);

#endif
