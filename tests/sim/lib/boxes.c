/*
 * All are one wire with a queue, and a place where a mistake is made in what passes.  The mistake
 * is repaired to a valid checksum by frame_cut, so that only the rule in question is broken.
 */
#include "tests/sim/lib/boxes.h"

#include <stdlib.h>
#include <string.h>

#include "tests/sim/lib/rng.h"
#include "tests/sim/lib/see.h"

enum { QUEUE = 4096 };

struct wire_box {
	enum mistake mistake;
	enum box_mode mode;
	struct box_sink sink;
	void (*emit)(void *ctx, int side, struct frame *f);
	void *ctx;
	struct {
		int side;
		struct frame *f;
	} queue[QUEUE];
	unsigned n;
	struct rng rng;
	unsigned n_data[2];		/* segments with payload so far, by the side they leave */
	struct frame *last[2];		/* the last bare ACK out of a side */
	struct frame *kept;
	bool made;			/* the mistake was made */
	unsigned n_fins;
	int64_t again_at;
	uint64_t drops;
};

static enum mistake next_mistake;

static void *
create(const struct box_config *cfg, void (*emit)(void *ctx, int side, struct frame *f), void *ctx)
{
	struct wire_box *b = calloc(1, sizeof *b);

	if (!b)
		abort();
	b->mistake = next_mistake;
	b->mode = cfg->mode;
	b->sink = cfg->sink;
	b->emit = emit;
	b->ctx = ctx;
	b->rng.s = cfg->seed;
	b->again_at = INT64_MAX;
	return b;
}

static void *
create_right(const struct box_config *cfg, void (*emit)(void *ctx, int side, struct frame *f),
	     void *ctx)
{
	next_mistake = WRONG_NONE;
	return create(cfg, emit, ctx);
}

static unsigned
destroy(void *box)
{
	struct wire_box *b = box;
	unsigned i, leaked = b->kept != NULL;

	for (i = 0; i < b->n; i++)
		frame_free(b->queue[i].f);
	frame_free(b->last[0]);
	frame_free(b->last[1]);
	frame_free(b->kept);
	free(b);
	return leaked;
}

static void
put(struct wire_box *b, int side, struct frame *f)
{
	if (b->n == QUEUE) {
		b->drops++;
		frame_free(f);
		return;
	}
	b->queue[b->n].side = side;
	b->queue[b->n++].f = f;
}

static void
put_sealed(void *ctx, struct frame *f)
{
	*(struct frame **)ctx = f;
}

static struct frame *
seal(struct frame *f)
{
	struct frame *out = NULL;

	f->csum_none = true;
	frame_cut(f, put_sealed, &out);
	return out;
}

static void
add32(uint8_t *p, uint32_t d)
{
	uint32_t v = ((uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3]) + d;

	p[0] = (uint8_t)(v >> 24);
	p[1] = (uint8_t)(v >> 16);
	p[2] = (uint8_t)(v >> 8);
	p[3] = (uint8_t)v;
}

/* The option of that kind in the frame, or NULL. */
static uint8_t *
option(struct frame *f, const struct seen *s, unsigned kind)
{
	uint8_t *p = f->bytes + (s->payload - f->bytes) - s->opt_len, *end = p + s->opt_len;

	while (p < end && *p != 0) {
		if (*p == kind)
			return p;
		p += *p == 1 ? 1 : p[1];
	}
	return NULL;
}

/* Where the TCP header begins. */
static uint8_t *
tcp_of(struct frame *f, const struct seen *s)
{
	return f->bytes + (s->payload - f->bytes) - s->opt_len - 20;
}

/* Mistakes in the header or payload of what passes.  True if one was made. */
static bool
spoil(struct wire_box *b, int out, struct frame *f, const struct seen *s)
{
	bool syn = s->flags & SEEN_SYN;
	uint8_t *tcp = tcp_of(f, s), *o;

	switch (b->mistake) {
	case WRONG_FLIP:
		if (s->len)
			f->bytes[(size_t)(s->payload - f->bytes) + s->len - 1] ^= 4;
		return s->len;
	case WRONG_ACK:
		if (!syn)
			add32(tcp + 8, 1000);
		return !syn;
	case WRONG_SHRINK:
		if (!syn && b->n_data[1 - out] > 3)
			tcp[14] = 0;
		return !syn;
	case WRONG_OVERRUN:
		if (!syn)
			tcp[14] = tcp[15] = 0xff;
		return !syn;
	case WRONG_TSVAL:
	case WRONG_TSECR:
		o = option(f, s, 8);
		if (o && !syn)
			add32(o + (b->mistake == WRONG_TSVAL ? 2 : 6), 100000);
		return o && !syn;
	case WRONG_SEQ:
		if (s->len && b->n_data[out] > 1)
			add32(tcp + 4, 0u - 1);
		return s->len;
	case WRONG_END:
		if (s->len && b->n_data[out] > 1)
			tcp[13] |= SEEN_FIN;
		return s->len;
	case WRONG_SACK:
		o = option(f, s, 5);
		if (o)
			add32(o + 6, 200000);
		return o;
	case WRONG_OPTIONS:
		o = syn ? option(f, s, 8) : NULL;
		if (o)
			memcpy(o, "\004\002\001\001\001\001\001\001\001\001", 10);
		return o;
	case WRONG_TTL:
		f->bytes[frame_ip_offset(f->bytes, f->len) + (s->v6 ? 7 : 8)]--;
		return true;
	case WRONG_TAG:
		f->bytes[14] = (uint8_t)((f->bytes[14] & 0x1f) | ((f->bytes[14] ^ 0x20) & 0xe0));
		return true;
	case WRONG_MAC:
		f->bytes[6 + 3] = 0x77;
		return true;
	default:
		return false;
	}
}

/* A copy of the last ACK that left by `side`, which acknowledges up to `ack`. */
static void
forge_ack(struct wire_box *b, int side, uint32_t ack)
{
	struct frame *f;
	struct seen s;

	if (!b->last[side])
		return;
	f = frame_copy(b->last[side]);
	see(f, &s);
	add32(tcp_of(f, &s) + 8, ack - s.ack);
	put(b, side, seal(f));
}

static void
answer_synack(struct wire_box *b, int in, const struct seen *s)
{
	struct frame *f;
	struct seen fs;
	uint8_t *tcp;

	if (!b->kept || in != 1)
		return;
	f = b->kept;		/* the client's SYN, made an ACK */
	b->kept = NULL;
	see(f, &fs);
	tcp = tcp_of(f, &fs);
	add32(tcp + 4, 1);
	add32(tcp + 8, s->seq + 1);
	tcp[13] = SEEN_ACK;
	put(b, 1, seal(f));
	b->made = true;
}

static void
reset_both(struct wire_box *b, int out, const struct frame *f)
{
	struct frame *g = frame_copy(f);
	struct seen s;

	see(g, &s);
	tcp_of(g, &s)[13] = SEEN_RST | SEEN_ACK;
	put(b, out, seal(g));
	b->made = true;
}

/* Mistakes that are frames of its own.  False if the frame is to go no further. */
static bool
meddle(struct wire_box *b, int in, const struct frame *f, const struct seen *s)
{
	bool bare = in == 0 && s->flags == SEEN_ACK && !s->len;

	switch (b->mistake) {
	case WRONG_LOSE:
		return !(b->n_data[1 - in] % 7 == 3);
	case WRONG_SWALLOW:
		return !(in == 1 && s->len);
	case WRONG_EARLY_ACK:
		if (s->flags == SEEN_SYN && !b->kept && !b->made)
			b->kept = frame_copy(f);
		if (s->flags == (SEEN_SYN | SEEN_ACK))
			answer_synack(b, in, s);
		break;
	case WRONG_SYN:
		if (s->flags == SEEN_SYN)
			put(b, 1 - in, frame_copy(f));
		break;
	case WRONG_FIN:
		if (s->flags & SEEN_FIN && b->n_fins++ == 0)
			forge_ack(b, in, s->seq + s->len + 1);
		break;
	case WRONG_RST:
		if (s->len && !b->made && b->n_data[1 - in] > 2)
			reset_both(b, 1 - in, f);
		break;
	case WRONG_REPLAY:
		if (bare && !b->kept)
			b->kept = frame_copy(f);
		else if (bare && b->kept && !b->made && b->n_data[in] > 6) {
			b->made = true;
			put(b, 1 - in, frame_copy(f));
			put(b, 1 - in, b->kept);
			b->kept = NULL;
			return false;
		}
		break;
	case WRONG_LEAK:
		if (s->len && !b->kept)
			b->kept = frame_copy(f);
		break;
	default:
		break;
	}
	return true;
}

static void
remember(struct wire_box *b, int out, const struct frame *f, const struct seen *s, int64_t now)
{
	if (s->len)
		b->n_data[out]++;
	if (s->flags & SEEN_FIN && b->mistake == WRONG_TIME_WAIT)
		b->again_at = now + 50 * 1000000;
	if (b->mistake == WRONG_SPIN && s->len)
		b->again_at = now;
	if (!(s->flags & SEEN_ACK) || s->flags & (SEEN_SYN | SEEN_RST | SEEN_FIN) || s->len)
		return;
	frame_free(b->last[out]);
	b->last[out] = frame_copy(f);
}

/* Passive: `s` is NULL where nothing is to be seen.  Takes `f`. */
static void
watch(struct wire_box *b, int side, struct frame *f, const struct seen *s)
{
	if (s && b->mistake == WRONG_REPORT && !b->made)
		b->sink.bytes(b->sink.ctx, 0, side, 0, s->payload + 1, s->len - 1);
	if (s && b->mistake == WRONG_GAP && !b->made)
		b->sink.gap(b->sink.ctx, 0, side, 0, s->len, false);
	b->made |= s != NULL;
	if (s && b->mistake == WRONG_TALK)
		put(b, side, f);
	else
		frame_free(f);
}

static void
input(void *box, int side, const struct frame *in, int64_t now)
{
	struct wire_box *b = box;
	struct frame *f = frame_copy(in);
	struct seen s;
	bool good;

	see(f, &s);
	good = s.what == SEEN_TCP && !f->gso_size;
	if (b->mode == BOX_PASSIVE) {
		watch(b, side, f, good && s.len ? &s : NULL);
		return;
	}
	if (good && !meddle(b, side, f, &s)) {
		b->n_data[1 - side] += b->mistake == WRONG_LOSE;
		frame_free(f);
		return;
	}
	if (good && b->mistake == WRONG_CHECKSUM && s.len)
		tcp_of(f, &s)[16] ^= 1;
	if (good)
		remember(b, 1 - side, f, &s, now);
	if (good && spoil(b, 1 - side, f, &s))
		f = seal(f);
	put(b, 1 - side, f);
}

static int64_t
next_timer(void *box)
{
	return ((struct wire_box *)box)->again_at;
}

static void
run(void *box, int64_t now)
{
	struct wire_box *b = box;
	unsigned i, n = b->n;

	if (b->again_at <= now && b->mistake == WRONG_TIME_WAIT && b->last[0]) {
		b->again_at = INT64_MAX;
		put(b, 0, b->last[0]);
		b->last[0] = NULL;
		n = b->n;
	}
	b->n = 0;
	for (i = 0; i < n; i++)
		b->emit(b->ctx, b->queue[i].side, b->queue[i].f);
}

static void
stats(void *box, struct box_stats *st)
{
	struct wire_box *b = box;

	st->mbufs_in_use = b->n + (b->mistake == WRONG_LEAK && b->kept);
	st->drops = b->drops;
}

const struct box_ops forward_box = {
	.name = "forward",
	.modes = 1 << BOX_PROXY | 1 << BOX_TRACK | 1 << BOX_PASSIVE,
	.create = create_right,
	.input = input,
	.next_timer = next_timer,
	.run = run,
	.stats = stats,
	.destroy = destroy,
};

const struct box_ops *
wrong_box(enum mistake m)
{
	static struct box_ops ops;

	next_mistake = m;
	ops = forward_box;
	ops.name = "wrong";
	ops.create = create;
	return &ops;
}
