/*
 * pcapng.c - see pcapng.h.
 */
#include "datapath/pcapng.h"

#include <string.h>

enum {
	BLOCK_SECTION = 0x0a0d0d0a,
	BLOCK_INTERFACE = 1,
	BLOCK_STATISTICS = 5,
	BLOCK_PACKET = 6,
	BYTE_ORDER_MAGIC = 0x1a2b3c4d,
	LINK_ETHERNET = 1,
	RESOLUTION_US = 6,		/* 10^-6 s */
};

enum {
	OPT_END = 0,
	OPT_COMMENT = 1,
	SECTION_PROGRAM = 4,
	INTERFACE_NAME = 2,
	INTERFACE_DESCRIPTION = 3,
	INTERFACE_RESOLUTION = 9,
	PACKET_FLAGS = 2,
	STATISTICS_BEGAN = 2,
	STATISTICS_ENDED = 3,
	STATISTICS_RECEIVED = 4,
	STATISTICS_DROPPED = 5,
};

enum { TEXT_MAX = 1024, PACKET_FIXED = 28, PACKET_OPTIONS = 12, LENGTH_LEN = 4 };

/* A block in the making. */
struct block {
	uint8_t *b;
	size_t n;
};

static void
put(struct block *out, const void *bytes, size_t n)
{
	memcpy(out->b + out->n, bytes, n);
	out->n += n;
}

static void
put16(struct block *out, uint16_t v)
{
	put(out, &v, sizeof v);
}

static void
put32(struct block *out, uint32_t v)
{
	put(out, &v, sizeof v);
}

static uint32_t
padded(uint32_t n)
{
	return (n + 3) & ~3u;
}

static void
put_padding(struct block *out, uint32_t n)
{
	put(out, "\0\0\0", padded(n) - n);
}

static void
put_option(struct block *out, uint16_t code, const void *value, size_t n)
{
	put16(out, code);
	put16(out, (uint16_t)n);
	put(out, value, n);
	put_padding(out, (uint32_t)n);
}

static void
put_text_option(struct block *out, uint16_t code, const char *s)
{
	size_t n = strlen(s);

	if (n)
		put_option(out, code, s, n < TEXT_MAX ? n : TEXT_MAX);
}

/* High half first, whatever the byte order. */
static void
put_time_option(struct block *out, uint16_t code, int64_t us)
{
	const uint32_t halves[2] = { (uint32_t)((uint64_t)us >> 32), (uint32_t)us };

	put_option(out, code, halves, sizeof halves);
}

/* Blocks begin and end with their whole length. */
static struct block
begin(uint8_t *to, uint32_t type)
{
	struct block out = { .b = to };

	put32(&out, type);
	put32(&out, 0);
	return out;
}

static size_t
end(struct block *out)
{
	uint32_t length;

	put32(out, OPT_END);
	length = (uint32_t)out->n + LENGTH_LEN;
	put32(out, length);
	memcpy(out->b + 4, &length, sizeof length);
	return out->n;
}

size_t
pcapng_section(uint8_t to[PCAPNG_BLOCK_MAX], const char *program, const char *comment)
{
	static const uint64_t unknown_length = UINT64_MAX;
	struct block out = begin(to, BLOCK_SECTION);

	put32(&out, BYTE_ORDER_MAGIC);
	put16(&out, 1);
	put16(&out, 0);
	put(&out, &unknown_length, sizeof unknown_length);
	put_text_option(&out, OPT_COMMENT, comment);
	put_text_option(&out, SECTION_PROGRAM, program);
	return end(&out);
}

size_t
pcapng_interface(uint8_t to[PCAPNG_BLOCK_MAX], const char *name, const char *description,
		 uint32_t snaplen)
{
	static const uint8_t resolution = RESOLUTION_US;
	struct block out = begin(to, BLOCK_INTERFACE);

	put16(&out, LINK_ETHERNET);
	put16(&out, 0);
	put32(&out, snaplen);
	put_text_option(&out, INTERFACE_NAME, name);
	put_text_option(&out, INTERFACE_DESCRIPTION, description);
	put_option(&out, INTERFACE_RESOLUTION, &resolution, 1);
	return end(&out);
}

size_t
pcapng_head(uint8_t to[PCAPNG_HEAD_LEN], uint32_t interface, int64_t us, uint32_t captured,
	    uint32_t length)
{
	struct block out = { .b = to };

	put32(&out, BLOCK_PACKET);
	put32(&out, PACKET_FIXED + padded(captured) + PACKET_OPTIONS + LENGTH_LEN);
	put32(&out, interface);
	put32(&out, (uint32_t)((uint64_t)us >> 32));
	put32(&out, (uint32_t)us);
	put32(&out, captured);
	put32(&out, length);
	return out.n;
}

size_t
pcapng_tail(uint8_t to[PCAPNG_TAIL_MAX], uint32_t captured, enum pcapng_direction direction)
{
	const uint32_t flags = direction;
	struct block out = { .b = to };

	put_padding(&out, captured);
	put_option(&out, PACKET_FLAGS, &flags, sizeof flags);
	put32(&out, OPT_END);
	put32(&out, PACKET_FIXED + padded(captured) + PACKET_OPTIONS + LENGTH_LEN);
	return out.n;
}

size_t
pcapng_statistics(uint8_t to[PCAPNG_BLOCK_MAX], uint32_t interface, int64_t began_us,
		  int64_t ended_us, uint64_t received, uint64_t dropped)
{
	struct block out = begin(to, BLOCK_STATISTICS);

	put32(&out, interface);
	put32(&out, (uint32_t)((uint64_t)ended_us >> 32));
	put32(&out, (uint32_t)ended_us);
	put_time_option(&out, STATISTICS_BEGAN, began_us);
	put_time_option(&out, STATISTICS_ENDED, ended_us);
	put_option(&out, STATISTICS_RECEIVED, &received, sizeof received);
	put_option(&out, STATISTICS_DROPPED, &dropped, sizeof dropped);
	return end(&out);
}
