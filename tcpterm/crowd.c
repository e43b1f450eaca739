/*
 * More than half: so there is at most one, and it is what is left when each segment is paired with
 * one of another end (Boyer, Moore 1981).
 */
#include "tcpterm/burst.h"

_Static_assert(CROWD >= BURST / 2, "there may be two crowds");

struct end {
	const struct flow *f;
	unsigned dir;
};

static struct end
end_of(const struct found *at)
{
	return (struct end){ at->f, at->how == FLOW_MATCH_REVERSED };
}

/* How many data segments are of `e`; or, to elect it, who would be more than half of them. */
static unsigned
vote(const struct crowd *c, struct end *e, bool elect)
{
	const struct burst *b = c->burst;
	const struct found *at = b->at;
	unsigned votes = 0;

	for (unsigned i = 0; i < c->n; i++) {
		at = b->with_last[i] ? at : &b->at[i];
		if (elect && votes == 0)
			*e = end_of(at);
		if (at->f == e->f && end_of(at).dir == e->dir && c->p[i].payload_len > 0)
			votes++;
		else if (elect && votes > 0)
			votes--;
	}
	return votes;
}

static void
find(struct crowd *c)
{
	struct end e = { NULL, 0 };

	if (c->n <= CROWD)
		return;
	if (vote(c, &e, true) <= CROWD && e.f && vote(c, &e, false) <= CROWD)
		return;
	c->f = e.f;
	c->dir = e.dir;
}

bool
crowd_is(struct crowd *c, const struct flow *f, unsigned dir)
{
	if (c->burst)
		find(c);
	c->burst = NULL;
	return c->f == f && c->dir == dir;
}
