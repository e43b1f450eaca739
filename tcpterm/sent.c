/*
 * The scoreboard: two lists through the entries of the stack's slab.
 *
 * RACK reads the list by time from its old end and stops at the first entry that may still
 * arrive (RFC 8985 6.2 step 5), so it never sees the rest.  A SACK block is looked for from
 * the nearest of head, tail and the runs that grew last: commonly one of those becomes longer.
 */
#include "tcpterm/sent.h"

#include "tcpterm/tcb.h"

static uint32_t
ref(const struct conn *c, const struct sent_seg *g)
{
	return g ? (uint32_t)(g - (const struct sent_seg *)c->s->sent.base) + 1 : 0;
}

struct sent_seg *
sent_seg(const struct conn *c, uint32_t r)
{
	return r ? (struct sent_seg *)slab_at(&c->s->sent, r - 1) : NULL;
}

static bool
flies(const struct sent_seg *g)
{
	return !g->sacked && (!g->lost || g->rexmit);
}

/* --- by time --- */

/* `g` flies, sent next after `before`; NULL: it is the oldest. */
static void
time_insert(struct conn *c, struct sent_seg *before, struct sent_seg *g)
{
	struct sent *st = &c->sent;
	uint32_t r = ref(c, g), newer = before ? before->newer : st->oldest;

	g->older = ref(c, before);
	g->newer = newer;
	if (before)
		before->newer = r;
	else
		st->oldest = r;
	if (newer)
		sent_seg(c, newer)->older = r;
	else
		st->newest = r;
}

static void
time_remove(struct conn *c, struct sent_seg *g)
{
	struct sent *st = &c->sent;

	if (g->older)
		sent_seg(c, g->older)->newer = g->newer;
	else
		st->oldest = g->newer;
	if (g->newer)
		sent_seg(c, g->newer)->older = g->older;
	else
		st->newest = g->older;
	g->older = g->newer = 0;
}

static void
time_append(struct conn *c, struct sent_seg *g)
{
	time_insert(c, sent_seg(c, c->sent.newest), g);
}

/* --- by offset --- */

static struct sent_seg *
entry_new(struct conn *c, struct sent_seg *prev, int64_t off, uint32_t len)
{
	struct sent *st = &c->sent;
	uint32_t index;
	struct sent_seg *g = slab_alloc(&c->s->sent, &index);

	if (!g)
		return NULL;
	g->off = off;
	g->len = len;
	g->n = 1;
	g->at = c->s->now;
	g->prev = ref(c, prev);
	g->next = prev ? prev->next : st->head;
	if (prev)
		prev->next = index + 1;
	else
		st->head = index + 1;
	if (g->next)
		sent_seg(c, g->next)->prev = index + 1;
	else
		st->tail = index + 1;
	return g;
}

/* Out of all lists; its sums are not touched. */
static void
entry_free(struct conn *c, struct sent_seg *g)
{
	struct sent *st = &c->sent;
	uint32_t r = ref(c, g);

	if (flies(g))
		time_remove(c, g);
	if (g->prev)
		sent_seg(c, g->prev)->next = g->next;
	else
		st->head = g->next;
	if (g->next)
		sent_seg(c, g->next)->prev = g->prev;
	else
		st->tail = g->prev;
	if (st->next_lost == r)
		st->next_lost = g->next;
	for (unsigned i = 0; g->sacked && i < SENT_N_RUNS; i++)
		if (st->run[i] == r)
			st->run[i] = 0;
	slab_free(&c->s->sent, r - 1);
}

bool
sent_push(struct conn *c, int64_t off, uint32_t len)
{
	const bool first = !c->sent.head;
	struct sent_seg *g = entry_new(c, sent_seg(c, c->sent.tail), off, len);

	if (!g) {
		drops_count(&c->s->drops, DROP_no_memory);
		return false;
	}
	if (first)
		c->sent.began = c->s->now;
	time_append(c, g);
	return true;
}

uint64_t
sent_busy_us(const struct conn *c)
{
	const struct sent *st = &c->sent;

	return st->busy_us + (st->head ? (uint64_t)usec_diff(c->s->now, st->began) : 0);
}

void
sent_unpush(struct conn *c)
{
	entry_free(c, sent_seg(c, c->sent.tail));
}

/* Cuts the entry after `len` bytes; the rest is an entry of its own. */
static bool
split(struct conn *c, struct sent_seg *g, uint32_t len)
{
	struct sent_seg *rest = entry_new(c, g, g->off + len, g->len - len);

	if (!rest)
		return false;
	rest->at = g->at;
	rest->lost = g->lost;
	rest->rexmit = g->rexmit;
	rest->ever_rexmit = g->ever_rexmit;
	g->len = len;
	if (flies(g))
		time_insert(c, g, rest);
	return true;
}

/* --- what arrived --- */

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

/* The entry is newly acknowledged, by either kind of ACK. */
static void
arrived(struct conn *c, const struct sent_seg *g, struct ackinfo *a)
{
	rack_arrived(c, g);
	pmtu_arrived(c, g);
	if (g->ever_rexmit) {
		/* Where the clock is ours Eifel knows it by the timestamps (undo.h). */
		if (!c->own_clock && rack_is_original(c, g))
			a->early += g->len;
		return;
	}
	a->has_rtt = true;
	a->sent_at = g->at;
	a->original |= g->lost;
}

void
sent_ack(struct conn *c, int64_t una, struct ackinfo *a)
{
	struct sent *st = &c->sent;
	const bool flew = st->head;
	struct sent_seg *g;

	a->delivered = a->acked;
	while ((g = sent_seg(c, st->head)) && g->off + g->len <= una) {
		a->again |= g->ever_rexmit;
		if (g->sacked) {
			a->delivered -= RTE_MIN(a->delivered, g->len);
			st->n_sacked -= g->n;
		} else {
			arrived(c, g, a);
		}
		uncount(st, g, g->len);
		entry_free(c, g);
	}
	if (flew && !st->head)
		st->busy_us += (uint64_t)usec_diff(c->s->now, st->began);
	/* Karn: what lay behind a hole waited for its repair, that is no round trip. */
	if (a->again)
		a->has_rtt = false;
	if (g && g->off < una) {
		uint32_t n = (uint32_t)(una - g->off);

		uncount(st, g, n);
		if (g->sacked)
			a->delivered -= RTE_MIN(a->delivered, n);
		g->off = una;
		g->len -= n;
	}
	/* Without SACK the duplicates stood for segments that are now acknowledged. */
	a->delivered -= RTE_MIN(a->delivered, RTE_MIN(st->reno_sacked, a->acked));
	st->reno_sacked -= RTE_MIN(st->reno_sacked, a->acked);
}

static void
remember_run(struct sent *st, uint32_t r)
{
	unsigned i = 0;

	while (i < SENT_N_RUNS - 1 && st->run[i] && st->run[i] != r)
		i++;
	memmove(&st->run[1], &st->run[0], i * sizeof st->run[0]);
	st->run[0] = r;
}

static int64_t
distance(const struct sent_seg *g, int64_t off)
{
	return g->off > off ? g->off - off : off - g->off;
}

/* The last entry that begins at or below `off`; the first of all, if none does. */
static struct sent_seg *
find(const struct conn *c, int64_t off)
{
	struct sent_seg *g = sent_seg(c, c->sent.head), *tail = sent_seg(c, c->sent.tail);

	if (g && distance(tail, off) < distance(g, off))
		g = tail;
	for (unsigned i = 0; g && i < SENT_N_RUNS; i++) {
		struct sent_seg *run = sent_seg(c, c->sent.run[i]);

		if (run && distance(run, off) < distance(g, off))
			g = run;
	}
	while (g && g->off > off && g->prev)
		g = sent_seg(c, g->prev);
	while (g && g->next && sent_seg(c, g->next)->off <= off)
		g = sent_seg(c, g->next);
	return g;
}

/* `b` follows `a`; both are SACKed. */
static void
join(struct conn *c, struct sent_seg *a, struct sent_seg *b)
{
	a->len += b->len;
	a->n += b->n;
	a->ever_rexmit |= b->ever_rexmit;
	entry_free(c, b);
}

static bool
joins(const struct sent_seg *a, const struct sent_seg *b)
{
	return a && b && a->sacked && b->sacked && a->n + b->n <= UINT16_MAX;
}

/* Returns the run that it is now part of. */
static struct sent_seg *
set_sacked(struct conn *c, struct sent_seg *g)
{
	struct sent *st = &c->sent;
	struct sent_seg *prev = sent_seg(c, g->prev), *next = sent_seg(c, g->next);

	if (flies(g))
		time_remove(c, g);
	uncount(st, g, g->len);
	g->lost = g->rexmit = false;
	g->sacked = true;
	st->sacked += g->len;
	st->n_sacked++;
	if (joins(g, next))
		join(c, g, next);
	if (joins(prev, g)) {
		join(c, prev, g);
		g = prev;
	}
	remember_run(st, ref(c, g));
	return g;
}

void
sent_sack(struct conn *c, int64_t left, int64_t right, struct ackinfo *a)
{
	struct sent_seg *g = find(c, left);

	for (; g && g->off < right; g = sent_seg(c, g->next)) {
		if (g->sacked || g->off < left || g->off + g->len > right)
			continue;
		arrived(c, g, a);
		a->sacked += g->len;
		a->delivered += g->len;
		g = set_sacked(c, g);
	}
}

/* --- what did not --- */

void
sent_lose(struct conn *c, struct sent_seg *g)
{
	struct sent *st = &c->sent;
	const struct sent_seg *first = sent_seg(c, st->next_lost);

	if (flies(g))
		time_remove(c, g);
	if (g->rexmit)
		st->rexmit -= g->len;
	if (!g->lost)
		st->lost += g->len;
	g->rexmit = false;
	g->lost = true;
	if (first && g->off < first->off)
		st->next_lost = ref(c, g);
}

void
sent_lose_head(struct conn *c)
{
	struct sent_seg *g = sent_seg(c, c->sent.head);

	if (g && !g->sacked)
		sent_lose(c, g);
}

void
sent_lose_all(struct conn *c)
{
	c->sent.reno_sacked = 0;
	for (struct sent_seg *g = sent_seg(c, c->sent.head); g; g = sent_seg(c, g->next))
		if (!g->sacked)
			sent_lose(c, g);
}

bool
sent_reneged(struct conn *c)
{
	struct sent *st = &c->sent;
	struct sent_seg *g = sent_seg(c, st->head);

	if (!g || !g->sacked)
		return false;
	for (; g; g = sent_seg(c, g->next)) {
		if (!g->sacked)
			continue;
		g->sacked = false;	/* and so it flies, until it is lost */
		g->n = 1;
		time_append(c, g);
	}
	st->sacked = st->n_sacked = 0;
	memset(st->run, 0, sizeof st->run);
	sent_lose_all(c);
	return true;
}

void
sent_mark_larger(struct conn *c, uint32_t mss)
{
	for (struct sent_seg *g = sent_seg(c, c->sent.head); g; g = sent_seg(c, g->next))
		/* A FIN is no payload. */
		if (flies(g) && RTE_MIN(g->off + g->len, c->tx->end) - g->off > mss)
			sent_lose(c, g);
}

void
sent_unlose(struct conn *c)
{
	struct sent_seg *before = NULL;

	for (struct sent_seg *g = sent_seg(c, c->sent.head); g; g = sent_seg(c, g->next)) {
		bool flew = flies(g);
		uint32_t newer;

		if (!g->lost)
			continue;
		uncount(&c->sent, g, g->len);
		g->lost = g->rexmit = false;
		if (flew)
			continue;
		if (before && usec_before(g->at, before->at))
			before = NULL;
		for (;;) {
			newer = before ? before->newer : c->sent.oldest;
			if (!newer || usec_before(g->at, sent_seg(c, newer)->at))
				break;
			before = sent_seg(c, newer);
		}
		time_insert(c, before, g);
		before = g;
	}
	c->sent.next_lost = 0;
}

/* --- what leaves again --- */

struct sent_seg *
sent_next_lost(struct conn *c, uint32_t mss)
{
	struct sent *st = &c->sent;
	struct sent_seg *g;

	if (st->lost == st->rexmit)
		return NULL;
	g = sent_seg(c, st->next_lost ? st->next_lost : st->head);
	while (g && (!g->lost || g->rexmit))
		g = sent_seg(c, g->next);
	st->next_lost = ref(c, g);
	if (g && g->len > mss)
		(void)split(c, g, mss);
	return g;
}

struct sent_seg *
sent_last(struct conn *c, uint32_t mss)
{
	struct sent_seg *g = sent_seg(c, c->sent.tail);

	if (!g || g->sacked || g->lost)
		return NULL;
	if (g->len > mss && split(c, g, g->len - mss))
		g = sent_seg(c, g->next);
	return g;
}

void
sent_again(struct conn *c, struct sent_seg *g)
{
	if (flies(g))
		time_remove(c, g);
	g->at = c->s->now;
	g->ever_rexmit = true;
	if (g->lost) {
		g->rexmit = true;
		c->sent.rexmit += g->len;
	}
	time_append(c, g);
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
	struct sent_seg *g;

	while ((g = sent_seg(c, c->sent.head))) {
		uncount(&c->sent, g, g->len);
		entry_free(c, g);
	}
	c->sent.reno_sacked = c->sent.n_sacked = 0;
}
