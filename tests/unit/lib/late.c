#include "tests/unit/lib/late.h"

#include <stdlib.h>
#include <string.h>

enum { DRIVER_HEADER = 12, DRIVER_BYTE = 0xa5 };

struct late_frame {
	struct rte_mbuf *m;
	uint64_t due;
	unsigned n;
	struct {
		const uint8_t *at;
		uint32_t len;
	} desc[];	/* n; their bytes one after another behind them */
};

void
late_init(struct late *l, unsigned segs_max, unsigned turns_max, uint64_t seed)
{
	*l = (struct late){ .segs_max = RTE_MIN(segs_max, (unsigned)LATE_MAX),
			    .turns_max = turns_max,
			    .random = seed };
}

static uint64_t
next_random(struct late *l)
{
	l->random = l->random * 6364136223846793005u + 1442695040888963407u;
	return l->random >> 33;
}

/* As the virtio driver decides it. */
static bool
may_push(const struct rte_mbuf *m)
{
	return rte_mbuf_refcnt_read(m) == 1 && RTE_MBUF_DIRECT(m) && m->nb_segs == 1 &&
	       rte_pktmbuf_headroom(m) >= DRIVER_HEADER;
}

static uint8_t *
bytes_of(struct late_frame *f)
{
	return (uint8_t *)&f->desc[f->n];
}

/* What is no longer in the ring. */
static void
complete(struct late *l, struct late_frame *f)
{
	const uint8_t *was = bytes_of(f);
	bool same = true;

	for (unsigned i = 0; i < f->n; was += f->desc[i++].len)
		same &= memcmp(was, f->desc[i].at, f->desc[i].len) == 0;
	l->n_changed += !same;
	l->n_completed++;
	l->n_segs -= f->n;
	rte_pktmbuf_free(f->m);
	free(f);
}

static void
complete_oldest(struct late *l)
{
	struct late_frame *f = l->ring[0];

	memmove(l->ring, l->ring + 1, --l->n * sizeof l->ring[0]);
	complete(l, f);
}

void
late_take(struct late *l, struct rte_mbuf *m)
{
	bool push = may_push(m);
	struct late_frame *f = malloc(sizeof *f + m->nb_segs * sizeof f->desc[0] +
				      rte_pktmbuf_pkt_len(m) + DRIVER_HEADER);
	const struct rte_mbuf *seg;
	uint8_t *to;
	unsigned i = 0;

	if (!f)
		abort();
	while (l->n > 0 && l->n_segs + m->nb_segs > l->segs_max)
		complete_oldest(l);
	f->m = m;
	f->due = l->turn + 1 + next_random(l) % (l->turns_max + 1);
	f->n = m->nb_segs;
	if (push)
		memset(rte_pktmbuf_mtod(m, uint8_t *) - DRIVER_HEADER, DRIVER_BYTE, DRIVER_HEADER);
	to = bytes_of(f);
	for (seg = m; i < f->n; seg = seg->next, i++) {
		f->desc[i].at = rte_pktmbuf_mtod(seg, const uint8_t *) - push * DRIVER_HEADER;
		f->desc[i].len = seg->data_len + push * DRIVER_HEADER;
		memcpy(to, f->desc[i].at, f->desc[i].len);
		to += f->desc[i].len;
	}
	l->ring[l->n++] = f;
	l->n_segs += f->n;
}

void
late_turn(struct late *l)
{
	unsigned n = l->n;

	l->turn++;
	l->n = 0;
	for (unsigned i = 0; i < n; i++)
		if (l->ring[i]->due > l->turn)
			l->ring[l->n++] = l->ring[i];
		else
			complete(l, l->ring[i]);
}

void
late_flush(struct late *l)
{
	while (l->n > 0)
		complete_oldest(l);
}
