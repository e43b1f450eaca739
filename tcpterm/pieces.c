/*
 * The pieces that passive halves hold: lists of references into frames.
 */
#include "datapath/pool.h"
#include "tcpterm/pieces.h"

static bool
has_slab(struct tcpterm *s)
{
	return s->pieces.base ||
	       slab_init_inside(&s->pieces, sizeof(struct piece), 2 * s->conf.n_held_max + 64,
				offsetof(struct piece, generation), 0) == 0;
}

struct piece *
piece_new(struct tcpterm *s, struct rte_mbuf *m, int64_t off, uint32_t m_off, uint32_t len)
{
	struct piece *p;
	uint32_t i;

	if (!has_slab(s))
		return NULL;
	p = slab_alloc(&s->pieces, &i);
	if (!p)
		return NULL;
	p->m = m;
	p->off = off;
	p->m_off = m_off;
	p->len = len;
	p->came = p->since = s->now.v;
	p->evidence = INT64_MAX;
	p->seg_off = off;
	p->seg_len = len;
	p->index = i;
	if (m)
		s->stats.n_held += m->nb_segs;
	return p;
}

struct rte_mbuf *
piece_unwrap(struct tcpterm *s, struct piece *p)
{
	struct rte_mbuf *m = p->m;

	if (m)
		s->stats.n_held -= m->nb_segs;
	slab_free(&s->pieces, p->index);
	return m;
}

void
piece_free(struct tcpterm *s, struct piece *p)
{
	struct rte_mbuf *m;

	if (p->m && !p->clone)
		drops_count(&s->drops, DROP_tap_consumed);
	m = piece_unwrap(s, p);
	if (m)
		pool_refs_free(m);
}

void
pieces_insert(struct pieces *l, struct piece *after, struct piece *p)
{
	p->prev = after;
	p->next = after ? after->next : l->first;
	if (p->next)
		p->next->prev = p;
	else
		l->last = p;
	if (after)
		after->next = p;
	else
		l->first = p;
	l->n++;
	l->n_absent += !p->m;
	l->bytes += p->len;
}

bool
piece_keep(struct tcpterm *s, struct pieces *l, struct rte_mbuf *m, int64_t off, uint32_t m_off,
	   uint32_t len, bool shared)
{
	struct piece *p;
	uint32_t i;

	p = has_slab(s) ? slab_take(&s->pieces, &i) : NULL;
	if (!p)
		return false;
	p->m = m;
	p->off = off;
	p->m_off = m_off;
	p->len = len;
	p->came = s->now.v;
	p->index = i;
	p->clone = shared;
	if (shared)
		rte_mbuf_refcnt_update(m, 1);
	s->stats.n_held++;
	pieces_insert(l, l->last, p);
	return true;
}

void
pieces_remove(struct pieces *l, struct piece *p)
{
	if (p->prev)
		p->prev->next = p->next;
	else
		l->first = p->next;
	if (p->next)
		p->next->prev = p->prev;
	else
		l->last = p->prev;
	p->next = p->prev = NULL;
	l->n--;
	l->n_absent -= !p->m;
	l->bytes -= p->len;
}

void
pieces_clear(struct tcpterm *s, struct pieces *l)
{
	struct piece *p;

	while ((p = l->first)) {
		pieces_remove(l, p);
		pieces_look_ahead(l);
		piece_free(s, p);
	}
}

/* The first and the last byte in which two runs of `len` bytes differ; false: they are equal. */
static bool
differ(const struct rte_mbuf *a, uint32_t a_off, const struct rte_mbuf *b, uint32_t b_off,
       uint32_t len, uint32_t *first, uint32_t *last)
{
	uint8_t room[2][PIECE_SHOWN];
	uint32_t at, n, i;
	bool any = false;

	for (at = 0; at < len; at += n) {
		const uint8_t *x, *y;

		n = RTE_MIN(len - at, (uint32_t)PIECE_SHOWN);
		x = rte_pktmbuf_read(a, a_off + at, n, room[0]);
		y = rte_pktmbuf_read(b, b_off + at, n, room[1]);
		if (!x || !y || memcmp(x, y, n) == 0)
			continue;
		if (!any) {
			for (i = 0; x[i] == y[i];)
				i++;
			*first = at + i;
		}
		for (i = n - 1; x[i] == y[i];)
			i--;
		*last = at + i;
		any = true;
	}
	return any;
}

bool
piece_differs(const struct piece *was, const struct piece *came, int64_t from)
{
	int64_t to = RTE_MIN(was->off + was->len, came->off + came->len);
	uint32_t first, last;

	from = RTE_MAX(from, RTE_MAX(was->off, came->off));
	return from < to && was->m && came->m &&
	       differ(was->m, was->m_off + (uint32_t)(from - was->off), came->m,
		      came->m_off + (uint32_t)(from - came->off), (uint32_t)(to - from), &first,
		      &last);
}

bool
piece_compare(struct tcpterm *s, struct flow *f, struct half *h, const struct piece *was,
	      const struct piece *came)
{
	const struct tcpterm_passive_ops *ops = s->conf.ops->passive;
	int64_t from = RTE_MAX(was->off, came->off);
	int64_t to = RTE_MIN(was->off + was->len, came->off + came->len);
	uint8_t room[2][PIECE_SHOWN];
	uint32_t first, last, shown, was_off, came_off;

	if (from >= to || !was->m || !came->m)
		return false;
	was_off = was->m_off + (uint32_t)(from - was->off);
	came_off = came->m_off + (uint32_t)(from - came->off);
	if (!differ(was->m, was_off, came->m, came_off, (uint32_t)(to - from), &first, &last))
		return false;
	s->stats.conflicts++;
	h->conflicts++;
	shown = RTE_MIN(last - first + 1, (uint32_t)PIECE_SHOWN);
	if (ops && ops->conflict)
		ops->conflict(s->conf.ctx, f, h->dir, (uint64_t)(from + first - h->removed),
			      last - first + 1,
			      rte_pktmbuf_read(was->m, was_off + first, shown, room[0]),
			      rte_pktmbuf_read(came->m, came_off + first, shown, room[1]), shown);
	return true;
}
