/*
 * Intervals by binary search: the last one that begins at or below a key is the
 * only one that can hold it.
 */
#include <stdlib.h>

#include "vnf/policy/span.h"

static int
span_order(const void *a, const void *b)
{
	const struct span *x = a, *y = b;

	return x->lo < y->lo ? -1 : x->lo > y->lo;
}

size_t
span_normalize(struct span *v, size_t n)
{
	size_t i, k = 0;

	if (n == 0)
		return 0;
	qsort(v, n, sizeof *v, span_order);
	for (i = 1; i < n; i++) {
		/* lo - 1 cannot wrap: lo is above v[k].hi, so above 0. */
		if (v[i].lo <= v[k].hi || v[i].lo - 1 == v[k].hi) {
			if (v[i].hi > v[k].hi)
				v[k].hi = v[i].hi;
		} else {
			v[++k] = v[i];
		}
	}
	return k + 1;
}

size_t
span_complement(const struct span *v, size_t n, u128 max, struct span *out)
{
	size_t i, k = 0;
	u128 lo = 0;

	for (i = 0; i < n; i++) {
		if (v[i].lo > lo)
			out[k++] = (struct span){ lo, v[i].lo - 1 };
		if (v[i].hi >= max)
			return k;
		lo = v[i].hi + 1;
	}
	out[k++] = (struct span){ lo, max };
	return k;
}

size_t
span_minus(const struct spans *a, const struct spans *b, struct span *out)
{
	size_t i, k = 0, n = 0;

	for (i = 0; i < a->n; i++) {
		u128 lo = a->v[i].lo;
		bool left = true;

		while (k < b->n && b->v[k].hi < lo)
			k++;
		for (; left && k < b->n && b->v[k].lo <= a->v[i].hi; k++) {
			if (b->v[k].lo > lo)
				out[n++] = (struct span){ lo, b->v[k].lo - 1 };
			left = b->v[k].hi < a->v[i].hi;
			if (!left)
				break;	/* it may reach into the next one */
			lo = b->v[k].hi + 1;
		}
		if (left)
			out[n++] = (struct span){ lo, a->v[i].hi };
	}
	return n;
}

size_t
span_both(const struct spans *a, const struct spans *b, struct span *out)
{
	size_t i = 0, k = 0, n = 0;

	while (i < a->n && k < b->n) {
		const u128 lo = a->v[i].lo > b->v[k].lo ? a->v[i].lo : b->v[k].lo;
		const u128 hi = a->v[i].hi < b->v[k].hi ? a->v[i].hi : b->v[k].hi;

		if (lo <= hi)
			out[n++] = (struct span){ lo, hi };
		if (a->v[i].hi < b->v[k].hi)
			i++;
		else
			k++;
	}
	return n;
}

/* The last span that begins at or below `k`, or NULL. */
static const struct span *
span_at(const struct spans *s, u128 k)
{
	size_t lo = 0, n = s->n;

	while (n > 0) {
		size_t half = n / 2;

		if (s->v[lo + half].lo <= k) {
			lo += half + 1;
			n -= half + 1;
		} else {
			n = half;
		}
	}
	return lo > 0 ? &s->v[lo - 1] : NULL;
}

bool
spans_cover(const struct spans *s, u128 lo, u128 hi)
{
	const struct span *at = span_at(s, lo);

	return at && at->hi >= hi;
}

bool
spans_hold(const struct spans *s, u128 k)
{
	return spans_cover(s, k, k);
}

bool
spans_touch(const struct spans *s, u128 lo, u128 hi)
{
	const struct span *at = span_at(s, hi);

	return at && at->hi >= lo;
}

bool
spans_least(const struct spans *s, u128 lo, u128 hi, u128 *k)
{
	const struct span *at = span_at(s, lo);

	if (at && at->hi >= lo) {
		*k = lo;
		return true;
	}
	at = at ? at + 1 : s->v;
	if (at == s->v + s->n || at->lo > hi)
		return false;
	*k = at->lo;
	return true;
}

bool
spans_include(const struct spans *a, const struct spans *b)
{
	size_t i;

	if (a == NULL || a == b)
		return true;
	if (b == NULL)
		return false;
	for (i = 0; i < b->n; i++)
		if (!spans_cover(a, b->v[i].lo, b->v[i].hi))
			return false;
	return true;
}

bool
spans_equal(const struct spans *a, const struct spans *b)
{
	size_t i;

	if (a == b)
		return true;
	if (a == NULL || b == NULL || a->n != b->n)
		return false;
	for (i = 0; i < a->n; i++)
		if (a->v[i].lo != b->v[i].lo || a->v[i].hi != b->v[i].hi)
			return false;
	return true;
}
