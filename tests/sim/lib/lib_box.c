#include <stdio.h>
#include <stdlib.h>

#include <tcpterm/stack.h>

#include "tests/sim/lib/audit.h"
#include "tests/sim/lib/fragment.h"
#include "tests/sim/lib/lib.h"
#include "tests/sim/lib/rng.h"
#include "tests/unit/lib/late.h"
#include "tests/unit/lib/team.h"

enum {
	CUT = 1024,	/* datagrams whose pieces may be on their way at once */
	LATE_TURNS = 50,
	LATE_PART = 8,	/* of the buffers may be in the devices' rings */
};

struct lib_box {
	struct box_config cfg;
	void (*emit)(void *ctx, int side, struct frame *f);
	void *ctx;
	const struct lib_pools *pools;
	unsigned in_use_before;		/* by runs that leaked */
	struct team team;
	uint64_t burst;			/* how many there were */
	struct rng rng;			/* of fragments */
	uint16_t last_id;
	/* what was cut, and its own id; put together again as it leaves */
	struct fragment_join join[CUT];
	uint16_t own_id[CUT];
	uint64_t no_buffer;
	struct late late;
};

/* What goes out reads so now, and is to read so when the device comes to it. */
static struct frame *
hand_over(struct lib_box *b, struct rte_mbuf *m)
{
	struct frame *f = lib_frame_of(m);

	late_take(&b->late, m);
	return f;
}

static void
tx(void *ctx, uint16_t domain, uint8_t side, struct rte_mbuf *m)
{
	struct lib_box *b = ctx;

	(void)domain;
	b->emit(b->ctx, side, hand_over(b, m));
}

static void
forward(void *ctx, const struct pkt *p)
{
	struct lib_box *b = ctx;

	struct frame *f;
	unsigned i;

	/* A copy of what the switch has forwarded already goes nowhere. */
	if (b->cfg.mode == BOX_PASSIVE) {
		rte_pktmbuf_free(p->m);
		return;
	}
	f = hand_over(b, p->m);
	if (b->cfg.fragments && fragment_is_piece(f)) {
		i = fragment_id(f) % CUT;
		f = fragment_add(&b->join[i], f, b->own_id[i]);
	}
	if (f)
		b->emit(b->ctx, !p->side, f);
}

static unsigned
flow_of(const struct lib_box *b, const struct flow *f)
{
	return (unsigned)f->key.port[0] - b->cfg.base_port;
}

static void
passive_data(void *ctx, struct flow *f, unsigned dir, uint64_t offset, const struct rte_mbuf *m,
	     uint32_t m_off, uint32_t len)
{
	struct lib_box *b = ctx;
	uint32_t n;

	for (; m && len; m = m->next) {
		if (m_off >= m->data_len) {
			m_off -= m->data_len;
			continue;
		}
		n = m->data_len - m_off < len ? m->data_len - m_off : len;
		b->cfg.sink.bytes(b->cfg.sink.ctx, flow_of(b, f), (int)dir, offset,
				  rte_pktmbuf_mtod_offset(m, const uint8_t *, m_off), n);
		offset += n;
		len -= n;
		m_off = 0;
	}
}

static void
passive_gap(void *ctx, struct flow *f, unsigned dir, uint64_t offset, uint64_t len,
	    enum tcpterm_gap_reason reason)
{
	struct lib_box *b = ctx;
	bool own = reason == TCPTERM_GAP_OWN_DROP || reason == TCPTERM_GAP_BUDGET;

	b->cfg.sink.gap(b->cfg.sink.ctx, flow_of(b, f), (int)dir, offset, len, own);
}

/* What a rule may choose for its connections, by the seed: half of them are as ever. */
static struct tcpterm_tuning
tuning(const struct lib_box *b)
{
	uint64_t k = rng_key(b->cfg.seed, 3);

	if (k & 1)
		return (struct tcpterm_tuning){ 0 };
	return (struct tcpterm_tuning){
		.cc = k >> 1 & 1 ? TCPTERM_CC_RENO : TCPTERM_CC_CUBIC,
		.pace = k >> 2 & 1,
		.idle_restart = k >> 3 & 1,
		.no_ecn = k >> 4 & 1,
	};
}

static struct tcpterm_verdict
filter(void *ctx, const struct tcpterm_syn *syn)
{
	static const enum tcpterm_decision decisions[BOX_N_MODES] = {
		[BOX_PROXY] = TCPTERM_RELAY,
		[BOX_TRACK] = TCPTERM_TRACK,
		[BOX_PASSIVE] = TCPTERM_PASSIVE,
	};
	const struct lib_box *b = ctx;

	(void)syn;
	return (struct tcpterm_verdict){
		.decision = decisions[b->cfg.mode],
		.window_strict = rng_key(b->cfg.seed, 4) & 1,
		.tuning = tuning(b),
		.overlap = (uint8_t)(rng_key(b->cfg.seed, 5) % 2
					     ? 0
					     : rng_key(b->cfg.seed, 6) % TCPTERM_N_OVERLAPS)
	};
}

static bool
start(struct lib_box *b)
{
	static const struct tcpterm_passive_ops passive = { .data = passive_data,
							    .gap = passive_gap };
	static const struct tcpterm_ops ops = { .tx = tx, .forward = forward, .passive = &passive };
	struct tcpterm_conf conf = {
		.ops = &ops,
		.ctx = b,
		.payload_pool = b->pools->payload,
		.header_pool = b->pools->headers,
		.n_held_max = b->cfg.n_mbufs / 2,
		.n_flows = 64,
		.n_embryos = 64,
		.n_ready = b->cfg.seed % 2, /* odd: who is quiet rests at once */
		.n_listeners = 8,
		.mtu = { (uint16_t)b->cfg.mtu[0], (uint16_t)b->cfg.mtu[1] },
		.secret = { rng_key(b->cfg.seed, 1), rng_key(b->cfg.seed, 2) },
	};
	struct tcpterm_listener_conf all = {
		.select = { .src_port = { 0, 65535 },
			    .dst_port = { 0, 65535 },
			    .any_domain = true },
		.filter = filter,
		.ctx = b,
	};
	tcpterm_listener_id id;
	unsigned n = b->cfg.n_workers ? b->cfg.n_workers : 1;
	struct err err;

	if (team_init(&b->team, n, &conf, 1, b->cfg.mode == BOX_PASSIVE, (usec_t){ 0 }, &err) < 0) {
		printf("# a stack: %s\n", err.msg);
		return false;
	}
	return team_listen(&b->team, &all, &id) == 0;
}

static unsigned
destroy(void *box)
{
	struct lib_box *b = box;
	unsigned i, leaked = 0;

	for (i = 0; i < CUT; i++)
		fragment_forget(&b->join[i]);
	team_fini(&b->team);
	late_flush(&b->late);
	if (b->pools)
		leaked = lib_pools_in_use(b->pools) - b->in_use_before;
	free(b);
	return leaked;
}

static void *
create(const struct box_config *cfg, void (*emit)(void *ctx, int side, struct frame *f), void *ctx)
{
	struct lib_box *b = calloc(1, sizeof *b);

	if (!b)
		abort();
	b->cfg = *cfg;
	b->emit = emit;
	b->ctx = ctx;
	b->rng.s = rng_key(cfg->seed, 6);
	late_init(&b->late, cfg->n_mbufs / LATE_PART, LATE_TURNS, rng_key(cfg->seed, 7));
	b->pools = lib_pools_get(0, cfg->n_mbufs);
	if (b->pools) {
		b->in_use_before = lib_pools_in_use(b->pools);
		if (start(b))
			return b;
	}
	destroy(b);
	return NULL;
}

/* As a device chooses, which knows nothing of owners: one direction of a flow at one worker, the
 * wrong one more often than not, and, in half of the seeds, from burst to burst another. */
static unsigned
arrives_at(struct lib_box *b, int side, struct rte_mbuf *m)
{
	unsigned n = b->team.n, beside;

	if (n == 1)
		return 0;
	if (b->cfg.seed & 2)
		beside = (unsigned)(rng_key(b->cfg.seed, 100 + b->burst * 2 + (unsigned)side) % n);
	else
		beside = 1 + (unsigned)(rng_key(b->cfg.seed, 4 + (unsigned)side) % (n - 1));
	return (team_owner(&b->team, (uint8_t)side, m) + beside) % n;
}

static void
run(void *box, int64_t now)
{
	struct lib_box *b = box;

	team_run(&b->team, (usec_t){ now });
	late_turn(&b->late);
	b->burst++;
}

static void
input_one(struct lib_box *b, int side, const struct frame *f, int64_t now)
{
	struct rte_mbuf *m = lib_mbuf(b->pools->frames, f);

	if (!m) {	/* they may all be on their way between workers */
		run(b, now);
		m = lib_mbuf(b->pools->frames, f);
	}
	if (!m) {
		b->no_buffer++;
		return;
	}
	team_arrive(&b->team, arrives_at(b, side, m), (uint8_t)side, m, (usec_t){ now });
}

/* The last piece first, or in order.  Whatever way they take, nothing overtakes them: what comes in
 * which order is the wire's part. */
static void
input_pieces(struct lib_box *b, int side, const struct frame *f, int64_t now)
{
	struct frame *piece[FRAGMENT_PIECES];
	uint16_t id = ++b->last_id;
	bool back = rng_chance(&b->rng, 0.5);
	unsigned i, n;

	fragment_forget(&b->join[id % CUT]);
	b->own_id[id % CUT] = fragment_id(f);
	n = fragment_cut(f, id, (unsigned)rng_range(&b->rng, 2, FRAGMENT_PIECES), piece);
	run(b, now);
	for (i = 0; i < n; i++)
		input_one(b, side, piece[back ? n - 1 - i : i], now);
	run(b, now);
	for (i = 0; i < n; i++)
		frame_free(piece[i]);
}

static void
input(void *box, int side, const struct frame *f, int64_t now)
{
	struct lib_box *b = box;

	if (b->cfg.fragments && rng_chance(&b->rng, 0.3) && fragment_fits(f))
		input_pieces(b, side, f, now);
	else
		input_one(b, side, f, now);
}

static int64_t
next_timer(void *box)
{
	struct lib_box *b = box;

	return team_next(&b->team).v;
}

static unsigned
reset(void *box, int64_t now)
{
	struct lib_box *b = box;
	struct flow *f;
	uint64_t cursor = 0;
	unsigned k, n = 0;

	run(b, now);
	for (k = 0; k < b->team.n; k++)
		do
			if (tcpterm_walk(b->team.stack[k], &cursor, &f, 1) == 1)
				n += tcpterm_reset(b->team.stack[k], f) == 0;
		while (cursor);
	return n;
}

static void
stats(void *box, struct box_stats *st)
{
	struct lib_box *b = box;
	struct tcpterm_stats s;
	unsigned i;

	late_flush(&b->late);
	team_stats(&b->team, &s);
	st->rewritten = b->late.n_changed;
	st->mbufs_held = s.n_held;
	st->mbufs_in_use = lib_pools_in_use(b->pools) - b->in_use_before;
	st->flows = 0;
	for (i = 0; i < TCPTERM_N_KINDS; i++)
		st->flows += s.n_flows[i];
	st->drops = b->no_buffer;
	for (i = DROP_NONE + 1; i < DROP_N; i++)
		st->drops += team_drops(&b->team, i);
	st->outside = b->cfg.mode == BOX_TRACK ? s.out_of_window : 0;
	st->retransmits[0] = s.retransmits;
	st->retransmits[1] = 0;
}

static void
audit(void *box, const struct audit *a)
{
	const struct team *t = &((struct lib_box *)box)->team;
	unsigned k;

	for (k = 0; k < t->n; k++)
		audit_stack(t->stack[k], a);
}

struct tcpterm *
lib_box_stack(void *box)
{
	return ((struct lib_box *)box)->team.stack[0];
}

const struct box_ops lib_box = {
	.name = "tcpterm",
	.modes = 1 << BOX_PROXY | 1 << BOX_TRACK | 1 << BOX_PASSIVE,
	.reports = true,
	.create = create,
	.input = input,
	.next_timer = next_timer,
	.run = run,
	.reset = reset,
	.stats = stats,
	.audit = audit,
	.destroy = destroy,
};
