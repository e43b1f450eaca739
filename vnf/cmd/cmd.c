/*
 * cmd.c - see cmd.h.
 */
#include "vnf/cmd/cmd.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

struct table *
cmd_table_new(const char *const *names, size_t n)
{
	struct table *t = table_new(names, n);

	if (!t)
		abort();
	return t;
}

void
cmd_reply_table(struct unixctl_conn *conn, struct table *t)
{
	unixctl_reply_table(conn, t);
	table_free(t);
}

void
cmd_put_uint(struct table *t, const char *item, uint64_t v)
{
	table_row(t);
	table_str(t, item);
	table_uint(t, v);
}

void
cmd_put_str(struct table *t, const char *item, const char *s)
{
	table_row(t);
	table_str(t, item);
	table_str(t, s);
}

const char *
cmd_when(int64_t us, char *buf, size_t size)
{
	const time_t s = (time_t)(us / 1000000);
	struct tm tm;

	if (us == 0 || !localtime_r(&s, &tm) || strftime(buf, size, "%F %T", &tm) == 0)
		return NULL;
	return buf;
}

bool
cmd_option(const char *name, int argc, const char *argv[], int *i, const char **value)
{
	size_t len = strlen(name);

	if (strncmp(argv[*i], name, len) == 0 && argv[*i][len] == '=') {
		*value = argv[*i] + len + 1;
		return true;
	}
	if (strcmp(argv[*i], name) != 0 || *i + 1 >= argc)
		return false;
	*value = argv[++*i];
	return true;
}

int
cmd_number(const char *option, const char *text, uint64_t lo, uint64_t hi, uint64_t *v,
	   struct err *err)
{
	char *end;

	errno = 0;
	*v = strtoull(text, &end, 10);
	if (*text >= '0' && *text <= '9' && !*end && errno == 0 && *v >= lo && *v <= hi)
		return 0;
	return err_set(err, -EINVAL, "%s %s: a number from %ju to %ju is needed", option, text,
		       (uintmax_t)lo, (uintmax_t)hi);
}
