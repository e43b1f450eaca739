/*
 * capture_take.c - a worker's part in captures: see capture.h.
 *
 * The frame that opens a flow comes in before there is a flow to ask.  Where a filter needs
 * one, the frame is copied and its fate decided when the stack has seen it: at the first frame that
 * leaves, so that the file has them in order, or at the burst's end.
 */
#include <string.h>

#include "vnf/capture_lane.h"
#include "vnf/worker.h"

bool
captures_active(const struct captures *cs)
{
	return cs && atomic_load_explicit(&cs->active, memory_order_relaxed);
}

/* The `i`th at work; NULL: none. */
static struct capture *
capture_at(const struct worker *w, unsigned i)
{
	return atomic_load_explicit(&w->conf->captures->at_work[i], memory_order_acquire);
}

static enum flow_filter_answer
chooses(const struct capture *c, struct worker *w, const struct pkt *p)
{
	struct flow_subject s = { .stack = w->stack, .worker = w->id, .now = w->now, .pkt = p };

	if (p->kind != PKT_TCP && p->kind != PKT_ICMP_ERROR)
		return FLOW_FILTER_NO;
	s.flow = tcpterm_find_pkt(w->stack, p);
	return flow_filter_match(&c->conf.filter, &s);
}

static void
fill(struct slot *s, const struct rte_mbuf *m, uint32_t offset, uint32_t n)
{
	const void *from = rte_pktmbuf_read(m, offset, n, s->bytes);

	/* it is there already where it had to be gathered */
	if (from && from != s->bytes)
		memcpy(s->bytes, from, n);
	s->n = (uint16_t)n;
}

/* A copy of the frame, as far as it is wanted; NULL, and counted: no room. */
static struct slot *
copy(struct capture *c, struct worker *w, const struct rte_mbuf *m, unsigned port,
     enum pcapng_direction direction)
{
	struct slot *slot[CAPTURE_SNAPLEN_MAX / SLOT_ROOM + 1];
	struct capture_lane *l = &c->lane[w->id];
	uint32_t captured = RTE_MIN(m->pkt_len, c->conf.snaplen);
	uint32_t offset = 0, n;
	unsigned i, n_slots = captured ? (captured + SLOT_ROOM - 1) / SLOT_ROOM : 1;

	if (rte_ring_sc_dequeue_bulk(l->empty, (void **)slot, n_slots, NULL) == 0) {
		l->lost[port]++;
		return NULL;
	}
	for (i = 0; i < n_slots; i++, offset += n) {
		n = RTE_MIN(captured - offset, (uint32_t)SLOT_ROOM);
		fill(slot[i], m, offset, n);
		slot[i]->next = i + 1 < n_slots ? slot[i + 1] : NULL;
	}
	slot[0]->at = w->now;
	slot[0]->captured = captured;
	slot[0]->length = m->pkt_len;
	slot[0]->port = (uint8_t)port;
	slot[0]->direction = (uint8_t)direction;
	slot[0]->unwanted = false;
	return slot[0];
}

static void
hand_on(struct capture_lane *l, struct slot *s)
{
	l->taken[s->port] += !s->unwanted;
	rte_ring_sp_enqueue(l->full, s);
}

static void
take(struct capture *c, struct worker *w, const struct rte_mbuf *m, unsigned port,
     enum pcapng_direction direction)
{
	struct slot *s = copy(c, w, m, port, direction);

	if (s)
		hand_on(&c->lane[w->id], s);
}

/* Keeps a copy until its flow is known. */
static void
put_off(struct capture *c, struct worker *w, const struct rte_mbuf *m, const struct pkt *p)
{
	struct capture_lane *l = &c->lane[w->id];
	struct pending *one = &l->pending[l->n_pending];

	if (l->n_pending == N_PENDING) {
		l->lost[m->port]++;
		return;
	}
	one->first = copy(c, w, m, m->port, PCAPNG_IN);
	if (!one->first)
		return;
	one->pkt = *p;
	l->n_pending++;
}

/* What is chosen goes on; the rest stays, or with `last` goes back unwritten. */
static void
settle(struct capture *c, struct worker *w, bool last)
{
	struct capture_lane *l = &c->lane[w->id];
	unsigned i, n = 0;

	for (i = 0; i < l->n_pending; i++) {
		bool chosen = chooses(c, w, &l->pending[i].pkt) == FLOW_FILTER_YES;

		if (!chosen && !last) {
			l->pending[n++] = l->pending[i];
			continue;
		}
		l->pending[i].first->unwanted = !chosen;
		hand_on(l, l->pending[i].first);
	}
	l->n_pending = n;
}

/* A frame that came in, of which `p` says whose it is. */
static void
offer(struct capture *c, struct worker *w, const struct rte_mbuf *m, const struct pkt *p)
{
	switch (chooses(c, w, p)) {
	case FLOW_FILTER_YES:
		take(c, w, m, m->port, PCAPNG_IN);
		break;
	case FLOW_FILTER_UNKNOWN:
		put_off(c, w, m, p);
		break;
	case FLOW_FILTER_NO:
		break;
	}
}

void
capture_in(struct worker *w, const struct pkt *p)
{
	struct capture *c;
	unsigned i;

	for (i = 0; i < CAPTURES_MAX; i++) {
		c = capture_at(w, i);
		if (c && c->conf.filter.n_words)
			offer(c, w, p->m, p);
		else if (c)
			take(c, w, p->m, p->m->port, PCAPNG_IN);
	}
}

void
capture_fragment_in(struct worker *w, const struct pkt *whole, const struct rte_mbuf *m)
{
	struct capture *c;
	unsigned i;

	for (i = 0; i < CAPTURES_MAX; i++) {
		c = capture_at(w, i);
		/* one without a filter had it when it came */
		if (c && c->conf.filter.n_words)
			offer(c, w, m, whole);
	}
}

void
capture_out(struct worker *w, unsigned port, const struct rte_mbuf *m)
{
	struct capture *c;
	unsigned i;

	for (i = 0; i < CAPTURES_MAX; i++) {
		c = capture_at(w, i);
		if (c && !c->conf.filter.n_words)
			take(c, w, m, port, PCAPNG_OUT);
	}
}

void
capture_flow_out(struct worker *w, unsigned port, struct rte_mbuf *m, const struct pkt *p)
{
	struct parse_conf conf = port_config(w->conf->ports->port[port])->parse;
	struct capture *c;
	struct pkt own;
	unsigned i;

	conf.trust = true;
	for (i = 0; i < CAPTURES_MAX; i++) {
		c = capture_at(w, i);
		if (!c || !c->conf.filter.n_words)
			continue;
		if (!p) {
			pkt_parse(&own, m, &conf);
			p = &own;
		}
		settle(c, w, false);
		if (chooses(c, w, p) == FLOW_FILTER_YES)
			take(c, w, m, port, PCAPNG_OUT);
	}
}

void
capture_settle(struct worker *w)
{
	struct capture *c;
	unsigned i;

	for (i = 0; i < CAPTURES_MAX; i++) {
		c = capture_at(w, i);
		if (c && c->lane[w->id].n_pending)
			settle(c, w, true);
	}
}
