/*
 * The first decision in a few hundred nanoseconds, however many rules there are.
 *
 * Each dimension (source, destination, their ports, domain, outer VLAN) is cut
 * into pieces at every border of every rule's intervals; in a piece the same rules hold, and
 * equal sets of rules share one row of bits.  A decision is one binary search a
 * dimension and the AND of the rows: the lowest bit is the first rule
 * (the bit vectors of Lakshman and Stiliadis, SIGCOMM 1998).
 *
 * Building sweeps the borders in order.  Rules with the same intervals (a shared set)
 * make a group, which is switched on and off as a whole.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "vnf/policy/ast.h"

enum { WORD_BITS = 64 };

/* The rules (members[from .. from + n)) that share one set of intervals. */
struct group {
	const struct spans *spans;
	uint32_t from, n;
	uint64_t *mask;			/* the same as a row, where it is quicker; else NULL */
	uint64_t hash;			/* XOR of its rules' */
};

struct border {
	u128 at;
	uint32_t group;
};

struct slot {
	uint64_t hash;
	uint32_t row1;			/* row + 1; 0: free */
};

/* One dimension while it is built. */
struct sweep {
	enum dim_id d;
	size_t n_words, n_borders, n_slots, rows_room;
	struct group *groups;
	uint32_t n_groups;
	uint32_t *members;
	struct border *borders;
	uint64_t *now;			/* the rules that hold at the border reached */
	uint64_t now_hash;
	struct slot *slots;
};

/* splitmix64 (Steele, Lea, Flood 2014): a rule's share in the hash of a row. */
static uint64_t
rule_hash(uint32_t i)
{
	uint64_t z = (i + 1) * 0x9e3779b97f4a7c15u;

	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
	z = (z ^ z >> 27) * 0x94d049bb133111ebu;
	return z ^ z >> 31;
}

struct keyed {
	const struct spans *spans;
	uint32_t rule;
};

static int
keyed_order(const void *a, const void *b)
{
	const struct keyed *x = a, *y = b;

	if (x->spans != y->spans)
		return (uintptr_t)x->spans < (uintptr_t)y->spans ? -1 : 1;
	return x->rule < y->rule ? -1 : 1;
}

/* Rules with no condition in this dimension hold everywhere: they start out on. */
static int
groups_make(struct sweep *w, const struct policy *p)
{
	struct keyed *k = calloc(p->n_rules + 1, sizeof *k);
	uint32_t i, n = 0;

	if (k == NULL)
		return -ENOMEM;
	for (i = 0; i < p->n_rules; i++) {
		if (p->rule[i]->dim[w->d]) {
			k[n++] = (struct keyed){ p->rule[i]->dim[w->d], i };
			continue;
		}
		w->now[i / WORD_BITS] |= 1ull << i % WORD_BITS;
		w->now_hash ^= rule_hash(i);
	}
	qsort(k, n, sizeof *k, keyed_order);
	for (i = 0; i < n; i++) {
		struct group *g;

		if (i == 0 || k[i].spans != k[i - 1].spans) {
			g = &w->groups[w->n_groups++];
			*g = (struct group){ .spans = k[i].spans, .from = i };
			w->n_borders += 2 * k[i].spans->n;
		}
		g = &w->groups[w->n_groups - 1];
		g->n++;
		g->hash ^= rule_hash(k[i].rule);
		w->members[i] = k[i].rule;
	}
	free(k);
	return 0;
}

/* A group of more rules than a row has words is switched word by word. */
static int
masks_make(struct sweep *w)
{
	struct group *g;
	uint32_t i;

	for (g = w->groups; g < w->groups + w->n_groups; g++) {
		if (g->n <= w->n_words)
			continue;
		g->mask = calloc(w->n_words, sizeof *g->mask);
		if (g->mask == NULL)
			return -ENOMEM;
		for (i = g->from; i < g->from + g->n; i++)
			g->mask[w->members[i] / WORD_BITS] |= 1ull << w->members[i] % WORD_BITS;
	}
	return 0;
}

static int
border_order(const void *a, const void *b)
{
	const struct border *x = a, *y = b;

	return x->at < y->at ? -1 : x->at > y->at;
}

static int
borders_make(struct sweep *w)
{
	size_t n = 0, i;
	uint32_t g;

	w->borders = malloc((w->n_borders + 1) * sizeof *w->borders);
	if (w->borders == NULL)
		return -ENOMEM;
	for (g = 0; g < w->n_groups; g++) {
		const struct spans *s = w->groups[g].spans;

		for (i = 0; i < s->n; i++) {
			w->borders[n++] = (struct border){ s->v[i].lo, g };
			if (s->v[i].hi != ~(u128)0)
				w->borders[n++] = (struct border){ s->v[i].hi + 1, g };
		}
	}
	w->n_borders = n;
	qsort(w->borders, n, sizeof *w->borders, border_order);
	return 0;
}

/* The row that equals w->now, made if there is none. */
static int
row_find(struct sweep *w, struct dim *dim, uint32_t *row)
{
	const size_t bytes = w->n_words * sizeof *w->now;
	size_t at = w->now_hash & (w->n_slots - 1);
	uint64_t *bits;

	for (; w->slots[at].row1; at = (at + 1) & (w->n_slots - 1)) {
		*row = w->slots[at].row1 - 1;
		if (w->slots[at].hash == w->now_hash &&
		    memcmp(&dim->bits[*row * w->n_words], w->now, bytes) == 0)
			return 0;
	}
	if (dim->n_rows == w->rows_room) {
		w->rows_room = w->rows_room ? 2 * w->rows_room : 16;
		bits = realloc(dim->bits, w->rows_room * bytes);
		if (bits == NULL)
			return -ENOMEM;
		dim->bits = bits;
	}
	*row = (uint32_t)dim->n_rows++;
	memcpy(&dim->bits[*row * w->n_words], w->now, bytes);
	w->slots[at].hash = w->now_hash;
	w->slots[at].row1 = *row + 1;
	return 0;
}

/* Every border switches its group: on where an interval begins, off behind its end. */
static void
group_switch(struct sweep *w, uint32_t group)
{
	const struct group *g = &w->groups[group];
	uint32_t i;

	w->now_hash ^= g->hash;
	for (i = 0; g->mask && i < w->n_words; i++)
		w->now[i] ^= g->mask[i];
	if (g->mask)
		return;
	for (i = g->from; i < g->from + g->n; i++)
		w->now[w->members[i] / WORD_BITS] ^= 1ull << w->members[i] % WORD_BITS;
}

static int
sweep_run(struct sweep *w, struct dim *dim)
{
	size_t i = 0;
	int rc;

	dim->start = malloc((w->n_borders + 1) * sizeof *dim->start);
	dim->row = malloc((w->n_borders + 1) * sizeof *dim->row);
	for (w->n_slots = 16; w->n_slots < 2 * (w->n_borders + 1); w->n_slots *= 2)
		;
	w->slots = calloc(w->n_slots, sizeof *w->slots);
	if (dim->start == NULL || dim->row == NULL || w->slots == NULL)
		return -ENOMEM;
	dim->start[dim->n++] = 0;
	for (;;) {
		for (; i < w->n_borders && w->borders[i].at == dim->start[dim->n - 1]; i++)
			group_switch(w, w->borders[i].group);
		if ((rc = row_find(w, dim, &dim->row[dim->n - 1])) != 0)
			return rc;
		if (i == w->n_borders)
			return 0;
		dim->start[dim->n++] = w->borders[i].at;
	}
}

static int
dim_build(struct policy *p, enum dim_id d)
{
	struct sweep w = { .d = d, .n_words = p->n_words };
	int rc = -ENOMEM;
	uint32_t g;

	w.groups = calloc(p->n_rules + 1, sizeof *w.groups);
	w.members = calloc(p->n_rules + 1, sizeof *w.members);
	w.now = calloc(p->n_words, sizeof *w.now);
	if (w.groups && w.members && w.now && groups_make(&w, p) == 0) {
		rc = 0;
		if (w.n_groups > 0 && (rc = masks_make(&w)) == 0 && (rc = borders_make(&w)) == 0)
			rc = sweep_run(&w, &p->dim[d]);
	}
	for (g = 0; g < w.n_groups; g++)
		free(w.groups[g].mask);
	free(w.groups);
	free(w.members);
	free(w.borders);
	free(w.now);
	free(w.slots);
	return rc;
}

int
index_build(struct policy *p)
{
	unsigned d;
	int rc = 0;

	p->n_words = (p->n_rules + WORD_BITS - 1) / WORD_BITS;
	for (d = 0; d < DIM_N && rc == 0 && p->n_rules > 0; d++)
		rc = dim_build(p, d);
	return rc;
}

void
index_fini(struct policy *p)
{
	unsigned d;

	for (d = 0; d < DIM_N; d++) {
		free(p->dim[d].start);
		free(p->dim[d].row);
		free(p->dim[d].bits);
	}
}

/* The piece that holds `key`: the last that begins at or below it. */
static size_t
dim_piece(const struct dim *dim, u128 key)
{
	const u128 *at = dim->start;
	size_t n = dim->n;

	while (n > 1) {
		const size_t half = n / 2;

		at += at[half] <= key ? half : 0;
		n -= half;
	}
	return (size_t)(at - dim->start);
}

void
index_rows(const struct policy *p, const u128 key[DIM_N], struct index_rows *rows)
{
	unsigned d;

	for (d = 0; d < DIM_N; d++) {
		const struct dim *dim = &p->dim[d];

		rows->row[d] = NULL;
		if (dim->n > 0)
			rows->row[d] = &dim->bits[dim->row[dim_piece(dim, key[d])] * p->n_words];
	}
}

uint32_t
index_next(const struct policy *p, const struct index_rows *rows, uint32_t from, uint32_t limit)
{
	uint64_t bits, mask = ~0ull << from % WORD_BITS;
	size_t k;
	unsigned d;

	for (k = from / WORD_BITS; k < p->n_words && k * WORD_BITS < limit; k++) {
		bits = mask;
		mask = ~0ull;
		for (d = 0; d < DIM_N && bits; d++)
			if (rows->row[d])
				bits &= rows->row[d][k];
		if (bits) {
			from = (uint32_t)(k * WORD_BITS) + (uint32_t)__builtin_ctzll(bits);
			return from < limit ? from : limit;
		}
	}
	return limit;
}

bool
index_holds(const struct index_rows *rows, enum dim_id d, uint32_t i)
{
	const uint64_t *row = rows->row[d];

	return row == NULL || (row[i / WORD_BITS] >> i % WORD_BITS & 1);
}
