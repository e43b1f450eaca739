/*
 * liveness.c - see liveness.h.
 */
#include "vnf/liveness.h"

#include <rte_random.h>

static bool
policy_is_active(const struct worker *w)
{
	return w->snapshot && w->snapshot->policy;
}

/* One port of a pair that is down counts as both. */
static bool
pair_is_up(const struct ports *p, unsigned port)
{
	return port_state(p->port[port]) == PORT_UP &&
	       port_state(p->port[p->peer[port]]) == PORT_UP;
}

/* Any worker may own the flows of any port. */
static bool
every_worker_turns(const struct worker *w)
{
	unsigned i;

	for (i = 0; i < w->conf->n_workers; i++) {
		int64_t turned = atomic_load_explicit(&w->all[i]->turned, memory_order_relaxed);

		if (i != w->id && w->now.v - turned > w->conf->stall_us)
			return false;
	}
	return true;
}

static enum bfd_answer
what_to_say(const struct worker *w, unsigned port)
{
	if (drain_phase(w->conf->drain) == DRAIN_DONE)
		return BFD_SAY_ADMIN_DOWN;
	if (policy_is_active(w) && pair_is_up(w->conf->ports, port) && every_worker_turns(w))
		return BFD_SAY_ALIVE;
	return BFD_SAY_NOTHING;
}

static void
answer(struct worker *w, struct rte_mbuf *m)
{
	unsigned port = m->port;
	uint8_t reply[BFD_FRAME];

	switch (bfd_input(&w->bfd[port], rte_pktmbuf_mtod(m, uint8_t *), m->pkt_len, w->now,
			  what_to_say(w, port), reply)) {
	case BFD_REFUSED:
		drops_count(&w->drops, DROP_bfd_refused);
		break;
	case BFD_WITHHELD:
		drops_count(&w->drops, DROP_bfd_withheld);
		break;
	case BFD_ANSWERED:
		/* in the frame that asked, which nobody else holds */
		rte_pktmbuf_trim(m, (uint16_t)(m->pkt_len - BFD_FRAME));
		memcpy(rte_pktmbuf_mtod(m, uint8_t *), reply, BFD_FRAME);
		m->ol_flags = 0;
		w->stats.bfd_answered++;
		worker_send(w, port, m);
		return;
	}
	rte_pktmbuf_free(m);
}

bool
liveness_input(struct worker *w, struct rte_mbuf *m)
{
	unsigned owner = m->port % w->conf->n_workers;

	if (w->conf->ports->is_tap[m->port] || m->nb_segs != 1 ||
	    !bfd_is_for_us(rte_pktmbuf_mtod(m, uint8_t *), m->pkt_len))
		return false;
	if (owner == w->id)
		answer(w, m);
	else
		worker_hand_over(w, owner, m);
	return true;
}

void
liveness_init(struct worker *w)
{
	unsigned i;

	for (i = 0; i < w->conf->ports->n; i++)
		bfd_init(&w->bfd[i], (uint32_t)rte_rand() | 1);
}

enum bfd_state
liveness_state(struct worker *const all[], unsigned n_workers, unsigned port, usec_t now)
{
	return bfd_state(&all[port % n_workers]->bfd[port], now);
}
