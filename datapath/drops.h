/*
 * drops.h - one counter for every reason in drops.def.
 *
 * A struct drops has one writer (a worker, or the test that owns the stack);
 * any thread may read it.
 */
#ifndef LEAT_DATAPATH_DROPS_H
#define LEAT_DATAPATH_DROPS_H

#include <stdint.h>

enum drop {
	DROP_NONE,
#define REFUSAL(name, text) DROP_##name,
#define DROP(name, text) DROP_##name,
#include "datapath/drops.def"
	DROP_N
};

struct drops {
	uint64_t n[DROP_N];
};

static inline void
drops_count(struct drops *d, enum drop reason)
{
	d->n[reason]++;
}

/* The reason's name, and its one-line text.  Static storage. */
const char *drop_name(enum drop reason);
const char *drop_text(enum drop reason);

#endif
