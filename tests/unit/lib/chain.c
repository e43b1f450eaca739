#include <CUnit/CUnit.h>
#include <stdlib.h>

#include "tests/unit/eal.h"
#include "tests/unit/lib/chain.h"

enum { DELAY_US = 5000, QUEUE = 65536, CHUNK = 8192, CLIENT_PORT = 40000, SERVER_PORT = 8443 };

static const uint8_t client[4] = { 192, 0, 2, 7 }, server[4] = { 198, 51, 100, 9 };

struct chain_frame {
	int64_t at;
	struct rte_mbuf *m;
	uint8_t to, side;
};

struct node {
	struct chain *c;
	enum chain_node id;
};

static struct node nodes[CHAIN_N];

static uint8_t
pattern(uint8_t key, uint64_t off)
{
	return (uint8_t)(off * 31 + (off >> 8) * 7 + key);
}

/* --- wires --- */

/* The relay's device has the frame, the wire a copy. */
static struct rte_mbuf *
hand_over(struct chain *c, struct rte_mbuf *m)
{
	struct rte_mbuf *copy = rte_pktmbuf_copy(m, c->pools.frames, 0, UINT32_MAX);

	CU_ASSERT_PTR_NOT_NULL_FATAL(copy);
	late_take(c->late, m);
	return copy;
}

static void
put_frame(struct chain *c, enum chain_node to, uint8_t side, struct rte_mbuf *m)
{
	CU_ASSERT_FATAL(c->n_queued < QUEUE);
	c->queue[c->n_queued++] = (struct chain_frame){ c->now.v + DELAY_US, m, (uint8_t)to, side };
}

static const void *
payload_at(const struct pkt *p)
{
	const struct rte_mbuf *m = p->m;
	uint32_t off = p->payload;

	while (m && off >= m->data_len) {
		off -= m->data_len;
		m = m->next;
	}
	return m ? rte_pktmbuf_mtod_offset(m, const void *, off) : NULL;
}

static void
emit(struct chain *c, enum chain_node from, uint8_t side, struct rte_mbuf *m)
{
	struct parse_conf conf = { .side = side };
	struct pkt p;

	c->frames[from]++;
	CU_ASSERT_EQUAL(pkt_parse(&p, m, &conf), PKT_TCP);
	CU_ASSERT(!p.cksum_bad || c->team[CHAIN_RELAY].conf[0].trust);
	if (from == CHAIN_RELAY && p.payload_len > 1000)
		c->payload_out = payload_at(&p);
	if (from == CHAIN_RELAY && c->late)
		m = p.m = hand_over(c, m);
	if (c->lose && c->lose(c, from, &p)) {
		rte_pktmbuf_free(m);
		return;
	}
	if (from == CHAIN_RELAY)
		put_frame(c, side == 0 ? CHAIN_CLIENT : CHAIN_SERVER, 0, m);
	else
		put_frame(c, CHAIN_RELAY, from == CHAIN_SERVER, m);
}

static void
node_tx(void *ctx, uint16_t domain, uint8_t side, struct rte_mbuf *m)
{
	struct node *n = ctx;

	(void)domain;
	emit(n->c, n->id, side, m);
}

static void
node_forward(void *ctx, const struct pkt *p)
{
	struct node *n = ctx;

	if (n->id == CHAIN_RELAY)
		emit(n->c, n->id, !p->side, p->m);
	else
		rte_pktmbuf_free(p->m);
}

static void
deliver(struct chain *c, const struct chain_frame *f)
{
	struct parse_conf conf = { .side = f->side };
	struct team *t = &c->team[f->to];
	struct pkt p;

	pkt_parse(&p, f->m, &conf);
	if (f->to == CHAIN_RELAY && p.payload_len > 1000)
		c->payload_in = payload_at(&p);
	team_arrive(t, team_stranger(t, f->side, f->m), f->side, f->m, c->now);
}

/* --- applications --- */

static void
app_write(struct chain *c, enum chain_node id)
{
	struct chain_app *a = &c->app[id];
	uint8_t buf[CHUNK];

	while (a->f && a->established && a->sent < a->to_send) {
		size_t n = RTE_MIN((uint64_t)CHUNK, a->to_send - a->sent);
		ssize_t took;

		for (size_t i = 0; i < n; i++)
			buf[i] = pattern(a->key, a->sent + i);
		took = tcpterm_write(c->stack[id], a->f, buf, n);
		if (took <= 0)
			return;
		a->sent += (uint64_t)took;
	}
	if (a->f && a->established && a->close_after && !a->shut) {
		CU_ASSERT_EQUAL(tcpterm_shutdown(c->stack[id], a->f), 0);
		a->shut = true;
	}
}

static void
app_read(struct chain *c, enum chain_node id)
{
	struct chain_app *a = &c->app[id];
	uint8_t key = c->app[id == CHAIN_CLIENT ? CHAIN_SERVER : CHAIN_CLIENT].key, buf[CHUNK];
	ssize_t n = -1;

	while (a->f && a->established && !a->hold &&
	       (n = tcpterm_read(c->stack[id], a->f, buf, sizeof buf)) > 0) {
		for (ssize_t i = 0; i < n; i++)
			a->wrong += buf[i] != pattern(key, a->received + (uint64_t)i);
		a->received += (uint64_t)n;
	}
	a->eof |= n == 0;
}

static void
on_established(void *ctx, struct flow *f)
{
	struct node *n = ctx;

	n->c->app[n->id].f = f;
	n->c->app[n->id].established = true;
}

static void
on_closed(void *ctx, struct flow *f, enum tcpterm_end why)
{
	struct node *n = ctx;
	struct chain_app *a = &n->c->app[n->id];

	(void)f;
	app_read(n->c, n->id);
	a->f = NULL;
	a->closed = true;
	a->why = why;
}

static void
end_opened(void *ctx, struct flow *f)
{
	struct node *n = ctx;

	if (n->c->opened)
		n->c->opened(n->c, n->id, f);
}

static void
relay_ended(void *ctx, struct flow *f)
{
	struct node *n = ctx;

	n->c->n_ended++;
	n->c->ended = f->end;
}

static struct tcpterm_verdict
relay_filter(void *ctx, const struct tcpterm_syn *syn)
{
	(void)syn;
	return ((struct node *)ctx)->c->verdict;
}

static struct tcpterm_verdict
relay_unknown(void *ctx, const struct pkt *p)
{
	(void)p;
	return ((struct node *)ctx)->c->unknown;
}

static struct tcpterm_verdict
server_filter(void *ctx, const struct tcpterm_syn *syn)
{
	const struct chain *c = ((struct node *)ctx)->c;

	(void)syn;
	return (struct tcpterm_verdict){ .decision = c->server_refuses ? TCPTERM_RESET
								       : TCPTERM_ACCEPT };
}

/* --- life --- */

static void
stack_new(struct chain *c, enum chain_node id, const struct tcpterm_conf *given)
{
	static const struct tcpterm_ops ops = { .tx = node_tx,
						.forward = node_forward,
						.flow_new = end_opened };
	static const struct tcpterm_ops relay_ops = { .tx = node_tx,
						      .forward = node_forward,
						      .flow_end = relay_ended };
	static const struct tcpterm_ops replaced_ops = { .tx = node_tx,
							 .forward = node_forward,
							 .unknown = relay_unknown,
							 .flow_end = relay_ended };
	static const struct tcpterm_conn_ops conn_ops = { .established = on_established,
							  .closed = on_closed };
	const struct flow_key key = { .addr = { ip_addr_v4(client), ip_addr_v4(server) },
				      .port = { CLIENT_PORT, SERVER_PORT } };
	struct team *t = &c->team[id];
	struct tcpterm_conf conf = { 0 };
	struct tcpterm_listener_conf l = {
		.select = { .any_domain = true, .dst_port = { 0, 65535 }, .src_port = { 0, 65535 } }
	};
	tcpterm_listener_id lid;
	struct err err;

	if (given)
		conf = *given;
	nodes[id] = (struct node){ c, id };
	conf.ops = id != CHAIN_RELAY ? &ops : c->replaced ? &replaced_ops : &relay_ops;
	conf.ctx = &nodes[id];
	conf.payload_pool = c->pools.frames;
	conf.header_pool = c->pools.headers;
	conf.secret[0] = 0x1234 + id;
	conf.n_flows = 64;
	CU_ASSERT_EQUAL_FATAL(team_init(t, team_size, &conf, 0, false, c->now, &err), 0);
	c->stack[id] = t->stack[team_owner_of(t, &key)];
	for (unsigned k = 0; k < t->n; k++)
		tcpterm_set_conn_ops(t->stack[k], &conn_ops, &nodes[id]);
	if (id == CHAIN_CLIENT)
		return;
	l.filter = id == CHAIN_RELAY ? relay_filter : server_filter;
	l.ctx = &nodes[id];
	CU_ASSERT_EQUAL_FATAL(team_listen(t, &l, &lid), 0);
}

void
chain_init(struct chain *c, const struct tcpterm_conf *conf)
{
	chain_init_pool(c, conf, 4095);
}

static void
init(struct chain *c, const struct tcpterm_conf *ends, const struct tcpterm_conf *relay,
     unsigned n_frames)
{
	struct pool_conf pool = { .n_frames = n_frames, .n_headers = 8191 };

	*c = (struct chain){ .now = { 1000000 }, .verdict = { .decision = TCPTERM_RELAY } };
	c->app[CHAIN_CLIENT].key = 3;
	c->app[CHAIN_SERVER].key = 101;
	CU_ASSERT_EQUAL_FATAL(test_eal_init(), 0);
	CU_ASSERT_EQUAL_FATAL(pools_new(&c->pools, &pool, NULL), 0);
	c->queue = calloc(QUEUE, sizeof *c->queue);
	stack_new(c, CHAIN_CLIENT, ends);
	stack_new(c, CHAIN_RELAY, relay);
	stack_new(c, CHAIN_SERVER, ends);
}

void
chain_init_pool(struct chain *c, const struct tcpterm_conf *conf, unsigned n_frames)
{
	init(c, conf, conf, n_frames);
}

void
chain_init_relay(struct chain *c, const struct tcpterm_conf *conf)
{
	init(c, NULL, conf, 4095);
}

void
chain_fini(struct chain *c)
{
	for (unsigned i = 0; i < CHAIN_N; i++)
		team_fini(&c->team[i]);
	if (c->late)
		late_flush(c->late);
	for (unsigned i = 0; i < c->n_queued; i++)
		rte_pktmbuf_free(c->queue[i].m);
	free(c->queue);
	CU_ASSERT_EQUAL(pool_in_use(c->pools.frames), 0);
	CU_ASSERT_EQUAL(pool_in_use(c->pools.headers), 0);
	pools_free(&c->pools);
}

void
chain_replace_relay(struct chain *c, const struct tcpterm_verdict *unknown)
{
	team_fini(&c->team[CHAIN_RELAY]);
	c->unknown = *unknown;
	c->replaced = true;
	stack_new(c, CHAIN_RELAY, NULL);
	c->n_ended = 0;
}

void
chain_connect(struct chain *c)
{
	struct tcpterm_identity id = {
		.l2 = { .dst = { { 2, 0, 0, 0, 0, 2 } }, .src = { { 2, 0, 0, 0, 0, 1 } } },
		.local = ip_addr_v4(client),
		.remote = ip_addr_v4(server),
		.local_port = CLIENT_PORT,
		.remote_port = SERVER_PORT,
		.ttl = 63,
	};

	CU_ASSERT_EQUAL_FATAL(
		tcpterm_connect(c->stack[CHAIN_CLIENT], &id, 0, c->now, &c->app[CHAIN_CLIENT].f),
		0);
}

void
chain_inject(struct chain *c, uint8_t side, struct rte_mbuf *m)
{
	put_frame(c, CHAIN_RELAY, side, m);
}

static int64_t
next_event(const struct chain *c)
{
	int64_t next = INT64_MAX;

	for (unsigned i = 0; i < c->n_queued; i++)
		next = RTE_MIN(next, c->queue[i].at);
	for (unsigned i = 0; i < CHAIN_N; i++)
		next = RTE_MIN(next, team_next(&c->team[i]).v);
	return next;
}

static void
deliver_due(struct chain *c)
{
	unsigned n = c->n_queued, kept = 0;

	/* What is sent meanwhile is queued behind `n`. */
	for (unsigned i = 0; i < n; i++) {
		if (c->queue[i].at <= c->now.v)
			deliver(c, &c->queue[i]);
	}
	for (unsigned i = 0; i < c->n_queued; i++)
		if (i >= n || c->queue[i].at > c->now.v)
			c->queue[kept++] = c->queue[i];
	c->n_queued = kept;
}

static void
run_apps(struct chain *c)
{
	for (unsigned i = 0; i < CHAIN_N; i++) {
		team_run(&c->team[i], c->now);
		app_read(c, i);
		app_write(c, i);
		team_run(&c->team[i], c->now);
	}
}

bool
chain_run(struct chain *c, int64_t us, bool (*done)(const struct chain *))
{
	int64_t until = c->now.v + us;

	run_apps(c);
	while (!done(c)) {
		int64_t next = next_event(c);

		if (next > until) {
			c->now.v = until;
			return false;
		}
		c->now.v = RTE_MAX(c->now.v, next);
		deliver_due(c);
		run_apps(c);
		if (c->late)
			late_turn(c->late);
	}
	return true;
}

/* --- what most tests do --- */

bool
chain_never(const struct chain *c)
{
	(void)c;
	return false;
}

bool
chain_closed(const struct chain *c)
{
	return c->app[CHAIN_CLIENT].closed && c->app[CHAIN_SERVER].closed;
}

bool
chain_connected(const struct chain *c)
{
	return c->app[CHAIN_CLIENT].established && c->app[CHAIN_SERVER].established;
}

void
chain_check_received(const struct chain *c)
{
	const struct chain_app *cl = &c->app[CHAIN_CLIENT], *sv = &c->app[CHAIN_SERVER];

	CU_ASSERT_EQUAL(sv->received, cl->to_send);
	CU_ASSERT_EQUAL(cl->received, sv->to_send);
	CU_ASSERT_EQUAL(cl->wrong, 0);
	CU_ASSERT_EQUAL(sv->wrong, 0);
}

void
chain_transfer(struct chain *c, uint64_t up, uint64_t down, int64_t seconds)
{
	c->app[CHAIN_CLIENT].to_send = up;
	c->app[CHAIN_SERVER].to_send = down;
	c->app[CHAIN_CLIENT].close_after = c->app[CHAIN_SERVER].close_after = true;
	chain_connect(c);
	CU_ASSERT_TRUE(chain_run(c, seconds * 1000000, chain_closed));
	chain_check_received(c);
}

struct flow *
chain_flow(struct chain *c)
{
	uint64_t cursor = 0;
	struct flow *f = NULL;

	while (tcpterm_walk(c->stack[CHAIN_RELAY], &cursor, &f, 1) == 0 && cursor)
		;
	return f;
}
