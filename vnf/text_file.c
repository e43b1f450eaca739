/*
 * text_file.c - see text_file.h.
 */
#include "vnf/text_file.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int
read_all(FILE *f, size_t max, char **text, size_t *len)
{
	size_t room = 64 * 1024, n;
	char *more;

	*len = 0;
	*text = malloc(room + 1);
	while (*text) {
		n = fread(*text + *len, 1, room - *len, f);
		*len += n;
		if (n == 0)
			break;
		if (*len > max)
			return -EFBIG;
		if (*len < room)
			continue;
		more = realloc(*text, 2 * room + 1);
		if (!more)
			return -ENOMEM;
		*text = more;
		room *= 2;
	}
	if (!*text)
		return -ENOMEM;
	(*text)[*len] = '\0';
	return ferror(f) ? -errno : 0;
}

int
text_file_read(const char *path, size_t max, char **text, size_t *len, struct err *err)
{
	FILE *f = strcmp(path, "-") == 0 ? stdin : fopen(path, "r");
	int rc;

	*text = NULL;
	if (!f)
		return err_set(err, -errno, "%s: %s", path, strerror(errno));
	rc = read_all(f, max, text, len);
	if (f != stdin)
		fclose(f);
	if (rc == 0)
		return 0;
	free(*text);
	*text = NULL;
	return err_set(err, rc, "%s: %s", path, strerror(-rc));
}
