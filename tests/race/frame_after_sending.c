/*
 * frame_after_sending.c - writes to frames that another thread has already received.
 */
#include <pthread.h>
#include <stdio.h>

#include "datapath/pool.h"
#include "datapath/port.h"
#include "tests/unit/eal.h"

enum { N = 1000 };

static struct pools pools;
static struct port *from, *to;

static void *
receive(void *arg)
{
	struct rte_mbuf *m[PORT_BURST];
	struct drops drops = { 0 };
	unsigned sum = 0;

	for (unsigned n, done = 0; done < N; done += n) {
		n = port_rx(to, 0, m, &drops);
		for (unsigned i = 0; i < n; i++)
			sum += *rte_pktmbuf_mtod(m[i], uint8_t *);
		rte_pktmbuf_free_bulk(m, n);
	}
	printf("# the first bytes add up to %u\n", sum);
	return arg;
}

static struct port *
open_end(const char *name)
{
	const struct port_conf conf = {
		.name = name, .spec = "ring:race", .n_queues = 1, .pool = pools.frames
	};
	struct err err;
	struct port *p = port_new(&conf, &err);

	return p && port_open(p, &err) == 0 ? p : NULL;
}

int
main(void)
{
	const struct pool_conf conf = { .n_frames = 4095, .n_headers = 63 };
	struct drops drops = { 0 };
	struct rte_mbuf *m;
	pthread_t thread;
	struct err err;

	if (test_eal_init() != 0 || pools_new(&pools, &conf, &err) != 0)
		return 1;
	from = open_end("from");
	to = open_end("to");
	if (!from || !to || pthread_create(&thread, NULL, receive, NULL) != 0)
		return 1;
	for (unsigned i = 0; i < N; i++) {
		uint8_t *byte;

		while (!(m = rte_pktmbuf_alloc(pools.frames)))
			;
		byte = (uint8_t *)rte_pktmbuf_append(m, 64);
		*byte = 1;
		port_tx(from, 0, &m, 1, &drops);
		(*byte)++;
	}
	pthread_join(thread, NULL);
	return 0;
}
