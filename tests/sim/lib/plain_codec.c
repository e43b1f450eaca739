#include "tests/sim/lib/plain_codec.h"

#include <string.h>

static uint8_t *
w16(uint8_t *p, uint32_t v)
{
	*p++ = (uint8_t)(v >> 8);
	*p++ = (uint8_t)v;
	return p;
}

static uint8_t *
w32(uint8_t *p, uint32_t v)
{
	return w16(w16(p, v >> 16), v & 0xffff);
}

static uint32_t
r16(const uint8_t *p)
{
	return (uint32_t)p[0] << 8 | p[1];
}

static uint32_t
r32(const uint8_t *p)
{
	return r16(p) << 16 | r16(p + 2);
}

/* RFC 1071: the sum of 16-bit words in one's complement; not yet inverted. */
static uint32_t
add_up(uint64_t sum, const uint8_t *p, size_t len)
{
	for (; len > 1; p += 2, len -= 2)
		sum += r16(p);
	if (len)
		sum += (uint32_t)*p << 8;
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	return (uint32_t)sum;
}

static uint32_t
tcp_sum(bool v6, const uint8_t *src, const uint8_t *dst, const uint8_t *tcp, size_t len)
{
	size_t alen = v6 ? 16 : 4;
	uint32_t sum = add_up(6 + len, src, alen);

	return add_up(add_up(sum, dst, alen), tcp, tcp ? len : 0);
}

static uint8_t *
write_options(uint8_t *p, const struct plain_segment *s)
{
	uint8_t *start = p;
	unsigned i;

	if (s->mss) {
		p = w16(p, 0x0204);
		p = w16(p, s->mss);
	}
	if (s->wscale >= 0) {
		p = w16(p, 0x0103);
		p = w16(p, 0x0300u | (unsigned)s->wscale);
	}
	if (s->sack_ok)
		p = w32(p, 0x01010402);
	if (s->has_ts) {
		p = w32(p, 0x0101080a);
		p = w32(w32(p, s->tsval), s->tsecr);
	}
	if (s->n_sacks) {
		p = w32(p, 0x01010500u | (2 + 8 * s->n_sacks));
		for (i = 0; i < s->n_sacks; i++)
			p = w32(w32(p, s->sack[i].from), s->sack[i].to);
	}
	/* The wscale option above is nop, 3, 3, shift: four bytes, aligned as all others. */
	while ((p - start) % 4)
		*p++ = 0;
	return p;
}

static uint8_t *
write_ip(uint8_t *p, const struct identity *id, uint8_t ecn, size_t tcp_len)
{
	uint8_t *ip = p, tos = id->tos | ecn;

	if (id->v6) {
		p = w32(p, 6u << 28 | (uint32_t)tos << 20 | (id->flow_label & 0xfffff));
		p = w16(p, (uint32_t)tcp_len);
		*p++ = 6;
		*p++ = id->ttl;
		memcpy(p, id->addr, 16);
		memcpy(p + 16, id->peer_addr, 16);
		return p + 32;
	}
	*p++ = 0x45;
	*p++ = tos;
	p = w16(p, (uint32_t)(20 + tcp_len));
	p = w16(p, id->df ? 0 : (uint32_t)(tcp_len * 7 + id->port));
	p = w16(p, id->df ? 0x4000 : 0);
	*p++ = id->ttl;
	*p++ = 6;
	p = w16(p, 0);
	memcpy(p, id->addr, 4);
	memcpy(p + 4, id->peer_addr, 4);
	w16(ip + 10, ~add_up(0, ip, 20));
	return p + 8;
}

struct frame *
plain_build(const struct identity *id, const struct plain_segment *s, bool checksum)
{
	static uint8_t buf[FRAME_MAX + 64];
	uint8_t opts[40], *tcp, *p = buf;
	size_t opt_len = (size_t)(write_options(opts, s) - opts);
	size_t tcp_len = 20 + opt_len + s->len;
	struct frame *f;
	unsigned i;

	memcpy(p, id->peer_mac, 6);
	memcpy(p + 6, id->mac, 6);
	p += 12;
	for (i = 0; i < id->n_tags; i++)
		p = w16(w16(p, id->tag[i].tpid), id->tag[i].tci);
	p = w16(p, id->v6 ? 0x86dd : 0x0800);
	tcp = p = write_ip(p, id, s->ecn, tcp_len);
	p = w16(w16(p, id->port), id->peer_port);
	p = w32(w32(p, s->seq), s->flags & PF_ACK ? s->ack : 0);
	*p++ = (uint8_t)((20 + opt_len) / 4 << 4);
	*p++ = s->flags;
	p = w16(w16(w16(p, s->window), 0), s->urgent);
	memcpy(p, opts, opt_len);
	p += opt_len;
	if (s->len)
		memcpy(p, s->payload, s->len);
	p += s->len;
	if (checksum)
		w16(tcp + 16, ~tcp_sum(id->v6, id->addr, id->peer_addr, tcp, tcp_len));
	else	/* what a partial checksum holds: the pseudo-header's sum, not inverted */
		w16(tcp + 16, tcp_sum(id->v6, id->addr, id->peer_addr, NULL, tcp_len));
	while (id->pad && p - buf < 60)
		*p++ = 0;
	f = frame_new(buf, (size_t)(p - buf));
	f->csum_none = !checksum;
	return f;
}

static bool
read_options(const uint8_t *p, size_t len, struct plain_segment *s)
{
	size_t n;
	unsigned i;

	while (len > 0 && *p != 0) {
		if (*p == 1) {
			p++, len--;
			continue;
		}
		if (len < 2 || (n = p[1]) < 2 || n > len)
			return false;
		if (p[0] == 2 && n == 4)
			s->mss = (uint16_t)r16(p + 2);
		else if (p[0] == 3 && n == 3)
			s->wscale = p[2] > 14 ? 14 : p[2];
		else if (p[0] == 4 && n == 2)
			s->sack_ok = true;
		else if (p[0] == 8 && n == 10)
			s->has_ts = true, s->tsval = r32(p + 2), s->tsecr = r32(p + 6);
		else if (p[0] == 5 && n % 8 == 2)
			for (i = 0; i < n / 8 && s->n_sacks < PLAIN_SACKS; i++, s->n_sacks++) {
				s->sack[s->n_sacks].from = r32(p + 2 + 8 * i);
				s->sack[s->n_sacks].to = r32(p + 6 + 8 * i);
			}
		p += n, len -= n;
	}
	return true;
}

/* The TCP segment inside the IP packet at `p`, or NULL; addresses and checksum are checked. */
static const uint8_t *
read_ip(const struct identity *id, const uint8_t *p, size_t len, size_t *tcp_len)
{
	size_t hlen, total;

	if (id->v6) {
		if (len < 40 || p[0] >> 4 != 6 || p[6] != 6 || r16(p + 4) + 40 > len ||
		    memcmp(p + 8, id->peer_addr, 16) || memcmp(p + 24, id->addr, 16))
			return NULL;
		*tcp_len = r16(p + 4);
		return p + 40;
	}
	if (len < 20 || p[0] >> 4 != 4 || (hlen = (size_t)(p[0] & 15) * 4) < 20 || hlen > len)
		return NULL;
	total = r16(p + 2);
	if (add_up(0, p, hlen) != 0xffff || total > len || total < hlen || p[9] != 6 ||
	    (r16(p + 6) & 0x3fff) || memcmp(p + 12, id->peer_addr, 4) ||
	    memcmp(p + 16, id->addr, 4))
		return NULL;
	*tcp_len = total - hlen;
	return p + hlen;
}

bool
plain_parse(const struct identity *id, const struct frame *f, struct plain_segment *s)
{
	const uint8_t *p = f->bytes + 12, *end = f->bytes + f->len;
	size_t tcp_len, off;
	unsigned i;

	memset(s, 0, sizeof *s);
	s->wscale = -1;
	if (f->len < 14 + 4 * (size_t)id->n_tags || memcmp(f->bytes, id->mac, 6))
		return false;
	for (i = 0; i < id->n_tags; i++, p += 4)
		if (r16(p) != id->tag[i].tpid || (r16(p + 2) ^ id->tag[i].tci) & 0xfff)
			return false;
	if (r16(p) != (id->v6 ? 0x86dd : 0x0800))
		return false;
	if (p + 4 <= end)
		s->ecn = (id->v6 ? p[3] >> 4 : p[3]) & 3;
	p = read_ip(id, p + 2, (size_t)(end - p - 2), &tcp_len);
	if (!p || tcp_len < 20 || (off = (size_t)(p[12] >> 4) * 4) < 20 || off > tcp_len ||
	    r16(p) != id->peer_port || r16(p + 2) != id->port)
		return false;
	if (!f->csum_none && tcp_sum(id->v6, id->addr, id->peer_addr, p, tcp_len) != 0xffff)
		return false;
	s->seq = r32(p + 4);
	s->ack = r32(p + 8);
	s->flags = p[13] & (31 | PF_ECE | PF_CWR);
	s->window = (uint16_t)r16(p + 14);
	s->payload = p + off;
	s->len = tcp_len - off;
	return read_options(p + 20, off - 20, s);
}
