/*
 * timer.h - a hierarchical timer wheel; one entry a flow, told events.
 *
 * Ticks of 64 us, for pacing: an entry fires at the first tick not before its deadline, never
 * early.  A deadline more than 19 hours ahead is rounded up to 65 ms, one more than two years ahead
 * down to that.  Four levels span three days; what is further waits in the last slot and is looked
 * at again from there.
 * Arm, cancel: O(1).  Single-threaded; entries are in their flows, and know each other by ref.
 */
#ifndef TCPTERM_TIMER_H
#define TCPTERM_TIMER_H

#include <tcpterm/flow.h>

#include "tcpterm/slab.h"

enum { TIMER_TICK_US = 64, TIMER_LEVELS = 4, TIMER_SLOTS = 256 };

struct timer_wheel {
	const struct slab *slabs;	/* of the flows, by ref */
	int64_t tick;		/* the next tick to be run */
	int64_t quiet_until;	/* no slot is to be looked at before this tick */
	uint32_t n_armed;
	uint32_t due;			/* taken out, to be fired */
	uint32_t slot[TIMER_LEVELS][TIMER_SLOTS];
	uint64_t used[TIMER_LEVELS][TIMER_SLOTS / 64];	/* bit: the slot holds something */
};

/* `slabs`: as table.h says. */
void timer_wheel_init(struct timer_wheel *w, const struct slab *slabs, usec_t now);

/* Arms, or moves. Deadlines in the past fire at the next timer_run(); USEC_NEVER cancels. */
void timer_arm(struct timer_wheel *w, struct flow *f, usec_t deadline);
void timer_cancel(struct timer_wheel *w, struct flow *f);

static inline bool
timer_armed(const struct flow *f)
{
	return f->timer.prev != 0;
}

/* Of an armed one: what it was armed for, rounded up as said; or the time of its arming, if that
 * was later. */
usec_t timer_deadline(const struct timer_wheel *w, const struct flow *f);

/* Does an armed one fire as soon as it would if it was armed for `due` (us)? */
static inline bool
timer_is_by(const struct timer_wheel *w, const struct flow *f, int64_t due)
{
	return timer_deadline(w, f).v < due + TIMER_TICK_US;
}

/*
 * Calls fire(ctx, f) for every entry due at `now`, not armed any more when called; it may arm
 * and cancel any entry, its own too; what it arms for `now` or before fires at the next
 * timer_run().  The cost is that of the entries met, not of the time passed.  Returns how many
 * fired.
 */
unsigned timer_run(struct timer_wheel *w, usec_t now, void (*fire)(void *ctx, struct flow *f),
		   void *ctx);

/* The time at which timer_run() next fires something: exact to the tick for the
 * lowest level, else the time at which a higher slot is to be looked at. USEC_NEVER if empty. */
usec_t timer_next(const struct timer_wheel *w);

#endif
