/*
 * port_ring.c - two ports of this process, connected.
 *
 * A pair has a ring a queue in each direction; mbufs cross by address, so what
 * one end sends is, flags and chains included, what the other receives.  The
 * link is up while both ends are open.  The list of pairs is the port thread's;
 * its lock is for tests that have several.
 */
#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <rte_errno.h>
#include <rte_ring.h>

#include "datapath/port_kind.h"

struct ring_pair {
	char name[PORT_NAME_LEN];
	uint16_t n_queues;
	struct rte_ring *to[2][PORT_MAX_QUEUES];	/* frames toward that end */
	struct port *end[2];
	struct ring_pair *next;
};

static pthread_mutex_t pairs_lock = PTHREAD_MUTEX_INITIALIZER;
static struct ring_pair *pairs;

static int
ring_check(const char *arg, struct err *err)
{
	size_t len = strlen(arg);

	if (len == 0 || len >= PORT_NAME_LEN)
		return err_set(err, -EINVAL, "ring:%s: a name has 1 to %d characters", arg,
			       PORT_NAME_LEN - 1);
	return 0;
}

static void
free_frames(struct rte_ring *r)
{
	void *m;

	while (r && rte_ring_dequeue(r, &m) == 0)
		rte_pktmbuf_free(m);
}

static void
pair_free(struct ring_pair *pair)
{
	unsigned end, q;

	for (end = 0; end < 2; end++) {
		for (q = 0; q < pair->n_queues; q++) {
			free_frames(pair->to[end][q]);
			rte_ring_free(pair->to[end][q]);
		}
	}
	free(pair);
}

static struct ring_pair *
pair_new(const char *name, uint16_t n_queues, uint16_t n_desc, struct err *err)
{
	static unsigned serial;
	struct ring_pair *pair = calloc(1, sizeof *pair);
	char ring_name[RTE_RING_NAMESIZE];
	unsigned i;

	if (!pair) {
		err_set(err, -ENOMEM, "ring:%s: no memory", name);
		return NULL;
	}
	snprintf(pair->name, sizeof pair->name, "%s", name);
	pair->n_queues = n_queues;
	for (i = 0; i < 2u * n_queues; i++) {
		struct rte_ring **r = &pair->to[i & 1][i / 2];

		snprintf(ring_name, sizeof ring_name, "leat_port_%u", serial++);
		*r = rte_ring_create(ring_name, n_desc, SOCKET_ID_ANY,
				     RING_F_SP_ENQ | RING_F_SC_DEQ | RING_F_EXACT_SZ);
		if (!*r) {
			err_set(err, -rte_errno, "ring:%s: %s", name, rte_strerror(rte_errno));
			pair_free(pair);
			return NULL;
		}
	}
	return pair;
}

static struct ring_pair *
pair_find(const char *name)
{
	struct ring_pair *pair;

	for (pair = pairs; pair; pair = pair->next) {
		if (strcmp(pair->name, name) == 0)
			return pair;
	}
	return NULL;
}

static struct ring_pair *
pair_get(const struct port *p, struct err *err)
{
	struct ring_pair *pair = pair_find(p->arg);

	if (!pair) {
		pair = pair_new(p->arg, p->conf.n_queues, p->conf.n_desc, err);
		if (pair) {
			pair->next = pairs;
			pairs = pair;
		}
		return pair;
	}
	if (pair->end[0] && pair->end[1])
		err_set(err, -EBUSY, "ring:%s has two ends already", p->arg);
	else if (pair->n_queues != p->conf.n_queues)
		err_set(err, -EINVAL, "ring:%s: the other end has %u queues, not %u", p->arg,
			pair->n_queues, p->conf.n_queues);
	else
		return pair;
	return NULL;
}

static void
pair_remove(struct ring_pair *pair)
{
	struct ring_pair **at = &pairs;

	while (*at != pair)
		at = &(*at)->next;
	*at = pair->next;
	pair_free(pair);
}

static int
ring_open(struct port *p, struct err *err)
{
	struct ring_pair *pair;
	int rc = 0;

	pthread_mutex_lock(&pairs_lock);
	pair = pair_get(p, err);
	if (pair) {
		p->pair = pair;
		p->end = pair->end[0] != NULL;
		p->n_queues = pair->n_queues;
		pair->end[p->end] = p;
		if (pair->end[!p->end])
			atomic_store(&pair->end[!p->end]->state, PORT_UP);
	} else {
		rc = -EINVAL;
	}
	pthread_mutex_unlock(&pairs_lock);
	return rc;
}

static void
ring_close(struct port *p)
{
	struct ring_pair *pair = p->pair;
	struct port *peer;
	unsigned q;

	if (!pair)
		return;
	pthread_mutex_lock(&pairs_lock);
	p->pair = NULL;
	pair->end[p->end] = NULL;
	peer = pair->end[!p->end];
	if (peer) {
		atomic_store(&peer->state, PORT_DOWN);
		for (q = 0; q < pair->n_queues; q++)
			free_frames(pair->to[p->end][q]);
	} else {
		pair_remove(pair);
	}
	pthread_mutex_unlock(&pairs_lock);
}

static bool
ring_link_is_up(struct port *p)
{
	bool up;

	pthread_mutex_lock(&pairs_lock);
	up = p->pair && p->pair->end[!p->end];
	pthread_mutex_unlock(&pairs_lock);
	return up;
}

static uint16_t
ring_rx(struct port *p, uint16_t queue, struct rte_mbuf **m, uint16_t n)
{
	return rte_ring_dequeue_burst(p->pair->to[p->end][queue], (void **)m, n, NULL);
}

static uint16_t
ring_tx(struct port *p, uint16_t queue, struct rte_mbuf **m, uint16_t n)
{
	return rte_ring_enqueue_burst(p->pair->to[!p->end][queue], (void *const *)m, n, NULL);
}

static int
ring_rx_fd(struct port *p, uint16_t queue)
{
	(void)p;
	(void)queue;
	return -1;
}

const struct port_kind port_kind_ring = {
	.prefix = "ring:",
	.check = ring_check,
	.open = ring_open,
	.close = ring_close,
	.link_is_up = ring_link_is_up,
	.rx = ring_rx,
	.tx = ring_tx,
	.rx_fd = ring_rx_fd,
};
