/*
 * A hierarchical timer wheel (Varghese and Lauck's scheme 7).
 *
 * Level l has slots of 256^l ticks.  An entry lies at the lowest level whose
 * span holds its distance and moves down when the wheel reaches its slot's
 * first tick.  A bit a slot says where anything lies, so that empty time is
 * stepped over.  Deadlines beyond the top level's span wait in its furthest
 * slot and are looked at again from there.
 */
#include "tcpterm/timer.h"

#include <string.h>

#include "tcpterm/table.h"

enum { SLOT_BITS = 8, SLOT_MASK = TIMER_SLOTS - 1 };

#define TIMER_SPAN ((int64_t)1 << (SLOT_BITS * TIMER_LEVELS))

static int64_t
tick_floor(int64_t us)
{
	return us / TIMER_TICK_US - (us % TIMER_TICK_US < 0);
}

/* The first tick not before `us`. */
static int64_t
tick_ceil(int64_t us)
{
	return us / TIMER_TICK_US + (us % TIMER_TICK_US > 0);
}

/* --- entries --- */

/* A deadline is the low bits of its tick, or of a coarser count of them where it is far. */
enum { FAR_SHIFT = 10 };
#define DUE_FAR (1u << 31)
#define NEAR_TICKS ((int64_t)1 << 30)
#define FAR_TICKS ((NEAR_TICKS - 1) << FAR_SHIFT)

/* Links are refs; what comes before the first of a slot, or of those due, is a name of that. */
#define HEADS 0xf8000000u
#define HEAD_DUE (HEADS | TIMER_LEVELS * TIMER_SLOTS)

static uint32_t
due_of(const struct timer_wheel *w, int64_t at)
{
	if (at - w->tick < NEAR_TICKS)
		return (uint32_t)at & ~DUE_FAR;
	at = RTE_MIN(at, w->tick + FAR_TICKS);
	return (uint32_t)((at + (1 << FAR_SHIFT) - 1) >> FAR_SHIFT) | DUE_FAR;
}

/* The count near `from` that has these 31 low bits. */
static int64_t
near(int64_t from, uint32_t low)
{
	return from + (int32_t)((low - (uint32_t)from) << 1) / 2;
}

static int64_t
tick_of(const struct timer_wheel *w, const struct timer *t)
{
	if (t->due & DUE_FAR)
		return near(w->tick >> FAR_SHIFT, t->due) << FAR_SHIFT;
	return near(w->tick, t->due);
}

static struct flow *
flow_at(const struct timer_wheel *w, uint32_t ref)
{
	return slab_at(&w->slabs[ref >> REF_SLAB_SHIFT], ref & REF_INDEX_MASK);
}

/* The link to the entry behind `prev`. */
static uint32_t *
link_from(struct timer_wheel *w, uint32_t prev)
{
	if (prev == HEAD_DUE)
		return &w->due;
	if (prev >= HEADS)
		return &w->slot[0][0] + (prev - HEADS);
	return &flow_at(w, prev)->timer.next;
}

static void
unlink_entry(struct timer_wheel *w, struct timer *t)
{
	*link_from(w, t->prev) = t->next;
	if (t->next) {
		flow_at(w, t->next)->timer.prev = t->prev;
	} else if (t->prev >= HEADS && t->prev != HEAD_DUE) {
		unsigned i = t->prev - HEADS;

		w->used[i / TIMER_SLOTS][(i & SLOT_MASK) / 64] &= ~(1ull << (i & 63));
	}
	t->next = t->prev = 0;
}

static void
place(struct timer_wheel *w, struct flow *f)
{
	int64_t at = RTE_MAX(tick_of(w, &f->timer), w->tick), distance = at - w->tick;
	unsigned level = 0, i;
	uint32_t *head;

	if (distance >= TIMER_SPAN) {
		distance = TIMER_SPAN - 1;
		at = w->tick + distance;
	}
	while (distance >> (SLOT_BITS * (level + 1)))
		level++;
	at = at >> (SLOT_BITS * level);
	w->quiet_until = RTE_MIN(w->quiet_until, at << (SLOT_BITS * level));
	i = (unsigned)at & SLOT_MASK;
	head = &w->slot[level][i];
	f->timer.next = *head;
	f->timer.prev = HEADS | (level * TIMER_SLOTS + i);
	if (*head)
		flow_at(w, *head)->timer.prev = f->ref;
	*head = f->ref;
	w->used[level][i / 64] |= 1ull << (i & 63);
}

void
timer_wheel_init(struct timer_wheel *w, const struct slab *slabs, usec_t now)
{
	memset(w, 0, sizeof *w);
	w->slabs = slabs;
	w->tick = tick_floor(now.v);
	w->quiet_until = INT64_MAX;
}

void
timer_cancel(struct timer_wheel *w, struct flow *f)
{
	if (!timer_armed(f))
		return;
	unlink_entry(w, &f->timer);
	w->n_armed--;
}

void
timer_arm(struct timer_wheel *w, struct flow *f, usec_t deadline)
{
	uint32_t due;

	if (deadline.v == USEC_NEVER.v) {
		timer_cancel(w, f);
		return;
	}
	due = due_of(w, RTE_MAX(tick_ceil(deadline.v), w->tick));
	if (timer_armed(f) && f->timer.due == due)
		return;
	timer_cancel(w, f);
	f->timer.due = due;
	place(w, f);
	w->n_armed++;
}

usec_t
timer_deadline(const struct timer_wheel *w, const struct flow *f)
{
	return (usec_t){ tick_of(w, &f->timer) * TIMER_TICK_US };
}

/* --- slots --- */

/* How many slots on from `from`, cyclically, the first used one lies; -1: none. */
static int
first_used(const uint64_t *used, unsigned from)
{
	unsigned word = from / 64, n;
	uint64_t bits = used[word] & (~0ull << (from & 63));

	for (n = 0; n <= TIMER_SLOTS / 64; n++) {
		if (bits)
			return (int)((word * 64 + (unsigned)__builtin_ctzll(bits) - from) &
				     SLOT_MASK);
		word = (word + 1) % (TIMER_SLOTS / 64);
		bits = used[word];
	}
	return -1;
}

/* The first tick at which a slot of any level is to be looked at. */
static int64_t
next_tick(const struct timer_wheel *w)
{
	int64_t best = INT64_MAX;
	unsigned level;

	for (level = 0; level < TIMER_LEVELS; level++) {
		unsigned shift = SLOT_BITS * level;
		int64_t base = (w->tick + ((int64_t)1 << shift) - 1) >> shift;
		int n = first_used(w->used[level], (unsigned)base & SLOT_MASK);

		if (n >= 0 && (base + n) << shift < best)
			best = (base + n) << shift;
	}
	return best;
}

static uint32_t
take_slot(struct timer_wheel *w, unsigned level, unsigned i)
{
	uint32_t list = w->slot[level][i];

	w->slot[level][i] = 0;
	w->used[level][i / 64] &= ~(1ull << (i & 63));
	return list;
}

/* Moves down what the wheel reached at its tick, highest level first. */
static void
cascade(struct timer_wheel *w)
{
	unsigned level;

	for (level = TIMER_LEVELS - 1; level > 0; level--) {
		unsigned shift = SLOT_BITS * level;
		uint32_t ref, next;

		if (w->tick & (((int64_t)1 << shift) - 1))
			continue;
		for (ref = take_slot(w, level, (unsigned)(w->tick >> shift) & SLOT_MASK); ref;
		     ref = next) {
			struct flow *f = flow_at(w, ref);

			next = f->timer.next;
			place(w, f);
		}
	}
}

/* All that is due by `until` comes into one list, in its order; the wheel stands behind it. */
static void
take_due(struct timer_wheel *w, int64_t until)
{
	uint32_t last = HEAD_DUE, ref;
	int64_t at;

	while ((at = next_tick(w)) <= until) {
		w->tick = at;
		cascade(w);
		ref = take_slot(w, 0, (unsigned)at & SLOT_MASK);
		if (ref) {
			*link_from(w, last) = ref;
			flow_at(w, ref)->timer.prev = last;
		}
		for (; ref; ref = flow_at(w, ref)->timer.next)
			last = ref;
		w->tick = at + 1;
	}
	w->tick = until + 1;
	w->quiet_until = at;
}

unsigned
timer_run(struct timer_wheel *w, usec_t now, void (*fire)(void *ctx, struct flow *f), void *ctx)
{
	int64_t until = tick_floor(now.v);
	unsigned n = 0;

	if (until < w->tick)
		return 0;
	if (until < w->quiet_until) {	/* most turns */
		w->tick = until + 1;
		return 0;
	}
	/* First all that is due is taken out and the wheel set past `now`: what a callback arms
	 * can't fire in this run, and what it cancels is found in the list. */
	take_due(w, until);
	while (w->due) {
		struct flow *f = flow_at(w, w->due);

		unlink_entry(w, &f->timer);
		w->n_armed--;
		n++;
		fire(ctx, f);
	}
	return n;
}

usec_t
timer_next(const struct timer_wheel *w)
{
	int64_t at = next_tick(w);

	if (at == INT64_MAX)
		return USEC_NEVER;
	return (usec_t){ at * TIMER_TICK_US };
}
