/*
 * What a router says of a packet that does not fit its next link: ICMP 3/4 (RFC 792, 1191), ICMPv6
 * 2 (RFC 4443 3.2).
 */
#include <stdlib.h>
#include <string.h>

#include "tests/sim/lib/frame.h"

enum { QUOTE_V4 = 28, QUOTE_V6 = 1232, HOPS = 60 };

static void
put16(uint8_t *p, unsigned v)
{
	p[0] = (uint8_t)(v >> 8);
	p[1] = (uint8_t)v;
}

static uint32_t
add(uint32_t sum, const uint8_t *p, size_t len)
{
	for (; len > 1; p += 2, len -= 2)
		sum += (uint32_t)p[0] << 8 | p[1];
	return len ? sum + ((uint32_t)p[0] << 8) : sum;
}

static unsigned
fold(uint32_t sum)
{
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	return ~sum & 0xffff;
}

/* The router speaks from the address of the far end: it has to be somewhere. */
static void
write_v4(uint8_t *ip, const uint8_t *about, size_t quote, unsigned mtu)
{
	uint8_t *icmp = ip + 20;

	ip[0] = 0x45;
	put16(ip + 2, (unsigned)(28 + quote));
	ip[8] = HOPS;
	ip[9] = 1;
	memcpy(ip + 12, about + 16, 4);
	memcpy(ip + 16, about + 12, 4);
	put16(ip + 10, fold(add(0, ip, 20)));
	icmp[0] = 3;
	icmp[1] = 4;
	put16(icmp + 6, mtu);
	memcpy(icmp + 8, about, quote);
	put16(icmp + 2, fold(add(0, icmp, 8 + quote)));
}

static void
write_v6(uint8_t *ip, const uint8_t *about, size_t quote, unsigned mtu)
{
	uint8_t *icmp = ip + 40;

	ip[0] = 0x60;
	put16(ip + 4, (unsigned)(8 + quote));
	ip[6] = 58;
	ip[7] = HOPS;
	memcpy(ip + 8, about + 24, 16);
	memcpy(ip + 24, about + 8, 16);
	icmp[0] = 2;
	put16(icmp + 6, mtu);
	memcpy(icmp + 8, about, quote);
	put16(icmp + 2,
	      fold(add((uint32_t)(58 + 8 + quote), ip + 8, 32) + add(0, icmp, 8 + quote)));
}

struct frame *
frame_too_big(const struct frame *f, unsigned mtu)
{
	size_t at = frame_ip_offset(f->bytes, f->len), left = f->len - at, quote, len;
	bool v6 = f->bytes[at] >> 4 == 6;
	struct frame *g;
	uint8_t *bytes;

	quote = v6 ? QUOTE_V6 : QUOTE_V4;
	if (quote > left)
		quote = left;
	len = at + (v6 ? 48 : 28) + quote;
	bytes = calloc(1, len);
	if (!bytes)
		abort();
	memcpy(bytes, f->bytes, at);
	memcpy(bytes, f->bytes + 6, 6);
	memcpy(bytes + 6, f->bytes, 6);
	(v6 ? write_v6 : write_v4)(bytes + at, f->bytes + at, quote, mtu);
	g = frame_new(bytes, len);
	free(bytes);
	return g;
}
