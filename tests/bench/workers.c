/*
 * workers.c - what a second worker gives: two of leatd's, each with flows of its own.
 *
 *	obj/tests/bench/workers [SEGMENTS]
 *
 * Each worker has a thread and a core, which are its hosts' too (lib/peers.h): a burst goes into
 * the worker's queue, it has a turn, what came out is taken.  First the first alone, then both at
 * once; five times, and the best of each counts.  A worker's rate is segments over the TSC cycles
 * of its turns that found something; a turn above LONG_TURN was interrupted by the system and is
 * left out with its segments.  `ratio` is the sum of both rates to the rate of the one;
 * `wall_ratio` is the same by the wall's clock, hosts included, and says little where the cores
 * have other work to do.
 *
 * The exit status is 1 unless every segment came out, in order and whole.
 */
#include <errno.h>
#include <inttypes.h>
#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>

#include <rte_cycles.h>
#include <rte_lcore.h>

#include "tests/bench/lib/bed.h"
#include "tests/bench/lib/frame.h"
#include "tests/bench/lib/peers.h"
#include "tests/bench/lib/row.h"

enum {
	N_WORKERS = 2,
	N_FRAMES = 16384,
	N_HEADERS = 32768,
	N_REPEATS = 5,
	N_FLOWS = 1024,
	WINDOW = 256,
	TURN_US = 20,
	IDLE_ROUNDS = 64,
	LONG_TURN = 1000 * 1000,
};

static const double GOAL = 1.8;

static const struct what {
	const char *name;
	uint16_t dport;
} cases[] = { { "track", 5001 }, { "proxy", 5002 } };

enum { N_CASES = RTE_DIM(cases) };

static const char policy_text[] = "rule t: track proto tcp to any port 5001\n"
				  "rule p: proxy proto tcp to any port 5002\n"
				  "default drop\n";

/* A worker and its hosts; its thread's while that runs. */
struct lane {
	struct worker *w;
	struct peers_port at;
	struct peers *peers[N_CASES];
	usec_t now;
	/* the run under way */
	struct peers *p;
	uint64_t n;
	uint64_t cycles, segments, wall;
};

static struct bed bed;
static struct lane lanes[N_WORKERS];
static pthread_barrier_t start;

/* Cycles of a segment, and of the wall's clock for one of all. */
struct best {
	double cycles, rate, wall_rate;	/* 0: none yet */
};

/* --- a run --- */

static void
turn(struct lane *l, unsigned segments)
{
	uint64_t from, cycles;
	unsigned n;

	l->now = usec_add(l->now, TURN_US);
	from = rte_rdtsc_precise();
	n = worker_turn(l->w, l->now);
	cycles = rte_rdtsc_precise() - from;
	if (n > 0 && cycles < LONG_TURN) {
		l->cycles += cycles;
		l->segments += segments;
	}
}

static void
run(struct lane *l)
{
	struct peers *p = l->p;
	uint64_t end = p->sent + l->n, before = p->received;
	unsigned idle = 0;

	l->cycles = l->segments = 0;
	l->wall = rte_rdtsc();
	while (idle < IDLE_ROUNDS) {
		turn(l, p->sent < end ? peers_send(p, PORT_BURST) : 0);
		peers_receive(p);
		if (p->sent >= end && p->received >= p->sent) {
			peers_flush(p);
			idle++;
		} else if (p->received == before && ++idle == IDLE_ROUNDS) {
			break;
		} else if (p->received != before) {
			idle = 0;
		}
		before = p->received;
	}
	l->wall = rte_rdtsc() - l->wall;
}

static void *
lane_thread(void *lane)
{
	struct lane *l = lane;
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET(l->w->id, &set);
	pthread_setaffinity_np(pthread_self(), sizeof set, &set);
	rte_thread_register();
	pthread_barrier_wait(&start);
	run(l);
	rte_thread_unregister();
	return NULL;
}

static int
run_lanes(unsigned n_lanes, unsigned k, uint64_t n)
{
	pthread_t thread[N_WORKERS];
	int rc = 0;

	pthread_barrier_init(&start, NULL, n_lanes);
	for (unsigned i = 0; i < n_lanes && rc == 0; i++) {
		lanes[i].p = lanes[i].peers[k];
		lanes[i].n = n;
		rc = pthread_create(&thread[i], NULL, lane_thread, &lanes[i]);
	}
	if (rc != 0)
		return -rc;
	for (unsigned i = 0; i < n_lanes; i++)
		pthread_join(thread[i], NULL);
	pthread_barrier_destroy(&start);
	return 0;
}

static void
keep_best(struct best *b, unsigned n_lanes, uint64_t n)
{
	double rate = 0, cycles = 0;
	uint64_t wall = 0;

	for (unsigned i = 0; i < n_lanes; i++) {
		if (lanes[i].segments == 0)
			return;
		rate += (double)lanes[i].segments / (double)lanes[i].cycles;
		cycles += (double)lanes[i].cycles / (double)lanes[i].segments / n_lanes;
		wall = RTE_MAX(wall, lanes[i].wall);
	}
	if (rate > b->rate) {
		b->rate = rate;
		b->cycles = cycles;
	}
	b->wall_rate = RTE_MAX(b->wall_rate, (double)(n * n_lanes) / (double)wall);
}

/* --- what stands around it --- */

/* Whose the flow is that the peers with this network have. */
static unsigned
owner_of(uint8_t net, uint16_t dport)
{
	const struct frame f = { .net = net, .dport = dport, .to_server = true, .flags = TCP_ACK };
	const struct parse_conf conf = { 0 };
	struct rte_mbuf *m = frame_make(bed.pools.headers, &f, 0, 0);
	struct pkt p;

	if (!m)
		return 0;
	pkt_parse(&p, m, &conf);
	rte_pktmbuf_free(m);
	return tcpterm_owner(&p, N_WORKERS);
}

static int
make_peers(struct lane *l, unsigned k)
{
	struct peers *p = calloc(1, sizeof *p + sizeof p->flow[0]);

	if (!p)
		return -ENOMEM;
	*p = (struct peers){ .at = &l->at,
			     .n_flows = 1,
			     .chunk = PORT_BURST,
			     .window = WINDOW,
			     .dport = cases[k].dport };
	while (owner_of(p->net, p->dport) != l->w->id)
		p->net++;
	l->peers[k] = p;
	return 0;
}

/* Its flow is established, and every frame of its first segments is looked at. */
static void
establish(struct lane *l, struct peers *p)
{
	peers_open(p, 0, 1);
	for (unsigned i = 0; i < 4; i++) {
		turn(l, 0);
		peers_receive(p);
	}
	p->verify = true;
	l->p = p;
	l->n = 20000;
	run(l);
	p->verify = false;
}

static int
set_up(struct err *err)
{
	const struct bed_conf conf = {
		.policy = policy_text,
		.n_workers = N_WORKERS,
		.n_frames = N_FRAMES,
		.n_headers = N_HEADERS,
		.n_flows = N_FLOWS,
	};
	int rc = bed_make(&bed, &conf, err);

	if (rc != 0)
		return rc;
	frame_prepare(&bed.pools);
	for (unsigned i = 0; i < N_WORKERS; i++) {
		struct lane *l = &lanes[i];

		l->w = bed.workers[i];
		l->at = (struct peers_port){ .client = bed.client[BED_VERIFIES],
					     .server = bed.server[BED_VERIFIES],
					     .queue = (uint16_t)i,
					     .pools = &bed.pools };
		l->now = clock_now();
		for (unsigned k = 0; k < N_CASES; k++) {
			if (make_peers(l, k) != 0)
				return err_set(err, -ENOMEM, "no memory for the peers");
			establish(l, l->peers[k]);
		}
	}
	return 0;
}

static bool
is_whole(unsigned k)
{
	bool whole = true;

	for (unsigned i = 0; i < N_WORKERS; i++) {
		const struct peers *p = lanes[i].peers[k];

		if (p->wrong == 0 && p->received == p->sent)
			continue;
		fprintf(stderr,
			"workers: %s, worker %u: %" PRIu64 " segments sent, %" PRIu64
			" came out, %" PRIu64 " wrong\n",
			cases[k].name, i, p->sent, p->received, p->wrong);
		whole = false;
	}
	return whole;
}

static void
print(unsigned k, const struct best *one, const struct best *two)
{
	const struct best *of[] = { one, two };
	double ratio = two->rate / one->rate;
	char more[96];

	for (unsigned i = 0; i < 2; i++) {
		const struct row r = { .bench = "workers",
				       .mode = cases[k].name,
				       .of = "segment",
				       .flows = i + 1,
				       .payload = PEERS_PAYLOAD,
				       .cycles = of[i]->cycles };

		snprintf(more, sizeof more, ",\"workers\":%u,\"ratio\":%.2f,\"wall_ratio\":%.2f",
			 i + 1, of[i]->rate / one->rate, of[i]->wall_rate / one->wall_rate);
		row_print(&r, more);
	}
	fprintf(stderr, "%-16s two workers to one: %.2f, goal %.1f  %s\n", cases[k].name, ratio,
		GOAL, ratio >= GOAL ? "met" : "missed");
}

int
main(int argc, char **argv)
{
	uint64_t n = argc > 1 ? strtoull(argv[1], NULL, 0) : 300000;
	struct err err = { 0 };
	int rc = set_up(&err);
	bool whole = true;

	if (rc != 0) {
		fprintf(stderr, "workers: %s\n", err.msg);
		return 1;
	}
	for (unsigned k = 0; k < N_CASES && rc == 0; k++) {
		struct best best[N_WORKERS] = { 0 };

		for (unsigned i = 0; i < N_REPEATS * N_WORKERS && rc == 0; i++) {
			rc = run_lanes(1 + i % N_WORKERS, k, n / N_REPEATS);
			keep_best(&best[i % N_WORKERS], 1 + i % N_WORKERS, n / N_REPEATS);
		}
		print(k, &best[0], &best[1]);
		whole &= is_whole(k);
	}
	bed_end(&bed);
	return rc == 0 && whole ? 0 : 1;
}
