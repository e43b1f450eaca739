/*
 * memory.c - see memory.h.
 */
#include "vnf/memory.h"

#include <errno.h>

#include "datapath/port.h"
#include "vnf/worker.h"

enum {
	MEM_MB = 256,
	MEM_MB_RINGS = 10,	/* sinks, flows, hand-off */
	N_FRAMES_MAX = 1 << 20,
	N_FRAMES_MIN = 2048,
	N_DESC = 1024,		/* port.h's default */
};

static unsigned
longest_frame(const struct options *o)
{
	unsigned i, mtu = 1500;

	for (i = 0; i < o->n_ports; i++)
		mtu = RTE_MAX(mtu, (unsigned)o->port[i].mtu);
	/* Ethernet, the metadata tag, and tags for which the MTU has no room */
	return RTE_MAX((unsigned)POOL_FRAME_ROOM, mtu + 14 + 5 * 4);
}

int
memory_plan(const struct options *o, struct memory_plan *m, struct err *err)
{
	struct pool_conf *c = &m->pools;
	unsigned n_queues = o->n_ports * o->n_workers;
	unsigned n_handoff = 2 * HANDOFF_DEPTH * o->n_workers * (o->n_workers - 1);
	unsigned room;

	*m = (struct memory_plan){ .mb = o->mem_mb ? o->mem_mb : MEM_MB };
	*c = (struct pool_conf){ .n_frames = N_FRAMES_MAX, .frame_room = longest_frame(o) };
	room = m->mb - RTE_MIN((unsigned)MEM_MB_RINGS, m->mb);
	/* an mbuf does not cross a page, and of ordinary pages each has room for one only */
	if (o->no_huge)
		room /= 2;
	do {
		c->n_frames = c->n_frames / 8 * 7;
		c->n_headers = c->n_frames;
	} while (c->n_frames > N_FRAMES_MIN && pools_mem_mb(c) > room);
	m->n_held_max = pool_held_max(c->n_frames, 2 * N_DESC * n_queues, o->n_ports, n_handoff);
	if (m->n_held_max >= PORT_BURST)
		return 0;
	return err_set(err, -ENOMEM,
		       "%u MB are too few for %u ports and %u workers: raise --socket-mem", m->mb,
		       o->n_ports, o->n_workers);
}
