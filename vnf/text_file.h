/*
 * text_file.h - a whole file as one string.
 *
 * Main thread, at start.
 */
#ifndef LEAT_VNF_TEXT_FILE_H
#define LEAT_VNF_TEXT_FILE_H

#include <stddef.h>

#include "datapath/err.h"

/* *text (to be freed) ends with a NUL.  "-" is standard input.  0, or a negative errno with `err`;
 * -EFBIG beyond `max` bytes. */
int text_file_read(const char *path, size_t max, char **text, size_t *len, struct err *err);

#endif
