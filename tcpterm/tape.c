/*
 * tape.c - flows' frames on chains of chunks, and pcapng of them.
 *
 * A capture is found by its flow's reference, in a table of chains that never grows: there are
 * n_captures of them at most.  The frame that opens a flow comes before there is a flow: it is put
 * on a tape of its own, which becomes the capture's if one is begun while that frame is in hand.
 */
#include "tcpterm/tape.h"

#include <errno.h>
#include <stdlib.h>

#include "datapath/pcapng.h"

enum { CHUNK = 2048, CHUNK_ROOM = CHUNK - 4, NONE = 0 };

struct chunk {
	uint32_t next;		/* index + 1 */
	uint8_t b[CHUNK_ROOM];
};

/* Frames one behind the other: each a struct frame_head and its bytes. */
struct tape {
	uint32_t first, last;	/* chunks, index + 1 */
	uint32_t used;		/* bytes of the last */
	uint64_t n_bytes, n_frames;
};

struct frame_head {
	usec_t at;
	uint32_t captured, length;
	uint8_t side, direction;
};

struct tcpterm_capture {
	uint32_t ref;		/* its flow's; 0: that is gone */
	uint32_t next;		/* of its chain, index + 1 */
	uint32_t index;
	uint32_t snaplen;
	uint64_t max_bytes;
	struct tape tape;
	uint64_t taken[2], lost[2];	/* of a side */
	usec_t began, latest;
};

struct tapes {
	struct slab chunks, captures;
	uint32_t *heads;	/* of the chains: index + 1 */
	uint32_t mask;
	int64_t unix_us;
	const struct pkt *in_hand;	/* what `opening` has; NULL: nothing */
	struct tape opening;
};

/* --- tapes --- */

static struct chunk *
chunk_at(const struct tapes *t, uint32_t number)
{
	return slab_at(&t->chunks, number - 1);
}

static void
erase(struct tapes *t, struct tape *tape)
{
	for (uint32_t i = tape->first, next; i != NONE; i = next) {
		next = chunk_at(t, i)->next;
		slab_free(&t->chunks, i - 1);
	}
	*tape = (struct tape){ 0 };
}

/* Are there chunks for `n` bytes more? */
static bool
has_room(const struct tapes *t, const struct tape *tape, uint64_t n)
{
	uint64_t here = tape->last ? CHUNK_ROOM - tape->used : 0;
	uint64_t more = n > here ? (n - here + CHUNK_ROOM - 1) / CHUNK_ROOM : 0;

	return more <= t->chunks.n_max - t->chunks.n_used;
}

static void
append(struct tapes *t, struct tape *tape, const void *bytes, uint32_t len)
{
	const uint8_t *from = bytes;
	uint32_t n, i = 0;

	for (; len > 0; from += n, len -= n) {
		if (tape->last == NONE || tape->used == CHUNK_ROOM) {
			slab_alloc(&t->chunks, &i);
			if (tape->last == NONE)
				tape->first = i + 1;
			else
				chunk_at(t, tape->last)->next = i + 1;
			tape->last = i + 1;
			tape->used = 0;
		}
		n = RTE_MIN(len, CHUNK_ROOM - tape->used);
		memcpy(chunk_at(t, tape->last)->b + tape->used, from, n);
		tape->used += n;
	}
}

static bool
record(struct tapes *t, struct tape *tape, const struct rte_mbuf *m, const struct frame_head *head,
       uint64_t max_bytes)
{
	uint64_t n = sizeof *head + head->captured;
	uint32_t left = head->captured, k;

	if (tape->n_bytes + n > max_bytes || !has_room(t, tape, n))
		return false;
	append(t, tape, head, sizeof *head);
	for (; left > 0 && m; m = m->next, left -= k) {
		k = RTE_MIN(left, (uint32_t)m->data_len);
		append(t, tape, rte_pktmbuf_mtod(m, const void *), k);
	}
	tape->n_bytes += n;
	tape->n_frames++;
	return true;
}

/* --- captures --- */

static uint32_t *
chain_of(const struct tapes *t, uint32_t ref)
{
	return &t->heads[ref * 2654435761u >> 7 & t->mask];
}

static struct tcpterm_capture *
find(const struct tapes *t, uint32_t ref)
{
	struct tcpterm_capture *c;

	for (uint32_t i = *chain_of(t, ref); i != NONE; i = c->next) {
		c = slab_at(&t->captures, i - 1);
		if (c->ref == ref)
			return c;
	}
	return NULL;
}

static void
link_in(struct tapes *t, struct tcpterm_capture *c, uint32_t ref)
{
	uint32_t *head = chain_of(t, ref);

	c->ref = ref;
	c->next = *head;
	*head = c->index + 1;
}

static void
unlink_from(struct tapes *t, struct tcpterm_capture *c)
{
	uint32_t *at = chain_of(t, c->ref);

	if (c->ref == 0)
		return;
	while (*at != c->index + 1)
		at = &((struct tcpterm_capture *)slab_at(&t->captures, *at - 1))->next;
	*at = c->next;
	c->ref = 0;
}

static void
take(struct tcpterm *s, struct tcpterm_capture *c, const struct rte_mbuf *m, uint8_t side,
     enum pcapng_direction direction)
{
	const struct frame_head head = {
		.at = s->now,
		.captured = RTE_MIN(m->pkt_len, c->snaplen),
		.length = m->pkt_len,
		.side = side,
		.direction = (uint8_t)direction,
	};

	c->latest = s->now;
	if (record(s->tapes, &c->tape, m, &head, c->max_bytes))
		c->taken[side & 1]++;
	else
		c->lost[side & 1]++;
}

int
tcpterm_captures(struct tcpterm *s, const struct tcpterm_captures_conf *conf)
{
	uint64_t n_bytes = conf->n_bytes ? conf->n_bytes : 16 << 20;
	uint32_t n = conf->n_captures ? conf->n_captures : 1024;
	struct tapes *t;

	if (s->tapes)
		return -EALREADY;
	t = calloc(1, sizeof *t);
	if (!t)
		return -ENOMEM;
	t->mask = rte_align32pow2(n) - 1;
	t->unix_us = conf->unix_us;
	t->heads = calloc(t->mask + 1u, sizeof *t->heads);
	if (!t->heads || slab_init(&t->chunks, CHUNK, (uint32_t)(n_bytes / CHUNK + 1)) != 0 ||
	    slab_init(&t->captures, sizeof(struct tcpterm_capture), n) != 0) {
		tapes_free(t);
		return -ENOMEM;
	}
	s->tapes = t;
	return 0;
}

void
tapes_free(struct tapes *t)
{
	if (!t)
		return;
	slab_fini(&t->chunks);
	slab_fini(&t->captures);
	free(t->heads);
	free(t);
}

/* Is the frame in hand one of the flow's? */
static bool
is_its_own(struct tcpterm *s, const struct flow *f)
{
	struct table_key k;

	return s->tapes->in_hand && core_table_key(s, s->tapes->in_hand, &k) &&
	       short_key_match(&k.key, k.v6, &f->key, flow_v6(f)) != FLOW_MATCH_NO;
}

/* Leaves the first `n` bytes of a tape. */
static void
cut(struct tapes *t, struct tape *tape, uint32_t n)
{
	struct tape rest = { 0 };

	tape->n_bytes = n;
	for (tape->last = tape->first; n > CHUNK_ROOM; n -= CHUNK_ROOM)
		tape->last = chunk_at(t, tape->last)->next;
	tape->used = n;
	rest.first = chunk_at(t, tape->last)->next;
	chunk_at(t, tape->last)->next = NONE;
	erase(t, &rest);
}

/* The frame in hand was recorded whole, before the flow was known. */
static void
adopt(struct tcpterm *s, struct tcpterm_capture *c)
{
	struct tapes *t = s->tapes;
	uint8_t side = t->in_hand->side & 1;
	struct frame_head head;

	memcpy(&head, chunk_at(t, t->opening.first)->b, sizeof head);
	if (head.captured > c->snaplen) {
		head.captured = c->snaplen;
		memcpy(chunk_at(t, t->opening.first)->b, &head, sizeof head);
		cut(t, &t->opening, (uint32_t)sizeof head + c->snaplen);
	}
	if (t->opening.n_bytes > c->max_bytes) {
		c->lost[side]++;
		return;
	}
	c->tape = t->opening;
	t->opening = (struct tape){ 0 };
	t->in_hand = NULL;
	c->taken[side]++;
}

struct tcpterm_capture *
tcpterm_capture(struct tcpterm *s, struct flow *f, uint32_t snaplen, uint64_t max_bytes)
{
	struct tapes *t = s->tapes;
	struct tcpterm_capture *c;
	uint32_t index;

	if (!t || find(t, f->ref))
		return NULL;
	c = slab_alloc(&t->captures, &index);
	if (!c)
		return NULL;
	c->index = index;
	c->snaplen = snaplen ? snaplen : UINT32_MAX;
	c->max_bytes = max_bytes ? max_bytes : UINT64_MAX;
	c->began = c->latest = s->now;
	link_in(t, c, f->ref);
	if (is_its_own(s, f))
		adopt(s, c);
	return c;
}

struct tcpterm_capture *
tcpterm_capture_of(const struct tcpterm *s, const struct flow *f)
{
	return s->tapes ? find(s->tapes, f->ref) : NULL;
}

void
tcpterm_capture_info(const struct tcpterm_capture *c, struct tcpterm_capture_info *info)
{
	*info = (struct tcpterm_capture_info){
		.frames = c->taken[0] + c->taken[1],
		.lost = c->lost[0] + c->lost[1],
		.bytes = c->tape.n_bytes,
		.began = c->began,
		.latest = c->latest,
	};
}

void
tcpterm_capture_drop(struct tcpterm *s, struct tcpterm_capture *c)
{
	unlink_from(s->tapes, c);
	erase(s->tapes, &c->tape);
	slab_free(&s->tapes->captures, c->index);
}

/* --- what the stack tells --- */

void
tape_in(struct tcpterm *s, const struct pkt *p, const struct flow *f)
{
	struct tapes *t = s->tapes;
	struct tcpterm_capture *c = f ? find(t, f->ref) : NULL;
	const struct frame_head head = {
		.at = s->now,
		.captured = p->m->pkt_len,
		.length = p->m->pkt_len,
		.side = p->side,
		.direction = PCAPNG_IN,
	};

	if (c)
		take(s, c, p->m, p->side, PCAPNG_IN);
	/* a SYN may begin a flow where there is one */
	if (p->kind == PKT_TCP && (!f || p->flags & TCP_SYN) &&
	    record(t, &t->opening, p->m, &head, UINT64_MAX))
		t->in_hand = p;
}

void
tape_in_done(struct tcpterm *s)
{
	s->tapes->in_hand = NULL;
	erase(s->tapes, &s->tapes->opening);
}

void
tape_out(struct tcpterm *s, const struct flow *f, uint8_t side, const struct rte_mbuf *m)
{
	struct tcpterm_capture *c = find(s->tapes, f->ref);

	if (c)
		take(s, c, m, side, PCAPNG_OUT);
}

void
tape_follow(struct tcpterm *s, uint32_t from_ref, uint32_t to_ref)
{
	struct tcpterm_capture *c = find(s->tapes, from_ref);

	if (!c)
		return;
	unlink_from(s->tapes, c);
	link_in(s->tapes, c, to_ref);
}

void
tape_flow_gone(struct tcpterm *s, const struct flow *f)
{
	struct tcpterm_capture *c = find(s->tapes, f->ref);

	if (c)
		unlink_from(s->tapes, c);
}

/* --- the file --- */

/* A place on a tape. */
struct reader {
	const struct tapes *tapes;
	const struct chunk *chunk;
	uint32_t at;
};

/* The next bytes that lie together, at most *len; *len says how many. */
static const uint8_t *
next_piece(struct reader *r, uint32_t *len)
{
	const uint8_t *b;

	if (r->at == CHUNK_ROOM) {
		r->chunk = chunk_at(r->tapes, r->chunk->next);
		r->at = 0;
	}
	*len = RTE_MIN(*len, CHUNK_ROOM - r->at);
	b = r->chunk->b + r->at;
	r->at += *len;
	return b;
}

static void
read_head(struct reader *r, struct frame_head *head)
{
	uint8_t *to = (uint8_t *)head;
	uint32_t n;

	for (uint32_t done = 0; done < sizeof *head; done += n) {
		n = (uint32_t)sizeof *head - done;
		const uint8_t *b = next_piece(r, &n);

		memcpy(to + done, b, n);
	}
}

static int
write_frame(struct reader *r, tcpterm_write_fn *write, void *ctx)
{
	uint8_t block[PCAPNG_HEAD_LEN];
	struct frame_head h;
	uint32_t left, n;
	int rc;

	read_head(r, &h);
	rc = write(
		ctx, block,
		pcapng_head(block, h.side & 1, h.at.v + r->tapes->unix_us, h.captured, h.length));
	for (left = h.captured; rc >= 0 && left > 0; left -= n) {
		n = left;
		const uint8_t *b = next_piece(r, &n);

		rc = write(ctx, b, n);
	}
	return rc < 0 ? rc
		      : write(ctx, block,
			      pcapng_tail(block, h.captured, (enum pcapng_direction)h.direction));
}

static int
write_headers(tcpterm_write_fn *write, void *ctx, uint32_t snaplen)
{
	uint8_t block[PCAPNG_BLOCK_MAX];
	int rc = write(ctx, block, pcapng_section(block, "libtcpterm (Leat)", ""));

	for (unsigned side = 0; rc >= 0 && side < 2; side++)
		rc = write(ctx, block,
			   pcapng_interface(block, side ? "side1" : "side0", "",
					    snaplen == UINT32_MAX ? 0 : snaplen));
	return rc;
}

int
tcpterm_capture_keep(struct tcpterm *s, struct tcpterm_capture *c, tcpterm_write_fn *write,
		     void *ctx)
{
	struct reader r = { .tapes = s->tapes };
	int64_t unix_us = s->tapes->unix_us;
	uint8_t block[PCAPNG_BLOCK_MAX];
	int rc = write_headers(write, ctx, c->snaplen);

	if (c->tape.first != NONE)
		r.chunk = chunk_at(s->tapes, c->tape.first);
	for (uint64_t i = 0; rc >= 0 && i < c->tape.n_frames; i++)
		rc = write_frame(&r, write, ctx);
	for (unsigned side = 0; rc >= 0 && side < 2; side++)
		rc = write(ctx, block,
			   pcapng_statistics(block, side, c->began.v + unix_us,
					     c->latest.v + unix_us, c->taken[side] + c->lost[side],
					     c->lost[side]));
	if (rc < 0)
		return rc;
	tcpterm_capture_drop(s, c);
	return 0;
}
