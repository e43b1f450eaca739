#include "tests/bench/lib/pairs.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include <rte_cycles.h>

#include "tests/bench/lib/bed.h"
#include "tests/bench/lib/gauge.h"
#include "tests/bench/lib/joined.h"
#include "tests/bench/lib/places.h"

enum {
	TURN_US = 20,
	LONG_TURN = 1000 * 1000,	/* cycles: it was interrupted */
	RECORDS = 4096,
	QUIET_TURNS = 100,
	QUIET_US = 20 * 1000,
};

#define SPREAD SPREAD_MIXED

struct pairs {
	struct bed bed;
	struct drops drops;
	usec_t now;
	uint32_t n;
	uint64_t cycles;
	uint64_t n_good, n_bad;		/* payloads that came out */
	uint64_t n_rows, n_wrong_rows;
	uint64_t counted;
	bool asked;
};

/* --- what comes out --- */

/* A frame that came out at end `end` is of the other. */
static void
look_at(struct pairs *s, struct rte_mbuf *m, unsigned end)
{
	const struct parse_conf conf = { 0 };
	uint8_t is[PLACES_PAYLOAD], expected[PLACES_PAYLOAD];
	const uint8_t *at;
	struct pkt p;

	if (pkt_parse(&p, m, &conf) != PKT_TCP || p.cksum_bad)
		s->n_bad++;
	else if (p.payload_len > 0) {
		if (end == CLIENT) {
			p.dst = p.src;
			p.dport = p.sport;
		}
		place_payload(place_of(SPREAD, &p), end == CLIENT, expected);
		at = p.payload_len == PLACES_PAYLOAD
			     ? rte_pktmbuf_read(m, p.payload, PLACES_PAYLOAD, is)
			     : NULL;
		if (at && memcmp(at, expected, PLACES_PAYLOAD) == 0)
			s->n_good++;
		else
			s->n_bad++;
	}
	rte_pktmbuf_free(m);
}

static void
receive(struct pairs *s)
{
	struct rte_mbuf *m[PORT_BURST];
	unsigned n;

	for (unsigned end = 0; end < 2; end++) {
		struct port *p = end == CLIENT ? s->bed.client[0] : s->bed.server[0];

		while ((n = port_rx(p, 0, m, &s->drops)) > 0)
			for (unsigned i = 0; i < n; i++)
				look_at(s, m[i], end);
	}
}

/* Each connection's row: its rule, its end, and its bytes. */
static void
row_came(void *aux, const struct flow_record *r)
{
	struct pairs *s = aux;

	s->n_rows++;
	if (strcmp(r->rule, "all") != 0 || strcmp(r->reason, "fin") != 0 ||
	    r->direction[RECORD_UP].bytes != PLACES_PAYLOAD ||
	    r->direction[RECORD_DOWN].bytes != PLACES_PAYLOAD)
		s->n_wrong_rows++;
}

/* --- turns --- */

static unsigned
turn(struct pairs *s, int64_t us)
{
	uint64_t from;
	unsigned n;

	s->now = usec_add(s->now, us);
	from = rte_rdtsc_precise();
	n = worker_turn(s->bed.worker, s->now);
	from = rte_rdtsc_precise() - from;
	if (n > 0 && from < LONG_TURN)
		s->cycles += from;
	return n;
}

/* One segment of up to a burst of connections from `first` on, and what comes of it. */
static void
step(struct pairs *s, const struct place_segment *seg, uint32_t first, uint32_t n)
{
	struct rte_mbuf *m[PORT_BURST];

	for (uint32_t k = 0; k < n; k++) {
		m[k] = rte_pktmbuf_alloc(s->bed.pools.frames);
		if (!m[k]) {
			s->n_bad += n - k;
			n = k;
			break;
		}
		place_frame(m[k], SPREAD, false, first + k, seg);
	}
	port_tx(seg->dir ? s->bed.server[0] : s->bed.client[0], 0, m, n, &s->drops);
	while (turn(s, TURN_US) > 0)
		receive(s);
}

static void
steps(struct pairs *s, const struct place_segment *seg, unsigned n_steps, const char *doing)
{
	struct err err;

	for (uint32_t i = 0; i < s->n; i += PORT_BURST) {
		uint32_t some = RTE_MIN(s->n - i, (uint32_t)PORT_BURST);

		for (unsigned k = 0; k < n_steps; k++)
			step(s, &seg[k], i, some);
		journal_drain(s->bed.conf.journal, RECORDS, &err);
		gauge_progress(doing, i, s->n);
	}
}

/* --- phases --- */

static void
counted(void *aux, uint64_t n)
{
	((struct pairs *)aux)->counted += n;
}

static void
answered(void *aux, int rc)
{
	struct pairs *s = aux;

	s->asked = false;
	s->n_bad += rc != 0;
}

/* As `flow count` asks. */
static void
ask(struct pairs *s)
{
	const struct flows_question q = { .counted = counted, .done = answered, .aux = s };

	s->asked = flows_ask(s->bed.conf.flows, &q) == 0;
	while (s->asked) {
		turn(s, TURN_US);
		flows_run(s->bed.conf.flows, s->now);
	}
}

static void
measure(struct pairs *s, uint64_t before)
{
	const struct gauge_row row = { .what = "pair", .mark = "\"in\":\"leatd\"", .n = s->n };
	double hz = (double)rte_get_tsc_hz();

	steps(s, place_opening, PLACE_OPENING, "open");
	gauge_figure(&row, "opened_per_second", s->n * hz / (double)s->cycles);
	for (unsigned i = 0; i < QUIET_TURNS; i++)
		turn(s, QUIET_US);
	gauge_bytes(&row, gauge_resident() - before);
	ask(s);
	s->cycles = 0;
	steps(s, place_closing, PLACE_CLOSING, "close");
	gauge_figure(&row, "closed_per_second", s->n * hz / (double)s->cycles);
}

/* Everything that is still held once TIME-WAIT is over. */
static uint64_t
left_over(struct pairs *s)
{
	const struct worker *w = s->bed.worker;
	struct journal_status st;
	struct notes_room room;

	for (uint32_t i = 0; i < 600 || (w->tcp->n_flows[TCPTERM_KIND_TIMEWAIT] > 0 && i < s->n);
	     i++)
		turn(s, 1000 * 1000);
	notes_room(w->notes, &room);
	journal_status(s->bed.conf.journal, &st);
	/* the one listener is the worker's own */
	return stack_left(w->stack) - 1 + room.n + st.lost + st.waiting +
	       pool_in_use(s->bed.pools.frames) + pool_in_use(s->bed.pools.headers);
}

static bool
judge(struct pairs *s)
{
	const struct drops *d[] = { &s->drops, &s->bed.worker->drops, s->bed.worker->tcp_drops };
	uint64_t left = left_over(s), dropped = 0;

	for (unsigned i = 0; i < RTE_DIM(d); i++)
		for (unsigned k = DROP_NONE + 1; k < DROP_N; k++)
			dropped += k == DROP_proxy_consumed ? 0 : d[i]->n[k];
	if (s->n_bad == 0 && s->n_good == 2ull * s->n && s->n_rows == s->n &&
	    s->n_wrong_rows == 0 && s->counted == s->n && left == 0 && dropped == 0)
		return true;
	fprintf(stderr,
		"scale: %u pairs: %" PRIu64 " payloads as sent, %" PRIu64 " not; %" PRIu64
		" rows, %" PRIu64 " of them wrong; %" PRIu64 " counted; %" PRIu64 " left, %" PRIu64
		" dropped\n",
		s->n, s->n_good, s->n_bad, s->n_rows, s->n_wrong_rows, s->counted, left, dropped);
	return false;
}

bool
pairs_run(const struct pools *pools, uint32_t n)
{
	const struct bed_conf conf = {
		.pools = pools,
		.policy = "rule all: proxy proto tcp to any\ndefault pass\n",
		.n_frames = pools->frames->size,
		.n_flows = n,
		.n_records = RECORDS,
	};
	static struct pairs s;
	const struct journal_reader reader = { .aux = &s, .flow = row_came };
	uint64_t before = gauge_resident();
	struct err err = { "" };
	bool good;

	gauge_stage(NULL, "pair in leatd");
	s = (struct pairs){ .n = n };
	if (bed_make(&s.bed, &conf, &err) != 0) {
		fprintf(stderr, "scale: %s\n", err.msg);
		return false;
	}
	journal_read_by(s.bed.conf.journal, &reader);
	s.now = clock_now();
	measure(&s, before);
	good = judge(&s);
	bed_end(&s.bed);
	return good;
}
