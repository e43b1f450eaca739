/*
 * ranges.h - a set of half-open ranges of 64-bit offsets, sorted, disjoint, never touching.
 *
 * Owned by whoever embeds it (zeroed is empty); ranges_fini frees.  Single thread.
 */
#ifndef LEAT_SIM_RANGES_H
#define LEAT_SIM_RANGES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct range {
	uint64_t from, to;
};

struct ranges {
	struct range *r;
	size_t n, room;
};

void ranges_fini(struct ranges *s);
void ranges_clear(struct ranges *s);
void ranges_add(struct ranges *s, uint64_t from, uint64_t to);

/* Removes the first range, if there is one. */
void ranges_drop_first(struct ranges *s);

/* Is every offset of from..to-1 in the set?  True for an empty range. */
bool ranges_cover(const struct ranges *s, uint64_t from, uint64_t to);

/* Is any offset of from..to-1 in the set? */
bool ranges_touch(const struct ranges *s, uint64_t from, uint64_t to);

/* The first offset at or after `from` that is not in the set. */
uint64_t ranges_end(const struct ranges *s, uint64_t from);

/* The first offset of from..to-1 that is in the set, or `to`. */
uint64_t ranges_next(const struct ranges *s, uint64_t from, uint64_t to);

#endif
