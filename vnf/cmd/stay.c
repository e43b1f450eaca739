/*
 * stay.c - see stay.h.
 */
#include "vnf/cmd/stay.h"

static bool
is_over(const struct stay *s, usec_t now)
{
	return unixctl_client_gone(s->conn) || (s->for_us && usec_diff(now, s->began) >= s->for_us);
}

void
stays_run(struct leat *l, struct stay **list, const struct stay_ops *ops, usec_t now)
{
	struct stay **at = list, *s;

	while ((s = *at) != NULL) {
		if (ops->turn(s, is_over(s, now))) {
			*at = s->next;
			ops->end(l, s);
		} else {
			at = &s->next;
		}
	}
}

void
stays_end(struct leat *l, struct stay **list, const struct stay_ops *ops)
{
	struct stay *s;

	while ((s = *list) != NULL) {
		*list = s->next;
		ops->end(l, s);
	}
}

unsigned
stays_count(const struct stay *list)
{
	unsigned n = 0;

	for (; list; list = list->next)
		n++;
	return n;
}
