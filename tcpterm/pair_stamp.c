/*
 * Timestamps of passive pairs.
 */
#include "tcpterm/pair_stamp.h"

#include <rte_byteorder.h>

#include "tcpterm/options.h"

enum { NOP_NOP_TIMESTAMPS = 0x0101080a, LENGTH = 12 };

static uint32_t
word(const uint8_t *at)
{
	uint32_t v;

	memcpy(&v, at, sizeof v);
	return rte_be_to_cpu_32(v);
}

struct pair_stamp
pair_stamp_read(const struct pkt *p)
{
	struct tcpterm_options o;
	const uint8_t *b;

	if (p->opt_len < LENGTH)
		return (struct pair_stamp){ .any = false };
	b = rte_pktmbuf_mtod_offset(p->m, const uint8_t *, p->l4 + 20);
	if (likely(word(b) == NOP_NOP_TIMESTAMPS))
		return (struct pair_stamp){ word(b + 4), word(b + 8), true };
	options_parse(b, p->opt_len, &o);
	return (struct pair_stamp){ o.tsval, o.tsecr, o.has_ts };
}

static bool
is_older(uint32_t a, uint32_t than)
{
	return (int32_t)(a - than) < 0;
}

/* A SYN that was seen has the last word. */
static bool
are_agreed(const struct pair *x)
{
	const uint8_t mask = PAIR_SAID_SYN | PAIR_SAID_TS;

	return (x->end[0].said & mask) != PAIR_SAID_SYN && (x->end[1].said & mask) != PAIR_SAID_SYN;
}

void
pair_stamp_learn(struct pair *x, const struct pair_stamp *t, unsigned d)
{
	struct pair_side *e = &x->end[d], *o = &x->end[!d];

	if (!e->stamped || is_older(e->ts_newest, t->val))
		e->ts_newest = t->val;
	e->stamped = true;
	/* An echo of what nobody was seen to send says nothing. */
	if (!o->stamped || is_older(o->ts_newest, t->ecr))
		return;
	if (!o->echoed || is_older(o->ts_recent, t->ecr))
		o->ts_recent = t->ecr;
	o->echoed = are_agreed(x);
}

bool
pair_stamp_next(struct pair *x, const struct pkt *p, unsigned d)
{
	const struct pair_side *e = &x->end[d];
	const struct pair_stamp t = pair_stamp_read(p);

	if (!t.any)
		return true;
	if (e->echoed && is_older(t.val, e->ts_recent))
		return false;
	pair_stamp_learn(x, &t, d);
	return true;
}

void
pair_stamps_forget(struct pair *x)
{
	for (unsigned d = 0; d < 2; d++)
		x->end[d].stamped = x->end[d].echoed = false;
}

bool
pair_stamp_is_old(const struct pair *x, const struct pkt *p, const struct pair_stamp *t, unsigned d,
		  int64_t off)
{
	const struct pair_side *e = &x->end[d];
	int64_t end = off + p->payload_len;

	if (!e->echoed || !t->any || !is_older(t->val, e->ts_recent))
		return false;
	if ((p->flags & TCP_FIN) && e->h.fin < 0 && RTE_MAX(e->h.acked, e->h.suspect) > end)
		return false;
	return !half_lacks(&e->h, off, RTE_MIN(end, half_known(&e->h)));
}

void
pair_stamp_refused(struct tcpterm *s, struct pair_side *e)
{
	s->stats.outdated++;
	e->outdated++;
}
