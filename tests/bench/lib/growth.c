#include "tests/bench/lib/growth.h"

#include <stdio.h>
#include <stdlib.h>

#include <rte_cycles.h>

#include "tcpterm/table.h"
#include "tests/bench/lib/gauge.h"

enum { TABLES = 4 };

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
	f->key.addr[0] = ip_addr_v4(client);
	f->key.addr[1] = ip_addr_v4(server);
	f->key.port[0] = 40000;
	f->key.port[1] = 443;
	f->hash = flow_hash(&f->key.addr[0], &f->key.addr[1], f->key.port[0], f->key.port[1], 0,
			    NULL, 0);
	f->ref = ref_make(TCPTERM_KIND_TRACK, index);
	return f;
}

/* Lowers least[i] to what insertion i took; false: one failed. */
static bool
fill(struct slab *slabs, uint32_t n, uint32_t *least)
{
	struct slab *slab = &slabs[TCPTERM_KIND_TRACK];
	struct table *t = table_new(slabs, n);
	bool good = t;

	for (uint32_t i = 0; i < n && good; i++) {
		const struct flow *f = flow_new(slab, i);
		uint64_t from = rte_rdtsc_precise();

		good = f && table_insert(t, f) == 0;
		from = rte_rdtsc_precise() - from;
		least[i] = (uint32_t)RTE_MIN((uint64_t)least[i], from);
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
		struct slab slabs[TCPTERM_N_KINDS] = { { 0 } };

		good = slab_init(&slabs[TCPTERM_KIND_TRACK], sizeof(struct flow), n) == 0 &&
		       fill(slabs, n, least);
		slab_fini(&slabs[TCPTERM_KIND_TRACK]);
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
