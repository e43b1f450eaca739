/*
 * drain.c - see drain.h.
 */
#include "vnf/drain.h"

static void
set_phase(struct drain *d, enum drain_phase phase)
{
	atomic_store_explicit(&d->phase, phase, memory_order_relaxed);
}

/* A worker may be in a turn that read the phase before. */
enum { SETTLE_US = 100 * 1000 };

void
drain_begin(struct drain *d, int64_t limit_us, usec_t now)
{
	d->began = now;
	d->until = limit_us ? usec_add(now, limit_us) : USEC_NEVER;
	set_phase(d, DRAIN_ON);
}

void
drain_end(struct drain *d)
{
	set_phase(d, DRAIN_OFF);
}

bool
drain_run(struct drain *d, uint64_t n_flows, usec_t now)
{
	bool over = n_flows == 0 ? usec_diff(now, d->began) >= SETTLE_US
				 : !usec_before(now, d->until);

	if (drain_phase(d) != DRAIN_ON || !over)
		return false;
	set_phase(d, DRAIN_DONE);
	return true;
}

const char *
drain_phase_name(enum drain_phase p)
{
	static const char *const names[] = {
		[DRAIN_OFF] = "no",
		[DRAIN_ON] = "draining",
		[DRAIN_DONE] = "drained",
	};

	return names[p];
}
