#include "tests/prop/lib/truth.h"

#include <stdlib.h>
#include <string.h>

#include <rte_common.h>

#include "tests/prop/lib/seed.h"
#include "tests/unit/lib/put.h"

enum { SYN = 2, FIN = 1, ACK = 16, STREAM_MAX = 60000, WINDOW = 0xffff, TRAILER = 9 };

static uint64_t state;

void
truth_sow(uint64_t seed)
{
	state = (seed + 1) * 0x9e3779b97f4a7c15u;
}

uint32_t
truth_draw(uint32_t n)
{
	return (uint32_t)(seed_next(&state) >> 20) % n;
}

/* --- what is to be told --- */

static int
earlier(const void *a, const void *b)
{
	const struct shot *x = a, *y = b;

	if (x->at != y->at)
		return x->at < y->at ? -1 : 1;
	return x->order < y->order ? -1 : x->order > y->order;
}

struct judged {
	uint8_t have[STREAM_MAX], value[STREAM_MAX];
	int64_t from[STREAM_MAX], to[STREAM_MAX];	/* the segment whose byte it is */
	int64_t settled;	/* acknowledged: nothing replaces it */
	int64_t furthest;	/* byte seen, or acknowledged */
	bool seen;
};

/* Does the later segment's byte take the place of that of [from, to)? */
static bool
later_wins(enum truth_overlap overlap, int64_t from, int64_t to, const struct shot *g)
{
	int64_t start = g->off - from, stop = g->off + g->len - to;

	switch (overlap) {
	case TRUTH_LAST:
		return true;
	case TRUTH_BSD:		/* who begins first, the earlier if both do */
		return start < 0;
	case TRUTH_LINUX:	/* as bsd, but of those that begin together the longer */
		return start < 0 || (start == 0 && stop > 0);
	case TRUTH_OLD_LINUX:	/* the later if they are as long */
		return start < 0 || (start == 0 && stop >= 0);
	case TRUTH_SOLARIS:	/* who ends last; if both do, who begins first, then the later */
		return stop > 0 || (stop == 0 && start <= 0);
	default:
		return false;
	}
}

static bool
is_refused(const struct truth_half *h, const struct judged *j, const struct shot *g)
{
	uint32_t i;

	for (i = 0; i < g->len; i++) {
		int64_t at = g->off + i;

		if (j->have[at] && at >= j->settled && j->value[at] != (h->stream[at] ^ g->alter))
			return true;
	}
	return false;
}

static void
take_byte(struct truth_half *h, struct judged *j, const struct shot *g, int64_t at,
	  enum truth_overlap overlap)
{
	uint8_t v = h->stream[at] ^ g->alter;

	h->conflicts |= j->have[at] && j->value[at] != v;
	if (j->have[at] && (at < j->settled || !later_wins(overlap, j->from[at], j->to[at], g)))
		return;
	j->have[at] = 1;
	j->value[at] = v;
	j->from[at] = g->off;
	j->to[at] = g->off + g->len;
}

static void
take_bytes(struct truth_half *h, struct judged *j, const struct shot *g, enum truth_overlap overlap)
{
	uint32_t i;

	if (overlap == TRUTH_REJECT && is_refused(h, j, g)) {
		h->conflicts = true;
		return;
	}
	for (i = 0; i < g->len; i++) {
		int64_t at = g->off + i;

		if (g->late && !j->have[at])
			h->late++;
		else
			take_byte(h, j, g, at, overlap);
	}
	if ((g->len || (g->flags & FIN)) && g->off + g->len > j->furthest)
		j->furthest = g->off + g->len;
}

static void
take_shot(struct truth_flow *f, struct judged j[2], const struct shot *g, const int64_t fin[2],
	  enum truth_overlap overlap)
{
	struct judged *other = &j[!g->d];
	int64_t ack = g->ack < fin[!g->d] ? g->ack : fin[!g->d];

	j[g->d].seen = true;
	take_bytes(&f->dir[g->d], &j[g->d], g, overlap);
	if (!(g->flags & ACK))
		return;
	if (ack > other->settled)
		other->settled = ack;
}

/* Bytes in runs: gaps are those between that were not seen. */
static void
conclude(struct truth_half *h, const struct judged *j, int64_t base)
{
	int64_t end = j->furthest > j->settled ? j->furthest : j->settled, at;

	h->bytes = calloc(1, STREAM_MAX);
	if (!h->bytes)
		abort();
	if (!j->seen)
		return;
	for (at = base; at < end; at++) {
		uint64_t off = (uint64_t)(at - base);

		h->bytes[off] = j->have[at] ? j->value[at] : 0;
		if (j->have[at])
			continue;
		if (at > base && !j->have[at - 1]) {
			h->gap[h->n_gaps - 1].len++;
			continue;
		}
		if (h->n_gaps == TRUTH_GAPS)
			abort();
		h->gap[h->n_gaps].off = off;
		h->gap[h->n_gaps++].len = 1;
	}
	h->n_bytes = (uint64_t)(end - base);
}

void
truth_expect(struct truth_flow *f, enum truth_overlap overlap)
{
	static struct judged j[2];
	int64_t fin[2] = { INT64_MAX, INT64_MAX };
	unsigned i;

	memset(j, 0, sizeof j);
	qsort(f->shot, f->n_shots, sizeof *f->shot, earlier);
	for (i = 0; i < 2; i++)
		j[i].furthest = j[i].settled = f->base[i];
	for (i = 0; i < f->n_shots; i++)
		if (f->shot[i].flags & FIN)
			fin[f->shot[i].d] = f->shot[i].off;
	for (i = 0; i < f->n_shots; i++)
		if (f->shot[i].shown && !f->shot[i].noise)
			take_shot(f, j, &f->shot[i], fin, overlap);
	for (i = 0; i < 2; i++)
		conclude(&f->dir[i], &j[i], f->base[i]);
}

/* --- frames --- */

static void
put_frame(struct truth *t, int64_t at, const uint8_t *bytes, size_t len)
{
	struct truth_frame *f;

	if (t->n_frames == t->room) {
		t->room = t->room ? 2 * t->room : 512;
		t->frame = realloc(t->frame, t->room * sizeof *t->frame);
		if (!t->frame)
			abort();
	}
	f = &t->frame[t->n_frames++];
	f->at = at;
	f->len = (uint32_t)len;
	f->bytes = malloc(len);
	if (!f->bytes)
		abort();
	memcpy(f->bytes, bytes, len);
}

static void
put_options(const struct truth_flow *f, const struct shot *g, struct frame_segment *s)
{
	if (g->flags & SYN) {
		put32(s->options, 0x020405b4);		/* MSS 1460 */
		put32(s->options + 4, 0x01030300u | f->shift[g->d]);
		s->n_options = 8;
	}
	if (f->stamped) {
		put32(s->options + s->n_options, 0x0101080a);
		put32(s->options + s->n_options + 4, g->val);
		put32(s->options + s->n_options + 8, g->ecr);
		s->n_options += 12;
	}
}

static void
put_shot(struct truth *t, const struct truth_flow *f, const struct shot *g, uint16_t id)
{
	static uint8_t frame[FRAMES_MAX], part[FRAMES_MAX], payload[FRAMES_MAX];
	struct frame_segment s = {
		.d = g->d,
		.seq = f->isn[g->d] + 1 + (uint32_t)g->off,
		.ack = g->flags & ACK ? f->isn[!g->d] + 1 + (uint32_t)g->ack : 0,
		.flags = g->flags,
		.window = WINDOW,
		.payload = payload,
		.len = g->len,
		.bad_cksum = g->bad_cksum,
		.ip_id = id,
		.trailer = g->len < 6 && !f->path.v6 ? TRAILER : 0,
	};
	size_t len, n;
	unsigned i;

	for (i = 0; i < g->len; i++)
		payload[i] = f->dir[g->d].stream[(uint64_t)(g->off + i) % STREAM_MAX] ^ g->alter;
	put_options(f, g, &s);
	len = frame_make(&f->path, &s, frame);
	for (i = 0; g->fragment; i++) {
		n = frame_fragment(&f->path, frame, len, id, g->fragment, i, part);
		if (n == 0)
			return;
		put_frame(t, g->at, part, n);
	}
	put_frame(t, g->at, frame, len);
}

/* All flows' shots in the order of time. */
static void
put_all(struct truth *t)
{
	unsigned at[TRUTH_FLOWS] = { 0 };
	uint16_t id = 1;

	for (;;) {
		const struct shot *g, *best = NULL;
		unsigned i, of = 0;

		for (i = 0; i < t->n_flows; i++) {
			if (at[i] == t->flow[i].n_shots)
				continue;
			g = &t->flow[i].shot[at[i]];
			if (!best || g->at < best->at) {
				best = g;
				of = i;
			}
		}
		if (!best)
			return;
		at[of]++;
		if (best->shown)
			put_shot(t, &t->flow[of], best, id++);
	}
}

/* --- flows --- */

static void
draw_path(struct truth *t, unsigned n)
{
	struct frame_path *p = &t->flow[n].path;
	unsigned i, d;

	p->v6 = truth_draw(4) == 0;
	for (d = 0; d < 2; d++)
		for (i = 0; i < 16; i++)
			p->addr[d][i] = (uint8_t)truth_draw(256);
	for (d = 0; d < 2; d++)
		p->addr[d][0] = p->v6 ? 0xfd : 10;
	p->port[0] = (uint16_t)(1024 + truth_draw(60000));
	p->port[1] = (uint16_t)(1 + truth_draw(1000));
	/* Of some the ports would say that the server is the client. */
	if ((t->seed + n) % 3 == 0)
		RTE_SWAP(p->port[0], p->port[1]);
	/* The same ends on other VLANs are others. */
	if (n > 0 && truth_draw(3) == 0)
		*p = t->flow[0].path;
	p->n_tags = n > 0 ? 1 + truth_draw(FRAMES_TAGS) : truth_draw(3) ? 0 : 1;
	for (i = 0; i < p->n_tags; i++)
		p->vid[i] = (uint16_t)(1 + 10 * n + i);
}

static void
draw_streams(struct truth_flow *f)
{
	unsigned d;
	uint32_t i;

	f->stamped = truth_draw(3);
	for (d = 0; d < 2; d++) {
		struct truth_half *h = &f->dir[d];

		h->stream = malloc(STREAM_MAX);
		if (!h->stream)
			abort();
		h->n_stream = 2 + truth_draw(truth_draw(3) ? STREAM_MAX - 2 : 2000);
		for (i = 0; i < STREAM_MAX; i++)
			h->stream[i] = (uint8_t)truth_draw(256);
		/* Half of them wrap. */
		f->isn[d] = truth_draw(2) ? (uint32_t)-truth_draw(STREAM_MAX)
					  : truth_draw(0x10000) << 16 | truth_draw(0x10000);
		f->shift[d] = (uint8_t)truth_draw(10);
		f->clock[d] = truth_draw(2) ? (uint32_t)-truth_draw(40000)
					    : truth_draw(0x10000) << 16 | truth_draw(0x10000);
	}
}

void
truth_make(struct truth *t, uint64_t seed, enum truth_overlap overlap)
{
	unsigned i;

	memset(t, 0, sizeof *t);
	truth_sow(seed);
	t->seed = seed;
	t->overlap = overlap;
	t->n_flows = 1 + truth_draw(TRUTH_FLOWS);
	for (i = 0; i < t->n_flows; i++) {
		struct truth_flow *f = &t->flow[i];

		draw_path(t, i);
		draw_streams(f);
		truth_talk(f, 1000 * 1000 + truth_draw(1000 * 1000));
		truth_expect(f, overlap);
	}
	put_all(t);
}

void
truth_free(struct truth *t)
{
	unsigned i, d;

	for (i = 0; i < t->n_frames; i++)
		free(t->frame[i].bytes);
	free(t->frame);
	for (i = 0; i < t->n_flows; i++) {
		free(t->flow[i].shot);
		for (d = 0; d < 2; d++) {
			free(t->flow[i].dir[d].stream);
			free(t->flow[i].dir[d].bytes);
		}
	}
	memset(t, 0, sizeof *t);
}
