#include "tests/bench/lib/gauge.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "datapath/clock.h"
#include "datapath/eal.h"

enum {
	FRAME_ROOM = 256,	/* tags, IPv6, options and PLACES_PAYLOAD bytes */
	OTHER_MB = 16,		/* rings of ports and workers */
	PROGRESS_CALLS = 1024,
	PROGRESS_S = 3,
};

static void
touch(struct rte_mempool *mp, void *arg, void *obj, unsigned i)
{
	struct rte_mbuf *m = obj;

	(void)mp, (void)arg, (void)i;
	memset(m->buf_addr, 1, m->buf_len);
}

static struct pool_conf
conf_of(unsigned n_frames, unsigned n_headers)
{
	return (struct pool_conf){ .n_frames = n_frames,
				   .n_headers = n_headers,
				   .frame_room = FRAME_ROOM };
}

void
gauge_start(unsigned n_frames, unsigned n_headers)
{
	const struct pool_conf conf = conf_of(n_frames, n_headers);
	const struct eal_conf eal = { .name = "bench",
				      .mem_mb = pools_mem_mb(&conf) + OTHER_MB,
				      .no_huge = true };
	struct err err;

	if (eal_start(&eal, &err) != 0) {
		fprintf(stderr, "scale: %s\n", err.msg);
		exit(1);
	}
}

struct pools
gauge_pools(unsigned n_frames, unsigned n_headers)
{
	const struct pool_conf conf = conf_of(n_frames, n_headers);
	struct pools p;
	struct err err;

	if (pools_new(&p, &conf, &err) != 0) {
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
head(const struct gauge_row *r)
{
	printf("{\"bench\":\"scale\"");
	if (r->spread)
		printf(",\"spread\":\"%s\"", r->spread);
	printf(",\"what\":\"%s\"", r->what);
	if (r->mark)
		printf(",%s", r->mark);
	printf(",\"n\":%" PRIu64, r->n);
}

void
gauge_bytes(const struct gauge_row *r, uint64_t bytes)
{
	head(r);
	printf(",\"bytes\":%.0f}\n", (double)bytes / (double)r->n);
	fflush(stdout);
}

void
gauge_figure(const struct gauge_row *r, const char *figure, double value)
{
	head(r);
	printf(",\"%s\":%.*f}\n", figure, value < 100 ? 2 : 0, value);
	fflush(stdout);
}

void
gauge_cycles(const struct gauge_row *r, double cycles, double ratio)
{
	head(r);
	printf(",\"cycles\":%.0f,\"ratio_to_1000\":%.2f}\n", cycles, ratio);
	fflush(stdout);
}

/* --- progress --- */

static const char *stage_spread, *stage_what;

void
gauge_stage(const char *spread, const char *what)
{
	stage_spread = spread;
	stage_what = what;
}

void
gauge_progress(const char *doing, uint64_t done, uint64_t all)
{
	static double said;
	double now;

	if (done % PROGRESS_CALLS != 0)
		return;
	now = gauge_seconds();
	if (said == 0)
		said = now;
	if (now - said < PROGRESS_S)
		return;
	said = now;
	fprintf(stderr, "scale: %s%s%s: %s: %" PRIu64 " of %" PRIu64 "\n",
		stage_spread ? stage_spread : "", stage_spread ? " " : "", stage_what, doing, done,
		all);
}
