/*
 * play.c - brings a script's segments and calls to the stack at their times, and
 * compares what the stack sends with what the script says.
 */
#include "tests/pkt/lib/play.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <tcpterm/conn.h>

#include "datapath/pool.h"
#include "tests/pkt/lib/wire.h"
#include "tests/unit/eal.h"

enum {
	QUEUE = 256,
	PATIENCE_US = 600 * 1000 * 1000,	/* for `*` */
};

static const uint32_t REMOTE_ISN = 0xffffff00;	/* the peer's numbers wrap early */

/* A segment that the stack sent. */
struct sent {
	int64_t at;
	struct script_seg seg;	/* wire numbers */
	bool intact;		/* its payload is what was written */
};

struct play {
	const struct script *script;
	const struct script_event *event;
	struct tcpterm *stack;
	usec_t now;
	int64_t start, reference;	/* us; what relative times are relative to */
	struct sent sent[QUEUE];
	unsigned n_sent, n_checked;
	bool failed;

	struct flow *flow;
	bool established, closed, linger0;
	enum tcpterm_end why;
	uint32_t written, read;		/* bytes */
	char fd[8];			/* the connection's */

	uint32_t local_isn, ts_base;	/* the stack's numbers, where the script says 0 */
	bool has_local, has_ts;
};

static struct pools pools;

static void
complain(struct play *p, const char *what)
{
	p->failed = true;
	printf("# %s:%u: %s (at %.6f s)\n", p->script->path, p->event->line, what,
	       (double)(p->now.v - p->start) / 1e6);
}

/* --- what the stack says --- */

static void
on_tx(void *ctx, uint16_t domain, uint8_t side, struct rte_mbuf *m)
{
	static uint8_t payload[65536];
	struct play *p = ctx;
	struct sent *s = &p->sent[p->n_sent];
	const char *wrong;

	(void)domain, (void)side;
	if (p->n_sent == QUEUE) {
		complain(p, "the stack sends without end");
	} else {
		wrong = wire_read(m, &s->seg, payload);
		if (wrong)
			complain(p, wrong);
		if (s->seg.flags & 2 && !p->has_local) {
			p->local_isn = s->seg.seq;
			p->has_local = true;
		}
		s->at = p->now.v;
		s->intact = true;
		for (uint32_t i = 0; !wrong && i < s->seg.len; i++)
			s->intact &= payload[i] == wire_byte(s->seg.seq - p->local_isn - 1 + i);
		p->n_sent++;
	}
	rte_pktmbuf_free(m);
}

static void
on_forward(void *ctx, const struct pkt *pkt)
{
	complain(ctx, "the stack forwards a frame");
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
	((struct play *)ctx)->flow = f;
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

	(void)f;
	p->flow = NULL;
	p->closed = true;
	p->why = why;
}

/* --- time --- */

static void
run_until(struct play *p, int64_t t)
{
	while (tcpterm_next(p->stack).v <= t) {
		p->now.v = RTE_MAX(p->now.v, tcpterm_next(p->stack).v);
		tcpterm_run(p->stack, p->now);
	}
	p->now.v = RTE_MAX(p->now.v, t);
}

static int64_t
time_of(const struct play *p, int64_t t)
{
	return (p->event->time == TIME_ABSOLUTE ? p->start : p->reference) + t;
}

/* --- segments --- */

static void
send_in(struct play *p)
{
	static const struct parse_conf conf;
	struct script_seg g = p->event->seg;
	uint32_t off = g.seq - !(g.flags & 2);
	struct pkt pkt;

	if (!g.has_window)
		g.window = 0;
	g.seq += REMOTE_ISN;
	g.ack += g.flags & 0x10 ? p->local_isn : 0;
	for (unsigned i = 0; i < g.n_opts; i++) {
		struct script_opt *o = &g.opt[i];

		if (o->kind == 8 && p->has_ts)
			o->v[1] += p->ts_base;
		for (unsigned k = 0; o->kind == 5 && k < o->n; k++)
			o->v[k] += p->local_isn;
	}
	pkt_parse(&pkt, wire_write(&g, off), &conf);
	if (pkt.kind != PKT_TCP || pkt.cksum_bad)
		complain(p, "the parser refuses the script's own segment");
	tcpterm_input(p->stack, &pkt, 1, p->now);
}

/* The script's numbers for what was sent. */
static void
to_script(struct play *p, struct script_seg *g, const struct script_seg *wanted)
{
	if (p->has_local)
		g->seq -= p->local_isn;
	g->ack = g->flags & 0x10 ? g->ack - REMOTE_ISN : 0;
	for (unsigned i = 0; i < g->n_opts; i++) {
		struct script_opt *o = &g->opt[i];
		const struct script_opt *w = &wanted->opt[i];

		if (o->kind == 8 && !p->has_ts && i < wanted->n_opts && w->kind == 8) {
			p->ts_base = o->v[0] - w->v[0];
			p->has_ts = true;
		}
		if (o->kind == 8)
			o->v[0] -= p->ts_base;
		for (unsigned k = 0; o->kind == 5 && k < o->n; k++)
			o->v[k] -= REMOTE_ISN;
	}
}

static bool
same_option(const struct play *p, const struct script_opt *a, const struct script_opt *b)
{
	if (a->kind != b->kind || a->n != b->n)
		return false;
	if (a->kind == 8)
		return a->v[1] == b->v[1] &&
		       labs((long)a->v[0] - (long)b->v[0]) <= p->script->tolerance / 1000 + 1;
	return memcmp(a->v, b->v, a->n * sizeof a->v[0]) == 0;
}

static bool
same(const struct play *p, const struct script_seg *wanted, const struct script_seg *got)
{
	if (wanted->flags != got->flags || wanted->seq != got->seq || wanted->len != got->len ||
	    (wanted->flags & 0x10 && wanted->ack != got->ack) ||
	    (wanted->has_window && wanted->window != got->window))
		return false;
	if (wanted->any_options)
		return true;
	for (unsigned i = 0; i < wanted->n_opts && i < got->n_opts; i++)
		if (!same_option(p, &wanted->opt[i], &got->opt[i]))
			return false;
	return wanted->n_opts == got->n_opts;
}

static void
compare(struct play *p, struct sent *s, int64_t from, int64_t until)
{
	const struct script_seg *wanted = &p->event->seg;
	char a[400], b[400], what[900];

	to_script(p, &s->seg, wanted);
	script_seg_text(wanted, a, sizeof a);
	script_seg_text(&s->seg, b, sizeof b);
	if (!same(p, wanted, &s->seg)) {
		snprintf(what, sizeof what, "wanted `%s`, it sent `%s`", a, b);
		complain(p, what);
	} else if (!s->intact) {
		complain(p, "its payload is not what was written");
	} else if (s->at < from || s->at > until) {
		snprintf(what, sizeof what, "`%s` was sent at %.6f s, not from %.6f to %.6f", b,
			 (double)(s->at - p->start) / 1e6, (double)(from - p->start) / 1e6,
			 (double)(until - p->start) / 1e6);
		complain(p, what);
	}
}

static void
await_out(struct play *p)
{
	const struct script_event *e = p->event;
	bool any = e->time == TIME_ANY;
	int64_t from = any ? 0 : time_of(p, e->at) - p->script->tolerance;
	int64_t until = any ? p->now.v + PATIENCE_US : time_of(p, e->until) + p->script->tolerance;
	char a[400], what[450];
	struct sent *s;

	while (p->n_checked == p->n_sent && tcpterm_next(p->stack).v <= until)
		run_until(p, tcpterm_next(p->stack).v);
	if (p->n_checked == p->n_sent) {
		snprintf(what, sizeof what, "nothing was sent, wanted `%s`",
			 script_seg_text(&e->seg, a, sizeof a));
		complain(p, what);
		return;
	}
	s = &p->sent[p->n_checked++];
	compare(p, s, from, until);
	p->reference = any || e->until > e->at ? s->at : time_of(p, e->at);
}

/* --- calls --- */

static long
call_connect(struct play *p)
{
	struct tcpterm_identity id = {
		.l2 = { .dst = { { 2, 0, 0, 0, 0, 1 } }, .src = { { 2, 0, 0, 0, 0, 2 } } },
		.local_port = WIRE_LOCAL_PORT,
		.remote_port = WIRE_REMOTE_PORT,
	};
	struct flow *f;
	int rc;

	ip_addr_parse(WIRE_LOCAL, &id.local);
	ip_addr_parse(WIRE_REMOTE, &id.remote);
	rc = tcpterm_connect(p->stack, &id, 0, p->now, &f);
	strcpy(p->fd, p->event->call.arg[0]);
	return rc == 0 ? -EINPROGRESS : rc;
}

static long
call_listen(struct play *p)
{
	struct tcpterm_listener_conf l = {
		.select = { .dst_port = { WIRE_LOCAL_PORT, WIRE_LOCAL_PORT },
			    .src_port = { 0, 65535 } },
	};
	tcpterm_listener_id id;

	return tcpterm_listen(p->stack, &l, &id);
}

static long
call_accept(struct play *p)
{
	if (!p->established)
		return -EAGAIN;
	snprintf(p->fd, sizeof p->fd, "%ld", p->event->call.result);
	return p->event->call.result;
}

/* What a call on a connection that is gone returns. */
static long
gone(const struct play *p)
{
	switch (p->why) {
	case TCPTERM_END_REFUSED:
		return -ECONNREFUSED;
	case TCPTERM_END_RST:
		return -ECONNRESET;
	case TCPTERM_END_TIMEOUT:
		return -ETIMEDOUT;
	default:
		return 0;
	}
}

static long
call_read(struct play *p)
{
	static uint8_t buf[1 << 20];
	size_t len = strtoul(p->event->call.arg[2], NULL, 10);
	ssize_t n;

	if (!p->flow)
		return gone(p);
	n = tcpterm_read(p->stack, p->flow, buf, RTE_MIN(len, sizeof buf));
	for (ssize_t i = 0; i < n; i++)
		if (buf[i] != wire_byte(p->read + (uint32_t)i)) {
			complain(p, "read() gives other bytes than were sent");
			break;
		}
	p->read += n > 0 ? (uint32_t)n : 0;
	return n;
}

static long
call_write(struct play *p)
{
	static uint8_t buf[1 << 20];
	size_t len = RTE_MIN(strtoul(p->event->call.arg[2], NULL, 10), sizeof buf);
	ssize_t n;

	if (!p->flow)
		return gone(p) ? gone(p) : -EPIPE;
	for (size_t i = 0; i < len; i++)
		buf[i] = wire_byte(p->written + (uint32_t)i);
	n = tcpterm_write(p->stack, p->flow, buf, len);
	p->written += n > 0 ? (uint32_t)n : 0;
	return n;
}

static long
call_close(struct play *p)
{
	if (!p->flow)
		return 0;
	if (p->linger0) {
		tcpterm_abort(p->stack, p->flow);
		p->flow = NULL;
		return 0;
	}
	return tcpterm_shutdown(p->stack, p->flow);
}

static long
call_setsockopt(struct play *p)
{
	const struct script_call *c = &p->event->call;

	if (strcmp(c->arg[2], "SO_REUSEADDR") == 0)
		return 0;
	if (strcmp(c->arg[2], "SO_LINGER") == 0) {
		p->linger0 = strcmp(c->arg[3], "{onoff=1,linger=0}") == 0;
		return p->linger0 ? 0 : -EINVAL;
	}
	if (strcmp(c->arg[2], "TCP_NODELAY") == 0 && p->flow) {
		tcpterm_set_nodelay(p->flow, strcmp(c->arg[3], "[1]") == 0);
		return 0;
	}
	return -ENOPROTOOPT;
}

/* SO_ERROR alone: what became of connect(). */
static long
call_getsockopt(struct play *p)
{
	const struct script_call *c = &p->event->call;
	char want[40] = "[0]";

	if (strcmp(c->arg[2], "SO_ERROR") != 0)
		return -ENOPROTOOPT;
	if (p->closed && gone(p) != 0)
		snprintf(want, sizeof want, "[%s]", strerrorname_np((int)-gone(p)));
	if (strcmp(c->arg[3], want) != 0) {
		printf("# SO_ERROR is %s\n", want);
		complain(p, "another error");
	}
	return 0;
}

static long
call(struct play *p)
{
	const struct script_call *c = &p->event->call;

	if (strcmp(c->name, "socket") == 0)
		return c->result;
	if (strcmp(c->name, "bind") == 0 || strcmp(c->name, "fcntl") == 0)
		return 0;
	if (strcmp(c->name, "listen") == 0)
		return call_listen(p);
	if (strcmp(c->name, "connect") == 0)
		return call_connect(p);
	if (strcmp(c->name, "accept") == 0)
		return call_accept(p);
	if (strcmp(c->name, "setsockopt") == 0)
		return call_setsockopt(p);
	if (strcmp(c->arg[0], p->fd) != 0)
		return -EBADF;
	if (strcmp(c->name, "getsockopt") == 0)
		return call_getsockopt(p);
	if (strcmp(c->name, "read") == 0)
		return call_read(p);
	if (strcmp(c->name, "write") == 0)
		return call_write(p);
	if (strcmp(c->name, "shutdown") == 0 && strcmp(c->arg[1], "SHUT_WR") == 0)
		return p->flow ? tcpterm_shutdown(p->stack, p->flow) : -ENOTCONN;
	if (strcmp(c->name, "close") == 0)
		return call_close(p);
	return -ENOSYS;
}

static void
make_call(struct play *p)
{
	const struct script_call *c = &p->event->call;
	long rc = call(p), result = rc < 0 ? -1 : rc;
	const char *error = rc < 0 ? strerrorname_np((int)-rc) : "";
	char what[160];

	if (result == c->result && strcmp(error, c->error) == 0)
		return;
	snprintf(what, sizeof what, "%s() = %ld %s, wanted %ld %s", c->name, result, error,
		 c->result, c->error);
	complain(p, what);
}

/* --- a script --- */

static bool
begin(struct play *p)
{
	static const struct tcpterm_ops ops = {
		.tx = on_tx, .forward = on_forward, .unknown = on_unknown, .flow_new = on_new
	};
	static const struct tcpterm_conn_ops conn_ops = { .established = on_established,
							  .closed = on_closed };
	static const struct pool_conf sizes = { .n_frames = 4095, .n_headers = 8191 };
	struct tcpterm_conf conf = {
		.ops = &ops,
		.ctx = p,
		.cc = p->script->cc,
		.n_flows = 64,
		.n_embryos = 64,
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

	if (!p->failed && p->n_checked < p->n_sent) {
		struct script_seg *g = &p->sent[p->n_checked].seg;

		to_script(p, g, g);
		snprintf(what, sizeof what, "at the end `%s` is unexpected",
			 script_seg_text(g, text, sizeof text));
		complain(p, what);
	}
	tcpterm_free(p->stack);
	if (test_mbufs_live() + pool_in_use(pools.frames) + pool_in_use(pools.headers) != 0)
		complain(p, "mbufs are not returned");
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
			await_out(&p);
			continue;
		}
		run_until(&p, time_of(&p, p.event->at));
		p.reference = time_of(&p, p.event->at);
		if (p.event->kind == SCRIPT_IN)
			send_in(&p);
		else
			make_call(&p);
		tcpterm_run(p.stack, p.now);
	}
	p.event = &s->event[s->n_events ? s->n_events - 1 : 0];
	end(&p);
	return !p.failed;
}
