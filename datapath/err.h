/*
 * err.h - a failure that a person must read.
 *
 * Owned by the caller, usually on its stack; written at most once a failure by
 * the function that fails.  Any thread.  It is the one header every folder may
 * include: it depends on nothing.
 */
#ifndef LEAT_DATAPATH_ERR_H
#define LEAT_DATAPATH_ERR_H

#include <stdarg.h>
#include <stdio.h>

struct err {
	char msg[1024];
};

/*
 * Formats the message and returns `code`, so that a failing function can end
 * with `return err_set(e, -EINVAL, "...")`.  `e` may be NULL.
 */
static inline int __attribute__((format(printf, 3, 4)))
err_set(struct err *e, int code, const char *fmt, ...)
{
	va_list ap;

	if (e) {
		va_start(ap, fmt);
		vsnprintf(e->msg, sizeof e->msg, fmt, ap);
		va_end(ap);
	}
	return code;
}

#endif
