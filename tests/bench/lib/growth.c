#include "tests/bench/lib/growth.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <rte_cycles.h>

#include "tcpterm/table.h"
#include "tests/bench/lib/gauge.h"

enum { COMMIT = 4096, TABLES = 4, SLAB = 2 * TCPTERM_KIND_TRACK };

/* Flow `i`, as a stack would have it. */
static struct flow *
flow_new(struct slab *slab, uint32_t i)
{
	const uint8_t server[4] = { 192, 0, 2, 1 };
	const uint8_t client[4] = { 10, (uint8_t)(i >> 16), (uint8_t)(i >> 8), (uint8_t)i };
	uint32_t index;
	struct flow *f = slab_alloc(slab, &index);

	if (!f)
		return NULL;
	memcpy(&f->key.v4[0], client, sizeof client);
	memcpy(&f->key.v4[1], server, sizeof server);
	f->key.port[0] = 40000;
	f->key.port[1] = 443;
	f->ref = ref_make(SLAB, index);
	return f;
}

static uint32_t
hash_of(const void *ctx, const struct flow *f)
{
	const struct flow_key k = flow_key_of(f);

	(void)ctx;
	return flow_hash(&k.addr[0], &k.addr[1], k.port[0], k.port[1], 0, NULL, 0);
}

/* Lowers least[i] to what insertion i took; false: one failed. */
static bool
fill(struct slab *slabs, uint32_t n, uint32_t *least)
{
	struct slab *slab = &slabs[SLAB];
	struct table *t = table_new(slabs, n, hash_of, NULL);
	bool good = t;

	for (uint32_t i = 0; i < n && good; i++) {
		const struct flow *f = flow_new(slab, i);
		uint64_t from = rte_rdtsc_precise();

		good = f && table_insert(t, f, hash_of(NULL, f)) == 0;
		from = rte_rdtsc_precise() - from;
		least[i] = (uint32_t)RTE_MIN((uint64_t)least[i], from);
		if (i % COMMIT == 0)	/* as another thread does, now and then */
			table_commit(t);
		gauge_progress("insert", i, n);
	}
	good = good && table_count(t) == n;
	table_free(t);
	return good;
}

bool
growth_run(uint32_t n)
{
	const struct gauge_row row = { .what = "connection", .n = n };
	uint32_t *least = malloc(n * sizeof *least), longest = 0;
	bool good = least;

	gauge_stage(NULL, "insertion");
	for (uint32_t i = 0; i < n && good; i++)
		least[i] = UINT32_MAX;
	for (unsigned k = 0; k < TABLES && good; k++) {
		struct slab slabs[N_FLOW_SLABS] = { { 0 } };

		good = slab_init(&slabs[SLAB], sizeof(struct flow), n) == 0 &&
		       fill(slabs, n, least);
		slab_fini(&slabs[SLAB]);
	}
	for (uint32_t i = 0; i < n && good; i++)
		longest = RTE_MAX(longest, least[i]);
	free(least);
	if (!good) {
		fprintf(stderr, "scale: a table does not hold %u flows\n", n);
		return false;
	}
	gauge_figure(&row, "longest_insertion_cycles", longest);
	gauge_figure(&row, "longest_insertion_us", longest * 1e6 / (double)rte_get_tsc_hz());
	return true;
}
