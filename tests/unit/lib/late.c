#include "tests/unit/lib/late.h"

#include <stdlib.h>
#include <string.h>

enum { DRIVER_HEADER = 12, DRIVER_BYTE = 0xa5 };

struct late_frame {
	TAILQ_ENTRY(late_frame) link;
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
	*l = (struct late){ .segs_max = segs_max, .turns_max = turns_max, .random = seed };
	TAILQ_INIT(&l->ring);
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

static void
complete(struct late *l, struct late_frame *f)
{
	const uint8_t *was = bytes_of(f);
	bool same = true;

	for (unsigned i = 0; i < f->n; was += f->desc[i++].len)
		same &= memcmp(was, f->desc[i].at, f->desc[i].len) == 0;
	l->n_changed += !same;
	l->n_completed++;
	l->n--;
	l->n_segs -= f->n;
	TAILQ_REMOVE(&l->ring, f, link);
	rte_pktmbuf_free(f->m);
	free(f);
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
		complete(l, TAILQ_FIRST(&l->ring));
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
	TAILQ_INSERT_TAIL(&l->ring, f, link);
	l->n++;
	l->n_segs += f->n;
}

void
late_turn(struct late *l)
{
	struct late_frame *f, *next;

	l->turn++;
	for (f = TAILQ_FIRST(&l->ring); f; f = next) {
		next = TAILQ_NEXT(f, link);
		if (f->due <= l->turn)
			complete(l, f);
	}
}

void
late_flush(struct late *l)
{
	while (l->n > 0)
		complete(l, TAILQ_FIRST(&l->ring));
}
