/*
 * complete.h - what may stand next on leatctl's command line, for a shell that asks.
 */
#ifndef LEAT_CTL_COMPLETE_H
#define LEAT_CTL_COMPLETE_H

/*
 * Prints a line for each word that may take the place of the last of `words`, which is as
 * far as it was typed; nothing where a file or a free argument stands.  An exit status.
 */
int complete(int n_words, const char *const words[]);

#endif
