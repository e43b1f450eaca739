/*
 * Who rests, and what of a flow beside its connections survives that.
 */
#include "tcpterm/rest.h"

#include <assert.h>
#include <errno.h>

enum { ENDPOINT, RELAY };	/* s->awake */

/* A deadline is kept by the low word of its milliseconds: this far ahead there is no doubt. */
#define AHEAD_US (20LL * 24 * 3600 * 1000 * 1000)

int
rest_init(struct tcpterm *s)
{
	if (slab_init(&s->awake[ENDPOINT], sizeof(struct endpoint), s->conf.n_flows) != 0 ||
	    slab_init(&s->awake[RELAY], sizeof(struct relay), s->conf.n_flows) != 0)
		return -ENOMEM;
	return 0;
}

void
rest_fini(struct tcpterm *s)
{
	slab_fini(&s->awake[ENDPOINT]);
	slab_fini(&s->awake[RELAY]);
}

/* --- awake parts --- */

static void *
part_new(struct tcpterm *s, unsigned which, uint32_t *slot)
{
	void *part = slab_alloc(&s->awake[which], slot);

	assert(part);	/* there are as many as heads */
	return part;
}

struct endpoint *
rest_endpoint_new(struct tcpterm *s, struct flow *f)
{
	uint32_t slot;
	struct endpoint *e = part_new(s, ENDPOINT, &slot);

	e->f = f;
	e->c.slot = slot;
	((struct endpoint_head *)f)->awake = e;
	return e;
}

struct relay *
rest_relay_new(struct tcpterm *s, struct flow *f)
{
	uint32_t slot;
	struct relay *r = part_new(s, RELAY, &slot);

	r->f = f;
	r->leg[0].slot = slot;
	((struct relay_head *)f)->awake = r;
	return r;
}

static void
part_free(struct tcpterm *s, unsigned which, struct conn *c)
{
	rest_later(c, false);
	slab_free(&s->awake[which], c->slot);
}

bool
rest_awake(const struct flow *f)
{
	if (f->kind == TCPTERM_KIND_RELAY)
		return !((const struct relay_head *)f)->rest.rests;
	return !((const struct endpoint_head *)f)->rest.rests;
}

void
rest_end(struct tcpterm *s, struct flow *f)
{
	struct endpoint_head *e = (struct endpoint_head *)f;
	struct relay_head *r = (struct relay_head *)f;

	if (f->kind == TCPTERM_KIND_CONN && rest_awake(f) && e->awake)
		part_free(s, ENDPOINT, &e->awake->c);
	else if (f->kind == TCPTERM_KIND_RELAY && rest_awake(f) && r->awake)
		part_free(s, RELAY, &r->awake->leg[0]);
}

/* --- who may --- */

bool
rest_endpoint_may(const struct endpoint *e)
{
	const struct alive *a = &e->alive;

	return conn_may_rest(&e->c) && e->was_established && !e->orphan && !e->readable &&
	       !e->writable && !e->urgent && !a->advise && !e->unreported && e->soft == 0 &&
	       e->error == 0 && a->since.v == USEC_NEVER.v && a->fin_at.v == USEC_NEVER.v;
}

static bool
near(usec_t at, usec_t now)
{
	return at.v == USEC_NEVER.v || usec_diff(at, now) < AHEAD_US;
}

bool
rest_relay_may(const struct relay *r)
{
	usec_t now = r->leg[0].s->now;

	if (!conn_may_rest(&r->leg[0]) || !conn_may_rest(&r->leg[1]) || r->dying || r->demote)
		return false;
	for (unsigned k = 0; k < 2; k++)
		if (r->fin_at[k].v != USEC_NEVER.v || !near(r->keep_at[k], now))
			return false;
	return r->rst_at.v == USEC_NEVER.v && near(r->idle_at, now) && r->idle_us % 1000000 == 0 &&
	       r->idle_us / 1000000 <= UINT32_MAX;
}

void
rest_later(struct conn *c, bool may)
{
	struct tcpterm *s = c->s;

	if (c->is_quiet) {
		TAILQ_REMOVE(&s->quiet, c, quiet);
		s->n_quiet--;
	}
	c->is_quiet = may;
	if (may) {
		TAILQ_INSERT_TAIL(&s->quiet, c, quiet);
		s->n_quiet++;
	}
}

/* --- to rest --- */

static uint32_t
low_ms(usec_t t)
{
	return (uint32_t)(t.v / 1000);
}

static void
endpoint_rests(struct endpoint *e)
{
	struct endpoint_head *h = (struct endpoint_head *)e->f;
	const struct alive *a = &e->alive;
	struct tcpterm *s = e->c.s;

	h->rest = (struct endpoint_rest){
		.c = conn_rest(&e->c),
		.send_buffer = e->send_buffer,
		.user_ms = a->user_ms,
		.probed_ms = low_ms(a->probed_at),
		.probed = a->probed_at.v != USEC_NEVER.v,
		.idle_s = a->idle_s,
		.interval_s = a->interval_s,
		.fin_wait_s = a->fin_wait_s,
		.n_probes = a->n_probes,
		.r1 = a->r1,
		.r2 = a->r2,
		.n_syn = a->n_syn,
		.rests = true,
		.keep_on = a->keep_on,
		.passive_open = e->passive_open,
		.was_established = e->was_established,
		.no_read = e->no_read,
		.linger0 = e->linger0,
		.no_reports = e->no_reports,
		.short_write = e->short_write,
	};
	part_free(s, ENDPOINT, &e->c);
	h->s = s;
}

static void
relay_rests(struct relay *r)
{
	struct relay_head *h = (struct relay_head *)r->f;
	struct tcpterm *s = r->leg[0].s;

	h->rest = (struct relay_rest){
		.leg = { conn_rest(&r->leg[0]), conn_rest(&r->leg[1]) },
		.idle_s = (uint32_t)(r->idle_us / 1000000),
		.idle_at_ms = low_ms(r->idle_at),
		.ask_at_ms = { low_ms(r->ask_at[0]), low_ms(r->ask_at[1]) },
		.keep_at_ms = { low_ms(r->keep_at[0]), low_ms(r->keep_at[1]) },
		.rests = true,
		.idles = r->idle_at.v != USEC_NEVER.v,
		.keeps = r->keep_at[0].v != USEC_NEVER.v,
		.close_local = r->close_local,
		.translated = r->translated,
	};
	part_free(s, RELAY, &r->leg[0]);
	h->s = s;
}

void
rest_run(struct tcpterm *s)
{
	struct conn *c;

	while (s->n_quiet >= s->conf.n_ready) {
		bool relay;

		c = TAILQ_FIRST(&s->quiet);
		relay = c->f->kind == TCPTERM_KIND_RELAY;
		rest_later(c, false);
		/* its caller may have wanted something of it meanwhile */
		if (relay && rest_relay_may(relay_of(c->f)))
			relay_rests(relay_of(c->f));
		else if (!relay && rest_endpoint_may(endpoint_of(c->f)))
			endpoint_rests(endpoint_of(c->f));
	}
}

/* --- and back --- */

/* A deadline not far from now, either way. */
static usec_t
about(const struct tcpterm *s, uint32_t ms)
{
	int32_t ahead_ms = (int32_t)(ms - low_ms(s->now));

	return (usec_t){ (s->now.v / 1000 + ahead_ms) * 1000 };
}

static void
alive_back(struct endpoint *e, const struct endpoint_rest *r)
{
	alive_init(e);
	e->alive.user_ms = r->user_ms;
	e->alive.probed_at = r->probed ? about(e->c.s, r->probed_ms) : USEC_NEVER;
	e->alive.idle_s = r->idle_s;
	e->alive.interval_s = r->interval_s;
	e->alive.fin_wait_s = r->fin_wait_s;
	e->alive.n_probes = r->n_probes;
	e->alive.r1 = r->r1;
	e->alive.r2 = r->r2;
	e->alive.n_syn = r->n_syn;
	e->alive.keep_on = r->keep_on;
}

static struct endpoint *
endpoint_wakes(struct endpoint_head *h)
{
	const struct endpoint_rest r = h->rest;
	struct tcpterm *s = h->s;
	struct endpoint *e = rest_endpoint_new(s, &h->f);

	h->rest.rests = false;
	e->send_buffer = r.send_buffer;
	e->passive_open = r.passive_open;
	e->was_established = r.was_established;
	e->no_read = r.no_read;
	e->linger0 = r.linger0;
	e->no_reports = r.no_reports;
	e->short_write = r.short_write;
	tcb_init(&e->c, s, &h->f, r.c.leg);
	conn_wake(&e->c, &r.c);
	e->c.rx = &e->rx;
	e->c.tx = &e->tx;
	e->rx.start = e->rx.end = r.c.rcv_nxt;
	e->tx.start = e->tx.end = r.c.una;
	alive_back(e, &r);
	alive_settle(e);
	rest_later(&e->c, true);	/* unless it is found busy by then */
	return e;
}

static void
leg_wakes(struct relay *r, const struct conn_rest *c, unsigned k)
{
	tcb_init(&r->leg[k], r->leg[k].s, r->f, (uint8_t)k);
	conn_wake(&r->leg[k], c);
	r->leg[k].rx = &r->str[k];
	r->leg[k].tx = &r->str[!k];
	if (!c->own_clock)
		r->leg[k].ts_val = &r->leg[!k].rcv.ts_newest;
	r->str[k].start = r->str[k].end = c->rcv_nxt;
}

static struct relay *
relay_wakes(struct relay_head *h)
{
	const struct relay_rest w = h->rest;
	struct tcpterm *s = h->s;
	struct relay *r = rest_relay_new(s, &h->f);

	h->rest.rests = false;
	for (unsigned k = 0; k < 2; k++) {
		r->leg[k].s = s;
		leg_wakes(r, &w.leg[k], k);
		r->fin_at[k] = USEC_NEVER;
		r->ask_at[k] = usec_min(about(s, w.ask_at_ms[k]), usec_add(s->now, 1000 * 1000));
		r->keep_at[k] = w.keeps ? about(s, w.keep_at_ms[k]) : USEC_NEVER;
	}
	r->rst_at = USEC_NEVER;
	r->idle_at = w.idles ? about(s, w.idle_at_ms) : USEC_NEVER;
	r->idle_us = w.idle_s * 1000000LL;
	r->close_local = w.close_local;
	r->translated = w.translated;
	rest_later(&r->leg[0], true);
	return r;
}

struct endpoint *
endpoint_of(const struct flow *f)
{
	static struct endpoint none;
	struct endpoint_head *h = (struct endpoint_head *)f;

	if (f->kind != TCPTERM_KIND_CONN)
		return &none;
	return h->rest.rests ? endpoint_wakes(h) : h->awake;
}

struct relay *
relay_of(const struct flow *f)
{
	struct relay_head *h = (struct relay_head *)f;

	return h->rest.rests ? relay_wakes(h) : h->awake;
}

/* --- looking --- */

static void
info(const struct flow *f, struct tcpterm *s, const struct conn_rest *r,
     struct tcpterm_leg_info *leg)
{
	struct conn c = { 0 };

	tcb_init(&c, s, (struct flow *)f, r->leg);
	conn_wake(&c, r);
	tcb_info(&c, leg);
}

void
rest_endpoint_info(const struct flow *f, struct tcpterm_leg_info *leg)
{
	const struct endpoint_head *h = (const struct endpoint_head *)f;

	if (rest_awake(f))
		tcb_info(&h->awake->c, leg);
	else
		info(f, h->s, &h->rest.c, leg);
}

void
rest_relay_info(const struct flow *f, struct tcpterm_leg_info leg[2])
{
	const struct relay_head *h = (const struct relay_head *)f;

	for (unsigned k = 0; k < 2; k++)
		if (rest_awake(f))
			tcb_info(&h->awake->leg[k], &leg[k]);
		else
			info(f, h->s, &h->rest.leg[k], &leg[k]);
}
