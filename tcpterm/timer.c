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

static void
unlink_entry(struct timer_wheel *w, struct timer *t)
{
	struct timer **first = &w->slot[0][0];

	*t->prevp = t->next;
	if (t->next)
		t->next->prevp = t->prevp;
	else if (t->prevp >= first && t->prevp < first + TIMER_LEVELS * TIMER_SLOTS && !*t->prevp) {
		unsigned i = (unsigned)(t->prevp - first);

		w->used[i / TIMER_SLOTS][(i & SLOT_MASK) / 64] &= ~(1ull << (i & 63));
	}
	t->next = NULL;
	t->prevp = NULL;
}

static void
push(struct timer **head, struct timer *t)
{
	t->next = *head;
	t->prevp = head;
	if (t->next)
		t->next->prevp = &t->next;
	*head = t;
}

static void
place(struct timer_wheel *w, struct timer *t)
{
	int64_t at = tick_ceil(t->deadline.v), distance;
	unsigned level = 0, i;

	if (at < w->tick)
		at = w->tick;
	distance = at - w->tick;
	if (distance >= TIMER_SPAN) {
		distance = TIMER_SPAN - 1;
		at = w->tick + distance;
	}
	while (distance >> (SLOT_BITS * (level + 1)))
		level++;
	at = at >> (SLOT_BITS * level);
	w->quiet_until = RTE_MIN(w->quiet_until, at << (SLOT_BITS * level));
	i = (unsigned)at & SLOT_MASK;
	push(&w->slot[level][i], t);
	w->used[level][i / 64] |= 1ull << (i & 63);
}

void
timer_wheel_init(struct timer_wheel *w, usec_t now)
{
	memset(w, 0, sizeof *w);
	w->tick = tick_floor(now.v);
	w->quiet_until = INT64_MAX;
}

void
timer_cancel(struct timer_wheel *w, struct timer *t)
{
	if (!timer_armed(t))
		return;
	unlink_entry(w, t);
	w->n_armed--;
}

void
timer_arm(struct timer_wheel *w, struct timer *t, usec_t deadline)
{
	timer_cancel(w, t);
	if (deadline.v == USEC_NEVER.v)
		return;
	t->deadline = deadline;
	place(w, t);
	w->n_armed++;
}

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

static struct timer *
take_slot(struct timer_wheel *w, unsigned level, unsigned i)
{
	struct timer *list = w->slot[level][i];

	w->slot[level][i] = NULL;
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
		struct timer *t, *next;

		if (w->tick & (((int64_t)1 << shift) - 1))
			continue;
		for (t = take_slot(w, level, (unsigned)(w->tick >> shift) & SLOT_MASK); t;
		     t = next) {
			next = t->next;
			place(w, t);
		}
	}
}

unsigned
timer_run(struct timer_wheel *w, usec_t now, void (*fire)(void *ctx, struct timer *t), void *ctx)
{
	struct timer *due = NULL, **tail = &due;
	int64_t until = tick_floor(now.v), at;
	unsigned n = 0;

	if (until < w->tick)
		return 0;
	if (until < w->quiet_until) {	/* most turns */
		w->tick = until + 1;
		return 0;
	}
	/* First all that is due is taken out and the wheel set past `now`: what a callback arms
	 * can't fire in this run, and what it cancels is found in the list. */
	while ((at = next_tick(w)) <= until) {
		struct timer *t;

		w->tick = at;
		cascade(w);
		t = take_slot(w, 0, (unsigned)at & SLOT_MASK);
		if (t) {
			*tail = t;
			t->prevp = tail;
			while (t->next)
				t = t->next;
			tail = &t->next;
		}
		w->tick = at + 1;
	}
	w->tick = until + 1;
	w->quiet_until = at;
	while (due) {
		struct timer *t = due;

		unlink_entry(w, t);
		w->n_armed--;
		n++;
		fire(ctx, t);
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
