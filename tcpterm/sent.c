/*
 * What is in flight: one entry a segment, in order, with what became of it.
 *
 * sent.sacked, .lost and .rexmit are the byte sums of the entries' flags; lost and
 * sacked exclude each other.
 */
#include "tcpterm/tcb.h"

enum { DUP_THRESH = 3 };	/* RFC 5681 3.2, RFC 6675 2 */

static struct sent_seg *
entry_new(struct conn *c, int64_t off, uint32_t len)
{
	uint32_t index;
	struct sent_seg *g = slab_alloc(&c->s->sent, &index);

	if (g) {
		g->index = index;
		g->off = off;
		g->len = len;
		g->at = c->s->now;
	}
	return g;
}

bool
sent_push(struct conn *c, int64_t off, uint32_t len)
{
	struct sent_seg *g = entry_new(c, off, len);

	if (!g) {
		drops_count(&c->s->drops, DROP_no_memory);
		return false;
	}
	if (c->sent.tail)
		c->sent.tail->next = g;
	else
		c->sent.head = g;
	c->sent.tail = g;
	return true;
}

/* Takes the last entry back: it was not sent after all. */
void
sent_unpush(struct conn *c)
{
	struct sent_seg **at = &c->sent.head, *before = NULL, *last = c->sent.tail;

	while (*at != last) {
		before = *at;
		at = &before->next;
	}
	*at = NULL;
	c->sent.tail = before;
	slab_free(&c->s->sent, last->index);
}

/* Takes `n` bytes of the entry out of the sums that it is part of. */
static void
uncount(struct sent *st, const struct sent_seg *g, uint32_t n)
{
	if (g->sacked)
		st->sacked -= n;
	if (g->lost)
		st->lost -= n;
	if (g->rexmit)
		st->rexmit -= n;
}

static void
pop_head(struct conn *c)
{
	struct sent_seg *g = c->sent.head;

	uncount(&c->sent, g, g->len);
	c->sent.head = g->next;
	if (!c->sent.head)
		c->sent.tail = NULL;
	slab_free(&c->s->sent, g->index);
}

static void
sample(struct ackinfo *a, const struct sent_seg *g)
{
	if (g->ever_rexmit)
		return;
	a->has_rtt = true;
	a->sent_at = g->at;
}

void
sent_ack(struct conn *c, int64_t una, struct ackinfo *a)
{
	struct sent_seg *g;
	bool again = false;

	while ((g = c->sent.head) && g->off + g->len <= una) {
		again |= g->ever_rexmit;
		if (!g->sacked)
			sample(a, g);
		pop_head(c);
	}
	/* Karn: what lay behind a hole waited for its repair, that is no round trip. */
	if (again)
		a->has_rtt = false;
	if (g && g->off < una) {
		uint32_t n = (uint32_t)(una - g->off);

		uncount(&c->sent, g, n);
		g->off = una;
		g->len -= n;
	}
	/* Without SACK the duplicates stood for segments that are now acknowledged. */
	c->sent.reno_sacked -= RTE_MIN(c->sent.reno_sacked, a->acked);
}

void
sent_sack(struct conn *c, int64_t left, int64_t right, struct ackinfo *a)
{
	for (struct sent_seg *g = c->sent.head; g && g->off < right; g = g->next) {
		if (g->sacked || g->off < left || g->off + g->len > right)
			continue;
		sample(a, g);
		if (g->lost)
			c->sent.lost -= g->len;
		if (g->rexmit)
			c->sent.rexmit -= g->len;
		g->lost = g->rexmit = false;
		g->sacked = true;
		c->sent.sacked += g->len;
		a->sacked += g->len;
	}
}

static void
mark_lost(struct conn *c, struct sent_seg *g)
{
	if (g->rexmit)
		c->sent.rexmit -= g->len;
	g->rexmit = false;
	if (!g->lost)
		c->sent.lost += g->len;
	g->lost = true;
}

uint32_t
sent_mark_lost(struct conn *c)
{
	uint32_t above = 0, newly = 0;

	for (const struct sent_seg *g = c->sent.head; g; g = g->next)
		above += g->sacked;
	for (struct sent_seg *g = c->sent.head; g && above >= DUP_THRESH; g = g->next) {
		if (g->sacked) {
			above--;
		} else if (!g->lost) {
			mark_lost(c, g);
			newly += g->len;
		}
	}
	return newly;
}

void
sent_mark_head_lost(struct conn *c)
{
	if (c->sent.head && !c->sent.head->sacked)
		mark_lost(c, c->sent.head);
}

/* RFC 6298 (5.4), RFC 6675 5.1: all that is not SACKed.  A receiver whose first missing
 * byte is SACKed has reneged (RFC 2018 8): then nothing that it said counts. */
void
sent_mark_all_lost(struct conn *c)
{
	bool reneged = c->sent.head && c->sent.head->sacked;

	c->sent.reno_sacked = 0;
	for (struct sent_seg *g = c->sent.head; g; g = g->next) {
		if (g->sacked && reneged) {
			g->sacked = false;
			c->sent.sacked -= g->len;
		}
		if (!g->sacked)
			mark_lost(c, g);
	}
}

/* Cuts the entry after `len` bytes, so that its first part fits one segment. */
static bool
split(struct conn *c, struct sent_seg *g, uint32_t len)
{
	struct sent_seg *rest = entry_new(c, g->off + len, g->len - len);

	if (!rest)
		return false;
	rest->at = g->at;
	rest->lost = g->lost;
	rest->sacked = g->sacked;
	rest->rexmit = g->rexmit;
	rest->ever_rexmit = g->ever_rexmit;
	rest->next = g->next;
	g->next = rest;
	g->len = len;
	if (c->sent.tail == g)
		c->sent.tail = rest;
	return true;
}

struct sent_seg *
sent_next_lost(struct conn *c, uint32_t mss)
{
	struct sent_seg *g;

	if (c->sent.lost == c->sent.rexmit)
		return NULL;
	for (g = c->sent.head; g; g = g->next)
		if (g->lost && !g->rexmit)
			break;
	if (g && g->len > mss)
		(void)split(c, g, mss);
	return g;
}

void
sent_again(struct conn *c, struct sent_seg *g)
{
	g->at = c->s->now;
	g->rexmit = g->ever_rexmit = true;
	c->sent.rexmit += g->len;
}

void
sent_dup_ack(struct conn *c)
{
	uint32_t flight = (uint32_t)(c->nxt - c->una);

	c->sent.reno_sacked =
		RTE_MIN(c->sent.reno_sacked + c->mss, flight - RTE_MIN(flight, c->sent.lost));
}

uint32_t
sent_pipe(const struct conn *c)
{
	int64_t pipe = c->nxt - c->una - c->sent.sacked - c->sent.reno_sacked - c->sent.lost +
		       c->sent.rexmit;

	return pipe > 0 ? (uint32_t)pipe : 0;
}

void
sent_clear(struct conn *c)
{
	while (c->sent.head)
		pop_head(c);
	c->sent.reno_sacked = 0;
}
