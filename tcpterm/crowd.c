/*
 * More than half: so there is at most one, and it is what is left when each segment is paired with
 * one of another end (Boyer, Moore 1981).
 */
#include "tcpterm/burst.h"

_Static_assert(CROWD >= BURST / 2, "there may be two crowds");

static struct crowd
end_of(const struct found *at)
{
	return (struct crowd){ at->f, at->how == FLOW_MATCH_REVERSED };
}

/* How many data segments are of `c`; or, to elect it, who would be more than half of them. */
static unsigned
vote(const struct pkt *p, unsigned n, const struct burst *b, struct crowd *c, bool elect)
{
	const struct found *at = b->at;
	unsigned votes = 0;

	for (unsigned i = 0; i < n; i++) {
		at = b->with_last[i] ? at : &b->at[i];
		if (elect && votes == 0)
			*c = end_of(at);
		if (at->f == c->f && end_of(at).dir == c->dir && p[i].payload_len > 0)
			votes++;
		else if (elect && votes > 0)
			votes--;
	}
	return votes;
}

struct crowd
crowd_find(const struct pkt *p, unsigned n, const struct burst *b)
{
	struct crowd c = { NULL, 0 };

	if (n <= CROWD)
		return c;
	if (vote(p, n, b, &c, true) <= CROWD && c.f && vote(p, n, b, &c, false) <= CROWD)
		c.f = NULL;
	return c;
}
