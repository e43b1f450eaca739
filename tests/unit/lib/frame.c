/* frame.c - layers, and their lengths and checksums at the end. */
#include "tests/unit/frame.h"

#include <arpa/inet.h>
#include <assert.h>
#include <string.h>

#include "tests/unit/eal.h"
#include "tests/unit/lib/put.h"

static uint8_t *
append(struct frame *f, size_t len)
{
	uint8_t *b = f->b + f->len;

	assert(f->len + len <= FRAME_MAX);
	memset(b, 0, len);
	f->len += len;
	return b;
}

static uint8_t *
append_layer(struct frame *f, char kind, size_t len)
{
	assert(f->n_layers < FRAME_MAX_LAYERS);
	f->layer[f->n_layers].kind = kind;
	f->layer[f->n_layers++].at = f->len;
	return append(f, len);
}

void
frame_init(struct frame *f)
{
	f->len = 0;
	f->n_layers = 0;
}

void
frame_bytes(struct frame *f, const void *bytes, size_t len)
{
	if (len)
		memcpy(append(f, len), bytes, len);
}

void
frame_fill(struct frame *f, size_t len)
{
	uint8_t *b = append(f, len);
	size_t i;

	for (i = 0; i < len; i++)
		b[i] = i % 251;
}

void
frame_ether(struct frame *f, uint16_t type)
{
	static const uint8_t macs[12] = { 2, 0, 0, 0, 0, 2, 2, 0, 0, 0, 0, 1 };

	frame_bytes(f, macs, sizeof macs);
	put16(append(f, 2), type);
}

/* The type before the tag becomes the tag's; the tag's own the one that was there. */
void
frame_tag(struct frame *f, uint16_t tpid, uint16_t tci)
{
	uint8_t *b = append(f, 4);

	b[2] = b[-2];
	b[3] = b[-1];
	put16(b - 2, tpid);
	put16(b, tci);
}

void
frame_ip4(struct frame *f, const char *src, const char *dst, uint8_t proto, const void *options,
	  size_t options_len)
{
	uint8_t *b;

	if (f->n_layers == 0)
		put16(f->b + f->len - 2, 0x0800);
	b = append_layer(f, '4', 20);
	b[0] = 0x40 | (5 + options_len / 4);
	b[6] = 0x40;	/* DF */
	b[8] = 64;
	b[9] = proto;
	assert(inet_pton(AF_INET, src, b + 12) == 1 && inet_pton(AF_INET, dst, b + 16) == 1);
	frame_bytes(f, options, options_len);
}

void
frame_ip6(struct frame *f, const char *src, const char *dst, uint8_t next)
{
	uint8_t *b;

	if (f->n_layers == 0)
		put16(f->b + f->len - 2, 0x86dd);
	b = append_layer(f, '6', 40);
	b[0] = 0x60;
	b[6] = next;
	b[7] = 64;
	assert(inet_pton(AF_INET6, src, b + 8) == 1 && inet_pton(AF_INET6, dst, b + 24) == 1);
}

void
frame_tcp(struct frame *f, uint16_t sport, uint16_t dport, uint32_t seq, uint32_t ack,
	  uint16_t flags, uint16_t window, const void *options, size_t options_len)
{
	uint8_t *b = append_layer(f, 't', 20);

	put16(b, sport);
	put16(b + 2, dport);
	put32(b + 4, seq);
	put32(b + 8, ack);
	put16(b + 12, (5 + options_len / 4) << 12 | flags);
	put16(b + 14, window);
	frame_bytes(f, options, options_len);
}

void
frame_icmp(struct frame *f, uint8_t type, uint8_t code, uint32_t rest)
{
	uint8_t *b = append_layer(f, 'i', 8);

	b[0] = type;
	b[1] = code;
	put32(b + 4, rest);
}

void
frame_icmp6(struct frame *f, uint8_t type, uint8_t code, uint32_t rest)
{
	frame_icmp(f, type, code, rest);
	f->layer[f->n_layers - 1].kind = 'j';
}

void
frame_trailer(struct frame *f, size_t len)
{
	memset(append(f, len), 0xee, len);
}

uint16_t
naive_sum(const uint8_t *b, size_t len, uint32_t sum)
{
	size_t i;

	for (i = 0; i < len; i++) {
		sum += i % 2 ? b[i] : b[i] << 8;
		if (sum > 0xffff)
			sum -= 0xffff;
	}
	return sum;
}

static uint32_t
pseudo_sum(const struct frame *f, unsigned ip, uint8_t proto, size_t len)
{
	const uint8_t *b = f->b + f->layer[ip].at;
	uint32_t sum;

	if (f->layer[ip].kind == '4')
		sum = naive_sum(b + 12, 8, 0);
	else
		sum = naive_sum(b + 8, 32, 0);
	sum += proto + (len >> 16) + (len & 0xffff);
	return (sum & 0xffff) + (sum >> 16);
}

static void
end_layer(struct frame *f, unsigned i)
{
	uint8_t *b = f->b + f->layer[i].at;
	size_t len = f->len - f->layer[i].at;

	switch (f->layer[i].kind) {
	case '4':
		put16(b + 2, len);
		put16(b + 10, 0);
		put16(b + 10, ~naive_sum(b, (b[0] & 15) * 4, 0));
		break;
	case '6':
		put16(b + 4, len - 40);
		break;
	case 't':
		put16(b + 16, 0);
		put16(b + 16, ~naive_sum(b, len, pseudo_sum(f, i - 1, 6, len)));
		break;
	case 'i':
		put16(b + 2, 0);
		put16(b + 2, ~naive_sum(b, len, 0));
		break;
	case 'j':
		put16(b + 2, 0);
		put16(b + 2, ~naive_sum(b, len, pseudo_sum(f, i - 1, 58, len)));
		break;
	}
}

void
frame_end(struct frame *f)
{
	unsigned i;

	for (i = f->n_layers; i-- > 0;)
		end_layer(f, i);
}

struct rte_mbuf *
frame_mbuf(const struct frame *f)
{
	return test_mbuf(f->b, f->len);
}
