#include <stdio.h>
#include <stdlib.h>

#include <tcpterm/stack.h>

#include "tests/sim/lib/audit.h"
#include "tests/sim/lib/lib.h"
#include "tests/sim/lib/rng.h"

enum { BURST = 32 };

struct lib_box {
	struct box_config cfg;
	void (*emit)(void *ctx, int side, struct frame *f);
	void *ctx;
	const struct lib_pools *pools;
	unsigned in_use_before;		/* by runs that leaked */
	struct tcpterm *stack;
	struct pkt burst[BURST];
	unsigned n;
	int64_t now;
	uint64_t no_buffer;
};

static void
tx(void *ctx, uint16_t domain, uint8_t side, struct rte_mbuf *m)
{
	struct lib_box *b = ctx;

	(void)domain;
	b->emit(b->ctx, side, lib_frame(m));
}

static void
forward(void *ctx, const struct pkt *p)
{
	struct lib_box *b = ctx;

	/* A copy of what the switch has forwarded already goes nowhere. */
	if (b->cfg.mode == BOX_PASSIVE)
		rte_pktmbuf_free(p->m);
	else
		b->emit(b->ctx, !p->side, lib_frame(p->m));
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
	return (struct tcpterm_verdict){ .decision = decisions[b->cfg.mode], .tuning = tuning(b) };
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
	struct err err;

	b->stack = tcpterm_new(&conf, (usec_t){ 0 }, &err);
	if (!b->stack) {
		printf("# tcpterm_new: %s\n", err.msg);
		return false;
	}
	return tcpterm_listen(b->stack, &all, &id) == 0;
}

static unsigned
destroy(void *box)
{
	struct lib_box *b = box;
	unsigned i, leaked = 0;

	for (i = 0; i < b->n; i++)
		rte_pktmbuf_free(b->burst[i].m);
	if (b->stack)
		tcpterm_free(b->stack);
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
	b->pools = lib_pools_get(0, cfg->n_mbufs);
	if (b->pools) {
		b->in_use_before = lib_pools_in_use(b->pools);
		if (start(b))
			return b;
	}
	destroy(b);
	return NULL;
}

static void
flush(struct lib_box *b)
{
	unsigned n = b->n;

	b->n = 0;
	if (n)
		tcpterm_input(b->stack, b->burst, n, (usec_t){ b->now });
}

static void
input(void *box, int side, const struct frame *f, int64_t now)
{
	struct lib_box *b = box;
	struct parse_conf conf = { .domain = 1,
				   .side = (uint8_t)side,
				   .tap = b->cfg.mode == BOX_PASSIVE };
	struct rte_mbuf *m = lib_mbuf(b->pools->frames, f);

	if (!m) {
		b->no_buffer++;
		return;
	}
	b->now = now;
	pkt_parse(&b->burst[b->n++], m, &conf);
	if (b->n == BURST)
		flush(b);
}

static int64_t
next_timer(void *box)
{
	struct lib_box *b = box;

	return tcpterm_next(b->stack).v;
}

static void
run(void *box, int64_t now)
{
	struct lib_box *b = box;

	b->now = now;
	flush(b);
	tcpterm_run(b->stack, (usec_t){ now });
}

static unsigned
reset(void *box, int64_t now)
{
	struct lib_box *b = box;
	struct flow *f;
	uint64_t cursor = 0;
	unsigned n = 0;

	run(b, now);
	do
		if (tcpterm_walk(b->stack, &cursor, &f, 1) == 1)
			n += tcpterm_reset(b->stack, f) == 0;
	while (cursor);
	return n;
}

static void
stats(void *box, struct box_stats *st)
{
	struct lib_box *b = box;
	const struct tcpterm_stats *s = tcpterm_stats(b->stack);
	const struct drops *d = tcpterm_drops(b->stack);
	unsigned i;

	st->mbufs_held = s->n_held;
	st->mbufs_in_use = lib_pools_in_use(b->pools) - b->in_use_before;
	st->flows = 0;
	for (i = 0; i < TCPTERM_N_KINDS; i++)
		st->flows += s->n_flows[i];
	st->drops = b->no_buffer;
	for (i = DROP_NONE + 1; i < DROP_N; i++)
		st->drops += d->n[i];
	st->retransmits[0] = s->retransmits;
	st->retransmits[1] = 0;
}

static void
audit(void *box, const struct audit *a)
{
	audit_stack(((struct lib_box *)box)->stack, a);
}

struct tcpterm *
lib_box_stack(void *box)
{
	return ((struct lib_box *)box)->stack;
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
