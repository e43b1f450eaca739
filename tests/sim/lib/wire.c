/*
 * Arrivals lie in a binary heap by (time, order of sending), so equal times keep their order and
 * a run is a function of its seed alone.
 */
#include "tests/sim/lib/wire.h"

#include <stdlib.h>

enum { QUEUE_MAX = 256 };

struct arrival {
	int64_t at;
	uint64_t order;
	int pipe;
	struct frame *f;
};

struct pipe_state {
	struct rng rng;
	int64_t last_at;	/* nothing in order arrives before this */
	int64_t free_at;	/* when the rate lets the next frame begin */
	int64_t departs[QUEUE_MAX];	/* when each frame that waits will have left, a ring */
	unsigned first, n_waiting;
};

struct wire {
	struct wire_config cfg;
	struct pipe_state pipe[WIRE_PIPES];
	struct arrival *heap;
	size_t n, room;
	uint64_t order;
	void (*note)(void *ctx, int pipe, const struct frame *f, enum wire_fate, int64_t now_us);
	void *ctx;
};

struct wire *
wire_new(const struct wire_config *cfg, uint64_t seed,
	 void (*note)(void *ctx, int pipe, const struct frame *f, enum wire_fate fate,
		      int64_t now_us),
	 void *ctx)
{
	struct wire *w = calloc(1, sizeof *w);
	int i;

	if (!w)
		abort();
	w->cfg = *cfg;
	w->note = note;
	w->ctx = ctx;
	for (i = 0; i < WIRE_PIPES; i++)
		w->pipe[i].rng.s = rng_key(seed, 0x100 + (uint64_t)i);
	return w;
}

void
wire_free(struct wire *w)
{
	size_t i;

	if (!w)
		return;
	for (i = 0; i < w->n; i++)
		frame_free(w->heap[i].f);
	free(w->heap);
	free(w);
}

static bool
earlier(const struct arrival *a, const struct arrival *b)
{
	return a->at != b->at ? a->at < b->at : a->order < b->order;
}

static void
heap_push(struct wire *w, struct arrival a)
{
	size_t i = w->n, up;

	if (w->n == w->room) {
		w->room = w->room ? w->room * 2 : 64;
		w->heap = realloc(w->heap, w->room * sizeof *w->heap);
		if (!w->heap)
			abort();
	}
	w->n++;
	for (; i > 0; i = up) {
		up = (i - 1) / 2;
		if (!earlier(&a, &w->heap[up]))
			break;
		w->heap[i] = w->heap[up];
	}
	w->heap[i] = a;
}

static struct arrival
heap_pop(struct wire *w)
{
	struct arrival top = w->heap[0], a = w->heap[--w->n];
	size_t i = 0, kid;

	while ((kid = i * 2 + 1) < w->n) {
		if (kid + 1 < w->n && earlier(&w->heap[kid + 1], &w->heap[kid]))
			kid++;
		if (!earlier(&w->heap[kid], &a))
			break;
		w->heap[i] = w->heap[kid];
		i = kid;
	}
	w->heap[i] = a;
	return top;
}

static void
note(struct wire *w, int pipe, const struct frame *f, enum wire_fate fate, int64_t now)
{
	if (w->note)
		w->note(w->ctx, pipe, f, fate, now);
}

static bool
dark(const struct wire *w, int pipe, int64_t now)
{
	unsigned i;

	for (i = 0; i < w->cfg.n_blackouts; i++)
		if (w->cfg.blackout[i].leg == pipe / 2 && now >= w->cfg.blackout[i].from_us &&
		    now < w->cfg.blackout[i].until_us)
			return true;
	return false;
}

/* When the frame has left a pipe of limited rate, or -1 if the queue before it is full. */
static int64_t
leave(struct wire *w, int pipe, const struct frame *f, int64_t now)
{
	const struct pipe_config *c = &w->cfg.pipe[pipe];
	struct pipe_state *s = &w->pipe[pipe];
	int64_t cost;

	if (!c->rate)
		return now;
	for (; s->n_waiting > 0 && s->departs[s->first] <= now; s->n_waiting--)
		s->first = (s->first + 1) % QUEUE_MAX;
	if (s->n_waiting > c->queue || s->n_waiting == QUEUE_MAX)
		return -1;
	cost = (int64_t)(f->len * 1000000 / c->rate) + 1;
	s->free_at = (s->free_at > now ? s->free_at : now) + cost;
	s->departs[(s->first + s->n_waiting++) % QUEUE_MAX] = s->free_at;
	return s->free_at;
}

static void
schedule(struct wire *w, int pipe, struct frame *f, int64_t left, bool late)
{
	const struct pipe_config *c = &w->cfg.pipe[pipe];
	struct pipe_state *s = &w->pipe[pipe];
	int64_t at = left + c->delay_us + rng_range(&s->rng, 0, c->jitter_us);

	if (late)
		at += rng_range(&s->rng, 1, c->delay_us * 3 + 5000);
	if (c->quantum_us)
		at = (at + c->quantum_us - 1) / c->quantum_us * c->quantum_us;
	if (!late) {
		if (at < s->last_at)
			at = s->last_at;
		s->last_at = at;
	}
	heap_push(w, (struct arrival){ at, w->order++, pipe, f });
}

/* IPv6's ECN bits, which no checksum covers: set on a SYN they would be a sender's own fault. */
static bool
is_ecn_of_v6(const uint8_t *ip, size_t bit)
{
	return ip[0] >> 4 == 6 && (bit == 12 || bit == 13);
}

/* One bit inside the IP packet.  A frame without a computed checksum has nothing to tell by. */
static bool
corrupt(struct rng *r, struct frame *f)
{
	size_t ip = frame_ip_offset(f->bytes, f->len), bit;

	if (f->csum_none || ip >= f->len)
		return false;
	bit = rng_below(r, (f->len - ip) * 8);
	if (is_ecn_of_v6(f->bytes + ip, bit))
		return false;
	f->bytes[ip + bit / 8] ^= (uint8_t)(1 << bit % 8);
	return true;
}

static uint32_t
header_sum(const uint8_t *ip)
{
	uint32_t sum = 0;
	size_t i;

	for (i = 0; i < 20; i += 2)
		sum += (uint32_t)ip[i] << 8 | ip[i + 1];
	sum = (sum & 0xffff) + (sum >> 16);
	return (sum + (sum >> 16)) & 0xffff;
}

/* A router's mark of congestion on what is ECN-capable, and whole. */
static bool
mark(struct frame *f)
{
	size_t at = frame_ip_offset(f->bytes, f->len);
	uint8_t *ip = f->bytes + at;
	uint32_t sum;

	if (at + 20 > f->len)
		return false;
	if (ip[0] >> 4 == 6) {
		if (!(ip[1] & 0x30))
			return false;
		ip[1] |= 0x30;
		return true;
	}
	if (!(ip[1] & 3) || ip[0] != 0x45 || header_sum(ip) != 0xffff)
		return false;
	ip[1] |= 3;
	ip[10] = ip[11] = 0;
	sum = ~header_sum(ip) & 0xffff;
	ip[10] = (uint8_t)(sum >> 8);
	ip[11] = (uint8_t)sum;
	return true;
}

static bool
too_big(const struct pipe_config *c, const struct frame *f)
{
	return c->mtu && f->len - frame_ip_offset(f->bytes, f->len) > c->mtu;
}

/* A wire that went on losing would once take a SYN and all its repetitions (the last is sent after
 * 127 s): nothing went wrong then, and nothing was shown. */
static bool
is_calm(int64_t now)
{
	return now > 120 * 1000000LL;
}

void
wire_send(struct wire *w, int pipe, struct frame *f, int64_t now)
{
	const struct pipe_config *c = &w->cfg.pipe[pipe];
	struct rng *r = &w->pipe[pipe].rng;
	enum wire_fate fate = WIRE_CARRIED;
	struct frame *twin = NULL;
	int64_t left = leave(w, pipe, f, now);
	bool late, big = too_big(c, f);

	if (dark(w, pipe, now))
		fate = WIRE_DARK;
	else if (left < 0)
		fate = WIRE_FULL;
	else if (rng_chance(r, c->loss) && !is_calm(now))
		fate = WIRE_LOST;
	else if (big)
		fate = WIRE_TOO_BIG;
	if (fate != WIRE_CARRIED) {
		note(w, pipe, f, fate, now);
		if (fate == WIRE_TOO_BIG && !c->silent)
			wire_send(w, pipe ^ 1, frame_too_big(f, c->mtu), left);
		frame_free(f);
		return;
	}
	if (rng_chance(r, c->duplicate)) {
		twin = frame_copy(f);
		note(w, pipe, twin, WIRE_DUPLICATED, now);
	}
	if (c->mark > 0 && rng_chance(r, c->mark) && mark(f))
		fate = WIRE_MARKED;
	if (rng_chance(r, c->corrupt) && !is_calm(now) && corrupt(r, f))
		fate = WIRE_CORRUPTED;
	late = rng_chance(r, c->reorder);
	note(w, pipe, f, fate != WIRE_CARRIED ? fate : late ? WIRE_REORDERED : fate, now);
	schedule(w, pipe, f, left, late);
	if (twin)
		schedule(w, pipe, twin, left, rng_chance(r, 0.5));
}

int64_t
wire_next(const struct wire *w)
{
	return w->n ? w->heap[0].at : INT64_MAX;
}

struct frame *
wire_take(struct wire *w, int64_t now, int *pipe)
{
	struct arrival a;

	if (!w->n || w->heap[0].at > now)
		return NULL;
	a = heap_pop(w);
	*pipe = a.pipe;
	return a.f;
}
