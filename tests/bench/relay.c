/*
 * relay.c - what a payload segment, and a short connection, cost a worker in every mode.
 *
 *	obj/tests/bench/relay [SEGMENTS [MODE...]]
 *
 * Of all modes, or of those that are named (`track`, or `track/1` with one flow alone).
 *
 * Clients and servers (lib/peers.h, lib/lives.h) stand at two pairs of ring ports, with a leatd's
 * worker, or in `forward` a bare loop from rx to tx, between them.  Counted are the cycles of the
 * TSC in turns that found something.  `forward` and `track` are divided by all packets, the
 * rest by payload segments: acknowledgements of both legs are part of their price.  `proxy-trust`
 * is over the ports that do not verify, `life` a connection from SYN to both FINs, and `copy` one
 * rte_memcpy() of a segment's payload that lies in no cache.  Every case in turn, five times,
 * in one process; the best of each is printed.  A turn above LONG_TURN was interrupted by the
 * system and is left out with its segments.  Time is virtual.
 *
 * The exit status is 1 unless every segment came out, in order and whole.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <rte_cycles.h>
#include <rte_memcpy.h>

#include "tests/bench/lib/bed.h"
#include "tests/bench/lib/frame.h"
#include "tests/bench/lib/lives.h"
#include "tests/bench/lib/row.h"

enum {
	N_FRAMES = 8192,
	N_HEADERS = 16384,
	N_REPEATS = 5,
	N_FLOWS = 128 * 1024,	/* of each kind */
	MANY = 1000,
	VERY_MANY = 100 * 1000,
	TURN_US = 20,
	IDLE_ROUNDS = 64,	/* nothing moves: it is over */
	LONG_TURN = 1000 * 1000,
	SEGMENTS_A_LIFE = 20,	/* as long as one life takes */
	COLD_BYTES = 64 << 20,
	COLD_STRIDE = 4096 + 192,
};

enum mode { FORWARD, TRACK, PROXY, PASSIVE, LIFE, COPY, N_MODES };

/* Those with the same port follow the same rule. */
static const struct what {
	enum mode mode;
	const char *name;
	unsigned n_flows;
	unsigned pair;
	uint16_t dport;
	double goal;
} cases[] = {
	{ FORWARD, "forward", 1, BED_VERIFIES, 5000, 0 },
	{ COPY, "copy", 1, BED_VERIFIES, 0, 0 },
	{ TRACK, "track", 1, BED_VERIFIES, 5001, 100 },
	{ TRACK, "track", VERY_MANY, BED_VERIFIES, 5001, 250 },
	{ PROXY, "proxy", 1, BED_VERIFIES, 5002, 600 },
	{ PROXY, "proxy", MANY, BED_VERIFIES, 5002, 0 },
	{ PROXY, "proxy-trust", 1, BED_TRUSTS, 5002, 450 },
	{ PASSIVE, "passive", 1, BED_VERIFIES, 5003, 200 },
	{ PASSIVE, "passive-trust", 1, BED_TRUSTS, 5003, 0 },
	{ LIFE, "life", LIVES_CROWD, BED_VERIFIES, 5002, 12000 },
};

enum { N_CASES = RTE_DIM(cases) };

static const char policy_text[] = "rule t: track proto tcp to any port 5001\n"
				  "rule p: proxy proto tcp to any port 5002\n"
				  "rule r: passive proto tcp to any port 5003\n"
				  "default drop\n";

struct bench {
	struct bed bed;
	struct peers_port at[BED_N];
	struct peers *peers[N_CASES];
	struct lives lives;
	uint8_t *cold;
	bool left_out[N_CASES];
	double best[N_CASES];		/* cycles; 0: none yet */
	usec_t now;
};

/* What turns took, without those that were interrupted. */
struct took {
	uint64_t cycles, packets, segments;
};

/* --- what is measured --- */

static unsigned
forward_turn(struct bench *b)
{
	struct rte_mbuf *m[PORT_BURST];
	unsigned i, n, all = 0;

	for (i = 0; i < 2; i++) {
		n = port_rx(b->bed.ports->port[i], 0, m, &b->bed.worker->drops);
		if (n)
			port_tx(b->bed.ports->port[!i], 0, m, n, &b->bed.worker->drops);
		all += n;
	}
	return all;
}

/* One turn; how many packets it found.  Which `segments` are in it the caller knows. */
static unsigned
turn(struct bench *b, enum mode mode, unsigned segments, struct took *t)
{
	uint64_t from, cycles;
	unsigned n;

	b->now = usec_add(b->now, TURN_US);
	from = rte_rdtsc_precise();
	n = mode == FORWARD ? forward_turn(b) : worker_turn(b->bed.worker, b->now);
	cycles = rte_rdtsc_precise() - from;
	if (n > 0 && cycles < LONG_TURN) {
		t->cycles += cycles;
		t->packets += n;
		t->segments += segments;
	}
	return n;
}

/* Sends `n` segments through and waits until they are acknowledged. */
static struct took
run(struct bench *b, enum mode mode, struct peers *p, uint64_t n)
{
	struct took t = { 0 };
	uint64_t end = p->sent + n;
	unsigned idle = 0, fed;

	while (idle < IDLE_ROUNDS) {
		fed = p->sent < end ? peers_send(p, PORT_BURST) : 0;
		idle = turn(b, mode, fed, &t) ? 0 : idle + 1;
		peers_receive(p);
		if (p->sent >= end && p->received >= p->sent)
			peers_flush(p);
	}
	return t;
}

static struct took
run_lives(struct bench *b, uint64_t n)
{
	struct took t = { 0 };

	for (uint64_t done = 0; done < n; done += LIVES_CROWD)
		for (unsigned step = 0; step < LIVES_STEPS; step++) {
			lives_send(&b->lives, step);
			/* more than a burst takes two turns; all of the crowd counts by its last */
			while (turn(b, LIFE, 0, &t))
				lives_receive(&b->lives);
			t.segments += step == LIVES_STEPS - 1 ? LIVES_CROWD : 0;
		}
	/* small payload was copied together, into mbufs of that pool */
	frame_prepare(&b->bed.pools);
	return t;
}

static double
run_copies(struct bench *b, uint64_t n)
{
	uint8_t to[FRAME_PAYLOAD_MAX];
	uint64_t cycles = 0, done = 0, from;
	size_t at = 0;

	for (uint64_t i = 0; i < n; i++) {
		at = (at + COLD_STRIDE) % (COLD_BYTES - sizeof to);
		from = rte_rdtsc_precise();
		rte_memcpy(to, b->cold + at, sizeof to);
		from = rte_rdtsc_precise() - from;
		if (from < LONG_TURN) {
			cycles += from;
			done++;
		}
	}
	return done ? (double)cycles / (double)done : 0;
}

static double
cycles_of(struct bench *b, unsigned k, uint64_t n)
{
	enum mode mode = cases[k].mode;
	struct took t;

	if (mode == COPY)
		return run_copies(b, n);
	t = mode == LIFE ? run_lives(b, n / SEGMENTS_A_LIFE) : run(b, mode, b->peers[k], n);
	if (mode == FORWARD || mode == TRACK)
		return t.packets ? (double)t.cycles / (double)t.packets : 0;
	return t.segments ? (double)t.cycles / (double)t.segments : 0;
}

static void
establish(struct bench *b, enum mode mode, struct peers *p)
{
	unsigned f;

	for (f = 0; f < p->n_flows; f += PORT_BURST) {
		struct took t = { 0 };

		peers_open(p, f, PORT_BURST);
		for (unsigned i = 0; i < 4; i++) {
			turn(b, mode, 0, &t);
			peers_receive(p);
		}
	}
	p->verify = true;
	run(b, mode, p, 20000);
	p->verify = false;
}

/* --- what stands around it --- */

static struct peers *
peers_new(struct bench *b, unsigned k)
{
	const struct what *w = &cases[k];
	struct peers *p = calloc(1, sizeof *p + w->n_flows * sizeof p->flow[0]);

	if (!p)
		return NULL;
	*p = (struct peers){ .at = &b->at[w->pair],
			     .n_flows = w->n_flows,
			     .chunk = w->n_flows > 1 ? 2 : PORT_BURST,
			     .window = w->n_flows > 1 ? 4 : 256,
			     .net = (uint8_t)k,
			     .dport = w->dport };
	return p;
}

static int
make_peers(struct bench *b, struct err *err)
{
	frame_prepare(&b->bed.pools);
	for (unsigned i = 0; i < BED_N; i++)
		b->at[i] = (struct peers_port){ .client = b->bed.client[i],
						.server = b->bed.server[i],
						.pools = &b->bed.pools };
	for (unsigned k = 0; k < N_CASES; k++) {
		if (cases[k].mode == LIFE)
			b->lives = (struct lives){ .at = &b->at[cases[k].pair],
						   .net = (uint8_t)k,
						   .dport = cases[k].dport };
		if (cases[k].mode >= LIFE || b->left_out[k])
			continue;
		b->peers[k] = peers_new(b, k);
		if (!b->peers[k])
			return err_set(err, -ENOMEM, "no memory for the peers");
	}
	return 0;
}

static int
set_up(struct bench *b, struct err *err)
{
	const struct bed_conf conf = {
		.policy = policy_text,
		.n_frames = N_FRAMES,
		.n_headers = N_HEADERS,
		.n_flows = N_FLOWS,
	};
	int rc = bed_make(&b->bed, &conf, err);

	if (rc == 0)
		rc = make_peers(b, err);
	b->cold = malloc(COLD_BYTES);
	if (b->cold)
		memset(b->cold, 1, COLD_BYTES);
	b->now = clock_now();
	return rc == 0 && !b->cold ? err_set(err, -ENOMEM, "no memory for the copies") : rc;
}

/* --- the result --- */

static void
measure(struct bench *b, uint64_t n)
{
	unsigned i, k;

	for (k = 0; k < N_CASES; k++)
		if (b->peers[k])
			establish(b, cases[k].mode, b->peers[k]);
	for (i = 0; i < N_REPEATS * N_CASES; i++) {
		double *best = &b->best[i % N_CASES];
		double cycles;

		if (b->left_out[i % N_CASES])
			continue;
		cycles = cycles_of(b, i % N_CASES, n / N_REPEATS);
		if (*best == 0 || (cycles > 0 && cycles < *best))
			*best = cycles;
	}
}

static bool
is_whole(const struct bench *b, unsigned k, uint64_t n)
{
	const struct peers *p = b->peers[k];

	if (cases[k].mode == LIFE && !lives_whole(&b->lives))
		fprintf(stderr, "relay: %u lives: %" PRIu64 " and %" PRIu64 " bytes came out\n",
			b->lives.n, b->lives.bytes[1], b->lives.bytes[0]);
	if (!p)
		return cases[k].mode != LIFE || lives_whole(&b->lives);
	if (p->wrong == 0 && p->received == p->sent && p->sent >= n)
		return true;
	fprintf(stderr,
		"relay: %s, %u flows: %" PRIu64 " segments sent, %" PRIu64 " came out, %" PRIu64
		" wrong\n",
		cases[k].name, p->n_flows, p->sent, p->received, p->wrong);
	return false;
}

static bool
print(const struct bench *b, uint64_t n)
{
	static const char *const of[] = {
		[FORWARD] = "packet",  [TRACK] = "packet",    [PROXY] = "segment",
		[PASSIVE] = "segment", [LIFE] = "connection", [COPY] = "segment"
	};
	const struct tcpterm_stats *s = b->bed.worker->tcp;
	struct row row[N_CASES], *r = row;
	unsigned n_flows[N_MODES] = { 0 };
	bool whole = true;

	for (unsigned k = 0; k < N_CASES; k++) {
		if (b->left_out[k])
			continue;
		n_flows[cases[k].mode] += cases[k].n_flows;
		*r = (struct row){ .bench = "relay",
				   .mode = cases[k].name,
				   .of = of[cases[k].mode],
				   .flows = cases[k].n_flows,
				   .payload = PEERS_PAYLOAD,
				   .cycles = b->best[k],
				   .goal = cases[k].goal };
		if (cases[k].mode == LIFE) {	/* the small ones' bytes are copied together */
			r->payload = LIVES_REQUEST + LIVES_REPLY;
			r->copied_bytes = s->copied_bytes / RTE_MAX(b->lives.n, 1u);
		}
		row_print(r++, "");
		whole &= is_whole(b, k, n);
	}
	row_table(row, (unsigned)(r - row), b->left_out[0] ? NULL : &row[0]);
	/* Each mode did what its name says, and nothing had to be sent again. */
	if (s->n_flows[TCPTERM_KIND_RELAY] != n_flows[PROXY] ||
	    s->n_flows[TCPTERM_KIND_TRACK] != n_flows[TRACK] ||
	    s->n_flows[TCPTERM_KIND_PASSIVE] != n_flows[PASSIVE] || s->retransmits != 0) {
		fprintf(stderr,
			"relay: %u flows proxied, %u tracked, %u read, %" PRIu64
			" retransmissions\n",
			s->n_flows[TCPTERM_KIND_RELAY], s->n_flows[TCPTERM_KIND_TRACK],
			s->n_flows[TCPTERM_KIND_PASSIVE], s->retransmits);
		whole = false;
	}
	return whole && s->copied_bytes == (uint64_t)b->lives.n * LIVES_REQUEST;
}

static void
leave_out_unnamed(struct bench *b, char *const *name, int n)
{
	for (unsigned k = 0; k < N_CASES; k++) {
		char whole[64];

		snprintf(whole, sizeof whole, "%s/%u", cases[k].name, cases[k].n_flows);
		b->left_out[k] = n > 0;
		for (int i = 0; i < n; i++)
			if (strcmp(name[i], cases[k].name) == 0 || strcmp(name[i], whole) == 0)
				b->left_out[k] = false;
	}
}

int
main(int argc, char **argv)
{
	static struct bench b;
	uint64_t n = argc > 1 ? strtoull(argv[1], NULL, 0) : 1000000;
	struct err err = { "" };
	bool whole;

	leave_out_unnamed(&b, argv + 2, argc - 2);
	if (set_up(&b, &err) != 0) {
		fprintf(stderr, "relay: %s\n", err.msg);
		return 1;
	}
	measure(&b, n);
	whole = print(&b, n);
	bed_end(&b.bed);
	return !whole;
}
