#include "tests/prop/lib/frames.h"

#include <string.h>

#include "tests/unit/lib/put.h"

enum { ETHER = 14, IP4 = 20, IP6 = 40, TCP = 20, FRAGMENT_HEADER = 8, PROTO_TCP = 6 };

static uint32_t
sum(uint32_t s, const uint8_t *b, size_t n)
{
	size_t i;

	for (i = 0; i < n; i++)
		s += i & 1 ? b[i] : (uint32_t)b[i] << 8;
	return s;
}

static uint16_t
fold(uint32_t s)
{
	while (s >> 16)
		s = (s & 0xffff) + (s >> 16);
	return (uint16_t)~s;
}

static size_t
put_link(const struct frame_path *path, unsigned d, uint8_t *to)
{
	size_t at = 12;
	unsigned i;

	memset(to, 0, 12);
	to[0] = to[6] = 0x02;
	to[5] = (uint8_t)(2 - d);
	to[11] = (uint8_t)(1 + d);
	for (i = 0; i < path->n_tags; i++, at += 4) {
		put16(to + at, i + 1 < path->n_tags ? 0x88a8 : 0x8100);
		put16(to + at + 2, path->vid[i]);
	}
	put16(to + at, path->v6 ? 0x86dd : 0x0800);
	return at + 2;
}

static size_t
put_ip(const struct frame_path *path, unsigned d, uint32_t payload, uint16_t id, uint8_t *to)
{
	memset(to, 0, IP6);
	if (path->v6) {
		to[0] = 0x60;
		put16(to + 4, payload);
		to[6] = PROTO_TCP;
		to[7] = 64;
		memcpy(to + 8, path->addr[d], 16);
		memcpy(to + 24, path->addr[!d], 16);
		return IP6;
	}
	to[0] = 0x45;
	put16(to + 2, IP4 + payload);
	put16(to + 4, id);
	to[8] = 64;
	to[9] = PROTO_TCP;
	memcpy(to + 12, path->addr[d], 4);
	memcpy(to + 16, path->addr[!d], 4);
	put16(to + 10, fold(sum(0, to, IP4)));
	return IP4;
}

static void
put_tcp_cksum(const struct frame_path *path, uint8_t *tcp, uint32_t len)
{
	size_t n = path->v6 ? 16 : 4;
	uint32_t s = sum(sum(PROTO_TCP + len, path->addr[0], n), path->addr[1], n);

	put16(tcp + 16, fold(sum(s, tcp, len)));
}

size_t
frame_make(const struct frame_path *path, const struct frame_segment *g, uint8_t to[FRAMES_MAX])
{
	uint32_t len = TCP + g->n_options + g->len;
	size_t at = put_link(path, g->d, to);
	uint8_t *tcp;

	at += put_ip(path, g->d, len, g->ip_id, to + at);
	tcp = to + at;
	memset(tcp, 0, TCP);
	put16(tcp, path->port[g->d]);
	put16(tcp + 2, path->port[!g->d]);
	put32(tcp + 4, g->seq);
	put32(tcp + 8, g->ack);
	tcp[12] = (uint8_t)((TCP + g->n_options) / 4 << 4);
	tcp[13] = g->flags;
	put16(tcp + 14, g->window);
	put16(tcp + 18, g->urgent);
	memcpy(tcp + TCP, g->options, g->n_options);
	if (g->len)
		memcpy(tcp + TCP + g->n_options, g->payload, g->len);
	put_tcp_cksum(path, tcp, len);
	if (g->bad_cksum)
		tcp[16] ^= 0x55;
	memset(tcp + len, 'T', g->trailer);
	return at + len + g->trailer;
}

/* The fragment's headers, cut from the datagram's; where its payload begins. */
static size_t
put_fragment_headers(const struct frame_path *path, const uint8_t *frame, size_t l3, uint16_t id,
		     size_t off, size_t n, bool more, uint8_t *to)
{
	uint8_t *ip = to + l3;

	memcpy(to, frame, l3 + (path->v6 ? IP6 : IP4));
	if (path->v6) {
		uint8_t *f = ip + IP6;

		put16(ip + 4, (uint32_t)(n + FRAGMENT_HEADER));
		ip[6] = 44;
		memset(f, 0, FRAGMENT_HEADER);
		f[0] = PROTO_TCP;
		put16(f + 2, (uint32_t)off | more);
		put32(f + 4, id);
		return l3 + IP6 + FRAGMENT_HEADER;
	}
	put16(ip + 2, (uint32_t)(IP4 + n));
	put16(ip + 6, (uint32_t)(off / 8) | (more ? 0x2000 : 0));
	put16(ip + 10, 0);
	put16(ip + 10, fold(sum(0, ip, IP4)));
	return l3 + IP4;
}

size_t
frame_fragment(const struct frame_path *path, const uint8_t *frame, size_t len, uint16_t id,
	       unsigned unit, unsigned i, uint8_t to[FRAMES_MAX])
{
	size_t l3 = ETHER + 4 * path->n_tags, body = l3 + (path->v6 ? IP6 : IP4);
	size_t off = (size_t)unit * i, n, at;

	if (body + off >= len)
		return 0;
	n = len - body - off < unit ? len - body - off : unit;
	at = put_fragment_headers(path, frame, l3, id, off, n, body + off + n < len, to);
	memcpy(to + at, frame + body + off, n);
	return at + n;
}
