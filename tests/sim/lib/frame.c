#include "tests/sim/lib/frame.h"

#include <stdlib.h>
#include <string.h>

enum { CUT_FIN = 0x01, CUT_PSH = 0x08, CUT_CWR = 0x80 };

struct cut {			/* where the headers of a frame lie */
	size_t ip, tcp, payload;
	size_t end;		/* of the IP packet, without padding */
	bool v6;
};

struct frame *
frame_new(const uint8_t *bytes, size_t len)
{
	struct frame *f = calloc(1, sizeof *f + len);

	if (!f)
		abort();
	f->len = len;
	memcpy(f->bytes, bytes, len);
	return f;
}

struct frame *
frame_copy(const struct frame *f)
{
	struct frame *g = frame_new(f->bytes, f->len);

	g->gso_size = f->gso_size;
	g->csum_none = f->csum_none;
	g->n_pieces = f->n_pieces;
	memcpy(g->piece, f->piece, sizeof g->piece);
	return g;
}

void
frame_free(struct frame *f)
{
	free(f);
}

static unsigned
be16(const uint8_t *p)
{
	return (unsigned)p[0] << 8 | p[1];
}

static void
put16(uint8_t *p, unsigned v)
{
	p[0] = (uint8_t)(v >> 8);
	p[1] = (uint8_t)v;
}

size_t
frame_ip_offset(const uint8_t *bytes, size_t len)
{
	size_t at = 12;

	while (at + 4 <= len && (be16(bytes + at) == 0x8100 || be16(bytes + at) == 0x88a8 ||
				 be16(bytes + at) == 0x9100))
		at += 4;
	return at + 2 < len ? at + 2 : len;
}

static bool
cut_find(const struct frame *f, struct cut *c)
{
	const uint8_t *ip;

	c->ip = frame_ip_offset(f->bytes, f->len);
	if (c->ip + 40 > f->len)
		return false;
	ip = f->bytes + c->ip;
	c->v6 = ip[0] >> 4 == 6;
	c->tcp = c->ip + (c->v6 ? 40 : (size_t)(ip[0] & 15) * 4);
	c->end = c->ip + (c->v6 ? 40 + be16(ip + 4) : be16(ip + 2));
	if (c->end > f->len || c->tcp + 20 > c->end || (c->v6 ? ip[6] : ip[9]) != 6)
		return false;
	c->payload = c->tcp + (size_t)(f->bytes[c->tcp + 12] >> 4) * 4;
	return c->payload <= c->end;
}

static uint32_t
sum16(uint32_t sum, const uint8_t *p, size_t len)
{
	size_t i;

	for (i = 0; i + 1 < len; i += 2)
		sum += be16(p + i);
	if (len & 1)
		sum += (uint32_t)p[len - 1] << 8;
	return sum;
}

static unsigned
fold(uint32_t sum)
{
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	return ~sum & 0xffff;
}

/* Lengths and checksums of a segment cut out, or of one that came without. */
static void
cut_seal(struct frame *f, const struct cut *c)
{
	uint8_t *ip = f->bytes + c->ip, *tcp = f->bytes + c->tcp;
	size_t tcp_len = c->end - c->tcp;
	uint32_t sum;

	if (c->v6) {
		put16(ip + 4, (unsigned)(c->end - c->ip - 40));
		sum = sum16(6 + (uint32_t)tcp_len, ip + 8, 32);
	} else {
		put16(ip + 2, (unsigned)(c->end - c->ip));
		put16(ip + 10, 0);
		put16(ip + 10, fold(sum16(0, ip, c->tcp - c->ip)));
		sum = sum16(6 + (uint32_t)tcp_len, ip + 12, 8);
	}
	put16(tcp + 16, 0);
	put16(tcp + 16, fold(sum16(sum, tcp, tcp_len)));
	f->csum_none = false;
	f->gso_size = 0;
}

static struct frame *
cut_one(const struct frame *f, const struct cut *c, size_t at, size_t n, unsigned index)
{
	bool last = c->payload + at + n == c->end;
	struct frame *g = frame_new(f->bytes, c->payload + n);
	struct cut gc = *c;
	uint8_t *tcp = g->bytes + c->tcp;
	uint32_t seq;

	memcpy(g->bytes + c->payload, f->bytes + c->payload + at, n);
	seq = ((uint32_t)be16(tcp + 4) << 16 | be16(tcp + 6)) + (uint32_t)at;
	put16(tcp + 4, seq >> 16);
	put16(tcp + 6, seq & 0xffff);
	if (!last)
		tcp[13] &= (uint8_t) ~(CUT_FIN | CUT_PSH);
	if (index > 0)
		tcp[13] &= (uint8_t)~CUT_CWR;
	if (!c->v6)
		put16(g->bytes + c->ip + 4, be16(g->bytes + c->ip + 4) + index);
	gc.end = c->payload + n;
	cut_seal(g, &gc);
	return g;
}

void
frame_cut(struct frame *f, void (*each)(void *ctx, struct frame *), void *ctx)
{
	struct cut c;
	size_t at, n, size = f->gso_size;
	unsigned index = 0;

	if (!cut_find(f, &c) || (!size && !f->csum_none)) {
		each(ctx, f);
		return;
	}
	if (!size || c.end - c.payload <= size) {
		cut_seal(f, &c);
		each(ctx, f);
		return;
	}
	for (at = 0; at < c.end - c.payload; at += n) {
		n = c.end - c.payload - at < size ? c.end - c.payload - at : size;
		each(ctx, cut_one(f, &c, at, n, index++));
	}
	frame_free(f);
}
