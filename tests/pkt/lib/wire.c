/* wire.c - frames, byte by byte. */
#include "tests/pkt/lib/wire.h"

#include <arpa/inet.h>
#include <string.h>

#include "tests/unit/frame.h"

enum { L3 = 14, L4 = 34, MTU_MAX = 65535 };

uint8_t
wire_byte(uint32_t off)
{
	return (uint8_t)(off * 31 + (off >> 8) * 7 + 5);
}

static void
put32(uint8_t *b, uint32_t v)
{
	v = htonl(v);
	memcpy(b, &v, 4);
}

static void
put16(uint8_t *b, uint16_t v)
{
	b[0] = (uint8_t)(v >> 8);
	b[1] = (uint8_t)v;
}

static uint32_t
get32(const uint8_t *b)
{
	return (uint32_t)b[0] << 24 | (uint32_t)b[1] << 16 | (uint32_t)b[2] << 8 | b[3];
}

static uint16_t
get16(const uint8_t *b)
{
	return (uint16_t)(b[0] << 8 | b[1]);
}

static size_t
write_option(const struct script_opt *o, uint8_t *b)
{
	b[0] = o->kind;
	switch (o->kind) {
	case 0:
	case 1:
		return 1;
	case 2:
		b[2] = (uint8_t)(o->v[0] >> 8);
		b[3] = (uint8_t)o->v[0];
		b[1] = 4;
		break;
	case 3:
		b[2] = (uint8_t)o->v[0];
		b[1] = 3;
		break;
	default:
		for (unsigned i = 0; i < o->n; i++)
			put32(b + 2 + 4 * i, o->v[i]);
		b[1] = (uint8_t)(2 + 4 * o->n);
	}
	return b[1];
}

struct rte_mbuf *
wire_write(const struct script_seg *g, uint32_t off)
{
	static struct frame f;
	uint8_t options[PKT_MAX_OPTS * 34] = { 0 };
	size_t n = 0;

	for (unsigned i = 0; i < g->n_opts; i++)
		n += write_option(&g->opt[i], options + n);
	frame_init(&f);
	frame_ether(&f, 0x0800);
	frame_ip4(&f, g->ip.src[0] ? g->ip.src : WIRE_REMOTE, g->ip.dst[0] ? g->ip.dst : WIRE_LOCAL,
		  6, NULL, 0);
	frame_tcp(&f, WIRE_REMOTE_PORT, WIRE_LOCAL_PORT, g->seq, g->ack, g->flags,
		  (uint16_t)g->window, options, (n + 3) & ~(size_t)3);
	f.b[L3 + 1] = (uint8_t)(g->ip.tos | g->ip.ecn);
	if (g->ip.has_ttl)
		f.b[L3 + 8] = g->ip.ttl;
	put16(&f.b[L4 + 18], g->urgent);
	frame_fill(&f, g->len);
	for (uint32_t i = 0; i < g->len; i++)
		f.b[f.len - g->len + i] = wire_byte(off + i);
	frame_end(&f);
	return frame_mbuf(&f);
}

/* What a router quotes of a segment of the stack's: its IP header, and 8 bytes (RFC 792). */
static void
quote(uint8_t b[28], uint32_t seq, uint32_t len)
{
	memset(b, 0, 28);
	b[0] = 0x45;
	put16(b + 2, (uint16_t)(40 + len));
	put16(b + 6, 0x4000);
	b[8] = 60;
	b[9] = 6;
	inet_pton(AF_INET, WIRE_LOCAL, b + 12);
	inet_pton(AF_INET, WIRE_REMOTE, b + 16);
	put16(b + 10, (uint16_t)~naive_sum(b, 20, 0));
	put16(b + 20, WIRE_LOCAL_PORT);
	put16(b + 22, WIRE_REMOTE_PORT);
	put32(b + 24, seq);
}

struct rte_mbuf *
wire_icmp(const struct script_icmp *i)
{
	static struct frame f;
	uint8_t quoted[28];

	quote(quoted, i->seq, i->len);
	frame_init(&f);
	frame_ether(&f, 0x0800);
	frame_ip4(&f, WIRE_ROUTER, WIRE_LOCAL, 1, NULL, 0);
	frame_icmp(&f, i->type, i->code, i->rest);
	frame_bytes(&f, quoted, sizeof quoted);
	frame_end(&f);
	return frame_mbuf(&f);
}

static const char *
read_options(const uint8_t *b, size_t len, struct script_seg *g)
{
	size_t n;

	for (; len > 0; b += n, len -= n) {
		struct script_opt *o = &g->opt[g->n_opts];

		if (g->n_opts == PKT_MAX_OPTS)
			return "too many options";
		*o = (struct script_opt){ .kind = b[0] };
		n = b[0] <= 1 ? 1 : len > 1 ? b[1] : 0;
		if (n == 0 || n > len || n > 34)
			return "an option's length does not fit";
		if (o->kind == 2)
			o->v[o->n++] = get16(b + 2);
		else if (o->kind == 3)
			o->v[o->n++] = b[2];
		else
			for (size_t at = 2; at + 4 <= n; at += 4)
				o->v[o->n++] = get32(b + at);
		g->n_opts++;
	}
	return NULL;
}

static const char *
check_ip(const uint8_t *ip, size_t len)
{
	struct in_addr local, remote;

	inet_pton(AF_INET, WIRE_LOCAL, &local);
	inet_pton(AF_INET, WIRE_REMOTE, &remote);
	if (len < 40 || ip[0] != 0x45 || ip[9] != 6 || get16(ip + 2) != len)
		return "not a TCP segment in an IPv4 packet of its length";
	if (memcmp(ip + 12, &local, 4) != 0 || memcmp(ip + 16, &remote, 4) != 0)
		return "wrong addresses";
	return naive_sum(ip, 20, 0) == 0xffff ? NULL : "a wrong IP checksum";
}

static const char *
check_tcp(const uint8_t *ip, const uint8_t *tcp, size_t len)
{
	uint32_t pseudo = naive_sum(ip + 12, 8, 6 + (uint32_t)len);
	size_t header = (tcp[12] >> 4) * 4u;

	if (header < 20 || header > len)
		return "a wrong data offset";
	if (get16(tcp) != WIRE_LOCAL_PORT || get16(tcp + 2) != WIRE_REMOTE_PORT)
		return "wrong ports";
	return naive_sum(tcp, len, pseudo) == 0xffff ? NULL : "a wrong TCP checksum";
}

const char *
wire_read(const struct rte_mbuf *m, struct script_seg *g, uint8_t *payload)
{
	static uint8_t bytes[MTU_MAX + L3];
	const uint8_t *b, *tcp;
	const char *wrong;
	size_t header, len;

	if (m->pkt_len < L4 + 20 || m->pkt_len > sizeof bytes)
		return "a frame too short or too long";
	b = rte_pktmbuf_read(m, 0, m->pkt_len, bytes);
	tcp = b + L4;
	len = m->pkt_len - L4;
	wrong = check_ip(b + L3, m->pkt_len - L3);
	if (!wrong)
		wrong = check_tcp(b + L3, tcp, len);
	if (wrong)
		return wrong;
	header = (tcp[12] >> 4) * 4u;
	*g = (struct script_seg){
		.ip = { .ecn = b[L3 + 1] & 3,
			.has_ecn = b[L3 + 1] & 3,
			.tos = b[L3 + 1] & 0xfc,
			.has_tos = true,
			.ttl = b[L3 + 8],
			.has_ttl = true },
		.urgent = get16(tcp + 18),
		.has_urgent = get16(tcp + 12) & 0x20,
		.flags = get16(tcp + 12) & 0x1ff,
		.seq = get32(tcp + 4),
		.ack = get32(tcp + 8),
		.window = get16(tcp + 14),
		.has_window = true,
		.len = (uint32_t)(len - header),
	};
	memcpy(payload, tcp + header, g->len);
	return read_options(tcp + 20, header - 20, g);
}
