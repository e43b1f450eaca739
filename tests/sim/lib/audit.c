#include "tests/sim/lib/audit.h"

#include <stdarg.h>
#include <stdio.h>

#include "tcpterm/endpoint.h"
#include "tcpterm/relay.h"
#include "tcpterm/rest.h"

/* One connection under audit. */
struct look {
	const struct audit *a;
	const struct conn *c;
	const struct witness *w;	/* NULL: the wire has nothing to say of it */
};

static void __attribute__((format(printf, 3, 4)))
wrong(const struct look *l, const char *rule, const char *fmt, ...)
{
	char what[192], text[320];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(what, sizeof what, fmt, ap);
	va_end(ap);
	snprintf(text, sizeof text, "port %u leg %u, %s, una %lld nxt %lld: %s",
		 l->c->f->key.port[0], l->c->leg, tcpterm_state_name(l->c->state),
		 (long long)l->c->una, (long long)l->c->nxt, what);
	l->a->breach(l->a->ctx, rule, text);
}

/* A connection that was killed, or has not begun, keeps no books. */
static bool
keeps_books(const struct conn *c)
{
	const struct relay *r = relay_of(c->f);

	if (c->relayed && r->dying && r->dead == c->leg)
		return false;
	return c->state >= TCPTERM_ESTABLISHED || (c->state == TCPTERM_CLOSED && c->fin_sent);
}

/* --- sending --- */

static void
look_at_sequence(const struct look *l)
{
	const struct conn *c = l->c;
	int64_t end = c->tx->end;

	if (c->una < 0 || c->una > c->nxt || c->nxt > end + c->fin_sent)
		wrong(l, "sequence", "the stream ends at %lld, FIN %s", (long long)end,
		      c->fin_sent ? "sent" : "not sent");
	if (c->fin_sent && (c->nxt != end + 1 || !c->tx->fin))
		wrong(l, "sequence", "the FIN was sent, the stream ends at %lld", (long long)end);
	if (c->tx->start != RTE_MIN(c->una, end))
		wrong(l, "sequence", "bytes are held from %lld on", (long long)c->tx->start);
	if (!l->w)
		return;
	/* The wire counts the SYN. */
	if (c->una + 1 > (int64_t)l->w->acked)
		wrong(l, "sequence", "the peer has acknowledged %lld", (long long)l->w->acked - 1);
	if (c->nxt + 1 != (int64_t)l->w->max)
		wrong(l, "sequence", "the furthest that was sent is %lld",
		      (long long)l->w->max - 1);
}

static void
look_at_entry(const struct look *l, const struct sent_seg *g, int64_t at)
{
	if (g->off != at || g->len == 0)
		wrong(l, "scoreboard", "an entry %lld+%u follows %lld", (long long)g->off, g->len,
		      (long long)at);
	if ((g->sacked && g->lost) || (g->rexmit && !(g->lost && g->ever_rexmit)))
		wrong(l, "scoreboard", "entry %lld: sacked %d, lost %d, sent again %d",
		      (long long)g->off, g->sacked, g->lost, g->rexmit);
	if (usec_before(l->c->s->now, g->at))
		wrong(l, "scoreboard", "entry %lld was sent in the future", (long long)g->off);
	if (g->sacked && l->w &&
	    !ranges_cover(l->w->sacked, (uint64_t)g->off + 1, (uint64_t)g->off + 1 + g->len))
		wrong(l, "scoreboard", "the peer has never SACKed %lld+%u", (long long)g->off,
		      g->len);
}

/* The order by time has all that flies and nothing else. */
static void
look_at_order(const struct look *l, uint32_t flying)
{
	const struct sent_seg *g, *last = NULL;

	for (g = sent_seg(l->c, l->c->sent.oldest); g;
	     last = g, g = sent_seg(l->c, g->newer), flying--) {
		if (g->sacked || (g->lost && !g->rexmit))
			wrong(l, "scoreboard", "entry %lld does not fly", (long long)g->off);
		if (last && usec_before(g->at, last->at))
			wrong(l, "scoreboard", "entry %lld was sent before %lld", (long long)g->off,
			      (long long)last->off);
	}
	if (flying != 0 || sent_seg(l->c, l->c->sent.newest) != last)
		wrong(l, "scoreboard", "the order by time is not whole");
}

/* Returns how many entries there are. */
static uint32_t
look_at_scoreboard(const struct look *l)
{
	const struct sent *st = &l->c->sent;
	const struct sent_seg *g, *last = NULL;
	uint64_t sacked = 0, lost = 0, rexmit = 0;
	int64_t at = l->c->una;
	uint32_t n = 0, flying = 0, segments = 0;

	for (g = sent_seg(l->c, st->head); g; last = g, g = sent_seg(l->c, g->next), n++) {
		look_at_entry(l, g, at);
		flying += !g->sacked && (!g->lost || g->rexmit);
		segments += g->sacked ? g->n : 0;
		at = g->off + g->len;
		sacked += g->sacked ? g->len : 0;
		lost += g->lost ? g->len : 0;
		rexmit += g->rexmit ? g->len : 0;
	}
	look_at_order(l, flying);
	if (sent_seg(l->c, st->tail) != last)
		wrong(l, "scoreboard", "the tail is not the last entry");
	if (at != l->c->nxt)
		wrong(l, "scoreboard", "the entries end at %lld", (long long)at);
	if (segments != st->n_sacked)
		wrong(l, "scoreboard", "%u segments SACKed, the sum %u", segments, st->n_sacked);
	if (sacked != st->sacked || lost != st->lost || rexmit != st->rexmit)
		wrong(l, "scoreboard", "sacked %llu lost %llu again %llu, the sums %u %u %u",
		      (unsigned long long)sacked, (unsigned long long)lost,
		      (unsigned long long)rexmit, st->sacked, st->lost, st->rexmit);
	return n;
}

static void
look_at_windows(const struct look *l)
{
	const struct conn *c = l->c;

	if (c->rcv.adv < c->rcv.nxt)
		wrong(l, "window", "rcv.nxt %lld has passed the edge %lld", (long long)c->rcv.nxt,
		      (long long)c->rcv.adv);
	if (c->cc.cwnd < c->mss && c->mss)
		wrong(l, "window", "cwnd %u, mss %u", c->cc.cwnd, c->mss);
	if (l->w && c->wnd_edge + 1 > (int64_t)l->w->edge)
		wrong(l, "window", "the peer's edge is %lld, it offered %lld",
		      (long long)c->wnd_edge, (long long)l->w->edge - 1);
}

/* --- receiving --- */

/* Returns how many buffers are held. */
static uint32_t
look_at_reassembly(const struct look *l)
{
	const struct receive *r = &l->c->rcv;
	const struct ooo *q = &l->c->ooo;
	const struct rte_mbuf *m;
	uint32_t bytes = 0, mbufs = 0;
	int64_t at = r->nxt + 1;	/* what is at rcv.nxt is in order */

	for (m = q->head; m; m = held(m)->next) {
		const struct held *h = held(m);

		if (h->off < at || h->part.len == 0)
			wrong(l, "reassembly", "%lld+%u follows %lld", (long long)h->off,
			      (unsigned)h->part.len, (long long)at);
		if (l->w && !ranges_cover(l->w->heard, (uint64_t)h->off + 1,
					  (uint64_t)h->off + 1 + h->part.len))
			wrong(l, "reassembly", "%lld+%u has not come", (long long)h->off,
			      (unsigned)h->part.len);
		at = h->off + h->part.len;
		bytes += h->part.len;
		mbufs += m->nb_segs;
	}
	if (bytes != q->bytes || mbufs != q->mbufs)
		wrong(l, "reassembly", "%u bytes in %u buffers, the sums %u and %u", bytes, mbufs,
		      q->bytes, q->mbufs);
	if (q->head && (at > r->adv || (r->fin >= 0 && at > r->fin)))
		wrong(l, "reassembly", "ends at %lld, the edge is %lld, the FIN %lld",
		      (long long)at, (long long)r->adv, (long long)r->fin);
	if (r->fin >= 0 && (r->fin < r->nxt || (r->fin == r->nxt) != l->c->rx->fin))
		wrong(l, "reassembly", "the FIN is at %lld, rcv.nxt %lld", (long long)r->fin,
		      (long long)r->nxt);
	if (l->w && r->nxt + 1 > (int64_t)ranges_end(l->w->heard, 0))
		wrong(l, "reassembly", "rcv.nxt %lld, %lld has come", (long long)r->nxt,
		      (long long)ranges_end(l->w->heard, 0) - 1);
	return mbufs;
}

/* Returns how many buffers it holds. */
static uint32_t
look_at_stream(const struct look *l, const struct stream *st)
{
	const struct rte_mbuf *m, *last = NULL;
	uint32_t n = 0, buffers = 0;
	int64_t at = st->head ? held(st->head)->off : st->end;

	if (st->start > st->end || (st->head && at > st->start))
		wrong(l, "stream", "begins at %lld, held from %lld to %lld", (long long)st->start,
		      (long long)at, (long long)st->end);
	for (m = st->head; m; last = m, m = held(m)->next, n++) {
		const struct held *h = held(m);

		if (h->off != at || h->part.m_off + h->part.len > (uint64_t)m->pkt_len)
			wrong(l, "stream", "%lld+%u follows %lld", (long long)h->off,
			      (unsigned)h->part.len, (long long)at);
		at = h->off + h->part.len;
		buffers += m->nb_segs;
	}
	if (at != st->end || last != st->tail || n != st->n_mbufs)
		wrong(l, "stream", "ends at %lld, not %lld; %u pieces, not %u", (long long)at,
		      (long long)st->end, n, st->n_mbufs);
	return buffers;
}

/* --- timers --- */

static bool
is_armed(usec_t at)
{
	return at.v != USEC_NEVER.v;
}

static void
look_at_timers(const struct look *l)
{
	const struct conn *c = l->c;
	/* With a window of one a mark is waited out by that timer (RFC 3168 6.1.2). */
	bool in_flight = c->una < c->nxt, timed = in_flight || c->ecn.wait;
	bool waiting = c->tx->end > c->nxt || (c->tx->fin && !c->fin_sent);

	if (is_armed(c->rto_at) != timed)
		wrong(l, "armed", "retransmission timer %s", timed ? "off" : "on");
	if (is_armed(rack_next(&c->rack)) && !in_flight)
		wrong(l, "armed", "a loss probe, or a wait for reordering, for nothing");
	if (is_armed(c->persist_at) != (waiting && !timed))
		wrong(l, "armed", "persist timer %s, %s waits",
		      is_armed(c->persist_at) ? "on" : "off", waiting ? "something" : "nothing");
	if (c->rcv.unacked > 0 && !is_armed(c->rcv.delack_at) && !c->rcv.ack_now)
		wrong(l, "armed", "%u bytes are not acknowledged and no timer will",
		      c->rcv.unacked);
	if (c->rcv.unacked == 0 && is_armed(c->rcv.delack_at))
		wrong(l, "armed", "delayed ACK on, nothing to acknowledge");
	if (c->is_pending || c->rcv.ack_now || c->probe_now)
		wrong(l, "output-due", "pending %d, an ACK %d, a probe %d", c->is_pending,
		      c->rcv.ack_now, c->probe_now);
}

static void
look_at_wheel(const struct look *l)
{
	const struct flow *f = l->c->f;
	usec_t next = tcb_next(l->c), at = timer_deadline(&l->c->s->wheel, f);
	int64_t latest = RTE_MAX(next.v, l->c->s->now.v) + TIMER_TICK_US;

	if (!is_armed(next) || (timer_armed(f) && at.v <= latest))
		return;
	wrong(l, "timer-lost", "due at %.6f, the flow's entry %s %.6f", (double)next.v / 1e6,
	      timer_armed(f) ? "is at" : "is not armed,", (double)at.v / 1e6);
}

/* --- all of it --- */

struct sums {
	uint32_t buffers, entries;
};

static void
look_at_conn(const struct audit *a, const struct conn *c, struct sums *sum)
{
	unsigned flow = c->f->key.port[0] - a->base_port;
	int leg = a->who == WHO_BOX ? c->leg : a->leg;
	struct look l = { .a = a, .c = c };
	struct witness w;

	if (flow < CHECKER_FLOWS && keeps_books(c) &&
	    checker_witness(a->checker, flow, leg, a->who, &w))
		l.w = &w;
	look_at_wheel(&l);
	sum->buffers += look_at_reassembly(&l) + look_at_stream(&l, c->rx);
	if (!keeps_books(c)) {
		if (c->sent.head)
			wrong(&l, "scoreboard", "entries without a connection");
		return;
	}
	look_at_sequence(&l);
	sum->entries += look_at_scoreboard(&l);
	look_at_windows(&l);
	look_at_timers(&l);
}

static void
look_at_endpoint(const struct audit *a, const struct endpoint *e, struct sums *sum)
{
	const struct look l = { .a = a, .c = &e->c };

	look_at_conn(a, &e->c, sum);
	sum->buffers += look_at_stream(&l, e->c.tx);
}

static void
look_at_flow(const struct audit *a, struct flow *f, struct sums *sum)
{
	const struct relay *r;

	if (f->kind == TCPTERM_KIND_CONN && rest_awake(f)) {
		look_at_endpoint(a, endpoint_of(f), sum);
	} else if (f->kind == TCPTERM_KIND_RELAY && rest_awake(f)) {
		r = relay_of(f);
		look_at_conn(a, &r->leg[0], sum);
		look_at_conn(a, &r->leg[1], sum);
	}
}

void
audit_stack(const struct tcpterm *s, const struct audit *a)
{
	struct sums sum = { 0 };
	uint64_t cursor = 0;
	struct flow *f;
	char text[128];

	do
		if (tcpterm_walk((struct tcpterm *)s, &cursor, &f, 1) == 1)
			look_at_flow(a, f, &sum);
	while (cursor);
	/* Passive halves hold pieces, which their own tests count. */
	if (s->stats.n_flows[TCPTERM_KIND_PASSIVE] > 0 ||
	    (sum.buffers == s->stats.n_held && sum.entries == s->sent.n_used))
		return;
	snprintf(text, sizeof text, "%u buffers and %u entries, the stack counts %u and %u",
		 sum.buffers, sum.entries, (unsigned)s->stats.n_held, s->sent.n_used);
	a->breach(a->ctx, "held", text);
}
