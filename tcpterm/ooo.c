#include <assert.h>

#include "tcpterm/tcb.h"

/* The offset within 2^31 of rcv.nxt that has this low word. */
static int64_t
offset_of(const struct conn *c, uint32_t low)
{
	return c->rcv.nxt + (int32_t)(low - (uint32_t)c->rcv.nxt);
}

static int64_t
end_of(const struct rte_mbuf *m)
{
	return held(m)->off + held(m)->part.len;
}

/* Takes the piece after `before` (NULL: the first) out of the list. */
static struct rte_mbuf *
unlink_after(struct conn *c, struct rte_mbuf *before)
{
	struct rte_mbuf **at = before ? &held(before)->next : &c->ooo.head, *m = *at;

	assert(m);
	*at = held(m)->next;
	if (c->ooo.tail == m)
		c->ooo.tail = before;
	c->ooo.bytes -= held(m)->part.len;
	c->ooo.mbufs -= m->nb_segs;
	c->s->stats.n_held -= m->nb_segs;
	return m;
}

static void
link_after(struct conn *c, struct rte_mbuf *before, struct rte_mbuf *m)
{
	struct rte_mbuf **at = before ? &held(before)->next : &c->ooo.head;

	held(m)->next = *at;
	*at = m;
	if (c->ooo.tail == before)
		c->ooo.tail = m;
	c->ooo.bytes += held(m)->part.len;
	c->ooo.mbufs += m->nb_segs;
	c->s->stats.n_held += m->nb_segs;
}

/* --- blocks --- */

/* The contiguous block around `off`, which is held. */
static struct ooo_block
block_around(const struct conn *c, int64_t off)
{
	int64_t left = 0, right = 0;

	for (const struct rte_mbuf *m = c->ooo.head; m && held(m)->off <= off;) {
		left = held(m)->off;
		right = end_of(m);
		for (m = held(m)->next; m && held(m)->off == right; m = held(m)->next)
			right = end_of(m);
		if (off < right)
			break;
	}
	return (struct ooo_block){ (uint32_t)left, (uint32_t)right };
}

static bool
within(struct ooo_block b, struct ooo_block of)
{
	return b.left - of.left < of.right - of.left;
}

/* `b` is the latest; blocks that are part of it now are not remembered beside it. */
static void
remember(struct ooo *q, struct ooo_block b)
{
	struct ooo_block kept[OOO_N_BLOCKS] = { b };
	unsigned n = 1;

	for (unsigned i = 0; i < q->n_blocks && n < OOO_N_BLOCKS; i++)
		if (!within(q->block[i], b))
			kept[n++] = q->block[i];
	memcpy(q->block, kept, n * sizeof kept[0]);
	q->n_blocks = (uint8_t)n;
}

/* [off, end) was added behind all others: most often the latest block grew. */
static void
remember_appended(struct conn *c, const struct rte_mbuf *before, int64_t off, int64_t end)
{
	struct ooo *q = &c->ooo;
	struct ooo_block b = { (uint32_t)off, (uint32_t)end };

	if (q->n_blocks > 0 && q->block[0].right == b.left)
		q->block[0].right = b.right;
	else if (!before || end_of(before) < off)
		remember(q, b);
	else
		remember(q, block_around(c, off));
}

/* What is delivered is no block any more. */
static void
forget_delivered(struct conn *c)
{
	struct ooo *q = &c->ooo;
	unsigned n = 0;

	for (unsigned i = 0; i < q->n_blocks; i++)
		if (offset_of(c, q->block[i].right) > c->rcv.nxt)
			q->block[n++] = q->block[i];
	q->n_blocks = (uint8_t)n;
}

void
ooo_duplicate(struct conn *c, int64_t left, int64_t right)
{
	struct ooo_block b = { (uint32_t)left, (uint32_t)right };
	struct ooo *q = &c->ooo;

	if (!c->sack_on || left >= right)
		return;
	c->s->stats.dsacks_sent++;
	if (q->has_dup && b.left == q->dup.right) {
		q->dup.right = b.right;
		return;
	}
	if (q->has_dup)
		send_ack(c);
	q->dup = b;
	q->has_dup = true;
}

static void
list(const struct conn *c, struct ooo_block b, struct tcpterm_options *o)
{
	o->sack[o->n_sack].left = seq_of(c->irs, 0).v + b.left;
	o->sack[o->n_sack].right = seq_of(c->irs, 0).v + b.right;
	o->n_sack++;
}

unsigned
ooo_sack(const struct conn *c, unsigned n_max, struct tcpterm_options *o)
{
	const struct ooo *q = &c->ooo;

	o->n_sack = 0;
	if (!c->sack_on)
		return 0;
	if (q->has_dup && n_max > 0)
		list(c, q->dup, o);
	for (unsigned i = 0; i < q->n_blocks && o->n_sack < n_max; i++)
		list(c, q->block[i], o);
	/* The latest were delivered, and an older one was not. */
	if (q->head && q->n_blocks == 0 && o->n_sack < n_max)
		list(c, block_around(c, held(q->head)->off), o);
	return o->n_sack;
}

bool
ooo_has_blocks(const struct conn *c)
{
	return c->sack_on && (c->ooo.head || c->ooo.has_dup);
}

void
ooo_told(struct conn *c)
{
	c->ooo.has_dup = false;
}

/* --- pieces --- */

/* The last piece that begins at or before `off`; NULL: all begin behind it. */
static struct rte_mbuf *
piece_before(const struct conn *c, int64_t off)
{
	struct rte_mbuf *before = NULL;

	if (c->ooo.tail && held(c->ooo.tail)->off <= off)
		return c->ooo.tail;
	for (struct rte_mbuf *m = c->ooo.head; m && held(m)->off <= off; m = held(m)->next)
		before = m;
	return before;
}

/* The part of [off, end) that was there before: the first such run (RFC 2883 4.2). */
static void
tell_overlap(struct conn *c, const struct rte_mbuf *before, int64_t off, int64_t end)
{
	const struct rte_mbuf *m = before && end_of(before) > off ? before
				   : before			  ? held(before)->next
								  : c->ooo.head;
	int64_t left, right;

	if (!m || held(m)->off >= end)
		return;
	left = RTE_MAX(held(m)->off, off);
	right = end_of(m);
	for (m = held(m)->next; m && held(m)->off == right; m = held(m)->next)
		right = end_of(m);
	ooo_duplicate(c, left, RTE_MIN(right, end));
}

void
ooo_overlap(struct conn *c, int64_t off, int64_t end)
{
	tell_overlap(c, NULL, off, end);
}

bool
ooo_insert(struct conn *c, struct rte_mbuf *m, int64_t off, struct part part)
{
	int64_t start = off, end = off + part.len;
	struct rte_mbuf *before = piece_before(c, off), *next;
	bool last = before == c->ooo.tail;

	tell_overlap(c, before, off, end);
	if (before)
		start = RTE_MAX(start, end_of(before));
	for (;;) {	/* pieces that this one covers */
		next = before ? held(before)->next : c->ooo.head;
		if (!next || start >= end || end_of(next) > end)
			break;
		rte_pktmbuf_free(unlink_after(c, before));
	}
	if (next)
		end = RTE_MIN(end, held(next)->off);
	if (start >= end) {
		c->n_dup++;
		remember(&c->ooo, block_around(c, off));
		core_drop(c->s, m, DROP_proxy_duplicate);
		return false;
	}
	part = part_cut(part, (uint32_t)(start - off), (uint32_t)(end - start));
	*held(m) = (struct held){ .off = start, .part = part };
	link_after(c, before, m);
	if (last)
		remember_appended(c, before, start, end);
	else
		remember(&c->ooo, block_around(c, start));
	return true;
}

bool
ooo_deliver(struct conn *c)
{
	bool any = false;

	while (c->ooo.head && held(c->ooo.head)->off <= c->rcv.nxt) {
		struct rte_mbuf *m = unlink_after(c, NULL);
		struct held h = *held(m);
		uint32_t skip = (uint32_t)RTE_MIN(c->rcv.nxt - h.off, (int64_t)h.part.len);

		if (skip < h.part.len)
			receive_deliver(c, m, part_cut(h.part, skip, h.part.len - skip));
		else
			rte_pktmbuf_free(m);
		any = true;
	}
	if (any)
		forget_delivered(c);
	return any;
}

void
ooo_clear(struct conn *c)
{
	while (c->ooo.head)
		rte_pktmbuf_free(unlink_after(c, NULL));
	c->ooo.n_blocks = 0;
	c->ooo.has_dup = false;
}
