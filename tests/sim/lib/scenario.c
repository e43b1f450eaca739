#include "tests/sim/lib/scenario.h"

#include <string.h>

#include "tests/sim/lib/rng.h"

enum {
	BASE_PORT = 20000,
	SEGMENTS_MAX = 1500,		/* of a transfer on an impaired wire */
	SEGMENTS_CLEAN = 6000,
};

const char *const scenario_names[SCENARIO_CLASSES] = {
	[SC_CLEAN] = "clean_wire",
	[SC_LOSS] = "loss",
	[SC_REORDER] = "reordering",
	[SC_DUPLICATE] = "duplication",
	[SC_CORRUPT] = "one_bit_corruption",
	[SC_BLACKOUT] = "blackouts_of_2_s",
	[SC_RATE] = "slow_link_with_short_queue",
	[SC_TINY_MSS] = "mss_from_88",
	[SC_JUMBO] = "mss_to_9000",
	[SC_NO_OPTIONS] = "options_missing",
	[SC_SMALL_WINDOWS] = "small_windows",
	[SC_SLOW_READER] = "zero_windows",
	[SC_HALF_CLOSE] = "half_close",
	[SC_ABORT] = "abort",
	[SC_REFUSED] = "refused",
	[SC_BULK] = "bulk_both_ways",
	[SC_CHAINS] = "mbuf_chains",
	[SC_GSO] = "super_segments",
	[SC_TAGS] = "vlan_tags",
	[SC_SMALL_POOL] = "pool_of_64_mbufs",
	[SC_WRAP] = "sequence_wrap",
	[SC_MANY] = "several_flows",
	[SC_EVERYTHING] = "everything_at_once",
	[SC_ECN] = "congestion_marks",
	[SC_MATRIX] = "matrix",
};

/* What the matrix does not draw for itself. */
static bool crosses(enum scenario_class class)
{
	return class == SC_TAGS || class == SC_MANY || class == SC_REFUSED || class == SC_WRAP ||
	       class == SC_GSO;
}

/* Is the class on, be it alone or, by the odds given, as part of everything, or of the matrix? */
static bool
on(const struct scenario *sc, struct rng *r, enum scenario_class class, double odds)
{
	bool drawn = rng_chance(r, odds);

	return sc->class == class || (drawn && (sc->class == SC_EVERYTHING ||
						(sc->class == SC_MATRIX && crosses(class))));
}

static void
make_pipe(const struct scenario *sc, struct rng *r, struct pipe_config *p)
{
	p->delay_us = rng_log_range(r, 20, 50000);
	p->jitter_us = rng_chance(r, 0.5) ? rng_range(r, 0, p->delay_us) : 0;
	p->quantum_us = rng_chance(r, 0.5) ? rng_range(r, 1, 200) : 0;
	if (on(sc, r, SC_LOSS, 0.4) || on(sc, r, SC_WRAP, 0.3) || on(sc, r, SC_SMALL_POOL, 0.3))
		p->loss = (double)rng_range(r, 0, 20) / 100;
	if (on(sc, r, SC_REORDER, 0.4))
		p->reorder = (double)rng_range(r, 0, 30) / 100;
	if (on(sc, r, SC_DUPLICATE, 0.4))
		p->duplicate = (double)rng_range(r, 0, 20) / 100;
	if (on(sc, r, SC_CORRUPT, 0.4))
		p->corrupt = (double)rng_range(r, 0, 10) / 100;
	if (on(sc, r, SC_ECN, 0.3))
		p->mark = (double)rng_range(r, 0, 30) / 100;
	if (on(sc, r, SC_RATE, 0.2)) {
		p->rate = (uint64_t)rng_log_range(r, 20000, 10000000);
		p->queue = (unsigned)rng_range(r, 10, 100);
	}
}

static void
make_wire(struct scenario *sc, struct rng *r)
{
	struct wire_config *w = &sc->wire;
	int whole = (int)rng_below(r, 4), i;	/* often one leg is spared */
	unsigned k;

	for (i = 0; i < WIRE_PIPES; i++) {
		make_pipe(sc, r, &w->pipe[i]);
		if (whole == i / 2 && sc->class != SC_EVERYTHING)
			w->pipe[i].loss = w->pipe[i].corrupt = 0;
	}
	/* A frame is corrupted at most once on its way: two flips can make up for each other. */
	for (i = 0; i < 2; i++)
		w->pipe[rng_chance(r, 0.5) ? i * 2 + WIRE_TO_BOX : (1 - i) * 2 + WIRE_FROM_BOX]
			.corrupt = 0;
	if (!on(sc, r, SC_BLACKOUT, 0.3))
		return;
	w->n_blackouts = (unsigned)rng_range(r, 1, WIRE_BLACKOUTS);
	for (k = 0; k < w->n_blackouts; k++) {
		w->blackout[k].leg = (int)rng_below(r, 2);
		w->blackout[k].from_us = rng_log_range(r, 1, 4000000);
		w->blackout[k].until_us = w->blackout[k].from_us + 2000000;
	}
}

static void
make_identity(struct scenario *sc, struct rng *r, struct identity id[2], unsigned k)
{
	static const uint16_t tpids[3] = { 0x8100, 0x88a8, 0x9100 };
	bool v6 = rng_chance(r, 0.5), tagged = on(sc, r, SC_TAGS, 0.5);
	unsigned n_tags = tagged ? (unsigned)rng_range(r, sc->class == SC_TAGS, 3) : 0, t;
	uint16_t tpid, vid;
	int i;

	for (i = 0; i < 2; i++) {
		id[i].v6 = v6;
		id[i].mac[0] = 2;
		id[i].mac[5] = (uint8_t)(i + 1);
		memcpy(id[1 - i].peer_mac, id[i].mac, 6);
		for (t = 0; t < 16; t++)
			id[i].addr[t] = (uint8_t)rng_next(r);
		id[i].addr[0] = v6 ? 0x20 : 10;
		memcpy(id[1 - i].peer_addr, id[i].addr, 16);
		id[i].ttl = (uint8_t)rng_range(r, 40, 255);
		id[i].tos = (uint8_t)(rng_below(r, 64) << 2);
		id[i].df = !v6 && rng_chance(r, 0.7);
		id[i].flow_label = v6 ? (uint32_t)rng_below(r, 1 << 20) : 0;
		id[i].pad = rng_chance(r, 0.5);
		id[i].n_tags = n_tags;
	}
	id[0].port = id[1].peer_port = (uint16_t)(BASE_PORT + k);
	id[1].port = id[0].peer_port = (uint16_t)rng_range(r, 1, 1023);
	for (t = 0; t < n_tags; t++) {
		tpid = tpids[rng_below(r, 3)];
		vid = (uint16_t)rng_range(r, 1, 4094);
		for (i = 0; i < 2; i++) {	/* PCP and DEI are each end's own */
			id[i].tag[t].tpid = tpid;
			id[i].tag[t].tci = (uint16_t)(rng_below(r, 16) << 12 | vid);
		}
	}
}

static uint16_t
make_mss(struct scenario *sc, struct rng *r)
{
	if (on(sc, r, SC_TINY_MSS, 0.2))
		return (uint16_t)rng_log_range(r, 88, 536);
	if (on(sc, r, SC_JUMBO, 0.2))
		return (uint16_t)rng_range(r, 1460, 8940);
	if (on(sc, r, SC_NO_OPTIONS, 0.2) && rng_chance(r, 0.3))
		return 0;
	return (uint16_t)(rng_chance(r, 0.5) ? 1440 : rng_range(r, 536, 1440));
}

static void
make_buffers(struct scenario *sc, struct rng *r, struct endpoint_config *e)
{
	uint32_t mss = e->mss ? e->mss : 1220;

	e->sndbuf = (uint32_t)rng_log_range(r, 4096, 1 << 20);
	e->rcvbuf = (uint32_t)rng_log_range(r, 8192, 1 << 20);
	if (on(sc, r, SC_SMALL_WINDOWS, 0.3)) {
		e->sndbuf = (uint32_t)rng_log_range(r, 512, 16384);
		e->rcvbuf = (uint32_t)rng_log_range(r, 512, 8192);
	}
	if (e->rcvbuf < 2 * mss && sc->class != SC_SMALL_WINDOWS)
		e->rcvbuf = 2 * mss;
	while (e->wscale > 0 && (8u << e->wscale) > e->rcvbuf)
		e->wscale--;
	if (e->wscale < 0 && e->rcvbuf > 65535)
		e->rcvbuf = 65535;
	e->delack_us = rng_chance(r, 0.5) ? rng_range(r, 1, 200) * 1000 : 0;
	e->nagle = rng_chance(r, 0.5);
	e->gso_segs = on(sc, r, SC_GSO, 0.3) ? (unsigned)rng_range(r, 2, 40) : 1;
}

static void
make_endpoint(struct scenario *sc, struct rng *r, struct endpoint_config *e)
{
	bool sparse = on(sc, r, SC_NO_OPTIONS, 0.3);

	e->seed = rng_next(r);
	e->isn = (uint32_t)rng_next(r);
	if (on(sc, r, SC_WRAP, 0.3) || rng_chance(r, 0.1))
		e->isn = 0u - (uint32_t)rng_log_range(r, 1, 100000);
	e->mss = make_mss(sc, r);
	e->wscale = (int)rng_range(r, 0, 14);
	e->timestamps = e->sack = true;
	if (sparse || rng_chance(r, 0.2)) {
		e->wscale = rng_chance(r, 0.5) ? -1 : e->wscale;
		e->timestamps = rng_chance(r, 0.4);
		e->sack = rng_chance(r, 0.4);
	}
	e->ts_start = rng_chance(r, 0.2) ? 0u - (uint32_t)rng_range(r, 1, 20000)
					 : (uint32_t)rng_next(r);
	e->timewait_us = rng_range(r, 60, 120) * 1000000;
	e->ecn = on(sc, r, SC_ECN, 0.3);
	make_buffers(sc, r, e);
}

static uint64_t
make_size(const struct scenario *sc, struct rng *r, uint32_t mss)
{
	bool calm = sc->class == SC_CLEAN || sc->class == SC_BULK || sc->class == SC_CHAINS ||
		    sc->class == SC_GSO || sc->class == SC_TAGS;
	uint64_t most = (uint64_t)mss * (calm ? SEGMENTS_CLEAN : SEGMENTS_MAX);
	uint64_t size;

	if (most > 2 << 20)
		most = 2 << 20;
	if (sc->class == SC_BULK)
		return (uint64_t)rng_range(r, (int64_t)most / 4, (int64_t)most);
	if (rng_chance(r, 0.15))
		return 0;
	size = (uint64_t)rng_log_range(r, 1, (int64_t)most);
	if ((sc->class == SC_SLOW_READER || sc->class == SC_SMALL_WINDOWS) && size > 100000)
		size = 100000;
	return size;
}

static void
make_actor(struct scenario *sc, struct rng *r, struct scenario_flow *f, int i)
{
	struct actor_config *a = &f->actor[i];
	uint32_t mss = f->ep[0].mss < f->ep[1].mss ? f->ep[0].mss : f->ep[1].mss;
	int64_t chunks;

	a->key_out = rng_key(sc->seed, (uint64_t)f->ep[i].id.port << 20 | (uint64_t)i);
	a->total_out = make_size(sc, r, mss ? mss : 536);
	a->write_chunk = (size_t)rng_log_range(r, 16, 65536);
	a->read_chunk = (size_t)rng_log_range(r, 16, 65536);
	chunks = (int64_t)(a->total_out / a->write_chunk) + 1;
	if (rng_chance(r, 0.3))	/* at most about 10 s of pauses in all */
		a->write_pause_us = rng_range(r, 1, 10000000 / chunks);
	if (on(sc, r, SC_SLOW_READER, 0.3)) {
		a->read_chunk = (size_t)rng_log_range(r, 256, 16384);
		a->read_pause_us = rng_range(r, 1000, 100000);
		a->stall_at = rng_below(r, 50000);
		a->stall_us = rng_chance(r, 0.5) ? rng_range(r, 1, 20) * 1000000 : 0;
	}
	if (on(sc, r, SC_ABORT, 0.15) && rng_chance(r, 0.6)) {
		f->aborts = a->aborts = true;
		a->abort_at = rng_below(r, a->total_out * 2 + 2);
		a->abort_us = rng_log_range(r, 1, 5000000);
	}
}

static void
make_flow(struct scenario *sc, struct rng *r, unsigned k, const struct endpoint_ops *other)
{
	struct scenario_flow *f = &sc->flow[k];
	struct identity id[2] = { 0 };
	int i, which = (int)rng_below(r, 4);

	make_identity(sc, r, id, k);
	f->refused = on(sc, r, SC_REFUSED, 0.05);
	for (i = 0; i < 2; i++) {
		make_endpoint(sc, r, &f->ep[i]);
		f->ep[i].id = id[i];
		f->ep[i].client = i == 0;
		f->ep[i].refuse = f->refused;
		f->ops[i] = other && which == i ? other : &plain_endpoint;
	}
	/* The library's server has no tags of its own: it echoes the client's. */
	if (other && which == 1)
		memcpy(f->ep[1].id.tag, f->ep[0].id.tag, sizeof f->ep[1].id.tag);
	for (i = 0; i < 2; i++)
		make_actor(sc, r, f, i);
	for (i = 0; i < 2; i++) {
		f->actor[i].key_in = f->actor[1 - i].key_out;
		f->ep[i].keepalive_us = f->aborts ? 20000000 : 0;
	}
	if (on(sc, r, SC_HALF_CLOSE, 0.5) || rng_chance(r, 0.3))
		f->actor[rng_below(r, 2)].close_after_eof = true;
	f->start_us = k ? rng_range(r, 0, 200000) : 0;
}

enum scenario_class
scenario_class_of(uint64_t seed)
{
	uint64_t at = seed % SCENARIO_CYCLE;

	return at < SC_MATRIX ? (enum scenario_class)at : SC_MATRIX;
}

void
scenario_make(struct scenario *sc, uint64_t seed, enum box_mode mode,
	      const struct endpoint_ops *other)
{
	static const unsigned workers[3] = { 1, 2, 4 };
	struct rng r = { .s = rng_key(seed, 1) };
	unsigned k;

	memset(sc, 0, sizeof *sc);
	sc->seed = seed;
	sc->class = scenario_class_of(seed);
	make_wire(sc, &r);
	sc->n_flows = on(sc, &r, SC_MANY, 0.3) || on(sc, &r, SC_SMALL_POOL, 0)
			      ? (unsigned)rng_range(&r, 2, 4)
			      : 1;
	for (k = 0; k < sc->n_flows; k++)
		make_flow(sc, &r, k, other);
	sc->chains = on(sc, &r, SC_CHAINS, 0.4);
	sc->tap_loss = mode == BOX_PASSIVE && rng_chance(&r, 0.3) ? 0.01 : 0;
	sc->box.mode = mode;
	sc->box.seed = rng_next(&r);
	sc->box.n_mbufs = on(sc, &r, SC_SMALL_POOL, 0.1) ? 64 : 1024;
	sc->box.mbuf_bytes = 2048;
	/* Beside r, which goes on as ever. */
	sc->box.n_workers = workers[rng_key(seed, 5) % 3];
	sc->box.fragments = rng_key(seed, 6) % 4 == 0;
	sc->box.mtu[0] = sc->box.mtu[1] = 9000;
	if (sc->class != SC_JUMBO && rng_chance(&r, 0.5))
		sc->box.mtu[0] = sc->box.mtu[1] = 1500;
	sc->box.tso[0] = sc->box.tso[1] = on(sc, &r, SC_GSO, 0.3);
	sc->box.base_port = BASE_PORT;
	sc->bound_us = 40000LL * 1000000;
	if (sc->class == SC_MATRIX)
		scenario_matrix(sc, &r);
}

void
scenario_make_reset(struct scenario *sc, uint64_t seed, enum box_mode mode,
		    const struct endpoint_ops *other)
{
	struct rng r = { rng_key(seed, 77) };
	unsigned k;
	int i;

	scenario_make(sc, seed, mode, other);
	sc->reset_us = rng_log_range(&r, 1, 3000000);
	for (k = 0; k < sc->n_flows; k++) {
		sc->flow[k].aborts = true;	/* not all bytes arrive */
		for (i = 0; i < 2; i++)
			sc->flow[k].ep[i].keepalive_us = 20000000;
	}
}

bool
scenario_is_calm(const struct scenario *sc)
{
	const struct pipe_config *p = sc->wire.pipe;
	double odds = 0;

	for (; p < sc->wire.pipe + WIRE_PIPES; p++)
		odds += p->loss + p->corrupt + p->reorder + p->duplicate + (p->rate ? 1 : 0);
	return odds == 0 && sc->wire.n_blackouts == 0;
}

void
scenario_print(const struct scenario *sc, FILE *out)
{
	const struct endpoint_config *e;
	const struct pipe_config *p;
	unsigned k;
	int i;

	fprintf(out, "# seed %llu, class %s, %u mbufs, %u workers%s\n",
		(unsigned long long)sc->seed, scenario_names[sc->class], sc->box.n_mbufs,
		sc->box.n_workers, sc->box.fragments ? ", fragments" : "");
	for (i = 0; i < WIRE_PIPES; i++) {
		p = &sc->wire.pipe[i];
		fprintf(out,
			"# leg %d %s: loss %.2f reorder %.2f dup %.2f corrupt %.2f "
			"mark %.2f delay %lld+%lld us rate %llu queue %u mtu %u%s\n",
			i / 2, i % 2 ? "from box" : "to box", p->loss, p->reorder, p->duplicate,
			p->corrupt, p->mark, (long long)p->delay_us, (long long)p->jitter_us,
			(unsigned long long)p->rate, p->queue, p->mtu,
			p->silent ? " silently" : "");
	}
	for (k = 0; k < sc->n_flows; k++)
		for (i = 0; i < 2; i++) {
			e = &sc->flow[k].ep[i];
			fprintf(out,
				"# flow %u %s (%s): %llu bytes%s mss %u wscale %d ts %d sack %d "
				"ecn %d buf %u/%u gso %u isn %u tags %u IPv%d\n",
				k, i ? "server" : "client", sc->flow[k].ops[i]->name,
				(unsigned long long)sc->flow[k].actor[i].total_out,
				sc->flow[k].actor[i].aborts ? " (aborts)" : "", e->mss, e->wscale,
				e->timestamps, e->sack, e->ecn, e->sndbuf, e->rcvbuf, e->gso_segs,
				e->isn, e->id.n_tags, e->id.v6 ? 6 : 4);
		}
}
