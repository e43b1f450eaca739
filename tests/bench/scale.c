/*
 * scale.c - what a listener, a connection and every other kind of flow take when there are many.
 *
 *	obj/tests/bench/scale [N]
 *
 * Two stacks of the library, joined by two queues (lib/joined.h), with a listener for each of N
 * connections at both ends, in three spreads; N connections whose payload is in flight; N flows of
 * each kind that a stack only stands between (lib/crowd.h); N proxied ones through a leatd's worker
 * (lib/pairs.h); and a table that grows to N (lib/growth.h).  Every connection carries a payload of
 * its own in both directions, verified at both ends.  Bytes are the process's (lib/gauge.h).  N is
 * 100,000 if nobody says otherwise, 1,000,000 at most.
 *
 * The exit status is 1 unless every payload came as it was sent and nothing was left at the end.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <rte_cycles.h>

#include "tcpterm/core.h"
#include "tests/bench/lib/crowd.h"
#include "tests/bench/lib/growth.h"
#include "tests/bench/lib/joined.h"
#include "tests/bench/lib/pairs.h"

enum {
	N_FRAMES = 16384,
	N_HEADERS = 32768,
	N_DEFAULT = 100 * 1000,
	BURST = JOINED_BURST,
	FEW = 1000,
	STRIDE = 611953,		/* prime: the order in which connections speak */
	KEEP_S = 60,
	KEEP_STEP_US = 1000,
};

static struct joined j;

static struct gauge_row
row(const char *what)
{
	return (struct gauge_row){
		.spread = spread_name(j.spread),
		.what = what,
		.mark = j.v6 && strcmp(what, "connection6") != 0 ? "\"ip\":6" : NULL,
		.n = j.n,
	};
}

/* --- what many do --- */

/* The first `among` connections speak once more, `n` times in all; cycles a packet. */
static double
speak(uint32_t among, uint32_t n)
{
	uint64_t cycles, packets;

	j.cycles = j.packets = 0;
	for (uint32_t i = 0; i < n; i++) {
		joined_say(&j, (uint32_t)((uint64_t)i * STRIDE % among));
		if ((i + 1) % BURST == 0 || i + 1 == n) {
			joined_run(&j, CLIENT);
			joined_settle(&j);
		}
		gauge_progress("speak", i, n);
	}
	cycles = j.cycles;
	packets = j.packets;
	return packets ? (double)cycles / (double)packets : 0;
}

static void
packets(void)
{
	uint32_t n = RTE_MIN(j.n, 200u * 1000), few = RTE_MIN(j.n, (uint32_t)FEW);
	const struct gauge_row r = row("packet");
	double of_few, of_all;

	speak(few, n);			/* warm */
	of_few = speak(few, n);
	of_all = speak(j.n, n);
	gauge_cycles(&r, of_all, of_all / of_few);
}

/* The probes that 99 of 100 look-ups need at most. */
static void
probes(const struct gauge_row *r)
{
	enum { MOST = 64 };
	uint64_t cursor = 0, n = 0, of[MOST + 1] = { 0 };
	struct tcpterm *s = j.end[SERVER].s;
	struct flow *f[BURST];
	unsigned k = 0;

	do {
		unsigned m = tcpterm_walk(s, &cursor, f, BURST);

		for (unsigned i = 0; i < m; i++)
			of[RTE_MIN(table_probes(s->table, f[i]), (unsigned)MOST)]++;
		n += m;
	} while (cursor);
	for (uint64_t sum = 0; k < MOST && (sum += of[k]) < n - n / 100;)
		k++;
	gauge_figure(r, "p99_probes", k);
}

static void
set_keepalive(const struct tcpterm_keepalive *k)
{
	for (uint32_t i = 0; i < j.n; i++) {
		if (j.end[CLIENT].flow[i])
			tcpterm_set_keepalive(j.end[CLIENT].flow[i], k);
		if (k && (i + 1) % BURST == 0)	/* over the whole minute */
			j.now = usec_add(j.now, KEEP_S * 1000000LL * BURST / j.n);
		if ((i + 1) % BURST == 0 || i + 1 == j.n)
			joined_run(&j, CLIENT);
	}
}

/* A minute in which nothing happens but keepalives. */
static void
keep_alive(const struct gauge_row *r)
{
	const struct tcpterm_keepalive k = { .idle_s = KEEP_S, .interval_s = 10, .n_probes = 3 };
	const uint64_t all = KEEP_S * 1000000LL / KEEP_STEP_US;

	set_keepalive(&k);
	j.cycles = j.packets = 0;
	for (uint64_t steps = 0; steps < all; steps++) {
		j.now = usec_add(j.now, KEEP_STEP_US);
		joined_run(&j, CLIENT);
		joined_run(&j, SERVER);
		while (joined_take(&j, SERVER) + joined_take(&j, CLIENT) > 0)
			;
		gauge_progress("idle", steps, all);
	}
	/* both ends' cycles, in one process: half is each one's */
	gauge_figure(r, "idle_cpu_percent",
		     100.0 * (double)j.cycles / 2 / (KEEP_S * (double)rte_get_tsc_hz()));
	set_keepalive(NULL);
}

/* --- one spread --- */

static bool
judge(void)
{
	uint64_t left =
		joined_left(&j) + pool_in_use(j.pools->frames) + pool_in_use(j.pools->headers);

	if (j.n_bad == 0 && j.n_refused == 0 && left == 0 && j.n_closed == 2 * j.n &&
	    j.n_good[CLIENT] >= j.n && j.n_good[CLIENT] == j.n_good[SERVER])
		return true;
	fprintf(stderr,
		"scale: %s: %" PRIu64 " bad, %" PRIu64 " refused, %" PRIu64 " left, %u closed, "
		"%" PRIu64 " and %" PRIu64 " payloads verified\n",
		spread_name(j.spread), j.n_bad, j.n_refused, left, j.n_closed, j.n_good[CLIENT],
		j.n_good[SERVER]);
	return false;
}

static void
measure(void)
{
	const struct gauge_row listener = row("listener");
	const struct gauge_row conn = row(j.v6 ? "connection6" : "connection");
	uint64_t before = gauge_resident();
	double from;

	gauge_stage(conn.spread, conn.what);
	joined_listen(&j);
	gauge_bytes(&listener, (gauge_resident() - before) / 2);	/* so many at each end */
	before = gauge_resident();
	from = gauge_seconds();
	joined_open(&j);
	gauge_figure(&conn, "opened_per_second", j.n / (gauge_seconds() - from));
	gauge_bytes(&conn, (gauge_resident() - before) / 2);
	packets();
	probes(&conn);
	keep_alive(&conn);
	from = gauge_seconds();
	joined_close(&j);
	gauge_figure(&conn, "closed_per_second", j.n / (gauge_seconds() - from));
}

static bool
connections(enum spread spread, bool v6)
{
	bool good;

	j.spread = spread;
	j.v6 = v6;
	good = joined_new(&j);
	if (good)
		measure();
	good = good && judge();
	joined_free(&j);
	return good;
}

/* --- data in flight --- */

/* Each client's payload is on its way, sent and not acknowledged. */
static bool
in_flight(const struct pools *pools)
{
	const struct pools *small = j.pools;
	struct gauge_row r = row("connection");
	uint64_t idle, before;
	bool good;

	r.spread = spread_name(SPREAD_MIXED);
	r.mark = "\"in_flight\":1";
	gauge_stage(r.spread, "connection with data in flight");
	j.spread = SPREAD_MIXED;
	j.v6 = false;
	j.pools = pools;
	j.far = malloc(j.n * sizeof *j.far);
	if (!j.far || !joined_new(&j))
		return false;
	memset(j.far, 0, j.n * sizeof *j.far);
	joined_listen(&j);
	before = gauge_resident();
	joined_open(&j);
	idle = gauge_resident() - before;
	before = gauge_resident();
	j.n_far_max = j.n;
	j.turn_us = 1;		/* before anybody sends again */
	for (uint32_t i = 0; i < j.n; i++) {
		joined_say(&j, i);
		if ((i + 1) % BURST == 0 || i + 1 == j.n) {
			j.now = usec_add(j.now, 1);
			joined_run(&j, CLIENT);
		}
		gauge_progress("say", i, j.n);
	}
	gauge_bytes(&r, idle / 2 + gauge_resident() - before);
	good = j.n_far == j.n;
	joined_arrive(&j);
	j.turn_us = 0;
	joined_close(&j);
	good = judge() && good;
	joined_free(&j);
	free(j.far);
	j.far = NULL;
	j.pools = small;
	return good;
}

int
main(int argc, char **argv)
{
	const enum tcpterm_kind kinds[] = { TCPTERM_KIND_RELAY, TCPTERM_KIND_TRACK,
					    TCPTERM_KIND_PASSIVE, TCPTERM_KIND_TIMEWAIT };
	struct pools pools, large;
	bool good = true;

	j.n = argc > 1 ? (uint32_t)strtoul(argv[1], NULL, 0) : N_DEFAULT;
	if (j.n == 0 || j.n > PLACES_MAX) {
		fprintf(stderr, "usage: scale [N], at most %d\n", PLACES_MAX);
		return 2;
	}
	gauge_start(N_FRAMES + j.n + BURST, N_HEADERS + 3 * j.n);
	pools = gauge_pools(N_FRAMES, N_HEADERS);
	j.pools = &pools;
	if (!joined_init(&j))
		return 1;
	for (unsigned spread = 0; spread < N_SPREADS; spread++)
		good &= connections((enum spread)spread, false);
	good &= connections(SPREAD_ADDRESSES, true);
	for (unsigned k = 0; k < RTE_DIM(kinds); k++)
		good &= crowd_run(&pools, kinds[k], false, j.n);
	good &= crowd_run(&pools, TCPTERM_KIND_TIMEWAIT, true, j.n);
	good &= pairs_run(&pools, j.n);
	good &= growth_run(j.n);
	pools_free(&pools);
	large = gauge_pools(N_FRAMES + j.n, N_HEADERS + 3 * j.n);
	good &= in_flight(&large);
	return !good;
}
