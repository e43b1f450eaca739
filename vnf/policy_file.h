/*
 * policy_file.h - a policy from a file, with the files it names in it.
 *
 * Main thread, at start; and leatd --check-policy, --expand-policy.
 */
#ifndef LEAT_VNF_POLICY_FILE_H
#define LEAT_VNF_POLICY_FILE_H

#include <stdio.h>

#include "datapath/err.h"

/*
 * *text (to be freed) is what policy_parse() reads and the store keeps; "-" is standard input.  0,
 * or a negative errno with `err`; what is wrong with files that the policy names goes to `errors`.
 */
int policy_file_read(const char *path, FILE *errors, char **text, size_t *len, struct err *err);

/* How messages call it. */
const char *policy_file_name(const char *path);

#endif
