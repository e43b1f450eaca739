/*
 * Which passive flow ends to make room for another.
 *
 * An order of all by age would cost each of them two links; so some are looked at, from where the
 * last search ended, and the least useful of these goes (as second-chance replacement does).
 */
#include "tcpterm/pair.h"

enum { LOOKED_AT = 32, LOOKED_AT_MOST = 1024 };

static int
use_of(const struct flow *f)
{
	if (f->end != TCPTERM_END_NONE)
		return 0;
	return f->seen == 3 ? 2 : 1;
}

static bool
is_less(const struct flow *f, const struct flow *than)
{
	int a = use_of(f), b = use_of(than);

	return a != b ? a < b : f->last.v < than->last.v;
}

static struct flow *
least(struct tcpterm *s, const struct slab *slab)
{
	struct flow *f, *best = NULL;
	uint32_t i, n = 0;

	for (i = 0; i < LOOKED_AT_MOST && i < slab->n_touched && n < LOOKED_AT; i++) {
		uint32_t at = s->evict_at++ % slab->n_touched;

		if (!slab_alive(slab, at))
			continue;
		n++;
		f = slab_at(slab, at);
		if (!best || is_less(f, best))
			best = f;
	}
	return best;
}

static void
make_room(struct tcpterm *s)
{
	struct flow *a = least(s, &s->slabs[flow_slab(TCPTERM_KIND_PASSIVE, false)]);
	struct flow *b = least(s, &s->slabs[flow_slab(TCPTERM_KIND_PASSIVE, true)]);
	struct flow *f = !b || (a && is_less(a, b)) ? a : b;

	if (!f)
		return;
	s->stats.evicted += f->end == TCPTERM_END_NONE;
	pair_end(s, f, TCPTERM_END_EVICTED);
}

/* Both directions have one hash.  Which stack a flow belongs to is said by what is left of it by
 * division, so that is mixed. */
static bool
is_in_sample(const struct tcpterm *s, const struct pkt *p)
{
	uint32_t n = s->conf.passive.sample;

	return n <= 1 || (uint32_t)(p->hash * 0x9e3779b97f4a7c15u >> 32) % n == 0;
}

bool
pair_admits(struct tcpterm *s, const struct pkt *p)
{
	bool has_room = core_has_room(s, TCPTERM_KIND_PASSIVE);
	uint32_t n_held = s->conf.n_held_max - s->conf.n_held_max / 8;

	if (has_room && s->stats.n_held < n_held)
		return true;
	if (!is_in_sample(s, p)) {
		s->stats.sampled_out++;
		return false;
	}
	if (!has_room)
		make_room(s);
	return true;
}
