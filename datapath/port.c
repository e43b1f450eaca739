/* port.c - what all kinds of port share: specs, states, faults, counting. */
#include "datapath/port.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "datapath/port_kind.h"

enum { DEFAULT_DESC = 1024, DEFAULT_MTU = 1500 };

static const struct port_kind *const kinds[] = {
	&port_kind_vhost,
	&port_kind_pcap,
	&port_kind_afpacket,
	&port_kind_ring,
};

static const struct port_kind *
kind_of(const char *spec)
{
	unsigned i;

	for (i = 0; i < RTE_DIM(kinds); i++) {
		if (strncmp(spec, kinds[i]->prefix, strlen(kinds[i]->prefix)) == 0)
			return kinds[i];
	}
	return NULL;
}

static int
check_conf(const struct port_conf *conf, struct err *err)
{
	size_t len = strlen(conf->name);

	if (len == 0 || len >= PORT_NAME_LEN)
		return err_set(err, -EINVAL, "port '%s': a name has 1 to %d characters", conf->name,
			       PORT_NAME_LEN - 1);
	if (strlen(conf->spec) >= PATH_MAX)
		return err_set(err, -EINVAL, "port %s: its spec is too long", conf->name);
	if (conf->n_queues == 0 || conf->n_queues > PORT_MAX_QUEUES)
		return err_set(err, -EINVAL, "port %s: %u queues, not 1 to %d", conf->name,
			       conf->n_queues, PORT_MAX_QUEUES);
	if (!kind_of(conf->spec))
		return err_set(err, -EINVAL,
			       "port %s: '%s' is no port: vhost:PATH, pcap:IN[,OUT], "
			       "afpacket:IFNAME or ring:NAME",
			       conf->name, conf->spec);
	return 0;
}

static void
init_conf(struct port *p, const struct port_conf *conf)
{
	unsigned q;

	p->conf = *conf;
	snprintf(p->name, sizeof p->name, "%s", conf->name);
	snprintf(p->spec, sizeof p->spec, "%s", conf->spec);
	p->conf.name = p->name;
	p->conf.spec = p->spec;
	p->arg = p->spec + strlen(p->kind->prefix);
	if (p->conf.n_desc == 0)
		p->conf.n_desc = DEFAULT_DESC;
	if (p->conf.mtu == 0)
		p->conf.mtu = DEFAULT_MTU;
	for (q = 0; q < PORT_MAX_QUEUES; q++)
		port_fault_seed(&p->queue[q].fault, conf->fault.seed, (uint16_t)q);
	atomic_store(&p->loss_ppm, conf->fault.loss_ppm);
	atomic_store(&p->fault_seed, conf->fault.seed);
}

struct port *
port_new(const struct port_conf *conf, struct err *err)
{
	struct port *p;

	if (check_conf(conf, err) != 0)
		return NULL;
	p = aligned_alloc(RTE_CACHE_LINE_SIZE, sizeof *p);
	if (!p) {
		err_set(err, -ENOMEM, "port %s: no memory", conf->name);
		return NULL;
	}
	memset(p, 0, sizeof *p);
	p->kind = kind_of(conf->spec);
	init_conf(p, conf);
	if (p->kind->check(p->arg, err) != 0) {
		free(p);
		return NULL;
	}
	if (conf->fault.log) {
		p->fault_log = port_fault_log_open(conf->fault.log, err);
		if (!p->fault_log) {
			free(p);
			return NULL;
		}
	}
	return p;
}

int
port_open(struct port *p, struct err *err)
{
	int rc;

	assert(port_state(p) == PORT_CLOSED || port_state(p) == PORT_FAILED);
	atomic_store(&p->state, PORT_PROBING);
	rc = p->kind->open(p, err);
	if (rc != 0) {
		atomic_store(&p->state, PORT_FAILED);
		return rc;
	}
	port_poll_link(p);
	return 0;
}

void
port_close(struct port *p)
{
	enum port_state s = port_state(p);

	atomic_store(&p->state, PORT_CLOSED);
	if (s == PORT_UP || s == PORT_DOWN)
		p->kind->close(p);
	if (p->fault_log)
		port_fault_log_flush(p->fault_log);
}

void
port_abandon(struct port *p)
{
	if (p->kind->abandon)
		p->kind->abandon(p);
}

bool
port_is_listening(const struct port *p)
{
	return port_state(p) == PORT_PROBING && p->kind->is_listening && p->kind->is_listening(p);
}

void
port_free(struct port *p)
{
	if (!p)
		return;
	port_close(p);
	port_fault_log_close(p->fault_log);
	free(p);
}

enum port_state
port_poll_link(struct port *p)
{
	enum port_state s = port_state(p);

	if (p->fault_log)
		port_fault_log_flush(p->fault_log);
	if (s == PORT_CLOSED || s == PORT_FAILED)
		return s;
	s = p->kind->link_is_up(p) ? PORT_UP : PORT_DOWN;
	atomic_store(&p->state, s);
	return s;
}

enum port_state
port_state(const struct port *p)
{
	return atomic_load_explicit(&p->state, memory_order_acquire);
}

const char *
port_state_name(enum port_state s)
{
	static const char *const names[] = {
		[PORT_CLOSED] = "closed", [PORT_PROBING] = "waiting for the switch",
		[PORT_DOWN] = "down",	  [PORT_UP] = "up",
		[PORT_FAILED] = "failed",
	};

	return names[s];
}

const struct port_conf *
port_config(const struct port *p)
{
	return &p->conf;
}

uint16_t
port_mtu(const struct port *p)
{
	return p->conf.mtu;
}

void
port_set_fault(struct port *p, uint32_t loss_ppm, uint64_t seed)
{
	atomic_store(&p->fault_seed, seed);
	atomic_fetch_add_explicit(&p->fault_serial, 1, memory_order_release);
	atomic_store(&p->loss_ppm, loss_ppm);
}

void
port_get_fault(const struct port *p, uint32_t *loss_ppm, uint64_t *seed)
{
	*loss_ppm = atomic_load(&p->loss_ppm);
	*seed = atomic_load(&p->fault_seed);
}

uint16_t
port_n_queues(const struct port *p)
{
	enum port_state s = port_state(p);

	return s == PORT_UP || s == PORT_DOWN ? p->n_queues : 0;
}

bool
port_at_end(struct port *p)
{
	return p->kind->at_end && p->kind->at_end(p);
}

void
port_get_stats(const struct port *p, struct port_stats *s)
{
	const struct port_stats *q;
	unsigned i;

	memset(s, 0, sizeof *s);
	for (i = 0; i < PORT_MAX_QUEUES; i++) {
		q = &p->queue[i].stats;
		s->rx_frames += q->rx_frames;
		s->rx_bytes += q->rx_bytes;
		s->tx_frames += q->tx_frames;
		s->tx_bytes += q->tx_bytes;
		s->linearized += q->linearized;
	}
}

static bool
is_running(const struct port *p, uint16_t queue)
{
	enum port_state s = port_state(p);

	return (s == PORT_UP || s == PORT_DOWN) && queue < p->n_queues;
}

/* Keeps the frames that the fault setting spares; returns how many. */
static unsigned
apply_faults(struct port *p, uint16_t queue, struct rte_mbuf **m, unsigned n, uint32_t loss_ppm,
	     struct drops *drops)
{
	unsigned serial = atomic_load_explicit(&p->fault_serial, memory_order_acquire);
	struct port_queue *q = &p->queue[queue];
	unsigned i, kept = 0;

	if (q->fault_serial != serial) {
		port_fault_seed(&q->fault, atomic_load(&p->fault_seed), queue);
		q->fault_serial = serial;
	}
	for (i = 0; i < n; i++) {
		if (!port_fault_strikes(&q->fault, loss_ppm)) {
			m[kept++] = m[i];
			continue;
		}
		if (p->fault_log)
			port_fault_log_frame(p->fault_log, m[i], &p->conf.parse);
		rte_pktmbuf_free(m[i]);
		drops_count(drops, DROP_rx_fault);
	}
	return kept;
}

static uint64_t
sum_bytes(struct rte_mbuf *const *m, unsigned n)
{
	uint64_t bytes = 0;
	unsigned i;

	for (i = 0; i < n; i++)
		bytes += m[i]->pkt_len;
	return bytes;
}

unsigned
port_rx(struct port *p, uint16_t queue, struct rte_mbuf **m, struct drops *drops)
{
	uint32_t loss_ppm = atomic_load_explicit(&p->loss_ppm, memory_order_relaxed);
	struct port_stats *s = &p->queue[queue].stats;
	unsigned n;

	if (!is_running(p, queue))
		return 0;
	n = p->kind->rx(p, queue, m, PORT_BURST);
	s->rx_frames += n;
	s->rx_bytes += sum_bytes(m, n);
	return loss_ppm ? apply_faults(p, queue, m, n, loss_ppm, drops) : n;
}

static void
drop_frames(struct rte_mbuf **m, unsigned n, enum drop why, struct drops *drops)
{
	drops->n[why] += n;
	rte_pktmbuf_free_bulk(m, n);
}

void
port_tx(struct port *p, uint16_t queue, struct rte_mbuf **m, unsigned n, struct drops *drops)
{
	struct port_stats *s = &p->queue[queue].stats;
	uint64_t bytes;
	unsigned sent;

	assert(!p->conf.rx_only);
	if (port_state(p) != PORT_UP || queue >= p->n_queues) {
		drop_frames(m, n, DROP_tx_link_down, drops);
		return;
	}
	bytes = sum_bytes(m, n);
	sent = p->kind->tx(p, queue, m, n);
	s->tx_frames += sent;
	s->tx_bytes += bytes - sum_bytes(m + sent, n - sent);
	if (sent < n)
		drop_frames(m + sent, n - sent, DROP_tx_full, drops);
}

int
port_rx_fd(struct port *p, uint16_t queue)
{
	return is_running(p, queue) ? p->kind->rx_fd(p, queue) : -1;
}

static int
set_armed(struct port *p, uint16_t queue, bool armed)
{
	if (!is_running(p, queue) || !p->kind->rx_arm)
		return -ENOTSUP;
	return p->kind->rx_arm(p, queue, armed);
}

int
port_rx_arm(struct port *p, uint16_t queue)
{
	return set_armed(p, queue, true);
}

int
port_rx_disarm(struct port *p, uint16_t queue)
{
	return set_armed(p, queue, false);
}
