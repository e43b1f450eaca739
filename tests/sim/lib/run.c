#include "tests/sim/lib/run.h"

#include <stdarg.h>
#include <string.h>

#include "tests/sim/lib/audit.h"
#include "tests/sim/lib/passive.h"
#include "tests/sim/lib/see.h"

enum {
	SPINS = 20000,		/* turns without time passing */
};

/* Retransmission timers double up to two minutes, and a fifth of what they send may be lost. */
static const int64_t STALL_US = 2000LL * 1000000;
static const int64_t DRAIN_US = 200LL * 1000000;	/* TIME-WAITs of the ends pass within it */
static const int64_t DRAIN_MAX_US = 4000LL * 1000000;	/* and what the box still holds */

struct run;

struct port {			/* an end's plug */
	struct run *r;
	unsigned flow;
	int side;
	void *ep;
	struct actor actor;
	int64_t actor_at;
	bool touched;
};

struct run {
	const struct scenario *sc;
	const struct box_ops *ops;
	void *box;
	bool box_touched;
	struct wire *wire;
	struct checker *checker;
	struct passive passive;
	struct port port[CHECKER_FLOWS][2];
	struct rng rng;
	int64_t now;
	int64_t reset_at;	/* INT64_MAX: never, or done */
	int64_t moved_at;	/* progress */
	uint64_t moved;
	unsigned spins;
	FILE *trace;
	struct run_result *res;
};

static void
breach(void *ctx, const char *rule, const char *text)
{
	struct run *r = ctx;

	if (r->trace)
		fprintf(r->trace, "%.6f *** %s: %s\n", (double)r->now / 1e6, rule, text);
	if (r->res->failed)
		return;
	r->res->failed = true;
	snprintf(r->res->rule, sizeof r->res->rule, "%s", rule);
	snprintf(r->res->text, sizeof r->res->text, "%s", text);
}

static void __attribute__((format(printf, 3, 4)))
fail(struct run *r, const char *rule, const char *fmt, ...)
{
	char text[512];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof text, fmt, ap);
	va_end(ap);
	breach(r, rule, text);
}

static void
note(void *ctx, int pipe, const struct frame *f, enum wire_fate fate, int64_t now)
{
	static const char *const way[] = { "client > box", "client < box", "server > box",
					   "server < box" };
	static const char *const fates[] = { "",	" LOST",      " DARK", " QUEUE-FULL",
					     " MARKED", " CORRUPTED", " LATE", " TWICE",
					     " TOO-BIG" };
	struct run *r = ctx;
	struct seen s;

	if (!r->trace)
		return;
	see(f, &s);
	fprintf(r->trace, "%.6f %s  ", (double)now / 1e6, way[pipe]);
	see_print(r->trace, &s, f);
	fprintf(r->trace, "%s\n", fates[fate]);
}

struct cut_ctx {
	struct run *r;
	enum who who;
	int leg;
	bool received;		/* else sent */
	bool onward;		/* and put on the wire */
};

static void
tell_one(void *ctx, struct frame *f)
{
	struct cut_ctx *x = ctx;

	if (x->received)
		checker_received(x->r->checker, x->who, x->leg, f, x->r->now);
	else
		checker_sent(x->r->checker, x->who, x->leg, f, x->r->now);
	if (x->onward)
		wire_send(x->r->wire, x->leg * 2 + WIRE_FROM_BOX, f, x->r->now);
	else
		frame_free(f);
}

/* Tells the checker of every segment in `f`; takes `f`. */
static void
tell(struct run *r, enum who who, int leg, bool received, bool onward, struct frame *f)
{
	struct cut_ctx x = { r, who, leg, received, onward };

	frame_cut(f, tell_one, &x);
}

static void
end_emits(void *ctx, struct frame *f)
{
	struct port *p = ctx;

	tell(p->r, WHO_END, p->side, false, false, frame_copy(f));
	wire_send(p->r->wire, p->side * 2 + WIRE_TO_BOX, f, p->r->now);
}

static void
box_emits(void *ctx, int side, struct frame *f)
{
	struct run *r = ctx;

	if (r->sc->box.mode == BOX_PASSIVE) {
		checker_sent(r->checker, WHO_BOX, side, f, r->now);
		frame_free(f);
		return;
	}
	tell(r, WHO_BOX, side, false, true, f);
}

static void
split(struct run *r, struct frame *f)
{
	size_t left = f->len;
	unsigned i, n;

	if (!r->sc->chains || rng_chance(&r->rng, 0.3))
		return;
	n = (unsigned)rng_range(&r->rng, 2, FRAME_PIECES);
	for (i = 0; i + 1 < n && left > 1; i++) {
		f->piece[i] = 1 + rng_below(&r->rng, left - 1 < 400 ? left - 1 : left * 2 / 3);
		left -= f->piece[i];
	}
	f->piece[i] = left;
	f->n_pieces = i + 1;
}

static void
to_box(struct run *r, int leg, struct frame *f)
{
	if (r->sc->box.mode == BOX_PASSIVE) {
		wire_send(r->wire, (1 - leg) * 2 + WIRE_FROM_BOX, frame_copy(f), r->now);
		if (rng_chance(&r->rng, r->sc->tap_loss)) {
			frame_free(f);
			return;
		}
	}
	tell(r, WHO_BOX, leg, true, false, frame_copy(f));
	split(r, f);
	r->ops->input(r->box, leg, f, r->now);
	r->box_touched = true;
	frame_free(f);
}

static void
to_ends(struct run *r, int leg, struct frame *f)
{
	unsigned k;
	struct port *p;

	tell(r, WHO_END, leg, true, false, frame_copy(f));
	for (k = 0; k < r->sc->n_flows; k++) {
		p = &r->port[k][leg];
		r->sc->flow[k].ops[leg]->input(p->ep, f, r->now);
		p->touched = true;
	}
	frame_free(f);
}

static struct audit
audit_of(struct run *r, enum who who, int leg, unsigned base_port)
{
	return (struct audit){ r->checker, who, leg, base_port, breach, r };
}

static void
run_box(struct run *r)
{
	struct audit a = audit_of(r, WHO_BOX, 0, r->sc->box.base_port);

	r->ops->run(r->box, r->now);
	r->box_touched = false;
	if (r->ops->audit)
		r->ops->audit(r->box, &a);
}

static void
step_end(struct run *r, struct port *p)
{
	const struct scenario_flow *f = &r->sc->flow[p->flow];
	const struct endpoint_ops *ops = f->ops[p->side];
	struct audit a = audit_of(r, WHO_END, p->side, r->sc->box.base_port);

	if (ops->next_timer(p->ep) <= r->now || p->touched) {
		ops->run(p->ep, r->now);
		p->touched = true;
	}
	if (p->touched || p->actor_at <= r->now) {
		p->actor_at = actor_step(&p->actor, r->now);
		ops->run(p->ep, r->now);
		if (ops->audit)
			ops->audit(p->ep, &a);
	}
	p->touched = false;
	if (p->actor.wrong_at != UINT64_MAX)
		fail(r, "payload", "flow %u: the %s read a wrong byte at %llu", p->flow,
		     p->side ? "server" : "client", (unsigned long long)p->actor.wrong_at);
}

static int64_t
next_time(struct run *r)
{
	int64_t t = wire_next(r->wire), u = r->ops->next_timer(r->box);
	struct port *p;
	unsigned k;

	if (u < t)
		t = u;
	if (r->reset_at < t)
		t = r->reset_at;
	for (k = 0; k < r->sc->n_flows * 2; k++) {
		p = &r->port[k / 2][k % 2];
		u = r->sc->flow[k / 2].ops[k % 2]->next_timer(p->ep);
		u = p->actor_at < u ? p->actor_at : u;
		if (u < t)
			t = u;
	}
	return t;
}

static void
turn(struct run *r)
{
	struct frame *f;
	unsigned k;
	int pipe;

	while ((f = wire_take(r->wire, r->now, &pipe)) && !r->res->failed) {
		if (pipe % 2 == WIRE_TO_BOX)
			to_box(r, pipe / 2, f);
		else
			to_ends(r, pipe / 2, f);
	}
	if (r->res->failed)
		frame_free(f);
	if (r->reset_at <= r->now) {
		r->res->resets = r->ops->reset(r->box, r->now);
		r->reset_at = INT64_MAX;
	}
	if (r->box_touched || r->ops->next_timer(r->box) <= r->now)
		run_box(r);
	for (k = 0; k < r->sc->n_flows * 2; k++)
		step_end(r, &r->port[k / 2][k % 2]);
}

/* For the trace: where each end stands. */
static void
show_ends(struct run *r)
{
	struct endpoint_status st;
	unsigned k;

	for (k = 0; r->trace && k < r->sc->n_flows * 2; k++) {
		const struct port *p = &r->port[k / 2][k % 2];

		p->actor.ops->status(p->ep, &st);
		fprintf(r->trace, "# flow %u %s: state %d, eof %d, wrote %llu, read %llu\n", k / 2,
			k % 2 ? "server" : "client", st.state, st.eof,
			(unsigned long long)p->actor.written, (unsigned long long)p->actor.read);
	}
}

static bool
stalled(const struct run *r)
{
	return r->now - r->moved_at > STALL_US;
}

/*
 * True when every connection has ended at both ends.  `still`: nothing happens any more; then one
 * end is enough where an end aborted, because a RST may be lost, and who has nothing to send
 * and no keepalive does not learn of it.  Of a reset by the box both learn.
 */
static bool
over(struct run *r, bool still)
{
	struct endpoint_status st[2];
	bool done[2], early;
	unsigned k;
	int i;

	for (k = 0; k < r->sc->n_flows; k++) {
		for (i = 0; i < 2; i++)
			done[i] = actor_done(&r->port[k][i].actor, &st[i]);
		/* Who aborts before the SYN has arrived, or is refused, leaves the other. */
		early = r->sc->flow[k].aborts || r->sc->flow[k].refused;
		for (i = 0; i < 2; i++)
			if (!done[i] &&
			    !(early && done[1 - i] &&
			      ((still && !r->sc->reset_us) || st[i].state == EP_OPENING)))
				return false;
	}
	return true;
}

static void
watch_progress(struct run *r)
{
	struct endpoint_status st;
	uint64_t moved = 0;
	struct port *p;
	unsigned k;

	for (k = 0; k < r->sc->n_flows * 2; k++) {
		p = &r->port[k / 2][k % 2];
		p->actor.ops->status(p->ep, &st);
		moved += p->actor.read + p->actor.written + st.acked + (unsigned)st.state + st.eof +
			 st.fin_acked;
	}
	if (moved != r->moved) {
		r->moved = moved;
		r->moved_at = r->now;
	} else if (stalled(r) && !over(r, true)) {
		fail(r, "progress", "nothing moved since %.3f s", (double)r->moved_at / 1e6);
	}
}

static void
judge_end(struct run *r, struct port *p)
{
	const struct scenario_flow *f = &r->sc->flow[p->flow];
	const struct actor *a = &p->actor, *b = &r->port[p->flow][1 - p->side].actor;
	const char *name = p->side ? "server" : "client";
	struct endpoint_status st;
	bool all;

	a->ops->status(p->ep, &st);
	r->res->bytes += a->read;
	r->res->retransmits += st.retransmits;
	if (f->aborts)
		return;
	if (f->refused) {
		if (!p->side && st.state != EP_REFUSED)
			fail(r, "end", "flow %u: the client was not refused (%d)", p->flow,
			     st.state);
		return;
	}
	all = a->read == b->cfg.total_out && b->read == a->cfg.total_out;
	if (!all)
		fail(r, "delivery", "flow %u: the %s read %llu of %llu, state %d", p->flow, name,
		     (unsigned long long)a->read, (unsigned long long)b->cfg.total_out, st.state);
	else if (st.state != EP_CLOSED && st.state != EP_RESET)
		fail(r, "end", "flow %u: the %s ended in state %d", p->flow, name, st.state);
}

static void
judge_rest(struct run *r)
{
	struct box_stats st;
	bool aborted = false;
	unsigned k;

	for (k = 0; k < r->sc->n_flows * 2; k++) {
		aborted |= r->sc->flow[k / 2].aborts;
		if (k % 2 && r->ops->reports && r->sc->box.mode == BOX_PASSIVE &&
		    !r->sc->flow[k / 2].aborts && !r->sc->flow[k / 2].refused)
			passive_finish(&r->passive, k / 2);
		judge_end(r, &r->port[k / 2][k % 2]);
	}
	memset(&st, 0, sizeof st);
	r->ops->stats(r->box, &st);
	if (st.mbufs_held || st.mbufs_in_use)
		fail(r, "leak", "%llu mbufs held, %llu in use, %llu flows when all is over",
		     (unsigned long long)st.mbufs_held, (unsigned long long)st.mbufs_in_use,
		     (unsigned long long)st.flows);
	/* A SYN that nobody answered, or an end that was not seen: followed until long idle. */
	else if (st.flows && (r->sc->box.mode == BOX_PROXY || (!aborted && !r->sc->tap_loss)))
		fail(r, "leak", "%llu flows alive when all is over", (unsigned long long)st.flows);
	if (st.rewritten)
		fail(r, "rewritten", "%llu frames changed while the device had them",
		     (unsigned long long)st.rewritten);
	/* Whatever the wires do to them, both ends keep to the windows that they were offered. */
	if (st.outside)
		fail(r, "window", "%llu segments were held to be outside the window",
		     (unsigned long long)st.outside);
	checker_finish(r->checker, st.drops);
}

/* All connections have ended at `done_at`; is there anything left to wait for until `t`? */
static bool
drained(struct run *r, int64_t done_at, int64_t t)
{
	struct box_stats st = { 0 };

	if (t == INT64_MAX || t > done_at + DRAIN_MAX_US)
		return true;
	if (t <= done_at + DRAIN_US)
		return false;
	r->ops->stats(r->box, &st);
	return !st.flows && !st.mbufs_in_use;
}

static void
loop(struct run *r)
{
	int64_t t, done_at = INT64_MAX;

	while (!r->res->failed) {
		t = next_time(r);
		if (done_at == INT64_MAX && over(r, t == INT64_MAX || stalled(r)))
			done_at = r->now;
		if (done_at != INT64_MAX && drained(r, done_at, t))
			return;
		if (t == INT64_MAX || t > r->sc->bound_us) {
			fail(r, "progress", t == INT64_MAX ? "nothing is armed" : "bound passed");
			return;
		}
		r->spins = t > r->now ? 0 : r->spins + 1;
		if (r->spins > SPINS)
			fail(r, "timer", "due %u times at one moment", r->spins);
		if (t > r->now)
			r->now = t;
		turn(r);
		if (done_at == INT64_MAX)
			watch_progress(r);
	}
}

static void
setup_flow(struct run *r, unsigned k, struct checker_config *cc)
{
	const struct scenario_flow *f = &r->sc->flow[k];
	struct port *p;
	int i;

	for (i = 0; i < 2; i++) {
		cc->flow[k].id[i] = f->ep[i].id;
		cc->flow[k].key[i] = f->actor[i].key_out;
		cc->flow[k].total[i] = f->actor[i].total_out;
		r->passive.half[k][i].key = f->actor[i].key_out;
		r->passive.half[k][i].total = f->actor[i].total_out;
		p = &r->port[k][i];
		p->r = r;
		p->flow = k;
		p->side = i;
		p->actor_at = f->start_us;
		p->ep = f->ops[i]->create(&f->ep[i], end_emits, p);
		actor_init(&p->actor, &f->actor[i], f->ops[i], p->ep);
	}
	cc->flow[k].reset_expected = f->aborts || f->refused;
}

static bool
setup(struct run *r)
{
	struct checker_config cc = { .mode = r->sc->box.mode,
				     .may_reset = r->sc->reset_us > 0,
				     .n_flows = r->sc->n_flows,
				     .mtu = { r->sc->box.mtu[0], r->sc->box.mtu[1] } };
	struct box_config bc = r->sc->box;
	unsigned k;

	r->reset_at = r->sc->reset_us ? r->sc->reset_us : INT64_MAX;
	r->rng.s = rng_key(r->sc->seed, 2);
	r->wire = wire_new(&r->sc->wire, rng_key(r->sc->seed, 3), note, r);
	for (k = 0; k < r->sc->n_flows; k++)
		setup_flow(r, k, &cc);
	r->checker = checker_new(&cc, breach, r);
	r->passive.breach = breach;
	r->passive.checker = r->checker;
	r->passive.now = &r->now;
	r->passive.scarce = r->sc->box.n_mbufs < 256;
	r->passive.ends_known = r->sc->tap_loss == 0;
	r->passive.gaps_allowed = r->sc->tap_loss > 0 || r->passive.scarce ||
				  !scenario_is_calm(r->sc);
	r->passive.ctx = r;
	bc.sink.ctx = &r->passive;
	bc.sink.bytes = passive_bytes;
	bc.sink.gap = passive_gap;
	r->box = r->ops->create(&bc, box_emits, r);
	if (!r->box) {
		fail(r, "end", "the box cannot be made");
		return false;
	}
	for (k = 0; k < r->sc->n_flows; k++) {
		r->sc->flow[k].ops[1]->open(r->port[k][1].ep, 0);
		r->sc->flow[k].ops[0]->open(r->port[k][0].ep, 0);
	}
	return true;
}

void
run_scenario(const struct scenario *sc, const struct box_ops *box, FILE *trace,
	     struct run_result *res)
{
	struct run r = { .sc = sc, .ops = box, .trace = trace, .res = res };
	unsigned k, leaked;

	memset(res, 0, sizeof *res);
	if (setup(&r)) {
		loop(&r);
		if (!res->failed)
			judge_rest(&r);
	}
	if (res->failed)
		show_ends(&r);
	res->virtual_us = r.now;
	res->segments = checker_count(r.checker);
	leaked = r.box ? box->destroy(r.box) : 0;
	if (leaked)
		fail(&r, "leak", "%u mbufs never came back", leaked);
	for (k = 0; k < sc->n_flows * 2; k++)
		leaked += sc->flow[k / 2].ops[k % 2]->destroy(r.port[k / 2][k % 2].ep);
	if (leaked)
		fail(&r, "leak", "%u mbufs of an end never came back", leaked);
	checker_free(r.checker);
	wire_free(r.wire);
}
