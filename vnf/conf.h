/*
 * conf.h - the configuration file, leat.conf(5): `key = value` lines, a key being the name of an
 * option (option.h).
 *
 * Main thread, at start.
 */
#ifndef LEAT_VNF_CONF_H
#define LEAT_VNF_CONF_H

#include <stdio.h>

#include "vnf/cmdline.h"

/*
 * Sets in `o` what the file says.  Every fault is a line `file:line: message` on `errors`; then the
 * result is -EINVAL and `err` says how many there are.  A file that can't be read is a negative
 * errno with `err`.
 */
int conf_read(const char *path, struct options *o, FILE *errors, struct err *err);

#endif
