/*
 * db.c - how many ended and live flows a second the store takes on one core, at what cost; and what
 * becomes of 100,000 a second from a worker's ring to the file.
 *
 *	obj/tests/bench/db [ROWS [ROWS_A_BATCH]]
 *
 * Clients and servers are drawn from 65,536 addresses each, so that an index of
 * theirs would grow at random places as in service.  The file is in the folder it
 * is run in, and removed.  rows_per_second counts the time on the wall,
 * cpu_us_per_row that of the processor.
 */
#include "vnf/recorder.h"

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
		if (code == 0)
			code = store_sweep(s, e);
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

/* --- the journal: rings, thread, store --- */

enum { RING = 32768, RATE = 100000, SECONDS = 5 };

/* As many as can be, the ring never full; or RATE a second, whatever becomes of them. */
static void
put_all(struct journal *j, uint64_t n, bool paced)
{
	double begun = seconds(CLOCK_MONOTONIC);
	struct journal_status js;
	struct flow_record r;
	uint64_t i;

	for (i = 0; i < n; i++) {
		make_flow(&r, i);
		journal_put(j, 0, &r, false);
		if (i % 64 > 0)
			continue;
		if (paced) {
			while ((seconds(CLOCK_MONOTONIC) - begun) * RATE < (double)i)
				usleep(200);
			continue;
		}
		for (journal_status(j, &js); js.waiting > RING - 256; journal_status(j, &js))
			usleep(200);
	}
}

static bool
is_waiting(const struct journal *j, struct journal_status *js)
{
	journal_status(j, js);
	return js->waiting > 0;
}

/* The clocks of the recorder's thread: the process's less this thread's. */
static double
its_cpu(void)
{
	return seconds(CLOCK_PROCESS_CPUTIME_ID) - seconds(CLOCK_THREAD_CPUTIME_ID);
}

static int
measure_journal(struct store *s, const char *what, uint64_t n, bool paced, struct err *e)
{
	struct recorder_conf c = { .store = s, .journal = journal_new(s, 1, RING, e) };
	struct recorder *r = c.journal ? recorder_new(&c, e) : NULL;
	double wall = seconds(CLOCK_MONOTONIC), cpu = its_cpu();
	struct recorder_status rs;
	struct journal_status js;

	if (!r) {
		journal_free(c.journal);
		return -1;
	}
	put_all(c.journal, n, paced);
	while (is_waiting(c.journal, &js))
		usleep(1000);
	wall = seconds(CLOCK_MONOTONIC) - wall;
	cpu = its_cpu() - cpu;
	recorder_status(r, &rs);
	printf("{\"bench\":\"db\",\"what\":\"%s\",\"ended\":%" PRIu64 ",\"written\":%" PRIu64
	       ",\"lost\":%" PRIu64 ",\"rows_per_second\":%.0f,\"cpu_us_per_row\":%.2f"
	       ",\"longest_batch_ms\":%" PRIu32 "}\n",
	       what, js.ended, js.written, js.lost, (double)js.written / wall,
	       cpu * 1e6 / (double)js.written, rs.longest_batch_ms);
	recorder_free(r);
	journal_free(c.journal);
	if (js.ended == n && js.written + js.lost == n)
		return 0;
	snprintf(e->msg, sizeof e->msg, "%s: it does not add up", what);
	return -1;
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

	clock_init();
	remove_files();
	code = store_open(&s, &c, &e);
	if (code == 0)
		code = measure(s, "flow_rows", add_ended, n, batch, &e);
	if (code == 0)
		code = measure(s, "live_rows", add_live, n, batch, &e);
	if (code == 0)
		code = measure_journal(s, "journal", n, false, &e);
	if (code == 0)
		code = measure_journal(s, "journal_100000_a_second", RATE * SECONDS, true, &e);
	if (code < 0)
		fprintf(stderr, "%s\n", e.msg);
	store_close(s, NULL);
	remove_files();
	return code < 0;
}
