/*
 * log_limit.c - see log_limit.h.
 */
#include "vnf/log_limit.h"

bool
log_limit_pass(struct log_limit *l, int64_t now, unsigned burst, unsigned every_ms,
	       unsigned *dropped, unsigned *since, unsigned *ago)
{
	int64_t back = (now - l->filled) / every_ms;

	if (back >= l->spent) {
		l->spent = 0;
		l->filled = now;
	} else if (back > 0) {
		l->spent -= (uint32_t)back;
		l->filled += back * every_ms;
	}
	*dropped = *since = *ago = 0;
	if (l->spent >= burst) {
		if (l->n_dropped++ == 0)
			l->first_dropped = now;
		l->last_dropped = now;
		return false;
	}
	l->spent++;
	if (l->n_dropped > 0) {
		*dropped = l->n_dropped;
		*since = (unsigned)((now - l->first_dropped) / 1000);
		*ago = (unsigned)((now - l->last_dropped) / 1000);
		l->n_dropped = 0;
	}
	return true;
}
