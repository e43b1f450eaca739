/*
 * scale.c - what a listener, a connection and every other kind of flow take when there are many.
 *
 *	obj/tests/bench/scale [N]
 *
 * Two stacks of the library, joined by two queues: each listens for all N connections, one opens
 * them and the other accepts, in three spreads; every connection carries a payload of its own in
 * both directions, verified at both ends.  Then N flows of each kind that a stack only stands
 * between.  Bytes are the process's (lib/gauge.h), cycles those of the TSC around both stacks'
 * input and run; time is virtual.  N is 100,000 if nobody says otherwise, 1,000,000 at most.
 *
 * The exit status is 1 unless every payload came as it was sent and nothing was left at the end.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <rte_cycles.h>

#include <tcpterm/conn.h>

#include "tcpterm/core.h"
#include "tcpterm/intern.h"
#include "tests/bench/lib/crowd.h"

enum {
	N_FRAMES = 16384,
	N_HEADERS = 32768,
	N_DEFAULT = 100 * 1000,
	BURST = 32,
	QUEUE = 8192,
	TURN_US = 100,
	LONG_TURN = 1000 * 1000,	/* cycles: it was interrupted */
	FEW = 1000,
	STRIDE = 611953,		/* prime: the order in which connections speak */
	KEEP_S = 60,
	KEEP_STEP_US = 1000,
};

enum { CLIENT, SERVER };

struct end {
	struct tcpterm *s;
	struct rte_mbuf *queue[QUEUE];	/* frames on their way to it */
	uint32_t head, tail;
	struct flow **flow;		/* by the connection's number */
	tcpterm_listener_id *listener;
};

struct bench {
	struct pools pools;
	struct end end[2];
	enum spread spread;
	bool v6;
	uint32_t n;
	usec_t now;
	uint64_t n_good[2], n_bad, n_refused;
	uint64_t cycles, packets;
	uint32_t n_closed;
};

static struct bench b;

/* --- what the stacks ask --- */

static void
tx(void *ctx, uint16_t domain, uint8_t side, struct rte_mbuf *m)
{
	struct end *to = &b.end[ctx == &b.end[CLIENT] ? SERVER : CLIENT];

	(void)domain, (void)side;
	if (to->tail - to->head == QUEUE) {
		b.n_bad++;
		rte_pktmbuf_free(m);
		return;
	}
	to->queue[to->tail++ % QUEUE] = m;
}

static void
stray(void *ctx, const struct pkt *p)
{
	(void)ctx;
	b.n_bad++;
	rte_pktmbuf_free(p->m);
}

static const struct tcpterm_ops ops = { .tx = tx, .forward = stray };

static struct tcpterm_verdict
accept_all(void *ctx, const struct tcpterm_syn *syn)
{
	(void)ctx;
	return (struct tcpterm_verdict){ .decision = TCPTERM_ACCEPT,
					 .cookie = place_of(b.spread, syn->pkt) };
}

static void
say(struct end *e, struct flow *f)
{
	uint8_t bytes[PLACES_PAYLOAD];

	place_payload((uint32_t)f->cookie, e == &b.end[SERVER], bytes);
	if (tcpterm_write(e->s, f, bytes, sizeof bytes) != sizeof bytes)
		b.n_bad++;
}

static void
established(void *ctx, struct flow *f)
{
	struct end *e = ctx;

	e->flow[f->cookie] = f;
	if (e == &b.end[CLIENT])
		say(e, f);
}

static void
readable(void *ctx, struct flow *f)
{
	struct end *e = ctx;
	uint8_t is[PLACES_PAYLOAD], expected[PLACES_PAYLOAD];
	unsigned me = e == &b.end[SERVER];
	ssize_t n = tcpterm_read(e->s, f, is, sizeof is);

	if (n == 0) {
		tcpterm_shutdown(e->s, f);
		return;
	}
	place_payload((uint32_t)f->cookie, !me, expected);
	if (n == sizeof is && memcmp(is, expected, sizeof is) == 0)
		b.n_good[me]++;
	else
		b.n_bad++;
	if (me)
		say(e, f);
}

static void
closed(void *ctx, struct flow *f, enum tcpterm_end why)
{
	struct end *e = ctx;

	e->flow[f->cookie] = NULL;
	b.n_closed++;
	b.n_bad += why != TCPTERM_END_FIN;
}

static const struct tcpterm_conn_ops conn_ops = {
	.established = established,
	.readable = readable,
	.closed = closed,
};

/* --- turns --- */

static void
count(uint64_t cycles, unsigned packets)
{
	if (cycles < LONG_TURN) {
		b.cycles += cycles;
		b.packets += packets;
	}
}

static void
run(struct end *e)
{
	uint64_t from = rte_rdtsc_precise();

	tcpterm_run(e->s, b.now);
	count(rte_rdtsc_precise() - from, 0);
}

/* Takes up to a burst in; how many. */
static unsigned
take(struct end *e)
{
	static const struct parse_conf conf = { 0 };
	struct pkt p[BURST];
	unsigned n = 0;
	uint64_t from;

	for (; n < BURST && e->head != e->tail; n++)
		pkt_parse(&p[n], e->queue[e->head++ % QUEUE], &conf);
	if (n == 0)
		return 0;
	from = rte_rdtsc_precise();
	tcpterm_input(e->s, p, n, b.now);
	tcpterm_run(e->s, b.now);
	count(rte_rdtsc_precise() - from, n);
	return n;
}

/* Until nothing is on its way any more. */
static void
settle(void)
{
	do
		b.now = usec_add(b.now, TURN_US);
	while (take(&b.end[SERVER]) + take(&b.end[CLIENT]) > 0);
}

/* --- phases --- */

static bool
stacks(void)
{
	struct tcpterm_conf conf = {
		.ops = &ops,
		.payload_pool = b.pools.frames,
		.header_pool = b.pools.headers,
		.n_flows = b.n,
		.n_timewaits = 2 * b.n,
		.n_listeners = b.n,
		.secret = { 1, 2 },
	};
	struct err err;

	for (unsigned k = 0; k < 2; k++) {
		conf.ctx = &b.end[k];
		b.end[k].s = tcpterm_new(&conf, b.now, &err);
		if (!b.end[k].s) {
			fprintf(stderr, "scale: %s\n", err.msg);
			return false;
		}
		tcpterm_set_conn_ops(b.end[k].s, &conn_ops, &b.end[k]);
	}
	return true;
}

static void
listen_all(void)
{
	struct tcpterm_listener_conf conf = { .filter = accept_all };

	for (uint32_t i = 0; i < b.n; i++) {
		conf.select = place_selector(b.spread, b.v6, i);
		for (unsigned k = 0; k < 2; k++)
			if (tcpterm_listen(b.end[k].s, &conf, &b.end[k].listener[i]) != 0)
				b.n_refused++;
	}
}

static void
open_all(void)
{
	struct flow *f;

	for (uint32_t i = 0; i < b.n; i++) {
		struct tcpterm_identity id = place_identity(b.spread, b.v6, i);

		if (tcpterm_connect(b.end[CLIENT].s, &id, i, b.now, &f) != 0)
			b.n_refused++;
		if ((i + 1) % BURST == 0 || i + 1 == b.n)
			settle();
	}
}

/* The first `among` connections speak once more, `n` times in all; cycles a packet. */
static double
speak(uint32_t among, uint32_t n)
{
	uint64_t cycles, packets;

	b.cycles = b.packets = 0;
	for (uint32_t i = 0; i < n; i++) {
		uint32_t at = (uint32_t)((uint64_t)i * STRIDE % among);

		if (b.end[CLIENT].flow[at])
			say(&b.end[CLIENT], b.end[CLIENT].flow[at]);
		if ((i + 1) % BURST == 0 || i + 1 == n) {
			run(&b.end[CLIENT]);
			settle();
		}
	}
	cycles = b.cycles;
	packets = b.packets;
	return packets ? (double)cycles / (double)packets : 0;
}

static void
packets(const char *spread)
{
	uint32_t n = RTE_MIN(b.n, 200u * 1000), few = RTE_MIN(b.n, (uint32_t)FEW);
	double of_few, of_all;

	speak(few, n);			/* warm */
	of_few = speak(few, n);
	of_all = speak(b.n, n);
	printf("{\"bench\":\"scale\",\"spread\":\"%s\",\"what\":\"packet\",\"n\":%u"
	       ",\"cycles\":%.0f,\"ratio_to_1000\":%.2f}\n",
	       spread, b.n, of_all, of_all / of_few);
}

/* The probes that 99 of 100 look-ups need at most. */
static void
probes(const char *spread)
{
	enum { MOST = 64 };
	uint64_t cursor = 0, n = 0, of[MOST + 1] = { 0 };
	const struct tcpterm *s = b.end[SERVER].s;
	struct flow *f[BURST];
	unsigned k = 0;

	do {
		unsigned m = tcpterm_walk(b.end[SERVER].s, &cursor, f, BURST);

		for (unsigned i = 0; i < m; i++)
			of[RTE_MIN(table_probes(s->table, f[i]), (unsigned)MOST)]++;
		n += m;
	} while (cursor);
	for (uint64_t sum = 0; k < MOST && (sum += of[k]) < n - n / 100;)
		k++;
	gauge_figure(spread, "connection", n, "p99_probes", k);
}

/* A minute in which nothing happens but keepalives. */
static void
keep_alive(const char *spread)
{
	const struct tcpterm_keepalive k = { .idle_s = KEEP_S, .interval_s = 10, .n_probes = 3 };
	uint64_t steps = 0;

	for (uint32_t i = 0; i < b.n; i++) {
		if (b.end[CLIENT].flow[i])
			tcpterm_set_keepalive(b.end[CLIENT].flow[i], &k);
		if ((i + 1) % BURST == 0)	/* over the whole minute */
			b.now = usec_add(b.now, KEEP_S * 1000000LL * BURST / b.n);
		if ((i + 1) % BURST == 0 || i + 1 == b.n)
			run(&b.end[CLIENT]);
	}
	b.cycles = b.packets = 0;
	for (; steps < KEEP_S * 1000000LL / KEEP_STEP_US; steps++) {
		b.now = usec_add(b.now, KEEP_STEP_US);
		run(&b.end[CLIENT]);
		run(&b.end[SERVER]);
		while (take(&b.end[SERVER]) + take(&b.end[CLIENT]) > 0)
			;
	}
	for (uint32_t i = 0; i < b.n; i++)
		if (b.end[CLIENT].flow[i])
			tcpterm_set_keepalive(b.end[CLIENT].flow[i], NULL);
	run(&b.end[CLIENT]);
	/* both ends' cycles, in one process: half is each one's */
	gauge_figure(spread, "connection", b.n, "idle_cpu_percent",
		     100.0 * (double)b.cycles / 2 / (KEEP_S * (double)rte_get_tsc_hz()));
}

static void
close_all(void)
{
	for (uint32_t i = 0; i < b.n; i++) {
		if (b.end[CLIENT].flow[i])
			tcpterm_shutdown(b.end[CLIENT].s, b.end[CLIENT].flow[i]);
		if ((i + 1) % BURST == 0 || i + 1 == b.n) {
			run(&b.end[CLIENT]);
			settle();
		}
	}
}

/* Everything that a stack's pools still hold, once TIME-WAIT is over. */
static uint64_t
left_over(struct end *e)
{
	const struct tcpterm_stats *st;
	uint64_t n = 0;

	for (uint32_t i = 0; i < b.n; i++)
		n += tcpterm_unlisten(e->s, e->listener[i]) != 0;
	st = tcpterm_stats(e->s);
	for (uint32_t i = 0; i < 600 || (st->n_flows[TCPTERM_KIND_TIMEWAIT] > 0 && i < b.n); i++)
		tcpterm_run(e->s, usec_add(b.now, i * 1000 * 1000LL));
	for (unsigned k = 0; k < TCPTERM_N_KINDS; k++)
		n += st->n_flows[k] + e->s->slabs[k].n_used;
	return n + st->n_held + st->n_listeners + e->s->sent.n_used + e->s->more.n_used +
	       e->s->awake[0].n_used + e->s->awake[1].n_used + intern_used(e->s->ways[0]) +
	       e->s->wheel.n_armed;
}

/* --- one spread --- */

static bool
judge(const char *spread, uint64_t left)
{
	left += pool_in_use(b.pools.frames) + pool_in_use(b.pools.headers);
	if (b.n_bad == 0 && b.n_refused == 0 && left == 0 && b.n_closed == 2 * b.n &&
	    b.n_good[CLIENT] >= b.n && b.n_good[CLIENT] == b.n_good[SERVER])
		return true;
	fprintf(stderr,
		"scale: %s: %" PRIu64 " bad, %" PRIu64 " refused, %" PRIu64 " left, %u closed, "
		"%" PRIu64 " and %" PRIu64 " payloads verified\n",
		spread, b.n_bad, b.n_refused, left, b.n_closed, b.n_good[CLIENT], b.n_good[SERVER]);
	return false;
}

static void
measure(const char *spread)
{
	const char *what = b.v6 ? "connection6" : "connection";
	uint64_t before = gauge_resident();
	double from;

	listen_all();
	gauge_bytes(spread, "listener", 2 * (uint64_t)b.n, gauge_resident() - before);
	before = gauge_resident();
	from = gauge_seconds();
	open_all();
	gauge_figure(spread, what, b.n, "opened_per_second", b.n / (gauge_seconds() - from));
	gauge_bytes(spread, what, 2 * (uint64_t)b.n, gauge_resident() - before);
	packets(spread);
	probes(spread);
	keep_alive(spread);
	from = gauge_seconds();
	close_all();
	gauge_figure(spread, what, b.n, "closed_per_second", b.n / (gauge_seconds() - from));
}

static bool
connections(enum spread spread, bool v6)
{
	uint64_t left = 0;
	bool good = stacks();

	b.spread = spread;
	b.v6 = v6;
	b.n_bad = b.n_refused = b.n_good[0] = b.n_good[1] = b.n_closed = 0;
	if (good)
		measure(spread_name(spread));
	for (unsigned k = 0; good && k < 2; k++)
		left += left_over(&b.end[k]);
	for (unsigned k = 0; k < 2; k++)
		tcpterm_free(b.end[k].s);
	return good && judge(spread_name(spread), left);
}

int
main(int argc, char **argv)
{
	bool good = true;

	b.n = argc > 1 ? (uint32_t)strtoul(argv[1], NULL, 0) : N_DEFAULT;
	if (b.n == 0 || b.n > PLACES_MAX) {
		fprintf(stderr, "usage: scale [N], at most %d\n", PLACES_MAX);
		return 2;
	}
	b.pools = gauge_pools(N_FRAMES, N_HEADERS);
	b.now = (usec_t){ 1000 * 1000 };
	for (unsigned k = 0; k < 2; k++) {
		b.end[k].flow = malloc(b.n * sizeof *b.end[k].flow);
		b.end[k].listener = malloc(b.n * sizeof *b.end[k].listener);
		if (!b.end[k].flow || !b.end[k].listener)
			return 1;
		memset(b.end[k].flow, 0, b.n * sizeof *b.end[k].flow);
		memset(b.end[k].listener, 0xff, b.n * sizeof *b.end[k].listener);
	}
	for (unsigned spread = 0; spread < N_SPREADS; spread++)
		good &= connections((enum spread)spread, false);
	good &= connections(SPREAD_ADDRESSES, true);
	good &= crowd_run(&b.pools, TCPTERM_KIND_RELAY, b.n);
	good &= crowd_run(&b.pools, TCPTERM_KIND_TRACK, b.n);
	good &= crowd_run(&b.pools, TCPTERM_KIND_PASSIVE, b.n);
	good &= crowd_run(&b.pools, TCPTERM_KIND_TIMEWAIT, b.n);
	return !good;
}
