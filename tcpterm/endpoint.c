#include <errno.h>

#include "tcpterm/endpoint.h"
#include "tcpterm/reset.h"
#include "tcpterm/rest.h"
#include "tcpterm/segment.h"
#include "tcpterm/urgent.h"

enum { SEND_BUFFER = 256 * 1024 };	/* bytes a connection, if nobody says otherwise */

static const struct tcpterm_conn_ops no_ops;

static const struct tcpterm_conn_ops *
ops_of(const struct tcpterm *s, const struct endpoint *e)
{
	return s->conn_ops && !e->orphan ? s->conn_ops : &no_ops;
}

void
tcpterm_set_conn_ops(struct tcpterm *s, const struct tcpterm_conn_ops *ops, void *ctx)
{
	s->conn_ops = ops;
	s->conn_ctx = ctx;
}

static usec_t
next_of(const struct endpoint *e)
{
	return usec_min(tcb_next(&e->c), e->alive.at);
}

void
endpoint_arm(struct tcpterm *s, struct endpoint *e)
{
	alive_settle(e);
	flow_arm(s, e->f, next_of(e));
	rest_later(&e->c, rest_endpoint_may(e));
}

/* --- open --- */

/* RFC 9293 3.9.2.3: a SYN from nobody, or for everybody (MUST-57, MUST-63); on the link too. */
static bool
from_one_to_one(const struct pkt *p)
{
	return address_speaks(&p->src) && address_speaks(&p->dst) &&
	       !rte_is_multicast_ether_addr(rte_pktmbuf_mtod(p->m, const struct rte_ether_addr *));
}

struct endpoint *
endpoint_new(struct tcpterm *s, const struct pkt *p)
{
	struct flow *f = flow_create(s, TCPTERM_KIND_CONN, p, false);

	return f ? rest_endpoint_new(s, f) : NULL;
}

void
endpoint_init(struct tcpterm *s, struct endpoint *e, uint8_t leg)
{
	e->send_buffer = SEND_BUFFER;
	alive_init(e);
	open_init(s, e, leg);
}

void
endpoint_accept(struct tcpterm *s, struct pkt *p, const struct tcpterm_verdict *v)
{
	struct endpoint *e;

	if (!from_one_to_one(p)) {
		core_drop(s, p->m, DROP_bad_address);
		return;
	}
	if (flood_pressed(s)) {
		cookie_answer(s, p, v);
		return;
	}
	e = endpoint_new(s, p);
	if (e) {
		e->f->cookie = v->cookie;
		e->f->caller = v->caller;
		flow_touch(s, e->f, p, 0);
		e->passive_open = true;
		endpoint_init(s, e, 0);
		e->c.tuning = v->tuning;
		flow_announce(s, e->f);
		open_passive(s, e, p);
		endpoint_arm(s, e);
	}
	core_drop(s, p->m, DROP_proxy_consumed);
}

void
endpoint_from_cookie(struct tcpterm *s, struct pkt *p, const struct tcpterm_verdict *v,
		     const struct cookie *k)
{
	struct endpoint *e = endpoint_new(s, p);

	if (!e) {	/* the client asks again by its data, or a probe */
		core_drop(s, p->m, DROP_no_memory);
		return;
	}
	e->f->cookie = v->cookie;
	e->f->caller = v->caller;
	e->f->start = TCPTERM_START_COOKIE;
	flow_learn(s, e->f, p, 0);
	e->passive_open = true;
	endpoint_init(s, e, 0);
	e->c.tuning = v->tuning;
	open_cookie(&e->c, k);
	flow_announce(s, e->f);
	endpoint_input(s, e->f, p);
}

/* --- end --- */

static void
release(struct tcpterm *s, struct endpoint *e)
{
	tcb_fini(&e->c);
	stream_clear(s, &e->rx);
	stream_clear(s, &e->tx);
}

void
endpoint_close(struct tcpterm *s, struct endpoint *e, enum tcpterm_end why)
{
	const struct tcpterm_conn_ops *ops = ops_of(s, e);

	if (ops->closed)
		ops->closed(s->conn_ctx, e->f, why);
	release(s, e);
}

void
endpoint_end(struct tcpterm *s, struct flow *f, enum tcpterm_end why)
{
	release(s, endpoint_of(f));
	flow_destroy(s, f, why);
}

void
endpoint_fail(struct tcpterm *s, struct flow *f, enum tcpterm_end why, int error)
{
	endpoint_of(f)->error = (uint8_t)error;
	endpoint_close(s, endpoint_of(f), why);
	flow_destroy(s, f, why);
}

/* A RST: as POSIX has it, who has read the end of the stream is told that nobody reads. */
static void
reset_by_peer(struct tcpterm *s, struct flow *f)
{
	const struct endpoint *e = endpoint_of(f);

	endpoint_fail(s, f, TCPTERM_END_RST, e->c.state == TCPTERM_CLOSE_WAIT ? EPIPE : ECONNRESET);
}

static void
timed_out(struct tcpterm *s, struct flow *f)
{
	const struct endpoint *e = endpoint_of(f);

	/* RFC 5461 2: what the network said of it is the better reason */
	endpoint_fail(s, f, TCPTERM_END_TIMEOUT, e->soft ? e->soft : ETIMEDOUT);
}

static void
to_timewait(struct tcpterm *s, struct endpoint *e)
{
	endpoint_close(s, e, TCPTERM_END_FIN);
	timewait_start_conn(s, e->f, &e->c);
}

/* --- segments --- */

/* RFC 9293 3.6.1: new data for who has closed is answered with a RST, or it would wait in vain. */
static bool
nobody_reads(const struct endpoint *e, const struct pkt *p)
{
	const struct conn *c = &e->c;
	int64_t off = seq_offset(seq(p->seq), c->irs, c->rcv.nxt);

	return e->no_read && e->tx.fin && c->state >= TCPTERM_ESTABLISHED && p->payload_len > 0 &&
	       off + (int64_t)p->payload_len > c->rcv.nxt && tcb_believes(c, p);
}

/* Who opened by an identity sends to the MAC that it names, until the peer's own moves. */
static void
learn(struct tcpterm *s, struct endpoint *e, const struct pkt *p)
{
	unsigned peer = e->c.leg;
	bool known = e->f->l2[peer].place, own = e->f->l2[!peer].place;
	const uint8_t *mac;
	uint8_t was[6] = { 0 };

	if (known && own)
		memcpy(was, tcpterm_flow_mac(s, e->f, peer), sizeof was);
	flow_learn(s, e->f, p, peer);
	mac = tcpterm_flow_mac(s, e->f, peer);
	if (known && own && memcmp(was, mac, sizeof was) != 0)
		l2_redirect(s->l2s, &e->f->l2[!peer], mac);
}

void
endpoint_input(struct tcpterm *s, struct flow *f, struct pkt *p)
{
	struct endpoint *e = endpoint_of(f);
	int64_t had = e->rx.end, una = e->c.una, urgent = e->rx.urgent;

	if (p->cksum_bad) {
		core_drop(s, p->m, DROP_proxy_cksum);
		return;
	}
	flow_count(s, f, p, e->c.leg);
	if (e->c.state < TCPTERM_ESTABLISHED || tcb_believes(&e->c, p))
		learn(s, e, p);
	if (e->c.state < TCPTERM_ESTABLISHED) {
		enum open_result r = open_input(&e->c, p);

		if (r == OPEN_REFUSED)
			endpoint_fail(s, f, TCPTERM_END_REFUSED, ECONNREFUSED);
		if (r == OPEN_REFUSED || r == OPEN_DONE)
			return;
		tcb_pend(&e->c);
	}
	if (nobody_reads(e, p)) {
		reset_reply(s, p);
		core_drop(s, p->m, DROP_proxy_consumed);
		endpoint_fail(s, f, TCPTERM_END_ABORTED, ECONNRESET);
		return;
	}
	if (tcb_input(&e->c, p) == TCB_RESET) {
		reset_by_peer(s, f);
		return;
	}
	if (e->c.una > una)
		e->soft = 0;	/* the way is open again */
	e->urgent |= e->rx.urgent > urgent;
	e->readable |= e->rx.end > had || e->rx.fin;
	e->writable |= e->short_write && stream_len(&e->tx) < e->send_buffer / 2;
}

/* Tells one event; false: the caller ended the connection meanwhile. */
static bool
tell(struct tcpterm *s, struct flow *f, bool *event, void (*fn)(void *ctx, struct flow *f))
{
	uint32_t ref = f->ref, generation = f->generation;

	if (!*event)
		return true;
	*event = false;
	if (fn)
		fn(s->conn_ctx, f);
	return tcpterm_flow(s, ref, generation) == f;
}

void
endpoint_settle(struct tcpterm *s, struct flow *f)
{
	struct endpoint *e = endpoint_of(f);
	const struct tcpterm_conn_ops *ops = ops_of(s, e);
	bool fresh = e->c.state >= TCPTERM_ESTABLISHED && !e->was_established;

	tcb_progress(&e->c);
	e->was_established |= fresh;
	if (!tell(s, f, &fresh, ops->established) || !tell(s, f, &e->urgent, ops->urgent) ||
	    !tell(s, f, &e->readable, ops->readable) || !tell(s, f, &e->writable, ops->writable) ||
	    !tell(s, f, &e->alive.advise, ops->advice) || !tell(s, f, &e->unreported, ops->error))
		return;
	if (e->c.state == TCPTERM_TIME_WAIT && e->c.rcv.last_ack > e->c.rcv.nxt &&
	    stream_len(&e->rx) == 0)
		to_timewait(s, e);
	else if (e->c.state == TCPTERM_CLOSED && stream_len(&e->rx) == 0)
		endpoint_fail(s, f, TCPTERM_END_FIN, 0);
	else
		endpoint_arm(s, e);
}

void
endpoint_timer(struct tcpterm *s, struct flow *f)
{
	struct endpoint *e = endpoint_of(f);

	if (!tcb_timer(&e->c) || !alive_timer(e))
		timed_out(s, f);
	else
		endpoint_arm(s, e);
}

/* --- the caller's side --- */

static void
taken(struct tcpterm *s, struct endpoint *e, int64_t from)
{
	(void)s;
	receive_drained(&e->c, (uint64_t)(e->rx.start - from), NULL);
	tcb_pend(&e->c);
}

ssize_t
tcpterm_read(struct tcpterm *s, struct flow *f, void *buf, size_t len)
{
	struct endpoint *e = endpoint_of(f);
	uint32_t n = (uint32_t)RTE_MIN((size_t)stream_len(&e->rx), len);
	int64_t from = e->rx.start;

	if (f->kind != TCPTERM_KIND_CONN || !e->was_established)
		return -ENOTCONN;
	if (n == 0)
		return e->rx.fin && stream_len(&e->rx) == 0 ? 0 : -EAGAIN;
	stream_copy(&e->rx, from, n, buf);
	stream_release(s, &e->rx, from + n);
	taken(s, e, from);
	return n;
}

int
endpoint_may_write(const struct flow *f)
{
	const struct endpoint *e = endpoint_of(f);

	if (f->kind != TCPTERM_KIND_CONN || e->c.state < TCPTERM_ESTABLISHED)
		return -ENOTCONN;
	return e->tx.fin ? -EPIPE : 0;
}

ssize_t
tcpterm_write(struct tcpterm *s, struct flow *f, const void *buf, size_t len)
{
	struct endpoint *e = endpoint_of(f);
	int rc = endpoint_may_write(f);
	size_t room = e->send_buffer - RTE_MIN(stream_len(&e->tx), e->send_buffer), n;

	if (rc != 0)
		return rc;
	n = stream_write(s, &e->tx, buf, RTE_MIN(len, room));
	e->short_write = n < len;
	tcb_pend(&e->c);
	return n > 0 || len == 0 ? (ssize_t)n : -EAGAIN;
}

ssize_t
tcpterm_write_urgent(struct tcpterm *s, struct flow *f, const void *buf, size_t len)
{
	struct conn *c = &endpoint_of(f)->c;
	ssize_t n = tcpterm_write(s, f, buf, len);

	if (n > 0 && (size_t)n == len) {
		urgent_set(c);
		urgent_tell(c);
	}
	return n;
}

int64_t
tcpterm_urgent(const struct flow *f)
{
	return f->kind == TCPTERM_KIND_CONN ? urgent_ahead(&endpoint_of(f)->rx) : 0;
}

int
tcpterm_peek_urgent(struct flow *f, uint8_t *byte)
{
	const struct endpoint *e = endpoint_of(f);

	if (tcpterm_urgent(f) == 0)
		return -EINVAL;
	if (e->rx.urgent > e->rx.end)
		return -EAGAIN;
	stream_copy(&e->rx, e->rx.urgent - 1, 1, byte);
	return 0;
}

struct rte_mbuf *
tcpterm_take(struct tcpterm *s, struct flow *f)
{
	struct endpoint *e = endpoint_of(f);
	int64_t from = e->rx.start;
	struct rte_mbuf *m;
	uint32_t n;

	if (f->kind != TCPTERM_KIND_CONN || stream_len(&e->rx) == 0)
		return NULL;
	n = (uint32_t)(held(e->rx.head)->off + held(e->rx.head)->part.len - from);
	m = stream_slice(s, &e->rx, from, n);
	if (m) {
		stream_release(s, &e->rx, from + n);
		taken(s, e, from);
	}
	return m;
}

int
tcpterm_give(struct tcpterm *s, struct flow *f, struct rte_mbuf *m)
{
	struct endpoint *e = endpoint_of(f);
	int rc = endpoint_may_write(f);

	if (rc != 0)
		return rc;
	if (m->pkt_len > PART_MAX)
		return -EMSGSIZE;
	e->short_write = stream_len(&e->tx) >= e->send_buffer;
	if (e->short_write)
		return -EAGAIN;
	stream_append(s, &e->tx, m, (struct part){ .len = m->pkt_len });
	tcb_pend(&e->c);
	return 0;
}
