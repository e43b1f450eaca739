/*
 * db.c - how many ended and live flows a second the store takes on one core, at what cost.
 *
 *	obj/tests/bench/db [ROWS [ROWS_A_BATCH]]
 *
 * Clients and servers are drawn from 65,536 addresses each, so that an index of
 * theirs would grow at random places as in service.  The file is in the folder it
 * is run in, and removed.  rows_per_second counts the time on the wall,
 * cpu_us_per_row that of the processor.
 */
#include "db/store.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

static const char path[] = "bench-leat.db";

static double
seconds(clockid_t clock)
{
	struct timespec t;

	clock_gettime(clock, &t);
	return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

static void
remove_files(void)
{
	static const char *const suffix[] = { "", "-wal", "-shm", ".lock" };
	char name[64];
	size_t i;

	for (i = 0; i < sizeof suffix / sizeof suffix[0]; i++) {
		snprintf(name, sizeof name, "%s%s", path, suffix[i]);
		unlink(name);
	}
}

static void
make_flow(struct flow_record *r, uint64_t n)
{
	uint64_t x = (n + 1) * 0x9e3779b97f4a7c15u;
	int i;

	memset(r, 0, sizeof *r);
	r->ended = 1700000000000000 + (int64_t)n * 10;
	r->started = r->ended - (int64_t)(x >> 40);
	r->generation = 1;
	snprintf(r->flow_id, sizeof r->flow_id, "0:%" PRIu64 ":%" PRIu64, n & 0xfffff, n >> 20);
	r->family = 4;
	r->n_vlans = 1;
	r->vlan[0] = 100;
	for (i = 0; i < 2; i++) {
		r->end[i].addr[0] = i ? 10 : 192;
		r->end[i].addr[2] = (uint8_t)(x >> (16 * i));
		r->end[i].addr[3] = (uint8_t)(x >> (16 * i + 8));
		r->end[i].port = (uint16_t)(i ? 443 : 1024 + (x >> 48) % 60000);
		memcpy(r->end[i].mac, "\x02\x00\x00\x12\x34\x56", 6);
		r->direction[i].packets = x & 0xfff;
		r->direction[i].bytes = x & 0xffffff;
		r->leg[i].srtt = 12345;
		r->leg[i].min_rtt = 9876;
	}
	strcpy(r->mode, "proxy");
	strcpy(r->rule, "web");
	strcpy(r->start, "syn");
	strcpy(r->reason, "fin");
}

static int
add_ended(struct store *s, uint64_t n, struct err *e)
{
	struct flow_record r;

	make_flow(&r, n);
	return store_flow_ended(s, &r, e);
}

static int
add_live(struct store *s, uint64_t n, struct err *e)
{
	struct live_record r = { .state = { "ESTABLISHED", "ESTABLISHED" } };

	make_flow(&r.flow, n);
	return store_checkpoint_add(s, &r, e);
}

static int
write_batch(struct store *s, int (*add)(struct store *, uint64_t, struct err *), uint64_t from,
	    uint64_t n, struct err *e)
{
	uint64_t i;
	int code = store_begin(s, e);

	if (code == 0 && from == 0 && add == add_live)
		code = store_checkpoint_begin(s, e);
	for (i = 0; i < n && code == 0; i++)
		code = add(s, from + i, e);
	return code < 0 ? code : store_commit(s, e);
}

/* Writes `n` records and prints the line about it. */
static int
measure(struct store *s, const char *what, int (*add)(struct store *, uint64_t, struct err *),
	uint64_t n, uint64_t batch, struct err *e)
{
	double wall, cpu, longest = 0, before;
	struct store_status st = { 0 };
	uint64_t i;
	int code = 0;

	wall = seconds(CLOCK_MONOTONIC);
	cpu = seconds(CLOCK_PROCESS_CPUTIME_ID);
	for (i = 0; i < n && code == 0; i += batch) {
		before = seconds(CLOCK_MONOTONIC);
		code = write_batch(s, add, i, n - i < batch ? n - i : batch, e);
		before = seconds(CLOCK_MONOTONIC) - before;
		longest = before > longest ? before : longest;
	}
	wall = seconds(CLOCK_MONOTONIC) - wall;
	cpu = seconds(CLOCK_PROCESS_CPUTIME_ID) - cpu;
	if (code == 0)
		code = store_status(s, &st, e);
	if (code < 0)
		return code;
	printf("{\"bench\":\"db\",\"what\":\"%s\",\"n\":%" PRIu64 ",\"batch\":%" PRIu64
	       ",\"rows_per_second\":%.0f,\"cpu_us_per_row\":%.2f,\"longest_batch_ms\":%.1f"
	       ",\"file_bytes\":%" PRIu64 ",\"wal_bytes\":%" PRIu64 "}\n",
	       what, n, batch, (double)n / wall, cpu * 1e6 / (double)n, longest * 1e3, st.file_size,
	       st.wal_size);
	return 0;
}

int
main(int argc, char **argv)
{
	uint64_t n = argc > 1 ? strtoull(argv[1], NULL, 0) : 500000;
	uint64_t batch = argc > 2 ? strtoull(argv[2], NULL, 0) : 8192;
	struct store_config c = { .path = path };
	struct store *s = NULL;
	struct err e = { "" };
	int code;

	remove_files();
	code = store_open(&s, &c, &e);
	if (code == 0)
		code = measure(s, "flow_rows", add_ended, n, batch, &e);
	if (code == 0)
		code = measure(s, "live_rows", add_live, n, batch, &e);
	if (code < 0)
		fprintf(stderr, "%s\n", e.msg);
	store_close(s, NULL);
	remove_files();
	return code < 0;
}
