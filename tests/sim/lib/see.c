#include "tests/sim/lib/see.h"

#include <arpa/inet.h>
#include <string.h>

/* Reads big-endian numbers from a window of bytes; past its end everything is 0 and `bad`. */
struct cursor {
	const uint8_t *p;
	size_t left;
	bool bad;
};

static const uint8_t *
take(struct cursor *c, size_t n)
{
	static const uint8_t zeros[64];
	const uint8_t *p = c->p;

	if (n > c->left) {
		c->bad = true;
		return zeros;
	}
	c->p += n;
	c->left -= n;
	return p;
}

static uint32_t
number(struct cursor *c, int bytes)
{
	const uint8_t *p = take(c, (size_t)bytes);
	uint32_t v = 0;

	while (bytes-- > 0)
		v = v << 8 | *p++;
	return v;
}

/* RFC 1071 in 32-bit steps over little-endian words: the result is byte-swapped, zero stays. */
static uint32_t
ones_sum(uint64_t sum, const uint8_t *p, size_t len)
{
	uint16_t w;

	for (; len > 1; p += 2, len -= 2) {
		memcpy(&w, p, 2);
		sum += w;
	}
	if (len)
		sum += *p;
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	return (uint32_t)sum;
}

static bool
tcp_checksum_right(const struct seen *s, const uint8_t *tcp, size_t len)
{
	uint8_t pseudo[4] = { 0, 6, (uint8_t)(len >> 8), (uint8_t)len };
	size_t alen = s->v6 ? 16 : 4;
	uint32_t sum = ones_sum(0, pseudo, 4);

	sum = ones_sum(sum, s->src, alen);
	sum = ones_sum(sum, s->dst, alen);
	return ones_sum(sum, tcp, len) == 0xffff;
}

static bool
see_option(struct seen *s, unsigned kind, struct cursor *o)
{
	switch (kind) {
	case 2:
		s->has_mss = true;
		s->mss = (uint16_t)number(o, 2);
		break;
	case 3:
		s->has_wscale = true;
		s->wscale = (uint8_t)number(o, 1);
		break;
	case 4:
		s->sack_ok = true;
		break;
	case 5:
		while (o->left >= 8 && s->n_sacks < 4) {
			s->sack[s->n_sacks][0] = number(o, 4);
			s->sack[s->n_sacks++][1] = number(o, 4);
		}
		break;
	case 8:
		s->has_ts = true;
		s->tsval = number(o, 4);
		s->tsecr = number(o, 4);
		break;
	default:
		s->odd_option = true;
		o->left = 0;
	}
	return o->left == 0 && !o->bad;
}

static bool
see_options(struct seen *s, const uint8_t *p, size_t len)
{
	struct cursor c = { .p = p, .left = len }, o = { 0 };
	unsigned kind, size;

	while (c.left) {
		kind = number(&c, 1);
		if (kind == 0)
			break;
		if (kind == 1)
			continue;
		size = number(&c, 1);
		if (c.bad || size < 2 || size - 2 > c.left)
			return false;
		o.left = size - 2;
		o.p = take(&c, size - 2);
		if (!see_option(s, kind, &o))
			return false;
	}
	return true;
}

static void
see_tcp(struct seen *s, struct cursor c, bool unsummed)
{
	const uint8_t *start = c.p;
	size_t len = c.left;
	uint32_t word, hlen;

	s->what = SEEN_BAD_TCP;
	s->sport = (uint16_t)number(&c, 2);
	s->dport = (uint16_t)number(&c, 2);
	s->seq = number(&c, 4);
	s->ack = number(&c, 4);
	word = number(&c, 2);
	s->window = (uint16_t)number(&c, 2);
	take(&c, 2);
	s->urgent = (uint16_t)number(&c, 2);
	hlen = (word >> 12) * 4;
	s->flags = word & 0x1ff;
	if (c.bad || hlen < 20 || hlen > len) {
		s->what = SEEN_BAD_IP;
		return;
	}
	s->opt_len = hlen - 20;
	s->payload = start + hlen;
	s->len = (uint32_t)(len - hlen);
	if ((unsummed || tcp_checksum_right(s, start, len)) &&
	    see_options(s, start + 20, s->opt_len))
		s->what = SEEN_TCP;
}

static bool
see_ipv4(struct seen *s, struct cursor *c)
{
	const uint8_t *ip = c->p;
	uint32_t vhl = number(c, 1), total, frag, proto;

	s->tos = (uint8_t)number(c, 1);
	total = number(c, 2);
	take(c, 2);
	frag = number(c, 2);
	s->ttl = (uint8_t)number(c, 1);
	proto = number(c, 1);
	take(c, 2);
	s->src = take(c, 4);
	s->dst = take(c, 4);
	s->df = frag & 0x4000;
	if (c->bad || vhl >> 4 != 4 || (vhl & 15) < 5)
		return false;
	take(c, (vhl & 15) * 4 - 20);
	if (c->bad || ones_sum(0, ip, (vhl & 15) * 4) != 0xffff || total < (vhl & 15) * 4)
		return false;
	total -= (vhl & 15) * 4;
	if (total > c->left || frag & 0xbfff || proto != 6)
		return false;
	c->left = total;
	return true;
}

static bool
see_ipv6(struct seen *s, struct cursor *c)
{
	uint32_t word = number(c, 4), total = number(c, 2), next = number(c, 1);

	s->v6 = true;
	s->ttl = (uint8_t)number(c, 1);
	s->src = take(c, 16);
	s->dst = take(c, 16);
	s->tos = (uint8_t)(word >> 20);
	s->flow_label = word & 0xfffff;
	if (c->bad || word >> 28 != 6 || total > c->left || next != 6)
		return false;
	c->left = total;
	return true;
}

void
see(const struct frame *f, struct seen *s)
{
	struct cursor c = { .p = f->bytes, .left = f->len };
	uint32_t type;

	memset(s, 0, sizeof *s);
	s->what = SEEN_OTHER;
	s->dst_mac = take(&c, 6);
	s->src_mac = take(&c, 6);
	s->tags = c.p;
	type = number(&c, 2);
	while (type == 0x8100 || type == 0x88a8 || type == 0x9100) {
		take(&c, 2);
		type = number(&c, 2);
		s->n_tags++;
	}
	if (c.bad || (type != 0x0800 && type != 0x86dd))
		return;
	s->what = SEEN_BAD_IP;
	if (type == 0x0800 ? see_ipv4(s, &c) : see_ipv6(s, &c))
		see_tcp(s, c, f->csum_none);
}

static void
print_options(FILE *out, const struct seen *s)
{
	unsigned i;

	if (s->has_mss)
		fprintf(out, " mss %u", s->mss);
	if (s->has_wscale)
		fprintf(out, " wscale %u", s->wscale);
	if (s->sack_ok)
		fprintf(out, " sackOK");
	if (s->has_ts)
		fprintf(out, " TS val %u ecr %u", s->tsval, s->tsecr);
	for (i = 0; i < s->n_sacks; i++)
		fprintf(out, " sack %u:%u", s->sack[i][0], s->sack[i][1]);
}

void
see_print(FILE *out, const struct seen *s, const struct frame *f)
{
	static const char letter[] = "FSRP.UEW";
	static const char *const what[] = { "", " BAD-TCP", " BAD-IP", " not IP" };
	char a[INET6_ADDRSTRLEN] = "?", b[INET6_ADDRSTRLEN] = "?", flags[9];
	int i, n = 0;

	if (s->what == SEEN_OTHER || s->what == SEEN_BAD_IP) {
		fprintf(out, "%zu bytes,%s", f->len, what[s->what]);
		return;
	}
	inet_ntop(s->v6 ? AF_INET6 : AF_INET, s->src, a, sizeof a);
	inet_ntop(s->v6 ? AF_INET6 : AF_INET, s->dst, b, sizeof b);
	for (i = 0; i < 8; i++)
		if (s->flags & 1u << i)
			flags[n++] = letter[i];
	flags[n] = 0;
	fprintf(out, "%s.%u > %s.%u: [%s] seq %u", a, s->sport, b, s->dport, flags, s->seq);
	if (s->len)
		fprintf(out, ":%u", s->seq + s->len);
	if (s->flags & SEEN_ACK)
		fprintf(out, " ack %u", s->ack);
	fprintf(out, " win %u len %u", s->window, s->len);
	print_options(out, s);
	if (f->gso_size)
		fprintf(out, " gso %u", f->gso_size);
	fputs(what[s->what], out);
}
