#include "tests/sim/lib/ranges.h"

#include <stdlib.h>
#include <string.h>

void
ranges_fini(struct ranges *s)
{
	free(s->r);
	memset(s, 0, sizeof *s);
}

void
ranges_clear(struct ranges *s)
{
	s->n = 0;
}

/* Index of the first range that ends at or after `at`. */
static size_t
find(const struct ranges *s, uint64_t at)
{
	size_t lo = 0, hi = s->n, mid;

	while (lo < hi) {
		mid = (lo + hi) / 2;
		if (s->r[mid].to < at)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo;
}

void
ranges_add(struct ranges *s, uint64_t from, uint64_t to)
{
	size_t i = find(s, from), j;

	if (from >= to)
		return;
	for (j = i; j < s->n && s->r[j].from <= to; j++) {
		if (s->r[j].from < from)
			from = s->r[j].from;
		if (s->r[j].to > to)
			to = s->r[j].to;
	}
	if (i == j) {
		if (s->n == s->room) {
			s->room = s->room ? s->room * 2 : 8;
			s->r = realloc(s->r, s->room * sizeof *s->r);
			if (!s->r)
				abort();
		}
		memmove(s->r + i + 1, s->r + i, (s->n - i) * sizeof *s->r);
		s->n++;
	} else {
		memmove(s->r + i + 1, s->r + j, (s->n - j) * sizeof *s->r);
		s->n -= j - i - 1;
	}
	s->r[i] = (struct range){ from, to };
}

void
ranges_drop_first(struct ranges *s)
{
	if (s->n)
		memmove(s->r, s->r + 1, --s->n * sizeof *s->r);
}

uint64_t
ranges_end(const struct ranges *s, uint64_t from)
{
	size_t i = find(s, from + 1);

	return i < s->n && s->r[i].from <= from ? s->r[i].to : from;
}

uint64_t
ranges_next(const struct ranges *s, uint64_t from, uint64_t to)
{
	size_t i = find(s, from + 1);

	if (i == s->n || s->r[i].from >= to)
		return to;
	return s->r[i].from > from ? s->r[i].from : from;
}

bool
ranges_cover(const struct ranges *s, uint64_t from, uint64_t to)
{
	return from >= to || ranges_end(s, from) >= to;
}

bool
ranges_touch(const struct ranges *s, uint64_t from, uint64_t to)
{
	size_t i = find(s, from + 1);

	return from < to && i < s->n && s->r[i].from < to;
}
