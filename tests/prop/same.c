/*
 * The same capture by every way in gives the same flow records, byte by byte.
 *
 *	same		captures of which the truth is known (truth.h), with clocks that jump
 *	same FILE	that capture, of any length
 *
 * Ways are the file as `leatd -r` reads it, DPDK's pcap device behind a `pcap:` port, and frames
 * that cross a `ring:` port.  A worker is fed what comes, and its time is what the frames bring
 * with them; times are compared like all else in the records.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "datapath/captured.h"
#include "tests/prop/lib/truth.h"
#include "tests/unit/eal.h"
#include "tests/unit/tap.h"
#include "vnf/log.h"
#include "vnf/replay/capfile.h"
#include "vnf/worker.h"

enum { SEEDS = 60, N_MBUFS = 8191, SPAN_US = 1000, SETTLE_US = 5000000, N_KILLS = 64 };

enum way { WAY_FILE, WAY_PCAP, WAY_RING, N_WAYS };

static const char *const way_names[N_WAYS] = { "-r", "pcap:", "ring:" };

/* What was told of a capture: a hash a record. */
struct told {
	uint64_t *hash;
	size_t n, room;
	uint64_t flows, gaps, conflicts;
};

struct source {
	enum way way;
	struct capfile *file;		/* of -r and ring: */
	struct port *port, *far;
	struct rte_mbuf *got[PORT_BURST];
	unsigned n, next;
	struct captured_clock clock;
	struct rte_mbuf *ahead;
	usec_t ahead_at;
	struct drops drops;
};

static struct pools pools;
static struct worker *worker[1];
static usec_t now;
static uint64_t went_back;

/* --- what is told --- */

static void
note(struct told *t, const void *record, size_t size)
{
	const uint8_t *b = record;
	uint64_t hash = 14695981039346656037u;
	size_t i;

	for (i = 0; i < size; i++)
		hash = (hash ^ b[i]) * 1099511628211u;
	if (t->n == t->room) {
		t->room = t->room ? 2 * t->room : 1024;
		t->hash = realloc(t->hash, t->room * sizeof *t->hash);
		if (!t->hash)
			abort();
	}
	t->hash[t->n++] = hash;
}

static void
on_flow(void *aux, const struct flow_record *r)
{
	struct told *t = aux;

	t->flows++;
	went_back += r->ended < r->started;
	note(t, r, sizeof *r);
}

static void
on_gap(void *aux, const struct gap_record *g)
{
	struct told *t = aux;

	t->gaps++;
	note(t, g, sizeof *g);
}

static void
on_conflict(void *aux, const struct conflict_record *c)
{
	struct told *t = aux;

	t->conflicts++;
	note(t, c, sizeof *c);
}

/* --- ways --- */

static struct port *
open_port(const char *spec, bool rx_only)
{
	const struct port_conf c = { .name = rx_only ? "in" : "far",
				     .spec = spec,
				     .n_queues = 1,
				     .rx_only = rx_only,
				     .pool = pools.frames };
	struct err err = { 0 };
	struct port *p = port_new(&c, &err);

	CU_ASSERT_PTR_NOT_NULL_FATAL(p);
	if (port_open(p, &err) != 0)
		printf("# %s\n", err.msg);
	return p;
}

static void
source_open(struct source *s, enum way way, const char *path)
{
	char spec[512];
	struct err err = { 0 };

	*s = (struct source){ .way = way };
	snprintf(spec, sizeof spec, "pcap:%s", path);
	if (way == WAY_PCAP)
		s->port = open_port(spec, true);
	else if (capfile_open(path, &s->file, &err) != 0)
		printf("# %s\n", err.msg);
	if (way == WAY_RING) {
		s->port = open_port("ring:same", true);
		s->far = open_port("ring:same", false);
		port_poll_link(s->port);
		port_poll_link(s->far);
	}
}

static void
source_close(struct source *s)
{
	port_free(s->far);
	port_free(s->port);
	capfile_close(s->file);
}

static struct rte_mbuf *
from_file(struct source *s)
{
	struct rte_mbuf *m;
	struct err err = { 0 };

	return capfile_read(s->file, &pools, 1, &m, 1, &err) == 1 ? m : NULL;
}

static struct rte_mbuf *
from_port(struct source *s)
{
	while (s->next == s->n) {
		s->next = 0;
		s->n = port_rx(s->port, 0, s->got, &s->drops);
		if (s->n == 0 && (s->way == WAY_RING || port_at_end(s->port)))
			return NULL;
	}
	return s->got[s->next++];
}

static struct rte_mbuf *
receive(struct source *s)
{
	struct rte_mbuf *m;

	if (s->way == WAY_FILE)
		return from_file(s);
	if (s->way == WAY_RING && (m = from_file(s)) != NULL)
		port_tx(s->far, 0, &m, 1, &s->drops);
	return from_port(s);
}

/* The next frame, which stays the source's; its time goes on with the capture's. */
static struct rte_mbuf *
look_ahead(struct source *s)
{
	usec_t at = { 0 };

	if (s->ahead)
		return s->ahead;
	s->ahead = receive(s);
	if (!s->ahead)
		return NULL;
	CU_ASSERT_TRUE(captured_at(s->ahead, &at));
	s->ahead_at = captured_forward(&s->clock, at.v);
	captured_take(&s->clock, s->ahead_at);
	captured_mark(s->ahead, s->ahead_at, captured_cut(s->ahead));
	return s->ahead;
}

/* --- the worker --- */

static void
pass_time(usec_t to)
{
	while (usec_before(now, to)) {
		usec_t due = tcpterm_next(worker[0]->stack), next = usec_add(now, SPAN_US);

		now = usec_min(usec_before(next, due) ? due : next, to);
		clock_replay(now);
		worker_feed(worker[0], NULL, 0, now);
	}
}

static void
feed_all(struct source *s)
{
	struct rte_mbuf *m[PORT_BURST];

	while (look_ahead(s)) {
		usec_t first = s->ahead_at, last = first;
		unsigned n = 0;

		went_back += usec_before(first, now);
		while (n < PORT_BURST && look_ahead(s) && usec_diff(s->ahead_at, first) < SPAN_US) {
			last = s->ahead_at;
			s->ahead->port = 0;
			m[n++] = s->ahead;
			s->ahead = NULL;
		}
		pass_time(first);
		worker_feed(worker[0], m, n, first);
		now = last;
	}
}

static void
end_flows(void)
{
	struct flow *f[N_KILLS];
	uint64_t cursor = 0;

	pass_time(usec_add(now, SETTLE_US));
	do {
		unsigned i, n = tcpterm_walk(worker[0]->stack, &cursor, f, N_KILLS);

		for (i = 0; i < n; i++)
			tcpterm_kill(worker[0]->stack, f[i], TCPTERM_END_ABORTED);
	} while (cursor != 0);
}

static void
follow(enum way way, const char *path, struct told *t)
{
	static struct options o;
	struct journal_reader reader = {
		.aux = t, .flow = on_flow, .gap = on_gap, .conflict = on_conflict
	};
	struct active active = { 0 };
	struct worker_conf c = { .n_workers = 1, .pools = &pools, .active = &active };
	struct err err = { 0 };
	char *errors = NULL;
	struct source s;

	o = (struct options){ .n_ports = 1, .n_workers = 1 };
	o.port[0] = (struct port_option){ .name = "capture", .spec = "ring:x", .copy = true };
	*t = (struct told){ 0 };
	c.replay = true;
	c.n_held_max = N_MBUFS / 2;
	c.n_flows = 1 << 18;
	c.ports = ports_new(&o, 1, pools.frames, &err);
	c.journal = journal_new(NULL, 1, 64, &err);
	journal_read_by(c.journal, &reader);
	journal_read_at_once(c.journal);
	source_open(&s, way, path);
	CU_ASSERT_EQUAL_FATAL(active_init(&active, 1, NULL, c.ports, &err), 0);
	CU_ASSERT_EQUAL_FATAL(active_start(&active, "test", "default passive\n", &errors), 0);
	now = (usec_t){ 0 };
	if (look_ahead(&s))
		now = s.ahead_at;
	clock_replay(now);
	CU_ASSERT_EQUAL_FATAL(workers_new(&c, worker, &err), 0);
	feed_all(&s);
	end_flows();
	workers_free(worker, 1);
	active_fini(&active);
	journal_free(c.journal);
	ports_free(c.ports);
	source_close(&s);
	CU_ASSERT_EQUAL(pool_in_use(pools.frames), 0);
	CU_ASSERT_EQUAL(pool_in_use(pools.headers), 0);
	CU_ASSERT_EQUAL(pool_in_use(pools.refs), 0);
}

/* --- judging --- */

static bool
is_same(const struct told *a, const struct told *b, const char *name)
{
	size_t i = 0;

	while (i < a->n && i < b->n && a->hash[i] == b->hash[i])
		i++;
	if (i == a->n && i == b->n)
		return true;
	printf("# %s: %zu records, not %zu; the first that differs is %zu\n", name, b->n, a->n, i);
	return false;
}

/* All ways in; adds up what the first told. */
static bool
judge(const char *path, struct told *sum)
{
	struct told t[N_WAYS];
	bool good = true;
	enum way w;

	for (w = 0; w < N_WAYS; w++) {
		follow(w, path, &t[w]);
		good &= is_same(&t[0], &t[w], way_names[w]);
	}
	sum->flows += t[0].flows;
	sum->gaps += t[0].gaps;
	sum->conflicts += t[0].conflicts;
	for (w = 0; w < N_WAYS; w++)
		free(t[w].hash);
	return good;
}

static void
begin(void)
{
	const struct pool_conf c = { .n_frames = N_MBUFS, .n_headers = N_MBUFS, .n_refs = N_MBUFS };
	struct err err;

	CU_ASSERT_EQUAL_FATAL(test_eal_init(), 0);
	CU_ASSERT_EQUAL_FATAL(captured_init(), 0);
	log_set("warn", NULL);
	CU_ASSERT_EQUAL_FATAL(pools_new(&pools, &c, &err), 0);
}

static void
conclude(const struct told *sum)
{
	printf("# %" PRIu64 " flows, %" PRIu64 " gaps, %" PRIu64 " conflicts by each way\n",
	       sum->flows, sum->gaps, sum->conflicts);
	CU_ASSERT_EQUAL(went_back, 0);
	pools_free(&pools);
}

/* The clock jumps back by `jump` in the midst, and by 300 ms, which is no jump, before. */
static void
shift_times(struct truth *t, int64_t jump)
{
	unsigned i;

	for (i = t->n_frames / 4; i < t->n_frames; i++)
		t->frame[i].at += 900 * 1000000 - 300 * 1000;
	for (i = t->n_frames / 2; i < t->n_frames; i++)
		t->frame[i].at -= jump;
}

static void
flow_records_are_the_same_by_file_pcap_port_and_ring(void)
{
	char folder[] = "/tmp/leat-same-XXXXXX", path[64], command[64];
	struct told sum = { 0 };
	uint64_t seed, failed = 0;
	struct truth t;

	CU_ASSERT_PTR_NOT_NULL_FATAL(mkdtemp(folder));
	begin();
	for (seed = 1; seed <= SEEDS; seed++) {
		truth_make(&t, seed, TRUTH_FIRST);
		shift_times(&t, seed % 3 * 400 * 1000000);
		CU_ASSERT_EQUAL(truth_write(&t, folder), 0);
		truth_free(&t);
		snprintf(path, sizeof path, "%s/%" PRIu64 ".pcap", folder, seed);
		if (!judge(path, &sum)) {
			printf("# seed %" PRIu64 "\n", seed);
			failed++;
		}
	}
	CU_ASSERT_EQUAL(failed, 0);
	CU_ASSERT_TRUE(sum.flows > SEEDS && sum.gaps > SEEDS && sum.conflicts > SEEDS / 4);
	conclude(&sum);
	snprintf(command, sizeof command, "rm -r %s", folder);
	CU_ASSERT_EQUAL(system(command), 0);
}

static const char *named;

static void
flow_records_of_the_capture_are_the_same(void)
{
	struct told sum = { 0 };

	begin();
	CU_ASSERT_TRUE(judge(named, &sum));
	conclude(&sum);
}

int
main(int argc, char **argv)
{
	static const struct tap_test generated[] = {
		TAP_CHECK(I8, flow_records_are_the_same_by_file_pcap_port_and_ring),
	};
	static const struct tap_test one[] = {
		TAP_CHECK(I8, flow_records_of_the_capture_are_the_same),
	};

	if (argc == 2 && access(argv[1], R_OK) == 0) {
		named = argv[1];
		return tap_run("same", one, 1, 1, argv);
	}
	return tap_run("same", generated, 1, argc, argv);
}
