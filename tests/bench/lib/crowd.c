#include "tests/bench/lib/crowd.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "tests/bench/lib/places.h"

#include <tcpterm/stack.h>

enum { BURST = 32, TURN_US = 50 };

#define SPREAD SPREAD_MIXED

struct crowd {
	const struct pools *pools;
	struct tcpterm *s;
	enum tcpterm_decision decision;
	bool v6;
	usec_t now;
	uint64_t n_good, n_bad;		/* payloads that came out, or were delivered */
};

static const char *const what[TCPTERM_N_KINDS] = {
	[TCPTERM_KIND_RELAY] = "pair",
	[TCPTERM_KIND_TRACK] = "tracked",
	[TCPTERM_KIND_PASSIVE] = "passive",
	[TCPTERM_KIND_TIMEWAIT] = "timewait",
};

/* --- what comes out --- */

static void
compare(struct crowd *c, uint32_t i, unsigned dir, const struct rte_mbuf *m, uint32_t off,
	uint32_t len)
{
	uint8_t is[PLACES_PAYLOAD], expected[PLACES_PAYLOAD];
	const uint8_t *at = len == PLACES_PAYLOAD ? rte_pktmbuf_read(m, off, len, is) : NULL;

	place_payload(i, dir, expected);
	if (at && memcmp(at, expected, PLACES_PAYLOAD) == 0)
		c->n_good++;
	else
		c->n_bad++;
}

/* A frame that leaves by `side` goes in direction `side` ^ 1. */
static void
left(struct crowd *c, struct rte_mbuf *m)
{
	const struct parse_conf conf = { 0 };
	struct pkt p;
	unsigned dir;

	if (pkt_parse(&p, m, &conf) == PKT_TCP && p.payload_len > 0) {
		dir = p.sport < p.dport;	/* the servers' ports are the lower ones */
		if (dir) {
			p.dst = p.src;
			p.dport = p.sport;
		}
		compare(c, place_of(SPREAD, &p), dir, m, p.payload, p.payload_len);
	}
	rte_pktmbuf_free(m);
}

static void
tx(void *ctx, uint16_t domain, uint8_t side, struct rte_mbuf *m)
{
	(void)domain, (void)side;
	left(ctx, m);
}

static void
forward(void *ctx, const struct pkt *p)
{
	left(ctx, p->m);
}

static void
delivered(void *ctx, struct flow *f, unsigned dir, uint64_t offset, const struct rte_mbuf *m,
	  uint32_t m_off, uint32_t len)
{
	(void)offset;
	compare(ctx, (uint32_t)f->cookie, dir, m, m_off, len);
}

static struct tcpterm_verdict
decide(void *ctx, const struct tcpterm_syn *syn)
{
	const struct crowd *c = ctx;

	return (struct tcpterm_verdict){ .decision = c->decision,
					 .cookie = place_of(SPREAD, syn->pkt),
					 .copy = true };
}

/* --- what goes in --- */

/* One step of up to BURST flows from `first` on. */
static void
step(struct crowd *c, const struct place_segment *seg, uint32_t first, uint32_t n)
{
	const struct parse_conf conf = { .side = seg->dir };
	struct pkt p[BURST];

	for (uint32_t k = 0; k < n; k++) {
		struct rte_mbuf *m = rte_pktmbuf_alloc(c->pools->frames);

		place_frame(m, SPREAD, c->v6, first + k, seg);
		pkt_parse(&p[k], m, &conf);
	}
	c->now = usec_add(c->now, TURN_US);
	tcpterm_input(c->s, p, n, c->now);
	tcpterm_run(c->s, c->now);
}

static void
steps(struct crowd *c, const struct place_segment *st, unsigned n_steps, uint32_t first, uint32_t n)
{
	for (unsigned i = 0; i < n_steps; i++)
		step(c, &st[i], first, n);
}

/* --- the run --- */

static struct tcpterm *
stack(struct crowd *c, bool waits, uint32_t n)
{
	static const struct tcpterm_passive_ops passive = { .data = delivered };
	static const struct tcpterm_ops ops = { .tx = tx, .forward = forward, .passive = &passive };
	const struct tcpterm_conf conf = {
		.ops = &ops,
		.ctx = c,
		.payload_pool = c->pools->frames,
		.header_pool = c->pools->headers,
		.n_flows = waits ? 4 * BURST : n,
		.n_timewaits = n,
		.secret = { 1, 2 },
	};
	const struct tcpterm_listener_conf any = {
		.select = { .src_port = { 0, 65535 }, .dst_port = { 0, 65535 } },
		.filter = decide,
		.ctx = c,
	};
	struct err err;
	tcpterm_listener_id id;
	struct tcpterm *s = tcpterm_new(&conf, c->now, &err);

	if (!s || tcpterm_listen(s, &any, &id) != 0) {
		fprintf(stderr, "scale: no stack for %u flows\n", n);
		tcpterm_free(s);
		return NULL;
	}
	return s;
}

static bool
judge(const struct crowd *c, enum tcpterm_kind kind, uint32_t n)
{
	const struct tcpterm_stats *st = tcpterm_stats(c->s);

	if (c->n_bad == 0 && c->n_good == 2ull * n && st->n_flows[kind] == n)
		return true;
	fprintf(stderr,
		"scale: %s: %" PRIu64 " payloads as sent, %" PRIu64 " not; %u of %u flows\n",
		what[kind], c->n_good, c->n_bad, st->n_flows[kind], n);
	return false;
}

bool
crowd_run(const struct pools *pools, enum tcpterm_kind kind, bool v6, uint32_t n)
{
	const struct gauge_row row = { .what = what[kind], .mark = v6 ? "\"ip\":6" : NULL, .n = n };
	struct crowd c = {
		.pools = pools,
		.v6 = v6,
		.decision = kind == TCPTERM_KIND_TRACK	   ? TCPTERM_TRACK
			    : kind == TCPTERM_KIND_PASSIVE ? TCPTERM_PASSIVE
							   : TCPTERM_RELAY,
		.now = { 1000 * 1000 },
	};
	uint64_t before = gauge_resident();
	uint32_t i;
	bool good;

	gauge_stage(NULL, what[kind]);
	c.s = stack(&c, kind == TCPTERM_KIND_TIMEWAIT, n);
	if (!c.s)
		return false;
	for (i = 0; i < n; i += BURST) {
		uint32_t some = RTE_MIN(n - i, (uint32_t)BURST);

		steps(&c, place_opening, PLACE_OPENING, i, some);
		if (kind == TCPTERM_KIND_TIMEWAIT)
			steps(&c, place_closing, PLACE_CLOSING, i, some);
		gauge_progress("open", i, n);
	}
	gauge_bytes(&row, gauge_resident() - before);
	good = judge(&c, kind, n);
	tcpterm_free(c.s);
	if (pool_in_use(pools->frames) + pool_in_use(pools->headers) > 0) {
		fprintf(stderr, "scale: %s: mbufs are left\n", what[kind]);
		good = false;
	}
	return good;
}
