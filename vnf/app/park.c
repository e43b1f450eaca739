/*
 * park.c - bytes that come out of order wait here until those before them have come.
 */
#include <string.h>

#include "vnf/app/memory.h"

/* Takes the piece if there is room. */
static bool
keep(struct app_park *k, unsigned dir, uint32_t off, struct piece in)
{
	if (k->n_pieces == APP_PIECES || in.n > sizeof k->bytes - k->used)
		return false;
	k->piece[k->n_pieces++] = (struct app_parked){ off, (uint16_t)in.n, k->used, (uint8_t)dir };
	memcpy(k->bytes + k->used, in.p, in.n);
	k->used = (uint16_t)(k->used + in.n);
	return true;
}

static void
park(struct app *a, struct app_state *s, unsigned dir, uint32_t off, struct piece in)
{
	struct app_park *k = app_want_park(a, s);

	if (k && keep(k, dir, off, in))
		return;
	a->stolen++;
	app_gap(a, s, dir);
}

/* The next piece of this direction that goes on where the bytes so far end. */
static bool
unpark(const struct app_state *s, unsigned dir, struct piece *in)
{
	const struct app_park *k = s->park;
	unsigned i;

	for (i = 0; k && i < k->n_pieces; i++) {
		const struct app_parked *p = &k->piece[i];
		const uint32_t skip = s->seen[dir] - p->off;

		if (p->dir != dir || s->seen[dir] < p->off || skip >= p->len)
			continue;
		*in = (struct piece){ k->bytes + p->at + skip, p->len - skip };
		return true;
	}
	return false;
}

enum app_answer
app_feed_at(struct app *a, struct app_state *s, unsigned dir, uint64_t off, const void *p,
	    size_t len)
{
	struct piece in = { p, len };
	uint8_t copy[sizeof s->park->bytes];
	size_t skip;

	if (!app_wants(s, dir) || off + len <= s->seen[dir])
		return app_answer(s);
	if (off > s->seen[dir]) {
		if (off <= UINT32_MAX)
			park(a, s, dir, (uint32_t)off, in);
		return app_answer(s);
	}
	skip = s->seen[dir] - off;
	app_feed(a, s, dir, (const uint8_t *)p + skip, len - skip);
	while (app_wants(s, dir) && unpark(s, dir, &in)) {
		/* what is fed may give the park away */
		memcpy(copy, in.p, in.n);
		app_feed(a, s, dir, copy, in.n);
	}
	return app_answer(s);
}
