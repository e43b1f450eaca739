#include "tests/bench/lib/gauge.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "datapath/clock.h"
#include "datapath/eal.h"

static void
touch(struct rte_mempool *mp, void *arg, void *obj, unsigned i)
{
	struct rte_mbuf *m = obj;

	(void)mp, (void)arg, (void)i;
	memset(m->buf_addr, 1, m->buf_len);
}

struct pools
gauge_pools(unsigned n_frames, unsigned n_headers)
{
	const struct pool_conf conf = { .n_frames = n_frames, .n_headers = n_headers };
	const struct eal_conf eal = { .name = "bench",
				      .mem_mb = pools_mem_mb(&conf),
				      .no_huge = true };
	struct pools p;
	struct err err;

	if (eal_start(&eal, &err) != 0 || pools_new(&p, &conf, &err) != 0) {
		fprintf(stderr, "scale: %s\n", err.msg);
		exit(1);
	}
	rte_mempool_obj_iter(p.frames, touch, NULL);
	rte_mempool_obj_iter(p.headers, touch, NULL);
	return p;
}

uint64_t
gauge_resident(void)
{
	FILE *f = fopen("/proc/self/statm", "r");
	uint64_t size, resident = 0;

	if (f) {
		if (fscanf(f, "%" SCNu64 " %" SCNu64, &size, &resident) != 2)
			resident = 0;
		fclose(f);
	}
	return resident * (uint64_t)sysconf(_SC_PAGESIZE);
}

double
gauge_seconds(void)
{
	return (double)clock_now().v / 1e6;
}

static void
head(const char *spread, const char *what, uint64_t n)
{
	printf("{\"bench\":\"scale\"");
	if (spread)
		printf(",\"spread\":\"%s\"", spread);
	printf(",\"what\":\"%s\",\"n\":%" PRIu64, what, n);
}

void
gauge_bytes(const char *spread, const char *what, uint64_t n, uint64_t bytes)
{
	head(spread, what, n);
	printf(",\"bytes\":%.0f}\n", (double)bytes / (double)n);
	fflush(stdout);
}

void
gauge_figure(const char *spread, const char *what, uint64_t n, const char *figure, double value)
{
	head(spread, what, n);
	printf(",\"%s\":%.*f}\n", figure, value < 100 ? 2 : 0, value);
	fflush(stdout);
}
