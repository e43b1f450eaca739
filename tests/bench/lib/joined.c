#include "tests/bench/lib/joined.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <rte_cycles.h>

#include "tcpterm/core.h"
#include "tcpterm/intern.h"
#include "tests/bench/lib/gauge.h"

enum {
	TURN_US = 100,
	LONG_TURN = 1000 * 1000,	/* cycles: it was interrupted */
};

static struct joined *joined;	/* the one there is: the library's calls know their end only */

static enum joined_end
which(const struct joined_stack *e)
{
	return e == &joined->end[SERVER] ? SERVER : CLIENT;
}

/* --- what the stacks ask --- */

static void
enqueue(struct joined_stack *to, struct rte_mbuf *m)
{
	if (to->tail - to->head == JOINED_QUEUE) {
		joined->n_bad++;
		rte_pktmbuf_free(m);
		return;
	}
	to->queue[to->tail++ % JOINED_QUEUE] = m;
}

static void
tx(void *ctx, uint16_t domain, uint8_t side, struct rte_mbuf *m)
{
	struct joined *j = joined;

	(void)domain, (void)side;
	if (which(ctx) == CLIENT && j->far && j->n_far < j->n_far_max)
		j->far[j->n_far++] = m;
	else
		enqueue(&j->end[!which(ctx)], m);
}

static void
stray(void *ctx, const struct pkt *p)
{
	(void)ctx;
	joined->n_bad++;
	rte_pktmbuf_free(p->m);
}

static const struct tcpterm_ops ops = { .tx = tx, .forward = stray };

static struct tcpterm_verdict
accept_all(void *ctx, const struct tcpterm_syn *syn)
{
	(void)ctx;
	return (struct tcpterm_verdict){ .decision = TCPTERM_ACCEPT,
					 .cookie = place_of(joined->spread, syn->pkt) };
}

static void
say(struct joined_stack *e, struct flow *f)
{
	uint8_t bytes[PLACES_PAYLOAD];

	place_payload((uint32_t)f->cookie, which(e) == SERVER, bytes);
	if (tcpterm_write(e->s, f, bytes, sizeof bytes) != sizeof bytes)
		joined->n_bad++;
}

static void
established(void *ctx, struct flow *f)
{
	struct joined_stack *e = ctx;

	e->flow[f->cookie] = f;
	if (which(e) == CLIENT)
		say(e, f);
}

static void
readable(void *ctx, struct flow *f)
{
	struct joined_stack *e = ctx;
	uint8_t is[PLACES_PAYLOAD], expected[PLACES_PAYLOAD];
	enum joined_end me = which(e);
	ssize_t n = tcpterm_read(e->s, f, is, sizeof is);

	if (n == 0) {
		tcpterm_shutdown(e->s, f);
		return;
	}
	place_payload((uint32_t)f->cookie, me == CLIENT, expected);
	if (n == sizeof is && memcmp(is, expected, sizeof is) == 0)
		joined->n_good[me]++;
	else
		joined->n_bad++;
	if (me == SERVER)
		say(e, f);
}

static void
closed(void *ctx, struct flow *f, enum tcpterm_end why)
{
	struct joined_stack *e = ctx;

	e->flow[f->cookie] = NULL;
	joined->n_closed++;
	joined->n_bad += why != TCPTERM_END_FIN;
}

static const struct tcpterm_conn_ops conn_ops = {
	.established = established,
	.readable = readable,
	.closed = closed,
};

/* --- turns --- */

static void
count(struct joined *j, uint64_t cycles, unsigned packets)
{
	if (cycles < LONG_TURN) {
		j->cycles += cycles;
		j->packets += packets;
	}
}

void
joined_run(struct joined *j, enum joined_end k)
{
	uint64_t from = rte_rdtsc_precise();

	tcpterm_run(j->end[k].s, j->now);
	count(j, rte_rdtsc_precise() - from, 0);
}

unsigned
joined_take(struct joined *j, enum joined_end k)
{
	static const struct parse_conf conf = { 0 };
	struct joined_stack *e = &j->end[k];
	struct pkt p[JOINED_BURST];
	unsigned n = 0;
	uint64_t from;

	for (; n < JOINED_BURST && e->head != e->tail; n++)
		pkt_parse(&p[n], e->queue[e->head++ % JOINED_QUEUE], &conf);
	if (n == 0)
		return 0;
	from = rte_rdtsc_precise();
	tcpterm_input(e->s, p, n, j->now);
	tcpterm_run(e->s, j->now);
	count(j, rte_rdtsc_precise() - from, n);
	return n;
}

void
joined_settle(struct joined *j)
{
	do
		j->now = usec_add(j->now, j->turn_us ? j->turn_us : TURN_US);
	while (joined_take(j, SERVER) + joined_take(j, CLIENT) > 0);
}

void
joined_arrive(struct joined *j)
{
	uint32_t n = j->n_far;

	j->n_far_max = j->n_far = 0;
	for (uint32_t i = 0; i < n; i++) {
		enqueue(&j->end[SERVER], j->far[i]);
		if ((i + 1) % JOINED_BURST == 0 || i + 1 == n)
			joined_settle(j);
		gauge_progress("arrive", i, n);
	}
}

/* --- the connections' lives --- */

void
joined_listen(struct joined *j)
{
	struct tcpterm_listener_conf conf = { .filter = accept_all };

	for (uint32_t i = 0; i < j->n; i++) {
		conf.select = place_selector(j->spread, j->v6, i);
		for (unsigned k = 0; k < 2; k++)
			if (tcpterm_listen(j->end[k].s, &conf, &j->end[k].listener[i]) != 0)
				j->n_refused++;
		gauge_progress("listen", i, j->n);
	}
}

void
joined_open(struct joined *j)
{
	struct flow *f;

	for (uint32_t i = 0; i < j->n; i++) {
		struct tcpterm_identity id = place_identity(j->spread, j->v6, i);

		if (tcpterm_connect(j->end[CLIENT].s, &id, i, j->now, &f) != 0)
			j->n_refused++;
		if ((i + 1) % JOINED_BURST == 0 || i + 1 == j->n)
			joined_settle(j);
		gauge_progress("open", i, j->n);
	}
}

void
joined_say(struct joined *j, uint32_t i)
{
	if (j->end[CLIENT].flow[i])
		say(&j->end[CLIENT], j->end[CLIENT].flow[i]);
}

void
joined_close(struct joined *j)
{
	for (uint32_t i = 0; i < j->n; i++) {
		if (j->end[CLIENT].flow[i])
			tcpterm_shutdown(j->end[CLIENT].s, j->end[CLIENT].flow[i]);
		if ((i + 1) % JOINED_BURST == 0 || i + 1 == j->n) {
			joined_run(j, CLIENT);
			joined_settle(j);
		}
		gauge_progress("close", i, j->n);
	}
}

uint64_t
stack_left(struct tcpterm *s)
{
	const struct tcpterm_stats *st = tcpterm_stats(s);
	uint64_t n = 0;

	for (unsigned k = 0; k < TCPTERM_N_KINDS; k++)
		n += st->n_flows[k] + s->slabs[2 * k].n_used + s->slabs[2 * k + 1].n_used;
	return n + st->n_held + st->n_listeners + s->sent.n_used + s->more.n_used +
	       s->awake[0].n_used + s->awake[1].n_used + intern_used(s->ways[0]) + s->wheel.n_armed;
}

static uint64_t
left_at(struct joined *j, struct joined_stack *e)
{
	const struct tcpterm_stats *st = tcpterm_stats(e->s);
	uint64_t n = 0;

	for (uint32_t i = 0; i < j->n && st->n_listeners > 0; i++)
		n += tcpterm_unlisten(e->s, e->listener[i]) != 0;
	for (uint32_t i = 0; i < 600 || (st->n_flows[TCPTERM_KIND_TIMEWAIT] > 0 && i < j->n); i++)
		tcpterm_run(e->s, usec_add(j->now, i * 1000 * 1000LL));
	return n + stack_left(e->s);
}

uint64_t
joined_left(struct joined *j)
{
	return left_at(j, &j->end[CLIENT]) + left_at(j, &j->end[SERVER]);
}

/* --- the stacks' --- */

bool
joined_init(struct joined *j)
{
	for (unsigned k = 0; k < 2; k++) {
		struct joined_stack *e = &j->end[k];

		e->flow = malloc(j->n * sizeof *e->flow);
		e->listener = malloc(j->n * sizeof *e->listener);
		if (!e->flow || !e->listener)
			return false;
		/* touched now, so that they are in nobody's bytes */
		memset(e->flow, 0, j->n * sizeof *e->flow);
		memset(e->listener, 0xff, j->n * sizeof *e->listener);
	}
	j->now = (usec_t){ 1000 * 1000 };
	return true;
}

bool
joined_new(struct joined *j)
{
	struct tcpterm_conf conf = {
		.ops = &ops,
		.payload_pool = j->pools->frames,
		.header_pool = j->pools->headers,
		.n_held_max = 2 * j->pools->frames->size,
		.n_flows = j->n,
		.n_timewaits = 2 * j->n,
		.n_listeners = j->n,
		.secret = { 1, 2 },
	};
	struct err err;

	joined = j;
	j->n_bad = j->n_refused = j->n_good[0] = j->n_good[1] = j->n_closed = 0;
	for (unsigned k = 0; k < 2; k++) {
		conf.ctx = &j->end[k];
		j->end[k].s = tcpterm_new(&conf, j->now, &err);
		if (!j->end[k].s) {
			fprintf(stderr, "scale: %s\n", err.msg);
			return false;
		}
		tcpterm_set_conn_ops(j->end[k].s, &conn_ops, &j->end[k]);
	}
	return true;
}

void
joined_free(struct joined *j)
{
	for (unsigned k = 0; k < 2; k++) {
		tcpterm_free(j->end[k].s);
		j->end[k].s = NULL;
	}
}
