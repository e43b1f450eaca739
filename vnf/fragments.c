/*
 * fragments.c - see fragments.h.
 */
#include "vnf/fragments.h"

#include <rte_mempool.h>

#include "vnf/worker.h"

enum { N_CROSSING = 1023 };	/* datagrams on their way between workers */

struct rte_mempool *
fragments_pool_new(void)
{
	static unsigned serial;
	char name[RTE_MEMPOOL_NAMESIZE];

	snprintf(name, sizeof name, "datagrams-%u", serial++);
	return rte_mempool_create(name, N_CROSSING, sizeof(struct datagram), 0, 0, NULL, NULL, NULL,
				  NULL, SOCKET_ID_ANY, 0);
}

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
cross(struct worker *w, unsigned owner, const struct frag_result *r)
{
	struct datagram *d;

	if (rte_mempool_get(w->datagrams, (void **)&d) != 0) {
		drops_count(&w->drops, DROP_no_memory);
		rte_pktmbuf_free(r->whole);
		send_on(w, r);
		return;
	}
	d->whole = r->whole;
	d->n = r->n_original;
	memcpy(d->original, r->original, sizeof d->original);
	memcpy(d->side, r->side, sizeof d->side);
	worker_hand_over_datagram(w, owner, d);
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

	frag_input(w->frags, p, w->now, &r);
	if (!r.whole) {
		send_on(w, &r);
		return;
	}
	r.whole->port = port;
	if (parse_whole(w, &whole, r.whole) != PKT_TCP) {
		rte_pktmbuf_free(r.whole);
		send_on(w, &r);
	} else if (whole.hash % w->conf->n_workers == w->id) {
		input_whole(w, &whole, r.original, r.side, r.n_original);
	} else {
		cross(w, whole.hash % w->conf->n_workers, &r);
	}
}

void
fragments_take_over(struct worker *w, struct datagram *d)
{
	struct pkt whole;

	parse_whole(w, &whole, d->whole);
	worker_learn_pair(w, &whole);
	input_whole(w, &whole, d->original, d->side, d->n);
	rte_mempool_put(w->datagrams, d);
}

void
fragments_expire(struct worker *w)
{
	struct frag_result r;

	while (frag_expire(w->frags, w->now, &r))
		send_on(w, &r);
}

void
fragments_discard(struct datagram *d)
{
	rte_pktmbuf_free(d->whole);
	for (unsigned i = 0; i < d->n; i++)
		rte_pktmbuf_free(d->original[i]);
	rte_mempool_put(rte_mempool_from_obj(d), d);
}
