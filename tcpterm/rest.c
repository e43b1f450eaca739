/*
 * Who rests, and what of a flow beside its connections survives that.
 */
#include "tcpterm/rest.h"

#include <assert.h>
#include <errno.h>

#include "tcpterm/intern.h"
#include "tcpterm/measure.h"
#include "tcpterm/pair_rest.h"

enum { ENDPOINT, RELAY, PAIR };	/* s->awake, s->ways; a pair has no ways */

#define WORDS(type) (sizeof(type) / sizeof(uint32_t))

/* A deadline is kept by the low word of its milliseconds: this far ahead there is no doubt. */
#define AHEAD_US (20LL * 24 * 3600 * 1000 * 1000)

int
rest_init(struct tcpterm *s)
{
	if (slab_init(&s->awake[ENDPOINT], sizeof(struct endpoint), s->conf.n_flows) != 0 ||
	    slab_init(&s->awake[RELAY], sizeof(struct relay), s->conf.n_flows) != 0 ||
	    slab_init(&s->awake[PAIR], pair_part_size(), s->conf.n_flows) != 0 ||
	    slab_init(&s->pair_more, sizeof(struct pair_more), s->conf.n_flows) != 0 ||
	    slab_init(&s->more, sizeof(struct conn_more), 3 * s->conf.n_flows) != 0)
		return -ENOMEM;
	s->ways[ENDPOINT] = intern_new(s->conf.n_flows, WORDS(struct endpoint_ways));
	s->ways[RELAY] = intern_new(s->conf.n_flows, WORDS(struct relay_ways));
	return s->ways[ENDPOINT] && s->ways[RELAY] ? 0 : -ENOMEM;
}

void
rest_fini(struct tcpterm *s)
{
	slab_fini(&s->awake[ENDPOINT]);
	slab_fini(&s->awake[RELAY]);
	slab_fini(&s->awake[PAIR]);
	slab_fini(&s->more);
	slab_fini(&s->pair_more);
	intern_free(s->ways[ENDPOINT]);
	intern_free(s->ways[RELAY]);
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

struct pair *
rest_pair_new(struct tcpterm *s, struct flow *f)
{
	uint32_t slot;
	struct pair *x = part_new(s, PAIR, &slot);

	x->f = f;
	x->slot = slot;
	x->quiet.f = f;
	((struct pair_head *)f)->awake = x;
	pair_queue(s, x);
	return x;
}

static void
part_free(struct tcpterm *s, unsigned which, struct conn *c)
{
	rest_later(c, false);
	slab_free(&s->awake[which], c->slot);
}

void
rest_pair_free(struct tcpterm *s, struct pair *x)
{
	if (!x->over)
		pair_unqueue(s, x);
	slab_free(&s->awake[PAIR], x->slot);
}

static const struct endpoint_head *
endpoint_head(const struct flow *f)
{
	return (const struct endpoint_head *)f;
}

static const struct relay_head *
relay_head(const struct flow *f)
{
	return (const struct relay_head *)f;
}

bool
rest_awake(const struct flow *f)
{
	if (f->kind == TCPTERM_KIND_RELAY)
		return !relay_head(f)->rest[0].rests;
	if (f->kind == TCPTERM_KIND_PASSIVE)
		return !((const struct pair_head *)f)->rests;
	return !endpoint_head(f)->rest.rests;
}

/* --- ways --- */

/* Counts one more use of these words; NULL: no room. */
static const void *
ways_get(struct intern *t, const void *ways, unsigned n_words)
{
	uint32_t name;
	unsigned n;

	if (!intern_name(t, ways, n_words, true, &name))
		return NULL;
	intern_get(t, name);
	return intern_words(t, name, &n);
}

static void
ways_put(struct intern *t, const void *ways)
{
	intern_put(t, intern_of(t, ways));
}

/* What is kept of a flow that is not at rest any more. */
static void
endpoint_forget(struct endpoint_head *h, const struct endpoint_ways *w)
{
	struct tcpterm *s = w->s;

	ways_put(s->ways[ENDPOINT], w);
	conn_forget(s, &h->rest);
	h->rest.rests = false;
}

static void
relay_forget(struct relay_head *h, const struct relay_ways *w)
{
	struct tcpterm *s = w->s;

	ways_put(s->ways[RELAY], w);
	conn_forget(s, &h->rest[0]);
	conn_forget(s, &h->rest[1]);
	h->rest[0].rests = false;
}

void
rest_end(struct tcpterm *s, struct flow *f)
{
	struct endpoint_head *e = (struct endpoint_head *)f;
	struct relay_head *r = (struct relay_head *)f;
	struct pair_head *p = (struct pair_head *)f;

	if (f->kind == TCPTERM_KIND_CONN) {
		if (e->rest.rests)
			endpoint_forget(e, e->ways);
		else if (e->awake)
			part_free(s, ENDPOINT, &e->awake->c);
	} else if (f->kind == TCPTERM_KIND_RELAY) {
		if (r->rest[0].rests)
			relay_forget(r, r->ways);
		else if (r->awake)
			part_free(s, RELAY, &r->awake->leg[0]);
	} else if (f->kind == TCPTERM_KIND_PASSIVE) {
		if (p->rests)
			pair_forget_rest(s, p);
		else if (p->awake)
			rest_pair_free(s, p->awake);
	}
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
rest_quiet(struct tcpterm *s, struct quiet *q, struct flow *f, bool may)
{
	if (q->is_on) {
		TAILQ_REMOVE(&s->quiet, q, link);
		s->n_quiet--;
	}
	q->is_on = may;
	q->f = f;
	if (may) {
		TAILQ_INSERT_TAIL(&s->quiet, q, link);
		s->n_quiet++;
	}
}

void
rest_later(struct conn *c, bool may)
{
	rest_quiet(c->s, &c->quiet, c->f, may);
}

/* --- to rest --- */

/* A keepalive that is due later than an idle time after the peer was heard is as if it had been
 * heard later. */
static usec_t
heard_at(const struct endpoint *e)
{
	const struct alive *a = &e->alive;
	usec_t at;

	if (!a->keep_on || a->probed_at.v == USEC_NEVER.v)
		return e->c.heard_at;
	at = usec_add(a->probed_at, -(int64_t)a->idle_s * 1000000);
	return usec_before(e->c.heard_at, at) ? at : e->c.heard_at;
}

static const struct endpoint_ways *
endpoint_ways(const struct endpoint *e)
{
	const struct alive *a = &e->alive;
	struct endpoint_ways w;

	memset(&w, 0, sizeof w);	/* it is compared as words */
	w.s = e->c.s;
	conn_ways(&e->c, &w.c);
	w.send_buffer = e->send_buffer;
	w.user_ms = a->user_ms;
	w.idle_s = a->idle_s;
	w.interval_s = a->interval_s;
	w.fin_wait_s = a->fin_wait_s;
	w.n_probes = a->n_probes;
	w.r1 = a->r1;
	w.r2 = a->r2;
	w.n_syn = a->n_syn;
	w.keep_on = a->keep_on;
	w.passive_open = e->passive_open;
	w.was_established = e->was_established;
	w.no_read = e->no_read;
	w.linger0 = e->linger0;
	w.no_reports = e->no_reports;
	w.short_write = e->short_write;
	return ways_get(e->c.s->ways[ENDPOINT], &w, WORDS(w));
}

/* Without room for its ways it stays awake. */
static void
endpoint_rests(struct endpoint *e)
{
	struct endpoint_head *h = (struct endpoint_head *)e->f;
	const struct endpoint_ways *w = endpoint_ways(e);
	struct tcpterm *s = e->c.s;

	if (!w) {
		s->stats.rests_refused++;
		return;
	}
	e->c.heard_at = heard_at(e);
	conn_rest(&e->c, &h->rest);
	h->rest.rests = true;
	part_free(s, ENDPOINT, &e->c);
	h->ways = w;
}

static const struct relay_ways *
relay_ways(const struct relay *r)
{
	struct tcpterm *s = r->leg[0].s;
	struct relay_ways w;

	memset(&w, 0, sizeof w);
	w.s = s;
	conn_ways(&r->leg[0], &w.leg[0]);
	conn_ways(&r->leg[1], &w.leg[1]);
	w.idle_s = (uint32_t)(r->idle_us / 1000000);
	w.idles = r->idle_at.v != USEC_NEVER.v;
	w.keeps = r->keep_at[0].v != USEC_NEVER.v;
	w.close_local = r->close_local;
	w.translated = r->translated;
	return ways_get(s->ways[RELAY], &w, WORDS(w));
}

static void
relay_rests(struct relay *r)
{
	struct relay_head *h = (struct relay_head *)r->f;
	const struct relay_ways *w = relay_ways(r);
	struct tcpterm *s = r->leg[0].s;

	if (!w) {
		s->stats.rests_refused++;
		return;
	}
	h->idle_at_ms = rest_low_ms(r->idle_at);
	for (unsigned k = 0; k < 2; k++) {
		conn_rest(&r->leg[k], &h->rest[k]);
		h->ask_at_ms[k] = rest_low_ms(r->ask_at[k]);
		h->keep_at_ms[k] = rest_low_ms(r->keep_at[k]);
		h->took[k].busy = measure_units(sent_busy_us(&r->leg[k]));
		h->took[k].busy_us = sent_busy_us(&r->leg[k]) & 31;
	}
	h->rest[0].rests = true;
	part_free(s, RELAY, &r->leg[0]);
	h->ways = w;
}

void
rest_run(struct tcpterm *s)
{
	if (s->n_pairs >= s->conf.n_ready)
		pair_rest_run(s);
	while (s->n_quiet >= s->conf.n_ready) {
		struct quiet *q = TAILQ_FIRST(&s->quiet);
		struct flow *f = q->f;

		rest_quiet(s, q, f, false);
		/* its caller may have wanted something of it meanwhile */
		if (f->kind == TCPTERM_KIND_RELAY) {
			if (rest_relay_may(relay_of(f)))
				relay_rests(relay_of(f));
		} else if (rest_endpoint_may(endpoint_of(f))) {
			endpoint_rests(endpoint_of(f));
		}
	}
}

/* --- and back --- */

/* A deadline not far from now, either way. */
static usec_t
about(const struct tcpterm *s, uint32_t ms)
{
	int32_t ahead_ms = (int32_t)(ms - rest_low_ms(s->now));

	return (usec_t){ (s->now.v / 1000 + ahead_ms) * 1000 };
}

static void
alive_back(struct endpoint *e, const struct endpoint_ways *w)
{
	alive_init(e);
	e->alive.user_ms = w->user_ms;
	e->alive.probed_at = w->keep_on ? e->c.heard_at : USEC_NEVER;
	e->alive.idle_s = w->idle_s;
	e->alive.interval_s = w->interval_s;
	e->alive.fin_wait_s = w->fin_wait_s;
	e->alive.n_probes = w->n_probes;
	e->alive.r1 = w->r1;
	e->alive.r2 = w->r2;
	e->alive.n_syn = w->n_syn;
	e->alive.keep_on = w->keep_on;
}

static struct endpoint *
endpoint_wakes(struct endpoint_head *h)
{
	const struct endpoint_ways *w = h->ways;
	struct tcpterm *s = w->s;
	struct endpoint *e = rest_endpoint_new(s, &h->f);

	e->send_buffer = w->send_buffer;
	e->passive_open = w->passive_open;
	e->was_established = w->was_established;
	e->no_read = w->no_read;
	e->linger0 = w->linger0;
	e->no_reports = w->no_reports;
	e->short_write = w->short_write;
	tcb_init(&e->c, s, &h->f, w->c.leg);
	conn_wake(&e->c, &h->rest, &w->c);
	e->c.rx = &e->rx;
	e->c.tx = &e->tx;
	e->rx.start = e->rx.end = e->c.rcv.nxt;
	e->tx.start = e->tx.end = e->c.una;
	alive_back(e, w);
	endpoint_forget(h, w);
	alive_settle(e);
	rest_later(&e->c, true);	/* unless it is found busy by then */
	return e;
}

static uint64_t
rested_busy_us(const struct relay_head *h, unsigned k)
{
	return (uint64_t)h->took[k].busy << MEASURE_BUSY_LOG | h->took[k].busy_us;
}

static void
leg_wakes(struct relay *r, const struct relay_head *h, const struct relay_ways *w, unsigned k)
{
	tcb_init(&r->leg[k], w->s, r->f, (uint8_t)k);
	conn_wake(&r->leg[k], &h->rest[k], &w->leg[k]);
	r->leg[k].rx = &r->str[k];
	r->leg[k].tx = &r->str[!k];
	if (!r->leg[k].own_clock)
		r->leg[k].ts_val = &r->leg[!k].rcv.ts_newest;
	r->leg[k].sent.busy_us = rested_busy_us(h, k);
	r->str[k].start = r->str[k].end = r->leg[k].rcv.nxt;
}

static struct relay *
relay_wakes(struct relay_head *h)
{
	const struct relay_ways *w = h->ways;
	struct tcpterm *s = w->s;
	struct relay *r = rest_relay_new(s, &h->f);

	for (unsigned k = 0; k < 2; k++) {
		leg_wakes(r, h, w, k);
		r->fin_at[k] = USEC_NEVER;
		r->ask_at[k] = usec_min(about(s, h->ask_at_ms[k]), usec_add(s->now, 1000 * 1000));
		r->keep_at[k] = w->keeps ? about(s, h->keep_at_ms[k]) : USEC_NEVER;
	}
	r->rst_at = USEC_NEVER;
	r->idle_at = w->idles ? about(s, h->idle_at_ms) : USEC_NEVER;
	r->idle_us = w->idle_s * 1000000LL;
	r->close_local = w->close_local;
	r->translated = w->translated;
	relay_forget(h, w);
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

	return h->rest[0].rests ? relay_wakes(h) : h->awake;
}

/* --- looking --- */

static void
info(const struct flow *f, struct tcpterm *s, const struct conn_rest *r, const struct conn_ways *w,
     struct tcpterm_leg_info *leg)
{
	struct conn c = { 0 };

	tcb_init(&c, s, (struct flow *)f, w->leg);
	conn_wake(&c, r, w);
	tcb_info(&c, leg);
}

void
rest_endpoint_info(const struct flow *f, struct tcpterm_leg_info *leg)
{
	const struct endpoint_head *h = endpoint_head(f);

	if (rest_awake(f))
		tcb_info(&h->awake->c, leg);
	else
		info(f, h->ways->s, &h->rest, &h->ways->c, leg);
}

void
rest_relay_info(const struct flow *f, struct tcpterm_leg_info leg[2])
{
	const struct relay_head *h = relay_head(f);

	for (unsigned k = 0; k < 2; k++) {
		if (rest_awake(f))
			tcb_info(&h->awake->leg[k], &leg[k]);
		else
			info(f, h->ways->s, &h->rest[k], &h->ways->leg[k], &leg[k]);
		leg[k].handshake_us = h->took[k].handshake_us;
		/* its bytes fly on the other's leg */
		leg[k].busy_us = rest_awake(f) ? sent_busy_us(&h->awake->leg[!k])
					       : rested_busy_us(h, !k);
	}
}
