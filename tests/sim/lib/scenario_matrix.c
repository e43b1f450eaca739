/*
 * The matrix: every dimension is drawn by itself, each absent in about half of the seeds, so that
 * any few of them meet without the rest.
 */
#include "tests/sim/lib/rng.h"
#include "tests/sim/lib/scenario.h"

enum {
	MSS_MIN = 88,
	MSS_MAX = 8940,			/* an IPv6 packet of 9,000 bytes */
	BUFFER_MIN = 512,
	BUFFER_MAX = 1 << 20,
	SEGMENTS_MAX = 600,		/* of a transfer, and ... */
	BYTES_MAX = 600000,
};

/* A probability of at most `percent`, or none. */
static double
odds(struct rng *r, int64_t percent)
{
	return rng_chance(r, 0.5) ? (double)rng_range(r, 1, percent * 10) / 1000 : 0;
}

static void
draw_pipe(struct rng *r, struct pipe_config *p, bool corrupt)
{
	*p = (struct pipe_config){
		.loss = odds(r, 20),
		.reorder = odds(r, 30),
		.duplicate = odds(r, 20),
		.mark = odds(r, 30),
		.delay_us = rng_log_range(r, 10, 100000),
		.quantum_us = rng_chance(r, 0.3) ? rng_range(r, 1, 2000) : 0,
	};
	if (rng_chance(r, 0.5))
		p->jitter_us = rng_log_range(r, 1, p->delay_us * 2);
	if (rng_chance(r, 0.3)) {
		p->rate = (uint64_t)rng_log_range(r, 20000, 20000000);
		p->queue = (unsigned)rng_log_range(r, 2, 200);
	}
	/* At most once on a way: two flips can make up for each other. */
	p->corrupt = corrupt ? odds(r, 10) : 0;
}

static void
draw_wire(struct scenario *sc, struct rng *r)
{
	struct wire_config *w = &sc->wire;
	bool first, calm = rng_chance(r, 0.3);	/* one leg is spared */
	int i, spared = (int)rng_below(r, 2);

	w->n_blackouts = rng_chance(r, 0.1) ? 1 : 0;
	w->blackout[0].leg = (int)rng_below(r, 2);
	w->blackout[0].from_us = rng_log_range(r, 1, 2000000);
	w->blackout[0].until_us = w->blackout[0].from_us + rng_log_range(r, 1000, 5000000);
	for (i = 0; i < 2; i++) {	/* direction i comes by leg i and leaves by the other */
		first = rng_chance(r, 0.5);
		draw_pipe(r, &w->pipe[i * 2 + WIRE_TO_BOX], first);
		draw_pipe(r, &w->pipe[(1 - i) * 2 + WIRE_FROM_BOX], !first);
	}
	for (i = 0; i < 2 && calm; i++)
		w->pipe[spared * 2 + i] = (struct pipe_config){ .delay_us = rng_range(r, 10, 500) };
}

static void
draw_end(struct rng *r, struct endpoint_config *e)
{
	e->mss = (uint16_t)(rng_chance(r, 0.05) ? 0 : rng_log_range(r, MSS_MIN, MSS_MAX));
	e->wscale = rng_chance(r, 0.3) ? -1 : (int)rng_range(r, 0, 14);
	e->timestamps = rng_chance(r, 0.5);
	e->sack = rng_chance(r, 0.6);
	e->ecn = rng_chance(r, 0.5);
	e->sndbuf = (uint32_t)rng_log_range(r, BUFFER_MIN, BUFFER_MAX);
	e->rcvbuf = (uint32_t)rng_log_range(r, BUFFER_MIN, BUFFER_MAX);
	while (e->wscale > 0 && (8u << e->wscale) > e->rcvbuf)
		e->wscale--;
	if (e->wscale < 0 && e->rcvbuf > 65535)
		e->rcvbuf = 65535;
	e->delack_us = rng_chance(r, 0.5) ? rng_range(r, 1, 500) * 1000 : 0;
	e->nagle = rng_chance(r, 0.5);
	e->gso_segs = rng_chance(r, 0.2) ? (unsigned)rng_range(r, 2, 40) : 1;
}

static void
draw_actor(struct rng *r, struct actor_config *a, uint32_t mss)
{
	uint64_t most = (uint64_t)mss * SEGMENTS_MAX;
	int64_t chunks;

	if (most > BYTES_MAX)
		most = BYTES_MAX;
	a->total_out = rng_chance(r, 0.1) ? 0 : (uint64_t)rng_log_range(r, 1, (int64_t)most);
	a->write_chunk = (size_t)rng_log_range(r, 16, 65536);
	a->read_chunk = (size_t)rng_log_range(r, 16, 65536);
	chunks = (int64_t)(a->total_out / a->write_chunk) + 1;
	a->write_pause_us = rng_chance(r, 0.3) ? rng_range(r, 1, 10000000 / chunks) : 0;
	a->read_pause_us = rng_chance(r, 0.2) ? rng_log_range(r, 100, 100000) : 0;
	if (a->read_pause_us && a->read_chunk < 256)
		a->read_chunk = 256;
	a->stall_at = rng_below(r, a->total_out + 1);
	a->stall_us = rng_chance(r, 0.1) ? rng_log_range(r, 1000, 30000000) : 0;
}

/* Urgent data, if few enough wait that the pointer reaches the last of them. */
static void
draw_urgent(struct rng *r, struct endpoint_config *e)
{
	unsigned every = (unsigned)rng_log_range(r, 1, 50);

	if (!rng_chance(r, 0.15))
		return;
	e->urgent_every = every;
	e->gso_segs = 1;	/* a super-segment has one pointer for all its parts */
	e->sndbuf = e->sndbuf < 60000 ? e->sndbuf : 60000;
}

static void
draw_flow(struct rng *r, struct scenario_flow *f)
{
	uint32_t mss;
	int i, ends = (int)rng_below(r, 10);

	for (i = 0; i < 2; i++) {
		draw_end(r, &f->ep[i]);
		draw_urgent(r, &f->ep[i]);
	}
	mss = f->ep[0].mss < f->ep[1].mss ? f->ep[0].mss : f->ep[1].mss;
	for (i = 0; i < 2; i++) {
		draw_actor(r, &f->actor[i], mss ? mss : 536);
		f->actor[i].close_after_eof = ends < 4 && i == ends % 2;
		f->actor[i].aborts = (ends == 8 && i == (int)rng_below(r, 2)) || ends == 9;
		f->aborts |= f->actor[i].aborts;
		f->actor[i].abort_us = rng_log_range(r, 1, 5000000);
	}
	for (i = 0; i < 2; i++) {
		f->actor[i].abort_at =
			rng_below(r, f->actor[0].total_out + f->actor[1].total_out + 2);
		f->ep[i].keepalive_us = f->aborts ? 20000000 : 0;
	}
}

static void
make_large(struct scenario_flow *f, unsigned i, struct rng *r)
{
	struct endpoint_config *e = &f->ep[i];

	e->id.df = !e->id.v6;
	e->mss = (uint16_t)rng_log_range(r, 1200, MSS_MAX);
	e->sndbuf = e->rcvbuf = 65535;
	if (f->actor[i].total_out > 100)	/* and not only a few bytes */
		f->actor[i].total_out = (uint64_t)rng_range(r, 10000, 200000);
	f->actor[i].write_chunk = 20000;
	f->actor[i].write_pause_us = 0;
}

/*
 * A link behind the box that is narrower than its port, and ends that would send more.  Only who
 * sends into it is told, or nobody (RFC 2923 2.1), and a plain end does not listen.
 */
static void
draw_narrow(struct scenario *sc, struct rng *r)
{
	struct pipe_config *p = &sc->wire.pipe[rng_below(r, 2) * 2 + WIRE_FROM_BOX];
	bool narrow = rng_chance(r, 0.2), v6 = false;
	unsigned k, i;

	if (!narrow || sc->box.mode != BOX_PROXY)
		return;
	for (k = 0; k < sc->n_flows; k++)
		for (i = 0; i < 2; i++) {
			v6 |= sc->flow[k].ep[i].id.v6;
			make_large(&sc->flow[k], i, r);
		}
	p->mtu = (unsigned)rng_log_range(r, v6 ? 1280 : 576, sc->box.mtu[0]);
	p->silent = rng_chance(r, 0.4);
}

void
scenario_matrix(struct scenario *sc, struct rng *r)
{
	static const unsigned pools[] = { 64, 1024, 1024, 1024 }, mtus[] = { 1500, 9000 };
	unsigned k;

	draw_wire(sc, r);
	for (k = 0; k < sc->n_flows; k++)
		draw_flow(r, &sc->flow[k]);
	sc->box.n_mbufs = pools[rng_below(r, 4)];
	sc->box.mtu[0] = mtus[rng_below(r, 2)];
	sc->box.mtu[1] = rng_chance(r, 0.8) ? sc->box.mtu[0] : mtus[rng_below(r, 2)];
	sc->chains = rng_chance(r, 0.3);
	draw_narrow(sc, r);
}
