#include "tests/sim/lib/fragment.h"

#include <string.h>

#include "tests/sim/lib/see.h"

enum { MORE = 0x2000, OFFSET = 0x1fff };

static unsigned
get16(const uint8_t *p)
{
	return (unsigned)p[0] << 8 | p[1];
}

static void
put16(uint8_t *p, unsigned v)
{
	p[0] = (uint8_t)(v >> 8);
	p[1] = (uint8_t)v;
}

static size_t
header_of(const struct frame *f)
{
	size_t ip = frame_ip_offset(f->bytes, f->len);

	return ip + 20 <= f->len && f->bytes[ip] >> 4 == 4 ? ip : 0;
}

static unsigned
field(const struct frame *f, unsigned at)
{
	return get16(f->bytes + header_of(f) + at);
}

/* RFC 1071, of a whole header; 0 where that is right. */
static unsigned
header_checksum(const uint8_t *ip)
{
	unsigned ihl = (ip[0] & 15u) * 4, i;
	uint32_t sum = 0;

	for (i = 0; i < ihl; i += 2)
		sum += get16(ip + i);
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	return ~sum & 0xffff;
}

/* Length, id and offset as given, and the checksum of it. */
static void
write_header(uint8_t *ip, size_t len, uint16_t id, unsigned frag)
{
	put16(ip + 2, (unsigned)len);
	put16(ip + 4, id);
	put16(ip + 6, frag);
	put16(ip + 10, 0);
	put16(ip + 10, header_checksum(ip));
}

bool
fragment_fits(const struct frame *f)
{
	struct seen s;

	if (f->gso_size || f->csum_none)
		return false;
	see(f, &s);
	return (s.what == SEEN_TCP || s.what == SEEN_BAD_TCP) && !s.v6 && !s.df && s.len > 0 &&
	       s.payload + s.len == f->bytes + f->len;
}

unsigned
fragment_cut(const struct frame *f, uint16_t id, unsigned n, struct frame *piece[FRAGMENT_PIECES])
{
	size_t ip = header_of(f), start = ip + (f->bytes[ip] & 15u) * 4u;
	size_t whole = ip + field(f, 2) - start, each = (whole + 8 * n - 1) / (8 * n) * 8, at;
	uint8_t bytes[FRAME_MAX];
	unsigned k = 0;

	for (at = 0; at < whole; at += each) {
		size_t len = whole - at < each ? whole - at : each;
		unsigned more = at + len < whole ? MORE : 0;

		memcpy(bytes, f->bytes, start);
		memcpy(bytes + start, f->bytes + start + at, len);
		write_header(bytes + ip, start - ip + len, id, (unsigned)(at / 8) | more);
		piece[k++] = frame_new(bytes, start + len);
	}
	return k;
}

bool
fragment_is_piece(const struct frame *f)
{
	size_t ip = header_of(f), ihl = (f->bytes[ip] & 15u) * 4u;

	/* A bit that was flipped on the wire makes none. */
	return ip && field(f, 6) & (MORE | OFFSET) && ip + ihl <= f->len &&
	       header_checksum(f->bytes + ip) == 0;
}

uint16_t
fragment_id(const struct frame *f)
{
	return (uint16_t)field(f, 4);
}

void
fragment_forget(struct fragment_join *j)
{
	while (j->n > 0)
		frame_free(j->piece[--j->n]);
}

struct frame *
fragment_add(struct fragment_join *j, struct frame *f, uint16_t id)
{
	size_t ip = header_of(f), start = ip + (f->bytes[ip] & 15u) * 4u, sum = 0, whole = 0;
	uint8_t bytes[FRAME_MAX];
	struct frame *all;
	unsigned i;

	if (j->n == FRAGMENT_PIECES)
		fragment_forget(j);
	j->piece[j->n++] = f;
	for (i = 0; i < j->n; i++) {
		const struct frame *p = j->piece[i];
		size_t at = (field(p, 6) & OFFSET) * 8u, len = ip + field(p, 2) - start;

		memcpy(bytes + start + at, p->bytes + start, len);
		sum += len;
		if (!(field(p, 6) & MORE))
			whole = at + len;
		if (at == 0)
			memcpy(bytes, p->bytes, start);
	}
	if (whole == 0 || sum != whole)
		return NULL;
	write_header(bytes + ip, start - ip + whole, id, 0);
	all = frame_new(bytes, start + whole);
	fragment_forget(j);
	return all;
}
