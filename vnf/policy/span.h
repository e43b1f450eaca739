/*
 * span.h - sets of numbers as sorted, disjoint, inclusive intervals (private to vnf/policy).
 *
 * One form serves addresses (128 bits, IPv4 mapped), TCP ports, domains and
 * VIDs.  Values in the arena or the heap of whoever makes them; immutable once made.
 */
#ifndef LEAT_VNF_POLICY_SPAN_H
#define LEAT_VNF_POLICY_SPAN_H

#include <endian.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "datapath/addr.h"

typedef unsigned __int128 u128;

struct span {
	u128 lo, hi;
};

struct spans {
	size_t n;
	struct span v[];
};

/* ::ffff:0:0/96, where IPv4 lives. */
#define SPAN_V4_LO ((u128)0xffff << 32)
#define SPAN_V4_HI (SPAN_V4_LO | 0xffffffff)

static inline u128
span_key(const struct ip_addr *a)
{
	return (u128)be64toh(a->q[0]) << 64 | be64toh(a->q[1]);
}

/* Sorts v[0..n) and joins what touches, in place; returns how many remain. */
size_t span_normalize(struct span *v, size_t n);

/*
 * Writes to `out` (room for n + 1) what of [0, max] the normalized v[0..n) leaves;
 * returns how many spans that is.
 */
size_t span_complement(const struct span *v, size_t n, u128 max, struct span *out);

/*
 * What of `a` is not in `b`, and what is in both; `out` has room for a->n + b->n.  Each returns
 * how many spans that is.
 */
size_t span_minus(const struct spans *a, const struct spans *b, struct span *out);
size_t span_both(const struct spans *a, const struct spans *b, struct span *out);

/* Is `k` in `s`? */
bool spans_hold(const struct spans *s, u128 k);

/* Does `s` hold all of lo..hi, or any of it? */
bool spans_cover(const struct spans *s, u128 lo, u128 hi);
bool spans_touch(const struct spans *s, u128 lo, u128 hi);

/* The least of `s` in lo..hi, in *k; false if there is none. */
bool spans_least(const struct spans *s, u128 lo, u128 hi, u128 *k);

/* Does `a` hold all of `b`?  NULL is everything. */
bool spans_include(const struct spans *a, const struct spans *b);

bool spans_equal(const struct spans *a, const struct spans *b);

#endif
