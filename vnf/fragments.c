/*
 * fragments.c - see fragments.h.
 */
#include "vnf/fragments.h"

#include "vnf/worker.h"

/* What can't be put together goes on as it came. */
static void
send_on(struct worker *w, const struct frag_result *r)
{
	if (r->refusal != DROP_NONE)
		drops_count(&w->drops, r->refusal);
	for (unsigned i = 0; i < r->n_original; i++)
		worker_bridge(w, r->original[i], &w->stats.fragments);
}

/* The segment is this worker's: its flow reads the whole, the fragments are what is forwarded. */
static void
input_whole(struct worker *w, struct pkt *p, struct rte_mbuf *const original[],
	    const uint8_t side[], unsigned n)
{
	struct pkt as_came[FRAG_MAX + 1];

	for (unsigned i = 0; i < n; i++)
		as_came[i] = (struct pkt){ .m = original[i], .domain = p->domain, .side = side[i] };
	for (unsigned i = 0; i < n && w->capturing; i++)
		capture_fragment_in(w, p, original[i]);
	w->stats.reassembled++;
	w->whole = p;
	tcpterm_input_whole(w->stack, p, as_came, n, w->now);
	w->whole = NULL;
	if (w->capturing)
		capture_settle(w);
}

static void
cross(struct worker *w, unsigned owner, const struct pkt *whole, struct frag_result *r)
{
	if (handoff_datagram(w->in, w->id, owner, r)) {
		w->stats.handed_over++;
		return;
	}
	w->drops.n[DROP_handoff_full] += r->n_original;
	handoff_lost(w->in, w->id, owner, whole);
	rte_pktmbuf_free(r->whole);
	rte_pktmbuf_free_bulk(r->original, r->n_original);
}

static enum pkt_kind
parse_whole(const struct worker *w, struct pkt *p, struct rte_mbuf *whole)
{
	return pkt_parse(p, whole, &port_config(w->conf->ports->port[whole->port])->parse);
}

void
fragments_input(struct worker *w, const struct pkt *p)
{
	uint16_t port = p->m->port;
	struct frag_result r;
	struct pkt whole;
	unsigned owner;

	frag_input(w->frags, p, w->now, &r);
	if (!r.whole) {
		send_on(w, &r);
		return;
	}
	r.whole->port = port;
	if (parse_whole(w, &whole, r.whole) != PKT_TCP) {
		rte_pktmbuf_free(r.whole);
		send_on(w, &r);
		return;
	}
	owner = tcpterm_owner(&whole, w->conf->n_workers);
	if (owner == w->id)
		input_whole(w, &whole, r.original, r.side, r.n_original);
	else
		cross(w, owner, &whole, &r);
}

void
fragments_take_over(struct worker *w, struct crossing *d)
{
	struct pkt whole;

	parse_whole(w, &whole, d->whole);
	worker_learn_pair(w, &whole);
	input_whole(w, &whole, d->original, d->side, d->n);
	handoff_done(w->in, d);
}

void
fragments_expire(struct worker *w)
{
	struct frag_result r;

	while (frag_expire(w->frags, w->now, &r))
		send_on(w, &r);
}
