/*
 * worker.c - see worker.h.
 */
#include "vnf/worker.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <rte_cycles.h>

#include "vnf/events.h"
#include "vnf/liveness.h"
#include "vnf/verdict.h"

enum {
	N_DATAGRAMS = 64,		/* fragmented datagrams in hand, a worker */
	FRAGMENT_TIMEOUT_US = 1000000,	/* the ends' own is 30 s and more: they see no difference */
};

/* A worker's, in reserved memory: 18, 10 and 40 MB if all were in use. */
static const struct app_limits app_limits = {
	.n_holds = 16384,
	.n_longs = 512,
	.n_names = 65536,
};

/* --- out --- */

/* Gives a batch to a worker whose queue the device has; m->port is the port out from here on. */
static void
flush_by_other(struct worker *w, unsigned port, unsigned other)
{
	struct tx_batch *t = &w->tx[port];
	unsigned i, n;

	for (i = 0; i < t->n; i++)
		t->m[i]->port = (uint16_t)port;
	n = rte_ring_sp_enqueue_burst(w->all[other]->send[w->id], (void **)t->m, t->n, NULL);
	w->stats.sent_by_others += n;
	w->drops.n[DROP_handoff_full] += t->n - n;
	rte_pktmbuf_free_bulk(t->m + n, t->n - n);
	t->n = 0;
}

static void
flush(struct worker *w, unsigned port)
{
	unsigned n_queues = port_n_queues(w->conf->ports->port[port]);
	struct tx_batch *t = &w->tx[port];

	if (n_queues && w->id >= n_queues) {
		flush_by_other(w, port, w->id % n_queues);
		return;
	}
	port_tx(w->conf->ports->port[port], (uint16_t)w->id, t->m, t->n, &w->drops);
	t->n = 0;
}

static void
put_in_batch(struct worker *w, unsigned port, struct rte_mbuf *m)
{
	struct tx_batch *t = &w->tx[port];

	t->m[t->n++] = m;
	if (t->n == TX_BATCH)
		flush(w, port);
}

void
worker_send(struct worker *w, unsigned port, struct rte_mbuf *m)
{
	if (w->capturing)
		capture_out(w, port, m);
	put_in_batch(w, port, m);
}

static void
flush_all(struct worker *w)
{
	unsigned i;

	for (i = 0; i < w->conf->ports->n; i++)
		if (w->tx[i].n)
			flush(w, i);
}

/* --- in --- */

void
worker_bridge(struct worker *w, struct rte_mbuf *m, uint64_t *counter)
{
	unsigned port = m->port;

	if (w->conf->ports->is_tap[port]) {
		drops_count(&w->drops, DROP_tap_consumed);
		rte_pktmbuf_free(m);
		return;
	}
	++*counter;
	worker_send(w, w->conf->ports->peer[port], m);
}

/* In the rings between workers a pointer with this bit is a struct datagram, else an mbuf. */
#define DATAGRAM_BIT ((uintptr_t)1)

static struct datagram *
untag(void *what)
{
	return (struct datagram *)((uintptr_t)what & ~DATAGRAM_BIT);
}

static bool
hand_over(struct worker *w, unsigned owner, void *what)
{
	if (rte_ring_sp_enqueue(w->all[owner]->from[w->id], what) == 0) {
		w->stats.handed_over++;
		return true;
	}
	drops_count(&w->drops, DROP_handoff_full);
	return false;
}

void
worker_hand_over(struct worker *w, unsigned owner, struct rte_mbuf *m)
{
	if (!hand_over(w, owner, m))
		rte_pktmbuf_free(m);
}

void
worker_hand_over_datagram(struct worker *w, unsigned owner, struct datagram *d)
{
	if (!hand_over(w, owner, (void *)((uintptr_t)d | DATAGRAM_BIT)))
		fragments_discard(d);
}

void
worker_learn_pair(struct worker *w, const struct pkt *p)
{
	unsigned port = p->m->port;

	if (p->meta_len && !w->conf->ports->is_tap[port])
		w->pair_of[p->domain] =
			(uint8_t)port_config(w->conf->ports->port[port])->parse.domain;
}

/* A metadata tag that no attachment has: such a frame was marked by someone else. */
static bool
has_foreign_mark(const struct pkt *p)
{
	return p->meta_len && (p->domain < DOMAIN_TAPS || p->domain == DOMAIN_UNTAGGED);
}

/* Reads the frame; true if it is for the stack and for this worker. */
static bool
for_the_stack(struct worker *w, struct rte_mbuf *m, struct pkt *p)
{
	const struct ports *ports = w->conf->ports;
	unsigned n_workers = w->conf->n_workers;
	unsigned port = m->port;
	enum pkt_kind kind = pkt_parse(p, m, &port_config(ports->port[port])->parse);

	if (w->capturing &&
	    (kind == PKT_OTHER || kind == PKT_REFUSED || p->hash % n_workers == w->id))
		capture_in(w, p);
	switch (kind) {
	case PKT_OTHER:
		if (!liveness_input(w, m))
			worker_bridge(w, m, &w->stats.bridged);
		return false;
	case PKT_REFUSED:
		if (p->refusal == DROP_meta_missing && liveness_input(w, m))
			return false;
		break;
	case PKT_TCP:
	case PKT_FRAGMENT:
	case PKT_ICMP_ERROR:
		if (p->hash % n_workers == w->id)
			break;
		worker_hand_over(w, p->hash % n_workers, m);
		return false;
	}
	if (has_foreign_mark(p)) {
		worker_bridge(w, m, &w->stats.bridged);
		return false;
	}
	worker_learn_pair(w, p);
	if (p->kind != PKT_FRAGMENT)
		return true;
	fragments_input(w, p);
	return false;
}

static void
input(struct worker *w, struct rte_mbuf **m, unsigned n)
{
	struct pkt p[PORT_BURST];
	unsigned i, n_pkts = 0;

	for (i = 0; i < n; i++)
		n_pkts += for_the_stack(w, m[i], &p[n_pkts]);
	tcpterm_input(w->stack, p, n_pkts, w->now);
	if (w->capturing)
		capture_settle(w);
}

/* What another worker handed over; datagrams are read at once, frames as a burst. */
static void
input_handed(struct worker *w, void *what[], unsigned n)
{
	struct rte_mbuf *m[PORT_BURST];
	unsigned i, n_frames = 0;

	for (i = 0; i < n; i++)
		if ((uintptr_t)what[i] & DATAGRAM_BIT)
			fragments_take_over(w, untag(what[i]));
		else
			m[n_frames++] = what[i];
	if (n_frames)
		input(w, m, n_frames);
}

static unsigned
take_over(struct worker *w)
{
	void *what[PORT_BURST];
	unsigned i, n, all = 0;

	for (i = 0; i < w->conf->n_workers; i++) {
		if (i == w->id)
			continue;
		n = rte_ring_sc_dequeue_burst(w->from[i], what, PORT_BURST, NULL);
		input_handed(w, what, n);
		all += n;
	}
	w->stats.taken_over += all;
	return all;
}

static unsigned
send_for_others(struct worker *w)
{
	struct rte_mbuf *m[PORT_BURST];
	unsigned i, k, n, all = 0;

	for (i = 0; i < w->conf->n_workers; i++) {
		if (i == w->id)
			continue;
		n = rte_ring_sc_dequeue_burst(w->send[i], (void **)m, PORT_BURST, NULL);
		for (k = 0; k < n; k++)
			put_in_batch(w, m[k]->port, m[k]);
		all += n;
	}
	return all;
}

static unsigned
receive(struct worker *w)
{
	struct rte_mbuf *m[PORT_BURST];
	unsigned i, k, n, all = 0;

	for (i = 0; i < w->conf->ports->n; i++) {
		n = port_rx(w->conf->ports->port[i], (uint16_t)w->id, m, &w->drops);
		for (k = 0; k < n; k++)
			m[k]->port = (uint16_t)i;
		if (n)
			input(w, m, n);
		all += n;
	}
	w->stats.frames += all;
	return all;
}

static void
account(struct worker *w, uint64_t began, unsigned n, unsigned n_packets)
{
	struct worker_load *l = &w->load;
	uint64_t cycles = rte_rdtsc() - began;

	w->stats.turns++;
	atomic_store_explicit(&w->turned, w->now.v, memory_order_relaxed);
	if (n == 0)
		return;
	w->stats.busy_turns++;
	l->busy_cycles += cycles;
	if (atomic_load_explicit(&w->reset_peaks, memory_order_relaxed)) {
		atomic_store(&w->reset_peaks, false);
		l->longest_cycles = 0;
		l->held_peak = 0;
	}
	l->packets += n_packets;
	l->longest_cycles = RTE_MAX(l->longest_cycles, cycles);
	l->held_peak = RTE_MAX(l->held_peak, w->tcp->n_held);
	if (n_packets)
		l->batches[RTE_MIN(rte_log2_u32(n_packets + 1) - 1, WORKER_BATCHES - 1u)]++;
}

unsigned
worker_turn(struct worker *w, usec_t now)
{
	uint64_t began = rte_rdtsc();
	unsigned n, n_packets;

	w->now = now;
	w->snapshot = active_snapshot(w->conf->active);
	w->capturing = captures_active(w->conf->captures);
	n = send_for_others(w);
	n_packets = take_over(w);
	n_packets += receive(w);
	n += n_packets + flows_serve(w->conf->flows, w->id, w->stack, now);
	fragments_expire(w);
	tcpterm_run(w->stack, now);
	flush_all(w);
	account(w, began, n, n_packets);
	return n;
}

uint64_t
worker_n_flows(const struct worker *w)
{
	uint64_t n = 0;
	unsigned k;

	for (k = 1; k < TCPTERM_N_KINDS; k++)
		if (k != TCPTERM_KIND_TIMEWAIT)
			n += w->tcp->n_flows[k];
	return n;
}

/* --- life --- */

static int
stack_new(struct worker *w, struct err *err)
{
	const struct worker_conf *c = w->conf;
	struct tcpterm_conf conf = {
		.ops = &events_ops,
		.ctx = w,
		.payload_pool = c->pools->frames,
		.header_pool = c->pools->headers,
		.n_held_max = RTE_MAX(c->n_held_max / c->n_workers, 1u),
		.n_flows = c->n_flows,
		.n_embryos = c->n_embryos,
		.rcv_wnd_max = c->window_max,
		.idle_us = c->idle_us,
		.cc = c->congestion,
		.mtu = { ports_mtu(c->ports, 0), ports_mtu(c->ports, 1) },
		.secret = { c->secret[0] + w->id, c->secret[1] },
		.stack = (uint16_t)w->id,
		.n_stacks = (uint16_t)c->n_workers,
	};
	struct tcpterm_listener_conf all = {
		.select = { .dst_port = { 0, 65535 },
			    .src_port = { 0, 65535 },
			    .any_domain = true },
		.filter = verdict_syn,
		.ctx = w,
	};
	tcpterm_listener_id id;
	int rc;

	w->stack = tcpterm_new(&conf, clock_now(), err);
	if (!w->stack)
		return -ENOMEM;
	w->tcp = tcpterm_stats(w->stack);
	w->tcp_drops = tcpterm_drops(w->stack);
	rc = tcpterm_listen(w->stack, &all, &id);
	return rc == 0 ? 0 : err_set(err, rc, "no memory for a listener");
}

static struct rte_ring *
ring_new(const char *what, unsigned from, unsigned to)
{
	static unsigned serial;
	char name[RTE_RING_NAMESIZE];

	snprintf(name, sizeof name, "%s-%u-%u-%u", what, from, to, serial++);
	return rte_ring_create(name, N_HANDOFF, SOCKET_ID_ANY, RING_F_SP_ENQ | RING_F_SC_DEQ);
}

static int
rings_new(struct worker *w, struct err *err)
{
	unsigned i;

	for (i = 0; i < w->conf->n_workers; i++) {
		if (i == w->id)
			continue;
		w->from[i] = ring_new("hand", i, w->id);
		w->send[i] = ring_new("send", i, w->id);
		if (!w->from[i] || !w->send[i])
			return err_set(err, -ENOMEM, "no memory for the rings between workers");
	}
	return 0;
}

static void
ring_free(struct rte_ring *r)
{
	void *m;

	while (r && rte_ring_dequeue(r, &m) == 0) {
		if ((uintptr_t)m & DATAGRAM_BIT)
			fragments_discard(untag(m));
		else
			rte_pktmbuf_free(m);
	}
	rte_ring_free(r);
}

static void
worker_free(struct worker *w)
{
	unsigned i;

	if (!w)
		return;
	for (i = 0; i < MAX_WORKERS; i++) {
		ring_free(w->from[i]);
		ring_free(w->send[i]);
	}
	tcpterm_free(w->stack);
	frag_table_free(w->frags);
	notes_free(w->notes);
	app_free(w->app);
	free(w);
}

static struct worker *
worker_new(const struct worker_conf *conf, unsigned id, struct worker *all[], struct err *err)
{
	struct worker *w =
		aligned_alloc(RTE_CACHE_LINE_SIZE, RTE_ALIGN_CEIL(sizeof *w, RTE_CACHE_LINE_SIZE));
	unsigned i;

	if (!w) {
		err_set(err, -ENOMEM, "no memory for worker %u", id);
		return NULL;
	}
	memset(w, 0, sizeof *w);
	w->id = id;
	w->conf = conf;
	w->all = all;
	w->core = -1;
	w->now = clock_now();
	liveness_init(w);
	memset(w->pair_of, NO_PAIR, sizeof w->pair_of);
	for (i = 0; i < conf->ports->n_pairs; i++)
		w->pair_of[i] = (uint8_t)i;
	/* Each kind of flow but those that are passing or over can have a note. */
	w->notes = notes_new(4 * (conf->n_flows ? conf->n_flows : 65536));
	w->app = app_new(&app_limits);
	w->frags = frag_table_new(N_DATAGRAMS, FRAGMENT_TIMEOUT_US, conf->pools->headers);
	if (!w->notes || !w->app || !w->frags)
		err_set(err, -ENOMEM, "no memory for worker %u", id);
	if (w->notes && w->app && w->frags && stack_new(w, err) == 0 && rings_new(w, err) == 0)
		return w;
	worker_free(w);
	return NULL;
}

int
workers_new(const struct worker_conf *conf, struct worker *w[], struct err *err)
{
	struct rte_mempool *datagrams = fragments_pool_new();
	unsigned i;

	if (!datagrams)
		return err_set(err, -ENOMEM, "no memory for fragments between workers");
	for (i = 0; i < conf->n_workers; i++) {
		w[i] = worker_new(conf, i, w, err);
		if (!w[i]) {
			workers_free(w, i);
			if (i == 0)
				rte_mempool_free(datagrams);
			return -ENOMEM;
		}
		w[i]->datagrams = datagrams;
	}
	return 0;
}

void
workers_free(struct worker *w[], unsigned n)
{
	struct rte_mempool *datagrams = n && w[0] ? w[0]->datagrams : NULL;
	unsigned i;

	for (i = 0; i < n; i++) {
		worker_free(w[i]);
		w[i] = NULL;
	}
	rte_mempool_free(datagrams);
}
