/*
 * log.c - see log.h.  A line is one write(2), so that threads do not mix theirs.
 */
#include "vnf/log.h"

#include <errno.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum { LINE_MAX_BYTES = 2048 };

static _Atomic enum log_level level_now = LEVEL_INFO;
static const char *const names[] = { "off", "err", "warn", "info", "dbg" };

void
log_set_level(enum log_level level)
{
	atomic_store(&level_now, level);
}

enum log_level
log_level(void)
{
	return atomic_load_explicit(&level_now, memory_order_relaxed);
}

int
log_level_parse(const char *word, enum log_level *level)
{
	unsigned i;

	for (i = 0; i < sizeof names / sizeof names[0]; i++) {
		if (strcmp(word, names[i]) == 0) {
			*level = (enum log_level)i;
			return 0;
		}
	}
	if (strcmp(word, "emer") != 0)
		return -EINVAL;
	*level = LEVEL_OFF;
	return 0;
}

const char *
log_level_name(enum log_level level)
{
	return names[level];
}

static int
put_time(char *line, size_t size)
{
	struct timespec t;
	struct tm tm;
	size_t n;

	clock_gettime(CLOCK_REALTIME, &t);
	gmtime_r(&t.tv_sec, &tm);
	n = strftime(line, size, "%Y-%m-%dT%H:%M:%S", &tm);
	return (int)n + snprintf(line + n, size - n, ".%03ldZ", t.tv_nsec / 1000000);
}

void
log_at(enum log_level level, const char *fmt, ...)
{
	char line[LINE_MAX_BYTES];
	va_list ap;
	int n;

	if (level > log_level())
		return;
	n = put_time(line, sizeof line);
	n += snprintf(line + n, sizeof line - (size_t)n, " %-4s ", names[level]);
	va_start(ap, fmt);
	n += vsnprintf(line + n, sizeof line - (size_t)n, fmt, ap);
	va_end(ap);
	if (n > LINE_MAX_BYTES - 1)
		n = LINE_MAX_BYTES - 1;
	line[n++] = '\n';
	if (write(STDERR_FILENO, line, (size_t)n) < 0)
		return;	/* nobody is left to be told */
}
