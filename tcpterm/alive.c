#include "tcpterm/endpoint.h"

enum {
	/* RFC 9293 3.8.3: R1 at least 3 retransmissions (SHLD-10), R2 at least 100 s (SHLD-11): 15
	 * are Linux's, above 900 s.  For a SYN R2 is 3 min at least (MUST-23): after
	 * 1, 2, 4 ... 64 and 120 s it is given up at 247 s. */
	R1 = 3,
	R2 = 15,
	N_SYN_RETRIES = 7,
	KEEP_IDLE_S = 7200,	/* MUST-28: no less */
	KEEP_INTERVAL_S = 75,
	N_KEEPALIVES = 9,
	FIN_WAIT_S = 60,
	ORPHAN_S = 300,		/* what nobody waits for moves in that time, or is abandoned */
};

static usec_t
after(usec_t t, int64_t seconds)
{
	return usec_add(t, seconds * 1000 * 1000);
}

void
alive_init(struct endpoint *e)
{
	e->alive = (struct alive){
		.at = USEC_NEVER,
		.since = USEC_NEVER,
		.fin_at = USEC_NEVER,
		.idle_s = KEEP_IDLE_S,
		.interval_s = KEEP_INTERVAL_S,
		.n_probes = N_KEEPALIVES,
		.r1 = R1,
		.r2 = R2,
		.n_syn = N_SYN_RETRIES,
		.fin_wait_s = FIN_WAIT_S,
	};
}

/* --- what is due --- */

static bool
outstanding(const struct conn *c)
{
	return c->state < TCPTERM_ESTABLISHED || c->una < c->nxt || c->tx->end > c->nxt;
}

/* The latest sign of life; a fresh connection's handshake was one. */
static usec_t
heard(const struct endpoint *e)
{
	return usec_before(e->c.heard_at, e->f->started) ? e->f->started : e->c.heard_at;
}

static usec_t
probe_at(const struct endpoint *e)
{
	const struct alive *a = &e->alive;
	usec_t idle = after(heard(e), a->idle_s);

	if (!a->keep_on || outstanding(&e->c) || e->c.state >= TCPTERM_TIME_WAIT)
		return USEC_NEVER;
	if (e->c.n_keepalives == 0)
		return usec_before(idle, a->probed_at) ? a->probed_at : idle;
	return after(a->probed_at, a->interval_s);
}

static usec_t
user_at(const struct endpoint *e)
{
	const struct alive *a = &e->alive;

	if (a->since.v == USEC_NEVER.v)
		return USEC_NEVER;
	if (a->user_ms)
		return usec_add(a->since, (int64_t)a->user_ms * 1000);
	return e->orphan ? after(a->since, ORPHAN_S) : USEC_NEVER;
}

void
alive_settle(struct endpoint *e)
{
	struct alive *a = &e->alive;
	const struct conn *c = &e->c;

	if (!outstanding(c)) {
		a->since = USEC_NEVER;
	} else if (a->since.v == USEC_NEVER.v || a->una != c->una) {
		a->since = c->s->now;
		a->una = c->una;
	}
	if (a->keep_on && a->probed_at.v == USEC_NEVER.v)
		a->probed_at = after(c->s->now, a->idle_s);
	if (!e->orphan || c->state != TCPTERM_FIN_WAIT_2)
		a->fin_at = USEC_NEVER;
	else if (a->fin_at.v == USEC_NEVER.v)
		a->fin_at = after(c->s->now, a->fin_wait_s);
	a->at = usec_min(usec_min(probe_at(e), user_at(e)), a->fin_at);
}

/* --- what happens --- */

/* RFC 9293 3.8.4. False: nobody answers. */
static bool
keep_alive(struct endpoint *e)
{
	struct alive *a = &e->alive;
	int64_t silent_us = usec_diff(e->c.s->now, heard(e));

	/* As in Linux a user timeout takes the place of the count. */
	if (a->user_ms ? e->c.n_keepalives > 0 && silent_us >= (int64_t)a->user_ms * 1000
		       : e->c.n_keepalives >= a->n_probes) {
		send_reset(&e->c);	/* should it be alive after all, it learns of it */
		return false;
	}
	a->probed_at = e->c.s->now;
	send_probe(&e->c);
	return true;
}

bool
alive_timer(struct endpoint *e)
{
	usec_t now = e->c.s->now;

	if (usec_before(now, e->alive.at))
		return true;
	if (!usec_before(now, user_at(e)) || !usec_before(now, e->alive.fin_at))
		return false;
	if (!usec_before(now, probe_at(e)) && !keep_alive(e))
		return false;
	alive_settle(e);
	return true;
}

/* --- retransmission --- */

static struct alive *
alive_of(const struct conn *c)
{
	return c->f->kind == TCPTERM_KIND_CONN ? &endpoint_of(c->f)->alive : NULL;
}

uint8_t
alive_retries(const struct conn *c, bool syn)
{
	const struct alive *a = alive_of(c);

	if (syn)
		return a ? a->n_syn : N_SYN_RETRIES;
	return a ? a->r2 : R2;
}

void
alive_retransmitted(struct conn *c)
{
	struct alive *a = alive_of(c);

	if (a && c->rtt.backoff == a->r1)
		a->advise = true;
}

/* --- settings --- */

void
tcpterm_set_keepalive(struct flow *f, const struct tcpterm_keepalive *k)
{
	struct endpoint *e = endpoint_of(f);
	struct alive *a = &e->alive;

	if (k) {
		a->idle_s = k->idle_s ? k->idle_s : KEEP_IDLE_S;
		a->interval_s = k->interval_s ? k->interval_s : KEEP_INTERVAL_S;
		a->n_probes = k->n_probes ? k->n_probes : N_KEEPALIVES;
		/* switched on: silence counts from now, whenever that is for the stack */
		a->probed_at = a->keep_on ? (usec_t){ 0 } : USEC_NEVER;
	}
	a->keep_on = k;
	tcb_pend(&e->c);
}

void
tcpterm_set_user_timeout(struct flow *f, uint32_t ms)
{
	struct endpoint *e = endpoint_of(f);

	e->alive.user_ms = ms;
	tcb_pend(&e->c);
}

void
tcpterm_set_retries(struct flow *f, uint8_t r1, uint8_t r2, uint8_t n_syn)
{
	struct alive *a = &endpoint_of(f)->alive;

	a->r1 = r1 ? r1 : R1;
	a->r2 = r2 ? r2 : R2;
	a->n_syn = n_syn ? n_syn : N_SYN_RETRIES;
}

void
tcpterm_set_fin_wait(struct flow *f, uint16_t seconds)
{
	struct endpoint *e = endpoint_of(f);

	e->alive.fin_wait_s = seconds ? seconds : FIN_WAIT_S;
	e->alive.fin_at = USEC_NEVER;
	tcb_pend(&e->c);
}
