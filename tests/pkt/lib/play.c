/*
 * play.c - a script's stack, its clock, and its events in their order.
 */
#include "tests/pkt/lib/play.h"

#include <stdio.h>

#include "datapath/pool.h"
#include "tests/pkt/lib/state.h"
#include "tests/unit/eal.h"

static struct pools pools;

void
play_complain(struct play *p, const char *what)
{
	p->failed = true;
	printf("# %s:%u: %s (at %.6f s)\n", p->script->path, p->event->line, what,
	       (double)(p->now.v - p->start) / 1e6);
}

/* --- what the stack says --- */

static void
on_tx(void *ctx, uint16_t domain, uint8_t side, struct rte_mbuf *m)
{
	(void)domain, (void)side;
	packets_take(ctx, m);
	rte_pktmbuf_free(m);
}

static void
on_forward(void *ctx, const struct pkt *pkt)
{
	play_complain(ctx, "the stack forwards a frame");
	rte_pktmbuf_free(pkt->m);
}

static struct tcpterm_verdict
on_unknown(void *ctx, const struct pkt *pkt)
{
	(void)ctx, (void)pkt;
	return (struct tcpterm_verdict){ .decision = TCPTERM_RESET };
}

static void
on_new(void *ctx, struct flow *f)
{
	struct play *p = ctx;

	p->flow = f;
	if (f->kind == TCPTERM_KIND_CONN)
		calls_apply(p);
}

static void
on_established(void *ctx, struct flow *f)
{
	(void)f;
	((struct play *)ctx)->established = true;
}

static void
on_closed(void *ctx, struct flow *f, enum tcpterm_end why)
{
	struct play *p = ctx;

	(void)why;
	p->flow = NULL;
	p->closed = true;
	p->error = tcpterm_error(f);
}

static void
on_advice(void *ctx, struct flow *f)
{
	(void)f;
	((struct play *)ctx)->n_advices++;
}

/* --- time --- */

void
play_run_until(struct play *p, int64_t t)
{
	while (tcpterm_next(p->stack).v <= t) {
		p->now.v = RTE_MAX(p->now.v, tcpterm_next(p->stack).v);
		tcpterm_run(p->stack, p->now);
	}
	p->now.v = RTE_MAX(p->now.v, t);
}

int64_t
play_time_of(const struct play *p, int64_t t)
{
	return (p->event->time == TIME_ABSOLUTE ? p->start : p->reference) + t;
}

/* --- a script --- */

static bool
begin(struct play *p)
{
	static const struct tcpterm_ops ops = {
		.tx = on_tx, .forward = on_forward, .unknown = on_unknown, .flow_new = on_new
	};
	static const struct tcpterm_conn_ops conn_ops = { .established = on_established,
							  .closed = on_closed,
							  .advice = on_advice };
	static const struct pool_conf sizes = { .n_frames = 4095, .n_headers = 8191 };
	struct tcpterm_conf conf = {
		.ops = &ops,
		.ctx = p,
		.cc = p->script->cc,
		.ecn = (enum tcpterm_ecn)p->script->ecn,
		.soft_errors_end_opens = p->script->soft_errors,
		.n_flows = 64,
		.n_embryos = 64,
		.cookies_always = p->script->cookies,
		.mtu = { p->script->mtu, p->script->mtu },
		.rcv_wnd_min = p->script->window,
		.rcv_wnd_max = p->script->window,
		.secret = { 0x0123456789abcdef, 0xfedcba9876543210 },
	};
	struct err err = { "" };

	if (test_eal_init() != 0 || (!pools.frames && pools_new(&pools, &sizes, &err) != 0)) {
		printf("# %s\n", err.msg);
		return false;
	}
	conf.payload_pool = pools.frames;
	conf.header_pool = pools.headers;
	p->stack = tcpterm_new(&conf, p->now, &err);
	if (!p->stack) {
		printf("# %s\n", err.msg);
		return false;
	}
	tcpterm_set_conn_ops(p->stack, &conn_ops, p);
	return true;
}

static void
end(struct play *p)
{
	char text[400], what[450];

	if (!p->failed && packets_unexpected(p, text, sizeof text)) {
		snprintf(what, sizeof what, "at the end `%s` is unexpected", text);
		play_complain(p, what);
	}
	tcpterm_free(p->stack);
	if (test_mbufs_live() + pool_in_use(pools.frames) + pool_in_use(pools.headers) != 0)
		play_complain(p, "mbufs are not returned");
}

bool
play(const struct script *s)
{
	static struct play p;

	p = (struct play){ .script = s, .event = s->event, .now = { 1000000000 } };
	p.start = p.reference = p.now.v;
	if (!begin(&p))
		return false;
	for (; p.event < s->event + s->n_events && !p.failed; p.event++) {
		if (p.event->kind == SCRIPT_OUT) {
			packets_out(&p);
			continue;
		}
		play_run_until(&p, play_time_of(&p, p.event->at));
		p.reference = play_time_of(&p, p.event->at);
		if (p.event->kind != SCRIPT_CALL)
			packets_in(&p);
		else
			calls_make(&p);
		tcpterm_run(p.stack, p.now);
	}
	p.event = &s->event[s->n_events ? s->n_events - 1 : 0];
	end(&p);
	return !p.failed;
}
