#include "tests/bench/lib/runs.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <rte_cycles.h>
#include <rte_errno.h>
#include <rte_memcpy.h>

#include "tests/bench/lib/frame.h"

enum {
	N_FRAMES = 8192,
	N_HEADERS = 16384,
	N_HOST_FRAMES = 4095,
	TURN_US = 20,
	IDLE_ROUNDS = 64,	/* nothing moves: it is over */
	LONG_TURN = 1000 * 1000,
	COLD_BYTES = 64 << 20,
	COLD_STRIDE = 4096 + 192,
	FIRST = 20000,		/* segments of which every frame is looked at */
};

static unsigned
forward_turn(struct runs *r)
{
	struct rte_mbuf *m[PORT_BURST];
	unsigned i, n, all = 0;

	for (i = 0; i < 2; i++) {
		n = port_rx(r->bed.ports->port[i], 0, m, &r->bed.worker->drops);
		if (n)
			port_tx(r->bed.ports->port[!i], 0, m, n, &r->bed.worker->drops);
		all += n;
	}
	return all;
}

/* One turn; how many packets it found.  Which `segments` are in it the caller knows. */
static unsigned
turn(struct runs *r, enum mode mode, unsigned segments, struct took *t)
{
	uint64_t from, cycles;
	unsigned n;

	r->now = usec_add(r->now, TURN_US);
	from = rte_rdtsc_precise();
	n = mode == FORWARD ? forward_turn(r) : worker_turn(r->bed.worker, r->now);
	cycles = rte_rdtsc_precise() - from;
	if (n > 0 && cycles < LONG_TURN) {
		t->cycles += cycles;
		t->packets += n;
		t->segments += segments;
	}
	return n;
}

struct took
runs_segments(struct runs *r, enum mode mode, struct peers *p, uint64_t n)
{
	struct took t = { 0 };
	uint64_t end = p->sent + n;
	unsigned idle = 0, fed;

	while (idle < IDLE_ROUNDS) {
		fed = p->sent < end ? peers_send(p, PORT_BURST) : 0;
		idle = turn(r, mode, fed, &t) ? 0 : idle + 1;
		peers_receive(p);
		if (p->sent >= end && p->received >= p->sent)
			peers_flush(p);
	}
	return t;
}

struct took
runs_lives(struct runs *r, uint64_t n)
{
	struct took t = { 0 };

	for (uint64_t done = 0; done < n; done += LIVES_CROWD)
		for (unsigned step = 0; step < LIVES_STEPS; step++) {
			lives_send(&r->lives, step);
			/* more than a burst takes two turns; all of the crowd counts by its last */
			while (turn(r, LIFE, 0, &t))
				lives_receive(&r->lives);
			t.segments += step == LIVES_STEPS - 1 ? LIVES_CROWD : 0;
		}
	/* small payload was copied together, into mbufs of that pool */
	frame_prepare(&r->hosts);
	return t;
}

double
runs_copies(uint64_t n)
{
	static uint8_t *cold;
	uint8_t to[FRAME_PAYLOAD_MAX];
	uint64_t cycles = 0, done = 0, from;
	size_t at = 0;

	if (!cold) {
		cold = malloc(COLD_BYTES);
		if (!cold)
			return 0;
		memset(cold, 1, COLD_BYTES);
	}
	for (uint64_t i = 0; i < n; i++) {
		at = (at + COLD_STRIDE) % (COLD_BYTES - sizeof to);
		from = rte_rdtsc_precise();
		rte_memcpy(to, cold + at, sizeof to);
		from = rte_rdtsc_precise() - from;
		if (from < LONG_TURN) {
			cycles += from;
			done++;
		}
	}
	return done ? (double)cycles / (double)done : 0;
}

void
runs_establish(struct runs *r, enum mode mode, struct peers *p)
{
	unsigned f;

	for (f = 0; f < p->n_flows; f += PORT_BURST) {
		struct took t = { 0 };

		peers_open(p, f, PORT_BURST);
		for (unsigned i = 0; i < 4; i++) {
			turn(r, mode, 0, &t);
			peers_receive(p);
		}
	}
	p->verify = true;
	runs_segments(r, mode, p, FIRST);
	p->verify = false;
}

/* Where the device copies, the hosts' frames are apart from those that the worker receives into. */
static int
host_pools(struct runs *r, struct err *err)
{
	static unsigned serial;
	char name[RTE_MEMPOOL_NAMESIZE];

	r->hosts = r->bed.pools;
	if (!r->bed.dir[0])
		return 0;
	snprintf(name, sizeof name, "hosts_%u", serial++);
	r->hosts.frames = rte_pktmbuf_pool_create(name, N_HOST_FRAMES, 0, 0,
						  RTE_MBUF_DEFAULT_BUF_SIZE, SOCKET_ID_ANY);
	return r->hosts.frames ? 0 : err_set(err, -rte_errno, "no memory for the hosts' frames");
}

int
runs_make(struct runs *r, const struct runs *beside, const char *policy, uint32_t n_flows,
	  struct err *err)
{
	const struct bed_conf conf = {
		.pools = beside ? &beside->bed.pools : NULL,
		.virtio = beside,
		.policy = policy,
		.n_frames = N_FRAMES,
		.n_headers = N_HEADERS,
		.n_flows = n_flows,
	};
	int rc = bed_make(&r->bed, &conf, err);

	if (rc == 0)
		rc = host_pools(r, err);
	if (rc != 0)
		return rc;
	frame_prepare(&r->hosts);
	r->now = clock_now();
	for (unsigned i = 0; i < BED_N; i++)
		r->at[i] = (struct peers_port){ .client = r->bed.client[i],
						.server = r->bed.server[i],
						.pools = &r->hosts };
	return 0;
}

void
runs_end(struct runs *r)
{
	if (r->hosts.frames != r->bed.pools.frames)
		rte_mempool_free(r->hosts.frames);
	bed_end(&r->bed);
}
