#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <tcpterm/conn.h>

#include "tests/sim/lib/audit.h"
#include "tests/sim/lib/lib.h"
#include "tests/sim/lib/rng.h"

enum { END_MBUFS = 1024, STASH = 4 << 20 };

struct lib_end {
	struct endpoint_config cfg;
	void (*emit)(void *ctx, struct frame *f);
	void *ctx;
	const struct lib_pools *pools;
	struct tcpterm *stack;
	struct flow *f;			/* NULL before and after the connection */
	enum endpoint_state state;
	bool fin_in;			/* read() has met the peer's FIN */
	bool shut;
	uint8_t *stash;			/* what was unread when the connection closed */
	size_t stash_len, stash_at;
	uint64_t written, retransmits;
	unsigned n_writes;
	int64_t now;
};

/* All ends of a run share their pools: the last one to go sees what is missing. */
static unsigned n_alive, in_use_before;

static void
tx(void *ctx, uint16_t domain, uint8_t side, struct rte_mbuf *m)
{
	struct lib_end *e = ctx;

	(void)domain;
	(void)side;
	e->emit(e->ctx, lib_frame(m));
}

static void
forward(void *ctx, const struct pkt *p)
{
	(void)ctx;
	rte_pktmbuf_free(p->m);
}

/* A host answers what it does not know by RST (RFC 9293 §3.10.7.1). */
static struct tcpterm_verdict
unknown(void *ctx, const struct pkt *p)
{
	(void)ctx;
	(void)p;
	return (struct tcpterm_verdict){ .decision = TCPTERM_RESET };
}

static struct tcpterm_verdict
filter(void *ctx, const struct tcpterm_syn *syn)
{
	struct lib_end *e = ctx;

	(void)syn;
	return (struct tcpterm_verdict){ .decision = e->state == EP_OPENING ? TCPTERM_ACCEPT
									    : TCPTERM_RESET };
}

static void
established(void *ctx, struct flow *f)
{
	struct lib_end *e = ctx;
	uint16_t seconds = (uint16_t)(e->cfg.keepalive_us / 1000000);
	struct tcpterm_keepalive keep = { .idle_s = seconds, .interval_s = seconds };

	e->f = f;
	e->state = EP_OPEN;
	tcpterm_set_nodelay(f, !e->cfg.nagle);
	tcpterm_set_keepalive(f, seconds ? &keep : NULL);
}

static void
stirred(void *ctx, struct flow *f)
{
	(void)ctx;
	(void)f;	/* the actor looks after every event */
}

static void
closed(void *ctx, struct flow *f, enum tcpterm_end why)
{
	struct lib_end *e = ctx;
	ssize_t n;

	if (e->f == f && e->state == EP_OPEN) {
		if (!e->stash && !(e->stash = malloc(STASH)))
			abort();
		while ((n = tcpterm_read(e->stack, f, e->stash + e->stash_len,
					 STASH - e->stash_len)) > 0)
			e->stash_len += (size_t)n;
		e->fin_in |= n == 0;
	}
	if (why == TCPTERM_END_FIN)
		e->state = EP_CLOSED;
	else if (why == TCPTERM_END_ABORTED)
		e->state = EP_ABORTED;
	else if (e->state == EP_OPENING && e->cfg.client)
		e->state = EP_REFUSED;
	else if (e->state != EP_OPENING)
		e->state = EP_RESET;
	e->f = NULL;
}

static void
look(struct lib_end *e)
{
	struct tcpterm_leg_info leg[2];

	if (!e->f)
		return;
	memset(leg, 0, sizeof leg);
	tcpterm_flow_info(e->f, leg);
	e->retransmits = leg[0].retransmits;
}

static bool
start(struct lib_end *e)
{
	static const struct tcpterm_ops ops = { .tx = tx, .forward = forward, .unknown = unknown };
	static const struct tcpterm_conn_ops conn_ops = { .established = established,
							  .readable = stirred,
							  .writable = stirred,
							  .closed = closed };
	uint16_t mtu = (uint16_t)((e->cfg.mss ? e->cfg.mss : 1440) + (e->cfg.id.v6 ? 60 : 40));
	struct tcpterm_conf conf = {
		.ops = &ops,
		.ctx = e,
		.payload_pool = e->pools->payload,
		.header_pool = e->pools->headers,
		.n_held_max = END_MBUFS / 2,
		.n_flows = 16,
		.n_embryos = 16,
		.n_ready = e->cfg.seed % 2, /* odd: who is quiet rests at once */
		.n_listeners = 4,
		.mtu = { mtu, mtu },
		.rcv_wnd_max = e->cfg.rcvbuf,
		.ecn = e->cfg.ecn ? TCPTERM_ECN_OFFER : TCPTERM_ECN_ANSWER,
		.secret = { rng_key(e->cfg.seed, 1), rng_key(e->cfg.seed, 2) },
	};
	struct err err;

	e->stack = tcpterm_new(&conf, (usec_t){ 0 }, &err);
	if (!e->stack)
		return false;
	tcpterm_set_conn_ops(e->stack, &conn_ops, e);
	return true;
}

static unsigned
destroy(void *ep)
{
	struct lib_end *e = ep;
	unsigned leaked = 0;

	if (e->stack)
		tcpterm_free(e->stack);
	if (--n_alive == 0)
		leaked = lib_pools_in_use(e->pools) - in_use_before;
	free(e->stash);
	free(e);
	return leaked;
}

static void *
create(const struct endpoint_config *cfg, void (*emit)(void *ctx, struct frame *f), void *ctx)
{
	struct lib_end *e = calloc(1, sizeof *e);

	if (!e)
		abort();
	e->cfg = *cfg;
	e->emit = emit;
	e->ctx = ctx;
	e->pools = lib_pools_get(1, END_MBUFS);
	if (!e->pools)
		abort();
	if (n_alive++ == 0)
		in_use_before = lib_pools_in_use(e->pools);
	if (!start(e))
		abort();
	return e;
}

static struct ip_addr
address(const struct identity *id, const uint8_t *bytes)
{
	return id->v6 ? ip_addr_v6(bytes) : ip_addr_v4(bytes);
}

static void
open_client(struct lib_end *e, int64_t now)
{
	const struct identity *id = &e->cfg.id;
	struct tcpterm_identity me = {
		.local = address(id, id->addr),
		.remote = address(id, id->peer_addr),
		.local_port = id->port,
		.remote_port = id->peer_port,
		.domain = 1,
		.ttl = id->ttl,
		.tos = id->tos,
	};
	unsigned i;

	memcpy(me.l2.src.addr_bytes, id->mac, 6);
	memcpy(me.l2.dst.addr_bytes, id->peer_mac, 6);
	me.l2.n_tags = (uint8_t)id->n_tags;
	for (i = 0; i < id->n_tags; i++) {
		me.l2.tag[i].tpid = id->tag[i].tpid;
		me.l2.tag[i].tci = id->tag[i].tci;
	}
	if (tcpterm_connect(e->stack, &me, 0, (usec_t){ now }, &e->f) < 0)
		abort();
	tcpterm_run(e->stack, (usec_t){ now });
}

static void
open_(void *ep, int64_t now)
{
	struct lib_end *e = ep;
	struct tcpterm_listener_conf all = {
		.select = { .src_port = { 0, 65535 },
			    .dst_port = { 0, 65535 },
			    .any_domain = true },
		.filter = filter,
		.ctx = e,
	};
	tcpterm_listener_id id;

	if (e->cfg.client)
		open_client(e, now);
	else if (!e->cfg.refuse && tcpterm_listen(e->stack, &all, &id) < 0)
		abort();
}

static size_t
write_(void *ep, const uint8_t *bytes, size_t len, int64_t now)
{
	struct lib_end *e = ep;
	ssize_t n;

	(void)now;
	if (e->state != EP_OPEN || !e->f || e->shut)
		return 0;
	if (e->cfg.urgent_every && ++e->n_writes % e->cfg.urgent_every == 0)
		n = tcpterm_write_urgent(e->stack, e->f, bytes, len);
	else
		n = tcpterm_write(e->stack, e->f, bytes, len);
	e->written += n > 0 ? (uint64_t)n : 0;
	return n > 0 ? (size_t)n : 0;
}

static size_t
read_(void *ep, uint8_t *bytes, size_t len, int64_t now)
{
	struct lib_end *e = ep;
	ssize_t n;

	(void)now;
	if (e->f && e->state == EP_OPEN) {
		n = tcpterm_read(e->stack, e->f, bytes, len);
		e->fin_in |= n == 0;
		return n > 0 ? (size_t)n : 0;
	}
	if (len > e->stash_len - e->stash_at)
		len = e->stash_len - e->stash_at;
	if (len)
		memcpy(bytes, e->stash + e->stash_at, len);
	e->stash_at += len;
	return len;
}

static void
shutdown_(void *ep, int64_t now)
{
	struct lib_end *e = ep;

	(void)now;
	e->shut = true;
	if (e->f && e->state == EP_OPEN)
		tcpterm_shutdown(e->stack, e->f);
}

static void
abort_(void *ep, int64_t now)
{
	struct lib_end *e = ep;
	struct flow *f = e->f;

	(void)now;
	e->f = NULL;
	if (f)
		tcpterm_abort(e->stack, f);
	e->state = EP_ABORTED;
}

static void
input(void *ep, const struct frame *f, int64_t now)
{
	struct lib_end *e = ep;
	struct parse_conf conf = { .domain = 1 };
	struct rte_mbuf *m = lib_mbuf(e->pools->frames, f);
	const struct identity *id = &e->cfg.id;
	struct pkt p;

	e->now = now;
	if (!m)
		return;
	/* Other ends hear the same leg; a host looks at its own frames only. */
	if (pkt_parse(&p, m, &conf) == PKT_TCP && p.dport == id->port && p.sport == id->peer_port &&
	    !p.cksum_bad && memcmp(f->bytes, id->mac, 6) == 0)
		tcpterm_input(e->stack, &p, 1, (usec_t){ now });
	else
		rte_pktmbuf_free(m);
}

static int64_t
next_timer(void *ep)
{
	struct lib_end *e = ep;

	return tcpterm_next(e->stack).v;
}

static void
run(void *ep, int64_t now)
{
	struct lib_end *e = ep;

	tcpterm_run(e->stack, (usec_t){ now });
	look(e);
}

static void
status(void *ep, struct endpoint_status *st)
{
	struct lib_end *e = ep;

	memset(st, 0, sizeof *st);
	st->state = e->state;
	st->eof = e->fin_in && e->stash_at == e->stash_len;
	st->fin_acked = e->state == EP_CLOSED;
	st->acked = e->written;
	st->retransmits = e->retransmits;
}

static void
audit(void *ep, const struct audit *a)
{
	audit_stack(((struct lib_end *)ep)->stack, a);
}

const struct endpoint_ops lib_endpoint = {
	.name = "tcpterm",
	.create = create,
	.open = open_,
	.write = write_,
	.read = read_,
	.shutdown = shutdown_,
	.abort = abort_,
	.input = input,
	.next_timer = next_timer,
	.run = run,
	.status = status,
	.audit = audit,
	.destroy = destroy,
};
