/*
 * worker.c - see worker.h.
 */
#include "vnf/worker.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <rte_cycles.h>

#include "datapath/captured.h"
#include "vnf/events.h"
#include "vnf/liveness.h"
#include "vnf/verdict.h"
#include "vnf/waiting.h"

enum {
	N_DATAGRAMS = 64,		/* fragmented datagrams in hand, a worker */
	TAPE_BYTES = 64 << 20,		/* of frames that may be kept, a worker */
	TAPES = 4096,			/* flows with such */
	FRAGMENT_TIMEOUT_US = 1000000,	/* the ends' own is 30 s and more: they see no difference */
};

/* A worker's, in reserved memory: 18, 10 and 40 and 6 MB if all were in use. */
static const struct app_limits app_limits = {
	.n_holds = 16384,
	.n_longs = 512,
	.n_names = 65536,
	.n_parks = 1024,
};

enum { N_WAITING = 16384 };	/* flows that their bytes decide, at a time: 2 MB */

/* --- out --- */

/* Gives a batch to a worker whose queue the device has; m->port is the port out from here on. */
static void
flush_by_other(struct worker *w, unsigned port, unsigned other)
{
	struct tx_batch *t = &w->tx[port];
	unsigned i, n;

	for (i = 0; i < t->n; i++)
		t->m[i]->port = (uint16_t)port;
	n = handoff_frames(w->out, w->id, other, t->m, t->n);
	w->stats.sent_by_others += n;
	w->drops.n[DROP_handoff_full] += t->n - n;
	rte_pktmbuf_free_bulk(t->m + n, t->n - n);
	t->n = 0;
}

void
worker_flush(struct worker *w, unsigned port)
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
flush_all(struct worker *w)
{
	unsigned i;

	for (i = 0; i < w->conf->ports->n; i++)
		if (w->tx[i].n)
			worker_flush(w, i);
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

bool
worker_hand_over(struct worker *w, unsigned owner, struct rte_mbuf *m)
{
	if (handoff_frames(w->in, w->id, owner, &m, 1) == 1) {
		w->stats.handed_over++;
		return true;
	}
	drops_count(&w->drops, DROP_handoff_full);
	rte_pktmbuf_free(m);
	return false;
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

/* Reads the frame; true if it is for the stack and for this worker, as `before` was (NULL: it is
 * the first). */
static bool
for_the_stack(struct worker *w, struct rte_mbuf *m, struct pkt *p, const struct pkt *before)
{
	const struct parse_conf *conf = &port_config(w->conf->ports->port[m->port])->parse;
	enum pkt_kind kind = before ? pkt_parse_after(p, before, m, conf) : pkt_parse(p, m, conf);
	unsigned owner;

	if (w->conf->replay)
		captured_at(m, &p->at);
	if (p->goes_on && !w->capturing)
		return true;
	owner = tcpterm_owner(p, w->conf->n_workers);
	if (w->capturing && (kind == PKT_OTHER || kind == PKT_REFUSED || owner == w->id))
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
		if (owner == w->id)
			break;
		if (!worker_hand_over(w, owner, m) && kind == PKT_TCP)
			handoff_lost(w->in, w->id, owner, p);
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

/* What the switch has just written on its core comes while the frame before is read. */
static void
fetch(const struct worker *w, const struct rte_mbuf *m)
{
	const char *at = rte_pktmbuf_mtod(m, const char *), *end = at + m->data_len;

	if (port_config(w->conf->ports->port[m->port])->parse.trust)
		end = RTE_MIN(end, at + 1);	/* no payload is read */
	/* Beyond the end it costs nothing, and asking for each line whether to does. */
	for (; at < end; at += 4 * RTE_CACHE_LINE_SIZE) {
		rte_prefetch0(at);
		rte_prefetch0(at + RTE_CACHE_LINE_SIZE);
		rte_prefetch0(at + 2 * RTE_CACHE_LINE_SIZE);
		rte_prefetch0(at + 3 * RTE_CACHE_LINE_SIZE);
	}
}

static void
input(struct worker *w, struct rte_mbuf **m, unsigned n)
{
	struct pkt p[PORT_BURST];
	unsigned i, n_pkts = 0;

	for (i = 0; i < n; i++) {
		if (i + 1 < n && !w->conf->replay)	/* it was fetched as it was read */
			fetch(w, m[i + 1]);
		n_pkts += for_the_stack(w, m[i], &p[n_pkts], n_pkts ? &p[n_pkts - 1] : NULL);
	}
	tcpterm_input(w->stack, p, n_pkts, w->now);
	if (w->capturing)
		capture_settle(w);
}

/* What another worker handed over; datagrams are read at once, frames as a burst. */
static unsigned
take_over(struct worker *w)
{
	unsigned i, k, all = 0;
	struct handed h;
	struct pkt lost;

	for (i = 0; i < w->conf->n_workers; i++) {
		if (i == w->id)
			continue;
		while (handoff_lost_take(w->in, i, w->id, &lost))
			tcpterm_missed(w->stack, &lost, w->now);
		all += handoff_take(w->in, i, w->id, &h);
		for (k = 0; k < h.n_datagrams; k++)
			fragments_take_over(w, h.datagram[k]);
		if (h.n_frames)
			input(w, h.frame, h.n_frames);
	}
	w->stats.taken_over += all;
	return all;
}

static unsigned
send_for_others(struct worker *w)
{
	unsigned i, k, all = 0;
	struct handed h;

	for (i = 0; i < w->conf->n_workers; i++) {
		if (i == w->id)
			continue;
		all += handoff_take(w->out, i, w->id, &h);
		for (k = 0; k < h.n_frames; k++)
			worker_put(w, h.frame[k]->port, h.frame[k]);
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

/* Room for frames is made when a policy first asks for it, before it takes a flow. */
static void
take_policy(struct worker *w)
{
	const struct snapshot *s = active_snapshot(w->conf->active);
	const struct tcpterm_captures_conf conf = {
		.n_bytes = TAPE_BYTES,
		.n_captures = TAPES,
		.unix_us = clock_to_unix_us((usec_t){ 0 }),
	};

	if (w->snapshot == s)
		return;
	w->snapshot = s;
	if (!w->has_tapes && policy_keeps_frames(s->policy))
		w->has_tapes = tcpterm_captures(w->stack, &conf) == 0;
}

unsigned
worker_turn(struct worker *w, usec_t now)
{
	uint64_t began = rte_rdtsc();
	unsigned n, n_packets;

	w->now = now;
	take_policy(w);
	w->capturing = captures_active(w->conf->captures);
	n = send_for_others(w);
	n_packets = take_over(w);
	n_packets += receive(w);
	if (watches_any(w->conf->watches))
		watch_turn(w);
	n += n_packets + flows_serve(w->conf->flows, w->id, w->stack, now);
	fragments_expire(w);
	tcpterm_mend(w->stack);	/* before rules ask who the client is */
	n += waiting_run(w);
	tcpterm_run(w->stack, now);
	flush_all(w);
	account(w, began, n, n_packets);
	return n;
}

void
worker_feed(struct worker *w, struct rte_mbuf *m[], unsigned n, usec_t now)
{
	w->now = now;
	take_policy(w);
	fragments_expire(w);
	tcpterm_mend(w->stack);
	waiting_run(w);
	tcpterm_run(w->stack, now);
	if (n > 0)
		input(w, m, n);
	w->stats.frames += n;
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
		.passive = c->passive,
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

static void
worker_free(struct worker *w)
{
	if (!w)
		return;
	tcpterm_free(w->stack);
	frag_table_free(w->frags);
	notes_free(w->notes);
	app_free(w->app);
	waiting_free(w->waiting);
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
	w->waiting = waiting_new(N_WAITING);
	w->frags = frag_table_new(N_DATAGRAMS, FRAGMENT_TIMEOUT_US, conf->pools->headers);
	if (!w->notes || !w->app || !w->waiting || !w->frags)
		err_set(err, -ENOMEM, "no memory for worker %u", id);
	if (w->notes && w->app && w->waiting && w->frags && stack_new(w, err) == 0)
		return w;
	worker_free(w);
	return NULL;
}

int
workers_new(const struct worker_conf *conf, struct worker *w[], struct err *err)
{
	struct handoff *in = handoff_new(conf->n_workers, true, err);
	struct handoff *out = in ? handoff_new(conf->n_workers, false, err) : NULL;
	unsigned i;

	for (i = 0; out && i < conf->n_workers; i++) {
		w[i] = worker_new(conf, i, w, err);
		if (!w[i])
			break;
		w[i]->in = in;
		w[i]->out = out;
	}
	if (i == conf->n_workers)
		return 0;
	if (i > 0) {
		workers_free(w, i);
	} else {
		handoff_free(in);
		handoff_free(out);
	}
	return -ENOMEM;
}

void
workers_free(struct worker *w[], unsigned n)
{
	struct handoff *in = n && w[0] ? w[0]->in : NULL, *out = in ? w[0]->out : NULL;
	unsigned i;

	for (i = 0; i < n; i++) {
		worker_free(w[i]);
		w[i] = NULL;
	}
	handoff_free(in);
	handoff_free(out);
}
